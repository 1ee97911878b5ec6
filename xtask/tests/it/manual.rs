//! Manual pages and completions, read by the programs that they are for.

mod shell;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use shell::Shell;
use testbed::sandbox::Options;
use testbed::{Package, Sandbox};

use crate::ship::packages;

/// mandoc, the shells, and what they load. `script` gives the shells a terminal.
const PACKAGES: [&str; 16] = [
    "bash",
    "bash-completion",
    "bsdutils",
    "fish",
    "fish-common",
    "libcap2",
    "libgcc-s1",
    "libpcre2-32-0",
    "libstdc++6",
    "libtinfo6",
    "mandoc",
    "ncurses-base",
    "procps",
    "zlib1g",
    "zsh",
    "zsh-common",
];

/// The findings of mandoc about every page: the same sources have to give the same bytes, so no page has a date.
const UNDATED: &str = "WARNING: missing date, using \"\": TH";

/// The text on the line, and the same after the key for completion.
const COMPLETED: [(&str, &str); 12] = [
    ("register --li", "register --list"),
    ("register -s --persi", "register -s --persi"),
    ("register -s -- --persi", "register -s -- --persistent"),
    ("register -s -- -p aarch64_", "register -s -- -p aarch64_be"),
    ("register -s -- -g y", "register -s -- -g yes"),
    ("qus-run --inst", "qus-run --install"),
    ("qus-run --mode ker", "qus-run --mode kernel"),
    ("qus-run --verbose --root /pro", "qus-run --verbose --root /proc/"),
    ("qus-run --mode trace regist", "qus-run --mode trace register"),
    ("cargo-xtask imag", "cargo-xtask images"),
    ("cargo-xtask images --dr", "cargo-xtask images --dry-run"),
    ("cargo-xtask images --push-via reg", "cargo-xtask images --push-via registry"),
];

/// Runs `test` in a sandbox, with what `cargo xtask man` makes in a folder of the machine.
fn with_manual(name: &str, test: impl FnOnce(&Sandbox, &Path)) {
    let Some(packages) = packages(name) else { return };
    let tree = packages.tree("manual", &PACKAGES.map(|name| Package::native("bookworm", name))).unwrap();
    let sandbox = Sandbox::start(&packages, &Options { trees: vec![&tree], ..Options::default() }).unwrap();
    let manual = tempfile::tempdir().unwrap();
    let made = Command::new(env!("CARGO_BIN_EXE_xtask")).arg("man").arg(manual.path()).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    test(&sandbox, manual.path());
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.is_file());
    files.sort();
    files
}

fn name(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}

#[test]
fn mandoc_has_nothing_to_say_about_any_page() {
    with_manual("mandoc_has_nothing_to_say_about_any_page", |sandbox, manual| {
        let pages = files(manual);
        assert!(pages.len() > 10, "{pages:?}");
        for page in pages {
            let inside = format!("/root/{}", name(&page));
            sandbox.write(&inside, fs::read(&page).unwrap()).unwrap();
            let mut mandoc = sandbox.command("mandoc");
            let output = mandoc.args(["-T", "lint", "-W", "warning", &inside]).output().unwrap();
            let found = String::from_utf8(output.stdout).unwrap();
            let found: Vec<&str> = found.lines().collect();
            assert!(matches!(found[..], [line] if line.ends_with(UNDATED)), "{found:#?}");
        }
    });
}

#[test]
fn bash_completes() {
    check("bash_completes", &shell::BASH);
}

#[test]
fn zsh_completes() {
    check("zsh_completes", &shell::ZSH);
}

#[test]
fn fish_completes() {
    check("fish_completes", &shell::FISH);
}

/// Installs the completions where distributions have them, and presses the key.
fn check(test: &str, shell: &Shell) {
    with_manual(test, |sandbox, manual| {
        let scripts = files(&manual.join("completions").join(shell.name));
        assert_eq!(scripts.len(), 3, "{scripts:?}");
        for script in scripts {
            let inside = format!("{}/{}", shell.completions, name(&script));
            sandbox.write(inside, fs::read(&script).unwrap()).unwrap();
        }
        // fish completes only what is there to be run.
        for program in ["register", "qus-run", "cargo-xtask"] {
            sandbox.run(&["ln", "-s", "true", &format!("/usr/bin/{program}")]).unwrap();
        }
        let mut typist = shell.start(sandbox);
        for (typed, expected) in COMPLETED {
            assert_eq!(typist.complete(typed), expected, "{}", typist.log());
        }
    });
}
