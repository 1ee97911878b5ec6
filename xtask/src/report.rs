//! `cargo xtask report`: which targets there are on which host, as a page, as Markdown, as JSON.

use std::path::Path;

use anyhow::Context as _;
use debian::lock::Lock;
use publish::layout::Layout;

use crate::choice;
use crate::cli::full::ReportArgs;
use crate::context;
use base::Hinted;
use builder::{Config, Sizes};
use report::Matrix;
use ui::Ui;

/// The folder where `cargo xtask images` puts the layout.
const LAYOUT: &str = "target/images";

pub(crate) fn run(args: &ReportArgs, ui: &Ui) -> anyhow::Result<()> {
    let workspace = context::workspace()?;
    let config = Config::load(&workspace.join("images/images.toml"))?;
    let lock = Lock::load(&context::lock_path(&workspace))?;
    let results = choice::load(&workspace)?;
    let choices = choice::choose(&lock, &results, &config);
    if choice::apply(&choices, &lock)? != lock {
        let chosen =
            "images/conformance.toml and images/images.toml choose other QEMUs than images/debian.lock has";
        ui.say(format!("warning: {chosen}; run `cargo xtask lock`"));
    }
    let layout = args.layout.as_deref().unwrap_or(Path::new(LAYOUT));
    let cannot_take = || format!("cannot take sizes from {}", layout.display());
    let sizes = match (layout.exists(), &args.layout) {
        (true, _) => {
            Layout::open(layout).and_then(|layout| Sizes::read(&layout)).with_context(cannot_take)?
        }
        (false, None) => {
            ui.say(format!("warning: {} is not there: the report has no sizes", layout.display()));
            Sizes::default()
        }
        (false, Some(_)) => {
            let hint =
                "`cargo xtask images` builds the layout target/images; without --layout, a report needs none";
            let error = Hinted::new("there is no such directory", hint);
            return Err(anyhow::Error::new(error).context(cannot_take()));
        }
    };
    let matrix = Matrix::new(&lock, &sizes, &config.repository, &results, &choices)
        .with_speeds(choice::speeds(&workspace)?.as_ref());
    for (name, text) in [("index.html", report::html(&matrix)?), ("report.md", report::markdown(&matrix)?)] {
        let path = args.output.join(name);
        files::write(&path, &text)?;
        ui.note(format!("wrote {}", path.display()));
    }
    if args.json {
        ui::print(&(serde_json::to_string_pretty(&matrix)? + "\n"))?;
    }
    Ok(())
}
