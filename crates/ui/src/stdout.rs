//! Stdout has room for one output: a command's own result, or what was directed there.

use std::path::Path;

use base::Hinted;

use crate::display::Ui;

/// The holder of stdout.
pub struct Stdout {
    /// The option whose output goes there; without one, the command's result does.
    taken: Option<&'static str>,
}

impl Stdout {
    /// Gives stdout to the one of `outputs` that names it. `machine` is the option that prints the result for machines
    /// there, if it was used.
    pub fn claim(
        machine: Option<&'static str>,
        outputs: &[(&'static str, Option<&Path>)],
    ) -> Result<Stdout, Hinted> {
        let claims = outputs.iter().filter(|(_, path)| path.is_some_and(files::is_stdout));
        let mut claims = machine.into_iter().chain(claims.map(|(option, _)| *option));
        let (first, second) = (claims.next(), claims.next());
        match (first, second) {
            (Some(first), Some(second)) => Err(Hinted::new(
                format!("{first} and {second} cannot both write to stdout"),
                "give one of them a file",
            )),
            _ => Ok(Stdout { taken: first.filter(|first| machine != Some(*first)) }),
        }
    }

    /// Prints a command's result: to stderr if stdout is taken.
    pub fn result(&self, text: &str, ui: &Ui) -> std::io::Result<()> {
        match self.taken {
            None => print(text),
            Some(_) => {
                ui.say(text.trim_end());
                Ok(())
            }
        }
    }
}

/// Prints data to stdout; `Err` when nobody reads it any more.
pub fn print(text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(|error| {
        // The kind stays: it tells a reader that has seen enough from a full disk.
        std::io::Error::new(error.kind(), format!("cannot write to stdout: {error}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_output_gets_stdout() {
        let claim = |machine, archive: &str, digests: &str| {
            let outputs =
                [("--archive", Some(Path::new(archive))), ("--digest-file", Some(Path::new(digests)))];
            Stdout::claim(machine, &outputs).map(|stdout| stdout.taken).map_err(|error| error.to_string())
        };
        assert_eq!(claim(None, "a", "b"), Ok(None));
        assert_eq!(claim(Some("--json"), "a", "b"), Ok(None));
        assert_eq!(claim(None, "-", "b"), Ok(Some("--archive")));
        assert_eq!(claim(None, "./-", "/dev/stdout"), Ok(Some("--digest-file")));
        let both = |first, second| Err(format!("{first} and {second} cannot both write to stdout"));
        assert_eq!(claim(None, "-", "/dev/stdout"), both("--archive", "--digest-file"));
        assert_eq!(claim(Some("--json"), "a", "-"), both("--json", "--digest-file"));
    }
}
