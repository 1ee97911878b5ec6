//! The Action's script: on a real engine with the real images, and with an engine that notes what it was asked for.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::layout::Images;
use crate::ship::packages;
use arch::{Status, Target};
use testbed::sandbox::Options;
use testbed::{Engine, Running, Sandbox};

fn action(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../action").join(file)
}

/// The output of the image when it is asked for platforms.
const STATUS: &str =
    "{\n  \"supported\": [\n    \"linux/amd64\",\n    \"linux/arm64\"\n  ],\n  \"emulators\": []\n}\n";

/// The message where this commit names no digest of the image.
fn unpinned(tag: &str) -> String {
    format!(
        "note: this commit of the Action names no digest of aptman/qus:{tag}: what has this tag today is run\n"
    )
}

/// A copy of the script, on a machine that says it is `x86_64`, with a `docker` that prints its arguments, or what is in the file `status` when it is asked for platforms.
struct Dry(tempfile::TempDir);

impl Dry {
    fn new() -> Dry {
        let dir = tempfile::tempdir().unwrap();
        let dry = Dry(dir);
        fs::write(dry.path("status"), STATUS).unwrap();
        dry.docker("[ \"$4\" = --entrypoint ] || exec echo \"$*\"; exec cat \"${0%/*}/status\"");
        dry.program("uname", "echo x86_64");
        fs::copy(action("setup.sh"), dry.path("setup.sh")).unwrap();
        dry
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Sets what `docker` does.
    fn docker(&self, script: &str) {
        self.program("docker", script);
    }

    fn program(&self, name: &str, script: &str) {
        let program = self.path(name);
        testbed::write_program(&program, format!("#!/bin/sh\n{script}\n").as_bytes()).unwrap();
    }

    /// The outputs of the Action.
    fn output(&self) -> String {
        fs::read_to_string(self.path("output")).unwrap_or_default()
    }

    fn run(&self, inputs: &[(&str, &str)]) -> Output {
        let path = format!("{}:{}", self.0.path().display(), std::env::var("PATH").unwrap());
        let mut command = Command::new("sh");
        command.arg(self.path("setup.sh")).env("PATH", path).env_remove("GITHUB_ACTIONS");
        command
            .env("GITHUB_OUTPUT", self.0.path().join("output"))
            .envs(inputs.iter().copied())
            .output()
            .unwrap()
    }

    #[track_caller]
    fn check(&self, inputs: &[(&str, &str)], expected: &str) {
        let output = self.run(inputs);
        assert!(output.status.success(), "{inputs:?}: {output:?}");
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(said, format!("run --rm --privileged {expected}\n"), "{inputs:?}");
        assert!(self.output().ends_with("platforms=linux/amd64,linux/arm64\n"), "{}", self.output());
    }

    #[track_caller]
    fn refuse(&self, inputs: &[(&str, &str)], expected: &str) {
        let output = self.run(inputs);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert_eq!(String::from_utf8(output.stderr).unwrap(), expected);
        assert_eq!(output.stdout, b"", "nothing is run");
    }
}

#[test]
fn inputs_become_one_command() {
    let dry = Dry::new();
    dry.check(&[], "aptman/qus:latest -s -- -p");
    dry.check(&[("QUS_TARGETS", " \n")], "aptman/qus:latest -s -- -p");
    dry.check(&[("QUS_TARGETS", "linux/arm64")], "aptman/qus:aarch64 -s -- -p aarch64");
    dry.check(&[("QUS_TARGETS", "arm64,ARM64V8 aarch64\n")], "aptman/qus:aarch64 -s -- -p aarch64");
    dry.check(
        &[("QUS_TARGETS", "arm64, s390x\nlinux/arm/v7\r\nriscv64")],
        "aptman/qus:latest -s -- -p aarch64 s390x arm riscv64",
    );
    dry.check(
        &[("QUS_TARGETS", "arm"), ("QUS_CHECK", "false"), ("QUS_RESET", "true")],
        "aptman/qus:arm -s -r -- -p --no-check arm",
    );
    for (cpu, option) in
        [("", ""), ("auto", " --cpu"), ("qemu", " --cpu=qemu"), ("max,ztso=off", " --cpu=max,ztso=off")]
    {
        let inputs = [("QUS_TARGETS", "riscv64"), ("QUS_CPU", cpu)];
        dry.check(&inputs, &format!("aptman/qus:riscv64 -s -- -p{option} riscv64"));
    }
    // Two entries, one binary.
    dry.check(&[("QUS_TARGETS", "i486 i386")], "aptman/qus:i386 -s -- -p i486 i386");
    dry.check(&[("QUS_TARGETS", "i486 arm")], "aptman/qus:latest -s -- -p i486 arm");
    // What `binfmt` prints and what platforms lists have: the machine's own needs no emulator, and no image either.
    dry.check(&[("QUS_TARGETS", "linux/amd64,linux/arm64")], "aptman/qus:aarch64 -s -- -p x86_64 aarch64");
    dry.check(&[("QUS_TARGETS", "linux/amd64/v2,linux/arm/v8")], "aptman/qus:arm -s -- -p x86_64 arm");
    dry.check(&[("QUS_TARGETS", "all")], "aptman/qus:latest -s -- -p");
    dry.check(&[("QUS_TARGETS", "ALL, linux/arm64")], "aptman/qus:latest -s -- -p");
    dry.program("uname", "echo aarch64");
    dry.check(&[("QUS_TARGETS", "linux/amd64,linux/arm64")], "aptman/qus:x86_64 -s -- -p x86_64 aarch64");
    dry.program("uname", "echo x86_64");
    // Who names a tag or a digest gets that.
    dry.check(&[("QUS_TARGETS", "arm"), ("QUS_IMAGE", "a/b:d11.1")], "a/b:d11.1 -s -- -p arm");
    dry.check(&[("QUS_TARGETS", "arm"), ("QUS_IMAGE", "a/b@sha256:0")], "a/b@sha256:0 -s -- -p arm");
    dry.check(&[("QUS_IMAGE", "localhost:5000/b")], "localhost:5000/b:latest -s -- -p");
    // A version of QEMU is a part of the tag.
    dry.check(&[("QUS_QEMU", "10.0")], "aptman/qus:d10.0 -s -- -p");
    dry.check(&[("QUS_QEMU", "11.1.3.1")], "aptman/qus:11.1.3.1 -s -- -p");
    dry.check(&[("QUS_QEMU", "7.2"), ("QUS_TARGETS", "arm64")], "aptman/qus:d7.2-aarch64 -s -- -p aarch64");
    dry.check(
        &[("QUS_QEMU", "11.1.3"), ("QUS_TARGETS", "aarch64_be"), ("QUS_IMAGE", "localhost:5000/b")],
        "localhost:5000/b:11.1.3-aarch64-be -s -- -p aarch64_be",
    );
    dry.check(
        &[("QUS_TARGETS", "arm"), ("QUS_MIRROR", "mirror.example/hub/")],
        "mirror.example/hub/aptman/qus:arm -s -- -p arm",
    );
}

/// Nothing to register is no mistake: the platforms that run are put out all the same.
#[test]
fn the_machines_own_alone_is_passed_over() {
    let dry = Dry::new();
    let output = dry.run(&[("QUS_TARGETS", "linux/amd64 linux/amd64/v3")]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(output.stdout, b"Skipping x86_64: this machine runs it by itself\n");
    assert_eq!(dry.output(), "platforms=linux/amd64,linux/arm64\n");
}

#[test]
fn the_image_is_the_one_that_the_commit_names() {
    let dry = Dry::new();
    let (one, other) = (format!("sha256:{}", "1".repeat(64)), format!("sha256:{}", "2".repeat(64)));
    let note = |output: &Output| String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(note(&dry.run(&[])), unpinned("latest"), "before the first release there are none");
    fs::copy(action("digests"), dry.path("digests")).unwrap();
    assert_eq!(note(&dry.run(&[])), unpinned("latest"));
    // With the repository or without, as `images --digest-file` and the release's workflow write it.
    let digests = format!("# A comment.\n{one} docker.io/aptman/qus:latest\n{other} arm\nnonsense s390x\n");
    fs::write(dry.path("digests"), digests).unwrap();
    assert_eq!(note(&dry.run(&[])), "");
    dry.check(&[], &format!("aptman/qus@{one} -s -- -p"));
    dry.check(&[("QUS_TARGETS", "arm")], &format!("aptman/qus@{other} -s -- -p arm"));
    dry.check(
        &[("QUS_TARGETS", "arm"), ("QUS_MIRROR", "mirror.example/hub")],
        &format!("mirror.example/hub/aptman/qus@{other} -s -- -p arm"),
    );
    assert_eq!(note(&dry.run(&[("QUS_TARGETS", "s390x")])), unpinned("s390x"));
    // Another's images have other digests.
    dry.check(&[("QUS_TARGETS", "arm"), ("QUS_IMAGE", "me/qus")], "me/qus:arm -s -- -p arm");
    dry.check(&[("QUS_IMAGE", "aptman/qus:latest")], "aptman/qus:latest -s -- -p");
}

/// GitHub obeys lines that begin with `::`, and each line of the file of outputs.
#[test]
fn nothing_that_others_wrote_becomes_a_line_that_github_obeys() {
    let dry = Dry::new();
    let github = |inputs: &[(&str, &str)]| dry.run(&[inputs, &[("GITHUB_ACTIONS", "true")]].concat());
    // From an input.
    let output = github(&[("QUS_CHECK", "1\n::set-env name=A::b\r\n%0A")]);
    let told = "invalid input `check`: `1 ::set-env name=A::b";
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert_eq!(stdout, format!("::error title=qus::{told}  %250A`\n"));
    assert!(output.stderr.starts_with(format!("error: {told}").as_bytes()));
    for image in ["-v/:/host", "--privileged", "a\n::x::", "a b", "a;b", "$(x)"] {
        let output = github(&[("QUS_IMAGE", image)]);
        assert_eq!(output.status.code(), Some(1), "{image}");
        let stdout = String::from_utf8(output.stdout).unwrap();
        assert!(
            stdout.starts_with("::error title=qus::invalid image `") && stdout.lines().count() == 1,
            "{stdout}"
        );
    }
    for wrong in ["d10.0", "10", "10.", ".1", "10..0", "10.0 -v", "latest"] {
        dry.refuse(
            &[("QUS_QEMU", wrong)],
            &format!(
                "error: invalid input `qemu`: `{wrong}`\n\
                 hint: it is a version of QEMU that images have, in quotes, since YAML takes 10.0 for 10: \
                 \"11.1\", \"10.0\", \"11.1.3\"\n"
            ),
        );
    }
    dry.refuse(
        &[("QUS_QEMU", "10.0"), ("QUS_IMAGE", "aptman/qus:d7.2")],
        "error: there are two choices of QEMU: `aptman/qus:d7.2` and the input `qemu`\n\
         hint: leave the tag or `qemu` out\n",
    );
    dry.refuse(
        &[("QUS_MIRROR", "-v/:/x"), ("QUS_IMAGE", "a/b:c")],
        "error: invalid image `-v/:/x/a/b:c`\n\
         hint: an image's name has letters, digits and . _ / : @ -, and does not begin with a dash\n",
    );
    // From an image: what it says is not obeyed, and what it answers is platforms or nothing.
    dry.docker("echo ::add-path::/evil; [ \"$4\" = --entrypoint ] || exec printf '::x::'; exec cat \"${0%/*}/status\"");
    fs::write(dry.path("status"), STATUS.replace("linux/arm64", "linux/x\\ry=z\",\n    \"linux/s390x"))
        .unwrap();
    let output = github(&[("QUS_TARGETS", "arm")]);
    assert!(output.status.success(), "{output:?}");
    let stdout = String::from_utf8(output.stdout).unwrap();
    let (word, rest) = stdout.strip_prefix("::stop-commands::").unwrap().split_once('\n').unwrap();
    assert_eq!(word.len(), 32);
    assert_eq!(rest, format!("::add-path::/evil\n::x::\n::{word}::\n"));
    assert_eq!(dry.output(), "platforms=linux/amd64,linux/s390x\n");
    assert_ne!(github(&[]).stdout, github(&[]).stdout, "the word is another each time");
}

#[test]
fn mistakes_are_named_before_anything_is_run() {
    let dry = Dry::new();
    let hint = "hint: name targets as QEMU, Debian, Docker or OCI do: aarch64, arm64, arm64v8, linux/arm64\n";
    for name in ["aarch46", "$(touch${IFS}x)", "`id`", "*", "-r", "cris", "../arm"] {
        dry.refuse(
            &[("QUS_TARGETS", &format!("arm {name}"))],
            &format!("error: unknown target `{name}`\n{hint}"),
        );
    }
    let boolean = "hint: it is true or false\n";
    dry.refuse(&[("QUS_CHECK", "maybe")], &format!("error: invalid input `check`: `maybe`\n{boolean}"));
    for cpu in ["a b", "a;b", "$(x)", "max\n"] {
        let output = dry.run(&[("QUS_CPU", cpu)]);
        let (stderr, line) = (String::from_utf8(output.stderr).unwrap(), cpu.replace('\n', " "));
        let hint = "hint: it is auto, qemu, or a CPU model of QEMU's, as its -cpu takes it\n";
        assert_eq!(stderr, format!("error: invalid input `cpu`: `{line}`\n{hint}"));
        assert_eq!((output.status.code(), output.stdout), (Some(1), Vec::new()));
    }
    dry.refuse(&[("QUS_RESET", "1")], &format!("error: invalid input `reset`: `1`\n{boolean}"));
    let output = dry.run(&[("QUS_TARGETS", "vax"), ("GITHUB_ACTIONS", "true")]);
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "::error title=qus::unknown target `vax`\n");
}

/// Without an answer there is nothing to put out.
#[test]
fn platforms_that_are_not_told_fail_the_step() {
    let dry = Dry::new();
    let hint =
        "hint: see what it says: docker run --rm --privileged --entrypoint /qus/binfmt aptman/qus:arm\n";
    let check = |message: &str| {
        let output = dry.run(&[("QUS_TARGETS", "arm"), ("GITHUB_ACTIONS", "true")]);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert_eq!(
            String::from_utf8(output.stderr).unwrap(),
            format!("{}error: {message}\n{hint}", unpinned("arm"))
        );
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.ends_with(&format!("\n::error title=qus::{message}\n")), "{said}");
        assert_eq!(dry.output(), "");
    };
    fs::write(dry.path("status"), "{\n  \"supported\": [],\n  \"emulators\": []\n}\n").unwrap();
    check("`aptman/qus:arm` names no platform that runs now");
    dry.docker("[ \"$4\" = --entrypoint ] || exec echo \"$*\"; cat \"${0%/*}/status\"; exit 125");
    fs::write(dry.path("status"), STATUS).unwrap();
    check("`aptman/qus:arm` does not tell which platforms run now");
}

#[test]
fn a_machine_without_docker_is_told() {
    let dry = Dry::new();
    fs::remove_file(dry.path("docker")).unwrap();
    // Nothing but what the script itself runs.
    for program in ["cat", "paste", "sed", "tr"] {
        let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).output().unwrap();
        let found = String::from_utf8(found.stdout).unwrap();
        std::os::unix::fs::symlink(found.trim(), dry.path(program)).unwrap();
    }
    let output = Command::new("/bin/sh")
        .arg(dry.path("setup.sh"))
        .env_clear()
        .env("PATH", dry.0.path())
        .env("GITHUB_ACTIONS", "true")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "error: there is no program `docker`\n\
         hint: install Docker, or podman with its `docker` (Debian's podman-docker)\n"
    );
    assert_eq!(output.stdout, b"::error title=qus::there is no program `docker`\n");
}

/// The script's table of names is the workspace's.
#[test]
fn every_name_of_every_target_is_known() {
    let dry = Dry::new();
    dry.program("uname", "echo unheard-of");
    for target in Target::all() {
        // `i486` is registered with the binary of `i386`.
        let tag = target.binary();
        let plain = std::iter::once(target.name()).chain(target.aliases().iter().copied());
        let names = plain.flat_map(|name| {
            let variants = target.variants().iter().map(move |variant| format!("linux/{name}/{variant}"));
            variants.chain([name.to_owned()])
        });
        for name in names {
            let output = dry.run(&[("QUS_TARGETS", &name)]);
            match target.status() {
                Status::Retired => assert!(!output.status.success(), "{name}"),
                Status::Current | Status::Shared => {
                    let said = String::from_utf8(output.stdout).unwrap();
                    assert_eq!(
                        said,
                        format!("run --rm --privileged aptman/qus:{tag} -s -- -p {target}\n"),
                        "{name}"
                    );
                }
            }
        }
    }
}

/// A variant that a target does not have is not known here either.
#[test]
fn no_other_variant_is_known() {
    let dry = Dry::new();
    for name in [
        "amd64/v5",
        "amd64/v8",
        "arm/v4",
        "arm64/v7",
        "riscv64/v1",
        "ppc64le/power7",
        "s390x/v1",
        "i386/",
        "arm/",
        "arm/v7/x",
    ] {
        assert!(name.parse::<Target>().is_err(), "{name}");
        assert_eq!(dry.run(&[("QUS_TARGETS", name)]).status.code(), Some(1), "{name}");
    }
}

/// Inputs reach the script through the environment alone: what is in them is never code.
#[test]
fn every_input_is_passed_on() {
    let text = fs::read_to_string(action("action.yml")).unwrap();
    let readme = fs::read_to_string(action("README.md")).unwrap();
    let script = fs::read_to_string(action("setup.sh")).unwrap();
    for input in ["targets", "image", "mirror", "check", "cpu", "reset"] {
        let variable = format!("QUS_{}", input.to_uppercase());
        assert!(text.contains(&format!("\n  {input}:\n")), "{input}");
        assert!(text.contains(&format!("        {variable}: ${{{{ inputs.{input} }}}}\n")), "{input}");
        assert!(script.contains(&format!("${{{variable}")), "{input}");
        assert!(readme.contains(&format!("| `{input}` |")), "{input}");
    }
    assert!(!text.split_once("run: ").unwrap().1.lines().next().unwrap().contains("${{"));
}

/// The script on an engine in a sandbox.
struct Real<'a> {
    images: &'a Images,
    sandbox: &'a Sandbox,
    running: Running<'a>,
}

impl Real<'_> {
    /// Gives the engine an image, as a pull would.
    fn load(&self, tag: &str) {
        let path = self.sandbox.shared().join("image.tar");
        self.images.write_archive(&[tag], &path);
        self.running.load(&path).unwrap();
    }

    /// Runs the script; gives its output and the platforms that it puts out.
    fn setup(&self, inputs: &[(&str, &str)]) -> (Output, BTreeSet<String>) {
        let output_file = self.sandbox.shared().join("output");
        fs::write(&output_file, "").unwrap();
        let shared = Path::new(testbed::sandbox::SHARED);
        let mut command = self.sandbox.command("sh");
        command.arg(shared.join("setup.sh")).env("GITHUB_OUTPUT", shared.join("output"));
        let output = command.envs(inputs.iter().copied()).output().unwrap();
        let said = fs::read_to_string(&output_file).unwrap();
        let platforms = said.strip_prefix("platforms=").unwrap_or_default().trim_end();
        (output, platforms.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect())
    }

    #[track_caller]
    fn check(&self, inputs: &[(&str, &str)], entries: &[&str]) -> BTreeSet<String> {
        let (output, platforms) = self.setup(inputs);
        assert!(output.status.success(), "{inputs:?}: {output:?}\n{}", self.running.log());
        assert_eq!(self.entries(), entries.iter().map(|name| (*name).to_owned()).collect(), "{inputs:?}");
        platforms
    }

    /// The entries in the sandbox's binfmt_misc.
    fn entries(&self) -> BTreeSet<String> {
        let listed = self.sandbox.run(&["ls", "/proc/sys/fs/binfmt_misc"]).unwrap();
        listed.split_whitespace().filter(|name| name.starts_with("qemu-")).map(str::to_owned).collect()
    }
}

/// True of `d11.1-s390x`, for `s390x`.
fn is_of_version(tag: &str, target: &str) -> bool {
    let version = tag.strip_prefix('d').and_then(|rest| rest.strip_suffix(target)?.strip_suffix('-'));
    version.is_some_and(|version| version.chars().all(|c| c.is_ascii_digit() || c == '.'))
}

#[test]
fn the_action_registers_one_several_and_all() {
    let test = "the_action_registers_one_several_and_all";
    let Some(images) = Images::find(test) else { return };
    let Some(packages) = packages(test) else { return };
    let engine = Engine::Docker28 { containerd_store: true };
    let tree = packages.tree(engine.tree_name(), &engine.packages()).unwrap();
    let sandbox = Sandbox::start(&packages, &Options { trees: vec![&tree], ..Options::default() }).unwrap();
    fs::copy(action("setup.sh"), sandbox.shared().join("setup.sh")).unwrap();
    let real = Real { images: &images, sandbox: &sandbox, running: engine.start(&sandbox).unwrap() };

    // One: the engine has no other image, and no network to get it from.
    real.load("s390x");
    let platforms = real.check(&[("QUS_TARGETS", "linux/s390x")], &["qemu-s390x"]);
    assert!(platforms.contains("linux/s390x") && !platforms.contains("linux/riscv64"), "{platforms:?}");

    // A version of QEMU, by its tag.
    let (tag, _) = images.refs().into_iter().find(|(tag, _)| is_of_version(tag, "s390x")).unwrap();
    let version = tag.strip_prefix('d').unwrap().strip_suffix("-s390x").unwrap();
    real.load(&tag);
    let (output, _) = real.setup(&[("QUS_TARGETS", "s390x"), ("QUS_QEMU", version)]);
    assert!(output.status.success(), "{output:?}");
    assert!(
        String::from_utf8_lossy(&output.stderr).contains(&format!("aptman/qus:{tag}: what has this tag"))
    );

    // Several, and what was there stays; then only what is asked for.
    real.load("latest");
    let several = ("QUS_TARGETS", "linux/arm/v7, riscv64\nppc64el");
    let entries = ["qemu-arm", "qemu-ppc64le", "qemu-riscv64", "qemu-s390x"];
    let platforms = real.check(&[several], &entries);
    for platform in ["linux/arm/v7", "linux/riscv64", "linux/ppc64le", "linux/s390x"] {
        assert!(platforms.contains(platform), "{platform}: {platforms:?}");
    }
    real.check(&[several, ("QUS_RESET", "true"), ("QUS_CHECK", "false")], &entries[..3]);

    // A mistake changes nothing.
    let (output, platforms) = real.setup(&[("QUS_TARGETS", "riscv46"), ("QUS_RESET", "true")]);
    assert_eq!((output.status.code(), platforms.len()), (Some(1), 0));
    assert!(
        String::from_utf8_lossy(&output.stderr).starts_with("error: unknown target `riscv46`\n"),
        "{output:?}"
    );
    assert_eq!(real.entries().len(), 3);

    // An image that is not there: docker's own error, and a failed step.
    let (output, _) = real.setup(&[("QUS_TARGETS", "alpha"), ("QUS_MIRROR", "mirror.invalid")]);
    assert!(!output.status.success(), "{output:?}");

    // None means all.
    let (output, platforms) = real.setup(&[("QUS_RESET", "true")]);
    assert!(output.status.success(), "{output:?}");
    assert!(real.entries().len() > 25, "{:?}", real.entries());
    assert!(platforms.len() > 8, "{platforms:?}");
}
