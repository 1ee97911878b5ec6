//! What a job is: what it needs, what is typed, and what must come of it.

use arch::Host;
use testbed::{Engine, Package};

/// One way of using qus, in a sandbox of its own.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    /// What `cargo xtask e2e NAME` calls it.
    pub(crate) name: String,
    /// What it shows, in one line.
    pub(crate) about: String,
    /// Whether engines could differ in it: then it is run on every engine, and otherwise on the first one alone.
    pub(crate) engines_differ: bool,
    pub(crate) needs: Needs,
    pub(crate) steps: Vec<Step>,
}

/// What is there before the first command.
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
    /// Where the package has it: `usr/bin/busybox`.
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
    /// Another exit status, since nothing is registered.
    Failure,
    /// Exit status 0, and this is one of the lines on stdout.
    Line(String),
    /// Exit status 0, and stdout has this in it.
    Contains(String),
    /// Exit status 0, and for each of these a line that begins with it.
    Begins(Vec<String>),
}

impl Job {
    /// Whether any of its commands is an engine's.
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

    pub(crate) fn fails(command: impl Into<String>) -> Step {
        Step::new(command, Expect::Failure)
    }

    pub(crate) fn prints(command: impl Into<String>, line: &str) -> Step {
        Step::new(command, Expect::Line(line.to_owned()))
    }

    pub(crate) fn contains(command: impl Into<String>, part: &str) -> Step {
        Step::new(command, Expect::Contains(part.to_owned()))
    }

    /// The command for `engine`'s client.
    pub(crate) fn typed(&self, engine: Engine) -> String {
        self.command.replace("docker ", &format!("{} ", engine.client()))
    }
}

impl Expect {
    /// Whether this waits for what a foreign program prints.
    pub(crate) fn is_output(&self) -> bool {
        matches!(self, Expect::Line(_))
    }

    /// How many of the lines that this waits for are there.
    pub(crate) fn lines_found(&self, stdout: &str) -> usize {
        match self {
            Expect::Begins(starts) => starts.iter().filter(|start| begins(stdout, start)).count(),
            _ => 0,
        }
    }

    /// Whether a command that ended like this did what it should; if not, why.
    pub(crate) fn judge(&self, success: bool, stdout: &str) -> Result<(), String> {
        match self {
            Expect::Failure if success => Err("it succeeded, although nothing is registered".to_owned()),
            Expect::Failure => Ok(()),
            _ if !success => Err("it failed".to_owned()),
            Expect::Success => Ok(()),
            Expect::Line(line) if stdout.lines().any(|other| other.trim() == line) => Ok(()),
            Expect::Line(line) => Err(format!("no line of its output is `{line}`")),
            Expect::Contains(part) if stdout.contains(part.as_str()) => Ok(()),
            Expect::Contains(part) => Err(format!("its output does not contain `{part}`")),
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
        assert_eq!(line.judge(true, "x\n aarch64\r\n"), Ok(()));
        assert_eq!(line.judge(true, "not aarch64"), Err("no line of its output is `aarch64`".to_owned()));
        assert_eq!(line.judge(false, "aarch64"), Err("it failed".to_owned()));
        assert!(Expect::Failure.judge(true, "").is_err());
        assert!(Expect::Failure.judge(false, "").is_ok());
        assert!(Expect::Success.judge(true, "").is_ok());
        assert!(Expect::Contains("a".to_owned()).judge(true, "cab").is_ok());
        assert!(Expect::Contains("a".to_owned()).judge(true, "b").is_err());
        let begins = Expect::Begins(vec!["a 1.".to_owned(), "b 1.".to_owned()]);
        assert_eq!(begins.judge(true, "b 1.2\na 1.0\n"), Ok(()));
        assert_eq!(begins.judge(true, "b 1.2\nx a 1.0\n"), Err("no line begins with: a 1".to_owned()));
        assert_eq!(begins.lines_found("b 1.2\nx a 1.0\n"), 1);
    }

    #[test]
    fn commands_are_for_the_engine_that_runs() {
        let step = Step::succeeds("docker run x && docker ps");
        assert_eq!(step.typed(Engine::Podman), "podman run x && podman ps");
        assert_eq!(step.typed(Engine::Docker20), "docker run x && docker ps");
    }
}
