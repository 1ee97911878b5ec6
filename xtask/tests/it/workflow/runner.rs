//! A place where workflows run: what they take from GitHub is stood in for.

use std::fs;
use std::process::{Command, Output};

use yaml_rust2::Yaml;

use crate::line::{Line, dress};
use crate::workflow;

pub(crate) struct Runner<'a> {
    line: &'a Line,
    variables: Vec<(&'static str, String)>,
}

/// A command that ran, and how.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) command: String,
    pub(crate) output: Output,
}

impl Ran {
    pub(crate) fn stdout(&self) -> String {
        String::from_utf8(self.output.stdout.clone()).unwrap()
    }
}

impl<'a> Runner<'a> {
    pub(crate) fn new(line: &'a Line, repository: &str) -> Runner<'a> {
        let at = |path: &str| line.path(path).to_str().unwrap().to_owned();
        // What `cargo deny` would say depends on the day, and what fuzzers find on luck; the tests run their targets.
        let noted = "case $1 in install | deny | test | +nightly) echo \"cargo $*\" >> \"$CALLS\"
            [ \"$*\" != '+nightly fuzz list' ] || echo entry
            exit ;; esac";
        let other = format!("[ \"$1\" = xtask ] || exec {} \"$@\"", env!("CARGO"));
        // `cargo xtask e2e` tries real images; these are none, and have no real QEMU.
        let ours = "echo \"$*\" >> \"$CALLS\"; shift
            case $1 in e2e | conformance) ;; *) exec \"$XTASK\" \"$@\" ;; esac";
        let path = format!("{}:{}", at("tools"), std::env::var("PATH").unwrap());
        let variables = vec![
            ("PATH", path),
            ("XTASK", env!("CARGO_BIN_EXE_xtask").to_owned()),
            ("CALLS", at("calls")),
            ("REPOSITORY", repository.to_owned()),
            ("GITHUB_OUTPUT", at("output")),
            ("GITHUB_STEP_SUMMARY", at("summary")),
            ("GITHUB_REPOSITORY", "dbhi/qus".to_owned()),
            ("GITHUB_REF_NAME", concat!("v", env!("CARGO_PKG_VERSION")).to_owned()),
            ("GIT_CONFIG_GLOBAL", "/dev/null".to_owned()),
        ];
        let runner = Runner { line, variables };
        runner.tool("cargo", &format!("{noted}\n{other}\n{ours}"));
        // Where they are missing, `.ci/advisories` and `.ci/fuzz` would install them.
        runner.tool("cargo-deny", "exit 1");
        runner.tool("cargo-fuzz", "exit 1");
        let rustup = "[ \"$1 $2\" != 'toolchain list' ] || { echo nightly; exit; }";
        runner.tool("rustup", &format!("{rustup}\nPATH=${{PATH#*:}} exec rustup \"$@\""));
        // What `cargo xtask` has compiled, which steps with secrets run.
        runner.program("target/debug/xtask", "exec \"$XTASK\" \"$@\"");
        runner.tool("gh", "echo \"gh $*\" >> \"$CALLS\"");
        runner.tool("sudo", "echo \"sudo $*\" >> \"$CALLS\"; shift; exec \"$@\"");
        runner
    }

    /// Stands in for a program.
    pub(crate) fn tool(&self, name: &str, script: &str) {
        self.program(&format!("tools/{name}"), script);
    }

    fn program(&self, path: &str, script: &str) {
        let path = self.line.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        testbed::write_program(&path, format!("#!/bin/sh\n{script}\n").as_bytes()).unwrap();
    }

    /// Runs the steps of a job that have this condition; gives what ran, or the one that failed. What the job hands to others is
    /// then there: all jobs run in one folder.
    pub(crate) fn job(
        &self,
        job: &Yaml,
        condition: Option<&str>,
        variables: &[(&str, &str)],
    ) -> Result<Vec<Ran>, Ran> {
        let mut ran = Vec::new();
        for step in workflow::steps(job).iter().filter(|step| step["if"].as_str() == condition) {
            if let Some(command) = step["run"].as_str() {
                let command = Ran { command: command.to_owned(), output: self.run_with(command, variables) };
                if !command.output.status.success() {
                    return Err(command);
                }
                ran.push(command);
            }
            for path in step["with"]["path"].as_str().unwrap_or_default().lines() {
                assert!(self.line.path(path).exists(), "{path} is not there");
            }
        }
        Ok(ran)
    }

    /// Runs a step's command as GitHub does.
    pub(crate) fn run(&self, command: &str) -> Output {
        self.run_with(command, &[])
    }

    fn run_with(&self, command: &str, variables: &[(&str, &str)]) -> Output {
        let own = self.variables.iter().map(|(name, value)| (*name, value.as_str()));
        let variables: Vec<(&str, &str)> = own.chain(variables.iter().copied()).collect();
        // The environment of the line's own runs.
        let prepared = self.line.command(&[], &variables);
        let mut shell = Command::new("bash");
        shell.args(["-e", "-c", command]);
        dress(&mut shell, &prepared);
        shell.output().unwrap()
    }

    #[track_caller]
    pub(crate) fn succeed(&self, command: &str) -> String {
        let output = self.run(command);
        assert!(output.status.success(), "{command}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn calls(&self) -> String {
        fs::read_to_string(self.line.path("calls")).unwrap_or_default()
    }
}
