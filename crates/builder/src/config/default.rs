//! The cells that a maintainer has chosen a series for.

use std::collections::{BTreeMap, BTreeSet};

use arch::{Host, Target, UnknownName};
use debian::lock::NEWEST;

/// The series of cells, of one host or of all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Defaults(BTreeMap<(Option<Host>, Target), String>);

impl Defaults {
    /// Adds the series of `cell`, which is a target, or a host and a target: `amd64/i386`.
    pub(super) fn add(
        &mut self,
        cell: &str,
        hosts: &[Host],
        series: &str,
        all: &[String],
    ) -> Result<(), String> {
        let unknown = |error: UnknownName| error.to_string();
        let (host, target) = match cell.rsplit_once('/') {
            None => (None, cell),
            Some((host, target)) => {
                let host: Host = host.parse().map_err(unknown)?;
                if !hosts.contains(&host) {
                    return Err(format!("`{host}` is not one of `hosts`"));
                }
                (Some(host), target)
            }
        };
        let target: Target = target.parse().map_err(unknown)?;
        let names = || all.iter().map(String::as_str).chain([NEWEST]);
        if !names().any(|name| name == series) {
            return Err(UnknownName::new("series", series, names()).to_string());
        }
        match self.0.insert((host, target.binary()), series.to_owned()) {
            None => Ok(()),
            Some(_) => Err(format!("`{cell}` is there twice")),
        }
    }

    /// The series of each cell of `hosts` that has one.
    pub(super) fn of_hosts(&self, hosts: &[Host]) -> impl Iterator<Item = (Host, Target, &str)> {
        let targets: BTreeSet<Target> = self.0.keys().map(|(_, target)| *target).collect();
        let cells =
            hosts.iter().flat_map(move |&host| targets.clone().into_iter().map(move |target| (host, target)));
        cells.filter_map(|(host, target)| Some((host, target, self.of(host, target)?.0)))
    }

    /// The series of a cell, and whether it is named with its host, which comes first.
    pub fn of(&self, host: Host, target: Target) -> Option<(&str, bool)> {
        let of =
            |host: Option<Host>| self.0.get(&(host, target)).map(|series| (series.as_str(), host.is_some()));
        of(Some(host)).or_else(|| of(None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_of_its_own_comes_first() {
        let hosts: Vec<Host> = Host::all().collect();
        let mut defaults = Defaults::default();
        for (cell, series) in [("i386", "trixie"), ("amd64/i386", NEWEST), ("linux/arm/v7/i386", "trixie")] {
            defaults.add(cell, &hosts, series, &["trixie".to_owned()]).unwrap();
        }
        let of = |host: &str, target: &str| defaults.of(host.parse().unwrap(), target.parse().unwrap());
        assert_eq!(of("amd64", "i386"), Some((NEWEST, true)));
        assert_eq!(of("s390x", "i386"), Some(("trixie", false)));
        assert_eq!(of("arm32v7", "i386"), Some(("trixie", true)));
        assert_eq!(of("amd64", "arm"), None);
    }
}
