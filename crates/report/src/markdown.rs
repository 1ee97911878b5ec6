//! The report as Markdown tables.

use std::collections::BTreeSet;

use base::size;
use debian::QemuVersion;

use crate::matrix::{Cell, Matrix};

/// The targets of each host, then the hosts themselves.
pub fn render(matrix: &Matrix) -> String {
    let mut text = String::from("# Which programs run on which machine\n\n");
    let from: Vec<String> = matrix
        .editions
        .iter()
        .map(|edition| format!("QEMU {} from {} ({})", edition.qemu, edition.suite, edition.date))
        .collect();
    text.push_str(&format!(
        "Rows are what is emulated, columns are machines. In each cell: QEMU's version, the suite of Debian that it \
         is from, and what has to be downloaded.\n\n{}.\n\n",
        from.join(", ")
    ));
    let heads = matrix.hosts.iter().map(|host| format!("{}<br>`{}`", host.name, host.platform));
    row(&mut text, std::iter::once("target".to_owned()).chain(heads));
    row(&mut text, std::iter::repeat_n("---".to_owned(), matrix.hosts.len() + 1));
    for target in &matrix.targets {
        let retired = if target.retired { "<br>retired" } else { "" };
        let head = format!("**{}**{retired}", target.name);
        row(&mut text, std::iter::once(head).chain(target.cells.iter().map(|c| cell(c.as_ref()))));
    }
    push_versions(&mut text, matrix);
    text.push_str("\n## Machines\n\n");
    row(
        &mut text,
        ["host", "platform", "Debian", "QEMU", "image with everything", "without privilege"]
            .map(str::to_owned),
    );
    row(&mut text, ["---"; 6].map(str::to_owned));
    for host in &matrix.hosts {
        let tag = host.pkg_tag.as_deref().unwrap_or("latest");
        let image = match host.size {
            Some(bytes) => format!("`{tag}`, {}", size(bytes)),
            None => format!("`{tag}`"),
        };
        let (platform, debian) = (format!("`{}`", host.platform), host.debian.clone());
        let run = host.run_tag.map_or_else(|| "-".to_owned(), |tag| format!("`{tag}`"));
        row(&mut text, [host.name.clone(), platform, debian, host.qemu.clone(), image, run]);
    }
    text
}

/// The tags that have one QEMU throughout, and for how many targets each machine has it.
fn push_versions(text: &mut String, matrix: &Matrix) {
    let cells = matrix.targets.iter().flat_map(|target| &target.cells).flatten();
    let versions: BTreeSet<QemuVersion> = cells.flat_map(|cell| cell.versions.iter().copied()).collect();
    text.push_str(
        "\n## Which QEMU\n\nBeside the newest, which `latest` and the names of targets stand for, each version has tags of its own; \
         `d10.0-aarch64` is `d10.0` with one target. The number of targets with it, by machine:\n\n",
    );
    row(text, ["tag".to_owned()].into_iter().chain(matrix.hosts.iter().map(|host| host.name.clone())));
    row(text, std::iter::repeat_n("---".to_owned(), matrix.hosts.len() + 1));
    for version in versions.into_iter().rev() {
        let number = |place: usize| {
            let cells = matrix.targets.iter().filter_map(|target| target.cells.get(place)?.as_ref());
            match cells.filter(|cell| cell.versions.contains(&version)).count() {
                0 => "-".to_owned(),
                number => number.to_string(),
            }
        };
        row(text, [format!("`d{version}`")].into_iter().chain((0..matrix.hosts.len()).map(number)));
    }
}

fn cell(cell: Option<&Cell>) -> String {
    let Some(cell) = cell else { return "-".to_owned() };
    let size = cell.size.map(|bytes| format!("<br>{}", size(bytes))).unwrap_or_default();
    format!("{} {}{size}", cell.qemu, cell.suite)
}

fn row(text: &mut String, cells: impl IntoIterator<Item = String>) {
    for cell in cells {
        text.push_str("| ");
        text.push_str(&cell.replace('|', "\\|"));
        text.push(' ');
    }
    text.push_str("|\n");
}
