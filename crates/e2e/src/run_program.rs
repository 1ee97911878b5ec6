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
fn run(options: &str, image: &str, command: &str) -> String {
    let options = format!("{options} -v qus:/qus --entrypoint /qus/run");
    format!("docker run --rm --platform linux/arm64 {} {image} {command}", options.trim_start())
}

/// True before and after: nobody has registered anything.
fn nothing_is_registered() -> Step {
    Step::fails(shop::run("linux/arm64", "", FOREIGN, "uname -m"), NOT_REGISTERED)
}

fn volume(native: Host) -> Job {
    let restricted = "--read-only --cap-drop ALL --security-opt no-new-privileges -u 1000";
    let shell = "sh -c 'uname -m; sh -c \"exit 7\"; echo \"and $?\"'";
    // What root starts as another user, which nobody can attach to with a container's capabilities.
    let user = "sh -c 'echo b:x:1000:1000::/:/bin/sh >> /etc/passwd && su b -c \"uname -m && id -u\"'";
    // Killed, it would be 137.
    let waiting = "sh -c 'trap \"exit 7\" TERM; touch /ready; while :; do sleep 0.1; done'";
    Job {
        name: "run".to_owned(),
        about: "a foreign program and what it starts, by `run` in a volume: as root, as another user, and with nothing"
            .to_owned(),
        cells: Vec::new(),
        engines_differ: true,
        needs: Needs {
            images: vec![shop::image("run-aarch64", native)],
            roots: vec![shop::busybox(shop::host("arm64v8"))],
            ..Needs::default()
        },
        steps: vec![
            nothing_is_registered(),
            Step::contains(format!("docker run --rm -v qus:/qus {QUS}:run-aarch64 --version"), "run "),
            Step::prints(run("", FOREIGN, "uname -m"), MACHINE),
            Step::prints(run("", FOREIGN, shell), "and 7"),
            Step::prints(run(restricted, FOREIGN, "uname -m"), MACHINE),
            Step::prints(run(restricted, FOREIGN, shell), "and 7"),
            Step::prints(run("", FOREIGN, user), "1000"),
            Step::prints(format!("{}; echo $?", run("", FOREIGN, "/nowhere")), "127"),
            Step::succeeds(run("", FOREIGN, waiting).replace("--rm", "-d --name waiting")),
            Step::succeeds("until docker cp waiting:/ready .; do sleep 0.1; done && docker stop -t 30 waiting"),
            Step::prints("docker inspect -f '{{.State.ExitCode}}' waiting", "7"),
            nothing_is_registered(),
        ],
    }
}

fn install(native: Host) -> Job {
    let volume = |command: &str| run("", FOREIGN, command);
    Job {
        name: "run-install".to_owned(),
        about: "`run` and every QEMU, copied into a volume by `--install`".to_owned(),
        cells: Vec::new(),
        engines_differ: false,
        needs: Needs {
            images: vec![shop::image("run", native)],
            roots: vec![shop::busybox(shop::host("arm64v8"))],
            files: vec![shop::program(shop::host("s390x"))],
            ..Needs::default()
        },
        steps: vec![
            nothing_is_registered(),
            Step::succeeds(format!("docker run --rm -v qus:/out {QUS}:run --install /out")),
            Step::contains(volume("--check"), "aarch64"),
            // A program of a third machine, in an image of another.
            Step::prints(
                run(
                    "-v $(pwd)/busybox:/other/busybox",
                    FOREIGN,
                    "sh -c '/other/busybox uname -m && uname -m'",
                ),
                "s390x",
            ),
        ],
    }
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
    Job {
        name: "run-build".to_owned(),
        about: "a Dockerfile for arm64 whose SHELL is `run`, built with nothing registered".to_owned(),
        cells: Vec::new(),
        engines_differ: false,
        needs: Needs {
            images: vec![shop::image("run-aarch64", native)],
            roots: vec![shop::busybox(shop::host("arm64v8"))],
            ..Needs::default()
        },
        steps: vec![
            Step::succeeds(format!("cat > Dockerfile <<'EOF'\n{dockerfile}\nEOF")),
            Step::succeeds("docker build --network none -t built ."),
            Step::prints(
                "docker run --rm --platform linux/arm64 --entrypoint /qus/run built cat /proof",
                "built for aarch64",
            ),
        ],
    }
}

/// With BuildKit: `run` mounted by a Dockerfile, and `run` as BuildKit's own emulator for a Dockerfile that knows nothing of it.
fn buildkit(native: Host) -> Job {
    let program = format!("qus-run-aarch64_{native}");
    let mut needs = Needs {
        images: vec![shop::image("run-aarch64", native)],
        roots: vec![shop::busybox(shop::host("arm64v8"))],
        installed: vec![Package::native("sid", "docker-buildx")],
        ..Needs::default()
    };
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
    let write = |text: &str| Step::succeeds(format!("cat > Dockerfile <<'EOF'\n{text}\nEOF"));
    let build = "docker build --network none --platform linux/arm64 --progress plain -o out . > log 2>&1";
    steps.extend([
        Step::contains("docker buildx version", "buildx"),
        write(&plain),
        Step::fails(format!("{build} || {{ cat log; false; }}"), NOT_REGISTERED),
        write(&mounted),
        Step::prints(format!("{build} && cat out/proof"), MACHINE),
        Step::fails("grep InvalidBaseImagePlatform log || { echo none; false; }", "none"),
        write(&plain),
        Step::succeeds(format!("cp {program} /usr/bin/buildkit-qemu-aarch64 && rm -r out")),
        Step::prints(format!("{} && cat out/proof", build.replace("build ", "build --no-cache ")), MACHINE),
    ]);
    Job {
        name: "run-buildkit".to_owned(),
        about: "BuildKit for arm64: `run` mounted into steps, and as the emulator that it looks for"
            .to_owned(),
        cells: Vec::new(),
        engines_differ: false,
        needs,
        steps,
    }
}
