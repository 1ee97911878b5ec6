//! A machine that recipes are tried on.

use std::fs;
use std::process::{Command, Output, Stdio};

use testbed::{Booted, Running, Sandbox};

use super::ci::{self, Script};
use crate::docs::page::Block;

/// The place where commands are run.
const FOLDER: &str = "/root/recipes";

/// The limit of a pod's container.
const LIMIT: &str = "          resources:\n            limits: {memory: 16Mi}\n";

/// A file of the pages, and the trial of it.
pub(crate) struct Trial {
    pub(crate) file: &'static str,
    /// The place where it is tried; empty if nothing but the commands of its section reads it.
    pub(crate) engine: &'static str,
    /// The page's words for the trial.
    pub(crate) words: &'static [&'static str],
    /// Does with the file, whose name and text are given, what its reader does.
    read: fn(&Machine<'_>, &str, &str),
}

/// Every file.
pub(crate) const TRIALS: [Trial; 11] = [
    Trial::by_commands("compose.yaml"),
    Trial::by_commands("Dockerfile"),
    Trial::by_commands("pod.yaml"),
    // Read along with the job.
    Trial::by_commands("runner.toml"),
    Trial::by_github("workflow.yaml"),
    Trial::by_github("steps-action.yaml"),
    Trial::by_github("steps-run.yaml"),
    Trial {
        file: ".gitlab-ci.yml",
        engine: "docker28",
        words: &["its script"],
        read: |machine, _, text| machine.gitlab(text),
    },
    // The runner starts a job's shell in its image.
    Trial {
        file: "gitlab-run.yml",
        engine: "docker28",
        words: &["its script"],
        read: |machine, _, text| machine.gitlab_image(text),
    },
    Trial {
        file: "qus.yaml",
        engine: "podman5",
        words: &["`podman kube play`", "schema"],
        read: |machine, name, text| machine.kubernetes(name, text),
    },
    Trial {
        file: "qus.service",
        engine: "systemd",
        words: &["`systemd-analyze verify`"],
        read: |machine, name, text| machine.systemd(name, text),
    },
];

impl Trial {
    const fn by_commands(file: &'static str) -> Trial {
        Trial { file, engine: "", words: &[], read: |_, _, _| {} }
    }

    const fn by_github(file: &'static str) -> Trial {
        let words = &["its steps", "`actionlint`"];
        Trial { file, engine: "docker28", words, read: |machine, _, text| machine.github(text) }
    }

    /// The trial of the file `name`.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub(crate) fn of(name: &str) -> Trial {
        let mut trials = TRIALS.into_iter();
        trials.find(|trial| trial.file == name).unwrap_or_else(|| panic!("no test tries the file {name}"))
    }
}

/// The number of the user who has rights to nothing, and the folder of that user.
pub(crate) const USER: (u32, &str) = (1000, "/shared/user");

/// A shell of this user.
pub(crate) fn user(sandbox: &Sandbox) -> Command {
    let (number, home) = USER;
    let mut command = sandbox.command("setpriv");
    command.args([format!("--reuid={number}"), format!("--regid={number}")]);
    command.args([
        "--clear-groups",
        "env",
        &format!("HOME={home}"),
        &format!("XDG_RUNTIME_DIR={home}/run"),
        "sh",
    ]);
    command
}

/// A sandbox, and what runs in it.
pub(crate) struct Machine<'a> {
    sandbox: &'a Sandbox,
    runs: Runs<'a>,
}

enum Runs<'a> {
    Engine(Running<'a>),
    /// podman without a daemon, for a user.
    User,
    /// `None` while it is booted.
    Systemd(Option<Booted<'a>>),
}

impl<'a> Machine<'a> {
    pub(crate) fn of(sandbox: &'a Sandbox, running: Running<'a>) -> Machine<'a> {
        Machine::new(sandbox, Runs::Engine(running))
    }

    pub(crate) fn of_user(sandbox: &'a Sandbox) -> Machine<'a> {
        Machine::new(sandbox, Runs::User)
    }

    pub(crate) fn boot(sandbox: &'a Sandbox) -> Machine<'a> {
        Machine::new(sandbox, Runs::Systemd(Some(Booted::start(sandbox).unwrap())))
    }

    fn new(sandbox: &'a Sandbox, runs: Runs<'a>) -> Machine<'a> {
        sandbox.run(&["mkdir", "-p", FOLDER, "/etc/binfmt.d"]).unwrap();
        Machine { sandbox, runs }
    }

    /// Tries a block if it is for `test`, and says how many commands or files that were. Any file is put where commands
    /// find it.
    pub(crate) fn try_block(&mut self, test: &str, block: &Block) -> usize {
        match block.mark.split_once(": ") {
            Some(("file", name)) => {
                self.sandbox.write(format!("{FOLDER}/{name}"), &block.text).unwrap();
                let trial = Trial::of(name);
                if trial.engine != test {
                    return 0;
                }
                self.register_nothing();
                (trial.read)(self, name, &block.text);
                1
            }
            Some((begin, engines)) if engines.split(' ').any(|engine| engine == test) => {
                match begin {
                    "run" => self.register_nothing(),
                    "then" => {}
                    "boot" => self.reboot(),
                    _ => panic!("`{}` is no mark", block.mark),
                }
                let steps = steps(&block.text);
                for (command, expected) in &steps {
                    let printed = self.succeed(command);
                    let lines: Vec<&str> = printed.lines().collect();
                    assert!(fits(expected, &lines), "$ {command}\nexpected {expected:?}, not {printed}");
                }
                steps.len()
            }
            _ => 0,
        }
    }

    fn github(&self, text: &str) {
        self.run_scripts(ci::github(&super::document(text)));
        self.foreign_programs_run();
    }

    fn gitlab(&self, text: &str) {
        self.run_scripts(ci::gitlab(&super::document(text)));
        self.foreign_programs_run();
    }

    fn gitlab_image(&self, text: &str) {
        let runner = fs::read_to_string(self.sandbox.path(format!("{FOLDER}/runner.toml"))).unwrap();
        self.run_scripts(ci::gitlab_image(&super::document(text), &runner));
    }

    fn kubernetes(&self, name: &str, text: &str) {
        // Where a sandbox's cgroup controls no memory, podman refuses to start the container.
        assert!(text.contains(LIMIT), "{name}: no limit");
        self.sandbox.write(format!("{FOLDER}/{name}"), text.replace(LIMIT, "")).unwrap();
        self.succeed(&format!("podman kube play --network none {name}"));
        self.foreign_programs_run();
        self.succeed(&format!("podman kube down {name}"));
        self.foreign_programs_run();
    }

    fn systemd(&self, name: &str, text: &str) {
        self.sandbox.write(format!("/etc/systemd/system/{name}"), text).unwrap();
        // It exits with 0 also when it has found something.
        let found = self.succeed(&format!("systemd-analyze verify {name} 2>&1"));
        assert_eq!(found, "", "{name}");
    }

    /// Runs scripts as a runner does, each in a shell of its own.
    fn run_scripts(&self, scripts: Vec<Script>) {
        for script in scripts {
            let output = self.shell(&format!("set -e\n{}", script.text)).envs(script.variables).output();
            self.succeeded(&script.text, &output.unwrap());
        }
    }

    fn foreign_programs_run(&self) {
        let client = match &self.runs {
            Runs::Engine(running) => running.engine().client(),
            Runs::User => "podman",
            Runs::Systemd(_) => "docker",
        };
        let run = format!("{client} run --rm --platform linux/arm64 docker.io/library/busybox uname -m");
        assert_eq!(self.succeed(&run), "aarch64\n");
    }

    fn register_nothing(&self) {
        self.sandbox.run(&["sh", "-c", "echo -1 > /proc/sys/fs/binfmt_misc/status"]).unwrap();
    }

    fn reboot(&mut self) {
        let Runs::Systemd(booted) = &mut self.runs else { panic!("only systemd's machine can be booted") };
        booted.take().unwrap().shut_down().unwrap();
        *booted = Some(Booted::start(self.sandbox).unwrap());
    }

    /// The standard output of `line`, if it succeeds.
    fn succeed(&self, line: &str) -> String {
        let output = self.shell(line).output().unwrap();
        self.succeeded(line, &output)
    }

    fn succeeded(&self, line: &str, output: &Output) -> String {
        let log = match &self.runs {
            Runs::Engine(running) => running.log(),
            Runs::User => String::new(),
            Runs::Systemd(_) if output.status.success() => String::new(),
            Runs::Systemd(_) => {
                let mut journal =
                    self.shell("systemctl status --no-pager qus docker; journalctl -n 50 --no-pager");
                String::from_utf8_lossy(&journal.output().unwrap().stdout).into_owned()
            }
        };
        assert!(output.status.success(), "$ {line}\n{output:?}\n{log}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// A shell that runs `script` in the folder.
    fn shell(&self, script: &str) -> Command {
        let mut command = match &self.runs {
            Runs::Engine(running) => running.sandbox().command("sh"),
            Runs::User => user(self.sandbox),
            Runs::Systemd(booted) => booted.as_ref().unwrap().command("sh"),
        };
        command.args(["-c", &format!("cd {FOLDER}\n{script}")]).stdin(Stdio::null());
        command
    }
}

/// The commands of a block, each with the lines that it prints on standard output.
fn steps(text: &str) -> Vec<(&str, Vec<&str>)> {
    let commands = text.strip_prefix("$ ").expect("a command comes first").split("\n$ ");
    commands
        .map(|command| {
            let mut lines = command.lines();
            (lines.next().unwrap(), lines.collect())
        })
        .collect()
}

/// True if these lines are what is expected. `…` alone is any number of lines, and in a line any text.
fn fits(expected: &[&str], lines: &[&str]) -> bool {
    match expected.split_first() {
        None => lines.is_empty(),
        Some((&"…", rest)) => (0..=lines.len()).any(|skip| fits(rest, &lines[skip..])),
        Some((first, rest)) => lines.split_first().is_some_and(|(line, others)| {
            let same = match first.split_once('…') {
                Some((before, after)) => line.starts_with(before) && line.ends_with(after),
                None => first == line,
            };
            same && fits(rest, others)
        }),
    }
}
