//! The pauses between tries.

use std::time::Duration;

use crate::failure::Again;
use crate::options::Options;

/// Counts the tries of an operation.
#[derive(Debug, Default)]
pub struct Tries(u32);

impl Tries {
    /// Counts a failed try. Returns the pause before the next one; `None` if there is to be none.
    pub fn pause(&mut self, again: Again, options: &Options) -> Option<Duration> {
        self.0 += 1;
        pause(self.0, again, options, fastrand::f64())
    }

    /// The number of tries.
    pub fn count(&self) -> u32 {
        self.0
    }

    /// Starts to count anew, after progress.
    pub fn reset(&mut self) {
        self.0 = 0;
    }
}

/// Returns the pause after `tries` tries. `random` is from 0 to 1.
fn pause(tries: u32, again: Again, options: &Options, random: f64) -> Option<Duration> {
    if tries >= options.attempts {
        return None;
    }
    match again {
        Again::Never => None,
        // As long as asked for, and no shorter than one that nobody asks for.
        Again::After(asked) => Some(asked.max(options.pause)),
        Again::Later => {
            let doubled = options.pause.saturating_mul(1 << (tries - 1).min(16));
            Some(doubled.min(options.longest_pause).mul_f64(1.0 - random / 2.0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_a_limit_and_are_kept_where_asked_for() {
        let ms = Duration::from_millis;
        let options =
            Options { attempts: 9, pause: ms(500), longest_pause: ms(20_000), ..Options::default() };
        for (tries, again, random, expected) in [
            (1, Again::Later, 0.0, Some(ms(500))),
            (1, Again::Later, 1.0, Some(ms(250))),
            (2, Again::Later, 0.0, Some(ms(1000))),
            (6, Again::Later, 0.0, Some(ms(16_000))),
            (7, Again::Later, 0.0, Some(ms(20_000))),
            (8, Again::Later, 1.0, Some(ms(10_000))),
            (9, Again::Later, 0.0, None),
            (1, Again::After(ms(90_000)), 0.9, Some(ms(90_000))),
            (1, Again::After(ms(0)), 0.9, Some(ms(500))),
            (9, Again::After(ms(1)), 0.0, None),
            (1, Again::Never, 0.0, None),
        ] {
            assert_eq!(pause(tries, again, &options, random), expected, "{tries} {again:?}");
        }
        let endless = Options { attempts: u32::MAX, ..options };
        assert_eq!(pause(u32::MAX - 1, Again::Later, &endless, 0.0), Some(ms(20_000)));
    }

    #[test]
    fn progress_starts_the_count_anew() {
        let options = Options { attempts: 2, ..Options::default() };
        let mut tries = Tries::default();
        assert!(tries.pause(Again::Later, &options).is_some());
        tries.reset();
        assert!(tries.pause(Again::Later, &options).is_some());
        assert!(tries.pause(Again::Later, &options).is_none());
        assert_eq!(tries.count(), 2);
    }
}
