//! One run of cargo.

use std::cell::Cell;
use std::env;
use std::ffi::OsStr;
use std::io::{self, IsTerminal as _, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::lines::{self, SILENCE};
use crate::message;

/// The time between two looks for new output.
const LOOK: Duration = Duration::from_millis(200);

/// The result of a run of cargo.
#[derive(Debug)]
pub struct Compiled {
    /// The exit status of cargo.
    pub status: ExitStatus,
    /// The program that was asked for, if it was among what was compiled.
    pub program: Option<PathBuf>,
}

/// The option that has cargo print what [`compile`] reads.
const FORMAT: [&str; 2] = ["--message-format", "json-render-diagnostics"];

/// Cargo, which names itself to what it runs, with `arguments`, the first of which is its command, for the workspace at `workspace`.
/// The working directory stays: paths may be relative to it.
pub fn cargo(workspace: &Path, options: &[String], arguments: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let (first, rest) = arguments.split_at(1.min(arguments.len()));
    command.args(first).args(options).args(FORMAT);
    command.arg("--manifest-path").arg(workspace.join("Cargo.toml")).args(rest);
    command
}

/// Runs a command of [`cargo`] that compiles something, and finds the program called `name`. On a terminal cargo draws its bar;
/// elsewhere `still` is called with the number of parts and the time since the start whenever nothing was printed for a while.
pub fn compile(
    cargo: &mut Command,
    name: &str,
    mut still: impl FnMut(usize, Duration),
) -> io::Result<Compiled> {
    as_by_hand(cargo);
    let terminal = io::stderr().is_terminal();
    let stderr = if terminal { Stdio::inherit() } else { Stdio::piped() };
    let mut child = cargo.stdout(Stdio::piped()).stderr(stderr).spawn()?;
    let started = Instant::now();
    let printed = Arc::new(Mutex::new(started));
    let copied = child.stderr.take().map(|stderr| {
        let printed = Arc::clone(&printed);
        thread::spawn(move || copy(stderr, &printed))
    });
    let (parts, mut program) = (Cell::new(0), None);
    let status = lines::follow(
        &mut child,
        LOOK,
        |line| {
            let line = String::from_utf8_lossy(line);
            parts.set(parts.get() + usize::from(message::is_new(&line)));
            if let Some(found) = message::program(&line, name) {
                program = Some(found);
            }
        },
        |elapsed| {
            let mut last = printed.lock().unwrap_or_else(PoisonError::into_inner);
            if !terminal && last.elapsed() >= SILENCE {
                *last = Instant::now();
                still(parts.get(), elapsed);
            }
        },
    )?;
    if let Some(copied) = copied {
        // What cargo has printed is in the pipe by now; another process may have that for longer.
        let end = Instant::now() + Duration::from_secs(1);
        while !copied.is_finished() && Instant::now() < end {
            thread::sleep(Duration::from_millis(2));
        }
    }
    Ok(Compiled { status, program })
}

/// Has `cargo` start as it does from a shell: without the variables by which `cargo run` describes a package to its program. A
/// build script that reads one (ring's) runs again whenever it has changed, and all that needs its crate is compiled anew.
pub fn as_by_hand(cargo: &mut Command) {
    for (name, _) in env::vars_os().filter(|(name, _)| is_of_a_package(name)) {
        cargo.env_remove(name);
    }
}

/// True for one of those variables (the Cargo book, "Environment Variables").
fn is_of_a_package(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"))
}

/// Copies to stderr as it comes, and notes when that was.
fn copy(mut from: impl Read, printed: &Mutex<Instant>) {
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        // A closed stderr is no reason to stop.
        let _ = io::stderr().write_all(&buffer[..read]);
        *printed.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_gets_its_options_before_those_of_its_command() {
        let options = ["--quiet", "--color", "never"].map(str::to_owned);
        let command = cargo(Path::new("/src/qus"), &options, &["test", "--no-run", "--", "x"]);
        let expected = ["test", "--quiet", "--color", "never"].into_iter().chain(FORMAT);
        let expected = expected.chain(["--manifest-path", "/src/qus/Cargo.toml", "--no-run", "--", "x"]);
        assert_eq!(command.get_args().collect::<Vec<_>>(), expected.collect::<Vec<_>>());
        assert_eq!(command.get_current_dir(), None);
    }

    #[test]
    fn cargo_hears_nothing_of_the_package_that_starts_it() {
        for (name, expected) in [
            ("CARGO_MANIFEST_DIR", true),
            ("CARGO_MANIFEST_PATH", true),
            ("CARGO_PKG_VERSION_MAJOR", true),
            ("CARGO", false),
            ("CARGO_HOME", false),
            ("CARGO_TERM_COLOR", false),
        ] {
            assert_eq!(is_of_a_package(OsStr::new(name)), expected, "{name}");
        }
    }
}
