//! `register.sh`, beside the programs of a release.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

/// The script of the old name starts the program for the machine that it runs on.
#[test]
fn register_sh_finds_the_machines_program() {
    let dir = tempfile::tempdir().unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/src/register.sh");
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
