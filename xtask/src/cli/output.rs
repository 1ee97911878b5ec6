//! The amount of a command's output, and its colours. The same for all of them.

use clap::{Args, ColorChoice};

#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Messages")]
pub(crate) struct Output {
    /// Print errors, warnings and the result alone: no progress, nothing about how it goes
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Also print what is fetched and from where, and what is reused
    #[arg(long, short, global = true)]
    pub(crate) verbose: bool,
    /// Colour `error:`, `warning:` and `hint:`; auto does on a terminal, unless NO_COLOR is set, and elsewhere if CLICOLOR_FORCE is
    #[arg(long, value_name = "WHEN", global = true, default_value_t)]
    pub(crate) color: ColorChoice,
}

impl Output {
    pub(crate) fn options(self) -> ui::Options {
        ui::Options { quiet: self.quiet, verbose: self.verbose, color: self.color }
    }
}
