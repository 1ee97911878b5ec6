//! Speed, sizes and cost, on the real packages and next to what it should be.
//!
//! [`Suite`] has a method for each benchmark of ours, [`emulation()`] is QEMU's. Builds run as children of this program, with a cache of their own that has the
//! packages and nothing made from them (`scratch`), so nothing of the user's is thrown away. A ratio is made of runs that took
//! turns, so that a busy moment hits both sides. [`Results`] are kept in a file after each benchmark, so that one that fails
//! takes none with it; running one benchmark again replaces its figures and the table made from them.
//!
//! This crate builds nothing by itself, and measures nothing in its own process.

mod child;
mod cold;
pub mod emulation;
mod figure;
mod first_run;
mod flow;
mod push;
mod readme;
mod register;
mod results;
mod run;
mod scratch;
mod suite;

use std::path::Path;

use anyhow::Context as _;

pub use self::results::Results;
pub use emulation::emulation;
pub use figure::Figure;
pub use suite::Suite;

/// Fails if what is measured could not be kept in `output`.
pub fn check(results: &Results, output: &Path) -> anyhow::Result<()> {
    readme::updated(&output.join("README.md"), results)?;
    let writable = tempfile::tempfile_in(output);
    writable.map(drop).with_context(|| format!("cannot write into {}", output.display()))
}

/// Makes the table of the README in `output` from the results.
pub fn draw(results: &Results, output: &Path) -> anyhow::Result<()> {
    readme::update(&output.join("README.md"), results)
}

/// Says what was measured, and puts it among the results under `title`, in the `order` of titles.
pub fn keep(
    title: &str,
    figures: Vec<Figure>,
    order: &[String],
    results: &mut Results,
    progress: &dyn debian::Progress,
) {
    for figure in &figures {
        let (what, value) = (&figure.what, figure.unit.show(figure.value));
        progress.note(&format!("  {what}: {value} ({})", figure.how));
    }
    results.replace(title, self::results::Measured::now(), figures, order);
}

/// Figures next to what they should be.
pub fn table<'a>(figures: impl Iterator<Item = &'a Figure>) -> String {
    let mut rows = vec![["BENCH", "WHAT", "MEASURED", "TARGET", ""].map(str::to_owned)];
    rows.extend(figures.map(|figure| {
        let goal = figure.goal.map(|goal| goal.show(figure.unit)).unwrap_or_default();
        let value = figure.unit.show(figure.value);
        [figure.bench.clone(), figure.what.clone(), value, goal, figure.verdict().to_owned()]
    }));
    base::table(&rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_nothing_can_be_kept_nothing_is_measured() {
        let dir = tempfile::tempdir().unwrap();
        let error = check(&Results::default(), dir.path()).unwrap_err().to_string();
        assert_eq!(error, format!("cannot update {}", dir.path().join("README.md").display()));
        let text = "<!-- figures:begin -->\n<!-- figures:end -->\n";
        std::fs::write(dir.path().join("README.md"), text).unwrap();
        check(&Results::default(), dir.path()).unwrap();
        assert_eq!(std::fs::read_to_string(dir.path().join("README.md")).unwrap(), text);
    }
}
