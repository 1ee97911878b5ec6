//! The console of a machine, line by line: the ends of its steps, which `init.sh` prints.

use super::check::Ended;

/// The facts in the lines so far.
#[derive(Debug, Default)]
pub(super) struct Console {
    release: String,
    up: f64,
    current: Ended,
    ends: Vec<Ended>,
}

impl Console {
    /// Takes the next line. `tail` gives the last ones, up to this.
    pub(super) fn line(&mut self, line: &str, tail: impl FnOnce() -> String) {
        // What comes before process 1 is firmware's, and may have left no line feed.
        let Some((_, line)) = line.split_once('@') else { return };
        if let Some(text) = line.strip_prefix('1') {
            self.current.out.push_str(text);
            self.current.out.push('\n');
        } else if let Some(text) = line.strip_prefix('2') {
            self.current.err.push_str(text);
            self.current.err.push('\n');
        } else if let Some(end) = line.strip_prefix("= ") {
            let mut ended = std::mem::take(&mut self.current);
            let (code, at) = end.split_once(' ').unwrap_or((end, ""));
            ended.code = code.parse().unwrap_or(u8::MAX);
            ended.at = at.parse().unwrap_or_default();
            ended.console = tail();
            self.ends.push(ended);
        } else if let Some(facts) = line.strip_prefix("up ") {
            let mut facts = facts.split(' ');
            self.up = facts.next().and_then(|up| up.parse().ok()).unwrap_or_default();
            self.release = facts.next().unwrap_or_default().to_owned();
        }
    }

    /// `uname -r`.
    pub(super) fn release(&self) -> &str {
        &self.release
    }

    /// Seconds of the machine's own clock until process 1 ran.
    pub(super) fn up(&self) -> f64 {
        self.up
    }

    /// The end of every step, which are `count`. An error shows the console's last lines, `tail`.
    pub(super) fn ends(self, count: usize, tail: &str) -> anyhow::Result<Vec<Ended>> {
        let ended = self.ends.len();
        anyhow::ensure!(
            ended == count,
            "{ended} of {count} steps had ended; the console's last lines:\n{tail}"
        );
        Ok(self.ends)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn console(lines: &[&str]) -> Console {
        let mut console = Console::default();
        for (number, line) in lines.iter().enumerate() {
            console.line(line, || lines[..=number].join("\n"));
        }
        console
    }

    #[test]
    fn the_ends_of_steps_are_read_from_their_lines() {
        let lines = [
            "SeaBIOS",
            "\u{1b}c@up 4.25 6.1.0-50 x86_64",
            "@1a@b",
            "@2c",
            "kernel",
            "@1",
            "@= 3 5.5",
            "@= 0 6.25",
            "@done 7",
        ];
        let console = console(&lines);
        assert_eq!((console.release(), console.up()), ("6.1.0-50", 4.25));
        let ends = console.ends(2, "").unwrap();
        assert_eq!((&*ends[0].out, &*ends[0].err, ends[0].code), ("a@b\n\n", "c\n", 3));
        assert_eq!(ends[0].console, lines[..7].join("\n"));
        assert_eq!((&*ends[1].out, &*ends[1].err, ends[1].code), ("", "", 0));
        assert_eq!((ends[0].at, ends[1].at), (5.5, 6.25));
    }

    #[test]
    fn a_machine_that_ends_early_shows_its_last_lines() {
        let panic = "Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000300";
        let error = console(&["@= 0 6.25", panic]).ends(2, panic).unwrap_err();
        let expected = format!("1 of 2 steps had ended; the console's last lines:\n{panic}");
        assert_eq!(error.to_string(), expected);
    }
}
