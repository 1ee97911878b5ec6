//! The contents of a lock: a table for people, JSON for machines.

use arch::{Host, Target};
use serde::Serialize;

use super::Lock;

/// The number of targets that each package gives to each host.
pub fn table(lock: &Lock, hosts: &[Host]) -> String {
    let mut rows =
        vec![["HOST", "PACKAGE", "VERSION", "SUITE", "TARGETS", "SERIES", "SIZE"].map(str::to_owned)];
    for host in hosts {
        for package in lock.packages().iter().filter(|package| package.host == *host) {
            let number = |targets: usize| if targets == 0 { "-".to_owned() } else { targets.to_string() };
            rows.push([
                host.to_string(),
                package.name.clone(),
                package.version.clone(),
                package.suite.clone(),
                number(package.targets().count()),
                number(package.series.len()),
                base::size(package.size),
            ]);
        }
    }
    base::table(&rows)
}

#[derive(Debug, Serialize)]
struct PackageJson<'a> {
    host: &'a str,
    package: &'a str,
    version: &'a str,
    suite: &'a str,
    /// Those that the newest of each target takes from it.
    targets: Vec<&'static str>,
    /// Those that the series of its suite has.
    series: Vec<&'static str>,
    /// Those in it that are taken from an older series by choice.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    passed_over: Vec<&'static str>,
    size: u64,
    digest: String,
}

/// Every package, for machines.
pub fn json(lock: &Lock) -> serde_json::Result<String> {
    let packages: Vec<PackageJson<'_>> = lock
        .packages()
        .iter()
        .map(|package| PackageJson {
            host: package.host.name(),
            package: &package.name,
            version: &package.version,
            suite: &package.suite,
            targets: package.targets().map(Target::name).collect(),
            series: package.series.iter().map(|target| target.name()).collect(),
            passed_over: package.passed_over.iter().map(|target| target.name()).collect(),
            size: package.size,
            digest: package.digest.to_string(),
        })
        .collect();
    serde_json::to_string_pretty(&packages).map(|text| text + "\n")
}
