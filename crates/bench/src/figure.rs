//! The result of a benchmark: one figure, and whether it is what it should be.

use serde::{Deserialize, Serialize};

/// The unit of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Unit {
    Seconds,
    Bytes,
    /// So many times as fast, or as long.
    Times,
    Count,
    /// Of 1.
    Share,
}

impl Unit {
    /// For people: `1.23 s`, `24.0 ms`, `101.8 MB`, `6.4x`.
    pub(crate) fn show(self, value: f64) -> String {
        match self {
            Unit::Seconds if value < 0.1 => format!("{:.1} ms", value * 1000.0),
            Unit::Seconds => format!("{value:.2} s"),
            // The edge of a target is finer than what people read.
            Unit::Bytes if (1e6..1e7).contains(&value) => format!("{:.2} MB", value / 1e6),
            Unit::Bytes => base::size(value.max(0.0).round() as u64),
            Unit::Times => format!("{value:.2}x"),
            Unit::Count => format!("{value:.0}"),
            Unit::Share => format!("{:.0} %", value * 100.0),
        }
    }
}

/// The target of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Goal {
    AtMost(f64),
    AtLeast(f64),
}

impl Goal {
    pub(crate) fn is_met(self, value: f64) -> bool {
        match self {
            Goal::AtMost(most) => value <= most,
            Goal::AtLeast(least) => value >= least,
        }
    }

    pub(crate) fn show(self, unit: Unit) -> String {
        match self {
            Goal::AtMost(most) => format!("at most {}", unit.show(most)),
            Goal::AtLeast(least) => format!("at least {}", unit.show(least)),
        }
    }
}

/// One measured figure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// The benchmark that it is from.
    pub(crate) bench: String,
    pub(crate) what: String,
    pub(crate) value: f64,
    pub(crate) unit: Unit,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) goal: Option<Goal>,
    /// The number of runs behind it.
    pub(crate) runs: usize,
    /// Out of what the value was made.
    pub(crate) how: String,
}

impl Figure {
    pub(crate) fn new(bench: &str, what: &str, unit: Unit, value: f64, how: impl Into<String>) -> Figure {
        let (bench, what, how) = (bench.to_owned(), what.to_owned(), how.into());
        Figure { bench, what, value, unit, goal: None, runs: 1, how }
    }

    /// It is of so many runs, and not of one.
    pub(crate) fn of(mut self, runs: usize) -> Figure {
        self.runs = runs;
        self
    }

    pub(crate) fn goal(mut self, goal: Goal) -> Figure {
        self.goal = Some(goal);
        self
    }

    /// The benchmark that it is of.
    pub fn bench(&self) -> &str {
        &self.bench
    }

    /// `None` if it was not to be anything.
    pub fn met(&self) -> Option<bool> {
        self.goal.map(|goal| goal.is_met(self.value))
    }

    pub(crate) fn verdict(&self) -> &'static str {
        match self.met() {
            Some(true) => "met",
            Some(false) => "not met",
            None => "",
        }
    }
}

/// The least of several measurements: what the machine can do when nothing else asks for it.
pub(crate) fn least(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

/// All of them, for the reader to judge: `12.1, 12.4 s`.
pub(crate) fn list(values: &[f64]) -> String {
    let values: Vec<String> = values.iter().map(|value| format!("{value:.2}")).collect();
    format!("{} s", values.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goals_are_met_at_their_edge() {
        for (goal, value, met) in [
            (Goal::AtMost(2.0), 2.0, true),
            (Goal::AtMost(2.0), 2.1, false),
            (Goal::AtLeast(6.0), 6.0, true),
            (Goal::AtLeast(6.0), 3.0, false),
            (Goal::AtMost(0.0), 0.0, true),
            (Goal::AtMost(0.0), 1.0, false),
        ] {
            assert_eq!(goal.is_met(value), met, "{goal:?} {value}");
        }
    }

    #[test]
    fn values_read_well() {
        for (unit, value, expected) in [
            (Unit::Seconds, 1.234, "1.23 s"),
            (Unit::Seconds, 0.0243, "24.3 ms"),
            (Unit::Bytes, 101_800_000.0, "101.8 MB"),
            (Unit::Bytes, 4_204_000.0, "4.20 MB"),
            (Unit::Times, 6.4, "6.40x"),
            (Unit::Share, 0.973, "97 %"),
            (Unit::Count, 1.0, "1"),
        ] {
            assert_eq!(unit.show(value), expected);
        }
        assert_eq!(least(&[2.0, 1.0, 3.0]), 1.0);
        assert_eq!(list(&[1.0, 2.345]), "1.00, 2.35 s");
    }
}
