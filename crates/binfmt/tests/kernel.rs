//! The operations on the running kernel's binfmt_misc, in a private instance.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use binfmt::mount::{self, State};
use binfmt::{BinfmtMisc, Entry, Flags, Kernel, in_initial_user_namespace};

use qus_binfmt as binfmt;

mod private;

/// Magic that no program has.
const MAGIC: (&[u8], &[u8]) = (b"\x7fQUS", b"\xff\xff\xf0\xff");

fn entry(name: &str, interpreter: &str, flags: Flags) -> Entry {
    Entry::new(name, MAGIC, Path::new(interpreter), flags).unwrap()
}

fn names(misc: &BinfmtMisc) -> Vec<String> {
    let mut names: Vec<_> =
        misc.list().unwrap().into_iter().map(|listed| listed.name.into_string().unwrap()).collect();
    names.sort();
    names
}

fn message<T: std::fmt::Debug>(result: binfmt::Result<T>) -> String {
    result.unwrap_err().to_string()
}

/// A file that the kernel takes for an interpreter.
fn interpreter(dir: &Path, name: &str) -> String {
    let path = dir.join(name);
    fs::copy("/bin/true", &path).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn entries_are_registered_read_back_replaced_and_removed() {
    let Some(dir) = private::enter(private::test_name!()) else { return };
    let misc = BinfmtMisc::open(None).unwrap();
    assert_eq!((misc.dir(), misc.is_new_instance()), (dir, false));
    assert_eq!(names(&misc), [""; 0]);
    let files = tempfile::tempdir().unwrap();
    let (one, two) = (interpreter(files.path(), "one"), interpreter(files.path(), "two"));
    let first = entry("e", &one, Flags::FIX_BINARY | Flags::PRESERVE_ARGV0);
    misc.register(&first).unwrap();
    assert_eq!(misc.entry("e").unwrap(), Some(first.clone()));
    let again = misc.register(&first);
    assert_eq!(message(again), "cannot register e: there is an entry of this name");

    let second = entry("e", &two, Flags::CREDENTIALS);
    assert!(misc.replace(&first, &second, &mut || true).unwrap());
    assert_eq!(misc.entry("e").unwrap(), Some(second.clone()));
    assert_eq!(names(&misc), ["e"]);

    // The new one is in effect while it is tried, and the old one is the same afterwards.
    let inode = || fs::metadata(dir.join("e")).unwrap().ino();
    let before = inode();
    let accept = &mut || {
        assert_eq!(
            misc.list().unwrap()[0].entry,
            Ok(first.renamed("e.qus-new")),
            "the newest is listed first"
        );
        false
    };
    assert!(!misc.replace(&second, &first, accept).unwrap());
    assert_eq!((names(&misc), inode()), (vec!["e".to_owned()], before));

    assert!(misc.remove(&second).unwrap());
    assert!(!misc.remove(&second).unwrap());
    assert_eq!(misc.entry("e").unwrap(), None);
}

#[test]
fn a_failed_replacement_leaves_the_old_entry_untouched() {
    let Some(dir) = private::enter(private::test_name!()) else { return };
    let misc = BinfmtMisc::open(Some(dir)).unwrap();
    let old = entry("e", "/old", Flags::NONE);
    misc.register(&old).unwrap();
    let inode = fs::metadata(dir.join("e")).unwrap().ino();
    let error = misc.replace(&old, &entry("e", "/nowhere", Flags::FIX_BINARY), &mut || true);
    assert_eq!(
        message(error),
        "cannot register e: the kernel cannot open the interpreter /nowhere: No such file or directory (os error 2)"
    );
    assert_eq!(names(&misc), ["e"]);
    assert_eq!(fs::metadata(dir.join("e")).unwrap().ino(), inode);
}

#[test]
fn a_path_with_the_usual_delimiter_is_registered_with_another() {
    let Some(dir) = private::enter(private::test_name!()) else { return };
    let misc = BinfmtMisc::open(Some(dir)).unwrap();
    let odd = entry("e", "/a:b|c d", Flags::OPEN_BINARY);
    misc.register(&odd).unwrap();
    assert_eq!(misc.entry("e").unwrap(), Some(odd));
}

#[test]
fn disabled_entries_and_a_disabled_whole_are_seen() {
    let Some(dir) = private::enter(private::test_name!()) else { return };
    let misc = BinfmtMisc::open(Some(dir)).unwrap();
    misc.register(&entry("e", "/x", Flags::NONE)).unwrap();
    fs::write(dir.join("e"), "0").unwrap();
    assert!(!misc.entry("e").unwrap().unwrap().enabled());
    // As it is replaced by what it was, it is switched on.
    let disabled = misc.entry("e").unwrap().unwrap();
    misc.replace(&disabled, &disabled.as_enabled(), &mut || true).unwrap();
    assert!(misc.entry("e").unwrap().unwrap().enabled());

    assert!(misc.enabled().unwrap() && misc.check_writable().is_ok());
    fs::write(dir.join("status"), "0").unwrap();
    assert!(!misc.enabled().unwrap());
    let error = misc.check_writable().unwrap_err();
    let status = dir.join("status").display().to_string();
    assert_eq!(error.to_string(), format!("binfmt_misc is disabled as a whole: {status} says `disabled`"));
    assert_eq!(error.hint(), Some(format!("echo 1 > {status}")));
}

#[test]
fn interpreters_that_the_kernel_cannot_open_are_told_apart() {
    let Some(dir) = private::enter(private::test_name!()) else { return };
    let misc = BinfmtMisc::open(Some(dir)).unwrap();
    let files = tempfile::tempdir().unwrap();
    let path = |name: &str| files.path().join(name);
    fs::write(path("plain"), "").unwrap();
    fs::set_permissions(path("plain"), Permissions::from_mode(0o644)).unwrap();
    fs::create_dir(path("folder")).unwrap();
    std::os::unix::fs::symlink(path("loop"), path("loop")).unwrap();
    for (name, reason, has_hint) in [
        ("missing", "No such file or directory (os error 2)", false),
        ("plain", "Permission denied (os error 13)", true),
        ("folder", "Permission denied (os error 13)", true),
        ("loop", "Too many levels of symbolic links (os error 40)", false),
        ("plain/x", "Not a directory (os error 20)", false),
    ] {
        let path = path(name).display().to_string();
        let error = misc.register(&entry("e", &path, Flags::FIX_BINARY)).unwrap_err();
        let expected = format!("cannot register e: the kernel cannot open the interpreter {path}: {reason}");
        assert_eq!((error.to_string(), error.hint().is_some()), (expected, has_hint));
        // Without F the kernel looks only when a program starts.
        let without = entry("e", &path, Flags::NONE);
        misc.register(&without).unwrap();
        misc.remove(&without).unwrap();
    }
}

#[test]
fn a_read_only_mount_can_be_listed_and_not_changed() {
    let Some(dir) = private::enter(private::test_name!()) else { return };
    BinfmtMisc::open(Some(dir)).unwrap().register(&entry("e", "/x", Flags::NONE)).unwrap();
    run("mount", &["-o", "remount,bind,ro", dir.to_str().unwrap()]);
    assert_eq!(mount::state(dir).unwrap(), State::Mounted { read_only: true });
    let misc = BinfmtMisc::open(Some(dir)).unwrap();
    assert_eq!(names(&misc), ["e"]);
    let expected = format!("binfmt_misc is mounted read-only at {}", dir.display());
    assert_eq!(message(misc.register(&entry("f", "/x", Flags::NONE))), expected);
    assert_eq!(message(misc.remove(&entry("e", "/x", Flags::NONE))), expected);
    let error = misc.check_writable().unwrap_err();
    assert_eq!(error.to_string(), expected);
    assert!(error.hint().unwrap().starts_with("mount -o remount,rw "));
}

#[test]
fn it_is_found_where_it_is_bound_in_and_mounted_where_it_is_not() {
    let Some(dir) = private::enter(private::test_name!()) else { return };
    BinfmtMisc::open(Some(dir)).unwrap().register(&entry("e", "/x", Flags::NONE)).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let elsewhere = elsewhere.path().to_str().unwrap().to_owned();
    run("mount", &["--bind", dir.to_str().unwrap(), &elsewhere]);
    run("umount", &[dir.to_str().unwrap()]);
    assert_eq!(mount::state(dir).unwrap(), State::NotMounted);
    assert_eq!(mount::mounts(), [PathBuf::from(&elsewhere)]);
    let misc = BinfmtMisc::open(None).unwrap();
    assert_eq!((misc.dir(), misc.is_new_instance()), (Path::new(&elsewhere), false));
    assert_eq!(names(&misc), ["e"]);

    // A second mount of what is mounted elsewhere, as in a container.
    let misc = BinfmtMisc::open(Some(dir)).unwrap();
    assert_eq!((names(&misc), misc.is_new_instance()), (vec!["e".to_owned()], false));
    run("umount", &[dir.to_str().unwrap()]);

    // With the last mount the instance ends, and its entries with it.
    run("umount", &[&elsewhere]);
    let misc = BinfmtMisc::open(None).unwrap();
    assert_eq!((misc.dir(), misc.is_new_instance()), (dir, true));
    assert_eq!(names(&misc), [""; 0]);
    assert!(Kernel::running().unwrap() >= Kernel::OWN_INSTANCES);
    assert!(!in_initial_user_namespace());
}

#[test]
fn an_entry_that_took_the_name_since_the_look_is_not_removed() {
    let Some(dir) = private::enter(private::test_name!()) else { return };
    let misc = BinfmtMisc::open(Some(dir)).unwrap();
    let ours = entry("e", "/ours", Flags::NONE);
    let theirs = entry("e", "/theirs", Flags::NONE);
    misc.register(&ours).unwrap();
    let listed = misc.list().unwrap();
    // As systemd-binfmt does it.
    fs::write(dir.join("e"), "-1").unwrap();
    misc.register(&theirs).unwrap();
    let changed = "cannot remove e: another entry has taken its name, and stays";
    assert_eq!(message(misc.remove(&ours)), changed);
    assert_eq!(message(misc.remove_listed(&listed[0])), changed);
    let replaced = misc.replace(&ours, &entry("e", "/new", Flags::NONE), &mut || true);
    assert_eq!(message(replaced), format!("cannot replace e: {changed}; the new entry was taken back"));
    assert_eq!(misc.entry("e").unwrap(), Some(theirs));
    assert_eq!(names(&misc), ["e"]);
    assert!(misc.remove_listed(&misc.list().unwrap()[0]).unwrap());
    assert_eq!(names(&misc), [""; 0]);
}

#[test]
fn looking_leaves_no_mount() {
    let Some(dir) = private::enter(private::test_name!()) else { return };
    let elsewhere = tempfile::tempdir().unwrap();
    let elsewhere = elsewhere.path().to_str().unwrap().to_owned();
    BinfmtMisc::look(None).unwrap().unwrap();
    assert_eq!(mount::mounts(), [dir], "what was mounted stays so");
    BinfmtMisc::open(Some(dir)).unwrap().register(&entry("e", "/x", Flags::NONE)).unwrap();
    run("mount", &["--bind", dir.to_str().unwrap(), &elsewhere]);
    run("umount", &[dir.to_str().unwrap()]);
    // As in a container: there is one, and it is mounted where this process does not look.
    let misc = BinfmtMisc::look(Some(dir)).unwrap().unwrap();
    assert_eq!(names(&misc), ["e"]);
    drop(misc);
    assert_eq!(mount::mounts(), [PathBuf::from(&elsewhere)]);
    run("umount", &[&elsewhere]);
    assert!(BinfmtMisc::look(None).unwrap().is_none());
    assert!(mount::mounts().is_empty());
    // Opened to be written to, and then not.
    let misc = BinfmtMisc::open(None).unwrap();
    assert!(misc.is_new_instance() && !misc.lasts());
    misc.unmount();
    assert!(mount::mounts().is_empty());
}

#[test]
fn a_trial_tells_if_entries_end_with_their_mount() {
    let Some(dir) = private::enter(private::test_name!()) else { return };
    let elsewhere = tempfile::tempdir().unwrap();
    let misc = BinfmtMisc::open(Some(dir)).unwrap();
    assert!(!mount::outlives_its_mount(dir));
    assert_eq!((mount::mounts(), names(&misc)), (vec![dir.to_owned()], vec![]));
    // As on kernels where entries keep it alive: here, a mount elsewhere does.
    run("mount", &["--bind", dir.to_str().unwrap(), elsewhere.path().to_str().unwrap()]);
    assert!(mount::outlives_its_mount(dir));
    assert_eq!((mount::mounts().len(), names(&misc)), (2, vec![]));
    run("umount", &[elsewhere.path().to_str().unwrap()]);
}

#[test]
fn an_entry_may_have_any_name() {
    let Some(dir) = private::enter(private::test_name!()) else { return };
    let misc = BinfmtMisc::open(Some(dir)).unwrap();
    fs::write(dir.join("register"), b":\xff\x1b:E::xyz::/x:").unwrap();
    let listed = misc.list().unwrap();
    assert_eq!(listed[0].name.as_encoded_bytes(), b"\xff\x1b");
    assert!(misc.remove_listed(&listed[0]).unwrap());
    assert_eq!(names(&misc), [""; 0]);
}

#[test]
fn entries_are_changed_by_one_at_a_time() {
    let Some(dir) = private::enter(private::test_name!()) else { return };
    let turn = BinfmtMisc::open(Some(dir)).unwrap().lock().unwrap();
    let waits = std::thread::spawn({
        let dir = dir.to_owned();
        move || BinfmtMisc::open(Some(&dir)).unwrap().lock().map(drop)
    });
    std::thread::sleep(std::time::Duration::from_millis(100));
    assert!(!waits.is_finished());
    drop(turn);
    waits.join().unwrap().unwrap();
}

#[test]
fn a_path_that_is_not_there_is_no_kernel_support() {
    let Some(_) = private::enter(private::test_name!()) else { return };
    let error = BinfmtMisc::open(Some(Path::new("/proc/sys/fs/nothing"))).unwrap_err();
    assert_eq!(error.to_string(), "this kernel has no binfmt_misc: /proc/sys/fs/nothing does not exist");
    assert!(error.hint().unwrap().contains("modprobe binfmt_misc"));
    // Neither is this kernel's fault.
    let error = BinfmtMisc::open(Some(Path::new("/nowhere/misc"))).unwrap_err();
    assert_eq!(error.to_string(), "cannot mount binfmt_misc at /nowhere/misc: there is no such folder");
    assert!(error.hint().unwrap().starts_with("mkdir -p /nowhere/misc, or "));
    let no_proc = format!("/proc is not mounted here, or only in part, so there is no {}", mount::DEFAULT);
    run("mount", &["-t", "tmpfs", "none", "/proc"]);
    let error = BinfmtMisc::open(None).unwrap_err();
    assert_eq!(error.to_string(), no_proc);
    assert!(error.hint().unwrap().starts_with("mount it: mount -t proc proc /proc; "));
}

fn run(program: &str, arguments: &[&str]) {
    let status = Command::new(program).args(arguments).status().unwrap();
    assert!(status.success(), "{program} {arguments:?}");
}
