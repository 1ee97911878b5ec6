//! A QEMU that is bad at one workload: from results to the lock, the images and the report.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use builder::Config;
use debian::lock::Lock;
use debian::testing::small as archive;
use debian::testing::{Archive, Built, Suite};
use oci::spec::{Descriptor, Index};
use publish::layout::Layout;
use results::{ByHand, Results};
use serde_json::{Value, json};

use crate::line::Line;

/// The second has no `register`, so that its images are built of nothing but the archive.
const HOSTS: [&str; 2] = ["amd64", "mipsel"];

const OLD: &str = "1:10.0.13+ds-1";

fn archive(newest: &str) -> Built {
    let suite = |name, codename, version: &str| {
        HOSTS.iter().fold(Suite::new(name, codename), |suite, host| {
            let host = host.parse().unwrap();
            let qemu = archive::qemu(version, host, |target| format!("{target} {version}").into_bytes());
            suite.package(qemu).package(archive::busybox(host))
        })
    };
    Archive::new(1).suite(suite("unstable", "sid", newest)).suite(suite("stable", "trixie", OLD)).build()
}

/// A workspace with a lock that was made without results.
fn line() -> Line {
    let line = Line::new(&HOSTS, &archive("1:11.1.3+ds-1"));
    config(&line, "");
    line.run(&["lock"]).success();
    line
}

fn config(line: &Line, more: &str) {
    let config =
        "repository = \"docker.io/aptman/qus\"\nsuites = [\"sid\", \"trixie\"]\nseries = [\"trixie\"]\n";
    line.write("images/images.toml", &format!("{config}hosts = {HOSTS:?}\n{more}"));
}

/// The results of i386 on mipsel, where `git` came to `newest` under the newest.
fn record(line: &Line, newest: &str) {
    let text = format!(
        "version = 1\n\n[[system]]\nhost = \"mipsel\"\ntarget = \"i386\"\narchitecture = \"i386\"\nsuite = \"bookworm\"\n\n\
         [system.qemu]\n\
         newest = {{ version = \"11.1.3\", package = \"1:11.1.3+ds-1\" }}\n\
         trixie = {{ version = \"10.0.13\", package = \"{OLD}\" }}\n\n\
         [system.workload]\n\
         bash = {{ newest = \"pass 1.00\", trixie = \"pass 1.50\" }}\n\
         git = {{ newest = \"{newest}\", trixie = \"pass 2.25\" }}\n"
    );
    line.write(results::PATH, &text);
}

const WHY: &str = "10.0.13 (trixie) passes all that 11.1.3 (newest) passes, and git, at which that fails";

fn lock(line: &Line) -> Lock {
    Lock::parse(&line.read("images/debian.lock")).unwrap()
}

/// The suites that are not sid's, by cell.
fn older(lock: &Lock) -> Vec<String> {
    let packages = lock.packages().iter().filter(|package| package.suite != "sid");
    let cells = packages.flat_map(|package| package.targets().map(move |target| (package, target)));
    cells.map(|(package, target)| format!("{} {target} {}", package.host, package.suite)).collect()
}

#[test]
fn a_regression_takes_one_cell_from_the_older_suite() {
    let line = line();
    let before = line.read("images/debian.lock");
    record(&line, "pass 2.00");
    assert!(line.run(&["lock"]).success().stderr.ends_with("images/debian.lock\n"));
    assert_eq!(line.read("images/debian.lock"), before);
    line.run(&["lock", "--check"]).success();

    // Results that came after the lock.
    record(&line, "crash");
    let text = format!("i386 for mipsel: 10.0.13 (trixie), not 11.1.3 (newest): {WHY}\n");
    let finding = format!("i386 for mipsel: `trixie` ({OLD}) is chosen, and the lock has `sid`");
    let checked = line.run(&["lock", "--check"]).failure(1);
    assert!(checked.stdout.starts_with(&format!("chosen: {finding}\n")), "{}", checked.stdout);
    assert!(checked.stderr.contains(&text), "{}", checked.stderr);
    let json: Value =
        serde_json::from_str(&line.run(&["lock", "--check", "--json"]).failure(1).stdout).unwrap();
    assert_eq!(
        json["findings"],
        json!([{"finding": "chosen", "hosts": ["mipsel"], "targets": ["i386"], "text": finding}])
    );
    assert_eq!(line.read("images/debian.lock"), before);
    // The report is of the lock as it is, and says what would be another.
    let defaults = || {
        let reported = line.run(&["report", "--json"]).success();
        let json: Value = serde_json::from_str(&reported.stdout).unwrap();
        let system = &json["programs"]["systems"][0];
        let qemus = system["qemus"].as_array().unwrap().iter().filter(|qemu| qemu["default"] == true);
        let defaults: Vec<Value> = qemus.map(|qemu| qemu["version"].clone()).collect();
        let warned = reported
            .stderr
            .contains("choose other QEMUs than images/debian.lock has; run `cargo xtask lock`\n");
        (defaults, system["choice"].clone(), warned)
    };
    let mut choice = json!({
        "series": "trixie",
        "version": "10.0.13",
        "reason": "beaten",
        "locked": false,
        "older": false,
        "text": format!("{WHY}; the lock was made before that"),
        "stale": [],
    });
    assert_eq!(defaults(), (vec![json!("11.1.3")], choice.clone(), true));
    let locked = line.run(&["lock", "--report", "r.md"]).success();
    assert!(locked.stderr.contains(&text), "{}", locked.stderr);
    assert!(line.read("r.md").contains(&format!("- **chosen**: {finding}\n")), "{}", line.read("r.md"));
    assert_eq!(older(&lock(&line)), ["mipsel i386 trixie"]);
    assert_eq!(lock(&line).without_choices().to_string(), before);
    (choice["locked"], choice["older"], choice["text"]) = (json!(true), json!(true), json!(WHY));
    assert_eq!(defaults(), (vec![json!("10.0.13")], choice, false));
    // It is what results choose, again and again.
    let same = line.run(&["lock", "--check"]).success();
    assert_eq!(same.stdout, "the archive has nothing newer\n");
    let again = line.run(&["lock"]).success();
    assert!(again.stderr.contains("nothing changed in "), "{}", again.stderr);

    // It passes again: the newest.
    record(&line, "pass 2.00");
    line.run(&["lock", "--check"]).failure(1);
    line.run(&["lock"]).success();
    assert_eq!(line.read("images/debian.lock"), before);
}

#[test]
fn the_committed_lock_is_what_the_committed_results_choose() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let config = Config::load(&root.join("images/images.toml")).unwrap();
    let lock = Lock::load(&root.join("images/debian.lock")).unwrap();
    let text =
        fs::read_to_string(root.join(results::PATH)).unwrap_or_else(|_| Results::default().to_string());
    let results = Results::parse(&text).unwrap();
    assert_eq!(results.to_string(), text);
    let choices = results::choices(&lock, &results, |host, target| {
        config.defaults.of(host, target).map(|(series, is_exact)| ByHand { series, is_exact })
    });
    assert!(choices.lock(&lock).unwrap() == lock, "`cargo xtask lock` makes another one");
}

#[test]
fn results_of_another_qemu_are_said_to_be_old() {
    let line = line();
    record(&line, "crash");
    line.run(&["lock"]).success();
    line.serve(&archive("1:11.1.4+ds-1"));
    let said = "i386 for mipsel: the results of newest are of 1:11.1.3+ds-1, and 1:11.1.4+ds-1 is locked\n";
    let checked = line.run(&["lock", "--check"]).failure(1);
    assert!(checked.stderr.contains(said), "{}", checked.stderr);
    let finding = "chosen: i386 for mipsel: `sid` (1:11.1.4+ds-1) is chosen, and the lock has `trixie`\n";
    assert!(checked.stdout.contains(finding), "{}", checked.stdout);
    // That it is not in sid any more would be another matter.
    assert!(!checked.stdout.contains("older-suite"), "{}", checked.stdout);
    let locked = line.run(&["lock"]).success();
    assert!(locked.stderr.contains(said), "{}", locked.stderr);
    assert_eq!(older(&lock(&line)), [""; 0]);
    let report: Value = serde_json::from_str(&line.run(&["report", "--json"]).success().stdout).unwrap();
    let choice = &report["programs"]["systems"][0]["choice"];
    assert_eq!((&choice["reason"], &choice["older"]), (&json!("untried"), &json!(false)));
    assert_eq!(choice["stale"], json!([said.trim_end().split_once(": ").unwrap().1]));
}

#[test]
fn a_maintainer_overrules_results() {
    let line = line();
    record(&line, "crash");
    config(&line, "[default]\ni386 = \"newest\"\n\"amd64/arm\" = \"trixie\"\n");
    let warned = line.run(&["images", "--kind", "pkg", "--host", "mipsel", "--dry-run"]).success();
    let warning = "warning: images/debian.lock is not of this images/images.toml: it has `arm` for `amd64` from `sid`, not from \
                   `trixie`; run `cargo xtask lock`\n";
    assert!(warned.stderr.contains(warning), "{}", warned.stderr);
    let locked = line.run(&["lock"]).success();
    assert_eq!(older(&lock(&line)), ["amd64 arm trixie"]);
    let said = "arm for amd64: 10.0.13 (trixie), not 11.1.3 (newest): images/images.toml says so\n";
    assert!(locked.stderr.contains(said), "{}", locked.stderr);
    let dry = line.run(&["images", "--kind", "pkg", "--host", "mipsel", "--dry-run"]).success();
    assert!(!dry.stderr.contains("warning: "), "{}", dry.stderr);
    config(&line, "[default]\ni386 = \"bookworm\"\n");
    let failed = line.run(&["lock"]).failure(1);
    assert!(
        failed.stderr.contains("images.toml: line 6: `default`: unknown series `bookworm`\n"),
        "{}",
        failed.stderr
    );
    // Of a host that a series does not have.
    let config = "repository = \"docker.io/aptman/qus\"\nsuites = [\"sid\", \"trixie\"]\nseries = [\"trixie\"]\n\
                  hosts = [\"amd64\"]\n[default]\n\"amd64/arm\" = \"trixie\"\n";
    let sid = archive::qemu("1:11.1.3+ds-1", "amd64".parse().unwrap(), |_| b"x".to_vec());
    let sid = Suite::new("unstable", "sid").package(sid).package(archive::busybox("amd64".parse().unwrap()));
    let elf = debian::testing::elf("amd64".parse::<arch::Host>().unwrap().elf(), b"mips");
    let trixie = debian::testing::Deb::new("qemu-user", OLD, "amd64").file("usr/bin/qemu-mips", &elf);
    line.serve(&Archive::new(1).suite(sid).suite(Suite::new("stable", "trixie").package(trixie)).build());
    line.write("images/images.toml", config);
    let failed = line.run(&["lock"]).failure(1);
    let error = "error: series `trixie` has no target `arm` for host `amd64`\n\
                 hint: `default` in images/images.toml names series that a cell can be taken from\n";
    assert!(failed.stderr.ends_with(error), "{}", failed.stderr);
}

#[test]
fn results_that_cannot_be_read_stop_what_would_choose_by_them() {
    let line = line();
    record(&line, "crushed");
    let error = "images/conformance.toml: line 15: `git` under `newest`: unknown outcome `crushed` (did you mean `crash`?)\n\
                 hint: `cargo xtask conformance --record` makes it; an older one is in the history\n";
    for command in [&["lock"][..], &["lock", "--check"], &["report"]] {
        let failed = line.run(command).failure(1);
        assert!(failed.stderr.starts_with("error: cannot read "), "{command:?}: {}", failed.stderr);
        assert!(failed.stderr.ends_with(error), "{command:?}: {}", failed.stderr);
    }
    // Images are built from the lock alone.
    line.run(&["images", "--kind", "pkg", "--host", "mipsel", "--dry-run"]).success();
}

#[test]
fn tags_without_a_version_have_what_was_chosen_and_others_their_version() {
    let line = line();
    let refs = |layout: &str| -> BTreeMap<String, Descriptor> {
        line.run(&["images", "--host", "mipsel", "--series", "all", "--output", layout]).success();
        Layout::open(&line.path(layout)).unwrap().refs().into_iter().collect()
    };
    let before = refs("before");
    record(&line, "crash");
    line.run(&["lock"]).success();
    let refs = refs("target/images");
    let layout = Layout::open(&line.path("target/images")).unwrap();
    // Tags with a version stay what they were.
    for tag in ["d10.0-pkg", "d11.1-pkg", "mips-d10.0-pkg", "mips-d11.1-pkg"] {
        assert_eq!(refs[tag].digest, before[tag].digest, "{tag}");
    }
    assert_ne!(refs["pkg"].digest, before["pkg"].digest);
    let tags: Vec<&str> = refs.keys().map(String::as_str).collect();
    let expected = [
        "d10.0-pkg",
        "d11.1-pkg",
        "mips-d10.0-pkg",
        "mips-d11.1-newest-pkg",
        "mips-d11.1-pkg",
        "mips-pkg",
        "pkg",
    ];
    assert_eq!(tags, expected);
    let listed = |tag: &str| {
        let index = layout.json::<Index>(&refs[tag]).unwrap();
        let images = index.manifests.into_iter().filter(|image| !image.is_attestation());
        images.map(|image| image.digest).collect::<Vec<_>>()
    };
    for (index, image) in
        [("pkg", "mips-pkg"), ("d11.1-pkg", "mips-d11.1-pkg"), ("d10.0-pkg", "mips-d10.0-pkg")]
    {
        assert_eq!(listed(index), [refs[image].digest], "{index}");
    }
    assert_eq!(refs["mips-pkg"].digest, refs["mips-d11.1-newest-pkg"].digest);
    line.run(&["verify", "target/images"]).success();
    // By what is in them.
    let versions = |tag: &str| {
        let sbom = line.run(&["sbom", "target/images", "--tag", tag, "--host", "mipsel"]).success().stdout;
        ["1:11.1.3+ds-1", OLD].map(|version| sbom.contains(version))
    };
    assert_eq!(["pkg", "d11.1-pkg", "d10.0-pkg"].map(versions), [[true, true], [true, false], [false, true]]);
}
