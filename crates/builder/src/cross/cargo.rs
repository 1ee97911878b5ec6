//! One run of cargo, for all hosts at once, that says which of them are done.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Instant;

use anyhow::Context as _;
use arch::Host;
use debian::progress::Progress;
use serde::Deserialize;

use super::failure;

/// One of cargo's messages (the Cargo book, "External tools", "Artifact messages"), as far as it counts here.
#[derive(Deserialize)]
struct Message {
    executable: Option<String>,
}

/// Runs `command`, a `cargo build` of one program for the hosts in `triples`, and names each host whose program is there.
pub(super) fn build(
    command: &mut Command,
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
    progress.note(&format!("building `register` for {} (the first time takes minutes)", names.join(", ")));
    let task = progress.count("building `register`, hosts", triples.len() as u64);
    for line in BufReader::new(stdout).lines() {
        let Some(host) = done(&line.context("cannot read what cargo reports")?, triples) else { continue };
        progress.note(&format!("`register` for {host} is built ({} s)", started.elapsed().as_secs()));
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

/// The host whose program a message of cargo's reports.
fn done(line: &str, triples: &[(Host, &str)]) -> Option<Host> {
    let executable = serde_json::from_str::<Message>(line).ok()?.executable?;
    let is_for = |(_, triple): &&(Host, &str)| executable.split('/').any(|part| part == *triple);
    triples.iter().find(is_for).map(|(host, _)| *host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_done_when_its_program_is_there() {
        let (amd64, arm): (Host, Host) = ("amd64".parse().unwrap(), "arm32v6".parse().unwrap());
        let triples = [(amd64, "x86_64-unknown-linux-musl"), (arm, "arm-unknown-linux-musleabi")];
        let program = |triple: &str| format!(r#"{{"executable":"/w/target/cross/{triple}/ship/register"}}"#);
        for (line, expected) in [
            (program("x86_64-unknown-linux-musl"), Some(amd64)),
            (program("arm-unknown-linux-musleabi"), Some(arm)),
            (program("arm-unknown-linux-musleabihf"), None),
            (r#"{"reason":"compiler-artifact","executable":null}"#.to_owned(), None),
            (r#"{"reason":"build-finished","success":true}"#.to_owned(), None),
            ("no JSON".to_owned(), None),
        ] {
            assert_eq!(done(&line, &triples), expected, "{line}");
        }
    }
}
