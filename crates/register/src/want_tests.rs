//! Requests become entries.

use super::*;
use crate::args::{Invocation, parse};
use crate::environment::Environment;

fn request(arguments: &[&str], environment: &Environment) -> Request {
    let arguments = ["register"].iter().chain(arguments).map(Into::into).collect();
    match parse(arguments) {
        Ok(Invocation::Register(args)) => Request::new(*args, environment).unwrap(),
        other => panic!("{other:?}"),
    }
}

fn choices(arguments: &[&str], machine: &str, runs: &[&str]) -> String {
    let request = request(arguments, &Environment::default());
    let chosen = choose(&request, &Machine::named(machine), |target| runs.contains(&target.name()));
    let words = chosen.iter().map(|choice| match choice {
        Choice::Register(target) => target.to_string(),
        Choice::Native(target) => format!("native:{target}"),
        Choice::Runs(target) => format!("runs:{target}"),
    });
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn a_machines_own_programs_need_no_entry() {
    assert_eq!(choices(&["arm", "x86_64", "i386"], "x86_64", &["i386"]), "arm native:x86_64 runs:i386");
    // A kernel without 32-bit programs.
    assert_eq!(choices(&["i386,i486"], "x86_64", &[]), "i386 i486");
    // AArch32 is probed: some aarch64 machines have it, some have not.
    assert_eq!(choices(&["arm"], "aarch64", &["arm"]), "runs:arm");
    assert_eq!(choices(&["arm"], "aarch64", &[]), "arm");
    assert_eq!(choices(&["--", "-i", "yes", "i386", "x86_64"], "x86_64", &["i386"]), "i386 native:x86_64");
    let all = choices(&[], "x86_64", &["i386"]);
    assert_eq!(all.split(' ').count(), 34);
    assert!(all.contains("runs:i386 runs:i486") && all.contains("native:x86_64") && !all.contains("nios2"));
}

#[test]
fn flags_follow_what_was_asked_and_what_is_known() {
    let new = Some(Facts { version: Some(Version(11, 1, 3)), dynamic: false });
    let old = Some(Facts { version: Some(Version(5, 1, 0)), dynamic: false });
    let unknown = Some(Facts { version: None, dynamic: false });
    for (arguments, facts, kernel, expected) in [
        (&["-p"][..], new, (6, 1), "PF"),
        (&["-p"], new, (5, 11), "F"),
        (&["-p"], old, (6, 1), "F"),
        (&["-p"], unknown, (6, 1), "F"),
        (&[], new, (6, 1), ""),
        (&["-c"], new, (6, 1), "OC"),
        (&["-c", "-p"], old, (6, 1), "OCF"),
        (&["-c", "-p"], new, (6, 1), "POCF"),
        (&["-p", "-g", "no"], new, (6, 1), "F"),
        (&["-p", "-g", "yes"], old, (4, 9), "PF"),
        (&["-g"], None, (6, 1), "P"),
    ] {
        let request = request(arguments, &Environment::default());
        let actual = flags(&request, facts, Some(Kernel::new(kernel.0, kernel.1)));
        assert_eq!(actual.to_string(), expected, "{arguments:?}");
    }
}

#[test]
fn interpreters_are_where_options_and_then_the_environment_say() {
    let images =
        Environment { bin_dir: Some("/qus/bin".into()), path: Some("/ignored".into()), ..Default::default() };
    let suffixed = Environment { suffix: Some("-x".into()), path: Some("/opt".into()), ..Default::default() };
    for (arguments, environment, target, expected) in [
        (&["-s"][..], &images, "arm", "/qus/bin/qemu-arm-static"),
        (&["-s"], &images, "i486", "/qus/bin/qemu-i386-static"),
        (&["--", "-p"], &images, "arm", "/qus/bin/qemu-arm"),
        (&["-s", "--", "-Q", "/a", "-F", "-b"], &images, "arm", "/a/qemu-arm-b"),
        (&["--qemu-path=/a"], &images, "arm", "/a/qemu-arm"),
        (&[], &suffixed, "arm", "/opt/qemu-arm-x"),
        (&["-s"], &suffixed, "arm", "/opt/qemu-arm-static"),
        (&[], &Environment::default(), "arm", "/usr/bin/qemu-arm"),
    ] {
        let request = request(arguments, environment);
        assert_eq!(request.interpreter(target.parse().unwrap()).to_str(), Some(expected));
    }
}

#[test]
fn a_missing_interpreter_is_looked_for_under_its_other_names() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_str().unwrap();
    let of_target = |name: &str, arguments: &[&str]| {
        let target: Target = name.parse().unwrap();
        let request =
            request(&[arguments, &["--qemu-path", path, "--", "-p", name]].concat(), &Environment::default());
        let refusal =
            wanted(&request, target, &Machine::named("x86_64"), None, &mut Finder::default()).unwrap_err();
        assert!(refusal.is_missing());
        let error = refusal.error(&request, target);
        (error.message().to_owned(), error.what_to_do().unwrap_or_default().to_owned())
    };
    let message = |arguments: &[&str]| of_target("arm", arguments);
    let none = format!(
        "{path} holds no QEMU binaries; set QEMU_BIN_DIR or --qemu-path, or use an image that has them"
    );
    assert_eq!(message(&[]), (format!("cannot register arm: there is no {path}/qemu-arm"), none));
    std::fs::write(dir.path().join("qemu-arm-static"), "").unwrap();
    assert_eq!(message(&[]).1, format!("{path}/qemu-arm-static is there: add -s (--static)"));
    std::fs::rename(dir.path().join("qemu-arm-static"), dir.path().join("qemu-arm")).unwrap();
    assert_eq!(
        message(&["-s"]).1,
        format!("{path}/qemu-arm is there: leave out -s (--static) or the suffix")
    );
    std::fs::rename(dir.path().join("qemu-arm"), dir.path().join("qemu-ppc")).unwrap();
    for (target, expected) in [
        ("arm", "aptman/qus:latest has every target's"),
        ("cris", "QEMU has dropped cris in 9.2, and Debian 12 is the last release that has it"),
        ("nios2", "QEMU has dropped nios2 in 9.1, and Debian 12 is the last release that has it"),
    ] {
        let expected = format!("{path} has other targets' binaries: ls {path}; {expected}");
        assert_eq!(of_target(target, &[]).1, expected);
    }
}
