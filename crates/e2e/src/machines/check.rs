//! A check: commands that a machine runs, and what must come of them.

/// Commands with one point.
#[derive(Debug, Clone)]
pub(super) struct Check {
    /// A few words, for the table.
    pub(super) name: &'static str,
    pub(super) steps: Vec<Step>,
}

/// A command for the machine's shell, and its expected end.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) command: String,
    code: u8,
    out: Text,
    err: Text,
}

/// An expected text.
#[derive(Debug, Clone)]
pub(super) enum Text {
    /// This one, line for line.
    Is(String),
    /// One with this in it.
    Has(String),
    /// Another one each time.
    Any,
}

/// The end of a command.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Ended {
    pub(super) code: u8,
    pub(super) out: String,
    pub(super) err: String,
    /// The seconds of the machine's clock then.
    pub(super) at: f64,
    /// The last lines of the console then.
    pub(super) console: String,
}

impl Step {
    /// A command that exits with 0 and prints `out`, and nothing on stderr.
    pub(super) fn prints(command: impl Into<String>, out: impl Into<String>) -> Step {
        Step { command: command.into(), code: 0, out: Text::Is(out.into()), err: Text::Is(String::new()) }
    }

    /// A command that exits with `code`.
    pub(super) fn ends(command: impl Into<String>, code: u8, out: Text, err: Text) -> Step {
        Step { command: command.into(), code, out, err }
    }

    /// Fails, with the reason and the console's last lines, if `ended` is not the end that is expected.
    pub(super) fn judge(&self, ended: &Ended) -> Result<(), String> {
        let explain =
            |reason: String| format!("{}\nthe console's last lines:\n{}", reason.trim_end(), ended.console);
        self.compare(ended).map_err(explain)
    }

    fn compare(&self, ended: &Ended) -> Result<(), String> {
        let Ended { code, out, err, .. } = ended;
        if *code != self.code {
            return Err(format!(
                "`{}` exited with {code}, not with {}:\n{out}{err}",
                self.command, self.code
            ));
        }
        for (name, text, expected) in [("stdout", out, &self.out), ("stderr", err, &self.err)] {
            let expected = match expected {
                Text::Is(expected) if text == expected => continue,
                Text::Has(part) if text.contains(part.as_str()) => continue,
                Text::Any => continue,
                Text::Is(expected) => format!("and not\n{expected}"),
                Text::Has(part) => format!("without `{part}`"),
            };
            return Err(format!("`{}` has on {name}\n{text}{expected}", self.command));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_command_is_judged_by_code_and_by_both_streams() {
        let ended = |code, out: &str, err: &str| Ended {
            code,
            out: out.to_owned(),
            err: err.to_owned(),
            at: 5.0,
            console: "@= 0".to_owned(),
        };
        let step = Step::prints("a", "b\n");
        assert_eq!(step.judge(&ended(0, "b\n", "")), Ok(()));
        let check = |step: &Step, ended: &Ended, expected: &str| {
            let expected = format!("{expected}\nthe console's last lines:\n@= 0");
            assert_eq!(step.judge(ended).unwrap_err(), expected);
        };
        check(&step, &ended(1, "b\n", "c\n"), "`a` exited with 1, not with 0:\nb\nc");
        check(&step, &ended(0, "c\n", ""), "`a` has on stdout\nc\nand not\nb");
        check(&step, &ended(0, "b\n", "c\n"), "`a` has on stderr\nc\nand not");
        let step = Step::ends("a", 2, Text::Any, Text::Has("x".to_owned()));
        assert_eq!(step.judge(&ended(2, "b\n", "axb")), Ok(()));
        check(&step, &ended(2, "", "b\n"), "`a` has on stderr\nb\nwithout `x`");
    }
}
