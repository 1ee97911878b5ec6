//! Manual pages, completions and [`tables`] of options, made from help texts: those of `register` and of `run` from their own
//! help, those of a program made with clap from what clap knows of it.
//!
//! This crate writes no file, and knows no command line but theirs. The same texts give the same bytes.

mod blocks;
mod commands;
mod completions;
mod register;
mod run;
mod run_completions;
pub mod tables;

use std::io;
use std::path::{Path, PathBuf};

use clap::Command;
use clap_complete::Shell;

/// A page or a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its place: completions are in one folder for each shell, under the name that the shell looks for.
    pub path: PathBuf,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// The shells, each with its folder and with what it puts before and after a program's name.
const SHELLS: [(Shell, &str, [&str; 2]); 3] =
    [(Shell::Bash, "bash", ["", ""]), (Shell::Zsh, "zsh", ["_", ""]), (Shell::Fish, "fish", ["", ".fish"])];

impl File {
    fn new(path: impl Into<PathBuf>, bytes: Vec<u8>) -> File {
        File { path: path.into(), bytes }
    }

    /// Its name where there are no folders. Of the three called `register` and the like, bash's is the one that does not say
    /// which shell it is for: `register.bash`.
    pub fn flat_name(&self) -> String {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        match self.path.starts_with("completions/bash") {
            true => format!("{name}.bash"),
            false => name.into_owned(),
        }
    }
}

/// The pages of `register`, `run`, `program` and each of its commands, and the completions of the three; `script` makes those of
/// `program`. Sorted by path.
pub fn files(program: Command, script: fn(Shell) -> Vec<u8>) -> io::Result<Vec<File>> {
    let name = program.get_name().to_owned();
    let mut files = commands::pages(program)?;
    files.extend([register::page(), run::page()]);
    for (shell, folder, [before, after]) in SHELLS {
        let path = |program| Path::new("completions").join(folder).join(format!("{before}{program}{after}"));
        files.push(File::new(path(name.as_str()), script(shell)));
        let [register, run] = match shell {
            Shell::Bash => [completions::bash(), run_completions::bash()],
            Shell::Zsh => [completions::zsh(), run_completions::zsh()],
            _ => [completions::fish(), run_completions::fish()],
        };
        files.push(File::new(path("register"), register.into_bytes()));
        files.push(File::new(path("qus-run"), run.into_bytes()));
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// A script with values in the place of `@NAME@`.
fn fill<'a>(script: &str, values: impl IntoIterator<Item = &'a (&'a str, String)>) -> String {
    let put = |script: String, (name, value): &(&str, String)| script.replace(&format!("@{name}@"), value);
    values.into_iter().fold(script.to_owned(), put)
}

/// A page whose title has no date, since the same sources give the same bytes. The generator writes an empty argument
/// without quotes, and what follows would be taken for it.
fn undated(page: &str) -> Vec<u8> {
    page.replacen(" 1  \"", " 1 \"\" \"", 1).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_has_its_place_and_a_name_of_its_own() {
        let files = files(Command::new("tool"), |shell| shell.to_string().into_bytes()).unwrap();
        let names: Vec<(String, String)> =
            files.iter().map(|file| (file.path.display().to_string(), file.flat_name())).collect();
        let names: Vec<(&str, &str)> = names.iter().map(|(path, name)| (&**path, &**name)).collect();
        assert_eq!(
            names,
            [
                ("completions/bash/qus-run", "qus-run.bash"),
                ("completions/bash/register", "register.bash"),
                ("completions/bash/tool", "tool.bash"),
                ("completions/fish/qus-run.fish", "qus-run.fish"),
                ("completions/fish/register.fish", "register.fish"),
                ("completions/fish/tool.fish", "tool.fish"),
                ("completions/zsh/_qus-run", "_qus-run"),
                ("completions/zsh/_register", "_register"),
                ("completions/zsh/_tool", "_tool"),
                ("qus-run.1", "qus-run.1"),
                ("register.1", "register.1"),
                ("tool.1", "tool.1"),
            ]
        );
        assert_eq!(files[8].bytes, b"zsh");
    }
}
