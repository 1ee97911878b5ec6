//! `cargo xtask lock --check` in its three forms.

use debian::testing::{Archive, Deb, Suite, elf};
use serde_json::Value;

use super::{archive, sid};
use crate::line::Line;

/// When Debian was rearranged.
#[test]
fn a_rearranged_archive_is_told_in_words_and_as_data() {
    let line = Line::new(&["amd64"], &archive("1:11.1.3+ds-1").build());
    line.run(&["lock"]).success();
    let host: arch::Host = "amd64".parse().unwrap();
    let sid = arch::Target::current()
        .fold(Deb::new("qemu-user-static", "1:12.0+ds-1", "amd64"), |deb, target| {
            deb.file(&format!("usr/bin/qemu-{target}-static"), &elf(host.elf(), b"x"))
        });
    let sid = Suite::new("unstable", "sid").package(sid).package(debian::testing::small::busybox(host));
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
             SERIES  SUITE  HOST   PACKAGE           LOCKED         ARCHIVE      TARGETS\n\
             newest  sid    amd64  qemu-user         1:11.1.3+ds-1  -            -33 targets\n\
             newest  sid    amd64  qemu-user-static  -              1:12.0+ds-1  +33 targets\n"
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
             | series | suite | package | locked | archive | targets | hosts |\n\
             |---|---|---|---|---|---|---|\n\
             | newest | sid | qemu-user | 1:11.1.3+ds-1 | - | -33 targets | amd64 |\n\
             | newest | sid | qemu-user-static | - | 1:12.0+ds-1 | +33 targets | amd64 |\n"
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

/// News is reported, and is no difference.
#[test]
fn what_is_new_is_told_and_asks_for_nothing() {
    const HOSTS: &str = "host-new: `sid` has `qemu-user` 1:11.1.3+ds-1 for mipsel, which no image is for\n\
                         host-new: `sid` has `qemu-user` 1:11.1.3+ds-1 for s390x, which no image is for\n";
    // The archive has two hosts more.
    let line = Line::new(&["amd64"], &archive("1:11.1.3+ds-1").build());
    let locked = line.run(&["lock"]).success();
    assert!(locked.stderr.contains(HOSTS), "{}", locked.stderr);
    assert_eq!(line.run(&["lock", "--check"]).success().stdout, HOSTS);
    let markdown = line.run(&["lock", "--check", "--markdown", "--report", "new.md"]).success().stdout;
    assert_eq!(line.read("new.md"), markdown);
    let listed = HOSTS.replace("host-new:", "- **host-new**:");
    assert_eq!(markdown, format!("### Look at these\n\n{listed}"));
    let json = |args: &[&str], code: i32| -> Value {
        serde_json::from_str(&line.run(args).failure(code).stdout).unwrap()
    };
    let found = json(&["lock", "--check", "--json"], 0);
    assert_eq!(found["packages"], serde_json::json!([]));
    let text = "`sid` has `qemu-user` 1:11.1.3+ds-1 for mipsel, which no image is for";
    let expected = serde_json::json!({
        "finding": "host-new", "hosts": [], "targets": [], "architecture": "mipsel", "text": text
    });
    assert_eq!(found["findings"][0], expected);

    // What was refused is not reported again.
    let config = line.read("images/images.toml");
    line.write("images/images.toml", &format!("{config}refused-hosts = [\"mipsel\", \"s390x\"]\n"));
    let checked = line.run(&["lock", "--check", "--report", "nothing.md"]).success();
    assert_eq!(checked.stdout, "the archive has nothing newer\n");
    assert!(!line.path("nothing.md").exists());

    // A target is seen by who looks into its package: that is done for a new one.
    let program = elf("amd64".parse::<arch::Host>().unwrap().elf(), b"foo");
    let with_foo = |qemu: Deb| match qemu.architecture.as_str() {
        "amd64" => qemu.file("usr/bin/qemu-foo", &program),
        _ => qemu,
    };
    line.serve(&Archive::new(1).suite(sid("1:12.0+ds-1", with_foo)).build());
    const TARGET: &str = "in `sid`, `qemu-user` 1:12.0+ds-1 for amd64 also has foo, which no image has";
    let checked = line.run(&["lock", "--check"]).failure(1).stdout;
    assert!(checked.starts_with(&format!("target-new: {TARGET}\n\nSERIES  SUITE  HOST ")), "{checked}");
    let found = json(&["lock", "--check", "--json"], 1);
    assert_eq!(found["findings"][0]["finding"], "target-new");
    assert_eq!(found["findings"][0]["hosts"], serde_json::json!(["amd64"]));
    assert_eq!(found["findings"][0]["targets"], serde_json::json!(["foo"]));
    let locked = line.run(&["lock", "--report", "lock.md"]).success();
    assert!(locked.stderr.contains(&format!("target-new: {TARGET}\n")), "{}", locked.stderr);
    let report = line.read("lock.md");
    assert!(report.starts_with(&format!("### Look at these\n\n- **target-new**: {TARGET}\n")), "{report}");
    assert!(report.contains("| sid | qemu-user | 1:11.1.3+ds-1 | 1:12.0+ds-1 |"), "{report}");
    assert!(!line.read("images/debian.lock").contains("foo"));

    let config = line.read("images/images.toml");
    line.write("images/images.toml", &format!("{config}refused-targets = [\"foo\"]\n"));
    let locked = line.run(&["lock", "--report", "quiet.md"]).success();
    assert!(!locked.stderr.contains("-new"), "{}", locked.stderr);
    assert!(!line.path("quiet.md").exists());
}
