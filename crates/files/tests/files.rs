//! Files of every kind as outputs: what is replaced, what is written to, and what is refused.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

use qus_files as files;
use qus_files::{Draft, Options, write, write_with};
use rustix::fs::{CWD, FileType, Mode, mknodat};

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = entries.collect();
    names.sort();
    names
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn make_fifo(path: &Path) {
    mknodat(CWD, path, FileType::Fifo, Mode::from(0o600), 0).unwrap();
}

/// The whole error, as it is printed.
fn error(error: &files::Error) -> String {
    format!("{error}: {}", std::error::Error::source(error).unwrap())
}

#[test]
fn a_file_is_readable_and_its_folder_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a/b/c");
    for bytes in [&b"one"[..], b"two\xff"] {
        write(&path, bytes).unwrap();
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }
    // What a program gets that asks for this mode: the umask is the process's.
    let plain = dir.path().join("plain");
    fs::write(&plain, "").unwrap();
    assert_eq!(mode(&path), mode(&plain) & 0o644);
    fs::set_permissions(&plain, fs::Permissions::from_mode(0o777)).unwrap();
    write_with(&plain, "program", Options { mode: 0o700, durable: true }).unwrap();
    assert_eq!(mode(&plain), 0o700);
    assert_eq!(names(path.parent().unwrap()), ["c"]);
}

#[test]
fn what_was_there_stays_until_the_new_one_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    write(&path, "old").unwrap();
    let mut draft = Draft::create(&path).unwrap();
    draft.write_all(b"ne").unwrap();
    drop(draft);
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert_eq!(names(dir.path()), ["file"]);
}

#[test]
fn a_link_stays_and_what_it_leads_to_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    fs::create_dir(at("elsewhere")).unwrap();
    symlink("elsewhere/file", at("near")).unwrap();
    symlink(at("near"), at("far")).unwrap();
    // First the link dangles, and then it does not.
    for bytes in ["one", "two"] {
        write(&at("far"), bytes).unwrap();
        assert_eq!(fs::read_to_string(at("elsewhere/file")).unwrap(), bytes);
        assert!(at("far").is_symlink() && at("near").is_symlink() && !at("elsewhere/file").is_symlink());
    }
    assert_eq!(names(&at("elsewhere")), ["file"]);
    files::remove(&at("far")).unwrap();
    assert!(at("far").is_symlink() && !at("elsewhere/file").exists());

    symlink("loop", at("loop")).unwrap();
    let expected = format!("cannot write {}: too many symbolic links", at("loop").display());
    assert_eq!(error(&write(&at("loop"), "").unwrap_err()), expected);
}

#[test]
fn a_fifo_is_written_to() {
    let dir = tempfile::tempdir().unwrap();
    let (fifo, link) = (dir.path().join("fifo"), dir.path().join("link"));
    make_fifo(&fifo);
    symlink("fifo", &link).unwrap();
    for path in [&fifo, &link] {
        let reader = fifo.clone();
        let read = std::thread::spawn(move || fs::read_to_string(reader).unwrap());
        write(path, "through").unwrap();
        assert_eq!(read.join().unwrap(), "through");
        files::remove(path).unwrap();
        assert!(fs::symlink_metadata(&fifo).unwrap().file_type().is_fifo());
    }
    assert_eq!(names(dir.path()), ["fifo", "link"]);
}

#[test]
fn a_device_is_written_to() {
    let before = fs::metadata("/dev/null").unwrap();
    let dir = tempfile::tempdir().unwrap();
    symlink("/dev/null", dir.path().join("link")).unwrap();
    for path in [Path::new("/dev/null"), &dir.path().join("link")] {
        write(path, "gone").unwrap();
        files::remove(path).unwrap();
    }
    let after = fs::metadata("/dev/null").unwrap();
    assert!(after.file_type().is_char_device());
    assert_eq!((after.ino(), after.rdev()), (before.ino(), before.rdev()));

    let full = error(&write(Path::new("/dev/full"), "x").unwrap_err());
    assert_eq!(full, "cannot write /dev/full: No space left on device (os error 28)");
}

#[test]
fn what_stands_in_the_way_is_reported_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    write(&at("file"), "").unwrap();
    let _listener = UnixListener::bind(at("socket")).unwrap();
    for (name, reason) in [
        ("", "is a directory"),
        ("file/inside", "Not a directory (os error 20)"),
        ("socket", "it is a socket"),
    ] {
        let failed = Draft::create(&at(name)).map(drop).unwrap_err();
        assert_eq!(error(&failed), format!("cannot write {}: {reason}", at(name).display()));
    }
    let failed = error(&files::remove(dir.path()).unwrap_err());
    assert_eq!(failed, format!("cannot remove {}: is a directory", dir.path().display()));
    assert_eq!(names(dir.path()), ["file", "socket"]);
}

#[test]
fn what_takes_the_name_meanwhile_is_not_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("output");
    let draft = Draft::create(&path).unwrap();
    make_fifo(&path);
    let failed = error(&draft.finish_with(b"x").unwrap_err());
    assert_eq!(failed, format!("cannot write {}: it is no regular file any more", path.display()));
    assert_eq!(names(dir.path()), ["output"]);
}

#[test]
fn removing_what_is_not_there_is_no_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    write(&path, "old").unwrap();
    files::remove(&path).unwrap();
    files::remove(&path).unwrap();
    assert!(!path.exists());
}

/// The names of stdout, in a process of its own: this test again.
#[test]
fn stdout_is_written_to_where_it_is() {
    const OUTPUT: &str = "QUS_TEST_OUTPUT";
    if let Some(path) = std::env::var_os(OUTPUT) {
        assert!(files::is_stdout(Path::new(&path)));
        write(Path::new(&path), "data\n").unwrap();
        return;
    }
    assert!(!files::is_stdout(Path::new("./-")) && !files::is_stdout(Path::new("/dev/stderr")));
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    // What the shell prints before and after is not lost, and the file stays the one that the shell has open.
    let script =
        "echo before; \"$0\" --quiet --exact stdout_is_written_to_where_it_is --nocapture; echo after";
    for name in ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"] {
        fs::write(&file, "").unwrap();
        let out = fs::OpenOptions::new().write(true).open(&file).unwrap();
        let inode = out.metadata().unwrap().ino();
        let mut shell = Command::new("sh");
        shell.args(["-c", script]).arg(std::env::current_exe().unwrap()).env(OUTPUT, name).stdout(out);
        assert!(shell.status().unwrap().success(), "{name}");
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.starts_with("before\n") && text.ends_with("after\n"), "{name}: {text}");
        assert_eq!(text.matches("data\n").count(), 1, "{name}: {text}");
        assert_eq!(fs::metadata(&file).unwrap().ino(), inode, "{name}");
    }
}

/// Another open file keeps what it has.
#[test]
fn an_open_file_is_appended_to() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    fs::write(&path, "before\n").unwrap();
    let open = fs::File::open(&path).unwrap();
    let link = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&open));
    assert!(!files::is_stdout(Path::new(&link)) && files::is_stream(Path::new(&link)));
    assert!(
        !files::is_stream(&path)
            && !files::is_stream(dir.path())
            && !files::is_stream(&dir.path().join("new"))
    );
    assert!(["-", "/dev/null"].iter().all(|path| files::is_stream(Path::new(path))));
    write(Path::new(&link), "after\n").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "before\nafter\n");
}
