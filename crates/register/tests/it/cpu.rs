//! `register -p --cpu`: a CPU model in front of a QEMU, in the kernel.

// The expected texts name the machine, and the interpreters of a place are programs of it.
#![cfg(target_arch = "x86_64")]

use std::fs;
use std::path::Path;
use std::process::Command;

use arch::{Target, program};
use qus_register::cpu;
use qus_register::prelude::{self, HEAD};

use crate::place::{HEADERS, LIFETIME, Place, names};
use crate::private;
use crate::qemu::{binaries, register};

const NOTHING: &str = "note: nothing was registered\n";

#[test]
fn a_model_is_registered_listed_kept_and_changed() {
    let Some((misc, place)) = Place::alone(private::test_name!(), &["sparc"]) else { return };
    place.put_with_note("aarch64", "11.1.3");
    let line = |word: &str, target: &str, model: &str| {
        format!("{word} BIN/qemu-{target}-static as binfmt interpreter for {target}{model}\n")
    };
    let first_line =
        |arguments: &str| place.register(arguments).out.split_inclusive('\n').next().unwrap().to_owned();
    let file = fs::read(place.qemu("aarch64")).unwrap();
    place.register("-s -- -p --cpu aarch64,sparc").check(
        0,
        &format!(
            "{}{}2 set, 0 kept as they were; flags: PF; 2 of 2 proved by running\n",
            line("Setting", "aarch64", " with -cpu neoverse-n1"),
            line("Setting", "sparc", "")
        ),
        LIFETIME,
    );
    let interpreter = format!("\ninterpreter {}\n", place.qemu("aarch64").display());
    assert!(fs::read_to_string(misc.join("qemu-aarch64")).unwrap().contains(&interpreter));
    let list = place.register("-l").out;
    assert!(
        list.contains("  11.1.3 -cpu neoverse-n1  PF ") && list.contains("  11.1.3                   PF ")
    );
    let json = place.register("--json").out;
    assert!(json.contains("\"qemu\": \"11.1.3\",\n      \"cpu\": \"neoverse-n1\",\n"), "{json}");
    assert!(json.contains("\"qemu\": \"11.1.3\",\n      \"cpu\": null,\n"), "{json}");
    let check = place.register("--check aarch64").out;
    assert_eq!(check, "aarch64 runs under QEMU 11.1.3 -cpu neoverse-n1\n1 of 1 targets run\n");
    // The file is as it was, and there is no trace of the copy.
    assert_eq!(fs::read(place.qemu("aarch64")).unwrap(), file);
    assert!(!fs::read_to_string("/proc/self/mountinfo").unwrap().contains("qus-prelude"));

    let kept = line("Keeping", "aarch64", " with -cpu neoverse-n1");
    assert_eq!(first_line("-s -- -p --cpu aarch64"), kept);
    assert_eq!(first_line("-s -- -p --cpu=neoverse-n1 aarch64"), kept);
    for (arguments, model) in [("--cpu=max", "max"), ("--no-check --cpu=a,b=off", "a,b=off")] {
        let set = line("Setting", "aarch64", &format!(" with -cpu {model}"));
        assert_eq!(first_line(&format!("-s -- -p {arguments} aarch64")), set);
    }
    assert!(place.register("-l").out.contains("  11.1.3 -cpu a,b=off  PF "));
    assert_eq!(
        first_line("-s -- -p --no-check aarch64"),
        line("Keeping", "aarch64", ""),
        "the text is the same"
    );
    for arguments in ["--cpu=qemu", "--no-check --cpu=qemu"] {
        assert_eq!(first_line(&format!("-s -- -p {arguments} aarch64")), line("Setting", "aarch64", ""));
        assert!(place.register("-l").out.contains("  11.1.3  PF "));
        assert_eq!(place.register("-s -- -p --cpu=max aarch64").code, Some(0));
    }
    assert_eq!(place.register("-s -- -p --cpu=qemu aarch64").code, Some(0));
    assert_eq!(
        first_line("-s -- -p --no-check --cpu aarch64"),
        line("Setting", "aarch64", " with -cpu neoverse-n1")
    );

    // A newer QEMU is kept, unless it has another model than was asked for.
    place.put_with_note("aarch64", "10.0.0");
    let newer = line("Keeping", "aarch64", ": its QEMU 11.1.3 is newer");
    assert_eq!(first_line("-s -- -p --cpu aarch64"), newer);
    assert_eq!(first_line("-s -- -p aarch64"), newer);
    assert_eq!(first_line("-s -- -p --cpu=max aarch64"), line("Setting", "aarch64", " with -cpu max"));
    assert_eq!(place.register("-- -r").code, Some(0));
    assert_eq!(names(misc), [""; 0]);
}

#[test]
fn what_cannot_have_a_model_is_refused_and_nothing_is_registered() {
    let Some(misc) = private::enter(private::test_name!()) else { return };
    // Without a note, as no QEMU of Debian's is.
    let place = Place::with(&["aarch64", "sparc"]);
    let refused = |model: &str| {
        format!(
            "error: cannot register aarch64: BIN/qemu-aarch64-static cannot have a prelude with the CPU model `{model}`: it \
             has no PT_NOTE behind its last PT_LOAD\nhint: leave out --cpu, and set QEMU_CPU where programs run\n"
        )
    };
    for (arguments, model) in [("--cpu sparc,aarch64", "neoverse-n1"), ("--cpu=max aarch64", "max")] {
        let expected = format!("{LIFETIME}{}{NOTHING}", refused(model));
        place.register(&format!("-s -- -p {arguments}")).fails(&expected);
        assert_eq!(names(misc), [""; 0]);
    }
    place.put_bytes("aarch64", &fs::read("/bin/true").unwrap());
    place.register("-s -- -p --cpu=max aarch64").reports(1, "`max`: it is dynamically linked\n");
    // Targets without a model are as they always are, and so is a QEMU of an unknown version.
    place.register("-s -- -p --cpu sparc").reports(0, "");

    place.put_with_note("aarch64", "11.1.3");
    for (arguments, message, hint) in [
        (
            "-s -- --cpu aarch64",
            "cannot register a CPU model without -p: it is in a copy of QEMU, which the kernel has to keep",
            "add -p; or leave out --cpu, and set QEMU_CPU where programs run",
        ),
        (
            "-s -- -p --cpu --systemd aarch64",
            "cannot write a CPU model into files that are read at boot",
            "leave out --cpu, and set QEMU_CPU where programs run; or register at boot, with -p --cpu",
        ),
    ] {
        place.register(arguments).fails(&format!("error: {message}\nhint: {hint}\n"));
    }
    let planned = place.register("-n -s -- -p --cpu=max aarch64");
    assert!(planned.code == Some(0) && planned.out.ends_with(":PF with -cpu max\n"), "{planned:?}");
    assert_eq!(names(misc), ["qemu-sparc"]);
}

#[test]
fn without_the_right_to_mount_nothing_is_registered() {
    let Some((misc, place)) = Place::alone(private::test_name!(), &["sparc"]) else { return };
    place.put_with_note("aarch64", "11.1.3");
    place.powerless("-s -- -p --cpu aarch64,sparc").fails(&format!(
            "{LIFETIME}error: cannot put a copy of QEMU with a CPU model over BIN: Operation not permitted (os error 1)\n\
             hint: mounting needs CAP_SYS_ADMIN: docker run --privileged; or leave out --cpu, and set QEMU_CPU where \
             programs run\n"
        ));
    assert_eq!(names(misc), [""; 0]);
    assert_eq!(place.powerless("-s -- -p --cpu sparc").code, Some(0), "sparc needs no copy");
}

/// Writes a program of a target's that has these instructions.
fn write_program(path: &Path, target: &str, code: &[u32]) {
    let mut bytes = program::elf(target.parse::<Target>().unwrap()).unwrap();
    bytes.truncate(HEADERS);
    bytes.extend(code.iter().flat_map(|word| word.to_le_bytes()));
    fs::write(path, bytes).unwrap();
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
}

#[test]
fn programs_see_the_model_of_debians_qemu() {
    let name = "cpu::programs_see_the_model_of_debians_qemu";
    let Some(bin) = binaries(name) else { return };
    let Some(misc) = private::enter(name) else { return };
    let dir = tempfile::tempdir().unwrap();
    let path = |target: &str| dir.path().join(target);
    // The number of bytes of a vector register, for whose being read there have to be any.
    let vector =
        [0xc220_2573 /* csrr a0, vlenb */, 0x05d0_0893 /* li a7, 93 */, 0x73 /* ecall */];
    // The version of SVE.
    let scalable = [
        0xd538_0400, // mrs x0, id_aa64pfr0_el1
        0xd360_8c00, // ubfx x0, x0, #32, #4
        0xd280_0ba8, // mov x8, #93
        0xd400_0001, // svc #0
    ];
    write_program(&path("riscv64"), "riscv64", &vector);
    write_program(&path("aarch64"), "aarch64", &scalable);
    let ran = |target: &str, cpu: Option<&str>| {
        let mut command = Command::new(path(target));
        command.env_remove("QEMU_CPU").envs(cpu.map(|cpu| ("QEMU_CPU", cpu)));
        command.args(["-cpu", "none"]).output().unwrap().status.code()
    };
    assert_eq!(register(&bin, "-- -p riscv64,aarch64").0, Some(0));
    assert_eq!(ran("riscv64", None), Some(16));
    assert_eq!(ran("aarch64", None), Some(1));

    for (arguments, riscv64, aarch64) in [
        ("-- -p --cpu riscv64,aarch64", Some(16), Some(0)),
        ("-- -p --cpu=rva22u64 riscv64", None, Some(0)),
        ("-- -p --cpu=cortex-a57 aarch64", None, Some(0)),
        // Without `P`, QEMU gets one argument less.
        ("-- -p -g no --cpu=rva22u64 riscv64", None, Some(0)),
        ("-- -p --cpu=qemu riscv64,aarch64", Some(16), Some(1)),
    ] {
        let (code, out, err) = register(&bin, arguments);
        assert_eq!(code, Some(0), "{err}");
        assert!(out.contains(" proved by running\n"), "{out}");
        assert_eq!((ran("riscv64", None), ran("aarch64", None)), (riscv64, aarch64), "{arguments}");
        // The environment wins.
        assert_eq!(ran("riscv64", Some("max")), Some(16), "{arguments}");
        assert_eq!(ran("riscv64", Some("rva22u64")), None, "{arguments}");
        assert_eq!(ran("aarch64", Some("max")), Some(1), "{arguments}");
    }

    assert_eq!(register(&bin, "-- -p --cpu=rva22u64 riscv64").0, Some(0));
    let before = fs::read(misc.join("qemu-riscv64")).unwrap();
    let (code, out, err) = register(&bin, "-- -p --cpu=rva22u65 riscv64,s390x");
    assert_eq!((code, out.as_str()), (Some(1), ""));
    let line = err.lines().nth(1).unwrap();
    assert!(line.starts_with("error: cannot register riscv64: QEMU "), "{err}");
    let rest = " does not run a program with the CPU model `rva22u65` (did you mean `rva22u64`?): it exited with 1 instead of 42: \
                qemu-riscv64: unable to find CPU model 'rva22u65'";
    assert!(line.ends_with(rest) && err.contains("\nhint: its models are max "), "{err}");
    let other = "the CPU model `rva22u65`: it exited with 1 instead of 42: qemu-s390x: ";
    assert!(err.contains(other) && err.ends_with(NOTHING), "{err}");
    assert_eq!(fs::read(misc.join("qemu-riscv64")).unwrap(), before);
    assert!(!misc.join("qemu-s390x").exists());
    assert_eq!(ran("riscv64", None), None, "the entry is as it was");
}

#[test]
fn debians_files_come_back_byte_for_byte() {
    let Some(bin) = binaries("cpu::debians_files_come_back_byte_for_byte") else { return };
    let mut tried = 0;
    for target in Target::all() {
        let path = bin.join(format!("qemu-{target}"));
        let Ok(file) = fs::read(&path) else { continue };
        let change = prelude::put(&file[..HEAD], file.len() as u64, "max").unwrap();
        let mut new = [&change.head, &file[HEAD..]].concat();
        new.resize(usize::try_from(change.offset).unwrap(), 0);
        new.extend(&change.segment);
        let dir = tempfile::tempdir().unwrap();
        let copy = dir.path().join("copy");
        fs::write(&copy, &new).unwrap();
        assert_eq!(cpu::find(&fs::File::open(&path).unwrap()), None, "{target}");
        let prelude = cpu::find(&fs::File::open(&copy).unwrap()).unwrap();
        new.truncate(usize::try_from(prelude.size).unwrap());
        new[..prelude.head.len()].copy_from_slice(&prelude.head);
        assert!(prelude.model == "max" && new == file, "{target}");
        tried += 1;
    }
    assert!(tried >= 30, "{tried}");
}
