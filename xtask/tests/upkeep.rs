//! The workflows, run here: the commands in their steps, on a small archive that gets something newer, a registry on
//! loopback and a repository on disk. What the workflows take from GitHub is stood in for: `gh` and `sudo` note what they
//! were asked for.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod layout;
mod line;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use debian::testing::{Archive, Deb, Suite, elf};
use line::Line;
use serde_json::Value;
use testbed::sandbox::{self, Network};
use testbed::{Packages, Registry, Sandbox};

const HOSTS: [&str; 3] = ["amd64", "s390x", "mipsel"];

fn archive(version: &str) -> Archive {
    let mut sid = Suite::new("unstable", "sid");
    for name in HOSTS {
        let host: arch::Host = name.parse().unwrap();
        let mut qemu = Deb::new("qemu-user", version, host.debian());
        for target in arch::Target::current() {
            let content = format!("{target} {version}");
            qemu = qemu.file(&format!("usr/bin/qemu-{target}"), &elf(host.elf(), content.as_bytes()));
        }
        let program = elf(host.elf(), b"\0[\0[[\0ash\0busybox\0cat\0sh\0\0");
        let busybox = Deb::new("busybox-static", "1:1.38.0-3", host.debian());
        sid = sid.package(qemu).package(busybox.file("usr/bin/busybox", &program));
    }
    Archive::new(1).suite(sid)
}

/// A workflow's text.
fn workflow(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.github/workflows").join(name);
    fs::read_to_string(path).unwrap()
}

/// The commands of a workflow's steps, in order. Every step is one line, so that it can be run by hand.
fn commands(workflow: &str) -> Vec<String> {
    let command = |line: &str| {
        let command = line.trim_start().trim_start_matches("- ").strip_prefix("run: ")?;
        assert!(!command.starts_with(['|', '>']), "more than a line: {line}");
        Some(command.to_owned())
    };
    workflow.lines().filter_map(command).collect()
}

/// A place where workflows run.
struct Runner<'a> {
    line: &'a Line,
    variables: Vec<(&'static str, String)>,
}

impl<'a> Runner<'a> {
    fn new(line: &'a Line, repository: &str) -> Runner<'a> {
        let at = |path: &str| line.path(path).to_str().unwrap().to_owned();
        let tool = |name: &str, script: &str| {
            let path = format!("tools/{name}");
            line.write(&path, &format!("#!/bin/sh\n{script}\n"));
            fs::set_permissions(line.path(&path), fs::Permissions::from_mode(0o755)).unwrap();
        };
        // `cargo xtask e2e` tries real images; these are none.
        let other = format!("[ \"$1\" = xtask ] || exec {} \"$@\"", env!("CARGO"));
        let ours = "echo \"$*\" >> \"$CALLS\"; shift; [ \"$1\" = e2e ] || exec \"$XTASK\" \"$@\"";
        tool("cargo", &format!("{other}\n{ours}"));
        tool("gh", "echo \"gh $*\" >> \"$CALLS\"");
        tool("sudo", "echo \"sudo $*\" >> \"$CALLS\"; shift; exec \"$@\"");
        let path = format!("{}:{}", at("tools"), std::env::var("PATH").unwrap());
        let variables = vec![
            ("PATH", path),
            ("XTASK", env!("CARGO_BIN_EXE_xtask").to_owned()),
            ("CALLS", at("calls")),
            ("REPOSITORY", repository.to_owned()),
            ("GITHUB_OUTPUT", at("output")),
            ("GITHUB_STEP_SUMMARY", at("summary")),
            ("GITHUB_REF_NAME", "v12.0".to_owned()),
            ("GIT_CONFIG_GLOBAL", "/dev/null".to_owned()),
        ];
        Runner { line, variables }
    }

    /// Runs a step's command as GitHub does.
    fn run(&self, command: &str, host: &str) -> Output {
        let variables: Vec<(&str, &str)> =
            self.variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        // The environment of the line's own runs.
        let prepared = self.line.command(&[], &variables);
        let mut shell = Command::new("bash");
        shell.args(["--noprofile", "--norc", "-eo", "pipefail", "-c", command]);
        shell.current_dir(self.line.path("")).env("HOST", host);
        for (name, value) in prepared.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        shell.output().unwrap()
    }

    #[track_caller]
    fn succeed(&self, command: &str, host: &str) -> String {
        let output = self.run(command, host);
        assert!(output.status.success(), "{command}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn calls(&self) -> String {
        self.line.read("calls")
    }
}

/// Debian releases something: the canary proposes it, and a tag ships it.
#[test]
fn something_newer_becomes_a_proposal_and_then_a_release() {
    let test = "something_newer_becomes_a_proposal_and_then_a_release";
    if let Some(reason) = testbed::missing() {
        testbed::skip(test, &reason, std::env::var_os("CI").is_some());
        return;
    }
    let line = Line::new(&HOSTS, &archive("1:11.1.3+ds-1").build());
    if !line.lend_register() {
        return layout::skip(test, "QUS_TEST_REGISTER_DIR names no folder");
    }
    let keyrings = Path::new(env!("CARGO_MANIFEST_DIR")).join("../images/keyrings");
    let packages = Packages::of_the_machine(&keyrings).unwrap();
    let tree = packages.tree("registry", &Registry::packages()).unwrap();
    let options = sandbox::Options { trees: vec![&tree], network: Network::Host, ..Default::default() };
    let sandbox = Sandbox::start(&packages, &options).unwrap();
    let registry = Registry::start(&sandbox, &testbed::registry::Options::default()).unwrap();
    let repository = format!("{}/aptman/qus", registry.address());
    line.run(&["lock"]).success();
    let old = line.read("images/debian.lock");

    // A clone, and where it came from.
    let runner = Runner::new(&line, &repository);
    let github = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.github").canonicalize().unwrap();
    std::os::unix::fs::symlink(github, line.path(".github")).unwrap();
    let clone = "git init --quiet --bare --initial-branch main origin && git init --quiet --initial-branch main . \
        && git remote add origin \"$PWD/origin\" && git add images \
        && git -c user.name=a -c user.email=a@b commit --quiet --message first && git push --quiet origin main";
    runner.succeed(clone, "");

    let canary = commands(&workflow("canary.yml"));
    // Nothing is newer: the first step says so and leaves no report, on which the others depend.
    runner.succeed(&canary[0], "");
    assert!(!line.path("report.md").exists());

    // An archive that cannot be read is no difference.
    line.close();
    assert!(!runner.run(&canary[0], "").status.success());
    assert!(!line.path("report.md").exists());

    line.serve(&archive("1:12.0.0+ds-1").build());
    line.run(&["lock", "--check"]).failure(1);
    for command in &canary {
        runner.succeed(command, "");
    }
    let row = "| sid | qemu-user | 1:11.1.3+ds-1 | 1:12.0.0+ds-1 |  | amd64, s390x, mipsel |";
    assert!(line.read("report.md").contains(row), "{}", line.read("report.md"));
    assert_eq!(line.read("summary"), line.read("report.md"));
    let calls = runner.calls();
    assert!(calls.contains("xtask e2e --layout target/images\n"), "{calls}");
    let proposed =
        "gh pr create --head upkeep/debian-lock --title Update images/debian.lock --body-file report.md\n";
    assert!(calls.ends_with(proposed), "{calls}");
    let show = |branch: &str| runner.succeed(&format!("git -C origin show {branch}:images/debian.lock"), "");
    assert_eq!(show("main"), old);
    assert_eq!(show("upkeep/debian-lock"), line.read("images/debian.lock"));
    assert_ne!(show("upkeep/debian-lock"), old);

    // A tag.
    let release = commands(&workflow("release.yml"));
    let mut ran = Vec::new();
    for command in &release {
        let hosts = if command.contains("$HOST") { &HOSTS[..] } else { &[""] };
        for host in hosts {
            let stdout = runner.succeed(command, host);
            if command.contains("xtask verify \"$REPOSITORY") {
                assert!(stdout.contains(&format!("{repository}:latest: sha256:")), "{stdout}");
            }
            ran.push(command.replace("\"$HOST\"", host));
        }
    }
    let built: Value = serde_json::from_str(
        &line.run(&["images", "--level", "best", "--offline", "--json"]).success().stdout,
    )
    .unwrap();
    let indexes = built["indexes"].as_array().unwrap();
    let latest = indexes.iter().find(|index| index["tags"][0] == "latest").unwrap();
    assert_eq!(latest["tags"][1], "d12.0");
    // What every host pushed by itself, joined, is what one machine builds.
    assert_eq!(line.read("output"), format!("digest={}\n", latest["digest"].as_str().unwrap()));
    runner.succeed("cd target/release-assets && sha256sum --strict -c SHA256SUMS", "");
    let calls = runner.calls();
    let created = calls.lines().last().unwrap();
    assert!(created.starts_with("gh release create v12.0 --verify-tag --generate-notes "), "{created}");
    for asset in ["SHA256SUMS", "qemu-aarch64-static_mipsel.tgz", "register_s390x"] {
        assert!(created.contains(&format!(" target/release-assets/{asset}")), "{asset}: {created}");
    }
    // The steps that matter were among those that ran.
    for step in [
        "images --push --push-via registry --repository \"$REPOSITORY\" --host mipsel",
        "manifest",
        "release",
    ] {
        assert!(ran.iter().any(|command| command.contains(&format!("cargo xtask {step}"))), "{ran:#?}");
    }
    line.run(&["lock", "--check"]).success();
}

/// A pull request that is open is brought up to date rather than opened twice.
#[test]
fn an_open_proposal_is_updated() {
    let line = Line::new(&["amd64"], &archive("1:11.1.3+ds-1").build());
    let runner = Runner::new(&line, "");
    line.write("images/debian.lock", "old");
    line.write("report.md", "text");
    let gh = "#!/bin/sh\necho \"gh $*\" >> \"$CALLS\"\n[ \"$1 $2\" != 'pr list' ] || echo 7\n";
    line.write("tools/gh", gh);
    runner.succeed(
        "git init --quiet --bare origin && git init --quiet . && git remote add origin \"$PWD/origin\" && git add images \
         && git -c user.name=a -c user.email=a@b commit --quiet --message first",
        "",
    );
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.github/propose.sh");
    for text in ["new", "newer"] {
        line.write("images/debian.lock", text);
        runner.succeed(&format!("{} report.md", script.display()), "");
        assert_eq!(runner.succeed("git -C origin show upkeep/debian-lock:images/debian.lock", ""), text);
    }
    assert!(runner.calls().ends_with("gh pr edit 7 --body-file report.md\n"), "{}", runner.calls());
}

/// Every host that is configured has its machine in the release.
#[test]
fn the_release_has_a_machine_for_each_host() {
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/../images/images.toml");
    let config = fs::read_to_string(config).unwrap();
    let hosts = config.split_once("hosts = [").unwrap().1.split_once(']').unwrap().0;
    let quoted: Vec<&str> = hosts.split('"').skip(1).step_by(2).collect();
    let release = workflow("release.yml");
    let matrix = release.split_once("host: [").unwrap().1.split_once(']').unwrap().0;
    assert_eq!(matrix.split(", ").collect::<Vec<_>>(), quoted);
}

/// `lock --check` in its three forms, when Debian was rearranged.
#[test]
fn a_rearranged_archive_is_told_in_words_and_as_data() {
    let line = Line::new(&["amd64"], &archive("1:11.1.3+ds-1").build());
    line.run(&["lock"]).success();
    let host: arch::Host = "amd64".parse().unwrap();
    let sid = arch::Target::current()
        .fold(Deb::new("qemu-user-static", "1:12.0+ds-1", "amd64"), |deb, target| {
            deb.file(&format!("usr/bin/qemu-{target}-static"), &elf(host.elf(), b"x"))
        });
    let busybox = Deb::new("busybox-static", "1:1.38.0-3", "amd64");
    let program = elf(host.elf(), b"\0[\0[[\0ash\0busybox\0cat\0sh\0\0");
    let sid = Suite::new("unstable", "sid").package(sid).package(busybox.file("usr/bin/busybox", &program));
    line.serve(&Archive::new(1).suite(sid).build());

    let table = line.run(&["lock", "--check"]).failure(1).stdout;
    let moved = "in `sid`, 33 targets (aarch64, aarch64_be, alpha, …) for amd64 moved from `qemu-user` to \
                 `qemu-user-static`";
    assert_eq!(
        table,
        format!(
            "package-gone: `sid` has no `qemu-user` for amd64 any more\n\
             programs-moved: {moved}\n\
             \n\
             SUITE  HOST   PACKAGE           LOCKED         ARCHIVE      TARGETS\n\
             sid    amd64  qemu-user         1:11.1.3+ds-1  -            -33 targets\n\
             sid    amd64  qemu-user-static  -              1:12.0+ds-1  +33 targets\n"
        )
    );
    let markdown = line.run(&["lock", "--check", "--markdown", "--report", "r.md"]).failure(1).stdout;
    assert_eq!(line.read("r.md"), markdown);
    assert_eq!(
        markdown,
        format!(
            "### Look at these\n\n\
             - **package-gone**: `sid` has no `qemu-user` for amd64 any more\n\
             - **programs-moved**: {moved}\n\n\
             ### Packages\n\n\
             | suite | package | locked | archive | targets | hosts |\n\
             |---|---|---|---|---|---|\n\
             | sid | qemu-user | 1:11.1.3+ds-1 | - | -33 targets | amd64 |\n\
             | sid | qemu-user-static | - | 1:12.0+ds-1 | +33 targets | amd64 |\n"
        )
    );
    let json: Value =
        serde_json::from_str(&line.run(&["lock", "--check", "--json"]).failure(1).stdout).unwrap();
    assert_eq!(json["findings"][1]["finding"], "programs-moved");
    assert_eq!(json["findings"][1]["targets"].as_array().unwrap().len(), 33);
    assert_eq!(json["packages"][1]["gained"].as_array().unwrap().len(), 33);

    // Nothing has them any more: still a finding, and then an error.
    let nothing = Suite::new("unstable", "sid").package(
        Deb::new("busybox-static", "1:1.38.0-3", "amd64").file("usr/bin/busybox", &elf(host.elf(), b"")),
    );
    line.serve(&Archive::new(1).suite(nothing).build());
    let lost = line.run(&["lock", "--check"]).failure(1);
    assert!(lost.stdout.contains("lost: no suite has 33 targets (aarch64, "), "{}", lost.stdout);
    assert!(
        lost.stderr.contains("no new lock can be made: no suite of `sid` has target `aarch64`"),
        "{}",
        lost.stderr
    );
    let failed = line.run(&["lock"]).failure(1);
    assert!(failed.stderr.contains("\nerror: no suite of `sid` has target `aarch64`, "), "{}", failed.stderr);
    assert!(
        failed.stderr.ends_with("\nhint: a further suite in images.toml may have it\n"),
        "{}",
        failed.stderr
    );
}
