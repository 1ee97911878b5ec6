//! The speed of each QEMU and CPU model, as `cargo xtask bench emulation` measured it.

use results::{Speeds, TargetSpeeds, Way};
use serde::Serialize;

/// The times of one target's programs.
#[derive(Debug, Serialize)]
pub struct Speed {
    /// The machine that QEMU was for.
    pub host: String,
    pub target: String,
    /// The suite of the programs.
    pub suite: String,
    /// The day, in UTC.
    pub date: String,
    pub ways: Vec<Column>,
    pub works: Vec<Work>,
}

/// A QEMU with a CPU model, or the machine itself.
#[derive(Debug, Serialize)]
pub struct Column {
    pub name: String,
    /// The time of interpreters, as a multiple of that under the fastest QEMU.
    pub times: f64,
}

/// A work.
#[derive(Debug, Serialize)]
pub struct Work {
    pub name: String,
    /// In the order of the ways.
    pub cells: Vec<Time>,
}

/// The user time of a work.
#[derive(Debug, Serialize)]
pub struct Time {
    pub seconds: f64,
    /// The multiple of that under the fastest QEMU.
    pub times: f64,
}

/// The speeds of each target.
pub(crate) fn of(speeds: &Speeds) -> Vec<Speed> {
    speeds.targets.iter().filter_map(|target| of_target(speeds, target)).collect()
}

fn of_target(speeds: &Speeds, target: &TargetSpeeds) -> Option<Speed> {
    let fastest = |ways: &mut dyn Iterator<Item = f64>| ways.min_by(f64::total_cmp);
    let emulated = || target.ways.iter().filter(|way| way.qemu.is_some());
    // Against any of them: the ratios of two ways do not depend on the third.
    let base = target.defaults().next()?;
    let interpreters = |way: &Way| 1.0 / target.interpreters(base, way);
    let best = fastest(&mut emulated().map(interpreters))?;
    let column = |way: &Way| Column { name: way.name(), times: hundredths(interpreters(way) / best) };
    let work = |(index, name): (usize, &String)| {
        let best = fastest(&mut emulated().filter_map(|way| way.user.get(index).copied()))?;
        let time = |way: &Way| {
            let seconds = *way.user.get(index)?;
            Some(Time { seconds, times: hundredths(seconds / best) })
        };
        Some(Work { name: name.clone(), cells: target.ways.iter().map(time).collect::<Option<_>>()? })
    };
    Some(Speed {
        host: speeds.host.clone(),
        target: target.target.clone(),
        suite: target.suite.clone(),
        date: speeds.date.clone(),
        ways: target.ways.iter().map(column).collect(),
        works: target.works.iter().enumerate().map(work).collect::<Option<_>>()?,
    })
}

fn hundredths(times: f64) -> f64 {
    (times * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_multiples_of_the_fastest_qemus() {
        let way = |qemu: Option<&str>, user: [f64; 2]| Way {
            qemu: qemu.map(str::to_owned),
            model: None,
            dynamic: false,
            user: user.into(),
            wall: user.into(),
        };
        let ways =
            vec![way(None, [0.1, 0.2]), way(Some("7.2.22"), [1.0, 3.0]), way(Some("11.1.3"), [1.5, 2.0])];
        let works = ["bash", "xz"].map(str::to_owned).into();
        let (target, suite) = ("x86_64".to_owned(), "bookworm".to_owned());
        let targets = vec![TargetSpeeds { target, suite, rounds: 1, works, ways }];
        let speeds = Speeds { host: "amd64".to_owned(), date: "2026-01-01".to_owned(), cores: 2, targets };
        let [speed] = &of(&speeds)[..] else { panic!() };
        let ways: Vec<_> = speed.ways.iter().map(|way| (way.name.as_str(), way.times)).collect();
        assert_eq!(ways, [("without QEMU", 0.1), ("7.2.22", 1.0), ("11.1.3", 1.5)]);
        let xz: Vec<_> = speed.works[1].cells.iter().map(|time| (time.seconds, time.times)).collect();
        assert_eq!(xz, [(0.2, 0.1), (3.0, 1.5), (2.0, 1.0)]);
    }
}
