//! The outcome of one workload under one QEMU, and its text: `pass 1.25`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use arch::UnknownName;
use serde::{Deserialize, Serialize};

/// The kinds of outcomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Everything was as expected.
    Pass,
    /// The same, in a multiple of the time of the best QEMU of the same run.
    Slow,
    /// The output or the exit status was another one, or a limit was reached, or processes were left.
    Wrong,
    /// QEMU, or a program under it, was ended by a signal that no workload sends.
    Crash,
    /// It had not ended when its time was over.
    Hang,
    /// The suite of the programs lacks a package that it needs: it was not tried.
    Absent,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Outcome; 6] =
        [Outcome::Pass, Outcome::Slow, Outcome::Wrong, Outcome::Crash, Outcome::Hang, Outcome::Absent];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Pass => "pass",
            Outcome::Slow => "slow",
            Outcome::Wrong => "wrong",
            Outcome::Crash => "crash",
            Outcome::Hang => "hang",
            Outcome::Absent => "absent",
        }
    }

    /// True if the programs did what they should; a slow pass is one, too.
    pub fn is_pass(self) -> bool {
        matches!(self, Outcome::Pass | Outcome::Slow)
    }

    /// True if the programs did not do what they should.
    pub fn is_failure(self) -> bool {
        matches!(self, Outcome::Wrong | Outcome::Crash | Outcome::Hang)
    }
}

impl FromStr for Outcome {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Outcome, UnknownName> {
        let found = Outcome::ALL.into_iter().find(|outcome| outcome.name() == name);
        found.ok_or_else(|| UnknownName::new("outcome", name, Outcome::ALL.map(Outcome::name)))
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The outcome of a workload under a QEMU, with the time of a pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    outcome: Outcome,
    /// The hundredths of seconds that processors spent in programs, of those that pass.
    hundredths: Option<u64>,
}

impl Cell {
    /// This outcome, in this user time. Only the time of a pass is kept, in hundredths of seconds.
    pub fn new(outcome: Outcome, user: Duration) -> Cell {
        let hundredths = u64::try_from((user.as_millis() + 5) / 10).unwrap_or(u64::MAX);
        Cell { outcome, hundredths: outcome.is_pass().then_some(hundredths) }
    }

    /// Its outcome.
    pub fn outcome(self) -> Outcome {
        self.outcome
    }

    /// The user time of a pass.
    pub fn user(self) -> Option<Duration> {
        self.hundredths.map(|hundredths| Duration::from_millis(hundredths.saturating_mul(10)))
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.hundredths {
            Some(user) => write!(f, "{} {}.{:02}", self.outcome, user / 100, user % 100),
            None => write!(f, "{}", self.outcome),
        }
    }
}

impl FromStr for Cell {
    type Err = String;

    fn from_str(text: &str) -> Result<Cell, String> {
        let (outcome, time) =
            text.split_once(' ').map_or((text, None), |(outcome, time)| (outcome, Some(time)));
        let outcome: Outcome = outcome.parse().map_err(|error: UnknownName| error.to_string())?;
        let hundredths = match time {
            None if outcome.is_pass() => return Err(format!("`{text}` has no time, as in `{outcome} 1.25`")),
            None => None,
            Some(_) if !outcome.is_pass() => {
                return Err(format!("`{text}` has a time, which only a pass has"));
            }
            Some(time) => Some(hundredths(time).ok_or_else(|| {
                format!("`{time}` is no time in seconds with two decimals, as in `{outcome} 1.25`")
            })?),
        };
        Ok(Cell { outcome, hundredths })
    }
}

/// Reads `1.25`, as it is written and in no other way.
fn hundredths(text: &str) -> Option<u64> {
    let (seconds, decimals) = text.split_once('.')?;
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let is_plain = are_digits(seconds) && are_digits(decimals) && decimals.len() == 2;
    let has_no_zeros = seconds == "0" || !seconds.starts_with('0');
    let number: u64 = (is_plain && has_no_zeros).then(|| seconds.parse().ok())??;
    number.checked_mul(100)?.checked_add(decimals.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pass_has_a_time_and_nothing_else_has() {
        for text in ["pass 1.25", "pass 0.00", "slow 900.10", "wrong", "crash", "hang", "absent"] {
            assert_eq!(text.parse::<Cell>().unwrap().to_string(), text);
        }
        let check = |text: &str, expected: &str| assert_eq!(text.parse::<Cell>().unwrap_err(), expected);
        check("pass", "`pass` has no time, as in `pass 1.25`");
        check("slow", "`slow` has no time, as in `slow 1.25`");
        check("crash 1.25", "`crash 1.25` has a time, which only a pass has");
        check("crush", "unknown outcome `crush` (did you mean `crash`?)");
        check("", "unknown outcome ``");
        for time in
            ["1", "1.2", "1.234", ".25", "01.25", "00.25", "-1.25", "+1.25", "1,25", "1.25 s", "1e3", ""]
        {
            let expected = format!("`{time}` is no time in seconds with two decimals, as in `pass 1.25`");
            check(&format!("pass {time}"), &expected);
        }
        let large = format!("pass {}.00", u64::MAX);
        assert!(large.parse::<Cell>().is_err());
    }

    #[test]
    fn times_are_kept_in_hundredths() {
        let check = |outcome, milliseconds, expected: &str| {
            let cell = Cell::new(outcome, Duration::from_millis(milliseconds));
            assert_eq!(cell.to_string(), expected);
            assert_eq!(expected.parse::<Cell>().unwrap(), cell);
        };
        check(Outcome::Pass, 1254, "pass 1.25");
        check(Outcome::Pass, 1255, "pass 1.26");
        check(Outcome::Slow, 61_000, "slow 61.00");
        check(Outcome::Crash, 1254, "crash");
        check(Outcome::Absent, 0, "absent");
        let cell = Cell::new(Outcome::Pass, Duration::from_millis(4));
        assert_eq!((cell.outcome(), cell.user()), (Outcome::Pass, Some(Duration::ZERO)));
        assert_eq!(Cell::new(Outcome::Hang, Duration::from_secs(9)).user(), None);
    }
}
