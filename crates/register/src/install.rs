//! tonistiigi/binfmt's interface, for scripts and for docker/setup-qemu-action: the same options, messages and JSON. But
//! the exit code says whether what was asked for holds.

use std::ffi::OsStr;

use arch::{PLATFORMS, Target};
use binfmt::{BinfmtMisc, Listed};

use crate::args::{Action, binfmt as typed};
use crate::check::{self, Outcome};
use crate::context::Context;
use crate::environment::Environment;
use crate::error::Error;
use crate::interrupt;
use crate::json::Json;
use crate::machine::Kinship;
use crate::output::Output;
use crate::owner;
use crate::proof::judge;
use crate::registration::{self, Decision};
use crate::request::{Request, Selection, folder, report_unknown, select};
use crate::want::{Wanted, entry_name};
use crate::winner::winner;
use crate::{escape, inventory, pattern};

pub(crate) fn run(
    invocation: typed::Invocation,
    environment: &Environment,
    output: &mut Output<'_>,
) -> Result<(), Error> {
    match invocation {
        typed::Invocation::Help => output.text(crate::help::BINFMT),
        typed::Invocation::Version => print_version(environment, output),
        typed::Invocation::Run(typed) => {
            if let Some(prefix) = &environment.binary_prefix {
                let error = Error::new(format_args!("cannot use QEMU_BINARY_PREFIX ({prefix})"));
                return Err(error.hint("the binaries here are called qemu-TARGET; unset it"));
            }
            work(&typed, environment, output)?;
        }
    }
    Ok(())
}

fn work(typed: &typed::Args, environment: &Environment, output: &mut Output<'_>) -> Result<(), Error> {
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
    let context = Context::new(request(typed, selection.clone(), environment));
    if !typed.uninstall.is_empty() {
        let misc = context.look()?;
        for pattern in &typed.uninstall {
            uninstall(pattern, &context, misc.as_ref(), output)?;
        }
    }
    let misc = match selection {
        Some(_) => {
            let misc = registration::prepare(&context, output)?;
            install(&context, &misc, output)?;
            Some(misc)
        }
        None => context.look()?,
    };
    print_status(&context, misc.as_ref(), output)
}

/// That tool's choices: `F` and `C` always, and `P` where it can be or must be.
fn request(typed: &typed::Args, selection: Option<Selection>, environment: &Environment) -> Request {
    let dir = folder(environment.binary_path.clone(), environment);
    Request {
        action: Some(Action::Register),
        selection: selection.unwrap_or_default(),
        // There is no `-s` here.
        suffix: environment.suffix.clone().unwrap_or_else(|| inventory::suffix(&dir).into()),
        dir,
        persistent: true,
        credential: environment.credential.unwrap_or(true),
        preserve_argv0: environment.preserve_argv0.then_some(true),
        mount: typed.mount.clone().or_else(|| environment.binfmt_misc.clone()),
        force: typed.force,
        check: !typed.no_check,
        no_check: typed.no_check,
        ephemeral: typed.ephemeral,
        host_arch: environment.host_arch.clone(),
        ..Request::default()
    }
}

fn install(context: &Context, misc: &BinfmtMisc, output: &mut Output<'_>) -> Result<(), Error> {
    let named = matches!(context.request.selection, Selection::Named(_));
    let listed = misc.list()?;
    for (target, decision) in registration::decide(context, Some(misc), &listed)? {
        match decision {
            Decision::Register(wanted) => install_one(&wanted, &listed, context, misc, output)?,
            Decision::Native | Decision::Runs if named => output.verbatim(format_args!(
                "installing: {} OK (this machine runs it by itself)",
                target.architecture()
            )),
            Decision::Left(rival) => {
                output.verbatim(format_args!("installing: {} OK ({rival} runs it)", target.architecture()));
            }
            Decision::Native | Decision::Runs | Decision::Missing(_) => {}
            Decision::Refused(error) | Decision::NoModel(error) => fail(target, &error, output),
        }
    }
    Ok(())
}

fn install_one(
    wanted: &Wanted,
    listed: &[Listed],
    context: &Context,
    misc: &BinfmtMisc,
    output: &mut Output<'_>,
) -> Result<(), Error> {
    let target = wanted.target;
    match registration::register(context, misc, listed, wanted, output) {
        Err(error) if error.is_silent() => return Err(error),
        Err(error) => fail(target, &error, output),
        Ok(applied) => {
            if applied.outcome.is_none_or(|outcome| judge(target, &outcome, &context.request, output)) {
                output.verbatim(format_args!("installing: {} OK", target.architecture()));
            }
        }
    }
    interrupt::check()
}

fn fail(target: Target, error: &Error, output: &mut Output<'_>) {
    output.verbatim_error(format_args!("installing: {} {}", target.architecture(), error.message()));
    if let Some(hint) = error.what_to_do() {
        output.hint(hint);
    }
}

fn uninstall(
    pattern: &str,
    context: &Context,
    misc: Option<&BinfmtMisc>,
    output: &mut Output<'_>,
) -> Result<(), Error> {
    let pattern = pattern.parse::<Target>().map_or_else(|_| pattern.to_owned(), entry_name);
    let suffix = &context.request.suffix;
    // A user who resets a machine with `qemu-*`, as docker/setup-qemu-action can, means what is there, even if that is
    // nothing.
    let named = !pattern.contains(['*', '?']);
    let mut found = false;
    let listed = misc.map_or_else(|| Ok(Vec::new()), BinfmtMisc::list)?;
    for (listed, misc) in listed.iter().filter_map(|listed| Some((listed, misc?))) {
        // An entry that a killed replacement has left goes with the one that it was to become.
        let of = listed.name.to_str().and_then(BinfmtMisc::leftover_from).map_or(&*listed.name, OsStr::new);
        if !pattern::matches(&pattern, &listed.name) && !pattern::matches(&pattern, of) {
            continue;
        }
        found = true;
        let name = escape::name(&listed.name);
        let ours = listed.entry.as_ref().is_ok_and(|entry| owner::of(entry, suffix).1.is_ours());
        if !ours && !context.request.force && !named {
            output.verbatim(format_args!("uninstalling: {name} stays: it is another tool's"));
            continue;
        }
        if !ours && !context.request.force {
            output.verbatim_error(format_args!("uninstalling: {name} is another tool's"));
            output.hint("--force removes it");
            continue;
        }
        match misc.remove_listed(listed) {
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

/// `{"supported": […], "emulators": […]}`, as that tool prints it.
fn print_status(context: &Context, misc: Option<&BinfmtMisc>, output: &mut Output<'_>) -> Result<(), Error> {
    let mut json = Json::default();
    let listed = misc.map_or_else(|| Ok(Vec::new()), BinfmtMisc::list)?;
    let supported = supported(context, &listed);
    interrupt::check()?;
    json.nested(None, ['{', '}'], |json| {
        json.nested(Some("supported"), ['[', ']'], |json| {
            for name in &supported {
                json.string(None, name);
            }
        });
        json.nested(Some("emulators"), ['[', ']'], |json| {
            let mut names: Vec<String> = listed
                .iter()
                .filter(|listed| listed.entry.as_ref().is_ok_and(binfmt::Entry::enabled))
                .map(|listed| listed.name.to_string_lossy().into_owned())
                .collect();
            names.sort_unstable();
            for name in names {
                json.string(None, &name);
            }
        });
    });
    output.text(json.into_text());
    Ok(())
}

/// The platforms whose programs run: this machine's own first.
fn supported(context: &Context, listed: &[Listed]) -> Vec<String> {
    let mut native = Vec::new();
    let mut emulated = Vec::new();
    for platforms in PLATFORMS.chunk_by(|one, other| one.target() == other.target()) {
        let target = platforms[0].target();
        let own = context.machine.kinship(target) == Kinship::Native;
        let runs = || match context.request.no_check {
            true => winner(listed, target).is_some(),
            false => check::run(target) == Outcome::Runs,
        };
        let names = platforms.iter().map(ToString::to_string);
        if own {
            native.extend(names.chain(levels(target).iter().map(|level| format!("linux/amd64/{level}"))));
        } else if runs() {
            emulated.extend(names);
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
    let versions = inventory::versions(&folder(environment.binary_path.clone(), environment));
    let newest = versions.first().map_or_else(|| "none".to_owned(), |version| format!("v{version}"));
    output.line(format_args!("binfmt/{} qemu/{newest}", env!("CARGO_PKG_VERSION")));
}
