//! Jobs of `run`, which registers nothing: with an engine's volume, with everything taken away, and in builds.

use arch::Host;
use testbed::Package;

use crate::job::{Job, NOT_REGISTERED, Needs, Step};
use crate::shop::{self, FOREIGN, MACHINE, QUS};

pub(super) fn jobs(native: Host) -> Vec<Job> {
    match native.has_run() {
        true => vec![volume(native), install(native), build(native), buildkit(native)],
        false => Vec::new(),
    }
}

/// A foreign program in a container that has `run` in front.
fn run(options: &str, command: &str) -> String {
    let options = format!("{options} -v qus:/qus --entrypoint /qus/run");
    shop::run("linux/arm64", options.trim_start(), FOREIGN, command)
}

/// The image that has `run`, and a foreign one.
fn needs(tag: &'static str, native: Host) -> Needs {
    shop::needs(shop::image(tag, native), vec![shop::busybox(shop::host("arm64v8"))])
}

fn volume(native: Host) -> Job {
    let restricted = "--read-only --cap-drop ALL --security-opt no-new-privileges -u 1000";
    let shell = "sh -c 'uname -m; sh -c \"exit 7\"; echo \"and $?\"'";
    // What root starts as another user, which nobody can attach to with a container's capabilities.
    let user = "sh -c 'echo b:x:1000:1000::/:/bin/sh >> /etc/passwd && su b -c \"uname -m && id -u\"'";
    // Killed, it would be 137.
    let waiting = "sh -c 'trap \"exit 7\" TERM; touch /ready; while :; do sleep 0.1; done'";
    let needs = needs("run-aarch64", native);
    let steps = vec![
        shop::no_foreign_program(),
        Step::contains(format!("docker run --rm -v qus:/qus {QUS}:run-aarch64 --version"), "run "),
        Step::prints(run("", "uname -m"), MACHINE),
        Step::prints(run("", shell), "and 7"),
        Step::prints(run(restricted, "uname -m"), MACHINE),
        Step::prints(run(restricted, shell), "and 7"),
        Step::prints(run("", user), "1000"),
        Step::prints(format!("{}; echo $?", run("", "/nowhere")), "127"),
        Step::succeeds(run("", waiting).replace("--rm", "-d --name waiting")),
        Step::succeeds("until docker cp waiting:/ready .; do sleep 0.1; done && docker stop -t 30 waiting"),
        Step::prints("docker inspect -f '{{.State.ExitCode}}' waiting", "7"),
        shop::no_foreign_program(),
    ];
    let about = "a foreign program and what it starts, by `run` in a volume: as root, as another user, and with nothing";
    Job::new("run", about, needs, steps).on_all_engines()
}

fn install(native: Host) -> Job {
    let needs = Needs { files: vec![shop::program(shop::host("s390x"))], ..needs("run", native) };
    let steps = vec![
        shop::no_foreign_program(),
        Step::succeeds(format!("docker run --rm -v qus:/out {QUS}:run --install /out")),
        Step::contains(run("", "--check"), "aarch64"),
        // A program of a third machine, in an image of another.
        Step::prints(
            run("-v $(pwd)/busybox:/other/busybox", "sh -c '/other/busybox uname -m && uname -m'"),
            "s390x",
        ),
    ];
    Job::new("run-install", "`run` and every QEMU, copied into a volume by `--install`", needs, steps)
}

/// With the builder that knows of no platform for `COPY --from`.
fn build(native: Host) -> Job {
    let dockerfile = format!(
        "FROM {FOREIGN}\n\
         COPY --from={QUS}:run-aarch64 /qus /qus\n\
         SHELL [\"/qus/run\", \"/bin/sh\", \"-c\"]\n\
         RUN uname -m > /machine\n\
         RUN test \"$(cat /machine)\" = {MACHINE} && echo built for $(uname -m) > /proof\n\
         SHELL [\"/bin/sh\", \"-c\"]"
    );
    let needs = needs("run-aarch64", native);
    let steps = vec![
        shop::dockerfile(&dockerfile),
        Step::succeeds("docker build --network none -t built ."),
        Step::prints(
            "docker run --rm --platform linux/arm64 --entrypoint /qus/run built cat /proof",
            "built for aarch64",
        ),
    ];
    let about = "a Dockerfile for arm64 whose SHELL is `run`, built with nothing registered";
    Job::new("run-build", about, needs, steps)
}

/// With BuildKit: `run` mounted by a Dockerfile, and `run` as BuildKit's own emulator for a Dockerfile that knows nothing of it.
fn buildkit(native: Host) -> Job {
    let program = format!("qus-run-aarch64_{native}");
    let mut needs = needs("run-aarch64", native);
    needs.installed = vec![Package::native("sid", "docker-buildx")];
    let mut steps = Vec::new();
    shop::assets(&mut needs, &mut steps, std::slice::from_ref(&program));
    let mounted = format!(
        "FROM --platform=$BUILDPLATFORM {QUS}:run-aarch64 AS qus\n\
         FROM {FOREIGN}\n\
         SHELL [\"/qus/run\", \"/bin/sh\", \"-c\"]\n\
         RUN --mount=from=qus,source=/qus,target=/qus uname -m > /proof\n\
         SHELL [\"/bin/sh\", \"-c\"]\n\
         FROM scratch\n\
         COPY --from=1 /proof /"
    );
    let plain = format!("FROM {FOREIGN}\nRUN uname -m > /proof\nFROM scratch\nCOPY --from=0 /proof /");
    let build = "docker build --network none --platform linux/arm64 --progress plain -o out . > log 2>&1";
    steps.extend([
        Step::contains("docker buildx version", "buildx"),
        shop::dockerfile(&plain),
        Step::fails(format!("{build} || {{ cat log; false; }}"), NOT_REGISTERED),
        shop::dockerfile(&mounted),
        Step::prints(format!("{build} && cat out/proof"), MACHINE),
        Step::fails("grep InvalidBaseImagePlatform log || { echo none; false; }", "none"),
        shop::dockerfile(&plain),
        Step::succeeds(format!("cp {program} /usr/bin/buildkit-qemu-aarch64 && rm -r out")),
        Step::prints(format!("{} && cat out/proof", build.replace("build ", "build --no-cache ")), MACHINE),
    ]);
    let about = "BuildKit for arm64: `run` mounted into steps, and as the emulator that it looks for";
    Job::new("run-buildkit", about, needs, steps)
}
