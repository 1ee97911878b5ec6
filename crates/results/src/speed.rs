//! `benches/emulation.json`: the time that the same programs take under each QEMU and each CPU model.

use arch::Target;
use serde::{Deserialize, Serialize};

/// The works that are interpreters: what containers' builds are made of.
pub const INTERPRETERS: [&str; 3] = ["bash", "perl", "python3"];

/// All that was measured on one machine, a target at a time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Speeds {
    /// The machine's name as a host: `amd64`.
    pub host: String,
    /// The targets, in the order in which they are measured.
    pub targets: Vec<TargetSpeeds>,
}

/// The programs of one target.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetSpeeds {
    /// QEMU's name of it: `aarch64`.
    pub target: String,
    /// The suite of Debian that the programs are from.
    pub suite: String,
    /// The day, in UTC: `2026-11-25`.
    pub date: String,
    /// The number of the machine's cores.
    pub cores: usize,
    /// The number of rounds in which the ways took turns.
    pub rounds: usize,
    /// The works, in the order of the times of each way.
    pub works: Vec<String>,
    /// Without QEMU first, if the machine runs the programs itself, and then the oldest QEMU first.
    pub ways: Vec<Way>,
}

/// A way to run a target's programs, and the times that they took so.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Way {
    /// QEMU's version; `None` without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qemu: Option<String>,
    /// The CPU model, if not QEMU's own default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The QEMU is linked to shared libraries. The images have static ones.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dynamic: bool,
    /// The seconds of user time of each work: the least of all rounds. `None` if it cannot be done so.
    pub user: Vec<Option<f64>>,
    /// The seconds that passed, likewise.
    pub wall: Vec<Option<f64>>,
}

impl Way {
    /// True for a static QEMU with its own default model.
    pub fn is_default(&self) -> bool {
        self.qemu.is_some() && self.model.is_none() && !self.dynamic
    }

    /// The words for it: `11.1.3, neoverse-n1`.
    pub fn name(&self) -> String {
        let qemu = self.qemu.as_deref().unwrap_or("without QEMU");
        let model = self.model.iter().map(String::as_str);
        let dynamic = self.dynamic.then_some("dynamic");
        [qemu].into_iter().chain(model).chain(dynamic).collect::<Vec<_>>().join(", ")
    }
}

impl TargetSpeeds {
    /// The ways of static QEMUs with their own default models, the oldest first.
    pub fn defaults(&self) -> impl DoubleEndedIterator<Item = &Way> {
        self.ways.iter().filter(|way| way.is_default())
    }

    /// The ways with the model that is known to be of use to the target, the oldest QEMU first.
    pub fn preferred(&self) -> impl DoubleEndedIterator<Item = &Way> {
        let target: Option<Target> = self.target.parse().ok();
        let model = target.and_then(Target::preferred_cpu).map(|model| model.name);
        self.ways.iter().filter(move |way| way.model.is_some() && way.model.as_deref() == model)
    }

    /// The default way of the QEMU that `way` has.
    pub fn default_of(&self, way: &Way) -> Option<&Way> {
        self.defaults().find(|default| default.qemu == way.qemu)
    }

    /// The speed of each work in one way, in that of another: two is twice as fast. `None` if one of them cannot do it.
    pub fn ratios<'a>(&'a self, base: &'a Way, way: &'a Way) -> impl Iterator<Item = (&'a str, Option<f64>)> {
        let times = base.user.iter().zip(&way.user).map(|(base, way)| Some((*base)? / (*way)?));
        self.works.iter().map(String::as_str).zip(times)
    }

    /// The same for interpreters: the geometric mean.
    pub fn interpreters(&self, base: &Way, way: &Way) -> f64 {
        let ratios = self.ratios(base, way).filter(|(work, _)| INTERPRETERS.contains(work));
        let logarithms: Vec<f64> = ratios.filter_map(|(_, ratio)| Some(ratio?.ln())).collect();
        (logarithms.iter().sum::<f64>() / logarithms.len() as f64).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(qemu: Option<&str>, model: Option<&str>, user: [f64; 4]) -> Way {
        let (qemu, model) = (qemu.map(str::to_owned), model.map(str::to_owned));
        let times = user.map(Some);
        Way { qemu, model, dynamic: false, user: times.into(), wall: times.into() }
    }

    #[test]
    fn interpreters_are_compared_by_the_geometric_mean() {
        let ways = vec![
            way(None, None, [0.5; 4]),
            way(Some("7.2.22"), None, [1.0, 1.0, 1.0, 1.0]),
            way(Some("11.1.3"), None, [4.0, 2.0, 1.0, 9.0]),
            way(Some("11.1.3"), Some("neoverse-n1"), [2.0, 2.0, 2.0, 3.0]),
            Way { dynamic: true, ..way(Some("7.2.22"), None, [1.0; 4]) },
        ];
        let names: Vec<String> = ways.iter().map(Way::name).collect();
        let expected = ["without QEMU", "7.2.22", "11.1.3", "11.1.3, neoverse-n1", "7.2.22, dynamic"];
        assert_eq!(names, expected);
        let works = ["bash", "perl", "python3", "xz"].map(str::to_owned).into();
        let target = "aarch64".to_owned();
        let mut speeds = TargetSpeeds { target, works, ways, ..TargetSpeeds::default() };
        let of = |index: usize| &speeds.ways[index];
        assert_eq!(speeds.defaults().map(Way::name).collect::<Vec<_>>(), ["7.2.22", "11.1.3"]);
        assert_eq!(speeds.preferred().map(Way::name).collect::<Vec<_>>(), ["11.1.3, neoverse-n1"]);
        assert_eq!(speeds.default_of(of(3)), Some(of(2)));
        assert_eq!(speeds.default_of(of(0)), None);
        // The cube root of 1/4, 1/2 and 1.
        assert!((speeds.interpreters(of(1), of(2)) - 0.5).abs() < 1e-12);
        assert!((speeds.interpreters(of(2), of(3)) - 1.0).abs() < 1e-12);
        let ratios: Vec<_> = speeds.ratios(of(2), of(3)).collect();
        assert_eq!(
            ratios,
            [("bash", Some(2.0)), ("perl", Some(1.0)), ("python3", Some(0.5)), ("xz", Some(3.0))]
        );
        // What cannot be done in a way is no ratio, and no part of a mean.
        (speeds.ways[0].user[0], speeds.ways[0].user[1]) = (None, None);
        let of = |index: usize| &speeds.ways[index];
        assert_eq!(
            speeds.ratios(of(1), of(0)).map(|(_, ratio)| ratio).collect::<Vec<_>>()[..2],
            [None, None]
        );
        assert!((speeds.interpreters(of(1), of(0)) - 2.0).abs() < 1e-12);
    }
}
