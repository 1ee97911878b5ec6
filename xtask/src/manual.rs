//! `cargo xtask man`: manual pages and shell completions for `register` and for these commands, made from their help.

use clap::CommandFactory as _;
use manual::File;

use crate::cli::Cli;
use crate::cli::full::ManArgs;
use crate::completions;

pub(crate) fn run(args: &ManArgs) -> anyhow::Result<()> {
    let mut lines = String::new();
    for File { path, bytes } in files()? {
        let path = args.dir.join(path);
        files::write(&path, &bytes)?;
        lines.push_str(&format!("{}\n", path.display()));
    }
    Ok(ui::print(&lines)?)
}

/// The files of a release besides programs.
pub(crate) fn extras() -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    Ok(files()?.into_iter().map(|file| (file.flat_name(), file.bytes)).collect())
}

fn files() -> anyhow::Result<Vec<File>> {
    Ok(manual::files(Cli::command().name("cargo-xtask"), completions::script)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page() {
        let names: Vec<String> = extras().unwrap().into_iter().map(|(name, _)| name).collect();
        for command in Cli::command().get_subcommands().filter(|command| !command.is_hide_set()) {
            let name = format!("cargo-xtask-{}.1", command.get_name());
            assert!(names.contains(&name), "{name} is not in {names:?}");
        }
        for expected in ["register.1", "register.bash", "cargo-xtask.1", "_cargo-xtask", "cargo-xtask.fish"] {
            assert!(names.iter().any(|name| name == expected), "{expected} is not in {names:?}");
        }
    }
}
