//! The report as Markdown tables.

use std::collections::BTreeSet;

use base::size;
use debian::QemuVersion;

use crate::matrix::{Cell, Matrix};
use crate::programs::{Qemu, System, Tried};
use crate::speed::Speed;

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
    push_programs(&mut text, matrix);
    push_speeds(&mut text, matrix);
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

/// The outcomes of real programs: how many pass under each QEMU, and then each of them.
fn push_programs(text: &mut String, matrix: &Matrix) {
    let programs = &matrix.programs;
    if programs.systems.is_empty() {
        return;
    }
    text.push_str(
        "\n## Which QEMU runs real programs\n\nPrograms of Debian, under each QEMU: how many pass, and the time of those that pass \
         under all. Tags without a version have the one that is marked `default`, which is the newest unless an older one passes all \
         that it passes, and more.\n\n",
    );
    let heads =
        ["target", "programs", "machine"].into_iter().chain(programs.series.iter().map(String::as_str));
    row(text, heads.chain(["why"]).map(str::to_owned));
    row(text, std::iter::repeat_n("---".to_owned(), programs.series.len() + 4));
    for system in &programs.systems {
        let System { host, target, architecture, suite, .. } = system;
        let first = [format!("`{target}`"), format!("{architecture}, {suite}"), host.clone()];
        let qemus = system.qemus.iter().map(|qemu| qemu.as_ref().map_or("-".to_owned(), passes));
        row(text, first.into_iter().chain(qemus).chain([why(system)]));
    }
    for system in &programs.systems {
        let System { host, target, architecture, suite, .. } = system;
        text.push_str(&format!("\n### `{target}`: {architecture} of {suite}, on {host}\n\n"));
        let qemus = || system.qemus.iter().flatten();
        let heads = qemus().map(|qemu| format!("{} ({})", qemu.version, qemu.series));
        row(text, ["workload".to_owned()].into_iter().chain(heads));
        row(text, std::iter::repeat_n("---".to_owned(), qemus().count() + 1));
        for workload in &system.workloads {
            let tried = system.qemus.iter().zip(&workload.outcomes).filter(|(qemu, _)| qemu.is_some());
            let tried = tried.map(|(_, tried)| tried.as_ref().map_or("-".to_owned(), outcome));
            row(text, [workload.name.clone()].into_iter().chain(tried));
        }
    }
}

/// The time of each work under each QEMU.
fn push_speeds(text: &mut String, matrix: &Matrix) {
    if matrix.speeds.is_empty() {
        return;
    }
    text.push_str(
        "\n## How fast each QEMU is\n\nThe user time of the same programs, and how many times that of the fastest QEMU it is: with its own \
         default CPU, with another model, and linked dynamically, which the images' are not.\n",
    );
    for Speed { host, target, suite, date, ways, works } in &matrix.speeds {
        text.push_str(&format!("\n### `{target}`: programs of {suite}, on {host}, {date}\n\n"));
        row(text, ["work".to_owned()].into_iter().chain(ways.iter().map(|way| way.name.clone())));
        row(text, std::iter::repeat_n("---".to_owned(), ways.len() + 1));
        let interpreters = ways.iter().map(|way| format!("x{:.2}", way.times));
        row(text, ["**interpreters**".to_owned()].into_iter().chain(interpreters));
        for work in works {
            let cells = work.cells.iter().map(|cell| match cell {
                Some(cell) => format!("{:.2} s x{:.2}", cell.seconds, cell.times),
                None => "-".to_owned(),
            });
            row(text, [work.name.clone()].into_iter().chain(cells));
        }
    }
}

/// `11.1.3 default<br>23 of 25, 48.90 s x1.16`
fn passes(qemu: &Qemu) -> String {
    let default = if qemu.default { " `default`" } else { "" };
    let stale = if qemu.stale { "; no longer the one that is locked" } else { "" };
    let time = time(qemu.seconds, qemu.times).map(|time| format!(", {time}")).unwrap_or_default();
    format!("{}{default}<br>{} of {}{time}{stale}", qemu.version, qemu.passes, qemu.tried)
}

fn why(system: &System) -> String {
    let Some(choice) = &system.choice else { return "-".to_owned() };
    let all: Vec<&str> = [&choice.text].into_iter().chain(&choice.stale).map(String::as_str).collect();
    all.join("; ")
}

fn outcome(tried: &Tried) -> String {
    match time(tried.seconds, tried.times) {
        Some(time) => format!("{} {time}", tried.outcome),
        None if tried.outcome.is_failure() => format!("**{}**", tried.outcome),
        None => tried.outcome.to_string(),
    }
}

fn time(seconds: Option<f64>, times: Option<f64>) -> Option<String> {
    let times = times.map(|times| format!(" x{times:.2}")).unwrap_or_default();
    seconds.map(|seconds| format!("{seconds:.2} s{times}"))
}

fn cell(cell: Option<&Cell>) -> String {
    let Some(cell) = cell else { return "-".to_owned() };
    let size = cell.size.map(|bytes| format!("<br>{}", size(bytes))).unwrap_or_default();
    let is_older = cell.choice.as_ref().is_some_and(|choice| choice.older);
    let note = if is_older { "<br>not the newest" } else { "" };
    format!("{} {}{size}{note}", cell.qemu, cell.suite)
}

fn row(text: &mut String, cells: impl IntoIterator<Item = String>) {
    for cell in cells {
        text.push_str("| ");
        text.push_str(&cell.replace('|', "\\|"));
        text.push(' ');
    }
    text.push_str("|\n");
}
