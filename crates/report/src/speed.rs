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
    /// In the order of the ways; `None` where it cannot be done.
    pub cells: Vec<Option<Time>>,
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
        let user = |way: &Way| way.user.get(index).copied().flatten();
        let best = fastest(&mut emulated().filter_map(user))?;
        let time = |seconds: f64| Time { seconds, times: hundredths(seconds / best) };
        Some(Work { name: name.clone(), cells: target.ways.iter().map(|way| user(way).map(time)).collect() })
    };
    Some(Speed {
        host: speeds.host.clone(),
        target: target.target.clone(),
        suite: target.suite.clone(),
        date: target.date.clone(),
        ways: target.ways.iter().map(column).collect(),
        works: target.works.iter().enumerate().filter_map(work).collect(),
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
            user: user.map(Some).into(),
            ..Way::default()
        };
        let ways =
            vec![way(None, [0.1, 0.2]), way(Some("7.2.22"), [1.0, 3.0]), way(Some("11.1.3"), [1.5, 2.0])];
        let works = ["bash", "xz"].map(str::to_owned).into();
        let target = "x86_64".to_owned();
        let mut targets = vec![TargetSpeeds { target, works, ways, ..TargetSpeeds::default() }];
        targets[0].ways[0].user[1] = None;
        let speeds = Speeds { host: "amd64".to_owned(), targets };
        let [speed] = &of(&speeds)[..] else { panic!() };
        let ways: Vec<_> = speed.ways.iter().map(|way| (way.name.as_str(), way.times)).collect();
        assert_eq!(ways, [("without QEMU", 0.1), ("7.2.22", 1.0), ("11.1.3", 1.5)]);
        let xz = speed.works[1].cells.iter().map(|time| time.as_ref().map(|time| (time.seconds, time.times)));
        assert_eq!(xz.collect::<Vec<_>>(), [None, Some((3.0, 1.5)), Some((2.0, 1.0))]);
    }
}
