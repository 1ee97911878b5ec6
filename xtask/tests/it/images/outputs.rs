//! Outputs that are not regular files. What becomes of devices, FIFOs and links is tested in `files`.

use std::fs;
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

use super::archive;
use crate::line::Line;

const PKG: [&str; 3] = ["images", "--kind", "pkg"];

/// The names of the files in a tar.
fn entries(bytes: &[u8]) -> Vec<String> {
    let mut archive = tar::Archive::new(bytes);
    let entries = archive.entries().unwrap();
    entries.map(|entry| entry.unwrap().path().unwrap().to_str().unwrap().to_owned()).collect()
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
