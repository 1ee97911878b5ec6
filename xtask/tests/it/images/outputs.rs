//! Outputs that are not regular files.

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

use super::archive;
use crate::line::Line;

const PKG: [&str; 3] = ["images", "--kind", "pkg"];

fn is_device(path: &str) -> bool {
    fs::metadata(path).unwrap().file_type().is_char_device()
}

/// The names of the files in a tar.
fn entries(bytes: &[u8]) -> Vec<String> {
    let mut archive = tar::Archive::new(bytes);
    let entries = archive.entries().unwrap();
    entries.map(|entry| entry.unwrap().path().unwrap().to_str().unwrap().to_owned()).collect()
}

#[test]
fn devices_stay_devices() {
    let line = Line::locked(&["mipsel"]);
    symlink("/dev/null", line.path("link")).unwrap();
    for path in ["/dev/null", "link"] {
        line.run(&[&PKG[..], &["--archive", path, "--digest-file", path]].concat()).success();
        line.serve(&archive("1:11.2.0+ds-1", &["mipsel"]));
        line.run(&["lock", "--check", "--report", path]).failure(1);
        line.serve(&archive("1:11.1.3+ds-1", &["mipsel"]));
        assert!(is_device("/dev/null") && line.path("link").is_symlink(), "{path}");
    }
    let full = line.run(&[&PKG[..], &["--archive", "/dev/full"]].concat()).failure(1);
    let expected = "error: cannot write /dev/full: No space left on device (os error 28)\n";
    assert!(full.stderr.ends_with(expected), "{}", full.stderr);
}

#[test]
fn fifos_and_links_get_what_a_file_gets() {
    let line = Line::locked(&["mipsel"]);
    line.run(&[&PKG[..], &["--archive", "a.tar", "--digest-file", "digests"]].concat()).success();
    let expected = (line.bytes("a.tar"), line.read("digests"));

    let made = Command::new("mkfifo").args([line.path("archive"), line.path("sums")]).status().unwrap();
    assert!(made.success());
    let read = |name: &str| {
        let path = line.path(name);
        std::thread::spawn(move || fs::read(path).unwrap())
    };
    let (archive, sums) = (read("archive"), read("sums"));
    line.run(&[&PKG[..], &["--archive", "archive", "--digest-file", "sums"]].concat()).success();
    assert_eq!((archive.join().unwrap(), String::from_utf8(sums.join().unwrap()).unwrap()), expected);
    assert!(fs::metadata(line.path("archive")).unwrap().file_type().is_fifo());

    fs::create_dir(line.path("elsewhere")).unwrap();
    symlink("elsewhere/file", line.path("link")).unwrap();
    line.run(&[&PKG[..], &["--digest-file", "link"]].concat()).success();
    assert!(line.path("link").is_symlink());
    assert_eq!(line.read("elsewhere/file"), expected.1);
}

#[test]
fn folders_and_sockets_are_refused_before_the_build() {
    let line = Line::locked(&["mipsel"]);
    let _listener = UnixListener::bind(line.path("socket")).unwrap();
    for (path, reason) in [("socket", "it is a socket"), ("images", "is a directory")] {
        for option in ["--archive", "--digest-file"] {
            let failed = line.run(&[&PKG[..], &[option, path]].concat()).failure(1);
            assert_eq!(failed.stderr, format!("error: cannot write {path}: {reason}\n"));
        }
    }
    assert!(!line.path("target/images").exists());
}

#[test]
fn one_output_may_be_stdout() {
    let line = Line::locked(&["mipsel"]);
    let built = line.run(&[&PKG[..], &["--archive", "a.tar", "--digest-file", "digests"]].concat()).success();

    for stdout in ["-", "/dev/stdout"] {
        let digests = line.run(&[&PKG[..], &["--digest-file", stdout]].concat()).success();
        assert_eq!(digests.stdout, line.read("digests"));
        assert!(digests.stderr.contains(built.stdout.trim_end()), "{}", digests.stderr);
        let tar = line.command(&[&PKG[..], &["--archive", stdout]].concat(), &[]).output().unwrap();
        assert!(tar.status.success());
        assert_eq!(entries(&tar.stdout), entries(&line.bytes("a.tar")));
        assert!(!line.path("-").exists());

        line.serve(&archive("1:11.2.0+ds-1", &["mipsel"]));
        let report = line.run(&["lock", "--check", "--report", stdout]).failure(1);
        line.run(&["lock", "--check", "--report", "report.md"]).failure(1);
        assert_eq!(report.stdout, line.read("report.md"));
        line.serve(&archive("1:11.1.3+ds-1", &["mipsel"]));
    }
    let two = line.run(&[&PKG[..], &["--archive", "-", "--json"]].concat()).failure(1);
    let expected = "error: --json and --archive cannot both write to stdout\nhint: give one of them a file\n";
    assert_eq!(two.stderr, expected);
}

/// A release's folder may have anything in it. What is no file is not replaced.
#[test]
fn what_has_the_name_of_a_releases_file_is_not_replaced() {
    let line = Line::locked(&["mipsel"]);
    fs::create_dir(line.path("assets")).unwrap();
    let fifo = line.path("assets/qemu-arm-static_mipsel.tgz");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let release = ["release", "--host", "mipsel", "--level", "quick", "--output", "assets"];
    let failed = line.run(&release).failure(1);
    let expected = format!("cannot write {}: it is no regular file\n", fifo.display());
    assert!(failed.stderr.ends_with(&expected), "{}", failed.stderr);
    assert!(fs::metadata(&fifo).unwrap().file_type().is_fifo());
    assert!(!Path::new(&line.path("assets/SHA256SUMS")).exists());
}
