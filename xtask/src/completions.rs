//! `cargo xtask completions`: the completion script of these commands.

use clap::{Command, CommandFactory as _};
use clap_complete::Shell;

use crate::cli::Cli;

pub(crate) fn run(shell: Shell) -> anyhow::Result<()> {
    Ok(ui::print(&String::from_utf8(script(shell))?)?)
}

/// The completion of `cargo xtask`, for the alias `cargo-xtask`: cargo's own completion knows nothing of its aliases.
pub(crate) fn script(shell: Shell) -> Vec<u8> {
    let generate = |name: &str| {
        let (mut script, mut command): (_, Command) = (Vec::new(), Cli::command());
        clap_complete::generate(shell, &mut command, name, &mut script);
        script
    };
    if shell != Shell::Bash {
        return generate("cargo-xtask");
    }
    // With a dash in the program's name, nothing is completed after a command (clap-rs/clap#6421). So the name has none but
    // in the lines at the end, which say whose completion this is.
    let script = String::from_utf8_lossy(&generate("cargo_xtask")).into_owned();
    script.replace(" default cargo_xtask\n", " default cargo-xtask\n").into_bytes()
}
