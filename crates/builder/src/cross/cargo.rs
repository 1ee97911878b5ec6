//! One run of cargo, for several hosts at once, that says which programs are done.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Instant;

use anyhow::Context as _;
use arch::Host;
use debian::progress::Progress;
use serde::Deserialize;

use super::failure;
use super::program::{self, Program};

/// One of cargo's messages (the Cargo book, "External tools", "Artifact messages"), as far as it counts here.
#[derive(Deserialize)]
struct Message {
    executable: Option<String>,
}

/// Runs `command`, a `cargo build` of `programs` for the hosts in `triples`, and names each program that is there.
pub(super) fn build(
    command: &mut Command,
    programs: &[Program],
    triples: &[(Host, &str)],
    progress: &dyn Progress,
) -> anyhow::Result<()> {
    let started = Instant::now();
    command
        .args(["--message-format", "json-render-diagnostics"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| failure(&format!("cannot run `cargo`: {error}")))?;
    let (stdout, mut stderr) = child.stdout.take().zip(child.stderr.take()).context("pipes are there")?;
    let errors = thread::spawn(move || {
        let mut text = Vec::new();
        // What can't be read is missing in a message, no more.
        let _ = stderr.read_to_end(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    });
    let names: Vec<&str> = triples.iter().map(|(host, _)| host.name()).collect();
    let what = program::list(programs);
    progress.note(&format!("building {what} for {} (the first time takes minutes)", names.join(", ")));
    let count = programs.len() * triples.len();
    let task = progress.count(&format!("building {what}, hosts"), count as u64);
    for line in BufReader::new(stdout).lines() {
        let line = line.context("cannot read what cargo reports")?;
        let Some((program, host)) = done(&line, programs, triples) else { continue };
        progress.note(&format!("`{program}` for {host} is built ({} s)", started.elapsed().as_secs()));
        task.advance(1);
    }
    drop(task);
    let status = child.wait().context("cannot wait for cargo")?;
    let text = errors.join().unwrap_or_default();
    match status.success() {
        true => Ok(()),
        false => Err(failure(&format!("`cargo` failed with {status}:\n    {text}"))),
    }
}

/// The program that a message of cargo's reports, and its host.
fn done(line: &str, programs: &[Program], triples: &[(Host, &str)]) -> Option<(Program, Host)> {
    let executable = serde_json::from_str::<Message>(line).ok()?.executable?;
    let (folder, name) = executable.rsplit_once('/')?;
    let program = programs.iter().find(|program| program.name() == name)?;
    let is_for = |(_, triple): &&(Host, &str)| folder.split('/').any(|part| part == *triple);
    triples.iter().find(is_for).map(|(host, _)| (*program, *host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_done_when_it_is_there() {
        let (amd64, arm): (Host, Host) = ("amd64".parse().unwrap(), "arm32v6".parse().unwrap());
        let triples = [(amd64, "x86_64-unknown-linux-musl"), (arm, "arm-unknown-linux-musleabi")];
        let message =
            |triple: &str, name: &str| format!(r#"{{"executable":"/w/target/cross/{triple}/ship/{name}"}}"#);
        for (line, expected) in [
            (message("x86_64-unknown-linux-musl", "register"), Some((Program::Register, amd64))),
            (message("x86_64-unknown-linux-musl", "run"), Some((Program::Run, amd64))),
            (message("arm-unknown-linux-musleabi", "register"), Some((Program::Register, arm))),
            (message("arm-unknown-linux-musleabihf", "register"), None),
            (message("arm-unknown-linux-musleabi", "build-script-build"), None),
            (r#"{"reason":"compiler-artifact","executable":null}"#.to_owned(), None),
            (r#"{"reason":"build-finished","success":true}"#.to_owned(), None),
            ("no JSON".to_owned(), None),
        ] {
            assert_eq!(done(&line, &[Program::Register, Program::Run], &triples), expected, "{line}");
        }
    }
}
