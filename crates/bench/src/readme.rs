//! The tables in `benches/README.md`, between marks that are comments.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail};

use crate::growth;
use crate::results::{Measured, Results};

/// Puts the tables where the file has marks for them.
pub(crate) fn update(file: &Path, results: &Results) -> anyhow::Result<()> {
    Ok(files::write(file, &updated(file, results)?)?)
}

/// The file's new text.
pub(crate) fn updated(file: &Path, results: &Results) -> anyhow::Result<String> {
    let context = || format!("cannot update {}", file.display());
    let text = fs::read_to_string(file).with_context(context)?;
    let text = replace(&text, "figures", &figures(results)).with_context(context)?;
    replace(&text, "growth", &growth(results)).with_context(context)
}

/// Replaces what is between `<!-- NAME -->` and `<!-- end of NAME -->`.
fn replace(text: &str, name: &str, new: &str) -> anyhow::Result<String> {
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- end of {name} -->"));
    let parts = text.split_once(&begin).and_then(|(head, rest)| Some((head, rest.split_once(&end)?.1)));
    let Some((head, tail)) = parts else {
        bail!("it has no lines `{}` and `{end}`", begin.trim_end());
    };
    Ok(format!("{head}{begin}{new}{end}{tail}"))
}

fn figures(results: &Results) -> String {
    let mut text = format!("\n{}\n", measured(results));
    text.push_str("| what | measured | target | | runs | how |\n|---|---|---|---|---|---|\n");
    for figure in results.figures() {
        let goal = figure.goal.map(|goal| goal.show(figure.unit)).unwrap_or_default();
        let verdict = if figure.met() == Some(false) { "**not met**" } else { figure.verdict() };
        let (what, value) = (&figure.what, figure.unit.show(figure.value));
        let (runs, how) = (figure.runs, &figure.how);
        text.push_str(&format!("| {what} | {value} | {goal} | {verdict} | {runs} | {how} |\n"));
    }
    text.push('\n');
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

fn growth(results: &Results) -> String {
    let mut text = growth::table(&results.growth);
    if let Some(requests) = results.first_push {
        text.push_str(&format!("A first push of everything that is configured takes {requests} requests.\n"));
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::{Figure, Goal, Unit};

    #[test]
    fn only_what_is_between_the_marks_changes() {
        let text = "a\n<!-- x -->\nold\n<!-- end of x -->\nb\n";
        assert_eq!(replace(text, "x", "new\n").unwrap(), "a\n<!-- x -->\nnew\n<!-- end of x -->\nb\n");
        assert_eq!(
            replace(text, "y", "").unwrap_err().to_string(),
            "it has no lines `<!-- y -->` and `<!-- end of y -->`"
        );
    }

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
            "\nMeasured on 2026-01-01, 2 cores: `a`.\nMeasured on 2026-01-02, 4 cores: `b`, `c`.\n\n\
             | what | measured | target | | runs | how |\n|---|---|---|---|---|---|\n\
             | time | 1.50 s | at most 1.00 s | **not met** | 3 | least |\n\n"
        );
    }
}
