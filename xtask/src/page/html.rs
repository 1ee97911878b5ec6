//! The report as one HTML file that wants nothing from elsewhere.

use anyhow::Context as _;
use minijinja::{AutoEscape, Environment, Value, context};

use super::matrix::Matrix;
use crate::ui::size;

/// The page; everything that is put into it is escaped.
pub(super) fn render(matrix: &Matrix) -> anyhow::Result<String> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_undefined_behavior(minijinja::UndefinedBehavior::SemiStrict);
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    environment.add_filter("size", size);
    environment.add_template("page", include_str!("page.html")).context("page.html is no template")?;
    let page = environment.get_template("page").context("page.html is no template")?;
    page.render(context! {
        matrix => Value::from_serialize(matrix),
        style => Value::from_safe_string(include_str!("page.css").to_owned()),
        script => Value::from_safe_string(include_str!("page.js").to_owned()),
    })
    .context("cannot render page.html")
}
