//! Sandboxes on the real kernel: what is inside, what goes wrong, and that nothing stays.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use qus_testbed::sandbox::{Network, Options};
use qus_testbed::{Error, Packages, Sandbox};

/// Set in a process that holds a sandbox until it is killed.
const HOLD: &str = "QUS_TESTBED_HOLD";

fn sandbox(test: &str) -> Option<Sandbox> {
    let packages = Packages::for_test(test)?;
    Some(Sandbox::start(&packages, &Options::default()).unwrap())
}

/// The namespaces of a process: `pid:[4026531836]`, …
fn namespaces(process: &Path) -> BTreeSet<PathBuf> {
    // A process may end while it is looked at.
    let Ok(entries) = fs::read_dir(process.join("ns")) else { return BTreeSet::new() };
    entries.flatten().filter_map(|entry| fs::read_link(entry.path()).ok()).collect()
}

/// The processes of the machine that are in one of `wanted`.
fn inhabitants(wanted: &BTreeSet<PathBuf>) -> BTreeSet<PathBuf> {
    fs::read_dir("/proc")
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| !namespaces(path).is_disjoint(wanted))
        .collect()
}

/// The things that only the sandbox has.
fn own_namespaces(pid: u32) -> BTreeSet<PathBuf> {
    let all = namespaces(Path::new(&format!("/proc/{pid}")));
    let own: BTreeSet<_> = all.difference(&namespaces(Path::new("/proc/self"))).cloned().collect();
    // Two links each for pid (`pid`, `pid_for_children`) name one namespace; time is not the sandbox's own.
    assert_eq!(own.len(), 7, "user, mnt, pid, net, ipc, uts, cgroup: {own:?}");
    own
}

fn cgroups() -> BTreeSet<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
    let root = mounts.lines().find(|line| line.contains(" cgroup2 ")).unwrap().split(' ').nth(1).unwrap();
    fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect()
}

fn cgroup_of(pid: u32) -> PathBuf {
    let text = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
    let path = text.lines().find_map(|line| line.strip_prefix("0::/")).unwrap();
    PathBuf::from(path.strip_suffix("/init").unwrap())
}

fn mounts() -> String {
    fs::read_to_string("/proc/self/mountinfo").unwrap()
}

#[test]
fn nothing_is_left_behind() {
    let Some(packages) = Packages::for_test("nothing_is_left_behind") else { return };
    let before = mounts();
    let sandbox = Sandbox::start(&packages, &Options::default()).unwrap();
    let namespaces = own_namespaces(sandbox.pid());
    let cgroup = cgroup_of(sandbox.pid());
    let dir = sandbox.shared().parent().unwrap().to_owned();
    // Something that ignores polite signals, and something with a namespace of its own.
    let mut stubborn = sandbox.command("sh").args(["-c", "trap '' TERM HUP; sleep 1000"]).spawn().unwrap();
    let mut nested = sandbox.command("unshare").args(["-m", "sleep", "1000"]).spawn().unwrap();
    while inhabitants(&namespaces).len() < 5 {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(cgroups().iter().any(|path| path.ends_with(&cgroup)));
    assert!(dir.is_dir());

    let start = Instant::now();
    drop(sandbox);
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
    stubborn.wait().unwrap();
    nested.wait().unwrap();
    assert_eq!(inhabitants(&namespaces), BTreeSet::new());
    assert!(!cgroups().iter().any(|path| path.ends_with(&cgroup)));
    assert!(!dir.exists());
    assert_eq!(mounts(), before);
}

#[test]
fn a_killed_process_leaves_nothing_for_long() {
    if std::env::var_os(HOLD).is_some() {
        let Some(sandbox) = sandbox("a_killed_process_leaves_nothing_for_long") else { return };
        println!("\nholds {} {}", sandbox.pid(), sandbox.shared().display());
        std::thread::sleep(Duration::from_secs(600));
        return;
    }
    let Some(packages) = Packages::for_test("a_killed_process_leaves_nothing_for_long") else { return };
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "sandbox::a_killed_process_leaves_nothing_for_long", "--nocapture"])
        .env(HOLD, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.map_while(Result::ok).find(|line| line.starts_with("holds ")).unwrap();
    let fields: Vec<&str> = line.split(' ').collect();
    let pid = fields[1].parse().unwrap();
    let dir = Path::new(fields[2]).parent().unwrap();
    let namespaces = own_namespaces(pid);
    let cgroup = cgroup_of(pid);
    child.kill().unwrap();
    child.wait().unwrap();

    // The kernel ends the processes, …
    let end = Instant::now() + Duration::from_secs(10);
    while !inhabitants(&namespaces).is_empty() {
        assert!(Instant::now() < end, "still there: {:?}", inhabitants(&namespaces));
        std::thread::sleep(Duration::from_millis(10));
    }
    // … and the next sandbox clears up.
    drop(Sandbox::start(&packages, &Options::default()).unwrap());
    assert!(!dir.exists());
    assert!(!cgroups().iter().any(|path| path.ends_with(&cgroup)));
}

#[test]
fn inside_is_a_machine_of_its_own() {
    let Some(sandbox) = sandbox("inside_is_a_machine_of_its_own") else { return };
    let shell = |script: &str| sandbox.run(&["sh", "-euc", script]).unwrap();
    assert_eq!(shell("id -u; hostname; pwd"), "0\ntestbed\n/root\n");
    assert_eq!(shell("ls /proc/sys/fs/binfmt_misc"), "register\nstatus\n");
    assert_eq!(shell("cat /proc/1/comm"), "tini-static\n");
    assert_eq!(shell("ls /sys/class/net; cat /proc/self/cgroup | grep ^0:"), "lo\n0::/init\n");
    let status = fs::read_to_string(format!("/proc/{}/status", sandbox.pid())).unwrap();
    let bounding = status.lines().find_map(|line| line.strip_prefix("CapBnd:\t")).unwrap();
    let last: u32 = fs::read_to_string("/proc/sys/kernel/cap_last_cap").unwrap().trim().parse().unwrap();
    assert_eq!(u64::from_str_radix(bounding, 16).unwrap(), (1 << (last + 1)) - 1, "all capabilities");
    // The machine's directories are not there, and a name is only inside.
    assert_eq!(shell("ls /home 2> /dev/null || echo none"), "none\n");
    shell("echo ':x:E::x::/bin/sh:' > /proc/sys/fs/binfmt_misc/register");
    assert!(!Path::new("/proc/sys/fs/binfmt_misc/x").exists());
    assert_eq!(shell("test -e /proc/sys/fs/binfmt_misc/x && echo registered"), "registered\n");
}

#[test]
fn files_go_in_and_out() {
    let Some(packages) = Packages::for_test("files_go_in_and_out") else { return };
    let bound = tempfile::tempdir().unwrap();
    fs::write(bound.path().join("file"), "of the machine").unwrap();
    let options = Options { binds: vec![bound.path().to_owned()], ..Options::default() };
    let sandbox = Sandbox::start(&packages, &options).unwrap();
    sandbox.write("/etc/some/where", "written").unwrap();
    assert_eq!(sandbox.run(&["cat", "/etc/some/where"]).unwrap(), "written");
    // busybox's applets are absolute links: neither the machine's file nor busybox is written to.
    sandbox.run(&["ln", "-s", bound.path().join("file").to_str().unwrap(), "/usr/bin/some-link"]).unwrap();
    sandbox.write("/usr/bin/some-link", "replaced").unwrap();
    sandbox.write("/usr/bin/wget", "replaced").unwrap();
    assert_eq!(sandbox.run(&["cat", "/usr/bin/some-link", "/usr/bin/wget"]).unwrap(), "replacedreplaced");
    assert_eq!(fs::read_to_string(bound.path().join("file")).unwrap(), "of the machine");
    let error = sandbox.write("/proc/x", "").unwrap_err().to_string();
    assert!(error.starts_with("`cat > /proc/x` failed (exit status: 1):\n"), "{error}");
    fs::write(sandbox.shared().join("a"), "shared").unwrap();
    assert_eq!(sandbox.run(&["cat", "/shared/a"]).unwrap(), "shared");
    sandbox.run(&["sh", "-c", "echo -n back > /tmp/b"]).unwrap();
    assert_eq!(fs::read_to_string(sandbox.path("/tmp/b")).unwrap(), "back");
    let file = bound.path().join("file");
    assert_eq!(sandbox.run(&["cat", file.to_str().unwrap()]).unwrap(), "of the machine");
}

#[test]
fn the_network_is_private_unless_asked_for() {
    let Some(packages) = Packages::for_test("the_network_is_private_unless_asked_for") else { return };
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    for (network, expected) in [(Network::Private, Some(1)), (Network::Host, Some(0))] {
        let sandbox = Sandbox::start(&packages, &Options { network, ..Options::default() }).unwrap();
        let output =
            sandbox.output(&["nc", "127.0.0.1", &port, "-e", "true"], Duration::from_secs(10)).unwrap();
        assert_eq!(output.status.code(), expected, "{network:?}: {output:?}");
    }
}

#[test]
fn failures_are_named() {
    let Some(sandbox) = sandbox("failures_are_named") else { return };
    let error = sandbox.run(&["sh", "-c", "echo out; echo err >&2; exit 3"]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`sh -c echo out; echo err >&2; exit 3` failed (exit status: 3):\nout\nerr"
    );
    let error = sandbox.output(&["sleep", "100"], Duration::from_secs(1)).unwrap_err();
    assert!(matches!(error, Error::Slow { .. }), "{error}");
    assert_eq!(error.to_string(), "`sleep 100` did not end within 1 s; it had printed:\n");
    let error = sandbox.run(&["no-such-program"]).unwrap_err().to_string();
    assert!(error.starts_with("`no-such-program` failed (exit status: 127):\n"), "{error}");
    let killed = sandbox.output(&["sh", "-c", "kill -9 $$"], Duration::from_secs(10)).unwrap();
    assert_eq!(killed.status.signal(), Some(9));
}

#[test]
fn a_sandbox_that_cannot_start_says_why() {
    let Some(packages) = Packages::for_test("a_sandbox_that_cannot_start_says_why") else { return };
    let options = Options { binds: vec!["/no/such/directory".into()], ..Options::default() };
    let error = Sandbox::start(&packages, &options).unwrap_err().to_string();
    let expected = concat!(
        "cannot start a sandbox: mounting its root: it ended\n",
        "mount: mounting /no/such/directory on "
    );
    assert!(error.starts_with(expected), "{error}");
    assert!(error.ends_with("/no/such/directory failed: No such file or directory"), "{error}");
}
