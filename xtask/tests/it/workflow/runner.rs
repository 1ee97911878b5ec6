//! A place where workflows run: what they take from GitHub is stood in for.

use std::fs;
use std::process::{Command, Output};

use crate::line::{Line, dress};
use crate::workflow::{Action, Job, Map, Step, Workflow, expand, holds};

pub(crate) struct Runner<'a> {
    line: &'a Line,
    variables: Vec<(&'static str, String)>,
}

/// A command that ran, and how.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) job: String,
    pub(crate) host: String,
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

    /// Runs every job, those with a matrix for `hosts`; gives what ran, and the jobs that failed.
    pub(crate) fn workflow(&self, workflow: &Workflow, hosts: &[&str]) -> (Vec<Ran>, Vec<String>) {
        let (mut ran, mut failed) = (Vec::new(), Vec::new());
        let mut values: Map = [
            ("github.token", "token"),
            ("secrets.REGISTRY_USER", "user"),
            ("secrets.REGISTRY_PASSWORD", "password"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        for name in workflow.env.keys() {
            let ours = self.variables.iter().find(|(other, _)| other == name);
            let ours = ours.unwrap_or_else(|| panic!("nothing stands in for {name}")).1.clone();
            values.insert(format!("env.{name}"), ours);
        }
        for job in &workflow.jobs {
            if job.needs.iter().any(|needed| failed.contains(needed)) {
                failed.push(job.name.clone());
                continue;
            }
            for host in job.hosts.iter().filter(|host| host.is_empty() || hosts.contains(&host.as_str())) {
                let (succeeds, outputs) = self.job(job, host, values.clone(), &mut ran);
                if !succeeds {
                    failed.push(job.name.clone());
                }
                // What it puts out is known to those that need it; a job with a matrix puts out nothing.
                if host.is_empty() {
                    values.extend(outputs);
                }
            }
        }
        (ran, failed)
    }

    /// Runs the steps of a job; true if it succeeds, and its outputs as others name them.
    fn job(&self, job: &Job, host: &str, mut values: Map, ran: &mut Vec<Ran>) -> (bool, Map) {
        let mut failed = false;
        values.insert("matrix.host".to_owned(), host.to_owned());
        for step in &job.steps {
            if !holds(step.condition.as_deref(), failed, &self.line.path(""), &values) {
                continue;
            }
            match &step.action {
                Action::Uses(name, inputs) => self.uses(name, inputs, &values),
                Action::Run(command) => {
                    fs::write(self.line.path("output"), "").unwrap();
                    let environment: Vec<(String, String)> = job
                        .env
                        .iter()
                        .chain(&step.env)
                        .map(|(name, value)| (name.clone(), expand(value, &values)))
                        .collect();
                    let output = self.run_with(command, &environment);
                    failed |= !output.status.success();
                    values.extend(self.put_out(step));
                    let (job, host, command) = (job.name.clone(), host.to_owned(), command.clone());
                    ran.push(Ran { job, host, command, output });
                }
            }
        }
        let outputs = job.outputs.iter().map(|(name, value)| {
            let value = if failed { String::new() } else { expand(value, &values) };
            (format!("needs.{}.outputs.{name}", job.name), value)
        });
        (!failed, outputs.collect())
    }

    /// The outputs of a step: `name=value`, or lines between `name<<END` and `END`.
    fn put_out(&self, step: &Step) -> Map {
        let text = self.line.read("output");
        let mut lines = text.lines();
        let mut outputs = Map::new();
        while let Some(line) = lines.next() {
            let (name, value) = match line.split_once("<<") {
                Some((name, end)) => {
                    let value: Vec<&str> = lines.by_ref().take_while(|line| *line != end).collect();
                    (name, value.join("\n"))
                }
                None => line.split_once('=').map(|(name, value)| (name, value.to_owned())).unwrap(),
            };
            let id = step.id.as_deref().expect("a step that puts something out has an id");
            outputs.insert(format!("steps.{id}.outputs.{name}"), value);
        }
        outputs
    }

    /// Stands in for an action: checks what it is given.
    fn uses(&self, name: &str, inputs: &Map, values: &Map) {
        match name {
            "actions/checkout" => assert_eq!(inputs["persist-credentials"], "false"),
            // All jobs run in one folder, so what one hands to another lies there.
            "actions/upload-artifact" => {
                assert_eq!(inputs["if-no-files-found"], "error");
                for path in inputs["path"].lines() {
                    assert!(self.line.path(path).exists(), "{path} is not there");
                }
            }
            "actions/download-artifact" => assert!(inputs.contains_key("name")),
            "actions/attest-build-provenance" => {
                assert_eq!(inputs.keys().collect::<Vec<_>>(), ["subject-checksums"]);
                let path = expand(&inputs["subject-checksums"], values);
                let text = self.line.read(&path);
                for line in text.lines() {
                    let (digest, name) = line.split_once("  ").unwrap_or_else(|| panic!("{path}: {line}"));
                    assert!(digest.len() == 64 && !name.is_empty(), "{path}: {line}");
                    assert!(digest.bytes().all(|byte| byte.is_ascii_hexdigit()), "{path}: {line}");
                }
                // The most that the action takes.
                assert!((1..=1024).contains(&text.lines().count()), "{path}: {} lines", text.lines().count());
                let calls = format!("{}attest {path}\n", self.calls());
                self.line.write("calls", &calls);
            }
            _ => panic!("nothing stands in for {name}"),
        }
    }

    /// Runs a step's command as GitHub does.
    pub(crate) fn run(&self, command: &str) -> Output {
        self.run_with(command, &[])
    }

    fn run_with(&self, command: &str, environment: &[(String, String)]) -> Output {
        let variables: Vec<(&str, &str)> =
            self.variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        // The environment of the line's own runs.
        let prepared = self.line.command(&[], &variables);
        let mut shell = Command::new("bash");
        shell.args(["-e", "-c", command]);
        dress(&mut shell, &prepared);
        shell.envs(environment.iter().map(|(name, value)| (name, value))).output().unwrap()
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
