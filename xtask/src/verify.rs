//! `cargo xtask verify`: is a layout what it says it is, and does it hold what it should?

use std::path::Path;

use anyhow::Context as _;
use debian::lock::Lock;
use publish::layout::LayoutWriter;
use publish::registry::{Access, Reference};

use crate::cli::{RegistryArgs, VerifyArgs};
use crate::context;
#[cfg(feature = "full")]
use crate::sign;
use base::{count, size};
use ui::Ui;

pub(crate) fn run(args: &VerifyArgs, ui: &Ui) -> anyhow::Result<()> {
    let path = Path::new(&args.what);
    // A folder that is there is meant.
    if path.exists() {
        #[cfg(feature = "full")]
        if args.key.is_some() {
            return Err(sign::no_layout(&args.what).into());
        }
        return verify_layout(path, &args.what, args, ui);
    }
    let reference = ship::named(&args.what)?;
    // What is proved is what was signed, should a tag move meanwhile.
    #[cfg(feature = "full")]
    let reference = {
        let (pinned, problems) = sign::proven(&reference, args, ui)?;
        settle(&args.what, &problems, ui)?;
        pinned
    };
    if args.deep {
        let copy = tempfile::tempdir().context("cannot make a temporary directory")?;
        pull(&reference, &args.registry, copy.path(), ui)?;
        return verify_layout(copy.path(), &args.what, args, ui);
    }
    settle(&args.what, &inspect(&reference, &args.registry, ui)?, ui)
}

/// Asks the registry for all that `reference` leads to; the problems that were found.
fn inspect(reference: &Reference, args: &RegistryArgs, ui: &Ui) -> anyhow::Result<Vec<String>> {
    let step = ui.step(format!("verifying {reference}"));
    let found = base::runtime()?.block_on(async {
        let registry = ship::connect(reference.repository(), &args.options(), Access::Pull).await?;
        anyhow::Ok(registry.inspect(&reference.name()).await?)
    })?;
    drop(step);
    if found.problems.is_empty() {
        ui::print(&format!(
            "{reference}: {}, {}, {} images and blobs ({}): all there\n",
            found.descriptor.digest,
            count(found.platforms.len(), "platform", "platforms"),
            found.blobs,
            size(found.size),
        ))?;
    }
    Ok(found.problems.iter().map(ToString::to_string).collect())
}

/// Copies what `reference` names into a layout at `to`.
fn pull(reference: &Reference, args: &RegistryArgs, to: &Path, ui: &Ui) -> anyhow::Result<()> {
    let _step = ui.step(format!("downloading {reference}"));
    base::runtime()?.block_on(async {
        let registry = ship::connect(reference.repository(), &args.options(), Access::Pull).await?;
        let layout = LayoutWriter::create(to)?;
        let name = reference.name();
        let descriptor = registry.pull(&name, &layout).await?;
        layout.finish(&reference.repository().to_string(), &[(name, descriptor)])?;
        Ok(())
    })
}

fn verify_layout(path: &Path, name: &str, args: &VerifyArgs, ui: &Ui) -> anyhow::Result<()> {
    // An image is compared with a lock only where there is one; it may be from another.
    let lock = context::workspace().ok().and_then(|root| Lock::load(&context::lock_path(&root)).ok());
    let step = ui.step(format!("verifying {name}"));
    let verified = builder::verify(path, base::jobs(args.jobs).get(), lock.as_ref())?;
    let elapsed = step.elapsed().as_secs_f64();
    drop(step);
    if verified.problems.is_empty() {
        ui::print(&format!("{name}: {}: all as they should be ({elapsed:.1} s)\n", verified.counts()))?;
    }
    for line in verified.absent {
        ui.note(line);
    }
    settle(name, &verified.problems, ui)
}

/// Problems are reported one by one, and then make an error.
fn settle(name: &str, problems: &[String], ui: &Ui) -> anyhow::Result<()> {
    for problem in problems {
        ui.say(problem);
    }
    match problems.len() {
        0 => Ok(()),
        1 => anyhow::bail!("{name}: 1 problem"),
        number => anyhow::bail!("{name}: {number} problems"),
    }
}
