//! Completions for each shell, in the folders and under the names that the shells look for.

use std::path::Path;

use clap::{Command, CommandFactory as _};
use clap_complete::Shell;

use super::{File, register_shells};
use crate::cli::Cli;

/// The shells, with their folder and with what they put before and after a program's name.
const SHELLS: [(Shell, &str, [&str; 2]); 3] =
    [(Shell::Bash, "bash", ["", ""]), (Shell::Zsh, "zsh", ["_", ""]), (Shell::Fish, "fish", ["", ".fish"])];

/// `register`'s and `cargo xtask`'s.
pub(super) fn files() -> Vec<File> {
    let mut files = Vec::new();
    for (shell, folder, [before, after]) in SHELLS {
        let path = |program| Path::new("completions").join(folder).join(format!("{before}{program}{after}"));
        files.push((path("cargo-xtask"), commands(shell)));
        let script = match shell {
            Shell::Bash => register_shells::bash(),
            Shell::Zsh => register_shells::zsh(),
            _ => register_shells::fish(),
        };
        files.push((path("register"), script.into_bytes()));
    }
    files
}

/// The completion of `cargo xtask`, for the alias `cargo-xtask`: cargo's own completion knows nothing of its aliases.
pub(crate) fn commands(shell: Shell) -> Vec<u8> {
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
