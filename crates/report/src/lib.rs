//! The report: which targets there are on which host, as a page, as Markdown, as JSON.
//!
//! A [`Matrix`] is what there is: emulators come from the lock, sizes from a layout if one was built, and [`Programs`] from the
//! results that are kept of them. So the report of one lock and one layout is always the same: it has no date of its own. [`html`]
//! and [`markdown`] are how it looks.
//!
//! This crate reads no file, no clock and no network.

mod html;
mod markdown;
mod matrix;
mod programs;
mod speed;

use anyhow::Context as _;
use minijinja::{Environment, Value};

pub use html::render as html;
pub use markdown::render as markdown;
pub use matrix::Matrix;
pub use programs::Programs;

/// The template `name` with what it is about.
fn fill(
    mut environment: Environment<'static>,
    name: &'static str,
    text: &'static str,
    context: &Value,
) -> anyhow::Result<String> {
    environment.add_template(name, text).with_context(|| format!("{name} is no template"))?;
    let template = environment.get_template(name)?;
    template.render(context).with_context(|| format!("cannot render {name}"))
}
