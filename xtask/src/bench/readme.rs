//! The tables in `benches/README.md`, between marks that are comments.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail};

use super::growth::{self, Row};
use super::results::Results;
use crate::config::SUITES;
use crate::files;
use crate::ui::size;

/// Puts the tables where the file has marks for them.
pub(super) fn update(file: &Path, results: &Results) -> anyhow::Result<()> {
    let context = || format!("cannot update {}", file.display());
    let text = fs::read_to_string(file).with_context(context)?;
    let text = replace(&text, "figures", &figures(results)).with_context(context)?;
    let text = replace(&text, "growth", &growth_table(results)).with_context(context)?;
    files::write(file, &text)
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
    let mut text = format!("\nMeasured on {} cores.\n\n", results.cores());
    text.push_str("| what | measured | target | | how |\n|---|---|---|---|---|\n");
    for figure in results.figures() {
        let goal = figure.goal.map(|goal| goal.show(figure.unit)).unwrap_or_default();
        let verdict = if figure.met() == Some(false) { "**not met**" } else { figure.verdict() };
        let value = figure.unit.show(figure.value);
        text.push_str(&format!("| {} | {value} | {goal} | {verdict} | {} |\n", figure.what, figure.how));
    }
    text.push('\n');
    text
}

fn growth_table(results: &Results) -> String {
    let mut text =
        "\n| | time | peak memory | packages | layout, and what a first push uploads |\n".to_owned();
    text.push_str("|---|---|---|---|---|\n");
    for &Row { hosts, time, peak, packages, layout } in results.growth() {
        let noun = if hosts == 1 { "host" } else { "hosts" };
        let (peak, packages, layout) = (size(peak), size(packages), size(layout));
        text.push_str(&format!("| {hosts} {noun} | {time:.1} s | {peak} | {packages} | {layout} |\n"));
    }
    if results.growth().len() > 1 {
        for estimate in growth::estimates(results.growth()) {
            let bytes = |value: f64| size(value.max(0.0) as u64);
            text.push_str(&format!(
                "| {}, estimated | {:.0} s | {} | {} | {} |\n",
                estimate.what,
                estimate.time,
                bytes(estimate.peak),
                bytes(estimate.packages),
                bytes(estimate.layout)
            ));
        }
        text.push_str(&format!(
            "\nEstimates continue the straight line through the rows. The suites are {}.\n",
            SUITES.join(", ")
        ));
    }
    if let Some(requests) = results.first_push() {
        text.push_str(&format!("A first push of everything that is configured takes {requests} requests.\n"));
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_marks_changes() {
        let text = "a\n<!-- x -->\nold\n<!-- end of x -->\nb\n";
        assert_eq!(replace(text, "x", "new\n").unwrap(), "a\n<!-- x -->\nnew\n<!-- end of x -->\nb\n");
        assert_eq!(
            replace(text, "y", "").unwrap_err().to_string(),
            "it has no lines `<!-- y -->` and `<!-- end of y -->`"
        );
    }
}
