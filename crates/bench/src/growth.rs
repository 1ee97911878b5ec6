//! The growth of cost with the number of hosts: measured for 1, 3 and all, and estimated for more.

use base::size;
use debian::SUITES;
use serde::{Deserialize, Serialize};

/// The cost of a cold build of some hosts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) hosts: usize,
    /// In seconds.
    pub(crate) time: f64,
    /// The most memory at a time, in bytes.
    pub(crate) peak: u64,
    /// Packages that were read, in bytes.
    pub(crate) packages: u64,
    /// The layout, in bytes: what a first push uploads.
    pub(crate) layout: u64,
    /// Requests to the registry that a first push takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) requests: Option<usize>,
}

impl Row {
    /// The row of a table.
    pub(crate) fn cells(&self, what: &str) -> String {
        let Row { time, peak, packages, layout, requests, .. } = self;
        let time = if *time < 100.0 { format!("{time:.1}") } else { format!("{time:.0}") };
        let requests = requests.map(|requests| requests.to_string()).unwrap_or_default();
        format!(
            "| {what} | {time} s | {} | {} | {} | {requests} |",
            size(*peak),
            size(*packages),
            size(*layout)
        )
    }
}

/// The table, with estimates for 100 hosts, and for all hosts from each of Debian's suites.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut text =
        "| | time | peak memory | packages | layout, and what a first push uploads | its requests |\n\
                    |---|---|---|---|---|---|\n"
            .to_owned();
    for row in rows {
        text.push_str(&row.cells(&base::count(row.hosts, "host", "hosts")));
        text.push('\n');
    }
    let several = match rows {
        [first, .., last] if last.hosts > first.hosts => Some((first, last)),
        _ => None,
    };
    if let Some((first, last)) = several {
        let suites = SUITES.len();
        let of_suites = format!("{} hosts from {suites} suites", last.hosts);
        for (hosts, what) in [(100, "100 hosts".to_owned()), (last.hosts * suites, of_suites)] {
            text.push_str(&estimate(rows, first, last, hosts).cells(&format!("{what}, estimated")));
            text.push('\n');
        }
    }
    text.push_str("\nOne run of each, at the level `quick`.\n");
    if let Some((first, last)) = several {
        text.push_str(&format!(
            "Estimates continue the straight line from the first row to the last, except for memory: what a build holds at a time is bounded by\n\
             how many jobs it has, one for each core, and not by how many hosts there are, so the most that was measured stands. The suites are\n\
             {}.\n",
            SUITES.join(", ")
        ));
        if let (Some(before), Some(after)) = (first.requests, last.requests) {
            let each = (after - before) / (last.hosts - first.hosts);
            text.push_str(&format!("Each host more takes {each} requests more.\n"));
        }
    }
    text
}

/// The cost of `hosts` hosts, on the line from `first` to `last`.
fn estimate(rows: &[Row], first: &Row, last: &Row, hosts: usize) -> Row {
    let share = (hosts as f64 - first.hosts as f64) / (last.hosts as f64 - first.hosts as f64);
    let at = |from: f64, to: f64| (from + (to - from) * share).max(0.0);
    let whole = |from: u64, to: u64| at(from as f64, to as f64).round() as u64;
    Row {
        hosts,
        time: at(first.time, last.time),
        peak: rows.iter().map(|row| row.peak).max().unwrap_or(0),
        packages: whole(first.packages, last.packages),
        layout: whole(first.layout, last.layout),
        requests: first
            .requests
            .zip(last.requests)
            .map(|(from, to)| at(from as f64, to as f64).round() as usize),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(hosts: usize, requests: Option<usize>) -> Row {
        Row {
            hosts,
            time: 1.0 + 2.0 * hosts as f64,
            peak: 50_000_000 + hosts as u64,
            packages: 1_000_000 * hosts as u64,
            layout: 5_000_000 + 2_000_000 * hosts as u64,
            requests,
        }
    }

    #[test]
    fn what_grows_by_a_line_is_continued_and_memory_is_not() {
        let text = table(&[row(1, Some(11)), row(3, Some(31)), row(9, Some(91))]);
        let expected = "| 1 host | 3.0 s | 50.0 MB | 1.0 MB | 7.0 MB | 11 |\n\
                        | 3 hosts | 7.0 s | 50.0 MB | 3.0 MB | 11.0 MB | 31 |\n\
                        | 9 hosts | 19.0 s | 50.0 MB | 9.0 MB | 23.0 MB | 91 |\n\
                        | 100 hosts, estimated | 201 s | 50.0 MB | 100.0 MB | 205.0 MB | 1001 |\n\
                        | 9 hosts from 5 suites, estimated | 91.0 s | 50.0 MB | 45.0 MB | 95.0 MB | 451 |\n\n";
        assert!(text.contains(expected) && text.ends_with("takes 10 requests more.\n"), "{text}");
    }

    #[test]
    fn what_was_not_counted_or_is_one_point_is_not_estimated() {
        let text = table(&[row(1, None), row(9, None)]);
        assert!(text.contains("205.0 MB |  |\n") && !text.contains("requests more"), "{text}");
        let text = table(&[row(1, Some(11))]);
        assert!(text.ends_with("| 11 |\n\nOne run of each, at the level `quick`.\n"), "{text}");
    }
}
