//! `cargo xtask manifest`: joins what each host's run has pushed into the indexes, and moves the tags.

use builder::expected::Expected;
use builder::join::join;
use builder::plan::{Plan, Selection};
use debian::lock::Lock;
use publish::registry::{Access, Repository, Tagged};
use ship::{Digests, Shipped, connect};

use crate::cli::ManifestArgs;
use crate::context;
use builder::Config;
use ui::{Stdout, Ui};

pub(crate) fn run(args: &ManifestArgs, ui: &Ui) -> anyhow::Result<()> {
    let workspace = context::workspace()?;
    let config = Config::load(&workspace.join("images/images.toml"))?;
    let lock = Lock::load(&context::lock_path(&workspace))?;
    for line in config.compare(&lock, &[])? {
        ui.say(format!("warning: {line}"));
    }
    let compression = args.compression.unwrap_or(config.compression);
    let statements = args.attest.unwrap_or(config.attest);
    let (series, builds) = (args.series.clone(), config.builds.clone());
    let selection = Selection { compression, series, builds, ..Selection::default() };
    let plan = Plan::new(&config.hosts, &selection, &lock)?;
    let repository: Repository = args.repository.as_deref().unwrap_or(&config.repository).parse()?;
    let expected = args.expect.as_deref().map(Expected::load).transpose()?;
    let outputs = [("--digest-file", args.digest_file.as_deref())];
    let stdout = Stdout::claim(args.json.then_some("--json"), &outputs)?;
    let digests = Digests::begin(args.digest_file.as_deref())?;
    let tags = base::runtime()?.block_on(async {
        let access = if args.dry_run { Access::Pull } else { Access::Push };
        let reaching = ui.moment(format!("reaching {}", repository.registry()));
        let registry = connect(&repository, &args.registry.options(), access).await?;
        drop(reaching);
        let expected = expected.as_ref().zip(args.expect.as_deref());
        join(&plan, statements, &registry, expected, args.dry_run, ui).await
    })?;
    let tag = |tag: Tagged| Shipped::new(&repository, &tag.tag, tag.digest, tag.moved);
    let shipped: Vec<Shipped> = tags.into_iter().map(tag).collect();
    digests.write(&shipped)?;
    if args.json {
        return Ok(ui::print(&(serde_json::to_string_pretty(&shipped)? + "\n"))?);
    }
    let moved: Vec<&Shipped> = shipped.iter().filter(|tag| tag.moved).collect();
    for tag in &moved {
        stdout.result(&format!("{} -> {}\n", tag.reference, tag.digest), ui)?;
    }
    let would = if args.dry_run { "would be " } else { "" };
    ui.note(match moved.len() {
        0 => format!("{repository} has everything already: no tag moves"),
        moved => format!("{moved} of {} {would}moved", base::count(shipped.len(), "tag", "tags")),
    });
    Ok(())
}
