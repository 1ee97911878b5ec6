//! The files of a release, made from a small archive of the test's own.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use crate::line::Line;
use debian::testing::elf;
use debian::testing::small::archive;
use flate2::read::MultiGzDecoder;
use serde_json::Value;
use sha256::Digest;

/// The archive's bytes of a host's emulator of a target.
fn program(host: arch::Host, target: &str) -> Vec<u8> {
    elf(host.elf(), target.as_bytes())
}

/// The names and digests in `SHA256SUMS`.
fn sums(line: &Line, folder: &str) -> BTreeMap<String, String> {
    let text = line.read(&format!("{folder}/SHA256SUMS"));
    let names: Vec<&str> = text.lines().map(|line| line.split_once("  ").unwrap().1).collect();
    assert!(names.is_sorted(), "{text}");
    text.lines()
        .map(|line| line.split_once("  ").unwrap())
        .map(|(d, n)| (n.to_owned(), d.to_owned()))
        .collect()
}

/// One digest over the tarballs' and test programs' lines; the other files change with this program.
fn digest(sums: &BTreeMap<String, String>) -> String {
    let ours = sums.iter().filter(|(name, _)| name.starts_with("qemu-") || name.starts_with("test-"));
    let text: String = ours.map(|(name, digest)| format!("{digest}  {name}\n")).collect();
    Digest::of(text.as_bytes()).hex()
}

/// The entries of a tarball: name, mode, content.
fn unpack(bytes: &[u8]) -> Vec<(String, u32, Vec<u8>)> {
    let mut archive = tar::Archive::new(MultiGzDecoder::new(bytes));
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        (entry.path().unwrap().to_str().unwrap().to_owned(), entry.header().mode().unwrap(), content)
    });
    entries.collect()
}

fn written(output: &str) -> Vec<String> {
    let report: Value = serde_json::from_str(output).unwrap();
    let assets = report["assets"].as_array().unwrap();
    let written = assets.iter().filter(|asset| asset["written"] == true);
    written.map(|asset| asset["name"].as_str().unwrap().to_owned()).collect()
}

const FOLDER: &str = "target/release-assets";
const HOSTS: [&str; 2] = ["mipsel", "mips64el"];

#[test]
fn a_release_is_reproducible_and_mends_itself() {
    let line = Line::locked(&HOSTS);
    let dry = line.run(&["release", "--dry-run"]).success();
    assert!(dry.stdout.contains("\n  qemu-aarch64-static_mips64el.tgz\n"), "{}", dry.stdout);
    assert!(!line.path(FOLDER).exists());

    let first = line.run(&["release", "--json"]).success();
    let files = sums(&line, FOLDER);
    let planned: Vec<&str> = dry.stdout.lines().filter_map(|line| line.strip_prefix("  ")).collect();
    assert_eq!(files.keys().collect::<Vec<_>>(), planned);
    assert_eq!(written(&first.stdout).len(), files.len() + 1);
    assert_eq!(digest(&files), PKG_ONLY, "{files:#?}");
    let mut check = Command::new("sha256sum");
    let check = check.args(["--strict", "-c", "SHA256SUMS"]).current_dir(line.path(FOLDER)).output().unwrap();
    assert!(check.status.success(), "{check:?}");
    for (name, digest) in &files {
        assert_eq!(&Digest::of(&line.bytes(&format!("{FOLDER}/{name}"))).hex(), digest, "{name}");
    }

    // Every cell has its tarball, with the one file in it.
    let mut count = 0;
    for host in HOSTS {
        for target in arch::Target::current() {
            let tarball = line.bytes(&format!("{FOLDER}/qemu-{target}-static_{host}.tgz"));
            let content = program(host.parse().unwrap(), target.name());
            assert_eq!(unpack(&tarball), [(format!("qemu-{target}-static"), 0o755, content)]);
            count += 1;
        }
    }
    assert_eq!(count, 66);
    assert_eq!(count, files.keys().filter(|name| name.ends_with(".tgz")).count());

    // Again, from the cache alone: nothing is written.
    line.close();
    let again = line.run(&["release", "--offline", "--json"]).success();
    assert_eq!(written(&again.stdout), [""; 0]);
    assert!(again.stderr.ends_with(&format!("nothing changed in {}/{FOLDER}\n", line.root())));
    // Elsewhere, from another layout, with one job: the same.
    line.run(&["release", "--offline", "--jobs", "1", "--layout", "l", "--output", "o"]).success();
    assert_eq!(sums(&line, "o"), files);

    // A damaged file is mended, a lost one comes back, what is not ours stays.
    let tarball = format!("{FOLDER}/qemu-arm-static_mipsel.tgz");
    let mut bytes = line.bytes(&tarball);
    bytes[40] ^= 1;
    fs::write(line.path(&tarball), bytes).unwrap();
    fs::remove_file(line.path(&format!("{FOLDER}/test-program_arm"))).unwrap();
    line.write(&format!("{FOLDER}/notes.txt"), "mine");
    line.write(&format!("{FOLDER}/.qus-release-half"), "left by a killed run");
    let mended = line.run(&["release", "--offline", "--json"]).success();
    assert_eq!(written(&mended.stdout), ["qemu-arm-static_mipsel.tgz", "test-program_arm"]);
    assert_eq!(sums(&line, FOLDER), files);
    assert_eq!(line.read(&format!("{FOLDER}/notes.txt")), "mine");
    assert!(!line.path(&format!("{FOLDER}/.qus-release-half")).exists());

    // Less is asked for: the rest goes, as far as it is ours.
    let less = line.run(&["release", "--offline", "--host", "mipsel", "--target", "arm64"]).success();
    let kept: Vec<String> = sums(&line, FOLDER).into_keys().filter(|name| name.contains("aarch64")).collect();
    assert_eq!(kept, ["qemu-aarch64-static_mipsel.tgz", "test-aarch64", "test-program_aarch64"]);
    assert!(less.stderr.contains("that are not part of the release any more"), "{}", less.stderr);
    assert!(!line.path(&tarball).exists());
    assert_eq!(line.read(&format!("{FOLDER}/notes.txt")), "mine");
}

#[test]
fn a_damaged_layer_is_found() {
    let hosts = ["mipsel"];
    let line = Line::locked(&hosts);
    line.run(&["images", "--kind", "pkg", "--level", "best"]).success();
    let blobs = fs::read_dir(line.path("target/images/blobs/sha256")).unwrap();
    let is_layer = |entry: &fs::DirEntry| fs::read(entry.path()).unwrap().starts_with(&[0x1f, 0x8b]);
    let layers = blobs.map(|entry| entry.unwrap()).filter(is_layer);
    let largest = layers.max_by_key(|entry| entry.metadata().unwrap().len()).unwrap();
    let mut bytes = fs::read(largest.path()).unwrap();
    let last = bytes.len() - 3;
    bytes[last] ^= 1;
    // Without a trace: what has another time is made again.
    let written = largest.metadata().unwrap().modified().unwrap();
    fs::write(largest.path(), bytes).unwrap();
    fs::File::options().write(true).open(largest.path()).unwrap().set_modified(written).unwrap();
    let failed = line.run(&["release"]).failure(1);
    let expected = format!("cannot take binaries for mipsel out of {}", largest.path().display());
    assert!(failed.stderr.contains(&expected), "{}", failed.stderr);
    // Nothing vouches for what was written.
    assert!(!line.path(&format!("{FOLDER}/SHA256SUMS")).exists());

    line.run(&["cache", "verify"]).success();
    let trace = line.path("trace.json");
    line.run_with(&["release"], &[("QUS_TRACE", trace.to_str().unwrap())]).success();
    let trace: serde_json::Value = serde_json::from_str(&line.read("trace.json")).unwrap();
    let stages: Vec<&str> =
        trace["traceEvents"].as_array().unwrap().iter().map(|event| event["cat"].as_str().unwrap()).collect();
    assert!(stages.contains(&"compress") && stages.contains(&"release"), "{stages:?}");
    assert!(trace["otherData"]["busy"].as_f64().unwrap() > 0.0, "{trace}");
}

#[test]
fn hosts_with_register_get_it_too() {
    let hosts = ["amd64", "s390x"];
    let line = Line::new(&hosts, &archive("1:11.1.3+ds-1", &hosts).build());
    if !line.reuse_register() {
        return testbed::skip("hosts_with_register_get_it_too", "QUS_TEST_REGISTER_DIR names no folder");
    }
    line.run(&["lock"]).success();
    line.run(&["release", "--target", "aarch64", "--target", "arm"]).success();
    let files = sums(&line, FOLDER);
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
    assert_eq!(digest(&files), WITH_REGISTER, "{files:#?}");
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

const PKG_ONLY: &str = "cee8691eae5aa2bca23d54db16bd72c19f9e124deeb60e6b90130235d4b3084f";
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

/// The script of the old name starts the program for the machine that it runs on.
#[test]
fn register_sh_finds_the_machines_program() {
    let dir = tempfile::tempdir().unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/release/src/register.sh");
    let executable = |name: &str, text: &str| {
        testbed::write_program(&dir.path().join(name), text.as_bytes()).unwrap();
    };
    fs::copy(script, dir.path().join("register.sh")).unwrap();
    fs::create_dir(dir.path().join("bin")).unwrap();
    let run = |machine: &str| {
        executable("bin/uname", &format!("#!/bin/sh\necho {machine}\n"));
        let path = format!("{}:{}", dir.path().join("bin").display(), std::env::var("PATH").unwrap());
        let output = Command::new("sh")
            .arg(dir.path().join("register.sh"))
            .args(["-s", "--", "-p", "a b"])
            .env("PATH", path)
            .output()
            .unwrap();
        let folder = dir.path().to_str().unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap().replace(folder, "HERE");
        (text(&output.stdout), text(&output.stderr), output.status.code().unwrap())
    };
    let (_, error, code) = run("x86_64");
    assert_eq!(
        error,
        "error: cannot run HERE/register_amd64: there is no such file\n\
         hint: download register_amd64 from the same release into HERE\n"
    );
    assert_eq!(code, 1);
    for host in arch::Host::all().filter(|host| host.triple().is_some()) {
        executable(&format!("register_{host}"), &format!("#!/bin/sh\nprintf '%s,' {host} \"$@\"\nexit 7\n"));
    }
    for (machine, host) in [
        ("x86_64", "amd64"),
        ("i686", "i386"),
        ("aarch64", "arm64v8"),
        ("armv7l", "arm32v7"),
        ("armv8l", "arm32v7"),
        ("armv6l", "arm32v6"),
        ("s390x", "s390x"),
        ("ppc64le", "ppc64le"),
        ("riscv64", "riscv64"),
        ("loongarch64", "loong64"),
    ] {
        assert_eq!(run(machine), (format!("{host},-s,--,-p,a b,"), String::new(), 7), "{machine}");
    }
    let unknown = "error: there is no `register` for a machine of type `vax`\n";
    assert_eq!(run("vax"), (String::new(), unknown.to_owned(), 1));
    fs::set_permissions(dir.path().join("register_amd64"), fs::Permissions::from_mode(0o644)).unwrap();
    let (_, error, _) = run("x86_64");
    assert!(error.ends_with("hint: chmod +x HERE/register_amd64\n"), "{error}");
}
