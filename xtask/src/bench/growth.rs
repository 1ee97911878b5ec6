//! How cost grows with the number of hosts, measured for a few and estimated for many.

use arch::Host;
use debian::lock::Lock;
use serde::{Deserialize, Serialize};
use testbed::Packages;

use super::room::{Room, bytes_below};
use super::suite::with_register;
use super::{child, push};
use crate::config::SUITES;
use crate::ui::{Ui, size};

/// What a cold build of some hosts took.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Row {
    pub(super) hosts: usize,
    /// In seconds.
    pub(super) time: f64,
    /// The most memory at a time, in bytes.
    pub(super) peak: u64,
    /// Packages that were read, in bytes.
    pub(super) packages: u64,
    /// The layout, in bytes: what a first push uploads.
    pub(super) layout: u64,
    /// Requests to the registry that a first push takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) requests: Option<usize>,
}

/// What many hosts would cost.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Estimate {
    pub(super) what: String,
    pub(super) time: f64,
    pub(super) peak: f64,
    pub(super) packages: f64,
    pub(super) layout: f64,
    pub(super) requests: Option<f64>,
}

/// Builds 1, 3 and all hosts that have a `register`, cold, and pushes them.
pub(super) fn measure(lock: &Lock, room: &Room, packages: &Packages, ui: &Ui) -> anyhow::Result<Vec<Row>> {
    let all = with_register(lock);
    let mut rows = Vec::new();
    for count in [1, 3, all.len()] {
        let hosts: Vec<Host> = all.iter().copied().take(count).collect();
        room.clear()?;
        let run = child::run(&mut room.images(&hosts), "images")?;
        let of_hosts = lock.packages().iter().filter(|package| hosts.contains(&package.host));
        let read = of_hosts.map(|package| package.size).sum();
        let layout = bytes_below(&room.layout())?;
        let (time, peak) = (run.wall, run.peak);
        let requests = push::first_requests(packages, room, &hosts)?;
        let sizes = format!("{}, {}", size(peak), size(layout));
        ui.note(format!("  {count} hosts: {time:.2} s, {sizes}, {requests} requests"));
        rows.push(Row { hosts: count, time, peak, packages: read, layout, requests: Some(requests) });
    }
    Ok(rows)
}

/// For 100 hosts, and for nine hosts from each of Debian's suites.
///
/// What is done once for each host continues the straight line through the rows. Memory does not: what a build holds at a
/// time is bounded by how many jobs it has, so the most that was measured stands.
pub(super) fn estimates(rows: &[Row]) -> Vec<Estimate> {
    let most = rows.iter().map(|row| row.hosts).max().unwrap_or(0);
    let cells = most * SUITES.len();
    let peak = rows.iter().map(|row| row.peak).max().unwrap_or(0) as f64;
    [(100, "100 hosts".to_owned()), (cells, format!("{most} hosts from {} suites", SUITES.len()))]
        .into_iter()
        .map(|(count, what)| {
            let at = |value: fn(&Row) -> f64| {
                line(rows, value).map_or(0.0, |(base, each)| base + each * count as f64)
            };
            Estimate {
                what,
                time: at(|row| row.time),
                peak,
                packages: at(|row| row.packages as f64),
                layout: at(|row| row.layout as f64),
                requests: requests_each(rows).map(|(base, each)| base + each * count as f64),
            }
        })
        .collect()
}

/// The requests of a first push: those for no host, and for each host more; `None` if they were not counted.
pub(super) fn requests_each(rows: &[Row]) -> Option<(f64, f64)> {
    rows.iter().all(|row| row.requests.is_some()).then_some(())?;
    line(rows, |row| row.requests.unwrap_or(0) as f64)
}

/// The straight line through the rows, by least squares: its value for no host, and for each host more.
fn line(rows: &[Row], value: fn(&Row) -> f64) -> Option<(f64, f64)> {
    let count = rows.len() as f64;
    let mean = |of: &dyn Fn(&Row) -> f64| rows.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(&|row| row.hosts as f64), mean(&value));
    let covariance = mean(&|row| (row.hosts as f64 - x) * (value(row) - y));
    let variance = mean(&|row| (row.hosts as f64 - x).powi(2));
    (variance > 0.0).then(|| {
        let each = covariance / variance;
        (y - each * x, each)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(hosts: usize) -> Row {
        Row {
            hosts,
            time: 1.0 + 2.0 * hosts as f64,
            peak: 300 + hosts as u64,
            packages: 10 * hosts as u64,
            layout: 5 + hosts as u64,
            requests: Some(7 + 3 * hosts),
        }
    }

    #[test]
    fn what_grows_by_a_line_is_continued_and_memory_is_not() {
        let estimates = estimates(&[row(1), row(3), row(9)]);
        assert_eq!(estimates[0].what, "100 hosts");
        assert_eq!(estimates[1].what, "9 hosts from 5 suites");
        let seen = &estimates[0];
        for (value, expected) in [
            (seen.time, 201.0),
            (seen.peak, 309.0),
            (seen.packages, 1000.0),
            (seen.layout, 105.0),
            (seen.requests.unwrap(), 307.0),
        ] {
            assert!((value - expected).abs() < 1e-6, "{value} is not {expected}");
        }
    }

    #[test]
    fn one_point_is_no_line() {
        assert_eq!(line(&[row(1)], |row| row.time), None);
    }

    #[test]
    fn requests_that_were_not_counted_are_not_estimated() {
        let rows = [row(1), Row { requests: None, ..row(3) }];
        assert_eq!(requests_each(&rows), None);
        assert_eq!(estimates(&rows)[0].requests, None);
    }
}
