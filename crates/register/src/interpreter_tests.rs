//! Files that are, and are not, interpreters.

use super::*;

fn check(bytes: Option<&[u8]>, mode: u32, expected: Result<Facts, &str>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("qemu-arm");
    if let Some(bytes) = bytes {
        std::fs::write(&path, bytes).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
    }
    let arm = "arm".parse().unwrap();
    let actual = inspect(&path, arm, &Machine::named("x86_64"), &mut Finder::default())
        .map_err(|problem| problem.to_string());
    assert_eq!(actual, expected.map_err(|message| message.replace("PATH", &path.display().to_string())));
}

/// An x86-64 program with one segment of type `segment`, and `data` as its read-only section.
fn program(segment: u8, data: &[u8]) -> Vec<u8> {
    let mut bytes = crate::program::elf("x86_64".parse().unwrap()).unwrap();
    bytes[64] = segment;
    bytes.resize(256, 0);
    let offset = 256u64;
    bytes.extend(data);
    let table = bytes.len() as u64;
    let mut section = vec![0; 64];
    section[4] = 1;
    section[8] = 2;
    section[24..32].copy_from_slice(&offset.to_le_bytes());
    section[32..40].copy_from_slice(&(data.len() as u64).to_le_bytes());
    bytes.extend(section);
    bytes[40..48].copy_from_slice(&table.to_le_bytes());
    bytes[58] = 64;
    bytes[60] = 1;
    bytes
}

#[test]
fn what_is_no_interpreter_is_told_apart() {
    check(None, 0, Err("there is no PATH"));
    check(Some(b""), 0o755, Err("PATH is not an ELF program"));
    check(Some(b"#!/bin/sh\n"), 0o755, Err("PATH is not an ELF program"));
    check(Some(&program(1, b"")[..63]), 0o755, Err("PATH is not an ELF program"));
    check(Some(&program(1, b"")), 0o644, Err("PATH is not executable"));
    let foreign = crate::program::elf("aarch64".parse().unwrap()).unwrap();
    check(
        Some(&foreign),
        0o755,
        Err("PATH is a program for aarch64, which this machine (x86_64) cannot run"),
    );
    let mut unheard_of = program(1, b"");
    unheard_of[18..20].copy_from_slice(&[0xff, 0xff]);
    check(
        Some(&unheard_of),
        0o755,
        Err("PATH is a program for machine 65535, which this machine (x86_64) cannot run"),
    );
    let dir = tempfile::tempdir().unwrap();
    let error =
        inspect(dir.path(), "arm".parse().unwrap(), &Machine::named("x86_64"), &mut Finder::default())
            .unwrap_err();
    assert_eq!(error.to_string(), format!("{} is not a regular file", dir.path().display()));
}

#[test]
fn versions_are_found_wherever_they_stand() {
    let facts = |version, dynamic| Ok(Facts { version, dynamic });
    check(Some(&program(1, b"")), 0o755, facts(None, false));
    check(
        Some(&program(3, b"qemu-arm version 11.1.3 (Debian)\0")),
        0o755,
        facts(Some(Version(11, 1, 3)), true),
    );
    check(Some(&program(1, b"qemu-arm version 7.2\0")), 0o755, facts(Some(Version(7, 2, 0)), false));
    let second = b"qemu-arm version %s\0qemu-arm version 9.0.1\0";
    check(Some(&program(1, second)), 0o755, facts(Some(Version(9, 0, 1)), false));
    // Another target's, and what only looks like one.
    check(Some(&program(1, b"qemu-armeb version 7.2\0qemu-arm version %s\0")), 0o755, facts(None, false));
    // Across the border of what is read at once.
    for padding in [(1 << 18) - 10, (1 << 18) - 25, (1 << 18) + 5] {
        let data = [vec![b'q'; padding], b"qemu-arm version 10.2.1\0".to_vec()].concat();
        check(Some(&program(1, &data)), 0o755, facts(Some(Version(10, 2, 1)), false));
    }
}
