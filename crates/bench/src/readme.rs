//! The tables in `benches/README.md`, between marks that are comments.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail};

use crate::growth::{self, Estimate, Row};
use crate::results::{Measured, Results};
use base::size;
use debian::SUITES;

/// Puts the tables where the file has marks for them.
pub(crate) fn update(file: &Path, results: &Results) -> anyhow::Result<()> {
    Ok(files::write(file, &updated(file, results)?)?)
}

/// What the file is to say.
pub(crate) fn updated(file: &Path, results: &Results) -> anyhow::Result<String> {
    let context = || format!("cannot update {}", file.display());
    let text = fs::read_to_string(file).with_context(context)?;
    let text = replace(&text, "figures", &figures(results)).with_context(context)?;
    replace(&text, "growth", &growth_table(results)).with_context(context)
}

/// What is between `<!-- NAME -->` and `<!-- end of NAME -->`, replaced.
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
    for (bench, measured) in results.measured() {
        days.entry(measured).or_default().push(format!("`{bench}`"));
    }
    days.iter()
        .map(|(Measured { date, cores }, benches)| {
            format!("Measured on {date}, {cores} cores: {}.\n", benches.join(", "))
        })
        .collect()
}

fn growth_table(results: &Results) -> String {
    let mut text =
        "\n| | time | peak memory | packages | layout, and what a first push uploads | its requests |\n\
                    |---|---|---|---|---|---|\n"
            .to_owned();
    for &Row { hosts, time, peak, packages, layout, requests } in results.growth() {
        let hosts = base::count(hosts, "host", "hosts");
        let (peak, packages, layout) = (size(peak), size(packages), size(layout));
        let requests = requests.map(|requests| requests.to_string()).unwrap_or_default();
        text.push_str(&format!("| {hosts} | {time:.1} s | {peak} | {packages} | {layout} | {requests} |\n"));
    }
    text.push_str("\nOne run of each, at the level `quick`.\n");
    if results.growth().len() > 1 {
        let rows = text.find("\n\nOne run").map_or(text.len(), |end| end + 1);
        text.insert_str(rows, &estimates(results.growth()));
        text.push_str(&format!(
            "Estimates continue the straight line through the rows, except for memory: what a build holds at a time is bounded by how many jobs it\n\
             has, one for each core, and not by how many hosts there are, so the most that was measured stands. The suites are {}.\n",
            SUITES.join(", ")
        ));
        if let Some((_, each)) = growth::requests_each(results.growth()) {
            text.push_str(&format!("Each host more takes {each:.0} requests more.\n"));
        }
    }
    if let Some(requests) = results.first_push() {
        text.push_str(&format!("A first push of everything that is configured takes {requests} requests.\n"));
    }
    text.push('\n');
    text
}

fn estimates(rows: &[Row]) -> String {
    let bytes = |value: f64| size(value.max(0.0) as u64);
    let row = |Estimate { what, time, peak, packages, layout, requests }: Estimate| {
        let (peak, packages, layout) = (bytes(peak), bytes(packages), bytes(layout));
        let requests = requests.map(|requests| format!("{requests:.0}")).unwrap_or_default();
        format!("| {what}, estimated | {time:.0} s | {peak} | {packages} | {layout} | {requests} |\n")
    };
    growth::estimates(rows).into_iter().map(row).collect()
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

    #[test]
    fn estimates_stand_below_what_was_measured() {
        let row = |hosts: usize, requests| Row {
            hosts,
            time: hosts as f64,
            peak: 50_000_000 + hosts as u64,
            packages: 1_000_000 * hosts as u64,
            layout: 2_000_000 * hosts as u64,
            requests,
        };
        let mut results = Results::default();
        results.set_growth(vec![row(1, Some(11)), row(9, Some(91))]);
        let text = growth_table(&results);
        let expected = "| 9 hosts | 9.0 s | 50.0 MB | 9.0 MB | 18.0 MB | 91 |\n\
                        | 100 hosts, estimated | 100 s | 50.0 MB | 100.0 MB | 200.0 MB | 1001 |\n";
        assert!(text.contains(expected) && text.contains("takes 10 requests more"), "{text}");
        results.set_growth(vec![row(1, None), row(9, None)]);
        let text = growth_table(&results);
        assert!(text.contains("200.0 MB |  |\n") && !text.contains("requests more"), "{text}");
    }
}
