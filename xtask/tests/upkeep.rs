//! The workflows, run here: the commands in their steps, on a small archive that gets something newer, a registry on
//! loopback and a repository on disk. What the workflows take from GitHub is stood in for: `gh` and `sudo` note what they
//! were asked for.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

#[path = "upkeep/check.rs"]
mod check;
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
    Archive::new(1).suite(sid(version, |qemu| qemu))
}

/// The only suite, with something done to each package of QEMU.
fn sid(version: &str, change: impl Fn(Deb) -> Deb) -> Suite {
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
        sid = sid.package(change(qemu)).package(busybox.file("usr/bin/busybox", &program));
    }
    sid
}

/// A workflow's text.
fn workflow(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.github/workflows").join(name);
    fs::read_to_string(path).unwrap()
}

/// A step of a workflow.
struct Step {
    command: String,
    condition: Option<String>,
}

/// A workflow's steps, in order. Every command is one line, so that it can be run by hand.
fn steps(workflow: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for line in workflow.lines() {
        let line = line.trim_start().trim_start_matches("- ");
        if let Some(command) = line.strip_prefix("run: ") {
            assert!(!command.starts_with(['|', '>']), "more than a line: {line}");
            steps.push(Step { command: command.to_owned(), condition: None });
        } else if let Some(condition) = line.strip_prefix("if: ") {
            steps.last_mut().unwrap().condition = Some(condition.to_owned());
        }
    }
    steps
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

    /// Runs the workflow `canary` in a new checkout, up to the first step that fails: the commands that ran, and how the
    /// last of them ended.
    fn canary(&self) -> (Vec<String>, Output) {
        self.line.write("output", "");
        let _ = fs::remove_file(self.line.path("report.md"));
        let (mut ran, mut last) = (Vec::new(), None);
        for Step { command, condition } in steps(&workflow("canary.yml")) {
            let holds = match condition.as_deref() {
                None => true,
                Some("hashFiles('report.md') != ''") => self.line.path("report.md").exists(),
                Some("steps.look.outputs.differs == 'true'") => self.line.read("output") == "differs=true\n",
                Some(other) => panic!("no test knows the condition {other}"),
            };
            if holds {
                last = Some(self.run(&command, ""));
                ran.push(command);
                if last.as_ref().is_some_and(|output| !output.status.success()) {
                    break;
                }
            }
        }
        (ran, last.unwrap())
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

    line.serve(&archive("1:12.0.0+ds-1").build());
    line.run(&["lock", "--check"]).failure(1);
    let all = steps(&workflow("canary.yml")).len();
    let (ran, last) = runner.canary();
    assert!(last.status.success() && ran.len() == all, "{ran:#?} {last:?}");
    let row = "| sid | qemu-user | 1:11.1.3+ds-1 | 1:12.0.0+ds-1 |  | amd64, s390x, mipsel |";
    assert!(line.read("report.md").contains(row), "{}", line.read("report.md"));
    assert_eq!(line.read("summary"), line.read("report.md"));
    let calls = runner.calls();
    assert!(calls.contains("xtask e2e\n"), "{calls}");
    let proposed =
        "gh pr create --head upkeep/debian-lock --title Update images/debian.lock --body-file report.md\n";
    assert!(calls.ends_with(proposed), "{calls}");
    let show = |branch: &str| runner.succeed(&format!("git -C origin show {branch}:images/debian.lock"), "");
    assert_eq!(show("main"), old);
    assert_eq!(show("upkeep/debian-lock"), line.read("images/debian.lock"));
    assert_ne!(show("upkeep/debian-lock"), old);

    // A tag.
    line.write("output", "");
    let mut ran = Vec::new();
    for Step { command, condition } in &steps(&workflow("release.yml")) {
        assert_eq!(*condition, None);
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

/// The workflow goes on only where the lock would change.
#[test]
fn without_a_difference_nothing_is_proposed() {
    let line = Line::new(&HOSTS, &archive("1:11.1.3+ds-1").build());
    let runner = Runner::new(&line, "");
    line.run(&["lock"]).success();
    let (ran, last) = runner.canary();
    assert!(last.status.success() && ran.len() == 1, "{ran:#?} {last:?}");
    assert!(!line.path("report.md").exists());

    // An archive that cannot be read is no difference.
    line.close();
    let (ran, last) = runner.canary();
    assert!(!last.status.success() && ran.len() == 1, "{ran:#?} {last:?}");
    assert!(!line.path("report.md").exists());

    // What is only worth knowing is in the summary.
    let port = Deb::new("qemu-user", "1:11.1.3+ds-1", "sparc64");
    line.serve(&Archive::new(1).suite(sid("1:11.1.3+ds-1", |qemu| qemu).package(port)).build());
    let (ran, last) = runner.canary();
    assert!(last.status.success() && ran.len() == 2, "{ran:#?} {last:?}");
    assert!(
        line.read("summary").contains("- **host-new**: `sid` has `qemu-user` "),
        "{}",
        line.read("summary")
    );
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
