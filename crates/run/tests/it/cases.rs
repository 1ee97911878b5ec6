//! Ways of executing a foreign program, each tried under `run` and under the kernel's own binfmt_misc: both must come to the same.
//!
//! The expected results are the kernel's, in the same run. A case is made by this test program, started again: it forks, and the
//! child executes.
//!
//! # Safety
//! The child of a fork calls nothing but system calls and what needs no lock: it was forked from a process with one thread.
//! Pointers passed are to C strings that end in NUL and arrays that end in null.

#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::Path;

use crate::stand::Stand;

/// Names the file that the results go to, in a process that makes the cases.
const RESULTS: &str = "QUS_RUN_CASES";

/// The facts that a program finds out about itself.
const SEE: &str = "echo \"$0|$*\"; readlink /proc/self/exe; tr '\\0' '|' < /proc/self/cmdline; echo; env | sort | head -n 3";

struct Strings {
    _owned: Vec<CString>,
    pointers: Vec<*const c_char>,
}

fn strings(texts: &[&str]) -> Strings {
    let owned: Vec<CString> = texts.iter().map(|text| CString::new(*text).unwrap()).collect();
    let pointers = owned.iter().map(|text| text.as_ptr()).chain([std::ptr::null()]).collect();
    Strings { _owned: owned, pointers }
}

fn errno() -> i32 {
    std::io::Error::last_os_error().raw_os_error().unwrap()
}

/// The result of `exec` in a child: its output, its exit status, or the error.
fn outcome(exec: impl FnOnce()) -> String {
    let (mut reader, writer) = std::io::pipe().unwrap();
    // SAFETY: see the module.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: numbers of open descriptors.
        unsafe {
            libc::dup2(writer.as_raw_fd(), 1);
            libc::dup2(writer.as_raw_fd(), 2);
        }
        exec();
        let mut error = File::from(OwnedFd::from(writer));
        let _ = write!(error, "errno {}", errno());
        // SAFETY: a number.
        unsafe { libc::_exit(99) };
    }
    drop(writer);
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    let mut status = 0;
    // SAFETY: a local value.
    unsafe { libc::waitpid(child, &raw mut status, 0) };
    format!("{text} status {status:#x}")
}

fn execve(path: &str, arguments: &[&str], environment: &[&str]) {
    let (path, arguments, environment) =
        (CString::new(path).unwrap(), strings(arguments), strings(environment));
    // SAFETY: see the module.
    unsafe { libc::execve(path.as_ptr(), arguments.pointers.as_ptr(), environment.pointers.as_ptr()) };
}

fn execveat(directory: i32, path: &CStr, arguments: &[&str], flags: i32) {
    let (arguments, environment) = (strings(arguments), strings(&["A=1", "B=2"]));
    // SAFETY: see the module.
    unsafe {
        libc::syscall(
            libc::SYS_execveat,
            directory,
            path.as_ptr(),
            arguments.pointers.as_ptr(),
            environment.pointers.as_ptr(),
            flags,
        );
    }
}

fn open(path: &str, flags: i32) -> i32 {
    let path = CString::new(path).unwrap();
    // SAFETY: a C string and a number.
    unsafe { libc::open(path.as_ptr(), flags) }
}

/// The number of execs that fail while a timer goes off all the time, whose signals end other calls with EINTR.
fn interrupted(microseconds: i64) -> usize {
    extern "C" fn nothing(_: i32) {}
    let failed = (0..40).filter(|_| {
        // SAFETY: local values; the handler does nothing.
        let status = unsafe {
            let child = libc::fork();
            if child == 0 {
                let mut action: libc::sigaction = std::mem::zeroed();
                action.sa_sigaction = nothing as extern "C" fn(i32) as libc::sighandler_t;
                libc::sigaction(libc::SIGALRM, &raw const action, std::ptr::null_mut());
                let time = libc::timeval { tv_sec: 0, tv_usec: microseconds };
                let timer = libc::itimerval { it_interval: time, it_value: time };
                libc::setitimer(libc::ITIMER_REAL, &raw const timer, std::ptr::null_mut());
                execve("./busybox-aarch64", &["true"], &[]);
                libc::_exit(77);
            }
            let mut status = 0;
            libc::waitpid(child, &raw mut status, 0);
            status
        };
        // The program has no handler, and ends at the first signal.
        assert!(status == libc::SIGALRM || libc::WEXITSTATUS(status) == 77 || status == 0, "{status:#x}");
        status >> 8 == 77
    });
    failed.count()
}

/// Makes the folder `root` the root.
fn change_root() {
    // SAFETY: a C string.
    assert_eq!(unsafe { libc::chroot(c"root".as_ptr()) }, 0);
    std::env::set_current_dir("/").unwrap();
}

fn block_a_signal() {
    // SAFETY: local values.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigaddset(&raw mut set, libc::SIGUSR2);
        libc::sigprocmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut());
    }
}

/// Prints into the case's pipe.
#[allow(clippy::print_stdout, reason = "what a child prints is the result")]
fn print(text: &str) {
    print!("{text}");
    std::io::stdout().flush().unwrap();
}

/// Every case, with its result. The working directory has the programs.
fn all() -> Vec<(&'static str, String)> {
    let see = ["sh", "-c", SEE, "zero", "one", ""];
    let environment = ["A=1", "B=two words", "PATH=/usr/bin:/bin"];
    let own = std::env::current_dir().unwrap();
    let absolute = own.join("busybox-aarch64").to_str().unwrap().to_owned();
    let mut cases: Vec<(&'static str, String)> = Vec::new();
    let mut case = |name: &'static str, exec: &mut dyn FnMut()| cases.push((name, outcome(exec)));

    case("relative path", &mut || execve("./busybox-aarch64", &see, &environment));
    case("absolute path", &mut || execve(&absolute, &see, &environment));
    case("link", &mut || execve("link", &see, &environment));
    case("no environment", &mut || execve("./busybox-aarch64", &see, &[]));
    case("no arguments", &mut || execve("./busybox-aarch64", &[], &environment));
    case("empty argument", &mut || execve("./busybox-aarch64", &[""], &environment));
    case("other name", &mut || execve("./busybox-aarch64", &["echo", "as", "an", "applet"], &environment));
    case("high byte first", &mut || execve("./busybox-s390x", &see, &environment));
    case("foreign from foreign", &mut || {
        execve(
            "./busybox-aarch64",
            &["sh", "-c", "exec ./busybox-s390x sh -c 'uname -m; readlink /proc/self/exe'"],
            &environment,
        );
    });
    case("own executable", &mut || {
        execve("./busybox-aarch64", &["sh", "-c", "exec /proc/self/exe uname -m"], &environment);
    });

    case("descriptor", &mut || {
        execveat(open("./busybox-aarch64", libc::O_RDONLY), c"", &see, libc::AT_EMPTY_PATH);
    });
    case("path-only descriptor", &mut || {
        execveat(open("./busybox-aarch64", libc::O_PATH), c"", &see, libc::AT_EMPTY_PATH);
    });
    case("descriptor that closes on exec", &mut || {
        execveat(open("./busybox-aarch64", libc::O_RDONLY | libc::O_CLOEXEC), c"", &see, libc::AT_EMPTY_PATH);
    });
    case("directory", &mut || execveat(open(".", libc::O_RDONLY), c"busybox-aarch64", &see, 0));
    case("directory that closes on exec", &mut || {
        execveat(open(".", libc::O_RDONLY | libc::O_CLOEXEC), c"busybox-aarch64", &see, 0);
    });
    case("directory that does not matter", &mut || {
        let path = CString::new(absolute.as_str()).unwrap();
        execveat(77, &path, &see, 0);
    });
    case("directory that is not open", &mut || execveat(77, c"busybox-aarch64", &see, 0));
    case("link not to be followed", &mut || {
        execveat(libc::AT_FDCWD, c"link", &see, libc::AT_SYMLINK_NOFOLLOW);
    });
    case("empty path", &mut || execveat(libc::AT_FDCWD, c"", &see, 0));
    case("file in memory", &mut || {
        let bytes = fs::read("busybox-aarch64").unwrap();
        // SAFETY: a C string; the descriptor is new.
        let mut file = unsafe { File::from_raw_fd(libc::memfd_create(c"program".as_ptr(), 0)) };
        file.write_all(&bytes).unwrap();
        let reader = open(&format!("/proc/self/fd/{}", file.as_raw_fd()), libc::O_RDONLY);
        drop(file);
        execveat(reader, c"", &["sh", "-c", "uname -m"], libc::AT_EMPTY_PATH);
    });
    case("descriptor's path", &mut || {
        let descriptor = open("./busybox-aarch64", libc::O_RDONLY);
        execve(&format!("/proc/self/fd/{descriptor}"), &["sh", "-c", "uname -m"], &environment);
    });
    case("descriptor's other path", &mut || {
        let descriptor = open("./busybox-aarch64", libc::O_RDONLY);
        execve(&format!("/dev/fd/{descriptor}"), &["sh", "-c", "uname -m"], &environment);
    });

    for name in
        ["script", "script with argument", "script of a script", "four scripts", "five scripts", "own script"]
    {
        case(name, &mut || execve(&format!("./{name}"), &["first", "second", "third"], &environment));
    }
    case("script by descriptor", &mut || {
        execveat(open("./script", libc::O_RDONLY), c"", &["a", "b"], libc::AT_EMPTY_PATH);
    });
    case("script by descriptor that closes on exec", &mut || {
        let descriptor = open("./script", libc::O_RDONLY | libc::O_CLOEXEC);
        execveat(descriptor, c"", &["a", "b"], libc::AT_EMPTY_PATH);
    });
    case("script without a line feed", &mut || execve("./no line feed", &["a"], &environment));

    for name in
        ["none", "text", "plain", "folder", "plain/x", "circle", "script of nothing", "unknown machine"]
    {
        case(name, &mut || execve(&format!("./{name}"), &["a"], &environment));
    }
    case("long name", &mut || execve(&"x".repeat(300), &["a"], &environment));
    case("long path", &mut || execve(&"x/".repeat(3000), &["a"], &environment));
    case("bad addresses", &mut || {
        // SAFETY: that these are no addresses is what is tried.
        unsafe {
            let path = c"./busybox-aarch64".as_ptr();
            let one: *const *const c_char = std::ptr::without_provenance(1);
            assert_eq!(libc::execve(path, one, std::ptr::null()), -1);
            assert_eq!(errno(), libc::EFAULT);
            libc::execve(std::ptr::without_provenance(1), std::ptr::null(), std::ptr::null());
        }
    });
    case("a failed exec leaves everything", &mut || {
        execve("./text", &["a"], &environment);
        execve("./five scripts", &["a"], &environment);
        execve("./busybox-aarch64", &["sh", "-c", "uname -m"], &environment);
    });
    case("more than the kernel takes", &mut || {
        let long = "x".repeat(200_000);
        execve("./busybox-aarch64", &["echo", &long], &environment);
        execve("./busybox-aarch64", &["sh", "-c", "uname -m"], &environment);
    });

    case("many arguments", &mut || {
        let mut arguments = vec!["sh", "-c", "echo $#; echo ${99999}", "0"];
        arguments.resize(100_004, "x");
        execve("./busybox-aarch64", &arguments, &environment);
    });
    case("a megabyte of arguments", &mut || {
        let long = "y".repeat(100_000);
        let mut arguments = vec!["sh", "-c", "echo $#; echo ${#10}", "0"];
        arguments.resize(14, &long);
        execve("./busybox-aarch64", &arguments, &environment);
    });
    case("from a second thread", &mut || {
        let thread =
            std::thread::spawn(|| execve("./busybox-aarch64", &["sh", "-c", "uname -m; exit 5"], &["A=1"]));
        thread.join().unwrap();
    });
    case("from one of several threads", &mut || {
        for _ in 0..3 {
            std::thread::spawn(|| std::thread::sleep(std::time::Duration::from_secs(100)));
        }
        std::thread::spawn(|| execve("./busybox-aarch64", &["uname", "-m"], &["A=1"])).join().unwrap();
    });
    case("from a handler", &mut || {
        extern "C" fn handler(_: i32) {
            execve("./busybox-aarch64", &["uname", "-m"], &["A=1"]);
        }
        // SAFETY: the handler only executes; nothing else runs meanwhile.
        unsafe {
            libc::signal(libc::SIGUSR1, handler as extern "C" fn(i32) as libc::sighandler_t);
            libc::raise(libc::SIGUSR1);
        }
    });
    case("spawned", &mut || {
        let status =
            std::process::Command::new("./busybox-aarch64").args(["sh", "-c", "uname -m; exit 3"]).status();
        print(&format!("{status:?}\n"));
        let missing = std::process::Command::new("./text").status();
        print(&format!("{:?}\n", missing.map_err(|error| error.raw_os_error())));
        // SAFETY: a number.
        unsafe { libc::_exit(0) };
    });
    case("vfork", &mut || {
        let arguments = strings(&["uname", "-m"]);
        // SAFETY: the child only executes, or ends.
        #[allow(deprecated, reason = "what it does is what is tried")]
        unsafe {
            let child = libc::vfork();
            if child == 0 {
                libc::execve(c"./busybox-aarch64".as_ptr(), arguments.pointers.as_ptr(), std::ptr::null());
                libc::_exit(98);
            }
            let mut status = 0;
            libc::waitpid(child, &raw mut status, 0);
            libc::_exit(status);
        }
    });
    case("not to be looked into", &mut || {
        // SAFETY: numbers.
        unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 0) };
        execve("./busybox-aarch64", &["uname", "-m"], &environment);
    });
    case("blocked signals stay blocked", &mut || {
        block_a_signal();
        execve("./busybox-aarch64", &["sh", "-c", "grep SigBlk /proc/self/status"], &environment);
    });
    for (name, microseconds) in [("timer of 50 us", 50), ("timer of 200 us", 200), ("timer of 1000 us", 1000)]
    {
        case(name, &mut || {
            print(&format!("{}\n", interrupted(microseconds)));
            // SAFETY: a number.
            unsafe { libc::_exit(0) };
        });
    }
    case("few descriptors", &mut || {
        let limit = libc::rlimit { rlim_cur: 5, rlim_max: 5 };
        // SAFETY: a local value.
        unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) };
        execve("./busybox-aarch64", &["sh", "-c", "uname -m; ./busybox-s390x uname -m"], &environment);
    });
    case("a working directory that is gone", &mut || {
        fs::create_dir("gone").unwrap();
        std::env::set_current_dir("gone").unwrap();
        fs::remove_dir("../gone").unwrap();
        execve("./busybox-aarch64", &["uname", "-m"], &environment);
        execve(&absolute, &["uname", "-m"], &environment);
    });
    case("another root", &mut || {
        change_root();
        execve(
            "/bin/sh",
            &["sh", "-c", "uname -m; bin/script x; cd /bin; ./other; exec ./sh -c 'echo $0'"],
            &environment,
        );
    });
    case("blocked signals stay blocked in another root", &mut || {
        block_a_signal();
        change_root();
        // Where there is no /proc, a signal that ends the process, or does not, tells.
        execve("/bin/sh", &["sh", "-c", "kill -USR2 $$; echo blocked; kill -USR1 $$; echo no"], &environment);
    });
    case("another root, and no descriptor", &mut || {
        change_root();
        // SAFETY: a number.
        unsafe { libc::close(0) };
        execve("/bin/link", &["sh", "-c", "uname -m"], &environment);
    });
    case("another root, and an error in it", &mut || {
        change_root();
        let long = "x".repeat(200_000);
        execve("/bin/sh", &["echo", &long], &environment);
        let error = errno();
        // The descriptor that comes next is the one that would have come before.
        print(&format!("{error} {} ", open("/bin/sh", libc::O_RDONLY)));
        execve("/bin/sh", &["sh", "-c", "uname -m"], &environment);
    });
    case("another mount namespace", &mut || {
        // SAFETY: numbers and C strings.
        unsafe {
            assert_eq!(libc::unshare(libc::CLONE_NEWNS), 0);
            let none = std::ptr::null();
            let flags = libc::MS_BIND;
            assert_eq!(
                libc::mount(c"busybox-s390x".as_ptr(), c"target".as_ptr(), none, flags, none.cast()),
                0
            );
        }
        execve("./target", &["uname", "-m"], &environment);
    });
    case("another network", &mut || {
        // SAFETY: a number.
        assert_eq!(unsafe { libc::unshare(libc::CLONE_NEWNET) }, 0);
        execve("./busybox-aarch64", &["uname", "-m"], &environment);
    });
    cases
}

fn prepare(stand: &Stand) {
    for (name, text) in [
        ("script", "#!./busybox-aarch64 sh\necho \"$0|$*\"\n"),
        ("script with argument", "#!./busybox-aarch64 sh -e\necho \"$0|$*\"\n"),
        ("script of a script", "#!./interpreter x y\necho no\n"),
        ("interpreter", "#!./busybox-aarch64 echo\n"),
        ("two scripts", "#!./interpreter\n"),
        ("three", "#!./two\n"),
        ("two", "#!./interpreter\n"),
        ("four scripts", "#!./three\n"),
        ("five scripts", "#!./four\n"),
        ("four", "#!./three\n"),
        ("own script", "#!/bin/sh -e\necho \"$0|$*\"; ./busybox-aarch64 uname -m\n"),
        ("no line feed", "#!./busybox-aarch64 uname "),
        ("text", "text\n"),
        ("circle", "#!./circle\n"),
        ("script of nothing", "#!./none\n"),
        ("root/bin/script", "#!/bin/sh -e\necho \"$0|$*\"\n"),
    ] {
        stand.put(name, text);
    }
    fs::write(stand.path("plain"), fs::read(stand.path("busybox-aarch64")).unwrap()).unwrap();
    fs::write(stand.path("target"), "").unwrap();
    fs::create_dir(stand.path("folder")).unwrap();
    let mut unknown = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x34\x12".to_vec();
    unknown.resize(64, 0);
    stand.put("unknown machine", unknown);
    stand.put_busybox("root/bin/sh", "aarch64");
    stand.put_busybox("root/bin/true", "s390x");
    std::os::unix::fs::symlink("busybox-aarch64", stand.path("link")).unwrap();
    std::os::unix::fs::symlink("/bin/sh", stand.path("root/bin/link")).unwrap();
    std::os::unix::fs::symlink("true", stand.path("root/bin/other")).unwrap();
}

/// The results of the cases in a user namespace, by name.
fn results(stand: &Stand, name: &str, before: &str) -> Vec<(String, String)> {
    let results = stand.path(name);
    let script = format!("{before} \"$0\" \"$@\"");
    let program = std::env::current_exe().unwrap();
    let mut command = stand.command("unshare -U -m -r sh -c", &[&script]);
    command.arg(program).args(["--exact", "cases::made_by_another_test", "--test-threads=1", "--nocapture"]);
    for (number, (target, _)) in crate::stand::TARGETS.iter().enumerate() {
        command.env(format!("ENTRY_{number}"), stand.registration(target));
    }
    let output = stand.ended(command.env(RESULTS, &results));
    let text = fs::read_to_string(&results).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    let cases = text.split_terminator('\u{1e}').map(|case| case.split_once('\u{1f}').unwrap());
    cases.map(|(name, result)| (name.to_owned(), result.to_owned())).collect()
}

/// Makes the cases if another test asks for them.
#[test]
fn made_by_another_test() {
    let Some(results) = std::env::var_os(RESULTS) else { return };
    let mut text = String::new();
    for (name, result) in all() {
        text.push_str(&format!("{name}\u{1f}{result}\u{1e}"));
    }
    fs::write(Path::new(&results), text).unwrap();
}

/// The cases in which `notify` differs: a signal that comes too early ends an exec.
const EARLY: [&str; 3] = ["timer of 50 us", "timer of 200 us", "timer of 1000 us"];

#[test]
fn every_case_comes_to_what_the_kernel_makes_of_it() {
    let stand = Stand::new();
    prepare(&stand);
    let register = "cd /proc/sys/fs && mount -t binfmt_misc none binfmt_misc && printf %s \"$ENTRY_0\" > binfmt_misc/register && \
                    printf %s \"$ENTRY_1\" > binfmt_misc/register && cd \"$OLDPWD\" && exec";
    let expected = results(&stand, "kernel", register);
    assert!(expected.len() > 50, "{}", expected.len());
    let foreign = expected.iter().filter(|(_, result)| result.contains("aarch64\n")).count();
    assert!(foreign > 20, "the kernel runs them: {expected:?}");
    for (mode, early) in [("trace", &[][..]), ("notify", &EARLY)] {
        let actual = results(&stand, mode, &format!("exec ./run --mode {mode}"));
        let mut differing: Vec<_> =
            expected.iter().zip(&actual).filter(|(one, other)| one != other).collect();
        differing.retain(|(kernel, _)| !early.contains(&kernel.0.as_str()));
        assert!(differing.is_empty(), "{mode}: {differing:#?}");
        assert_eq!(expected.len(), actual.len(), "{mode}");
    }
}
