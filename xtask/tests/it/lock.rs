//! `cargo xtask lock --check`: what it takes over from the lock, and when there is a report.

use crate::line::Line;
use debian::testing::small as archive;
use debian::testing::{Archive, Built, Suite};
use serde_json::{Value, json};

const HOSTS: [&str; 2] = ["amd64", "s390x"];

fn suite(name: &str, codename: &str, version: &str) -> Suite {
    let mut suite = Suite::new(name, codename);
    for name in HOSTS {
        let host = name.parse().unwrap();
        suite = suite.package(archive::qemu(version, host, |_| version.into()));
        suite = suite.package(archive::busybox(host));
    }
    suite
}

/// Two suites, of which the first has been past its date since `end`.
fn archive(version: &str, end: Option<i64>) -> Built {
    let sid = suite("unstable", "sid", version);
    let sid = match end {
        Some(end) => sid.valid_until(end),
        None => sid,
    };
    Archive::new(1).suite(sid).suite(suite("stable", "trixie", "1:10.0.0+ds-1")).build()
}

fn line(archive: &Built) -> Line {
    let line = Line::new(&HOSTS, archive);
    let config = "repository = \"docker.io/aptman/qus\"\nsuites = [\"sid\", \"trixie\"]\n";
    line.write("images/images.toml", &format!("{config}hosts = {HOSTS:?}\n"));
    line
}

#[test]
fn what_the_lock_concedes_is_said_with_the_command_that_concedes_it_again() {
    const END: i64 = 1_767_000_000;
    let line = line(&archive("1:11.1.3+ds-1", Some(END)));
    let [concede_sid, concede_s390x] = [["--allow-expired", "sid"], ["--without", "sid/s390x"]];
    line.run(&[&["lock"][..], &concede_sid, &concede_s390x].concat()).success();

    let command = "cargo xtask lock --allow-expired sid --without sid/s390x";
    let said = format!(
        "compared with what the lock records: --allow-expired sid --without sid/s390x\na lock with it: {command}\n"
    );
    let same = line.run(&["lock", "--check", "--report", "r.md"]).success();
    assert_eq!(same.stdout, format!("the archive has nothing newer\n\n{said}"));
    // A concession is no difference.
    assert!(!line.path("r.md").exists());

    line.serve(&archive("1:12.0.0+ds-1", Some(END)));
    let newer = line.run(&["lock", "--check"]).failure(1);
    assert!(newer.stdout.contains("1:11.1.3+ds-1  1:12.0.0+ds-1"), "{}", newer.stdout);
    assert!(newer.stdout.ends_with(&format!("\n\n{said}")), "{}", newer.stdout);
    let markdown = line.run(&["lock", "--check", "--markdown", "--report", "r.md"]).failure(1).stdout;
    assert_eq!(line.read("r.md"), markdown);
    let list = "`--allow-expired sid`, `--without sid/s390x`";
    let end = format!(" |\n\nCompared with what the lock records: {list}. A lock with it: `{command}`.\n");
    assert!(markdown.ends_with(&end), "{markdown}");
    let data = |args: &[&str]| -> Value {
        let args = [&["lock", "--check", "--json"], args].concat();
        serde_json::from_str(&line.run(&args).failure(1).stdout).unwrap()
    };
    let json = data(&[]);
    assert_eq!(json["concessions"], json!(["--allow-expired sid", "--without sid/s390x"]));
    assert_eq!(json["command"], command);
    // What is asked for is not taken over, and belongs to the command all the same.
    let json = data(&concede_sid);
    assert_eq!(json["concessions"], json!(["--without sid/s390x"]));
    assert_eq!(json["command"], command);

    // The command is needed, and does.
    let refused = line.run(&["lock"]).failure(1);
    assert!(refused.stderr.contains("InRelease of `sid` has expired"), "{}", refused.stderr);
    line.run(&command.split(' ').skip(2).collect::<Vec<_>>()).success();
    let same = line.run(&["lock", "--check"]).success();
    assert_eq!(same.stdout, format!("the archive has nothing newer\n\n{said}"));
}

#[test]
fn a_lock_goes_back_only_when_that_is_allowed_by_name() {
    let line = line(&archive("1:11.1.3+ds-1", None));
    line.run(&["lock"]).success();
    let before = line.read("images/debian.lock");
    line.serve(&archive("1:11.1.2+ds-1", None));
    let error = "error: `qemu-user` of `sid` for host `amd64` is older than the lock's: 1:11.1.2+ds-1, not 1:11.1.3+ds-1\n\
                 hint: the mirror may be stale, or somebody plays back an old state: --mirror names another; \
                 --allow-older sid takes it as it is\n";
    for command in [&["lock"][..], &["lock", "--check"], &["lock", "--allow-older", "trixie"]] {
        let refused = line.run(command).failure(1);
        assert!(refused.stderr.ends_with(error), "{command:?}: {}", refused.stderr);
        assert_eq!(line.read("images/debian.lock"), before);
    }
    let unknown = line.run(&["lock", "--allow-older", "sit"]).failure(1);
    assert!(
        unknown.stderr.ends_with("error: invalid --allow-older: unknown suite `sit` (did you mean `sid`?)\n")
    );

    line.run(&["lock", "--allow-older", "sid"]).success();
    assert!(line.read("images/debian.lock").contains("\nallow-older = true\n"));
    let same = line.run(&["lock", "--check"]).success();
    let said = "compared with what the lock records: --allow-older sid\na lock with it: cargo xtask lock --allow-older sid\n";
    assert_eq!(same.stdout, format!("the archive has nothing newer\n\n{said}"));
    // The next one forwards again, and the concession is over.
    line.serve(&archive("1:11.1.3+ds-1", None));
    line.run(&["lock"]).success();
    assert_eq!(line.read("images/debian.lock"), before);

    // Where nothing tells, that is reported.
    line.write("images/debian.lock", "version = 2\n");
    let anew = line.run(&["lock"]).success();
    assert!(
        anew.stderr.contains("images/debian.lock: nothing tells whether a suite is older than it was\n"),
        "{}",
        anew.stderr
    );
    assert_eq!(line.read("images/debian.lock"), before);
}

#[test]
fn without_concessions_nothing_is_said_of_them() {
    let line = line(&archive("1:11.1.3+ds-1", None));
    line.run(&["lock"]).success();
    assert_eq!(line.run(&["lock", "--check"]).success().stdout, "the archive has nothing newer\n");
    let json: Value =
        serde_json::from_str(&line.run(&["lock", "--check", "--json"]).success().stdout).unwrap();
    assert_eq!(
        json,
        json!({"packages": [], "findings": [], "concessions": [], "command": "cargo xtask lock"})
    );
}

/// A reader of the report takes it for a difference: an old one must not stay, whatever the run comes to.
#[test]
fn a_report_is_of_the_run_that_was_asked_for_it() {
    let line = line(&archive("1:11.1.3+ds-1", None));
    line.run(&["lock"]).success();
    for command in [&["lock", "--check"][..], &["lock"]] {
        line.write("r.md", "old");
        line.run(&[command, &["--report", "r.md"]].concat()).success();
        assert!(!line.path("r.md").exists(), "{command:?}");
    }
    line.close();
    line.write("r.md", "old");
    line.run(&["lock", "--check", "--report", "r.md"]).failure(1);
    assert!(!line.path("r.md").exists());
}
