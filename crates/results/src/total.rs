//! All workloads of a system together, under each of its QEMUs.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::outcome::Outcome;
use crate::series::Series;
use crate::system::System;

/// The workloads of a system under one QEMU.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Total {
    /// The number of those that pass,
    pub passed: usize,
    /// of so many that were tried.
    pub tried: usize,
    /// The user time of those that pass under each QEMU, with which QEMUs are compared: `None` where there are none, and without another
    /// QEMU. One under which nothing passes counts for none.
    pub user: Option<Duration>,
}

impl System {
    /// The total of each series.
    pub fn totals(&self) -> BTreeMap<&Series, Total> {
        let mut totals: BTreeMap<&Series, Total> =
            self.qemus().keys().map(|series| (series, Total::default())).collect();
        for (series, total) in &mut totals {
            let cells = self.workloads().values().filter_map(|cells| cells.get(series));
            for outcome in cells.map(|cell| cell.outcome()).filter(|outcome| *outcome != Outcome::Absent) {
                total.tried += 1;
                total.passed += usize::from(outcome.is_pass());
            }
        }
        let compared: Vec<&Series> =
            totals.iter().filter(|(_, total)| total.passed > 0).map(|(series, _)| *series).collect();
        if compared.len() < 2 {
            return totals;
        }
        for cells in self.workloads().values() {
            let times = compared.iter().map(|series| Some((*series, cells.get(series)?.user()?)));
            for (series, time) in times.collect::<Option<Vec<_>>>().into_iter().flatten() {
                let total = totals.entry(series).or_default();
                total.user = Some(total.user.unwrap_or_default() + time);
            }
        }
        totals
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::Results;

    /// The totals of a system with these workloads, as `passed/tried time`.
    fn check(workloads: &str, expected: &[(&str, &str)]) {
        let text = format!(
            "version = 1\n[[system]]\nhost = \"amd64\"\ntarget = \"arm\"\narchitecture = \"armhf\"\nsuite = \"bookworm\"\n\
             qemu = {{ newest = {{ version = \"11\", package = \"11\" }}, trixie = {{ version = \"10\", package = \"10\" }} }}\n\
             [system.workload]\n{workloads}"
        );
        let results = Results::parse(&text).unwrap();
        let totals = results.systems().values().next().unwrap().totals();
        let shown = |(series, total): (&&Series, &Total)| {
            let user = total.user.map_or(String::new(), |user| format!(" {:.2}", user.as_secs_f64()));
            (series.name().to_owned(), format!("{}/{}{user}", total.passed, total.tried))
        };
        let expected: Vec<_> =
            expected.iter().map(|(series, total)| ((*series).to_owned(), (*total).to_owned())).collect();
        assert_eq!(totals.iter().map(shown).collect::<Vec<_>>(), expected, "{workloads}");
    }

    #[test]
    fn what_all_pass_is_compared() {
        let bash = "bash = { newest = \"pass 2.00\", trixie = \"slow 9.00\" }\n";
        check(bash, &[("newest", "1/1 2.00"), ("trixie", "1/1 9.00")]);
        let git = "git = { newest = \"pass 1.00\", trixie = \"crash\" }\ngo = { newest = \"pass 5.00\" }\n";
        check(&[bash, git].concat(), &[("newest", "3/3 2.00"), ("trixie", "1/2 9.00")]);
        check(git, &[("newest", "2/2"), ("trixie", "0/1")]);
        check("node = { newest = \"absent\", trixie = \"hang\" }", &[("newest", "0/0"), ("trixie", "0/1")]);
        let apart = "a = { newest = \"pass 1.00\" }\nb = { trixie = \"pass 1.00\" }\n";
        check(apart, &[("newest", "1/1"), ("trixie", "1/1")]);
    }
}
