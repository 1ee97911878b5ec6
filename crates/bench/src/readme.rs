//! The table in `benches/README.md`, between marks that are comments.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Context as _;

use crate::results::{Measured, Results};

/// Puts the table where the file has marks for it.
pub(crate) fn update(file: &Path, results: &Results) -> anyhow::Result<()> {
    Ok(files::write(file, &updated(file, results)?)?)
}

/// The file's new text.
pub(crate) fn updated(file: &Path, results: &Results) -> anyhow::Result<String> {
    let context = || format!("cannot update {}", file.display());
    let text = fs::read_to_string(file).with_context(context)?;
    base::fill(&text, "figures", &figures(results)).map_err(anyhow::Error::msg).with_context(context)
}

fn figures(results: &Results) -> String {
    let mut text = format!("{}\n", measured(results));
    text.push_str("| what | measured | target | | runs | how |\n|---|---|---|---|---|---|\n");
    for figure in results.figures() {
        let goal = figure.goal.map(|goal| goal.show(figure.unit)).unwrap_or_default();
        let verdict = if figure.met() == Some(false) { "**not met**" } else { figure.verdict() };
        let (what, value) = (&figure.what, figure.unit.show(figure.value));
        let (runs, how) = (figure.runs, &figure.how);
        text.push_str(&format!("| {what} | {value} | {goal} | {verdict} | {runs} | {how} |\n"));
    }
    text
}

/// When what was run, and on how many cores.
fn measured(results: &Results) -> String {
    let mut days: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for (bench, measured) in &results.measured {
        days.entry(measured).or_default().push(format!("`{bench}`"));
    }
    days.iter()
        .map(|(Measured { date, cores }, benches)| {
            format!("Measured on {date}, {cores} cores: {}.\n", benches.join(", "))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::{Figure, Goal, Unit};

    #[test]
    fn each_benchmark_has_its_day_and_each_figure_its_runs() {
        let order = ["a", "b", "c"].map(str::to_owned);
        let on = |date: &str, cores| Measured { date: date.to_owned(), cores };
        let mut results = Results::default();
        results.replace("b", on("2026-01-02", 4), Vec::new(), &order);
        results.replace("c", on("2026-01-02", 4), Vec::new(), &order);
        let figure = Figure::new("a", "time", Unit::Seconds, 1.5, "least").of(3).goal(Goal::AtMost(1.0));
        results.replace("a", on("2026-01-01", 2), vec![figure], &order);
        assert_eq!(
            figures(&results),
            "Measured on 2026-01-01, 2 cores: `a`.\nMeasured on 2026-01-02, 4 cores: `b`, `c`.\n\n\
             | what | measured | target | | runs | how |\n|---|---|---|---|---|---|\n\
             | time | 1.50 s | at most 1.00 s | **not met** | 3 | least |\n"
        );
    }
}
