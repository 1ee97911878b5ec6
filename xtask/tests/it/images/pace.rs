//! A log is never silent for more than five seconds while something runs.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use debian::testing::Fault;

use crate::line::Line;

/// The time that a reader of a log may have to wait: five seconds, and three for a machine that is busy with other tests. What
/// is waited for takes longer than that.
const PATIENCE: Duration = Duration::from_secs(8);

/// The lines that `command` prints to stderr in its first `seconds`, after which it is ended; never further than
/// [`PATIENCE`] apart.
fn printed(mut command: Command, seconds: u64) -> Vec<String> {
    let started = Instant::now();
    let mut run = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let (sender, lines) = std::sync::mpsc::channel();
    let stderr = BufReader::new(run.stderr.take().unwrap());
    let reader = std::thread::spawn(move || {
        for line in stderr.lines() {
            drop(sender.send((started.elapsed(), line.unwrap())));
        }
    });
    let mut printed = Vec::new();
    let mut last = Duration::ZERO;
    while last < Duration::from_secs(seconds) {
        let (time, text) = lines
            .recv_timeout(PATIENCE)
            .unwrap_or_else(|_| panic!("nothing was printed for long after {last:?}: {printed:#?}"));
        assert!(time - last <= PATIENCE, "{time:?} after {last:?}: {printed:#?}");
        last = time;
        printed.push(text);
    }
    run.kill().unwrap();
    run.wait().unwrap();
    reader.join().unwrap();
    printed
}

#[test]
fn a_cold_run_that_takes_its_time_prints_a_line_every_five_seconds() {
    let line = Line::locked(&["mipsel"]);
    // Without what `lock` has fetched: the package begins to arrive, and then does not go on for a while.
    std::fs::remove_dir_all(line.path("cache/sha256")).unwrap();
    let lock = debian::lock::Lock::parse(&line.read("images/debian.lock")).unwrap();
    let package = lock.qemu("mipsel".parse().unwrap()).next().unwrap();
    line.misbehave(&package.path, Fault::Stall(1000));

    let printed = printed(line.command(&["images", "--kind", "pkg"], &[]), 14);
    let signs: Vec<&String> = printed.iter().filter(|line| line.starts_with("still ")).collect();
    assert!(signs.len() >= 2, "{printed:#?}");
    for sign in signs {
        assert!(sign.contains("making layers, host by host: 0 of 1, "), "{sign}");
        assert!(sign.contains(": 1.0 kB of "), "{sign}");
    }
}

/// So do the others that reach for something far away: an archive, a registry.
#[test]
fn whoever_is_reached_for_is_named_while_nobody_answers() {
    let line = Line::locked(&["mipsel"]);
    // Takes connections, and says nothing.
    let mute = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = mute.local_addr().unwrap();
    let image = format!("{address}/aptman/qus");
    let mirror = format!("http://{address}/debian");
    for (arguments, variables, sign) in [
        (&["verify", &format!("{image}:latest")][..], &[][..], format!("still verifying {image}:latest: ")),
        (&["manifest", "--repository", &image], &[], format!("still reaching {address}: ")),
        (
            &["images", "--kind", "pkg", "--push", "--push-via", "registry", "--repository", &image],
            &[],
            format!("still asking {image} whether a push is possible: "),
        ),
        (&["lock"], &[("QUS_MIRROR", &*mirror)], "still comparing with the archive: ".to_owned()),
    ] {
        let printed = printed(line.command(arguments, variables), 4);
        assert!(printed.last().unwrap().starts_with(&sign), "{arguments:?}: {printed:#?}");
    }
}
