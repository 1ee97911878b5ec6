//! The Action's script: on a real engine with the real images, and with an engine that notes what it was asked for.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod layout;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use arch::{Host, Status, Target};
use layout::Images;
use oci::spec::Platform;
use publish::archive::{self, Named};
use publish::layout::Layout;
use testbed::sandbox::Options;
use testbed::{Engine, Packages, Running, Sandbox};

fn action(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../action").join(file)
}

/// What the image prints when it is asked for platforms.
const STATUS: &str =
    "{\n  \"supported\": [\n    \"linux/amd64\",\n    \"linux/arm64\"\n  ],\n  \"emulators\": []\n}\n";

/// The script with a `docker` that prints its arguments, or what is in the file `status` when it is asked for platforms.
struct Dry(tempfile::TempDir);

impl Dry {
    fn new() -> Dry {
        let dir = tempfile::tempdir().unwrap();
        let dry = Dry(dir);
        fs::write(dry.path("status"), STATUS).unwrap();
        dry.docker("[ \"$4\" = --entrypoint ] || exec echo \"$*\"; exec cat \"${0%/*}/status\"");
        dry
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Sets what `docker` does.
    fn docker(&self, script: &str) {
        let docker = self.path("docker");
        fs::write(&docker, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&docker, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// What the Action has put out.
    fn output(&self) -> String {
        fs::read_to_string(self.path("output")).unwrap_or_default()
    }

    fn run(&self, inputs: &[(&str, &str)]) -> Output {
        let path = format!("{}:{}", self.0.path().display(), std::env::var("PATH").unwrap());
        let mut command = Command::new("sh");
        command.arg(action("setup.sh")).env("PATH", path).env_remove("GITHUB_ACTIONS");
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
    // Two entries, one binary.
    dry.check(&[("QUS_TARGETS", "i486 i386")], "aptman/qus:i386 -s -- -p i486 i386");
    dry.check(&[("QUS_TARGETS", "i486 arm")], "aptman/qus:latest -s -- -p i486 arm");
    // Who names a tag or a digest gets that.
    dry.check(&[("QUS_TARGETS", "arm"), ("QUS_IMAGE", "a/b:d11.1")], "a/b:d11.1 -s -- -p arm");
    dry.check(&[("QUS_TARGETS", "arm"), ("QUS_IMAGE", "a/b@sha256:0")], "a/b@sha256:0 -s -- -p arm");
    dry.check(&[("QUS_IMAGE", "localhost:5000/b")], "localhost:5000/b:latest -s -- -p");
    dry.check(
        &[("QUS_TARGETS", "arm"), ("QUS_MIRROR", "mirror.example/hub/")],
        "mirror.example/hub/aptman/qus:arm -s -- -p arm",
    );
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
        assert_eq!(String::from_utf8(output.stderr).unwrap(), format!("error: {message}\n{hint}"));
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
        .arg(action("setup.sh"))
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
    for target in Target::all() {
        // `i486` is registered with the binary of `i386`.
        let tag = target.binary();
        for name in std::iter::once(target.name()).chain(target.aliases().iter().copied()) {
            let output = dry.run(&[("QUS_TARGETS", name)]);
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

/// Inputs reach the script through the environment alone: what is in them is never code.
#[test]
fn every_input_is_passed_on() {
    let text = fs::read_to_string(action("action.yml")).unwrap();
    let readme = fs::read_to_string(action("README.md")).unwrap();
    let script = fs::read_to_string(action("setup.sh")).unwrap();
    for input in ["targets", "image", "mirror", "check", "reset"] {
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
        let native = Host::native().unwrap();
        let platform: Platform = native.platform().into();
        let layout = Layout::open(self.images.path()).unwrap();
        let index: oci::spec::Index = layout.json(&self.images.tag(tag)).unwrap();
        let ours = |descriptor: &oci::spec::Descriptor| descriptor.platform.as_ref() == Some(&platform);
        let descriptor = index.manifests.into_iter().find(ours).unwrap();
        let named = Named { repository: "docker.io/aptman/qus".to_owned(), tag: tag.to_owned(), descriptor };
        let path = self.sandbox.shared().join("image.tar");
        archive::write(&layout, &[named], &platform, &mut fs::File::create(&path).unwrap()).unwrap();
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

#[test]
fn the_action_registers_one_several_and_all() {
    let test = "the_action_registers_one_several_and_all";
    let Some(images) = Images::find(test) else { return };
    let keyrings = concat!(env!("CARGO_MANIFEST_DIR"), "/../images/keyrings");
    let Some(packages) = Packages::for_test(test, keyrings) else { return };
    let engine = Engine::Docker28 { containerd_store: true };
    let tree = packages.tree(engine.tree_name(), &engine.packages()).unwrap();
    let sandbox = Sandbox::start(&packages, &Options { trees: vec![&tree], ..Options::default() }).unwrap();
    fs::copy(action("setup.sh"), sandbox.shared().join("setup.sh")).unwrap();
    let real = Real { images: &images, sandbox: &sandbox, running: engine.start(&sandbox).unwrap() };

    // One: the engine has no other image, and no network to get it from.
    real.load("s390x");
    let platforms = real.check(&[("QUS_TARGETS", "linux/s390x")], &["qemu-s390x"]);
    assert!(platforms.contains("linux/s390x") && !platforms.contains("linux/riscv64"), "{platforms:?}");

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
