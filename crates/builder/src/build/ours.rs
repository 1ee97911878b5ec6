//! The layers with programs of ours: made when those are built, several at a time.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use anyhow::Context as _;
use arch::{Host, Target};

use super::memo::Memo;
use super::one_file::{self, Padded};
use super::{Builder, base, wanted};
use crate::content::LayerName;
use crate::cross::{Binary, Program, Programs};
use crate::kind::Part;
use crate::packing::Form;
use crate::plan::Plan;

/// A layer that is still to be made.
#[derive(Clone, Copy)]
struct Missing {
    host: Host,
    form: Form,
    name: LayerName,
}

impl Builder<'_> {
    /// Makes what the layout and the cache lack of the layers with `programs`.
    pub(super) fn make_ours(&self, plan: &Plan, programs: &Programs, memo: &Memo) -> anyhow::Result<()> {
        let mut missing = Vec::new();
        for host in plan.hosts() {
            for form in plan.forms() {
                for name in
                    wanted(plan, host, self.lock).into_iter().filter(|name| name.part.program().is_some())
                {
                    if memo.get(&self.key(host, form, name, programs)?, self.layout)?.is_none() {
                        missing.push(Missing { host, form, name });
                    }
                }
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        // The longest first, so that no core is left with one alone at the end.
        missing.sort_by_key(|missing| missing.name.part != Part::Buildkit);
        let mut runners = BTreeMap::new();
        for missing in missing.iter().filter(|missing| missing.name.part.is_one_file()) {
            if let Entry::Vacant(entry) = runners.entry((missing.host, missing.form)) {
                entry.insert(Padded::runner(
                    &program(programs, Program::Run, missing.host)?.bytes,
                    missing.form,
                ));
            }
        }
        let task = self.progress.count("putting our programs into layers", missing.len() as u64);
        ::base::pool(self.jobs.get(), missing, |missing| {
            let runner = runners.get(&(missing.host, missing.form));
            self.make_layer(missing, runner, programs, memo)?;
            task.advance(1);
            Ok(())
        })
        .map(drop)
    }

    fn make_layer(
        &self,
        Missing { host, form, name }: Missing,
        runner: Option<&Padded>,
        programs: &Programs,
        memo: &Memo,
    ) -> anyhow::Result<()> {
        let _span = self.trace.span("ours", || format!("{host} {}", name.created_by()));
        let runner = || runner.context("there is one for every host with such a layer");
        let qemu = |target: Target| -> anyhow::Result<oci::Layer> {
            let name = LayerName { part: Part::Qemu, target: Some(target) };
            Ok(self.layer(host, form, name, programs, memo)?.layer)
        };
        let (packing, layout) = (self.packing(form, name), self.layout);
        let layer = match (name.part, name.target) {
            (Part::Register, _) => {
                base::register_layer(&program(programs, Program::Register, host)?.bytes, form, layout)?
            }
            (Part::Run, _) => base::run_layer(&program(programs, Program::Run, host)?.bytes, form, layout)?,
            (Part::RunWithQemu, Some(target)) => {
                one_file::run_layer(runner()?, (target, &qemu(target)?), packing, layout)?
            }
            (Part::Buildkit, _) => {
                let qemus =
                    name.inside(host, self.lock).into_iter().map(|target| Ok((target, qemu(target)?)));
                one_file::buildkit_layer(
                    runner()?,
                    &qemus.collect::<anyhow::Result<Vec<_>>>()?,
                    packing,
                    layout,
                )?
            }
            _ => return Ok(()),
        };
        memo.put(&self.key(host, form, name, programs)?, &layer, layout)
    }
}

/// `program` for `host`.
pub(super) fn program(programs: &Programs, program: Program, host: Host) -> anyhow::Result<&Binary> {
    programs.get(&(program, host)).with_context(|| format!("no `{program}` was built for {host}"))
}
