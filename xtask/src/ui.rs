//! What people see while they wait: bars and spinners on a terminal, plain lines elsewhere. All of it on stderr.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// The progress display of one run. Cheap to clone; all clones draw to the same place.
#[derive(Clone)]
pub(crate) struct Ui {
    bars: MultiProgress,
    terminal: bool,
}

impl Ui {
    /// Draws to stderr.
    pub(crate) fn new() -> Ui {
        let terminal = std::io::stderr().is_terminal();
        let target = if terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Ui { bars: MultiProgress::with_draw_target(target), terminal }
    }

    /// One line that stays.
    pub(crate) fn note(&self, line: impl AsRef<str>) {
        self.bars.suspend(|| eprintln_locked(line.as_ref()));
    }

    /// A step without a known length; it is over when the value is dropped.
    pub(crate) fn step(&self, what: impl Into<String>) -> Task {
        self.task(what.into(), None)
    }

    /// A task over `total` bytes.
    pub(crate) fn bytes(&self, what: impl Into<String>, total: u64) -> Task {
        self.task(what.into(), Some(total))
    }

    fn task(&self, what: String, total: Option<u64>) -> Task {
        if !self.terminal {
            match total {
                Some(total) => self.note(format!("{what} ({})", size(total))),
                None => self.note(&what),
            }
        }
        let template = match total {
            Some(_) => "  {msg:<44} {bar:24} {bytes:>10}/{total_bytes:<10} {bytes_per_sec}",
            None => "  {spinner} {msg} {elapsed}",
        };
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = match total {
            Some(total) => ProgressBar::new(total),
            None => ProgressBar::new_spinner(),
        };
        let bar = self.bars.add(bar.with_style(style).with_message(what));
        if self.terminal {
            bar.enable_steady_tick(Duration::from_millis(120));
        }
        Task { bar, started: Instant::now() }
    }
}

impl debian::progress::Progress for Ui {
    fn start(&self, name: &str, size: u64) -> Box<dyn debian::progress::Task> {
        Box::new(self.bytes(name, size))
    }

    fn note(&self, message: &str) {
        Ui::note(self, message);
    }
}

impl debian::progress::Task for Task {
    fn at(&mut self, position: u64) {
        self.bar.set_position(position);
    }
}

/// One bar or spinner; dropping it takes it off the display.
pub(crate) struct Task {
    bar: ProgressBar,
    started: Instant,
}

impl Task {
    /// `position` bytes are done.
    pub(crate) fn at(&self, position: u64) {
        self.bar.set_position(position);
    }

    pub(crate) fn advance(&self, bytes: u64) {
        self.bar.inc(bytes);
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Prints to stderr; a closed stderr is no reason to stop.
fn eprintln_locked(line: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// Prints data to stdout; `Err` when nobody reads it any more.
pub(crate) fn print(text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(|error| {
        // The kind stays: a reader that has seen enough is told from a full disk by it.
        std::io::Error::new(error.kind(), format!("cannot write to stdout: {error}"))
    })
}

/// A size for people: `101.9 MB`, in powers of ten as registries show them.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 999.95 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_are_in_powers_of_ten() {
        for (bytes, expected) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (101_900_000, "101.9 MB"),
            (999_949, "999.9 kB"),
            (999_951, "1.0 MB"),
            (2_100_000_000, "2.1 GB"),
        ] {
            assert_eq!(size(bytes), expected);
        }
    }
}
