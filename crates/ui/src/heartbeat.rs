//! Signs of life for logs: where nothing can be drawn, a line whenever nothing was printed for a while and something runs.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use indicatif::ProgressBar;

use base::size;

/// The longest time without output. A second less than what a reader of a log may count on, which a busy machine needs.
pub(crate) const SILENCE: Duration = Duration::from_secs(4);

/// The most tasks that one line names.
const MOST_NAMES: usize = 3;

/// The unit of a task's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Bytes,
    Things,
}

/// A writer of lines that knows what runs, and speaks up for it. It has one thread, and only while something runs.
#[derive(Clone)]
pub(crate) struct Heartbeat(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    /// The last task has ended.
    ended: Condvar,
    silence: Duration,
}

struct State {
    out: Box<dyn Write + Send>,
    /// The time of the last line, or later: see [`Heartbeat::watch`].
    last: Instant,
    /// In the order in which they began.
    running: BTreeMap<u64, Row>,
    next: u64,
    beating: bool,
}

struct Row {
    what: String,
    unit: Unit,
    bar: ProgressBar,
    started: Instant,
}

/// A task that runs until this is dropped.
pub(crate) struct Running {
    heartbeat: Heartbeat,
    number: u64,
}

impl Heartbeat {
    pub(crate) fn new(out: Box<dyn Write + Send>, silence: Duration) -> Heartbeat {
        let state = State { out, last: Instant::now(), running: BTreeMap::new(), next: 0, beating: false };
        Heartbeat(Arc::new(Shared { state: Mutex::new(state), ended: Condvar::new(), silence }))
    }

    /// Prints a line.
    pub(crate) fn line(&self, line: &str) {
        self.lock().print(line);
    }

    /// Watches over a task, whose numbers are those of `bar`.
    pub(crate) fn watch(&self, what: &str, unit: Unit, bar: &ProgressBar) -> Running {
        let mut state = self.lock();
        let (number, started) = (state.next, Instant::now());
        state.next += 1;
        if state.running.is_empty() {
            // What ends at once is not worth a line, however long nothing ran before.
            state.last =
                started.checked_sub(self.0.silence * 3 / 4).map_or(state.last, |at| at.max(state.last));
        }
        state.running.insert(number, Row { what: what.to_owned(), unit, bar: bar.clone(), started });
        if !state.beating {
            let heartbeat = self.clone();
            // Without the thread there are no signs of life, and everything else goes on.
            state.beating = thread::Builder::new().spawn(move || heartbeat.beat()).is_ok();
        }
        Running { heartbeat: self.clone(), number }
    }

    /// Speaks up until nothing runs any more.
    fn beat(&self) {
        let mut state = self.lock();
        while !state.running.is_empty() {
            let quiet = state.last.elapsed();
            match self.0.silence.checked_sub(quiet) {
                Some(rest) if !rest.is_zero() => {
                    let waited = self.0.ended.wait_timeout(state, rest);
                    state = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
                _ => {
                    let line = still(&state.running.values().map(Row::text).collect::<Vec<_>>());
                    state.print(&line);
                }
            }
        }
        state.beating = false;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        base::lock(&self.0.state)
    }
}

impl State {
    /// A closed stderr is no reason to stop.
    fn print(&mut self, line: &str) {
        let _ = self.out.write_all(format!("{line}\n").as_bytes());
        self.last = Instant::now();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut state = self.heartbeat.lock();
        let row = state.running.remove(&self.number);
        if state.running.is_empty() {
            self.heartbeat.0.ended.notify_all();
        }
        drop(state);
        // The last trace of a bar takes it off the display, which has a lock of its own.
        drop(row);
    }
}

impl Row {
    fn text(&self) -> String {
        let numbers = numbers(self.unit, self.bar.position(), self.bar.length());
        let seconds = self.started.elapsed().as_secs();
        format!("{}: {numbers}{seconds} s", self.what)
    }
}

/// The progress of a task, with a comma behind it: `3 of 9, `; nothing for a task without numbers.
fn numbers(unit: Unit, done: u64, total: Option<u64>) -> String {
    match (unit, total) {
        (Unit::Bytes, Some(total)) => format!("{} of {}, ", size(done), size(total)),
        (Unit::Things, Some(total)) => format!("{done} of {total}, "),
        (Unit::Bytes, None) if done > 0 => format!("{}, ", size(done)),
        (_, None) => String::new(),
    }
}

/// One line for all that runs, what began first before the others.
fn still(rows: &[String]) -> String {
    let named = rows[..rows.len().min(MOST_NAMES)].join("; ");
    match rows.len().saturating_sub(MOST_NAMES) {
        0 => format!("still {named}"),
        more => format!("still {named}; and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    /// The output, with the time of each line since the beginning.
    #[derive(Clone)]
    struct Recorder(Arc<Mutex<Vec<(Duration, String)>>>, Instant);

    impl Write for Recorder {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let text = String::from_utf8(bytes.to_vec()).unwrap();
            self.0.lock().unwrap().push((self.1.elapsed(), text));
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn recorded(silence: Duration, act: impl FnOnce(&Heartbeat)) -> Vec<(Duration, String)> {
        let recorder = Recorder(Arc::default(), Instant::now());
        act(&Heartbeat::new(Box::new(recorder.clone()), silence));
        let lines = recorder.0.lock().unwrap();
        lines.clone()
    }

    fn bar(total: Option<u64>) -> ProgressBar {
        ProgressBar::with_draw_target(total, indicatif::ProgressDrawTarget::hidden())
    }

    #[test]
    fn no_silence_is_longer_than_allowed_while_something_runs() {
        let silence = Duration::from_millis(100);
        let lines = recorded(silence, |heartbeat| {
            let bar = bar(Some(9));
            bar.set_position(3);
            let _task = heartbeat.watch("compressing", Unit::Things, &bar);
            // How much later than allowed a line comes is the machine's affair.
            let started = Instant::now();
            while heartbeat.lock().last < started + 2 * silence {
                thread::sleep(silence / 10);
            }
        });
        assert!(lines.len() >= 2, "{lines:?}");
        let mut before = Duration::ZERO;
        for (time, line) in &lines {
            assert!(line.starts_with("still compressing: 3 of 9, "), "{lines:?}");
            assert!(*time - before >= silence, "{lines:?}");
            before = *time;
        }
    }

    #[test]
    fn what_is_printed_anyway_is_a_sign_of_life() {
        let lines = recorded(Duration::from_secs(3600), |heartbeat| {
            let _task = heartbeat.watch("task", Unit::Bytes, &bar(None));
            let started = Instant::now();
            heartbeat.line("1 of 2");
            assert!(heartbeat.lock().last >= started);
        });
        assert_eq!(lines[0].1, "1 of 2\n");
    }

    #[test]
    fn nothing_is_printed_and_no_thread_is_left_when_nothing_runs() {
        let silence = Duration::from_secs(1);
        let lines = recorded(silence, |heartbeat| {
            thread::sleep(silence);
            for _ in 0..3 {
                drop(heartbeat.watch("short", Unit::Bytes, &bar(None)));
            }
            while heartbeat.lock().beating {
                thread::sleep(Duration::from_millis(1));
            }
        });
        assert_eq!(lines, []);
    }

    #[test]
    fn silence_counts_from_the_last_line_and_not_from_the_first_task() {
        recorded(Duration::from_secs(3600), |heartbeat| {
            heartbeat.line("done");
            let printed = heartbeat.lock().last;
            thread::sleep(Duration::from_millis(1));
            let _task = heartbeat.watch("task", Unit::Bytes, &bar(None));
            assert_eq!(heartbeat.lock().last, printed);
        });
    }

    #[test]
    fn a_line_says_how_far_each_is() {
        assert_eq!(numbers(Unit::Bytes, 12_300_000, Some(72_600_000)), "12.3 MB of 72.6 MB, ");
        assert_eq!(numbers(Unit::Bytes, 120_000_000, None), "120.0 MB, ");
        assert_eq!(numbers(Unit::Things, 3, Some(9)), "3 of 9, ");
        assert_eq!(numbers(Unit::Bytes, 0, None), "");
        let rows = |count: usize| (0..count).map(|row| format!("{row}: 1 s")).collect::<Vec<_>>();
        assert_eq!(still(&rows(1)), "still 0: 1 s");
        assert_eq!(still(&rows(3)), "still 0: 1 s; 1: 1 s; 2: 1 s");
        assert_eq!(still(&rows(5)), "still 0: 1 s; 1: 1 s; 2: 1 s; and 2 more");
    }
}
