//! `cargo xtask release`, from a small archive of the test's own. What becomes of damage, and of a release that asks for less, is
//! tested in the crate `release`.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use crate::line::Line;
use debian::testing::{elf, small};
use sha256::Digest;

/// The archive's bytes of a host's emulator of a target.
fn program(host: arch::Host, target: &str) -> Vec<u8> {
    elf(host.elf(), target.as_bytes())
}

/// The names and digests in `SHA256SUMS`.
fn sums(line: &Line) -> BTreeMap<String, String> {
    let text = line.read(&format!("{FOLDER}/SHA256SUMS"));
    let lines = text.lines().map(|line| line.split_once("  ").unwrap());
    lines.map(|(digest, name)| (name.to_owned(), digest.to_owned())).collect()
}

const FOLDER: &str = "target/release-assets";

#[test]
fn a_release_is_what_a_dry_run_names() {
    let line = Line::locked(&["mipsel"]);
    let trace = line.path("trace.json");
    let dry = line.run(&["release", "--dry-run", "--target", "arm64"]).success();
    assert!(dry.stdout.contains("\n  qemu-aarch64-static_mipsel.tgz\n"), "{}", dry.stdout);
    assert!(!line.path(FOLDER).exists());
    let release = ["release", "--target", "arm64"];
    line.run_with(&release, &[("QUS_TRACE", trace.to_str().unwrap())]).success();
    let planned: Vec<&str> = dry.stdout.lines().filter_map(|line| line.strip_prefix("  ")).collect();
    assert_eq!(sums(&line).keys().collect::<Vec<_>>(), planned);
    let trace: serde_json::Value = serde_json::from_str(&line.read("trace.json")).unwrap();
    let stages: Vec<&str> =
        trace["traceEvents"].as_array().unwrap().iter().map(|event| event["cat"].as_str().unwrap()).collect();
    assert!(stages.contains(&"compress") && stages.contains(&"release"), "{stages:?}");
    assert!(trace["otherData"]["busy"].as_f64().unwrap() > 0.0, "{trace}");
    let again = line.run(&release).success();
    assert!(again.stderr.ends_with(&format!("nothing changed in {}/{FOLDER}\n", line.root())));
}

#[test]
fn hosts_with_register_get_it_too() {
    let hosts = ["amd64", "s390x"];
    let line = Line::new(&hosts, &small::archive("1:11.1.3+ds-1", &hosts).build());
    if !line.reuse_register() {
        return testbed::skip("hosts_with_register_get_it_too", "QUS_TEST_REGISTER_DIR names no folder");
    }
    line.run(&["lock"]).success();
    line.run(&["release", "--target", "aarch64", "--target", "arm"]).success();
    let files = sums(&line);
    let expected = [
        "_qus-run",
        "_register",
        "qemu-aarch64-static_amd64.tgz",
        "qemu-aarch64-static_s390x.tgz",
        "qemu-arm-static_amd64.tgz",
        "qemu-arm-static_s390x.tgz",
        "qus-run-aarch64_amd64",
        "qus-run-aarch64_s390x",
        "qus-run-arm_amd64",
        "qus-run-arm_s390x",
        "qus-run.1",
        "qus-run.bash",
        "qus-run.fish",
        "qus-run_amd64",
        "qus-run_s390x",
        "register.1",
        "register.bash",
        "register.fish",
        "register.sh",
        "register_amd64",
        "register_s390x",
        "test-aarch64",
        "test-program_aarch64",
        "test-program_arm",
    ];
    let names: Vec<&String> = files.keys().filter(|name| !name.contains("cargo-xtask")).collect();
    assert_eq!(names, expected);
    // Tarballs and test programs; the other files change with this program.
    let ours = files.iter().filter(|(name, _)| name.starts_with("qemu-") || name.starts_with("test-"));
    let text: String = ours.map(|(name, digest)| format!("{digest}  {name}\n")).collect();
    assert_eq!(Digest::of(text.as_bytes()).hex(), WITH_REGISTER, "{files:#?}");
    for host in hosts {
        let path = line.path(&format!("{FOLDER}/register_{host}"));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o755);
        let host: arch::Host = host.parse().unwrap();
        debian::elf::check(&fs::read(&path).unwrap(), host.elf()).unwrap();
        // The one file is `run`, QEMU and the trailer, with zeros up to whole blocks.
        let run = line.bytes(&format!("{FOLDER}/qus-run_{host}"));
        let path = line.path(&format!("{FOLDER}/qus-run-arm_{host}"));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o755);
        let file = fs::read(&path).unwrap();
        let trailer = exec::Trailer::parse(file.last_chunk().unwrap(), file.len() as u64).unwrap().unwrap();
        let (offset, length) = (trailer.offset as usize, trailer.length as usize);
        assert_eq!((trailer.target.name(), offset), ("arm", run.len().next_multiple_of(512)));
        let qemu = program(host, "arm");
        assert_eq!(length, qemu.len().next_multiple_of(512));
        assert!(file.starts_with(&run) && file[offset..].starts_with(&qemu));
    }
}

const WITH_REGISTER: &str = "33c218e7af7898c64422246405aef734b55e12070ebbf63a7c6e32bec269d619";

/// The page lists what a release has, and nothing else; names differ in what stands in capitals.
#[test]
fn the_page_lists_every_file() {
    let dry = Command::new(env!("CARGO_BIN_EXE_xtask")).args(["release", "--dry-run"]).output().unwrap();
    assert!(dry.status.success(), "{dry:?}");
    let dry = String::from_utf8(dry.stdout).unwrap();
    let mut names: Vec<&str> = dry.lines().filter_map(|line| line.strip_prefix("  ")).collect();
    // Made after them.
    names.extend(["SHA256SUMS", "report.html", "report.md"]);
    assert!(names.len() > 400, "{names:?}");

    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/images.md")).unwrap();
    let list = page.split_once("| file | what | goes to |\n").unwrap().1.split_once("\n\n").unwrap().0;
    let listed: Vec<&str> = list
        .lines()
        .filter_map(|row| row.split('|').nth(1))
        .flat_map(|files| files.split('`').skip(1).step_by(2))
        .collect();
    let targets: Vec<&str> = arch::Target::all().map(arch::Target::name).collect();
    let hosts: Vec<&str> = arch::Host::all().map(arch::Host::name).collect();
    let mut unused: Vec<&str> = listed.clone();
    for name in &names {
        let is = |pattern: &&str| {
            let fits = |pattern: &str| match pattern.split_once("COMMAND") {
                Some((before, after)) => name.starts_with(before) && name.ends_with(after),
                None => pattern == *name,
            };
            let of_hosts = hosts.iter().map(|host| pattern.replace("HOST", host));
            of_hosts
                .flat_map(|pattern| targets.iter().map(move |target| pattern.replace("TARGET", target)))
                .any(|pattern| fits(&pattern))
        };
        let pattern = listed.iter().copied().find(is).unwrap_or_else(|| panic!("{name} is not in the list"));
        unused.retain(|other| *other != pattern);
    }
    assert_eq!(unused, [""; 0], "no such files");
}
