//! How cost grows with the number of hosts: what was measured for a few, and an estimate for many.

use debian::SUITES;
use serde::{Deserialize, Serialize};

/// What a cold build of some hosts took.
#[derive(Debug, Clone, Serialize, Deserialize)]
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

/// What many hosts would cost.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Estimate {
    pub(crate) what: String,
    pub(crate) time: f64,
    pub(crate) peak: f64,
    pub(crate) packages: f64,
    pub(crate) layout: f64,
    pub(crate) requests: Option<f64>,
}

/// For 100 hosts, and for nine hosts from each of Debian's suites.
///
/// What is done once for each host continues the straight line through the rows. Memory does not: what a build holds at a
/// time is bounded by how many jobs it has, so the most that was measured stands.
pub(crate) fn estimates(rows: &[Row]) -> Vec<Estimate> {
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
pub(crate) fn requests_each(rows: &[Row]) -> Option<(f64, f64)> {
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
