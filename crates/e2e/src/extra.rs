//! More jobs: what people do with qus beside the seventeen setups.

use arch::Host;
use testbed::Package;

use crate::job::{Job, NOT_REGISTERED, Needs, Root, Step};
use crate::shop::{self, FILE, QUS, SYSTEMD_BINFMT};

/// The hosts whose platforms people build for, and what their machines call themselves.
const MACHINES: [(&str, &str); 5] = [
    ("arm64v8", "aarch64"),
    ("arm32v7", "armv7l"),
    ("riscv64", "riscv64"),
    ("s390x", "s390x"),
    ("ppc64le", "ppc64le"),
];

/// A host's platform, as people type it.
fn platform(host: &str) -> String {
    shop::host(host).platform().normalized().to_string()
}

pub(super) fn jobs(native: Host) -> Vec<Job> {
    vec![
        unprivileged(native),
        single(native),
        binfmt(native),
        several(native),
        cpu(native),
        setuid(native),
        drop_in(native),
        build(native),
        buildx(native),
        wide(native),
        emulated(native),
        tampered(native),
    ]
}

fn uname(index: usize) -> Step {
    let (host, machine) = MACHINES[index];
    Step::prints(shop::run(&platform(host), "", &format!("{host}/busybox"), "uname -m"), machine)
}

fn roots(indexes: &[usize]) -> Vec<Root> {
    indexes.iter().map(|index| shop::busybox(shop::host(MACHINES[*index].0))).collect()
}

fn unprivileged(native: Host) -> Job {
    let bound = "docker run --rm --cap-drop ALL --network none --read-only \
                 -v /proc/sys/fs/binfmt_misc:/binfmt_misc";
    let needs = shop::needs(shop::image("aarch64", native), roots(&[0]));
    let steps = vec![
        shop::no_foreign_program(),
        Step::succeeds(format!("{bound} {QUS}:aarch64 -s --mount /binfmt_misc -- -p linux/arm64")),
        uname(0),
        Step::succeeds(format!("{bound} {QUS}:aarch64 --mount /binfmt_misc -- -r")),
        shop::no_foreign_program(),
    ];
    let about = "without --privileged, any capability or a network, into the machine's binfmt_misc";
    Job::new("unprivileged", about, needs, steps).on_all_engines()
}

fn single(native: Host) -> Job {
    let needs = shop::needs(shop::image("aarch64", native), roots(&[0]));
    let steps = vec![
        shop::no_foreign_program(),
        Step::succeeds(format!("docker run --rm --privileged {QUS}:aarch64 -s -- -p")),
        uname(0),
        Step::contains(format!("docker run --rm --privileged {QUS}:aarch64 --check aarch64"), "aarch64"),
    ];
    Job::new("single", "the image of one target", needs, steps)
}

/// The calls that docker/setup-qemu-action makes of its image (its src/main.ts).
fn binfmt(native: Host) -> Job {
    let call = format!("docker run --rm --privileged {QUS}:binfmt");
    let needs = shop::needs(shop::image("binfmt", native), roots(&[0, 3]));
    let steps = vec![
        shop::no_foreign_program(),
        Step::contains(format!("{call} --version"), "qemu"),
        Step::says(format!("{call} --uninstall qemu-*"), "uninstalling"),
        Step::contains(format!("{call} --install all"), "\"linux/arm64\""),
        Step::contains(call.clone(), "\"qemu-aarch64\""),
        uname(0),
        uname(3),
        Step::says(format!("{call} --uninstall arm64,s390x"), "uninstalling"),
        shop::no_foreign_program(),
    ];
    let about = "in place of tonistiigi/binfmt, called as docker/setup-qemu-action calls it";
    Job::new("binfmt", about, needs, steps).on_all_engines()
}

fn several(native: Host) -> Job {
    let needs = shop::needs(shop::image("latest", native), roots(&[0, 1, 2, 3]));
    let steps = vec![
        shop::no_foreign_program(),
        Step::succeeds(format!(
            "docker run --rm --privileged {QUS} -s -- -p arm64,linux/arm/v7 riscv64 s390x"
        )),
        uname(0),
        uname(1),
        uname(2),
        uname(3),
        Step::contains(format!("docker run --rm --privileged {QUS} -l"), "qemu-riscv64"),
        Step::succeeds(format!("docker run --rm --privileged {QUS} -- -r arm64")),
        shop::no_foreign_program(),
        uname(1),
    ];
    Job::new("several", "several targets in one call: by comma, by space, by platform", needs, steps)
}

/// QEMU's CPU model through binfmt_misc. No QEMU has a model `none`, so that what it says tells which model it was given.
fn cpu(native: Host) -> Job {
    // Failures are compared in lowercase.
    const NONE: &str = "unable to find cpu model 'none'";
    let call = format!("docker run --rm --privileged --network none --read-only {QUS}:riscv64");
    let program = |options: &str| shop::run("linux/riscv64", options, "riscv64/busybox", "uname -m");
    let needs = shop::needs(shop::image("riscv64", native), roots(&[2]));
    let steps = vec![
        Step::fails(program(""), NOT_REGISTERED),
        Step::contains(format!("{call} -s -- -p --cpu"), " as binfmt interpreter for riscv64 with -cpu "),
        uname(2),
        Step::fails(program("-e QEMU_CPU=none"), NONE),
        Step::contains(format!("{call} -l"), " -cpu "),
        Step::fails(format!("{call} -s -- -p --cpu=none"), NONE),
        Step::succeeds(format!("{call} -s -- -p --cpu=none --no-check")),
        Step::fails(program(""), NONE),
        Step::prints(program("-e QEMU_CPU=max"), "riscv64"),
        Step::succeeds(format!("{call} -s -- -p --cpu=qemu")),
        uname(2),
    ];
    let about = "a CPU model that QEMU gets through binfmt_misc, and `QEMU_CPU`, which wins";
    Job::new("cpu", about, needs, steps).on_all_engines()
}

fn setuid(native: Host) -> Job {
    let arm64 = shop::host("arm64v8");
    let image = "arm64v8/bash";
    let effective = "bash-static -p -c 'echo user $EUID'";
    let user = shop::run("linux/arm64", "--user 1000", "built", effective);
    let packages = vec![shop::busybox_package(arm64), Package::new("bookworm", arm64, "bash-static")];
    let root = Root { name: image.to_owned(), host: arm64, packages };
    let needs = shop::needs(shop::image("aarch64", native), vec![root]);
    let register = format!("docker run --rm --privileged {QUS}:aarch64 -s --");
    let mut steps = vec![Step::succeeds(format!("{register} -p aarch64"))];
    let dockerfile = format!("FROM {image}\nRUN chmod u+s /usr/bin/bash-static");
    shop::build(&mut steps, "linux/arm64", &dockerfile);
    steps.extend([
        Step::prints(user.clone(), "user 1000"),
        Step::succeeds(format!("{register} -c -p aarch64")),
        Step::prints(user, "user 0"),
    ]);
    Job::new("setuid", "set-user-ID programs with `-c`, and without", needs, steps)
}

fn drop_in(native: Host) -> Job {
    let mut needs = shop::needs(shop::image("register", native), roots(&[0]));
    needs.installed = shop::installed(Vec::new());
    let mut steps = Vec::new();
    let tarball = format!("{FILE}_{native}.tgz");
    shop::assets(&mut needs, &mut steps, std::slice::from_ref(&tarball));
    let register = format!(
        "docker run --rm --privileged -e QEMU_BIN_DIR=/usr/bin -v /usr/bin:/usr/bin -v /etc/binfmt.d:/etc/binfmt.d {QUS}:register"
    );
    steps.extend([
        Step::succeeds(format!("tar -xzf {tarball} -C /usr/bin")),
        Step::succeeds("mkdir -p /etc/binfmt.d"),
        shop::no_foreign_program(),
        Step::succeeds(format!("{register} -s -- -p aarch64")),
        uname(0),
        // It removes what is in none of its files, and so what was just registered.
        Step::succeeds(SYSTEMD_BINFMT),
        shop::no_foreign_program(),
        Step::succeeds(format!("{register} -s -- -p --systemd aarch64")),
        Step::contains("cat /etc/binfmt.d/qemu-aarch64.conf", ":/usr/bin/qemu-aarch64-static:"),
        Step::succeeds(SYSTEMD_BINFMT),
        uname(0),
    ]);
    let about = "an entry that outlives a restart of systemd-binfmt.service, by its drop-in";
    Job::new("drop-in", about, needs, steps)
}

fn build(native: Host) -> Job {
    let needs = shop::needs(shop::image("latest", native), roots(&[0, 1, 2, 3, 4]));
    let about = "docker build with several RUN steps for arm64, arm/v7, riscv64, s390x and ppc64le";
    Job::new("build", about, needs, builds(&MACHINES)).on_all_engines()
}

/// With BuildKit, which runs foreign programs in its own way. Debian packages it for its newest Docker.
fn buildx(native: Host) -> Job {
    let mut needs = shop::needs(shop::image("latest", native), roots(&[0, 3]));
    needs.installed = vec![Package::native("sid", "docker-buildx")];
    let mut steps = vec![Step::contains("docker buildx version", "buildx")];
    steps.extend(builds(&[MACHINES[0], MACHINES[3]]));
    Job::new("buildx", "the same with BuildKit, for arm64 and s390x", needs, steps)
}

fn builds(machines: &[(&str, &str)]) -> Vec<Step> {
    let mut steps = vec![Step::succeeds(format!("docker run --rm --privileged {QUS} -s -- -p"))];
    for (host, machine) in machines {
        let platform = &platform(host);
        let dockerfile = format!(
            "FROM {host}/busybox\n\
             RUN uname -m > /machine\n\
             RUN test \"$(cat /machine)\" = {machine} && echo built for $(uname -m) > /proof\n\
             RUN [\"/bin/busybox\", \"sed\", \"-i\", \"s/^/image /\", \"/proof\"]"
        );
        shop::build(&mut steps, platform, &dockerfile);
        steps.push(Step::prints(
            shop::run(platform, "", "built", "cat /proof"),
            &format!("image built for {machine}"),
        ));
    }
    steps
}

fn wide(native: Host) -> Job {
    let i386 = shop::host("i386");
    let register = format!("docker run --rm --privileged --platform {} {QUS}:aarch64", i386.platform());
    let needs = shop::needs(shop::image("aarch64", i386), roots(&[0]));
    let steps = vec![
        shop::no_foreign_program(),
        Step::succeeds(format!("{register} -s -- -p aarch64")),
        uname(0),
        Step::succeeds(format!("{register} -- -r")),
        shop::no_foreign_program(),
    ];
    Job::new("i386", format!("the image of a 32-bit host on {native}"), needs, steps)
}

/// The image of another machine, which itself runs under QEMU. Its entry leads the kernel to a foreign QEMU, and that to
/// the native one, which looks for the foreign one by its path: programs run where that path is.
fn emulated(native: Host) -> Job {
    let foreign = format!("docker run --rm --privileged --platform linux/arm64 {QUS}");
    let arm64 = shop::host("arm64v8");
    let options = "-v $(pwd)/busybox:/busybox --entrypoint /busybox";
    let program = shop::run("linux/arm64", options, QUS, "uname -m");
    let needs = Needs {
        images: vec![shop::image("aarch64", native), shop::image("latest", arm64)],
        files: vec![shop::program(shop::host("s390x"))],
        ..Needs::default()
    };
    let steps = vec![
        Step::fails(format!("{foreign} -h"), NOT_REGISTERED),
        Step::succeeds(format!("docker run --rm --privileged {QUS}:aarch64 -s -- -p aarch64")),
        Step::contains(format!("{foreign} -h"), "register"),
        Step::contains(format!("{foreign} -l"), "qemu-aarch64"),
        Step::contains(format!("{foreign} -s -- -p s390x"), "1 of 1 proved by running"),
        Step::prints(program, "s390x"),
    ];
    let about = "arm64v8's image, itself emulated, registers s390x for programs where its QEMU is";
    Job::new("emulated", about, needs, steps)
}

/// The check of a download, as the other jobs and the documentation have it, when the download is not to be trusted.
fn tampered(native: Host) -> Job {
    let (mut needs, mut steps) = (Needs::default(), Vec::new());
    let tarball = format!("{FILE}_{native}.tgz");
    shop::assets(&mut needs, &mut steps, std::slice::from_ref(&tarball));
    let check = shop::check(&tarball);
    steps.extend([
        Step::succeeds(format!("cp {tarball} right && echo x >> {tarball}")),
        Step::fails(check.clone(), "failed"),
        Step::succeeds(format!("cp right {tarball} && {check}")),
        Step::succeeds(format!("sed -i '/{tarball}$/d' SHA256SUMS")),
        // GNU's words, and busybox's: no (properly formatted) checksum lines found.
        Step::fails(check, "checksum lines found"),
    ]);
    let about = "a corrupt tarball, and one that SHA256SUMS does not name, are refused";
    Job::new("tampered", about, needs, steps)
}
