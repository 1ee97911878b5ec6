//! A machine that recipes are tried on.

use std::process::{Command, Output, Stdio};

use testbed::{Booted, Running, Sandbox};

use super::reader::{self, Reader};
use super::{Begin, Kind, Step, ci};

/// The place where commands are run.
const FOLDER: &str = "/root/recipes";

/// The limit of a pod's container.
const LIMIT: &str = "          resources:\n            limits: {memory: 16Mi}\n";

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
    pub(crate) fn try_block(&mut self, test: &str, kind: &Kind) -> usize {
        match kind {
            Kind::Run { engines, begin, steps } if engines.iter().any(|name| name == test) => {
                match begin {
                    Begin::Fresh => self.register_nothing(),
                    Begin::Then => {}
                    Begin::Boot => self.reboot(),
                }
                for step in steps {
                    self.type_in(step);
                }
                steps.len()
            }
            Kind::File { name, text } => {
                self.sandbox.write(format!("{FOLDER}/{name}"), text).unwrap();
                let reader = Reader::of(name);
                if reader.engine() != Some(test) {
                    return 0;
                }
                self.read(reader, name, text);
                1
            }
            Kind::Run { .. } | Kind::NotRun | Kind::Unmarked { .. } => 0,
        }
    }

    /// Does with a file what its reader does.
    fn read(&self, reader: Reader, name: &str, text: &str) {
        self.register_nothing();
        match reader {
            Reader::Commands => {}
            Reader::GitHub => self.start(&ci::github(&reader::document(name, text))),
            Reader::GitLabImage => {
                let runner =
                    std::fs::read_to_string(self.sandbox.path(format!("{FOLDER}/runner.toml"))).unwrap();
                self.run_scripts(&ci::gitlab_image(&reader::document(name, text), &runner));
            }
            Reader::GitLab => self.start(&ci::gitlab(&reader::document(name, text))),
            Reader::Kubernetes => {
                // Where a sandbox's cgroup controls no memory, podman refuses to start the container.
                assert!(text.contains(LIMIT), "{name}: no limit");
                self.sandbox.write(format!("{FOLDER}/{name}"), text.replace(LIMIT, "")).unwrap();
                self.succeed(&format!("podman kube play --network none {name}"));
                self.foreign_programs_run();
                self.succeed(&format!("podman kube down {name}"));
                self.foreign_programs_run();
            }
            Reader::Systemd => {
                self.sandbox.write(format!("/etc/systemd/system/{name}"), text).unwrap();
                // It exits with 0 also when it has found something.
                let found = self.succeed(&format!("systemd-analyze verify {name} 2>&1"));
                assert_eq!(found, "", "{name}");
            }
        }
    }

    fn start(&self, scripts: &[ci::Script]) {
        self.run_scripts(scripts);
        self.foreign_programs_run();
    }

    /// Runs scripts as a runner does, each in a shell of its own.
    fn run_scripts(&self, scripts: &[ci::Script]) {
        for script in scripts {
            let mut command = self.shell(&format!("set -e\n{}", script.text));
            let output = command.envs(script.variables.iter().map(|(key, value)| (key, value))).output();
            self.succeeded(&script.text, &output.unwrap());
        }
    }

    fn type_in(&self, step: &Step) {
        let printed = self.succeed(&step.command);
        assert!(step.expects(&printed), "$ {}\nexpected {:?}, not {printed}", step.command, step.expected);
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
