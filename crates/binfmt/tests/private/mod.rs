//! A binfmt_misc of the test's own, in a user namespace, without root: since Linux 6.7 each user namespace can mount one.
//!
//! A test begins with [`enter`] and its own name; the test program is then started again in new namespaces, with that test only.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

/// The name of the test that it is called in. (Its form is the compiler's own affair; a wrong one is found out, for no test has it.)
macro_rules! test_name {
    () => {{
        fn here() {}
        let (_, path) = std::any::type_name_of_val(&here).split_once("::").unwrap();
        path.strip_suffix("::here").unwrap()
    }};
}
pub(crate) use test_name;

/// Set inside.
const INSIDE: &str = "QUS_TEST_INSIDE";

/// The place where it is mounted inside.
pub(crate) const MISC: &str = "/proc/sys/fs/binfmt_misc";

/// The path of a binfmt_misc with no entries, which nobody else sees: [`MISC`], inside. Outside the test is run inside, and this
/// one has nothing left to do.
///
/// Where that cannot be had, the test is skipped and says so; with `CI` set it fails.
pub(crate) fn enter(name: &str) -> Option<&'static Path> {
    if std::env::var_os(INSIDE).is_some() {
        return Some(Path::new(MISC));
    }
    if let Err(reason) = possible() {
        skip(name, &reason);
        return None;
    }
    let program = std::env::current_exe().unwrap();
    let mut inside = unshare();
    // The pause makes it older than what counts as made by the mount that first meets it (`mount::instance`), so that a
    // test which mounts it once more finds what a container finds, however fast the machine is.
    inside.args([
        "sh",
        "-c",
        &format!("mount -t binfmt_misc none {MISC} && sleep 0.05 && exec \"$@\""),
        "sh",
    ]);
    inside.arg(program).args(["--exact", name, "--nocapture", "--test-threads=1"]);
    let output = inside.env(INSIDE, "1").output().unwrap();
    let told =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "in its own namespaces:\n{told}");
    assert!(told.contains("1 passed"), "there is no test called {name}:\n{told}");
    None
}

/// Reports that a test does not run, as `testbed::skip` does, which is too much to compile for these crates: on stderr, and to
/// `cargo xtask test`, which lists it at its end. In CI it is a failure.
#[allow(clippy::print_stderr, reason = "who runs the tests has to see it")]
pub(crate) fn skip(name: &str, reason: &str) {
    assert!(std::env::var_os("CI").is_none(), "{name} is skipped: {reason}");
    if let Some(list) = std::env::var_os("QUS_TEST_SKIPPED") {
        let mut list = std::fs::OpenOptions::new().append(true).open(list).unwrap();
        writeln!(list, "{name}: {}", reason.replace('\n', "; ")).unwrap();
    }
    eprintln!("{name} is skipped: {reason}");
}

fn unshare() -> Command {
    let mut command = Command::new("unshare");
    command.args(["-U", "-m", "--map-root-user", "--"]);
    command
}

fn possible() -> Result<(), String> {
    let tried = unshare().args(["mount", "-t", "binfmt_misc", "none", MISC]).output();
    let tried = tried.map_err(|error| format!("cannot start unshare: {error}"))?;
    if tried.status.success() {
        return Ok(());
    }
    let why = String::from_utf8_lossy(&tried.stderr).trim().to_owned();
    Err(format!("no binfmt_misc in a user namespace (Linux 6.7, CONFIG_USER_NS): {why}"))
}
