//! The report as Markdown tables.

use std::collections::BTreeSet;

use base::size;
use debian::QemuVersion;
use minijinja::{Environment, Value, context};

use crate::matrix::Matrix;

/// The targets of each host, then the hosts themselves.
pub fn render(matrix: &Matrix) -> anyhow::Result<String> {
    let mut environment = Environment::new();
    environment.set_keep_trailing_newline(true);
    environment.set_undefined_behavior(minijinja::UndefinedBehavior::SemiStrict);
    // Nothing that is put into a cell ends it.
    environment.set_formatter(|out, _, value| Ok(out.write_str(&value.to_string().replace('|', "\\|"))?));
    environment.add_filter("size", size);
    environment.add_filter("times", |times: f64| format!("x{times:.2}"));
    environment.add_filter("time", time);
    let context = context! { matrix => Value::from_serialize(matrix), versions => versions(matrix) };
    crate::fill(environment, "page.md", include_str!("page.md"), &context)
}

/// Each version that has tags of its own, and for how many targets each machine has it.
fn versions(matrix: &Matrix) -> Vec<(String, Vec<usize>)> {
    let cells = matrix.targets.iter().flat_map(|target| &target.cells).flatten();
    let versions: BTreeSet<QemuVersion> = cells.flat_map(|cell| cell.versions.iter().copied()).collect();
    let of = |version: QemuVersion| {
        let number = |place: usize| {
            let cells = matrix.targets.iter().filter_map(|target| target.cells.get(place)?.as_ref());
            cells.filter(|cell| cell.versions.contains(&version)).count()
        };
        (version.to_string(), (0..matrix.hosts.len()).map(number).collect())
    };
    versions.into_iter().rev().map(of).collect()
}

/// `48.90 s x1.16`, as far as something has seconds and a multiple.
fn time(of: &Value) -> Result<String, minijinja::Error> {
    let number = |name| of.get_attr(name).map(|value| f64::try_from(value).ok());
    let seconds = number("seconds")?.map(|seconds| format!("{seconds:.2} s")).unwrap_or_default();
    let times = number("times")?.map(|times| format!(" x{times:.2}")).unwrap_or_default();
    Ok(seconds + &times)
}
