//! The workflows, run here: their steps, on a small archive that gets something newer, a registry on loopback and a
//! repository on disk. What the workflows take from GitHub is stood in for: `gh` and `sudo` note what they were asked for.

mod check;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::line::{Line, link};
use crate::ship::{packages, registry, sandbox};
use crate::workflow::{self, Action, Ran, Runner, Workflow};
use debian::testing::small as archive;
use debian::testing::{Archive, Deb, Suite};

const HOSTS: [&str; 3] = ["amd64", "s390x", "mipsel"];

fn archive(version: &str) -> Archive {
    Archive::new(1).suite(sid(version, |qemu| qemu))
}

/// The only suite, with something done to each package of QEMU.
fn sid(version: &str, change: impl Fn(Deb) -> Deb) -> Suite {
    let mut sid = Suite::new("unstable", "sid");
    for name in HOSTS {
        let host = name.parse().unwrap();
        let qemu = archive::qemu(version, host, |target| format!("{target} {version}").into());
        sid = sid.package(change(qemu)).package(archive::busybox(host));
    }
    sid
}

/// Debian releases something: the canary proposes it, and a tag ships it.
#[test]
fn something_newer_becomes_a_proposal_and_then_a_release() {
    let test = "something_newer_becomes_a_proposal_and_then_a_release";
    let Some(packages) = packages(test) else { return };
    let line = Line::new(&HOSTS, &archive("1:11.1.3+ds-1").build());
    if !line.reuse_register() {
        return testbed::skip(test, "QUS_TEST_REGISTER_DIR names no folder");
    }
    let sandbox = sandbox(&packages, Vec::new());
    let (_registry, repository) = registry(&sandbox);
    line.run(&["lock"]).success();
    let old = line.read("images/debian.lock");

    // A clone, and where it came from.
    let runner = Runner::new(&line, &repository);
    link(&line.path(""), &[".github", ".ci"]);
    let clone = "git init --quiet --bare --initial-branch main origin && git init --quiet --initial-branch main . \
        && git remote add origin \"$PWD/origin\" && git add images \
        && git -c user.name=a -c user.email=a@b commit --quiet --message first && git push --quiet origin main";
    runner.succeed(clone);

    let canary = Workflow::read("canary.yml");
    let look = |ran: &[Ran]| ran.iter().filter(|ran| ran.job == "look").count();
    // Nothing is newer: the first step says so and leaves no report, on which the others depend.
    let (ran, failed) = runner.workflow(&canary, &["amd64"]);
    assert_eq!((look(&ran), failed), (1, Vec::new()), "{ran:#?}");
    assert!(!line.path("report.md").exists());
    // Machines are booted with what is locked.
    assert!(line.path("target/images/index.json").exists());
    let calls = runner.calls();
    assert!(calls.contains("xtask e2e --machines --layout target/images amd64\n"), "{calls}");
    assert!(calls.contains("cargo deny --all-features check advisories\n"), "{calls}");
    let fuzzed = calls.lines().find(|call| call.starts_with("cargo +nightly fuzz run entry "));
    assert!(fuzzed.is_some_and(|call| call.contains(" -max_total_time=120 ")), "{calls}");

    // An archive that cannot be read is no difference.
    line.close();
    let (ran, failed) = runner.workflow(&canary, &[]);
    let expected = ["look", "propose"].map(str::to_owned).to_vec();
    assert_eq!((look(&ran), failed), (1, expected), "{ran:#?}");
    assert!(!line.path("report.md").exists());

    // What is only worth knowing is in the summary.
    let port = Deb::new("qemu-user", "1:11.1.3+ds-1", "sparc64");
    line.serve(&Archive::new(1).suite(sid("1:11.1.3+ds-1", |qemu| qemu).package(port)).build());
    let (ran, failed) = runner.workflow(&canary, &[]);
    assert_eq!((look(&ran), failed), (2, Vec::new()), "{ran:#?}");
    let summary = line.read("summary");
    assert!(summary.contains("- **host-new**: `sid` has `qemu-user` "), "{summary}");
    line.write("summary", "");

    line.serve(&archive("1:12.0.0+ds-1").build());
    line.run(&["lock", "--check"]).failure(1);
    let (ran, failed) = runner.workflow(&canary, &[]);
    let steps = canary.job("look").steps.iter().filter(|step| matches!(step.action, Action::Run(_))).count();
    assert_eq!((look(&ran), failed), (steps, Vec::new()), "{ran:#?}");
    let row = "| sid | qemu-user | 1:11.1.3+ds-1 | 1:12.0.0+ds-1 |  | amd64, s390x, mipsel |";
    assert!(line.read("report.md").contains(row), "{}", line.read("report.md"));
    assert_eq!(line.read("summary"), line.read("report.md"));
    let calls = runner.calls();
    assert!(calls.contains("xtask e2e --layout target/images\n"), "{calls}");
    assert!(calls.contains("xtask e2e --second-stage --layout target/images\n"), "{calls}");
    assert!(calls.contains("xtask conformance --series newest\n"), "{calls}");
    let proposed =
        "gh pr create --head upkeep/debian-lock --title Update images/debian.lock --body-file report.md\n";
    assert!(calls.contains(proposed), "{calls}");
    let show = |branch: &str| runner.succeed(&format!("git -C origin show {branch}:images/debian.lock"));
    assert_eq!(show("main"), old);
    assert_eq!(show("upkeep/debian-lock"), line.read("images/debian.lock"));
    assert_ne!(show("upkeep/debian-lock"), old);

    // A tag that the changelog does not know makes no release.
    let release = Workflow::read("release.yml");
    line.write("CHANGELOG.md", "# Changelog\n\n## Unreleased\n\n- all of it\n");
    let (ran, failed) = runner.workflow(&release, &HOSTS);
    assert_eq!(
        (ran.len(), failed),
        (
            1,
            ["check", "push", "assets", "conformance", "manifest", "attest", "publish"]
                .map(str::to_owned)
                .to_vec()
        ),
        "{ran:#?}"
    );
    let heading = concat!("## ", env!("CARGO_PKG_VERSION"));
    line.write("CHANGELOG.md", &line.read("CHANGELOG.md").replace("## Unreleased", heading));

    // Nor does one whose Action would run other images.
    line.write("action/digests", "# None yet.\n");
    let (ran, failed) = runner.workflow(&release, &HOSTS);
    assert_eq!(failed.len(), release.jobs.len(), "{ran:#?}");
    assert!(ran.last().unwrap().command.ends_with("action/digests | diff - target/digests"), "{ran:#?}");
    runner.succeed("cargo xtask images --level best --digest-file action/digests");

    // Machines that push something else than what was verified move nothing that users follow.
    let other = workflow::text("release.yml").replace("--versioned-only", "--versioned-only --level quick");
    let (ran, failed) = runner.workflow(&Workflow::parse(&other), &HOSTS);
    assert_eq!(failed, ["manifest", "attest", "publish"], "{:#?}", ran.last());
    let refused = String::from_utf8_lossy(&ran.last().unwrap().output.stderr).into_owned();
    assert!(refused.contains("it is not what target/verified has:\n  "), "{refused}");
    for tag in ["latest", "d12.0", "mips-pkg"] {
        let gone = runner.run(&format!("cargo xtask verify \"$REPOSITORY:{tag}\""));
        assert!(!gone.status.success(), "{tag}: {gone:?}");
    }

    let (ran, failed) = runner.workflow(&release, &HOSTS);
    assert_eq!(failed, [""; 0], "{:#?}", ran.last());
    let pushing = |ran: &&Ran| ran.job == "push" && ran.command.contains(" --push ");
    let pushed: Vec<&str> = ran.iter().filter(pushing).map(|ran| ran.host.as_str()).collect();
    assert_eq!(pushed, HOSTS);
    let calls = runner.calls();
    assert!(calls.contains("xtask conformance --target s390x\n"), "{calls}");
    let verified = ran.iter().find(|ran| ran.command.contains("xtask verify \"$REPOSITORY")).unwrap();
    assert!(verified.stdout().contains(&format!("{repository}:latest: sha256:")), "{verified:?}");
    // What every host pushed by itself, joined, is what one machine builds: as the page tells users to check it.
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/security.md");
    let page = fs::read_to_string(page).unwrap();
    let check = page.lines().find(|line| line.starts_with("cargo xtask images")).unwrap();
    runner.succeed(check);
    let built = line.read("digests").replace("docker.io/aptman/qus", &repository);
    let (latest, _) = built.split_once(&format!(" {repository}:latest\n")).unwrap();
    let latest = latest.lines().last().unwrap();
    assert!(verified.stdout().contains(latest), "{latest}: {verified:?}");
    for tag in line.read("target/digests").lines() {
        assert!(built.lines().any(|built| built == tag), "{tag}: {built}");
    }
    // Every tag of it is attested, and every file.
    let checksums = built.replace("sha256:", "").replace(' ', "  ");
    let sorted = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
    assert_eq!(sorted(&line.read("target/image-checksums")), sorted(&checksums));
    runner.succeed("cd target/release-assets && sha256sum --strict -c SHA256SUMS");
    let sums = line.read("target/release-assets/SHA256SUMS");
    let calls = runner.calls();
    for file in ["target/release-assets/SHA256SUMS", "target/image-checksums"] {
        assert!(calls.contains(&format!("attest {file}\n")), "{calls}");
    }
    let created = calls.lines().find(|call| call.starts_with("gh release ")).unwrap();
    let expected = concat!(
        "gh release create v",
        env!("CARGO_PKG_VERSION"),
        " --repo dbhi/qus --verify-tag --notes-file target/notes.md target/release-assets/SHA256SUMS "
    );
    assert!(created.starts_with(expected), "{created}");
    assert_eq!(line.read("target/notes.md"), "- all of it\n");
    for asset in ["qemu-aarch64-static_mipsel.tgz", "register_s390x", "report.html", "report.md"] {
        assert!(created.contains(&format!(" target/release-assets/{asset}")), "{asset}: {created}");
        assert!(sums.contains(&format!("  {asset}\n")), "{asset}: {sums}");
    }
    line.run(&["lock", "--check"]).success();
}

/// The programs are those of every week.
#[test]
fn a_release_waits_for_the_real_programs_that_the_canary_runs() {
    let [canary, release] = ["canary.yml", "release.yml"].map(Workflow::read);
    let programs = |workflow: &Workflow| {
        let job = workflow.job("conformance");
        let commands = job.steps.iter().filter_map(|step| match &step.action {
            Action::Run(command) => Some((command.clone(), step.condition.clone())),
            Action::Uses(..) => None,
        });
        (job.hosts.clone(), job.env.clone(), commands.collect::<Vec<_>>())
    };
    assert_eq!(programs(&release), programs(&canary));
    assert!(release.job("manifest").needs.contains(&"conformance".to_owned()));
}

/// A form that the workflows do not have is a failure.
#[test]
fn conditions_are_evaluated_and_unknown_ones_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("there"), "").unwrap();
    let values = [("steps.look.outputs.differs".to_owned(), "true".to_owned())].into();
    for (condition, after_success, after_failure) in [
        (None, true, false),
        (Some("always()"), true, true),
        (Some("failure()"), false, true),
        (Some("${{ success() }}"), true, false),
        (Some("hashFiles('there') != ''"), true, false),
        (Some("hashFiles('there') == ''"), false, false),
        (Some("hashFiles('gone') != ''"), false, false),
        (Some("${{ hashFiles('gone') == '' }}"), true, false),
        (Some("steps.look.outputs.differs == 'true'"), true, false),
        (Some("steps.other.outputs.differs == 'true'"), false, false),
    ] {
        let found = [false, true].map(|failed| workflow::holds(condition, failed, folder.path(), &values));
        assert_eq!(found, [after_success, after_failure], "{condition:?}");
    }
    for condition in ["github.ref == 'x'", "failure() && always()", "hashFiles('**') != 'x'", "false"] {
        let held =
            std::panic::catch_unwind(|| workflow::holds(Some(condition), false, folder.path(), &values));
        assert!(held.is_err(), "{condition}");
    }
}

/// A step that fails ends its job but for what is to run then, and the jobs that need it.
#[test]
fn a_failure_ends_what_needs_it() {
    let text = "jobs:\n  a:\n    steps:\n      - run: echo one\n      - run: exit 3\n      - run: echo two\n      \
                - run: echo three\n        if: failure()\n      - run: echo four\n        if: always()\n  \
                b:\n    needs: a\n    steps:\n      - run: echo five\n";
    let line = Line::new(&["amd64"], &archive("1:11.1.3+ds-1").build());
    let (ran, failed) = Runner::new(&line, "").workflow(&Workflow::parse(text), &[]);
    let commands: Vec<&str> = ran.iter().map(|ran| ran.command.as_str()).collect();
    assert_eq!(commands, ["echo one", "exit 3", "echo three", "echo four"]);
    assert_eq!(failed, ["a", "b"]);
}

/// A database that cannot be reached is let pass where that is asked for, and no other failure.
#[test]
fn only_an_unreachable_database_of_advisories_is_let_pass() {
    let line = Line::new(&["amd64"], &archive("1:11.1.3+ds-1").build());
    let runner = Runner::new(&line, "");
    link(&line.path(""), &[".ci"]);
    let unreachable = "fatal: unable to access 'x': Could not resolve host: example.org";
    for (says, argument, expected) in [
        (unreachable, "--if-reachable", Some(0)),
        (unreachable, "", Some(1)),
        ("fatal: not a git repository", "--if-reachable", Some(1)),
    ] {
        runner.tool("cargo", &format!("echo \"{says}\" >&2\nexit 1"));
        let output = runner.run(&format!(".ci/advisories {argument}"));
        assert_eq!(output.status.code(), expected, "{output:?}");
        let said = "advisories: not checked, for their database cannot be reached; the workflow `canary` checks them\n";
        assert_eq!(String::from_utf8(output.stdout).unwrap(), if expected == Some(0) { said } else { "" });
    }
    // What it finds is a failure, with the database at hand.
    runner.tool("cargo", "[ \"$2\" = fetch ]");
    assert_eq!(runner.run(".ci/advisories --if-reachable").status.code(), Some(1));
}

/// The checker of advisories is installed where there is none, and only there.
#[test]
fn a_missing_checker_is_installed() {
    let line = Line::new(&["amd64"], &archive("1:11.1.3+ds-1").build());
    let runner = Runner::new(&line, "");
    link(&line.path(""), &[".ci"]);
    fs::remove_file(line.path("tools/cargo-deny")).unwrap();
    runner.tool(
        "cargo",
        "echo \"cargo $*\" >> \"$CALLS\"; [ \"$1\" != install ] || cp \"$0\" \"${0%/*}/cargo-deny\"",
    );
    // What the scripts call, whatever else the machine has.
    for program in ["bash", "cat", "cp", "dirname", "grep", "mktemp", "rm"] {
        runner.succeed(&format!("ln -s \"$(command -v {program})\" tools/{program}"));
    }
    let checks = "cargo deny fetch db\ncargo deny --all-features check advisories\n";
    runner.succeed("PATH=$PWD/tools .ci/advisories");
    let install = "cargo install --quiet --locked cargo-deny@0.20.2\n";
    assert_eq!(runner.calls(), format!("{install}{checks}"));
    runner.succeed("PATH=$PWD/tools .ci/advisories");
    assert_eq!(runner.calls(), format!("{install}{checks}{checks}"));
}

/// CI begins with the commands that the README gives.
#[test]
fn the_readmes_commands_are_found_in_it() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.ci/readme");
    let output = Command::new(readme).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "cargo xtask images\ncargo xtask test\n");
    assert!(output.status.success());
}

/// Under `.ci/fresh` there is what the README names, and nothing else of the machine.
#[test]
fn a_fresh_machine_has_what_the_readme_names() {
    let line = Line::new(&["amd64"], &archive("1:11.1.3+ds-1").build());
    let runner = Runner::new(&line, "");
    link(&line.path(""), &[".ci"]);
    runner.tool("jq", "");
    for program in ["git", "rustup", "cargo", "cc", "sh", "sha256sum", "unshare"] {
        runner.succeed(&format!("command -v {program} && .ci/fresh sh -c 'command -v {program}'"));
    }
    // A test that calls another program finds none, whatever the machine has.
    assert_eq!(runner.run("command -v jq && .ci/fresh sh -c 'jq'").status.code(), Some(127));
    // Of the environment, nothing but what leads to the registries.
    let variables = "SECRET=1 RUSTFLAGS=-O CARGO_HTTP_TIMEOUT=9 HTTPS_PROXY=proxy.example \
                     QUS_MIRROR=http://mirror.example .ci/fresh env";
    let variables = runner.succeed(variables);
    let variables: BTreeSet<&str> = variables.lines().map(|line| line.split_once('=').unwrap().0).collect();
    let own = ["CARGO_HOME", "CI", "HOME", "PATH", "RUSTUP_HOME", "TERM", "XDG_CACHE_HOME"];
    let ways = ["CARGO_HTTP_TIMEOUT", "HTTPS_PROXY", "QUS_MIRROR"];
    for name in own.iter().chain(&ways) {
        assert!(variables.contains(name), "{name}: {variables:?}");
    }
    for name in ["SECRET", "RUSTFLAGS", "CALLS", "GITHUB_OUTPUT"] {
        assert!(!variables.contains(name), "{name}: {variables:?}");
    }
    // Its homes and its cache are empty, each time.
    let write = "echo x > \"$CARGO_HOME/x\"; echo x > \"$HOME/x\"; echo x > \"$XDG_CACHE_HOME/x\"";
    let list = "find \"$CARGO_HOME\" \"$HOME\" \"$XDG_CACHE_HOME\" -name x | wc -l";
    runner.succeed(&format!(".ci/fresh sh -c '{write}'"));
    assert_eq!(runner.succeed(&format!(".ci/fresh --keep sh -c '{list}'")), "3\n");
    assert_eq!(runner.succeed(&format!(".ci/fresh sh -c '{list}'")), "0\n");
}

/// A pull request that is open is brought up to date rather than opened twice.
#[test]
fn an_open_proposal_is_updated() {
    let line = Line::new(&["amd64"], &archive("1:11.1.3+ds-1").build());
    let runner = Runner::new(&line, "");
    line.write("images/debian.lock", "old");
    line.write("report.md", "text");
    runner.tool("gh", "echo \"gh $*\" >> \"$CALLS\"\n[ \"$1 $2\" != 'pr list' ] || echo 7");
    runner.succeed(
        "git init --quiet --bare origin && git init --quiet . && git remote add origin \"$PWD/origin\" && git add images \
         && git -c user.name=a -c user.email=a@b commit --quiet --message first",
    );
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.github/propose.sh");
    for text in ["new", "newer"] {
        line.write("images/debian.lock", text);
        runner.succeed(&format!("{} report.md", script.display()));
        assert_eq!(runner.succeed("git -C origin show upkeep/debian-lock:images/debian.lock"), text);
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
    assert_eq!(Workflow::read("release.yml").job("push").hosts, quoted);
}

/// Compiling runs other people's build scripts and macros: no step that knows a secret compiles.
#[test]
fn no_step_with_a_secret_compiles() {
    let workflows = ["canary.yml", "ci.yml", "release.yml"].map(Workflow::read);
    let steps = workflows.iter().flat_map(|workflow| &workflow.jobs).flat_map(|job| {
        assert!(!job.env.values().any(|value| value.contains("secrets.")), "{}", job.name);
        &job.steps
    });
    let knows = |step: &&workflow::Step| step.env.values().any(|value| value.contains("secrets."));
    let commands: Vec<&str> = steps
        .filter(knows)
        .map(|step| match &step.action {
            Action::Run(command) => command.as_str(),
            Action::Uses(name, _) => panic!("{name} is given a secret"),
        })
        .collect();
    assert_eq!(commands.len(), 2, "{commands:?}");
    assert!(commands.iter().all(|command| command.starts_with("target/debug/xtask ")), "{commands:?}");
}

/// A job that may write, or sign, runs nothing of other people's: no crate is compiled or run in it.
#[test]
fn no_job_with_rights_compiles() {
    let workflows = ["canary.yml", "ci.yml", "release.yml"].map(Workflow::read);
    let mut commands = Vec::new();
    for workflow in &workflows {
        assert_eq!(workflow.permissions, [("contents".to_owned(), "read".to_owned())].into());
        for job in &workflow.jobs {
            if job.permissions.values().any(|right| right != "read") {
                commands.extend(job.steps.iter().filter_map(|step| match &step.action {
                    Action::Run(command) => Some(command.as_str()),
                    // The runner knows what each of them is given, and no other.
                    Action::Uses(..) => None,
                }));
            }
        }
    }
    assert_eq!(commands.len(), 2, "{commands:?}");
    let known = [".github/propose.sh ", "gh release create "];
    assert!(known.iter().zip(&commands).all(|(known, command)| command.starts_with(known)), "{commands:?}");
    let proposes = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.github/propose.sh"));
    assert!(!proposes.unwrap().contains("cargo"));
}

/// GitHub's token stays on no disk, where whatever a job compiles could read it.
#[test]
fn no_checkout_leaves_its_credentials() {
    let workflows = ["canary.yml", "ci.yml", "release.yml"].map(Workflow::read);
    let steps = workflows.iter().flat_map(|workflow| &workflow.jobs).flat_map(|job| &job.steps);
    let checkouts = steps.filter_map(|step| match &step.action {
        Action::Uses(name, inputs) if name == "actions/checkout" => Some(inputs),
        _ => None,
    });
    let kept: Vec<Option<&str>> =
        checkouts.map(|inputs| inputs.get("persist-credentials").map(String::as_str)).collect();
    assert_eq!(kept, vec![Some("false"); 12]);
}
