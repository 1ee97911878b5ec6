//! The prelude that gives a QEMU its CPU model, in each host's QEMUs of the real images, run under this machine's.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use arch::{Host, Target, program};
use register::prelude::{self, HEAD, Unfit};

use crate::layout::Images;

/// Targets of which every host has a QEMU (of two suites where the host has 32 bits), with a program that ends with the number of
/// its arguments, and the size of the headers in front of it.
const TARGETS: [(&str, usize, &[u32]); 2] = [
    // ldr x0, [sp]; mov x8, #93; svc #0
    ("aarch64", 64 + 56, &[0xf940_03e0, 0xd280_0ba8, 0xd400_0001]),
    // ldr r0, [sp]; mov r7, #1; svc #0
    ("arm", 52 + 32, &[0xe59d_0000, 0xe3a0_7001, 0xef00_0000]),
];

/// A host's QEMU with a model in it, on this machine.
struct Prepared<'a> {
    emulator: Option<PathBuf>,
    qemu: &'a Path,
    program: &'a Path,
}

impl Prepared<'_> {
    fn run(&self, environment: &[(&str, &str)]) -> Output {
        let mut command = match &self.emulator {
            None => Command::new(self.qemu),
            Some(emulator) => {
                // The emulator itself heeds the same variables.
                let mut command = Command::new(emulator);
                command.args(
                    environment.iter().flat_map(|(name, value)| ["-E".to_owned(), format!("{name}={value}")]),
                );
                command.arg(self.qemu);
                command
            }
        };
        command.env_clear();
        if self.emulator.is_none() {
            command.envs(environment.iter().copied());
        }
        command.arg(self.program).args(["one", "two"]).output().unwrap()
    }
}

/// The file with a prelude, if it can have one; without it again, it is the file that it was.
fn with(file: &[u8], model: &str) -> Result<Vec<u8>, Unfit> {
    let (head, rest) = file.split_at(HEAD);
    let change = prelude::put(head, file.len() as u64, model)?;
    let taken = prelude::take(&change.head, &change.segment).unwrap();
    assert!(taken.head == head && taken.size == file.len() as u64 && taken.model == model);
    let mut new = [&change.head, rest].concat();
    new.resize(usize::try_from(change.offset).unwrap(), 0);
    new.extend(change.segment);
    Ok(new)
}

#[test]
fn each_hosts_qemu_starts_with_its_model() {
    let test = "each_hosts_qemu_starts_with_its_model";
    let Some(images) = Images::find(test) else { return };
    let Some(emulators) = std::env::var_os("QUS_TEST_QEMU_DIR").map(PathBuf::from) else {
        return testbed::skip(test, "QUS_TEST_QEMU_DIR names no unpacked qemu-user");
    };
    let dir = tempfile::tempdir().unwrap();
    let at = |name: String| dir.path().join(name);
    for (target, headers, code) in TARGETS {
        let mut bytes = program::elf(target.parse::<Target>().unwrap()).unwrap();
        bytes.truncate(headers);
        bytes.extend(code.iter().flat_map(|word| word.to_le_bytes()));
        testbed::write_program(&at(target.to_owned()), &bytes).unwrap();
    }
    let mut ran = 0;
    for (host, image) in images.index("pkg") {
        for (target, ..) in TARGETS {
            let original = at(format!("{host}-{target}"));
            images.extract(&image, &format!("usr/bin/qemu-{target}-static"), &original);
            let file = fs::read(&original).unwrap();
            let Ok(none) = with(&file, "none") else {
                assert_eq!(with(&file, "none"), Err(Unfit::Machine(host.elf().machine)));
                assert!(!host.has_register(), "{host}");
                continue;
            };
            let qemu = at(format!("{host}-{target}-none"));
            testbed::write_program(&qemu, &none).unwrap();
            let emulator = emulators.join(format!("usr/bin/qemu-{}", host.target()));
            let emulator = (Host::native() != Ok(host)).then_some(emulator);
            let program = at(target.to_owned());
            let prepared = Prepared { emulator, qemu: &qemu, program: &program };
            for environment in
                [&[][..], &[("QEMU_CP", "U=max"), ("QEMU_CPUS", "max"), ("A", ""), ("QEMU", "CPU=max")]]
            {
                let output = prepared.run(environment);
                let said = String::from_utf8_lossy(&output.stderr).into_owned();
                assert!(said.ends_with(": unable to find CPU model 'none'\n"), "{host} {target}: {output:?}");
            }
            // The environment wins, and arguments are what they were.
            let output = prepared.run(&[("QEMU", "x"), ("QEMU_CPU", "max")]);
            let model = if target == "aarch64" { "cortex-a57" } else { "cortex-a15" };
            assert_eq!(output.status.code(), Some(3), "{host} {target}: {output:?}");
            testbed::write_program(&qemu, &with(&file, model).unwrap()).unwrap();
            let output = prepared.run(&[]);
            assert_eq!(output.status.code(), Some(3), "{host} {target}: {output:?}");
            ran += 1;
        }
    }
    assert_eq!(ran, 2 * Host::all().filter(|host| host.has_register()).count());
}
