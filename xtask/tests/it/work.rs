//! A build that is stopped leaves what is finished.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::line::{Line, dress};
use debian::testing::{Archive, Built, Deb, Suite, elf};
use serde_json::Value;

const HOSTS: [&str; 2] = ["amd64", "s390x"];

/// Packages of programs with `size` bytes each that do not compress.
fn archive(size: usize) -> Built {
    let mut sid = Suite::new("unstable", "sid");
    for name in HOSTS {
        let host: arch::Host = name.parse().unwrap();
        let mut qemu = Deb::new("qemu-user", "1:11.1.3+ds-1", host.debian()).gzip();
        for (seed, target) in arch::Target::current().enumerate() {
            qemu = qemu.file(&format!("usr/bin/qemu-{target}"), &elf(host.elf(), &noise(seed as u64, size)));
        }
        let busybox = Deb::new("busybox-static", "1:1.38.0-3", host.debian());
        sid = sid.package(qemu).package(busybox.file("usr/bin/busybox", &elf(host.elf(), b"")));
    }
    Archive::new(1).suite(sid).build()
}

/// Bytes without a pattern, the same for each seed (xorshift64*).
fn noise(seed: u64, size: usize) -> Vec<u8> {
    let mut state = seed + 1;
    let mut next = move || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_le_bytes()
    };
    (0..size.div_ceil(8)).flat_map(|_| next()).collect()
}

/// `command` as a terminal starts it: what runs in the background, as tests do at times, inherits that SIGINT is ignored
/// (POSIX, "Shell Command Language", 2.11). `env` becomes the program, so its number is the program's.
fn interruptible(command: &Command) -> Command {
    let mut env = Command::new("env");
    env.arg("--default-signal=INT").arg(command.get_program()).args(command.get_args());
    dress(&mut env, command);
    env
}

#[test]
fn an_interrupted_build_stops_at_once_and_the_next_one_goes_on() {
    let line = Line::new(&HOSTS, &archive(1 << 20));
    line.run(&["lock"]).success();
    // At the slow level, so that there is time to interrupt it.
    let args = ["images", "--kind", "pkg", "--json", "--level", "best"];
    let mut build =
        interruptible(&line.command(&args, &[])).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let blobs = line.path("target/images/blobs/sha256");
    let unfinished = || {
        let names = fs::read_dir(&blobs).into_iter().flatten().flatten().map(|entry| entry.file_name());
        names.filter(|name| name.to_string_lossy().starts_with(".tmp-")).count()
    };
    let begun = Instant::now();
    while unfinished() == 0 {
        assert!(begun.elapsed() < Duration::from_secs(60), "the build has begun no layer");
        assert_eq!(build.try_wait().unwrap(), None, "the build was too fast to be interrupted");
        std::thread::sleep(Duration::from_millis(1));
    }
    // What a terminal sends for Ctrl-C.
    let signalled = Instant::now();
    // A shell's own `kill`: the program is not on every machine.
    let sent = Command::new("sh").args(["-c", "kill -INT $0", &build.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let status = build.wait().unwrap();
    assert_eq!(status.signal(), Some(2), "{status}");
    assert!(signalled.elapsed() < Duration::from_secs(60), "{:?}", signalled.elapsed());
    assert!(unfinished() > 0, "there was nothing to clean up");

    // All that was downloaded is there: the archive is not needed any more.
    line.close();
    let resumed = line.run(&[&args[..], &["--offline"]].concat()).success();
    assert_eq!(unfinished(), 0);
    line.run(&["verify", "target/images"]).success();
    line.run(&["cache", "verify"]).success();
    line.forget_layers();
    let undisturbed = line.run(&[&args[..], &["--offline", "--output", "other", "--jobs", "1"]].concat());
    let index = |output: &str| -> Value {
        serde_json::from_str::<Value>(output).unwrap()["indexes"][0]["digest"].clone()
    };
    assert_eq!(index(&undisturbed.success().stdout), index(&resumed.stdout));
}
