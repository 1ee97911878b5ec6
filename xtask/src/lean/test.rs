//! `cargo xtask test` in the program without the feature `full`: has cargo compile the tests, among which is the program
//! with it, and becomes that. So nothing is compiled for the tests and once more for the program that runs them.

use std::cell::RefCell;
use std::io::IsTerminal as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use serde::Deserialize;

use crate::cli::full::{TESTS, TestArgs};
use crate::context;
use crate::lines::{self, SILENCE};
use crate::ui::Ui;

/// Compiles what `args` select, and runs this very command line in the program that came of it. Returns only if that fails.
pub(crate) fn run(args: &TestArgs, ui: &Ui) -> anyhow::Result<ExitCode> {
    let workspace = context::workspace()?;
    let program = match compile(&workspace, &args.args, ui)? {
        Some(program) => program,
        // Only tests that do not use it were selected.
        None => compile(&workspace, &[], ui)?.context("cannot compile the tests")?,
    };
    let error = Command::new(&program).args(std::env::args_os().skip(1)).exec();
    Err(error).with_context(|| format!("cannot run {}", program.display()))
}

/// Compiles the tests that `arguments` select; the program, if it was among that.
fn compile(workspace: &Path, arguments: &[String], ui: &Ui) -> anyhow::Result<Option<PathBuf>> {
    let mut child = Command::new(super::cargo())
        .arg("test")
        .args(ui.cargo())
        .args(TESTS)
        .args(["--no-run", "--message-format", "json-render-diagnostics"])
        .args(arguments)
        .current_dir(workspace)
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run cargo")?;
    let compiled = RefCell::new((0usize, None));
    let each = |line: &[u8]| {
        let Ok(message) = serde_json::from_slice::<Message>(line) else { return };
        let (count, program) = &mut *compiled.borrow_mut();
        *count += usize::from(message.reason == "compiler-artifact" && !message.fresh);
        if let Some(found) = message.program() {
            *program = Some(found);
        }
    };
    // On a terminal, cargo shows a bar.
    let terminal = std::io::stderr().is_terminal();
    let silent = |elapsed: Duration| {
        if !terminal {
            ui.note(format!(
                "still compiling the tests: {} in {} s",
                base::count(compiled.borrow().0, "part", "parts"),
                elapsed.as_secs()
            ));
        }
    };
    let status = lines::follow(&mut child, SILENCE, each, silent).context("cannot run cargo")?;
    anyhow::ensure!(status.success(), "cannot compile the tests");
    Ok(compiled.into_inner().1)
}

/// A line of cargo's: of those about something compiled, what matters here.
#[derive(Deserialize)]
struct Message {
    reason: String,
    #[serde(default)]
    fresh: bool,
    target: Option<Target>,
    profile: Option<Profile>,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    kind: Vec<String>,
    name: String,
}

#[derive(Deserialize)]
struct Profile {
    test: bool,
}

impl Message {
    /// The program `xtask` itself, as opposed to its tests.
    fn program(self) -> Option<PathBuf> {
        let target = self.target?;
        let program = target.name == "xtask" && target.kind == ["bin"] && !self.profile?.test;
        self.executable.filter(|_| program)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_told_from_its_tests() {
        let program = |kind: &str, name: &str, test: bool| {
            let line = format!(
                r#"{{"reason":"compiler-artifact","package_id":"path+file:///q/xtask#0.1.0",
                "target":{{"kind":["{kind}"],"crate_types":["bin"],"name":"{name}","edition":"2024","test":true}},
                "profile":{{"opt_level":"0","debuginfo":2,"test":{test}}},"features":["full"],
                "executable":"/q/target/debug/{name}","fresh":true}}"#
            );
            serde_json::from_str::<Message>(&line).unwrap().program()
        };
        assert_eq!(program("bin", "xtask", false), Some(PathBuf::from("/q/target/debug/xtask")));
        assert_eq!(program("bin", "xtask", true), None);
        assert_eq!(program("bin", "register", false), None);
        assert_eq!(program("test", "xtask", true), None);
        for line in [r#"{"reason":"build-finished","success":true}"#, r#"{"reason":"compiler-artifact"}"#] {
            assert_eq!(serde_json::from_str::<Message>(line).unwrap().program(), None, "{line}");
        }
    }
}
