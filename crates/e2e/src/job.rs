//! A job: its needs, its commands, and their expected outcome.

use arch::{Host, Target};
use testbed::{Engine, Package};

/// One way of using qus, in a sandbox of its own.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    /// Its name for `cargo xtask e2e NAME`.
    pub(crate) name: String,
    /// Its point, in one line.
    pub(crate) about: String,
    /// True if engines could differ in it: then it is run on every engine, and otherwise on the first one alone.
    pub(crate) engines_differ: bool,
    /// The cells whose programs the step with [`Expect::Begins`] runs, in its order.
    pub(crate) cells: Vec<(Host, Target)>,
    pub(crate) needs: Needs,
    pub(crate) steps: Vec<Step>,
}

/// The state before the first command.
#[derive(Debug, Clone, Default)]
pub(crate) struct Needs {
    /// Images of qus, as a pull would bring them.
    pub(crate) images: Vec<Image>,
    /// Images with foreign (or native) programs.
    pub(crate) roots: Vec<Root>,
    /// The image of qus whose files are in the working directory.
    pub(crate) unpacked: Option<Image>,
    /// Packages that the host's distribution has installed.
    pub(crate) installed: Vec<Package>,
    /// Release assets in the working directory, by name.
    pub(crate) assets: Vec<String>,
    /// Files from packages in the working directory.
    pub(crate) files: Vec<Extract>,
}

/// An image of qus: the one that `tag` means on `host`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Image {
    pub(crate) tag: &'static str,
    pub(crate) host: Host,
}

/// An image whose files are those of some packages; busybox's commands are linked if it has busybox.
#[derive(Debug, Clone)]
pub(crate) struct Root {
    pub(crate) name: String,
    pub(crate) host: Host,
    pub(crate) packages: Vec<Package>,
}

/// One file of a package.
#[derive(Debug, Clone)]
pub(crate) struct Extract {
    pub(crate) package: Package,
    /// Its path in the package: `usr/bin/busybox`.
    pub(crate) path: &'static str,
    /// Its name in the working directory.
    pub(crate) name: &'static str,
}

/// A command as a user types it into a shell, and what must come of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    /// With `docker` for whichever engine it is.
    pub(crate) command: String,
    pub(crate) expect: Expect,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Expect {
    /// Exit status 0.
    Success,
    /// Another exit status, and this is in what was printed, in capitals or not: another failure shows nothing.
    Failure(&'static str),
    /// Exit status 0, and this is one of the lines on stdout.
    Line(String),
    /// Exit status 0, and stdout has this in it.
    Contains(String),
    /// Exit status 0, and stderr has this in it: a message, as opposed to a result.
    Says(String),
    /// Exit status 0, and on stdout for each of these a line that begins with it.
    Begins(Vec<String>),
}

/// The message of engines when the kernel knows no way to run a program (ENOEXEC).
pub(crate) const NOT_REGISTERED: &str = "exec format error";

/// The message of busybox's shell then: it takes the program for a script, as POSIX wants it.
pub(crate) const NOT_A_SCRIPT: &str = "syntax error";

impl Job {
    /// A job for the first engine alone, which runs no program of a cell.
    pub(crate) fn new(name: &str, about: impl Into<String>, needs: Needs, steps: Vec<Step>) -> Job {
        let (name, about) = (name.to_owned(), about.into());
        Job { name, about, engines_differ: false, cells: Vec::new(), needs, steps }
    }

    /// The same for every engine.
    pub(crate) fn on_all_engines(self) -> Job {
        Job { engines_differ: true, ..self }
    }

    /// True if any of its commands is an engine's.
    pub(crate) fn uses_engine(&self) -> bool {
        self.steps.iter().any(|step| step.command.contains("docker "))
    }
}

impl Step {
    pub(crate) fn new(command: impl Into<String>, expect: Expect) -> Step {
        Step { command: command.into(), expect }
    }

    pub(crate) fn succeeds(command: impl Into<String>) -> Step {
        Step::new(command, Expect::Success)
    }

    pub(crate) fn fails(command: impl Into<String>, says: &'static str) -> Step {
        Step::new(command, Expect::Failure(says))
    }

    pub(crate) fn prints(command: impl Into<String>, line: &str) -> Step {
        Step::new(command, Expect::Line(line.to_owned()))
    }

    pub(crate) fn contains(command: impl Into<String>, part: &str) -> Step {
        Step::new(command, Expect::Contains(part.to_owned()))
    }

    pub(crate) fn says(command: impl Into<String>, part: &str) -> Step {
        Step::new(command, Expect::Says(part.to_owned()))
    }

    /// The command for `engine`'s client.
    pub(crate) fn typed(&self, engine: Engine) -> String {
        self.command.replace("docker ", &format!("{} ", engine.client()))
    }
}

impl Expect {
    /// True if this waits for what a foreign program prints.
    pub(crate) fn is_output(&self) -> bool {
        matches!(self, Expect::Line(_) | Expect::Begins(_))
    }

    /// The lines that this waits for and that are there.
    pub(crate) fn lines_found(&self, stdout: &str) -> Vec<bool> {
        match self {
            Expect::Begins(starts) => starts.iter().map(|start| begins(stdout, start)).collect(),
            _ => Vec::new(),
        }
    }

    /// Fails, with the reason, if a command that ended like this did not do what it should.
    pub(crate) fn judge(&self, success: bool, stdout: &str, stderr: &str) -> Result<(), String> {
        match self {
            Expect::Failure(_) if success => Err("it succeeded, although it should not".to_owned()),
            Expect::Failure(says) => {
                let said = [stdout, stderr].iter().any(|text| text.to_lowercase().contains(says));
                if said { Ok(()) } else { Err(format!("it failed, but not with `{says}`")) }
            }
            _ if !success => Err("it failed".to_owned()),
            Expect::Success => Ok(()),
            Expect::Line(line) if stdout.lines().any(|other| other.trim() == line) => Ok(()),
            Expect::Line(line) => Err(format!("no line of its output is `{line}`")),
            Expect::Contains(part) if stdout.contains(part.as_str()) => Ok(()),
            Expect::Contains(part) => Err(format!("its output does not contain `{part}`")),
            Expect::Says(part) if stderr.contains(part.as_str()) => Ok(()),
            Expect::Says(part) => Err(format!("its messages do not contain `{part}`")),
            Expect::Begins(starts) => {
                let missing: Vec<&str> = starts
                    .iter()
                    .filter(|start| !begins(stdout, start))
                    .map(|start| start.trim_end_matches('.'))
                    .collect();
                match missing.as_slice() {
                    [] => Ok(()),
                    missing => Err(format!("no line begins with: {}", missing.join(", "))),
                }
            }
        }
    }
}

fn begins(text: &str, start: &str) -> bool {
    text.lines().any(|line| line.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_judged_by_status_and_output() {
        let line = Expect::Line("aarch64".to_owned());
        assert_eq!(line.judge(true, "x\n aarch64\r\n", ""), Ok(()));
        let no_line = Err("no line of its output is `aarch64`".to_owned());
        assert_eq!(line.judge(true, "not aarch64", ""), no_line);
        assert_eq!(line.judge(true, "", "aarch64\n"), no_line);
        assert_eq!(line.judge(false, "aarch64", ""), Err("it failed".to_owned()));
        assert!(Expect::Success.judge(true, "", "").is_ok());
        let contains = Expect::Contains("a".to_owned());
        assert!(contains.judge(true, "cab", "").is_ok());
        assert!(contains.judge(true, "b", "a").is_err());
        let says = Expect::Says("a".to_owned());
        assert!(says.judge(true, "", "cab").is_ok());
        assert!(says.judge(true, "a", "").is_err());
        let begins = Expect::Begins(vec!["a 1.".to_owned(), "b 1.".to_owned()]);
        assert_eq!(begins.judge(true, "b 1.2\na 1.0\n", ""), Ok(()));
        assert_eq!(begins.judge(true, "b 1.2\nx a 1.0\n", ""), Err("no line begins with: a 1".to_owned()));
        assert_eq!(begins.lines_found("b 1.2\nx a 1.0\n"), [false, true]);
    }

    #[test]
    fn a_failure_is_the_one_that_is_expected() {
        let failure = Expect::Failure(NOT_REGISTERED);
        for stderr in ["exec /bin/uname: exec format error", "crun: `/bin/uname`: Exec format error"] {
            assert_eq!(failure.judge(false, "", stderr), Ok(()));
        }
        let down = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock.";
        let expected = Err("it failed, but not with `exec format error`".to_owned());
        assert_eq!(failure.judge(false, "", down), expected);
        assert!(failure.judge(true, "", "exec format error").is_err());
    }

    #[test]
    fn commands_are_for_the_engine_that_runs() {
        let step = Step::succeeds("docker run x && docker ps");
        assert_eq!(step.typed(Engine::Podman), "podman run x && podman ps");
        assert_eq!(step.typed(Engine::Docker20), "docker run x && docker ps");
    }
}
