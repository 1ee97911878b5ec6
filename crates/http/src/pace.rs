//! The pace of a transfer: neither silent for too long nor too slow.

use std::time::Duration;

use tokio::time::Instant;

use crate::failure::Cause;
use crate::options::Options;

/// Judges a transfer by how many bytes have moved at which moments. It reads no clock.
#[derive(Debug)]
pub(crate) struct Pace {
    stall: Duration,
    window: Duration,
    least: u64,
    total: u64,
    moved: Instant,
    opened: Instant,
    at_opening: u64,
}

impl Pace {
    /// A transfer that begins `now`.
    pub(crate) fn new(options: &Options, now: Instant) -> Pace {
        let Options { stall, window, least, .. } = *options;
        Pace { stall, window, least, total: 0, moved: now, opened: now, at_opening: 0 }
    }

    /// From now on nothing is left to move, and only silence counts.
    pub(crate) fn complete(&mut self) {
        self.least = 0;
    }

    /// Takes in that `total` bytes have moved until `now`. Fails if too little has.
    pub(crate) fn at(&mut self, now: Instant, total: u64) -> Result<(), Cause> {
        if total != self.total {
            (self.total, self.moved) = (total, now);
        } else if now.duration_since(self.moved) >= self.stall {
            return Err(Cause::Stalled(self.stall));
        }
        if now.duration_since(self.opened) >= self.window {
            let bytes = total.saturating_sub(self.at_opening);
            if bytes < self.least {
                return Err(Cause::Slow { bytes, window: self.window });
            }
            (self.opened, self.at_opening) = (now, total);
        }
        Ok(())
    }

    /// The moment at which [`Pace::at`] is to be asked if nothing moves before.
    pub(crate) fn due(&self) -> Instant {
        (self.moved + self.stall).min(self.opened + self.window)
    }

    /// The number of bytes that have moved.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A transfer with `bytes` every `every` seconds, for so many seconds: when it is given up, and why.
    fn run(every: u64, bytes: u64, seconds: u64) -> Result<(), (u64, Cause)> {
        let options = Options {
            stall: Duration::from_secs(30),
            window: Duration::from_secs(60),
            least: 60 << 10,
            ..Options::default()
        };
        let start = Instant::now();
        let mut pace = Pace::new(&options, start);
        for second in 1..=seconds {
            let total = second / every * bytes;
            pace.at(start + Duration::from_secs(second), total).map_err(|cause| (second, cause))?;
        }
        Ok(())
    }

    #[test]
    fn silence_and_slowness_end_a_transfer() {
        let slow = |bytes| Cause::Slow { bytes, window: Duration::from_secs(60) };
        assert_eq!(run(2, 1, 3600), Err((60, slow(30))));
        assert_eq!(run(1, 1024, 3600), Ok(()));
        assert_eq!(run(1, 1023, 3600), Err((60, slow(60 * 1023))));
        assert_eq!(run(29, 60 << 10, 3600), Ok(()));
        assert_eq!(run(31, 1 << 30, 3600), Err((30, Cause::Stalled(Duration::from_secs(30)))));
        // What is over before the first window is never too slow.
        assert_eq!(run(2, 1, 59), Ok(()));
    }

    #[test]
    fn a_fast_beginning_excuses_nothing() {
        let options = Options { window: Duration::from_secs(10), least: 100, ..Options::default() };
        let start = Instant::now();
        let mut pace = Pace::new(&options, start);
        let second = |n| start + Duration::from_secs(n);
        pace.at(second(1), 1 << 30).unwrap();
        assert_eq!(pace.due(), second(10));
        pace.at(second(10), (1 << 30) + 1).unwrap();
        let slow = Cause::Slow { bytes: 1, window: Duration::from_secs(10) };
        assert_eq!(pace.at(second(20), (1 << 30) + 2), Err(slow));
    }

    #[test]
    fn what_waits_for_an_answer_may_be_silent_up_to_the_limit() {
        let options = Options { stall: Duration::from_secs(90), ..Options::default() };
        let start = Instant::now();
        let mut pace = Pace::new(&options, start);
        pace.complete();
        pace.at(start + Duration::from_secs(89), 0).unwrap();
        let stalled = Cause::Stalled(Duration::from_secs(90));
        assert_eq!(pace.at(start + Duration::from_secs(90), 0), Err(stalled));
    }
}
