//! Builds of 1, 3 and all hosts.

use arch::Host;
use base::size;
use debian::Progress;
use debian::lock::Lock;
use testbed::Packages;

use crate::figure::Figure;
use crate::growth::Row;
use crate::results::Results;
use crate::room::{Room, bytes_below, with_register};
use crate::suite::Suite;
use crate::{child, push};

impl Suite<'_> {
    /// Builds 1, 3 and all hosts that have a `register`, cold, and pushes them.
    pub fn growth(&self, results: &mut Results) -> anyhow::Result<Vec<Figure>> {
        results.set_growth(measure(self.lock, &self.room, &self.packages()?, self.progress)?);
        Ok(Vec::new())
    }
}

/// Builds 1, 3 and all hosts that have a `register`, cold, and pushes them.
pub(crate) fn measure(
    lock: &Lock,
    room: &Room,
    packages: &Packages,
    progress: &dyn Progress,
) -> anyhow::Result<Vec<Row>> {
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
        progress.note(&format!(
            "  {}: {time:.2} s, {sizes}, {requests} requests",
            base::count(count, "host", "hosts")
        ));
        rows.push(Row { hosts: count, time, peak, packages: read, layout, requests: Some(requests) });
    }
    Ok(rows)
}
