//! Builds of 1, 3 and all hosts.

use arch::Host;

use crate::figure::Figure;
use crate::growth::Row;
use crate::results::Results;
use crate::scratch::{bytes_below, with_register};
use crate::suite::Suite;
use crate::{child, push};

impl Suite<'_> {
    /// Builds 1, 3 and all hosts that have a `register`, cold, and pushes them.
    pub fn growth(&self, results: &mut Results) -> anyhow::Result<Vec<Figure>> {
        let (all, packages) = (with_register(self.lock), self.packages()?);
        let mut rows = Vec::new();
        for count in [1, 3, all.len()] {
            let hosts: Vec<Host> = all.iter().copied().take(count).collect();
            self.scratch.clear()?;
            let run = child::run(&mut self.scratch.images(&hosts), "images")?;
            let of_hosts = self.lock.packages().iter().filter(|package| hosts.contains(&package.host));
            let row = Row {
                hosts: count,
                time: run.wall,
                peak: run.peak,
                packages: of_hosts.map(|package| package.size).sum(),
                layout: bytes_below(&self.scratch.layout())?,
                requests: Some(push::first_requests(&packages, &self.scratch, &hosts)?),
            };
            self.progress.note(&format!("  {}", row.cells(&base::count(count, "host", "hosts"))));
            rows.push(row);
        }
        results.growth = rows;
        Ok(Vec::new())
    }
}
