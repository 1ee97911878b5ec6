//! tonistiigi/binfmt's interface, for scripts and for docker/setup-qemu-action: the same options, messages and JSON. But
//! the exit code tells whether what was asked for holds.

use arch::{Host, Target};
use binfmt::BinfmtMisc;

use crate::args::{Action, binfmt as typed};
use crate::check::{self, Outcome};
use crate::environment::Environment;
use crate::interpreter;
use crate::json::Json;
use crate::machine::Kinship;
use crate::output::Output;
use crate::owner;
use crate::proof::judge;
use crate::registration::{self, Decision};
use crate::request::{Request, Selection, folder, report_unknown, select};
use crate::scene::Scene;
use crate::trouble::Trouble;
use crate::want::{Wanted, entry_name};

/// Targets that are a platform's, in that tool's order.
const PLATFORMS: &[(&str, &[&str])] = &[
    ("x86_64", &["linux/amd64"]),
    ("aarch64", &["linux/arm64"]),
    ("riscv64", &["linux/riscv64"]),
    ("ppc64le", &["linux/ppc64le"]),
    ("s390x", &["linux/s390x"]),
    ("i386", &["linux/386"]),
    ("mips64el", &["linux/mips64le"]),
    ("mips64", &["linux/mips64"]),
    ("loongarch64", &["linux/loong64"]),
    ("arm", &["linux/arm/v7", "linux/arm/v6"]),
];

pub(crate) fn run(
    invocation: typed::Invocation,
    environment: &Environment,
    output: &mut Output<'_>,
) -> Result<(), Trouble> {
    match invocation {
        typed::Invocation::Help => output.text(crate::help::BINFMT),
        typed::Invocation::Version => print_version(environment, output),
        typed::Invocation::Run(typed) => {
            if let Some(prefix) = &environment.binary_prefix {
                let trouble = Trouble::new(format_args!("cannot use QEMU_BINARY_PREFIX ({prefix})"));
                return Err(trouble.hint("the binaries here are called qemu-TARGET; unset it"));
            }
            work(&typed, environment, output)?;
        }
    }
    Ok(())
}

fn work(typed: &typed::Args, environment: &Environment, output: &mut Output<'_>) -> Result<(), Trouble> {
    let selection = match typed.install.is_empty() {
        true => None,
        false => match select(&typed.install) {
            Ok(selection) => Some(selection),
            Err(unknown) => {
                report_unknown(&unknown, output);
                return Ok(());
            }
        },
    };
    let scene = Scene::new(request(typed, selection.clone(), environment));
    let misc = scene.open()?;
    for pattern in &typed.uninstall {
        uninstall(pattern, &scene, &misc, output)?;
    }
    if selection.is_some() {
        registration::prepare(&scene, &misc, output)?;
        install(&scene, &misc, output);
    }
    print_status(&scene, &misc, output)
}

/// That tool's choices: `F` and `C` always, and `P` where it can be or must be.
fn request(typed: &typed::Args, selection: Option<Selection>, environment: &Environment) -> Request {
    let dir = folder(environment.binary_path.clone(), environment);
    Request {
        steps: Vec::new(),
        action: Some(Action::Register),
        mode: crate::args::Mode::Do,
        selection: selection.unwrap_or(Selection::All),
        suffix: environment.suffix.clone().unwrap_or_else(|| suffix(&dir).into()),
        dir,
        persistent: true,
        credential: environment.credential.unwrap_or(true),
        preserve_argv0: environment.preserve_argv0.then_some(true),
        ignore_family: false,
        exportdir: None,
        mount: typed.mount.clone().or_else(|| environment.binfmt_misc.clone()),
        force: typed.force,
        check: !typed.no_check,
        no_check: typed.no_check,
        host_arch: environment.host_arch.clone(),
    }
}

/// There is no `-s` here: the binaries have the suffix that most of them have.
fn suffix(dir: &std::path::Path) -> &'static str {
    let Ok(files) = std::fs::read_dir(dir) else { return "" };
    let names = files.filter_map(|file| file.ok()?.file_name().into_string().ok());
    let (with, without) =
        names.filter(|name| name.starts_with("qemu-")).fold((0, 0), |(with, without), name| {
            if name.ends_with("-static") { (with + 1, without) } else { (with, without + 1) }
        });
    if with > without { "-static" } else { "" }
}

fn install(scene: &Scene, misc: &BinfmtMisc, output: &mut Output<'_>) {
    let named = matches!(scene.request.selection, Selection::Named(_));
    for (target, decision) in registration::decide(scene, Some(misc)) {
        match decision {
            Decision::Register(wanted) => install_one(&wanted, scene, misc, output),
            Decision::Native | Decision::Runs if named => output.verbatim(format_args!(
                "installing: {} OK (this machine runs it by itself)",
                platform(target)
            )),
            Decision::Native | Decision::Runs | Decision::Missing(_) => {}
            Decision::Refused(trouble) => fail(target, &trouble, output),
        }
    }
}

fn install_one(wanted: &Wanted, scene: &Scene, misc: &BinfmtMisc, output: &mut Output<'_>) {
    let target = wanted.target;
    match registration::register(scene, misc, wanted, output) {
        Err(trouble) => fail(target, &trouble, output),
        Ok(applied) => {
            if applied.outcome.is_none_or(|outcome| judge(target, &outcome, output)) {
                output.verbatim(format_args!("installing: {} OK", platform(target)));
            }
        }
    }
}

fn fail(target: Target, trouble: &Trouble, output: &mut Output<'_>) {
    output.verbatim_error(format_args!("installing: {} {}", platform(target), trouble.message()));
    if let Some(hint) = trouble.what_to_do() {
        output.hint(hint);
    }
}

/// That tool's name for a target: Go's, where it has one.
fn platform(target: Target) -> &'static str {
    let host = Host::all().find(|host| host.target() == target);
    host.map_or(target.name(), |host| host.platform().architecture)
}

fn uninstall(
    pattern: &str,
    scene: &Scene,
    misc: &BinfmtMisc,
    output: &mut Output<'_>,
) -> Result<(), Trouble> {
    let pattern = pattern.parse::<Target>().map_or_else(|_| pattern.to_owned(), entry_name);
    let suffix = scene.request.suffix.to_string_lossy();
    // Whoever resets a machine with `qemu-*`, as docker/setup-qemu-action can, means what is there, be it nothing.
    let named = !pattern.contains(['*', '?']);
    let mut found = false;
    for listed in misc.list()? {
        let name = &listed.name;
        // An entry that a killed replacement has left goes with the one that it was to become.
        let of = BinfmtMisc::leftover_from(name).unwrap_or(name);
        if !matches(&pattern, name) && !matches(&pattern, of) {
            continue;
        }
        found = true;
        let ours = listed.entry.as_ref().is_ok_and(|entry| owner::of(entry, &suffix).1.is_ours());
        if !ours && !scene.request.force && !named {
            output.verbatim(format_args!("uninstalling: {name} stays: it is another tool's"));
            continue;
        }
        if !ours && !scene.request.force {
            output.verbatim_error(format_args!("uninstalling: {name} is another tool's"));
            output.hint("--force removes it");
            continue;
        }
        match misc.remove_listed(&listed) {
            Ok(_) => output.verbatim(format_args!("uninstalling: {name} OK")),
            Err(error) => {
                output.verbatim_error(format_args!("uninstalling: {name} {error}"));
                if let Some(hint) = error.hint() {
                    output.hint(hint);
                }
            }
        }
    }
    match (found, named) {
        (true, _) => {}
        (false, true) => output.verbatim_error(format_args!("uninstalling: {pattern} not found")),
        (false, false) => output.verbatim(format_args!("uninstalling: {pattern} not found")),
    }
    Ok(())
}

/// Whether a name matches a shell pattern of `*`, `?` and plain characters.
fn matches(pattern: &str, name: &str) -> bool {
    match (pattern.chars().next(), name.chars().next()) {
        (None, None) => true,
        (Some('*'), _) => {
            let rest = &pattern[1..];
            matches(rest, name)
                || name.chars().next().is_some_and(|c| matches(pattern, &name[c.len_utf8()..]))
        }
        (Some('?'), Some(c)) => matches(&pattern[1..], &name[c.len_utf8()..]),
        (Some(p), Some(c)) if p == c => matches(&pattern[p.len_utf8()..], &name[c.len_utf8()..]),
        _ => false,
    }
}

/// `{"supported": […], "emulators": […]}`, as that tool prints it.
fn print_status(scene: &Scene, misc: &BinfmtMisc, output: &mut Output<'_>) -> Result<(), Trouble> {
    let mut json = Json::default();
    let listed = misc.list()?;
    json.nested(None, ['{', '}'], |json| {
        json.nested(Some("supported"), ['[', ']'], |json| {
            for name in supported(scene, misc) {
                json.string(None, &name);
            }
        });
        json.nested(Some("emulators"), ['[', ']'], |json| {
            let mut names: Vec<&str> = listed
                .iter()
                .filter(|listed| listed.entry.as_ref().is_ok_and(binfmt::Entry::enabled))
                .map(|listed| listed.name.as_str())
                .collect();
            names.sort_unstable();
            for name in names {
                json.string(None, name);
            }
        });
    });
    output.line(json.into_text());
    Ok(())
}

/// The platforms whose programs run: this machine's own first.
fn supported(scene: &Scene, misc: &BinfmtMisc) -> Vec<String> {
    let listed = misc.list().unwrap_or_default();
    let mut native = Vec::new();
    let mut emulated = Vec::new();
    for (name, platforms) in PLATFORMS {
        let Ok(target) = name.parse::<Target>() else { continue };
        let own = scene.machine.kinship(target) == Kinship::Native;
        let runs = match scene.request.no_check {
            true => {
                let program = crate::program::elf(target).unwrap_or_default();
                listed
                    .iter()
                    .any(|listed| listed.entry.as_ref().is_ok_and(|e| e.enabled() && e.takes(&program)))
            }
            false => check::run(target) == Outcome::Runs,
        };
        let names = platforms.iter().map(|platform| (*platform).to_owned());
        match (own, runs) {
            (true, _) => {
                native.extend(names.chain(levels(target).iter().map(|level| format!("linux/amd64/{level}"))));
            }
            (false, true) => emulated.extend(names),
            (false, false) => {}
        }
    }
    native.extend(emulated);
    native
}

/// The microarchitecture levels of this x86-64 machine (x86-64 psABI, table 3.1), as far as the features tell that
/// make the difference.
#[cfg(target_arch = "x86_64")]
fn levels(target: Target) -> &'static [&'static str] {
    let v2 = is_x86_feature_detected!("sse4.2") && is_x86_feature_detected!("popcnt");
    let v3 = v2 && is_x86_feature_detected!("avx2") && is_x86_feature_detected!("bmi2");
    let v3 = v3 && is_x86_feature_detected!("fma") && is_x86_feature_detected!("movbe");
    match (target.name() == "x86_64", v2, v3) {
        (true, _, true) => &["v2", "v3"],
        (true, true, false) => &["v2"],
        _ => &[],
    }
}

/// Only x86-64 has levels that platforms name.
#[cfg(not(target_arch = "x86_64"))]
fn levels(_target: Target) -> &'static [&'static str] {
    &[]
}

fn print_version(environment: &Environment, output: &mut Output<'_>) {
    let dir = folder(environment.binary_path.clone(), environment);
    let suffix = environment.suffix.clone().unwrap_or_else(|| suffix(&dir).into());
    let newest = Target::current().filter_map(|target| {
        let mut path = dir.join(entry_name(target)).into_os_string();
        path.push(&suffix);
        interpreter::version_in(&std::fs::File::open(path).ok()?, target)
    });
    let qemu = newest.max().map_or_else(|| "none".to_owned(), |version| format!("v{version}"));
    output.line(format_args!("binfmt/{} qemu/{qemu}", env!("CARGO_PKG_VERSION")));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_a_shell() {
        for (pattern, name, expected) in [
            ("qemu-*", "qemu-arm", true),
            ("qemu-*", "xqemu-arm", false),
            ("*", "", true),
            ("*arm*", "qemu-armeb", true),
            ("qemu-ar?", "qemu-arm", true),
            ("qemu-ar?", "qemu-ar", false),
            ("a*b*c", "aXbYc", true),
            ("a*b*c", "aXbY", false),
            ("é?", "éü", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn platforms_are_named_as_go_names_them() {
        let name = |target: &str| platform(target.parse().unwrap());
        let expected =
            [("x86_64", "amd64"), ("i386", "386"), ("aarch64", "arm64"), ("arm", "arm"), ("sparc", "sparc")];
        for (target, expected) in expected {
            assert_eq!(name(target), expected);
        }
        for (target, _) in PLATFORMS {
            assert!(target.parse::<Target>().is_ok(), "{target}");
        }
    }
}
