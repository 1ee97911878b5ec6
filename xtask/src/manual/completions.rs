//! Completions for each shell, in the folders and under the names that the shells look for.

use std::path::Path;

use clap_complete::Shell;

use super::{File, register_shells};
use crate::completions;

/// The shells, with their folder and with what they put before and after a program's name.
const SHELLS: [(Shell, &str, [&str; 2]); 3] =
    [(Shell::Bash, "bash", ["", ""]), (Shell::Zsh, "zsh", ["_", ""]), (Shell::Fish, "fish", ["", ".fish"])];

/// `register`'s and `cargo xtask`'s.
pub(super) fn files() -> Vec<File> {
    let mut files = Vec::new();
    for (shell, folder, [before, after]) in SHELLS {
        let path = |program| Path::new("completions").join(folder).join(format!("{before}{program}{after}"));
        files.push((path("cargo-xtask"), completions::script(shell)));
        let script = match shell {
            Shell::Bash => register_shells::bash(),
            Shell::Zsh => register_shells::zsh(),
            _ => register_shells::fish(),
        };
        files.push((path("register"), script.into_bytes()));
    }
    files
}
