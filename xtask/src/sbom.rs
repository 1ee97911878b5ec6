//! `cargo xtask sbom`: what is in an image, as the statement beside it says.

use std::path::Path;

use arch::Host;
use attest::cyclonedx::Bom;
use attest::spdx::Document;
use builder::sbom;
use publish::registry::Access;

use crate::cli::{Format, SbomArgs};
use base::{Hinted, count};
use ui::Ui;

pub(crate) fn run(args: &SbomArgs, ui: &Ui) -> anyhow::Result<()> {
    let host = args.host.map_or_else(Host::native, Ok)?;
    let path = Path::new(&args.what);
    // As with `verify`, a folder that is there is meant.
    let document = match path.exists() {
        true => sbom::of_layout(path, args.tag.as_deref(), host)?,
        false => of_registry(args, host, ui)?,
    };
    ui::print(&match args.format {
        Format::Table => sbom::table_of(&document),
        Format::Spdx => serde_json::to_string_pretty(&document)? + "\n",
        Format::Cyclonedx => serde_json::to_string_pretty(&Bom::of(&document))? + "\n",
    })?;
    let packages = count(document.packages.len(), "package", "packages");
    let files = count(document.files.len(), "file", "files");
    ui.note(format!("{}: {packages}, {files}", document.name));
    Ok(())
}

fn of_registry(args: &SbomArgs, host: Host, ui: &Ui) -> anyhow::Result<Document> {
    let reference = ship::named(&args.what)?;
    if args.tag.is_some() {
        let hint = format!("name it with the image: {}:TAG", reference.repository());
        return Err(Hinted::new("`--tag` is for layouts", hint).into());
    }
    let _step = ui.moment(format!("reading {reference}"));
    let runtime = base::runtime()?;
    let registry =
        runtime.block_on(ship::connect(reference.repository(), &args.registry.options(), Access::Pull))?;
    sbom::of_registry(&registry, &reference, host, runtime)
}
