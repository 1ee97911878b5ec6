//! The end of a workload, and what it counts as.

use results::Outcome as Kind;

/// The way a workload ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ended {
    /// By itself, with this exit code; 128 and more is a signal, as in a shell.
    Exit(i32),
    /// It was still running after so many seconds.
    Time(u64),
    /// It had too many processes or too much memory.
    Limit(String),
}

/// All that is judged.
#[derive(Debug, Clone)]
pub(super) struct End {
    pub(super) ended: Ended,
    pub(super) stdout: String,
    pub(super) stderr: String,
    /// The number of processes that it left running.
    pub(super) left: usize,
}

/// The words of QEMU, and of shells, for a program that was ended by a signal.
const CRASHES: [&str; 7] = [
    "uncaught target signal",
    "QEMU internal SIG",
    "Assertion failed",
    "Segmentation fault",
    "Illegal instruction",
    "Bad system call",
    "Bus error",
];

/// The signals that nobody sends: ILL, TRAP, ABRT, BUS, FPE, SEGV, SYS.
const FATAL: [i32; 7] = [4, 5, 6, 7, 8, 11, 31];

impl End {
    /// The kind of this end if `expected` was to be printed, with the reason unless that is a pass.
    pub(super) fn judge(&self, expected: &str) -> (Kind, Option<String>) {
        let with_output = |reason: String| {
            let printed = tail(&[self.stdout.as_str(), &self.stderr].concat());
            if printed.is_empty() { reason } else { format!("{reason}; it had printed:\n{printed}") }
        };
        let said = || {
            let lines = self.stderr.lines().chain(self.stdout.lines());
            lines.into_iter().find(|line| CRASHES.iter().any(|crash| line.contains(crash)))
        };
        let code = match &self.ended {
            Ended::Time(seconds) => {
                return (Kind::Hang, Some(with_output(format!("it did not end within {seconds} s"))));
            }
            Ended::Limit(limit) => return (Kind::Wrong, Some(with_output(limit.clone()))),
            Ended::Exit(code) => *code,
        };
        if let Some(line) = said() {
            return (Kind::Crash, Some(with_output(shown(line))));
        }
        if FATAL.contains(&(code - 128)) {
            return (Kind::Crash, Some(with_output(format!("it was ended by the signal {}", code - 128))));
        }
        if self.stdout != expected {
            let difference = difference(&self.stdout, expected);
            let stderr = tail(&self.stderr);
            let reason = match stderr.is_empty() {
                true => difference,
                false => format!("{difference}; on stderr:\n{stderr}"),
            };
            return (Kind::Wrong, Some(reason));
        }
        if code != 0 {
            return (Kind::Wrong, Some(with_output(format!("its exit code is {code}"))));
        }
        if self.left > 0 {
            let left = base::count(self.left, "process", "processes");
            return (Kind::Wrong, Some(format!("it left {left} running")));
        }
        (Kind::Pass, None)
    }
}

/// The first line that is not as it should be.
fn difference(actual: &str, expected: &str) -> String {
    let [mut actual, mut expected] = [actual.lines(), expected.lines()];
    for number in 1.. {
        match (actual.next(), expected.next()) {
            (None, None) => break,
            (actual, expected) if actual == expected => {}
            (Some(actual), Some(expected)) => {
                return format!("line {number} is `{}`, not `{expected}`", shown(actual));
            }
            (None, Some(expected)) => return format!("line {number} is missing: `{expected}`"),
            (Some(actual), None) => return format!("line {number} is too much: `{}`", shown(actual)),
        }
    }
    "its lines end in another way".to_owned()
}

/// The last lines.
fn tail(text: &str) -> String {
    let lines: Vec<String> = text.trim_end().lines().map(shown).collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}

/// The most characters of a line that are shown.
const SHOWN: usize = 200;

/// A line as a terminal and a log can take it: what a program prints that went wrong may be anything.
fn shown(line: &str) -> String {
    let mut text = String::new();
    for (index, character) in line.chars().enumerate() {
        if index == SHOWN {
            return text + "...";
        }
        match character.is_control() && character != '\t' {
            true => text.extend(character.escape_default()),
            false => text.push(character),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(change: impl FnOnce(&mut End), expected: (Kind, Option<&str>)) {
        let mut end =
            End { ended: Ended::Exit(0), stdout: "a\nb\n".to_owned(), stderr: String::new(), left: 0 };
        change(&mut end);
        let (kind, reason) = end.judge("a\nb\n");
        assert_eq!((kind, reason.as_deref()), expected);
    }

    #[test]
    fn only_what_is_as_expected_passes() {
        check(|_| {}, (Kind::Pass, None));
        check(|end| end.stderr = "a warning\n".to_owned(), (Kind::Pass, None));
        let wrong = |reason| (Kind::Wrong, Some(reason));
        check(|end| end.stdout = "a\nc\n".to_owned(), wrong("line 2 is `c`, not `b`"));
        check(|end| end.stdout = "a\n".to_owned(), wrong("line 2 is missing: `b`"));
        check(|end| end.stdout.push_str("c\n"), wrong("line 3 is too much: `c`"));
        check(|end| end.stdout = "a\nb".to_owned(), wrong("its lines end in another way"));
        check(
            |end| (end.stdout, end.stderr) = (String::new(), "no such file\n".to_owned()),
            wrong("line 1 is missing: `a`; on stderr:\nno such file"),
        );
        check(|end| end.ended = Ended::Exit(2), wrong("its exit code is 2; it had printed:\na\nb"));
        check(|end| end.left = 2, wrong("it left 2 processes running"));
        let limit = "it has more than 300 processes";
        check(|end| (end.ended, end.stdout) = (Ended::Limit(limit.to_owned()), String::new()), wrong(limit));
    }

    #[test]
    fn signals_are_crashes_also_those_of_children() {
        let said = "qemu: uncaught target signal 11 (Segmentation fault) - core dumped";
        let reason = format!("{said}; it had printed:\na\nb\n{said}");
        check(|end| end.stderr = format!("{said}\n"), (Kind::Crash, Some(&reason)));
        let reason = "it was ended by the signal 11; it had printed:\na\nb";
        check(|end| end.ended = Ended::Exit(139), (Kind::Crash, Some(reason)));
        let reason = "its exit code is 143; it had printed:\na\nb";
        check(|end| end.ended = Ended::Exit(143), (Kind::Wrong, Some(reason)));
    }

    #[test]
    fn the_end_of_its_time_is_a_hang_whatever_it_has_printed() {
        let reason = "it did not end within 5 s; it had printed:\na\nb";
        check(|end| end.ended = Ended::Time(5), (Kind::Hang, Some(reason)));
    }

    #[test]
    fn what_is_printed_is_shown_in_short_and_plain() {
        let garbage = format!("\u{1b}]0;x\u{7}\t{}", "y".repeat(300_000));
        let short = format!("\\u{{1b}}]0;x\\u{{7}}\t{}...", "y".repeat(SHOWN - 7));
        let reason = format!("line 1 is `{short}`, not `a`; on stderr:\n{short}");
        check(
            |end| (end.stdout, end.stderr) = (garbage.clone(), garbage.clone()),
            (Kind::Wrong, Some(&reason)),
        );
        let reason = format!("it did not end within 5 s; it had printed:\n{short}");
        check(|end| (end.ended, end.stdout) = (Ended::Time(5), garbage), (Kind::Hang, Some(&reason)));
    }
}
