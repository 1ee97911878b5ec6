//! The checks of a machine, in their order: each leaves the state that the next begins with.

use std::fmt::Write as _;

use arch::{Host, Status, Target};

use super::check::{Check, Step, Text};

/// The place of the QEMU programs in an image.
const BIN: &str = "/usr/bin";

/// A machine as far as checks depend on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Subject {
    pub(super) host: Host,
    /// Its kernel's version as `register` prints it: `5.10`.
    linux: String,
    /// True before Linux 5.12, which lets QEMU know of the flag P.
    is_old: bool,
    /// True since Linux 6.7, in which a user namespace can have a binfmt_misc of its own.
    is_namespaced: bool,
    /// The targets of its host's family that its processor runs.
    runs: &'static [&'static str],
}

impl Subject {
    /// A machine whose kernel is of this release: `6.1.0-50-cloud-amd64`. `None` if that is no version.
    pub(super) fn new(host: Host, release: &str, runs: &'static [&'static str]) -> Option<Subject> {
        let mut numbers = release.split(['.', '-', '+', '~']).map(str::parse::<u32>);
        let (Some(Ok(major)), Some(Ok(minor))) = (numbers.next(), numbers.next()) else { return None };
        let linux = format!("{major}.{minor}");
        let (is_old, is_namespaced) = ((major, minor) < (5, 12), (major, minor) >= (6, 7));
        Some(Subject { host, linux, is_old, is_namespaced, runs })
    }

    /// The names of the machines whose busybox the machine has: a foreign one first, then another, then its own.
    pub(super) fn programs(&self) -> [Host; 3] {
        let names = match self.host.name() {
            "arm64v8" => ["s390x", "amd64"],
            "s390x" => ["arm64v8", "amd64"],
            // For 64-bit programs they have an older QEMU, which calls its version more precisely than its package does.
            "i386" => ["arm32v7", "s390x"],
            "arm32v7" => ["i386", "s390x"],
            _ => ["arm64v8", "s390x"],
        };
        let host = |name: &str| name.parse().unwrap_or(self.host);
        [host(names[0]), host(names[1]), self.host]
    }

    fn flags(&self) -> &'static str {
        if self.is_old { "F" } else { "PF" }
    }

    /// The targets that get an entry when all are asked for.
    fn foreign(&self) -> Vec<Target> {
        let own = |target: &Target| *target == self.host.target() || self.runs.contains(&target.name());
        let mut targets: Vec<Target> =
            Target::all().filter(|target| target.status() != Status::Retired && !own(target)).collect();
        targets.sort_by_key(|target| target.name());
        targets
    }
}

/// The oldest suite with a busybox for this host, as Debian came to it.
pub(super) fn busybox_suite(host: Host) -> &'static str {
    match host.name() {
        "riscv64" => "trixie",
        "loong64" => "sid",
        _ => "bookworm",
    }
}

/// The path of a host's busybox on every machine.
pub(super) fn busybox(host: Host) -> String {
    format!("/busybox-{host}")
}

/// The command by which the kernel gets the module.
pub(super) const MODPROBE: &str = "/sbin/modprobe";

const NO_MODULE: &str = "error: this kernel has no binfmt_misc: mounting it at /proc/sys/fs/binfmt_misc says \"no such device\"\n\
    hint: load the module on the machine itself (not in a container): modprobe binfmt_misc; if there is no such module, the \
    kernel was built without CONFIG_BINFMT_MISC";

/// More of the hint, on hosts that have it.
const RUN_INSTEAD: &str =
    "; or do without: aptman/qus:run runs foreign programs with neither privilege nor binfmt_misc";

const READ_ONLY: &str = "error: binfmt_misc is mounted read-only at /proc/sys/fs/binfmt_misc\n\
    hint: mount -o remount,rw /proc/sys/fs/binfmt_misc on the machine; with a bind mount, leave out `:ro`\n";

const DISABLED: &str = "binfmt_misc is disabled as a whole: /proc/sys/fs/binfmt_misc/status says `disabled`\n\
    hint: echo 1 > /proc/sys/fs/binfmt_misc/status\n";

const VANISHES: &str = "error: binfmt_misc is not mounted on this machine; mounted at /proc/sys/fs/binfmt_misc in this container only, \
    it would take all entries with it when the container ends\n\
    hint: mount it on the machine first: mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc; --ephemeral registers for as \
    long as this container runs\n";

const MAY_NOT_MOUNT: &str = "error: binfmt_misc is not mounted at /proc/sys/fs/binfmt_misc, and mounting it needs CAP_SYS_ADMIN\n\
    hint: this is a user namespace (rootless container?), which can mount a binfmt_misc of its own only with Linux 6.7 or newer and \
    CAP_SYS_ADMIN in the namespace; to change the machine's, run as real root";

const OF_ITS_OWN: &str = "warning: binfmt_misc is mounted at /proc/sys/fs/binfmt_misc in this container only: all entries vanish with it\n\
    note: this is a user namespace with a binfmt_misc of its own: the entries hold inside it, and vanish with it\n";

const MISC: &str = "/proc/sys/fs/binfmt_misc";

fn is(text: impl Into<String>) -> Text {
    Text::Is(text.into())
}

fn nothing() -> Text {
    is("")
}

pub(super) fn of(subject: &Subject) -> Vec<Check> {
    let [first, second, own] = subject.programs();
    let (target, flags) = (first.target(), subject.flags());
    let uname = |host: Host| format!("{} uname -m", busybox(host));
    let register = |options: &str| format!("register -s -- -p {options}");
    let set = |dir: &str, flags: &str| {
        format!(
            "Setting {dir}/qemu-{target}-static as binfmt interpreter for {target}\n\
             1 set, 0 kept as they were; flags: {flags}; 1 of 1 proved by running\n"
        )
    };
    let plain = register(target.name());
    let no_module = format!("{NO_MODULE}{}\n", if subject.host.has_run() { RUN_INSTEAD } else { "" });
    let kept = format!(
        "Keeping {BIN}/qemu-{target}-static as binfmt interpreter for {target}\n\
         0 set, 1 kept as they were; flags: {flags}; 1 of 1 proved by running\n"
    );
    let mut checks = vec![
        Check {
            name: "no module",
            steps: vec![
                Step::ends(plain.clone(), 1, nothing(), is(no_module.clone())),
                Step::ends("register -l", 1, nothing(), is(no_module)),
            ],
        },
        Check {
            name: "module not loaded",
            steps: vec![
                Step::prints(format!("ln -s /modprobe {MODPROBE}"), ""),
                Step::prints(plain.clone(), set(BIN, flags)),
            ],
        },
        container(subject, &plain, &set(BIN, flags)),
        not_mounted(subject, &plain, &set(BIN, flags), &kept),
        Check {
            name: "read-only",
            steps: vec![
                Step::prints(format!("mount -o remount,ro {MISC}"), ""),
                Step::ends(register(second.target().name()), 1, nothing(), is(READ_ONLY)),
                Step::ends("register -- -r", 1, nothing(), is(READ_ONLY)),
                Step::prints(format!("mount -o remount,rw {MISC}"), ""),
            ],
        },
        Check {
            name: "status 0",
            steps: vec![
                Step::prints(format!("echo 0 > {MISC}/status"), ""),
                Step::ends(plain.clone(), 1, nothing(), is(format!("error: {DISABLED}"))),
                Step::ends(
                    "register -l",
                    0,
                    Text::Has(target.name().to_owned()),
                    is(format!("warning: {DISABLED}")),
                ),
                Step::prints(format!("echo 1 > {MISC}/status"), ""),
            ],
        },
        Check {
            name: "again",
            steps: vec![
                Step::prints(plain.clone(), kept.clone()),
                Step::prints(format!("cat {MISC}/qemu-{target}"), entry(target, flags)),
            ],
        },
        Check {
            name: "list",
            steps: vec![
                Step::prints(
                    "register -l | tail -n 1 | awk '{print $1, $2, $3, $4, $5, $7}'",
                    format!("qemu-{target} {BIN}/qemu-{target}-static $QEMU {flags} enabled yes\n"),
                ),
                Step::prints(
                    "register -l --json 2>/dev/null | grep -E '\"(kernel|name|flags|works|qemu|enabled)\"' | tr -d ' ' | tr '\\n' ' '",
                    format!(
                        "\"name\":\"{}\", \"kernel\":\"{}\", \"enabled\":true, \"name\":\"qemu-{target}\", \"flags\":\"{flags}\", \"enabled\":true, \
                         \"owner\":\"qemu\", \"qemu\":\"$QEMU\", \"works\":\"yes\", \n",
                        uname_of(own),
                        subject.linux
                    ),
                ),
            ],
        },
        Check {
            name: "replaced",
            steps: vec![
                Step::prints(format!("mkdir /other && ln {BIN}/qemu-{target}-static /other/"), ""),
                Step::prints(format!("QEMU_BIN_DIR=/other {plain}"), set("/other", flags)),
                Step::prints(plain.clone(), set(BIN, flags)),
            ],
        },
        argv0(subject, &register(&format!("-g yes {target}")), &plain, &set),
        Check {
            name: "credentials",
            steps: vec![
                Step::ends(
                    register(&format!("-c {target}")),
                    0,
                    is(set(BIN, if subject.is_old { "OCF" } else { "POCF" })),
                    Text::Has("warning: with -c, set-user-ID programs".to_owned()),
                ),
                Step::ends(register(target.name()), 0, is(set(BIN, flags)), nothing()),
            ],
        },
        cpu(subject, &plain, &set(BIN, flags)),
        Check {
            name: "removed",
            steps: vec![
                Step::prints("register -- -r", format!("Removing qemu-{target}\n")),
                Step::ends("register -l", 0, nothing(), is("note: nothing is registered\n")),
                Step::ends(uname(first), 2, nothing(), Text::Has("syntax error".to_owned())),
            ],
        },
    ];
    if subject.host.name() == "amd64" {
        checks.push(user_namespace(subject, &set(BIN, flags)));
    }
    if subject.host.has_run() {
        checks.extend(["trace", "notify"].map(|mode| run(mode, first, second, own)));
    }
    if subject.host.has_run() {
        checks.push(cases(subject));
    }
    checks.push(all(subject));
    checks
}

/// A CPU model. No QEMU has a model `none`, so that what it says tells which model it was given.
fn cpu(subject: &Subject, plain: &str, set: &str) -> Check {
    let [first, ..] = subject.programs();
    let (target, uname) = (first.target(), format!("{} uname -m", busybox(first)));
    let with =
        |model: &str| set.replace(&format!(" for {target}\n"), &format!(" for {target} with -cpu {model}\n"));
    let unproved = with("none").replace("; 1 of 1 proved by running", "");
    let refused = || Text::Has("unable to find CPU model 'none'".to_owned());
    Check {
        name: "CPU model",
        steps: vec![
            Step::prints(format!("register -s -- -p --cpu=max {target}"), with("max")),
            Step::prints(uname.clone(), format!("{}\n", uname_of(first))),
            Step::ends(format!("QEMU_CPU=none {uname}"), 1, nothing(), refused()),
            Step::prints(format!("register -s -- -p --no-check --cpu=none {target}"), unproved),
            Step::ends(uname.clone(), 1, nothing(), refused()),
            Step::prints(format!("QEMU_CPU=max {uname}"), format!("{}\n", uname_of(first))),
            Step::prints(plain, set),
        ],
    }
}

/// A container on a machine where binfmt_misc is mounted nowhere: the mount would be the container's own.
fn container(subject: &Subject, plain: &str, set: &str) -> Check {
    let [first, ..] = subject.programs();
    let (target, uname) = (first.target(), format!("{} uname -m", busybox(first)));
    let inside = format!("unshare -m -p -f sh -c 'mount -t proc proc /proc; {plain}'");
    let mut steps = vec![
        Step::prints("register -- -r", format!("Removing qemu-{target}\n")),
        Step::prints(format!("umount {MISC}"), ""),
    ];
    if subject.is_old {
        steps.extend([
            Step::prints(inside, set),
            Step::prints(uname, format!("{}\n", uname_of(first))),
            Step::prints(
                format!("mount -t binfmt_misc none {MISC}; ls {MISC}"),
                format!("qemu-{target}\nregister\nstatus\n"),
            ),
        ]);
    } else {
        steps.extend([
            Step::ends(inside, 1, nothing(), is(VANISHES)),
            Step::prints(format!("ls {MISC}"), ""),
            Step::prints(plain, set),
        ]);
    }
    Check { name: "container", steps }
}

/// The end of the last mount. Linux 6.7 removes the entries then, and Debian's 6.1 does, and its 5.10 does not (1c5976ef0f7a in
/// Linux, and where it was put back to).
fn not_mounted(subject: &Subject, plain: &str, set: &str, kept: &str) -> Check {
    let [first, ..] = subject.programs();
    let target = first.target();
    let (check, uname) = (format!("register --check {target}"), format!("{} uname -m", busybox(first)));
    let mut steps = vec![Step::prints(format!("umount {MISC}"), "")];
    if subject.is_old {
        let runs = format!("{target} runs under QEMU $QEMU\n1 of 1 targets run\n");
        steps.extend([
            Step::prints(check, runs),
            Step::prints(uname, format!("{}\n", uname_of(first))),
            Step::prints(plain, kept),
        ]);
    } else {
        let error =
            format!("error: a program of {target} does not run: nothing is registered that runs it\n");
        steps.extend([
            Step::ends(check, 1, is("0 of 1 targets run\n"), is(error)),
            Step::prints(plain, set),
            Step::prints(uname, format!("{}\n", uname_of(first))),
        ]);
    }
    Check { name: "not mounted", steps }
}

/// A user namespace where the machine's own binfmt_misc is not mounted. It depends on the kernel alone, so that one host's
/// machines are enough.
fn user_namespace(subject: &Subject, set: &str) -> Check {
    let [first, ..] = subject.programs();
    let inside = format!("unshare -U -r -m register -s --ephemeral -- -p {}", first.target());
    let run = format!("run --mode userns -v --qemu-dir {BIN} {} uname -m", busybox(first));
    let has = |text: &str| Text::Has(text.to_owned());
    let mut steps = vec![Step::prints(format!("umount {MISC}"), "")];
    steps.extend(match subject.is_namespaced {
        true => [
            Step::ends(inside, 0, is(set), is(OF_ITS_OWN)),
            Step::ends(run, 0, is(format!("{}\n", uname_of(first))), has("run: mode userns\n")),
        ],
        false => [
            Step::ends(inside, 1, nothing(), is(format!("{MAY_NOT_MOUNT}{RUN_INSTEAD}\n"))),
            Step::ends(
                run,
                125,
                nothing(),
                has("userns: cannot mount binfmt_misc at /proc/sys/fs/binfmt_misc: "),
            ),
        ],
    });
    steps.push(Step::prints(format!("mount -t binfmt_misc none {MISC}; ls {MISC}"), "register\nstatus\n"));
    Check { name: "user namespace", steps }
}

/// The flag P, by which a program gets the name that it was started under.
fn argv0(subject: &Subject, yes: &str, plain: &str, set: &dyn Fn(&str, &str) -> String) -> Check {
    let [first, ..] = subject.programs();
    let named = format!("sh -c 'exec -a uname {} -m'", busybox(first));
    let steps = match subject.is_old {
        false => vec![Step::prints(named, format!("{}\n", uname_of(first)))],
        true => vec![
            Step::ends(named, 127, nothing(), is("-m: applet not found\n")),
            Step::ends(
                yes,
                0,
                is(set(BIN, "PF")),
                is(
                    "warning: with the flag P, Linux 5.10 passes argv[0] on but does not tell QEMU (that came with Linux 5.12), so \
                    that programs may fail to start\n",
                ),
            ),
            Step::prints(plain, set(BIN, "F")),
        ],
    };
    Check { name: "argv[0]", steps }
}

/// Foreign programs and what they start, by `run`.
fn run(mode: &'static str, first: Host, second: Host, own: Host) -> Check {
    let run = format!("run --mode {mode} --qemu-dir {BIN}");
    let [a, b, c] = [first, second, own].map(busybox);
    let [x, y, z] = [first, second, own].map(|host| host.target().name());
    let script = format!("uname -m; {b} sh -c \"uname -m; {c} uname -m; {a} uname -m; exit 7\"; echo $?");
    let name = if mode == "trace" { "run: trace" } else { "run: notify" };
    let (runs, left) = (format!("run: mode {mode}\n"), format!("{c}: left to the kernel\n"));
    let steps = vec![
        Step::ends(format!("{run} -v {a} uname -m"), 0, is(format!("{x}\n")), Text::Has(runs)),
        Step::ends(format!("{run} -v {c} uname -m"), 0, Text::Any, Text::Has(left)),
        Step::prints(format!("{run} {a} sh -c '{script}'"), format!("{x}\n{y}\n{z}\n{x}\n7\n")),
        Step::prints(format!("{run} sh -c '{script}'"), format!("{z}\n{y}\n{z}\n{x}\n7\n")),
        Step::ends(format!("{run} /nowhere"), 127, nothing(), Text::Any),
    ];
    Check { name, steps }
}

/// Every target, its trial run, and its entry as the kernel reads it back.
fn all(subject: &Subject) -> Check {
    let targets = subject.foreign();
    let mut own: Vec<&str> = subject.runs.to_vec();
    own.push(subject.host.target().name());
    own.sort_unstable();
    let mut out = format!(
        "Skipping {}: this machine ({}) runs these by itself\n",
        own.join(" "),
        uname_of(subject.host)
    );
    let mut entries = String::new();
    for target in &targets {
        // Writing to a String cannot fail.
        let _ =
            writeln!(out, "Setting {BIN}/qemu-{}-static as binfmt interpreter for {target}", target.binary());
        entries.push_str(&entry(*target, subject.flags()));
    }
    let count = targets.len();
    let _ = writeln!(
        out,
        "{count} set, 0 kept as they were; flags: {}; {count} of {count} proved by running",
        subject.flags()
    );
    Check {
        name: "every target",
        steps: vec![
            Step::prints("register -s -- -p", out),
            Step::prints(format!("cat {MISC}/qemu-*"), entries),
        ],
    }
}

/// Ways of executing a program: under `run` they come to what the kernel makes of them with entries.
fn cases(subject: &Subject) -> Check {
    let [first, second, _] = subject.programs();
    let under = |mode: &str| {
        let other = format!("run --mode {mode} --qemu-dir {BIN} sh /cases > /tmp/{mode} 2>&1");
        Step::prints(format!("{other}; diff /tmp/kernel /tmp/{mode}"), "")
    };
    let count = if subject.is_old { 12 } else { 13 };
    Check {
        name: "run: cases",
        steps: vec![
            Step::prints(format!("register -s -- -p {} {} > /dev/null", first.target(), second.target()), ""),
            Step::prints("sh /cases > /tmp/kernel 2>&1; grep -c ^= /tmp/kernel", format!("{count}\n")),
            // With no entry left, what runs does so by this program.
            Step::prints("register -- -r > /dev/null", ""),
            under("trace"),
            under("notify"),
        ],
    }
}

/// The script of the cases.
pub(super) fn script(subject: &Subject) -> String {
    let [first, second, own] = subject.programs().map(busybox);
    let bare = if subject.is_old { "" } else { "1" };
    format!("a={first} b={second} c={own} bare={bare}\n{}", include_str!("cases.sh"))
}

/// `uname -m` of the host.
fn uname_of(host: Host) -> &'static str {
    match host.name() {
        "i386" => "i686",
        "arm32v7" => "armv7l",
        _ => host.target().name(),
    }
}

/// The text of an entry in binfmt_misc (fs/binfmt_misc.c, `entry_status`).
fn entry(target: Target, flags: &str) -> String {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let magic = target.magic();
    format!(
        "enabled\ninterpreter {BIN}/qemu-{}-static\nflags: {flags}\noffset 0\nmagic {}\nmask {}\n",
        target.binary(),
        hex(magic.value()),
        hex(magic.mask())
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_s_release_says_what_it_knows() {
        let host: Host = "amd64".parse().unwrap();
        let facts = |subject: Subject| (subject.linux, subject.is_old, subject.is_namespaced);
        let of = |release: &str| Subject::new(host, release, &[]).map(facts);
        let check = |release: &str, linux: &str, is_old: bool, is_namespaced: bool| {
            assert_eq!(of(release), Some((linux.to_owned(), is_old, is_namespaced)), "{release}");
        };
        check("5.10.0-32-cloud-amd64", "5.10", true, false);
        check("5.12-rc1", "5.12", false, false);
        check("6.1.0-50-s390x", "6.1", false, false);
        check("6.6.9", "6.6", false, false);
        check("6.7-rc1", "6.7", false, true);
        check("7.2.13+deb14-cloud-amd64", "7.2", false, true);
        assert_eq!((of("amd64"), of("6")), (None, None));
    }
}
