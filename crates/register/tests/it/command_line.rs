//! Every spelling of the command line, as a table: the arguments, and their meaning.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use qus_register::args::{Action, Args, Cpu, Invocation, Mode, Step, Style, binfmt, parse};
use qus_register::help;

/// A command line in words; what was not given is left out.
fn describe(args: &Args) -> String {
    let mut words: Vec<String> = Vec::new();
    for step in &args.steps {
        words.push(match step {
            Step::List => "list,".to_owned(),
            Step::Json => "json,".to_owned(),
            Step::Reset => "reset,".to_owned(),
        });
    }
    match args.mode {
        Mode::Do => {}
        Mode::Test => words.push("test".to_owned()),
        Mode::DryRun => words.push("dry".to_owned()),
    }
    words.push(match args.action {
        None => "nothing".to_owned(),
        Some(Action::Register) => "register".to_owned(),
        Some(Action::Remove) => "remove".to_owned(),
        Some(Action::Check) => "check".to_owned(),
        Some(Action::Export(Style::Systemd)) => "systemd".to_owned(),
        Some(Action::Export(Style::Debian)) => "debian".to_owned(),
        Some(Action::Unexport(Style::Systemd)) => "remove-systemd".to_owned(),
        Some(Action::Unexport(Style::Debian)) => "remove-debian".to_owned(),
    });
    words.push(if args.targets.is_empty() { "*".to_owned() } else { args.targets.join("+") });
    let mut given = |word: &str, value: Option<bool>| {
        if let Some(yes) = value {
            words.push(format!("{word}={}", if yes { "yes" } else { "no" }));
        }
    };
    given("static", args.r#static.then_some(true));
    given("F", args.persistent);
    given("C", args.credential);
    given("P", args.preserve_argv0);
    given("family", args.ignore_family);
    given("force", args.force.then_some(true));
    given("check", args.check);
    given("full", args.full.then_some(true));
    given("ephemeral", args.ephemeral.then_some(true));
    words.extend(args.cpu.as_ref().map(|cpu| match cpu {
        Cpu::Preferred => "cpu".to_owned(),
        Cpu::Qemus => "cpu=its-own".to_owned(),
        Cpu::Model(model) => format!("cpu={model}"),
    }));
    let mut path = |word: &str, value: Option<String>| {
        words.extend(value.map(|value| format!("{word}={value}")));
    };
    path("Q", args.qemu_path.as_ref().map(|path| path.display().to_string()));
    path("suffix", args.qemu_suffix.as_ref().map(|suffix| suffix.to_string_lossy().into_owned()));
    path("exportdir", args.exportdir.as_ref().map(|path| path.display().to_string()));
    path("mount", args.mount.as_ref().map(|path| path.display().to_string()));
    words.join(" ")
}

/// Splits at spaces; `_` stands for a space inside an argument.
fn split(line: &str) -> Vec<OsString> {
    line.split(' ').filter(|word| !word.is_empty()).map(|word| word.replace('_', " ").into()).collect()
}

fn outcome(line: &str) -> String {
    match parse(split(line)) {
        Ok(Invocation::Help(code)) => format!("help {code}"),
        Ok(Invocation::Version) => "version".to_owned(),
        Ok(Invocation::Shell(command)) => {
            let words: Vec<_> = command.iter().map(|word| word.to_string_lossy().into_owned()).collect();
            format!("become [{}]", words.join("|"))
        }
        Ok(Invocation::Register(args)) => describe(&args),
        Ok(Invocation::Binfmt(binfmt::Invocation::Help)) => "binfmt help".to_owned(),
        Ok(Invocation::Binfmt(binfmt::Invocation::Version)) => "binfmt version".to_owned(),
        Ok(Invocation::Binfmt(binfmt::Invocation::Run(args))) => {
            let mount = args.mount.map_or_else(String::new, |path| format!(" mount={}", path.display()));
            let force = if args.force { " force" } else { "" };
            let no_check = if args.no_check { " no-check" } else { "" };
            let (uninstall, install) = (args.uninstall.join("+"), args.install.join("+"));
            let ephemeral = if args.ephemeral { " ephemeral" } else { "" };
            format!("binfmt -[{uninstall}] +[{install}]{mount}{force}{no_check}{ephemeral}")
        }
        Err(error) => error.to_string(),
    }
}

fn check(table: &[(&str, &str)]) {
    for (line, expected) in table {
        assert_eq!(outcome(line), *expected, "{line}");
    }
}

#[test]
fn the_commands_that_people_have_in_their_scripts() {
    check(&[
        ("register -s -- -p arm", "register arm static=yes F=yes"),
        ("register -s -- -p", "register * static=yes F=yes"),
        ("register -s -- -p aarch64 arm", "register aarch64+arm static=yes F=yes"),
        ("register -s -- -p aarch64,arm", "register aarch64+arm static=yes F=yes"),
        ("register -s -- -p aarch64_arm", "register aarch64+arm static=yes F=yes"),
        ("register -- -r", "remove *"),
        ("register -- -r arm", "remove arm"),
        ("register -l -- -t", "list, test register *"),
        ("register -l", "list, nothing *"),
        ("/qus/register -s -- -p linux/arm/v7", "register linux/arm/v7 static=yes F=yes"),
        ("./register.sh -s -t aarch64 -- -p yes", "register aarch64 static=yes F=yes"),
        ("register.sh -r -e", "reset, nothing *"),
        ("register.sh -s -- aarch64", "register aarch64 static=yes"),
        ("register -- aarch64", "register aarch64"),
        ("register -s -- -p ALL", "register ALL static=yes F=yes"),
        ("register --reset -p yes", "reset, register * F=yes"),
        ("register --reset --credential yes --persistent yes", "reset, register * F=yes C=yes"),
        ("register -- -p --cpu riscv64", "register riscv64 F=yes cpu"),
        ("register --cpu -p", "register * F=yes cpu"),
        ("register -- -p --cpu=max,v=off riscv64", "register riscv64 F=yes cpu=max,v=off"),
        ("register -- -p --cpu=qemu", "register * F=yes cpu=its-own"),
        ("register -- -p --cpu= arm", "register arm F=yes cpu="),
        ("register --qemu-path=/opt --persistent yes arm", "register arm F=yes Q=/opt"),
        ("register -s -- --systemd ALL --exportdir /tmp/x", "systemd ALL static=yes exportdir=/tmp/x"),
        ("register -- --debian -e /tmp/x arm", "debian arm exportdir=/tmp/x"),
    ]);
}

#[test]
fn no_separator_and_no_target_is_everything() {
    check(&[
        ("register", "register *"),
        ("register --", "register *"),
        ("register -s", "register * static=yes"),
        ("register aarch64", "register aarch64"),
        ("register -s aarch64 -- -p arm", "register aarch64+arm static=yes F=yes"),
    ]);
}

#[test]
fn options_before_the_separator_in_all_their_spellings() {
    for name in ["-h", "--help", "-help"] {
        check(&[(&format!("register {name}"), "help 0")]);
    }
    for name in ["-V", "--version", "-version"] {
        check(&[(&format!("register {name}"), "version")]);
    }
    for name in ["-l", "--list", "-list"] {
        check(&[(&format!("register {name}"), "list, nothing *")]);
    }
    for name in ["-s", "--static", "-static", "--sta"] {
        check(&[(&format!("register {name}"), "register * static=yes")]);
    }
    for name in ["-r", "--reset", "-reset"] {
        for exit in ["-e", "--exit", "-exit"] {
            check(&[(&format!("register {name} {exit}"), "reset, nothing *")]);
            check(&[(&format!("register {exit} {name}"), "reset, nothing *")]);
        }
    }
    for name in ["-t arm", "--targets arm", "-targets arm", "--targets=arm", "-tarm"] {
        check(&[(&format!("register {name}"), "register arm")]);
        check(&[(&format!("register {name} -- -p"), "register arm F=yes")]);
    }
    check(&[
        ("register -ls", "list, nothing * static=yes"),
        ("register -rs", "reset, register * static=yes"),
        ("register -r", "reset, nothing *"),
        ("register -r arm", "remove arm"),
        ("register -s -r -t arm -- -p", "reset, register arm static=yes F=yes"),
        ("register -l -r", "list, reset, nothing *"),
        ("register -r -l", "reset, list, nothing *"),
        ("register -l -- -p", "list, register * F=yes"),
        ("register -l arm", "list, nothing arm"),
        ("register --json", "json, nothing *"),
        ("register --clear arm", "remove arm"),
        ("register --remove", "remove *"),
        ("register --check", "check * check=yes"),
        ("register --check arm", "check arm check=yes"),
        ("register -- --check arm", "check arm check=yes"),
        ("register --check=full", "check * check=yes full=yes"),
        ("register --check=full arm,s390x", "check arm+s390x check=yes full=yes"),
        ("register -- -p --check=full arm", "register arm F=yes check=yes full=yes"),
        // Its rows say it.
        ("register -l --check=full", "list, check * check=yes full=yes"),
        ("register --json --check=full arm", "json, check arm check=yes full=yes"),
        ("register -l --check", "list, check * check=yes"),
        ("register -e --check arm", "check arm check=yes"),
        ("register -l -p --check=full arm", "list, register arm F=yes check=yes full=yes"),
        ("register -p --check arm", "register arm F=yes check=yes"),
        ("register -- -p --no-check", "register * F=yes check=no"),
        ("register --mount /b -l", "list, nothing * mount=/b"),
        ("register -m/b -l", "list, nothing * mount=/b"),
        ("register -n -s -- -p arm", "dry register arm static=yes F=yes"),
        ("register --dry-run --clear", "dry remove *"),
        ("register -f -- -p arm", "register arm F=yes force=yes"),
        ("register --ephemeral -- -p arm", "register arm F=yes ephemeral=yes"),
        ("register -- -p --ephemeral arm", "register arm F=yes ephemeral=yes"),
    ]);
}

#[test]
fn options_after_the_separator_in_all_their_spellings() {
    for (spellings, expected) in [
        (
            &[
                "-p",
                "-p yes",
                "-pyes",
                "--persistent",
                "--persistent yes",
                "--persistent=yes",
                "-persistent",
                "-persist",
            ][..],
            "register * F=yes",
        ),
        (&["-p no", "-pno", "--persistent no", "--persistent=no", "--pers no"], "register * F=no"),
        (&["-c", "-c yes", "--credential", "--credential=yes", "--cred"], "register * C=yes"),
        (&["-c no", "--credential no"], "register * C=no"),
        (&["-g", "-g yes", "--preserve-argv0", "--preserve-argv0=yes"], "register * P=yes"),
        (&["-g no", "--preserve-argv0 no"], "register * P=no"),
        (&["-i", "-i yes", "--ignore-family", "--ignore-family yes"], "register * family=yes"),
        (&["-i no", "--ignore-family=no"], "register * family=no"),
        (&["-r", "--clear", "--reset", "--remove", "-reset"], "remove *"),
        (&["-r arm", "--reset arm", "--clear arm", "arm -r"], "remove arm"),
        (&["-t", "--test", "-test"], "test register *"),
        (&["-t -r", "-tr", "-rt"], "test remove *"),
        (&["-t -n", "-n -t"], "dry register *"),
        (&["-s", "--systemd", "--systemd ALL -p no"][..2], "systemd *"),
        (&["-d", "--debian"], "debian *"),
        (&["-s -r", "-rs", "--systemd --reset"], "remove-systemd *"),
        (&["-d -r", "-rd", "--debian --clear"], "remove-debian *"),
        (&["-e /x", "-e/x", "--exportdir /x", "--exportdir=/x", "--export /x"], "register * exportdir=/x"),
        (&["-Q /x", "-Q/x", "--path /x", "--path=/x", "--qemu-path /x", "--qemu-path=/x"], "register * Q=/x"),
        (
            &["-F -x", "-F-x", "--suffix -x", "--suffix=-x", "--qemu-suffix -x", "--qemu-suffix=-x"],
            "register * suffix=-x",
        ),
        (&["-h", "--help", "-help"], "help 1"),
        (&["-pc", "-cp", "-p -c", "-p yes -c yes", "-pcyes"], "register * F=yes C=yes"),
        (&["-pcQ/x arm", "arm -p -c -Q /x"], "register arm F=yes C=yes Q=/x"),
        (&["--exit"], "nothing *"),
        (&["-l", "--list"], "list, register *"),
        (&["--targets arm", "arm", "-- arm"], "register arm"),
    ] {
        for spelling in spellings {
            check(&[(&format!("register -- {spelling}"), expected)]);
        }
    }
}

#[test]
fn a_shell_gets_its_arguments_as_they_were() {
    check(&[
        ("register -i", "become [sh]"),
        ("register --interactive", "become [sh]"),
        ("register -interactive", "become [sh]"),
        ("register -i ls", "become [ls]"),
        ("register -i ls_-l", "become [sh|-c|ls -l]"),
        ("register -i echo a_b $HOME", "become [echo|a b|$HOME]"),
        ("register -i -- ls -l", "become [ls|-l]"),
        ("register -s -i sh -c -- x", "become [sh|-c|--|x]"),
        ("register -i make --install", "become [make|--install]"),
    ]);
}

#[test]
fn what_cannot_be_followed_is_refused() {
    check(&[
        ("register -X", "Invalid option: -X"),
        ("register -sX", "Invalid option: -X"),
        ("register --unheard-of", "Invalid option: --unheard-of"),
        ("register -- -X", "Invalid option: -X"),
        ("register -- --unheard-of=1", "Invalid option: --unheard-of"),
        ("register -t", "Option -t requires an argument."),
        ("register --targets", "Option --targets requires an argument."),
        ("register -- -e", "Option -e requires an argument."),
        ("register --mount=", "Option --mount requires an argument."),
        ("register -- -p --qemu-path=", "Option --qemu-path requires an argument."),
        ("binfmt --install arm --mount=", "Option --mount requires an argument."),
        ("register --static=yes", "Option --static does not take the argument `yes`."),
        ("register -- --persistent=maybe", "Option --persistent does not take the argument `maybe`."),
        ("register -- --p", "Ambiguous option: --p (one of --path, --persistent, --preserve-argv0)"),
        ("register --check=full --no-check arm", "Options --check and --no-check exclude each other."),
        ("register -- -s -d", "Options --systemd and --debian exclude each other."),
        ("register -- -d -s", "Options --systemd and --debian exclude each other."),
        ("binfmt arm64", "Unexpected argument: arm64"),
        ("binfmt -", "Unexpected argument: -"),
        ("binfmt --install", "Option --install requires an argument."),
        ("binfmt --reinstall x", "Invalid option: --reinstall (did you mean `--install`?)"),
        ("binfmt -instal=x", "Invalid option: -instal (did you mean `--install`?)"),
        ("register --instal arm64", "Invalid option: --instal (did you mean `--install`?)"),
        ("register -- --instal arm64", "Invalid option: --instal"),
        ("register --persistant", "Invalid option: --persistant (did you mean `--persistent`?)"),
        ("register -- --persistant=yes", "Invalid option: --persistant (did you mean `--persistent`?)"),
        // Not -p and -e rsistant.
        ("register -- -persistant", "Invalid option: -persistant (did you mean `--persistent`?)"),
        ("binfmt --force=1", "Option --force does not take the argument `1`."),
        ("binfmt --ephemeral=1", "Option --ephemeral does not take the argument `1`."),
    ]);
    for before in [&b"\xff"[..], b"-\xff", b"--\xff=x", b"-t"] {
        let arguments =
            [b"register".as_slice(), before, b"\xff"].map(|bytes| OsString::from_vec(bytes.to_vec()));
        let error = parse(arguments.to_vec()).unwrap_err().to_string();
        assert!(error.contains("is not valid UTF-8") || error.starts_with("Invalid option"), "{error}");
    }
    // A path need not be UTF-8.
    let path = [b"register".as_slice(), b"--qemu-path=/\xff"].map(|bytes| OsString::from_vec(bytes.to_vec()));
    assert_eq!(parse(path.to_vec()).map(|_| ()), Ok(()));
}

#[test]
fn help_is_as_it_has_always_been() {
    assert_eq!(help::REGISTER, include_str!("register.help"));
    assert_eq!(help::BINFMT, include_str!("binfmt.help"));
}

#[test]
fn under_the_name_binfmt_it_is_tonistiigis() {
    check(&[
        ("binfmt", "binfmt -[] +[]"),
        ("/usr/bin/binfmt --install all", "binfmt -[] +[all]"),
        ("/usr/bin/binfmt -install arm64,riscv64,arm", "binfmt -[] +[arm64+riscv64+arm]"),
        ("binfmt --install=linux/arm/v7", "binfmt -[] +[linux/arm/v7]"),
        ("binfmt --uninstall qemu-* --install arm", "binfmt -[qemu-*] +[arm]"),
        ("binfmt --mount /b --uninstall=arm64", "binfmt -[arm64] +[] mount=/b"),
        ("binfmt -version", "binfmt version"),
        ("binfmt --help", "binfmt help"),
        ("binfmt -h", "binfmt help"),
        ("binfmt --force --no-check --install arm", "binfmt -[] +[arm] force no-check"),
        ("binfmt --ephemeral --install arm", "binfmt -[] +[arm] ephemeral"),
        ("register --install arm64", "binfmt -[] +[arm64]"),
        ("register --uninstall=arm64", "binfmt -[arm64] +[]"),
    ]);
}
