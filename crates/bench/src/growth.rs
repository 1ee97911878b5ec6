//! The growth of cost with the number of hosts: measured for 1, 3 and all.

use base::size;
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

/// The table.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut text =
        "| | time | peak memory | packages | layout, and what a first push uploads | its requests |\n\
                    |---|---|---|---|---|---|\n"
            .to_owned();
    for row in rows {
        text.push_str(&row.cells(&base::count(row.hosts, "host", "hosts")));
        text.push('\n');
    }
    text.push_str("\nOne run of each, at the level `quick`.\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_counted_is_left_out() {
        let row = |hosts: usize, requests| Row {
            hosts,
            time: 60.0 * hosts as f64,
            peak: 50_000_000,
            packages: 1_000_000 * hosts as u64,
            layout: 2_000_000 * hosts as u64,
            requests,
        };
        let text = table(&[row(1, Some(11)), row(3, None)]);
        let expected = "|---|\n| 1 host | 60.0 s | 50.0 MB | 1.0 MB | 2.0 MB | 11 |\n\
                        | 3 hosts | 180 s | 50.0 MB | 3.0 MB | 6.0 MB |  |\n\n\
                        One run of each, at the level `quick`.\n";
        assert!(text.ends_with(expected), "{text}");
    }
}
