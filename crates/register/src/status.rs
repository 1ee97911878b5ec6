//! The registered entries, and whether they work.

use std::ffi::OsString;
use std::path::Path;

use arch::Target;
use binfmt::mount::DEFAULT;
use binfmt::{BinfmtMisc, Listed, in_initial_user_namespace};

use crate::args::{Mode, Step};
use crate::check::Outcome;
use crate::context::Context;
use crate::error::{Error, way_out};
use crate::escape;
use crate::full::Extent;
use crate::interpreter::{Finder, Version, version_of};
use crate::json::Json;
use crate::machine::Kinship;
use crate::output::Output;
use crate::owner::{self, Owner};
use crate::request::Selection;
use crate::trials::Trial;
use crate::winner::winner;

/// The facts about an entry.
struct Row {
    listed: Listed,
    target: Option<Target>,
    owner: Owner,
    version: Option<Version>,
    /// The CPU model of the QEMU that the kernel holds, if its file has one.
    model: Option<String>,
    /// The name of the entry that takes its programs first.
    shadowed_by: Option<OsString>,
    outcome: Option<(Outcome, Extent)>,
}

/// Prints the selected targets' entries as a table; without a selection, all entries.
pub(crate) fn print_table(
    context: &Context,
    misc: &BinfmtMisc,
    output: &mut Output<'_>,
) -> Result<(), Error> {
    let rows = rows(context, misc)?;
    warn_of_a_switch(misc, output)?;
    if rows.is_empty() {
        output.note("nothing is registered");
        if let Some(way_out) = misc.check_writable().err().as_ref().and_then(way_out) {
            output.hint(way_out);
        }
        return Ok(());
    }
    let mut lines =
        vec![["NAME", "INTERPRETER", "QEMU", "FLAGS", "STATE", "OWNER", "WORKS"].map(str::to_owned)];
    for row in &rows {
        let dash = || "-".to_owned();
        let name = escape::name(&row.listed.name);
        lines.push(match &row.listed.entry {
            Ok(entry) => [
                name,
                escape::name(entry.interpreter().as_os_str()),
                row.version.map_or_else(dash, |version| described(version, row.model.as_deref())),
                Some(entry.flags().to_string()).filter(|flags| !flags.is_empty()).unwrap_or_else(dash),
                if entry.enabled() { "enabled" } else { "disabled" }.to_owned(),
                row.owner.name().to_owned(),
                match (&row.shadowed_by, &row.outcome) {
                    (Some(first), _) => format!("shadowed by {}", escape::name(first)),
                    (None, None) => dash(),
                    (None, Some((Outcome::Runs, Extent::Small))) => "yes".to_owned(),
                    (None, Some((Outcome::Runs, Extent::Full))) => "yes, in full".to_owned(),
                    (None, Some((Outcome::Fails(why), _))) => format!("no: {why}"),
                    (None, Some((Outcome::Untried(why), _))) => format!("not tried: {why}"),
                },
            ],
            Err(error) => [name, format!("({error})"), dash(), dash(), dash(), dash(), dash()],
        });
    }
    let mut widths = [0; 7];
    for line in &lines {
        for (width, field) in widths.iter_mut().zip(line) {
            *width = field.chars().count().max(*width);
        }
    }
    for line in &lines {
        let padded: Vec<String> =
            line.iter().zip(widths).map(|(field, width)| format!("{field:width$}")).collect();
        output.line(padded.join("  ").trim_end());
    }
    Ok(())
}

/// Prints the same in the schema of docs/register.md.
pub(crate) fn print_json(
    context: &Context,
    misc: Option<&BinfmtMisc>,
    output: &mut Output<'_>,
) -> Result<(), Error> {
    let rows = misc.map_or_else(|| Ok(Vec::new()), |misc| rows(context, misc))?;
    let enabled = misc.map_or(Ok(false), BinfmtMisc::enabled)?;
    let dir = context.request.mount.as_deref().unwrap_or(Path::new(DEFAULT));
    let dir = misc.map_or(dir, BinfmtMisc::dir);
    let mut json = Json::default();
    json.nested(None, OBJECT, |json| {
        json.number("schema", 1);
        json.string(Some("version"), env!("CARGO_PKG_VERSION"));
        json.nested(Some("machine"), OBJECT, |json| {
            json.string(Some("name"), context.machine.name());
            json.optional("kernel", context.kernel.map(|kernel| kernel.to_string()).as_deref());
            json.nested(Some("native"), ARRAY, |json| {
                for native in context.machine.natives() {
                    json.string(None, native.name());
                }
            });
        });
        json.nested(Some("binfmt_misc"), OBJECT, |json| {
            json.string(Some("path"), &dir.to_string_lossy());
            json.boolean("mounted", misc.is_some());
            json.boolean("enabled", enabled);
            json.boolean("user_namespace", !in_initial_user_namespace());
        });
        json.nested(Some("entries"), ARRAY, |json| {
            for row in &rows {
                json.nested(None, OBJECT, |json| row.json(json));
            }
        });
    });
    output.text(json.into_text());
    Ok(())
}

fn rows(context: &Context, misc: &BinfmtMisc) -> Result<Vec<Row>, Error> {
    let runs_programs = !context.request.no_check && context.request.mode != Mode::DryRun;
    let works = misc.enabled()? && runs_programs;
    let all = misc.list()?;
    let mut versions = Finder::default();
    let mut rows: Vec<Row> = Vec::new();
    for listed in all.clone() {
        let Ok(entry) = &listed.entry else {
            let (owner, target) = (Owner::Other, None);
            rows.push(Row {
                listed,
                target,
                owner,
                version: None,
                model: None,
                shadowed_by: None,
                outcome: None,
            });
            continue;
        };
        let (target, owner) = owner::of(entry, &context.request.suffix);
        // Entries of other names may be a target's as well: what counts is which programs they take.
        let target = target.or_else(|| takes(entry));
        if let Selection::Named(targets) = &context.request.selection
            && !target.is_some_and(|target| targets.contains(&target))
        {
            continue;
        }
        let enabled = target.filter(|_| entry.enabled());
        let first = enabled.and_then(|target| winner(&all, target));
        let shadowed_by = first.filter(|first| first.name != listed.name).map(|first| first.name.clone());
        let tried = enabled.filter(|_| works && shadowed_by.is_none());
        let trial = tried.map(|target| context.trials.of(target, &context.request)).transpose()?;
        let (outcome, held, model) = trial.map_or((None, None, None), |trial| {
            (Some((trial.outcome, trial.extent)), trial.version, trial.model)
        });
        let on_disk = || target.and_then(|target| version_of(entry.interpreter(), target, &mut versions));
        let version = held.or_else(on_disk);
        rows.push(Row { target, owner, version, model, shadowed_by, outcome, listed });
    }
    rows.sort_by(|a, b| (a.target.is_none(), &a.listed.name).cmp(&(b.target.is_none(), &b.listed.name)));
    Ok(rows)
}

/// The target whose programs an entry takes, if only one's.
fn takes(entry: &binfmt::Entry) -> Option<Target> {
    let taken = |target: &Target| crate::program::elf(*target).is_some_and(|program| entry.takes(&program));
    let mut targets = Target::all().filter(taken);
    targets.next().filter(|_| targets.next().is_none())
}

/// A QEMU's version, and the CPU model that its file has.
fn described(version: Version, model: Option<&str>) -> String {
    model.map_or_else(|| version.to_string(), |model| format!("{version} -cpu {model}"))
}

/// Reports that no entry has an effect, if binfmt_misc is disabled as a whole.
fn warn_of_a_switch(misc: &BinfmtMisc, output: &mut Output<'_>) -> Result<(), Error> {
    if !misc.enabled()? {
        let dir = misc.dir().join("status");
        output.warning(format_args!("binfmt_misc is disabled as a whole: {} says `disabled`", dir.display()));
        output.hint(format_args!("echo 1 > {}", dir.display()));
    }
    Ok(())
}

const OBJECT: [char; 2] = ['{', '}'];
const ARRAY: [char; 2] = ['[', ']'];

impl Row {
    fn json(&self, json: &mut Json) {
        json.string(Some("name"), &self.listed.name.to_string_lossy());
        json.optional("target", self.target.map(Target::name));
        let entry = self.listed.entry.as_ref();
        let problem = entry.err().map(ToString::to_string);
        json.optional(
            "interpreter",
            entry.ok().map(|entry| entry.interpreter().to_string_lossy()).as_deref(),
        );
        json.optional("flags", entry.ok().map(|entry| entry.flags().to_string()).as_deref());
        json.boolean("enabled", entry.is_ok_and(binfmt::Entry::enabled));
        json.string(Some("owner"), self.owner.name());
        json.optional("shadowed_by", self.shadowed_by.as_ref().map(|name| name.to_string_lossy()).as_deref());
        json.optional("qemu", self.version.map(|version| version.to_string()).as_deref());
        json.optional("cpu", self.model.as_deref());
        let (works, reason) = match &self.outcome {
            None => (None, problem),
            Some((Outcome::Runs, _)) => (Some("yes"), None),
            Some((Outcome::Fails(why), _)) => (Some("no"), Some(why.clone())),
            Some((Outcome::Untried(why), _)) => (None, Some(why.clone())),
        };
        json.optional("works", works);
        json.optional("reason", reason.as_deref());
        json.optional("check", self.outcome.as_ref().map(|(_, extent)| extent.name()));
    }
}

/// Runs the selected targets' programs and reports which run. Those that were named must; otherwise those that are
/// registered must.
pub(crate) fn check(
    context: &Context,
    misc: Option<&BinfmtMisc>,
    output: &mut Output<'_>,
) -> Result<(), Error> {
    let listed = misc.map_or_else(|| Ok(Vec::new()), BinfmtMisc::list)?;
    // After a list it was said.
    if let Some(misc) = misc.filter(|_| !context.request.steps.contains(&Step::List)) {
        warn_of_a_switch(misc, output)?;
    }
    let named = matches!(context.request.selection, Selection::Named(_));
    let (mut running, mut full) = (0, 0);
    let targets = context.request.selection.targets();
    for target in &targets {
        let Trial { outcome, extent, version, model } = context.trials.of(*target, &context.request)?;
        let program = crate::program::elf(*target).unwrap_or_default();
        let registered =
            listed.iter().any(|listed| listed.entry.as_ref().is_ok_and(|entry| entry.takes(&program)));
        match outcome {
            Outcome::Runs => {
                running += 1;
                let by = match (version, context.machine.kinship(*target)) {
                    (Some(version), _) => format!("under QEMU {}", described(version, model.as_deref())),
                    (None, Kinship::Native | Kinship::Family) if !registered => {
                        "on this machine itself".to_owned()
                    }
                    (None, _) => "under an interpreter that is no QEMU".to_owned(),
                };
                let checked = match extent {
                    _ if !context.request.full => "",
                    Extent::Full => ", checked in full",
                    Extent::Small => ", checked by a small program alone: there is no other for it",
                };
                full += usize::from(extent == Extent::Full);
                output.line(format_args!("{target} runs {by}{checked}"));
            }
            Outcome::Fails(why) if named || registered => {
                Error::new(format_args!("a program of {target} does not run: {why}")).print(output);
            }
            Outcome::Fails(why) => output.line(format_args!("{target} does not run: {why}")),
            // That is what was asked for.
            Outcome::Untried(why) => output.error(format_args!("{target} was not tried: {why}")),
        }
    }
    let in_full =
        if context.request.full { format!(", {full} of them checked in full") } else { String::new() };
    output.line(format_args!("{running} of {} targets run{in_full}", targets.len()));
    Ok(())
}
