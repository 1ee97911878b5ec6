//! The workflows, run here: their steps, on a small archive that gets something newer, a registry on loopback and a
//! repository on disk. What the workflows take from GitHub is stood in for: `gh` and `sudo` note what they were asked for.

mod check;

use std::collections::BTreeSet;
use std::fs;
use std::iter;
use std::path::Path;
use std::process::Command;

use crate::line::{Line, link};
use crate::ship::{packages, registry, sandbox};
use yaml_rust2::Yaml;

use crate::workflow::{self, Runner, strings};
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

    let canary = workflow::read("canary.yml");
    let job = |name: &str| runner.job(&canary["jobs"][name], None, &[("HOST", "amd64")]);
    // The first step of the job `look`; gives what it puts out.
    let look = || {
        line.write("output", "");
        job("look").map(|ran| {
            assert_eq!(ran.len(), 1);
            line.read("output")
        })
    };
    // Nothing is newer: nothing is put out, on which all that follows depends.
    assert_eq!(look().unwrap(), "");
    assert!(!line.path("report.md").exists());
    // Machines are booted with what is locked.
    for name in ["advisories", "fuzz", "machines", "conformance"] {
        job(name).unwrap();
    }
    assert!(line.path("target/images/index.json").exists());
    let calls = runner.calls();
    assert!(calls.contains("xtask e2e --machines --layout target/images amd64\n"), "{calls}");
    assert!(calls.contains("cargo deny --all-features check advisories\n"), "{calls}");
    let fuzzed = calls.lines().find(|call| call.starts_with("cargo +nightly fuzz run entry "));
    assert!(fuzzed.is_some_and(|call| call.contains(" -max_total_time=120 ")), "{calls}");

    // An archive that cannot be read is no difference.
    line.close();
    look().unwrap_err();
    assert!(line.read("output").is_empty() && !line.path("report.md").exists());

    // What is only worth knowing is in the summary.
    let port = Deb::new("qemu-user", "1:11.1.3+ds-1", "sparc64");
    line.serve(&Archive::new(1).suite(sid("1:11.1.3+ds-1", |qemu| qemu).package(port)).build());
    assert_eq!(look().unwrap(), "");
    let summary = line.read("summary");
    assert!(summary.contains("- **host-new**: `sid` has `qemu-user` "), "{summary}");
    line.write("summary", "");

    line.serve(&archive("1:12.0.0+ds-1").build());
    line.run(&["lock", "--check"]).failure(1);
    assert_eq!(look().unwrap(), "differs=true\n");
    for (name, differs) in [
        ("look", "steps.look.outputs.differs == 'true'"),
        ("propose", "needs.look.outputs.differs == 'true'"),
    ] {
        runner.job(&canary["jobs"][name], Some(differs), &[]).unwrap();
    }
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

    let release = workflow::read("release.yml");
    let job = |name: &str, variables: &[(&str, &str)]| {
        let login = [("REGISTRY_USER", "user"), ("REGISTRY_PASSWORD", "password")];
        runner.job(&release["jobs"][name], None, &[&login, variables].concat())
    };
    // A tag that the changelog does not know makes no release.
    line.write("CHANGELOG.md", "# Changelog\n\n## Unreleased\n\n- all of it\n");
    assert!(job("check", &[]).unwrap_err().command.starts_with("cargo xtask notes "));
    let heading = concat!("## ", env!("CARGO_PKG_VERSION"));
    line.write("CHANGELOG.md", &line.read("CHANGELOG.md").replace("## Unreleased", heading));

    // Nor does one whose Action would run other images.
    line.write("action/digests", "# None yet.\n");
    assert!(job("check", &[]).unwrap_err().command.ends_with("action/digests | diff - target/digests"));
    runner.succeed("cargo xtask images --level best --digest-file action/digests");
    line.write("output", "");
    job("check", &[]).unwrap();
    // GitHub hands it to the job that moves the tags.
    let output = line.read("output");
    let verified =
        output.strip_prefix("digests<<END\n").and_then(|text| text.strip_suffix("\nEND\n")).unwrap();
    let verified = [("VERIFIED", verified)];

    // Machines that push something else than what was verified move nothing that users follow.
    for host in HOSTS {
        let quick =
            "cargo xtask images --series all --level quick --push --versioned-only --push-via registry";
        runner.succeed(&format!("{quick} --repository \"$REPOSITORY\" --host {host}"));
    }
    let refused = job("manifest", &verified).unwrap_err().output;
    let refused = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.contains("it is not what target/verified has:\n  "), "{refused}");
    for tag in ["latest", "d12.0", "mips-pkg"] {
        let gone = runner.run(&format!("cargo xtask verify \"$REPOSITORY:{tag}\""));
        assert!(!gone.status.success(), "{tag}: {gone:?}");
    }

    for host in HOSTS {
        job("push", &[("HOST", host)]).unwrap();
    }
    job("assets", &[]).unwrap();
    job("conformance", &[("HOST", "s390x")]).unwrap();
    let ran = job("manifest", &verified).unwrap();
    job("attest", &[]).unwrap();
    job("publish", &[]).unwrap();
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
    let attested = workflow::steps(&release["jobs"]["attest"]).iter();
    let attested = attested.filter_map(|step| step["with"]["subject-checksums"].as_str());
    assert!(attested.eq(["target/release-assets/SHA256SUMS", "target/image-checksums"]));
    // The most that one attestation takes.
    assert!(sums.lines().count() <= 1024 && checksums.lines().count() <= 1024);
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
fn a_release_runs_the_real_programs_that_the_canary_runs() {
    let [canary, release] = ["canary.yml", "release.yml"].map(workflow::read);
    for part in ["strategy", "env", "steps"] {
        assert_eq!(release["jobs"]["conformance"][part], canary["jobs"]["conformance"][part]);
    }
}

/// Jobs and steps wait for what they need, and are told what others have put out.
#[test]
fn nothing_moves_before_what_it_needs() {
    let [canary, release] = ["canary.yml", "release.yml"].map(workflow::read);
    for (name, needed) in [
        ("check", &[][..]),
        ("push", &["check"]),
        ("assets", &["check"]),
        ("conformance", &["check"]),
        ("manifest", &["check", "push", "assets", "conformance"]),
        ("attest", &["manifest"]),
        ("publish", &["attest"]),
    ] {
        assert_eq!(strings(&release["jobs"][name]["needs"]), needed, "{name}");
    }
    assert_eq!(workflow::jobs(&release).count(), 7);
    assert_eq!(strings(&canary["jobs"]["propose"]["needs"]), ["look"]);

    // Every name, condition, output and variable of jobs and steps.
    let mut wires = Vec::new();
    for (name, job) in workflow::jobs(&canary).chain(workflow::jobs(&release)) {
        for part in iter::once(job).chain(workflow::steps(job)) {
            let own =
                ["id", "if"].into_iter().filter_map(|key| Some(format!("{key}: {}", part[key].as_str()?)));
            let maps = ["outputs", "env"].into_iter().flat_map(|key| workflow::map(&part[key]));
            wires.extend(
                own.chain(maps.map(|(key, value)| format!("{key}: {value}"))).map(|wire| (name, wire)),
            );
        }
    }
    wires.dedup();
    let wires: Vec<(&str, &str)> = wires.iter().map(|(name, wire)| (*name, wire.as_str())).collect();
    let login = [
        "REGISTRY_PASSWORD: ${{ secrets.REGISTRY_PASSWORD }}",
        "REGISTRY_USER: ${{ secrets.REGISTRY_USER }}",
    ];
    let expected = [
        ("fuzz", "if: failure()"),
        ("machines", "HOST: ${{ matrix.host }}"),
        ("conformance", "HOST: ${{ matrix.host }}"),
        ("look", "differs: ${{ steps.look.outputs.differs }}"),
        ("look", "id: look"),
        ("look", "if: steps.look.outputs.differs == 'true'"),
        ("propose", "if: needs.look.outputs.differs == 'true'"),
        ("propose", "GH_TOKEN: ${{ github.token }}"),
        ("check", "digests: ${{ steps.digests.outputs.digests }}"),
        ("check", "id: digests"),
        ("push", "HOST: ${{ matrix.host }}"),
        ("push", login[0]),
        ("push", login[1]),
        ("conformance", "HOST: ${{ matrix.host }}"),
        ("manifest", "VERIFIED: ${{ needs.check.outputs.digests }}"),
        ("manifest", login[0]),
        ("manifest", login[1]),
        ("publish", "GH_TOKEN: ${{ github.token }}"),
    ];
    assert_eq!(wires, expected);
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
    let config: toml::Table = fs::read_to_string(config).unwrap().parse().unwrap();
    let configured = config["hosts"].as_array().unwrap().iter().map(|host| host.as_str().unwrap());
    let release = workflow::read("release.yml");
    assert!(configured.eq(workflow::hosts(&release["jobs"]["push"])));
}

/// The jobs of all workflows.
fn all_jobs(workflows: &[Yaml]) -> impl Iterator<Item = &Yaml> {
    workflows.iter().flat_map(workflow::jobs).map(|(_, job)| job)
}

fn workflows() -> [Yaml; 3] {
    ["canary.yml", "ci.yml", "release.yml"].map(workflow::read)
}

/// Compiling runs other people's build scripts and macros: no step that knows a secret compiles.
#[test]
fn no_step_with_a_secret_compiles() {
    let workflows = workflows();
    let knows = |yaml: &Yaml| workflow::map(&yaml["env"]).values().any(|value| value.contains("secrets."));
    assert!(!all_jobs(&workflows).any(knows));
    let steps = all_jobs(&workflows).flat_map(workflow::steps).filter(|step| knows(step));
    let commands: Vec<&str> =
        steps.map(|step| step["run"].as_str().expect("an action with a secret")).collect();
    assert_eq!(commands.len(), 2, "{commands:?}");
    assert!(commands.iter().all(|command| command.starts_with("target/debug/xtask ")), "{commands:?}");
}

/// A job that may write, or sign, runs nothing of other people's: no crate is compiled or run in it.
#[test]
fn no_job_with_rights_compiles() {
    let workflows = workflows();
    for workflow in &workflows {
        assert_eq!(
            workflow::map(&workflow["permissions"]),
            [("contents".to_owned(), "read".to_owned())].into()
        );
    }
    let has_rights = |job: &&Yaml| workflow::map(&job["permissions"]).values().any(|right| right != "read");
    let commands: Vec<&str> = all_jobs(&workflows).filter(has_rights).flat_map(workflow::commands).collect();
    assert_eq!(commands.len(), 2, "{commands:?}");
    let known = [".github/propose.sh ", "gh release create "];
    assert!(known.iter().zip(&commands).all(|(known, command)| command.starts_with(known)), "{commands:?}");
    let proposes = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.github/propose.sh"));
    assert!(!proposes.unwrap().contains("cargo"));
}

/// Actions are GitHub's own; its token stays on no disk, where whatever a job compiles could read it, and what is to be handed
/// over and is not there is a failure.
#[test]
fn actions_are_given_what_makes_them_safe() {
    let workflows = workflows();
    let mut checkouts = 0;
    for step in all_jobs(&workflows).flat_map(workflow::steps) {
        let Some(name) = step["uses"].as_str() else { continue };
        let name = name.split_once('@').unwrap().0;
        let inputs = workflow::map(&step["with"]);
        match name {
            "actions/checkout" => assert_eq!(inputs["persist-credentials"], "false"),
            "actions/upload-artifact" => assert_eq!(inputs["if-no-files-found"], "error"),
            "actions/download-artifact" => assert!(inputs.contains_key("name")),
            "actions/attest-build-provenance" => assert!(inputs.keys().eq(["subject-checksums"])),
            _ => panic!("{name} is not known"),
        }
        checkouts += usize::from(name == "actions/checkout");
    }
    assert_eq!(checkouts, 12);
}
