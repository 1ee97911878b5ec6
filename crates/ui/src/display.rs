//! The display: bars and spinners on a terminal, plain lines elsewhere.

use std::borrow::Cow;
use std::io::IsTerminal as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base::size;
use clap::ColorChoice;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::heartbeat::{Heartbeat, Running, SILENCE, Unit};
use crate::paint;

/// The amount of output, and its colours.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Errors, warnings and the result alone.
    pub quiet: bool,
    /// Details, too.
    pub verbose: bool,
    /// When words are coloured.
    pub color: ColorChoice,
}

/// The progress display of one run. Cheap to clone; all clones draw to the same place.
#[derive(Clone)]
pub struct Ui {
    bars: MultiProgress,
    /// Everything is printed through it, so that it knows when that was. It watches over tasks where nothing is drawn.
    heartbeat: Heartbeat,
    /// True if bars are drawn.
    drawn: bool,
    colored: bool,
    options: Options,
}

impl Ui {
    /// Draws to stderr. `variable` answers for the environment, which may say more about colours.
    pub fn new(options: Options, variable: impl Fn(&str) -> Option<String>) -> Ui {
        let terminal = std::io::stderr().is_terminal();
        let drawn = terminal && !options.quiet;
        let target = if drawn { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let heartbeat = Heartbeat::new(Box::new(std::io::stderr()), SILENCE);
        let colored = paint::is_wanted(options.color, variable, terminal);
        Ui { bars: MultiProgress::with_draw_target(target), heartbeat, drawn, colored, options }
    }

    /// True if nothing but errors, warnings and the result is wanted.
    pub fn is_quiet(&self) -> bool {
        self.options.quiet
    }

    /// The options that have cargo print as much as this does, in the same colours. No variables: those would reach what cargo
    /// starts, such as tests that run cargo themselves.
    pub fn cargo(&self) -> Vec<String> {
        let quiet = self.is_quiet().then(|| "--quiet".to_owned());
        quiet.into_iter().chain(["--color".to_owned(), self.options.color.to_string()]).collect()
    }

    /// The display as the libraries see it.
    pub fn shared(&self) -> Arc<dyn debian::Progress> {
        Arc::new(self.clone())
    }

    /// A line about how the work goes.
    pub fn note(&self, line: impl AsRef<str>) {
        if !self.is_quiet() {
            self.say(line);
        }
    }

    /// A line that only those want who asked for all of them.
    pub fn detail(&self, line: impl AsRef<str>) {
        if self.options.verbose {
            self.note(line);
        }
    }

    /// A line that is always printed: an error, a warning, a part of the result.
    pub fn say(&self, line: impl AsRef<str>) {
        let line = match self.colored {
            true => Cow::Owned(paint::paint(line.as_ref())),
            false => Cow::Borrowed(line.as_ref()),
        };
        match self.drawn {
            true => self.bars.suspend(|| self.heartbeat.line(&line)),
            // Never both locks at once: the heartbeat looks at bars, which may be waiting for the display.
            false => self.heartbeat.line(&line),
        }
    }

    /// A step without a known length; it is over when the value is dropped.
    pub fn step(&self, what: impl Into<String>) -> Task {
        self.announced(&what.into(), Unit::Bytes, None)
    }

    /// A step that mostly takes no time: in a log, only one that does is mentioned.
    pub fn moment(&self, what: impl Into<String>) -> Task {
        self.task(&what.into(), Unit::Bytes, None)
    }

    /// A task over `total` bytes.
    pub fn bytes(&self, what: impl Into<String>, total: u64) -> Task {
        self.announced(&what.into(), Unit::Bytes, Some(total))
    }

    /// A task with a line of its own where nothing is drawn.
    fn announced(&self, what: &str, unit: Unit, total: Option<u64>) -> Task {
        if !self.drawn {
            match total {
                Some(total) if unit == Unit::Bytes => self.note(format!("{what} ({})", size(total))),
                _ => self.note(what),
            }
        }
        self.task(what, unit, total)
    }

    fn task(&self, what: &str, unit: Unit, total: Option<u64>) -> Task {
        let style = ProgressStyle::with_template(template(unit, total.is_some()))
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = match total {
            Some(total) => ProgressBar::new(total),
            None => ProgressBar::new_spinner(),
        };
        let bar = self.bars.add(bar.with_style(style).with_message(what.to_owned()));
        let running = match self.drawn {
            true => {
                bar.enable_steady_tick(Duration::from_millis(120));
                None
            }
            false if self.is_quiet() => None,
            false => Some(self.heartbeat.watch(what, unit, &bar)),
        };
        Task { bar, started: Instant::now(), _running: running }
    }
}

impl debian::progress::Progress for Ui {
    fn start(&self, name: &str, size: u64) -> Box<dyn debian::progress::Task> {
        Box::new(self.bytes(name, size))
    }

    fn step(&self, what: &str) -> Box<dyn debian::progress::Task> {
        Box::new(Ui::step(self, what))
    }

    fn moment(&self, what: &str) -> Box<dyn debian::progress::Task> {
        Box::new(Ui::moment(self, what))
    }

    fn count(&self, what: &str, total: u64) -> Box<dyn debian::progress::Task> {
        Box::new(self.announced(what, Unit::Things, Some(total)))
    }

    fn note(&self, message: &str) {
        Ui::note(self, message);
    }

    fn warn(&self, message: &str) {
        Ui::say(self, message);
    }

    fn detail(&self, message: &str) {
        Ui::detail(self, message);
    }
}

impl debian::progress::Task for Task {
    fn at(&mut self, position: u64) {
        self.bar.set_position(position);
    }

    fn advance(&self, more: u64) {
        Task::advance(self, more);
    }
}

/// One bar or spinner; dropping it takes it off the display.
pub struct Task {
    bar: ProgressBar,
    started: Instant,
    _running: Option<Running>,
}

impl Task {
    /// So many bytes or things more are done.
    pub fn advance(&self, more: u64) {
        self.bar.inc(more);
    }

    /// The time since it began.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// The form of a task's line. Sizes are in powers of ten, as everywhere else.
fn template(unit: Unit, has_total: bool) -> &'static str {
    match (unit, has_total) {
        (_, false) => "  {spinner} {msg} {elapsed}",
        (Unit::Bytes, true) => {
            "  {msg:<44} {bar:24} {decimal_bytes:>10}/{decimal_total_bytes:<10} {decimal_bytes_per_sec}"
        }
        (Unit::Things, true) => "  {msg:<44} {bar:24} {pos:>10}/{len:<10} {elapsed}",
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Mutex;

    use super::*;

    /// A terminal that keeps what is written.
    #[derive(Debug, Clone, Default)]
    struct Kept(Arc<Mutex<String>>);

    impl indicatif::TermLike for Kept {
        fn width(&self) -> u16 {
            120
        }

        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn write_line(&self, text: &str) -> io::Result<()> {
            self.write_str(text)
        }

        fn write_str(&self, text: &str) -> io::Result<()> {
            self.0.lock().unwrap().push_str(text);
            Ok(())
        }

        fn clear_line(&self) -> io::Result<()> {
            Ok(())
        }

        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A line as a terminal shows it.
    fn drawn(unit: Unit, position: u64, total: u64) -> String {
        let terminal = Kept::default();
        let target = ProgressDrawTarget::term_like(Box::new(terminal.clone()));
        let bar = ProgressBar::with_draw_target(Some(total), target);
        bar.set_style(ProgressStyle::with_template(template(unit, true)).unwrap());
        bar.set_position(position);
        bar.force_draw();
        terminal.0.lock().unwrap().clone()
    }

    #[test]
    fn a_bar_counts_in_powers_of_ten() {
        let line = drawn(Unit::Bytes, 12_300_000, 72_600_000);
        assert!(line.contains("12.30 MB/72.60 MB") && !line.contains("iB"), "{line}");
    }
}
