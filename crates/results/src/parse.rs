//! Text to [`Results`], with the line and the place of what is wrong.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use arch::UnknownName;
use serde::Deserialize;
use toml::Spanned;

use crate::outcome::Cell;
use crate::series::Series;
use crate::system::{Key, Qemu, Results, System};

/// The format's version that this code reads and writes.
const VERSION: u32 = 1;

/// The line that is wrong, and the problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    line: usize,
    message: String,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

impl std::error::Error for ParseError {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawResults {
    version: Spanned<u32>,
    #[serde(default)]
    system: Vec<Spanned<RawSystem>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSystem {
    host: Spanned<String>,
    target: Spanned<String>,
    architecture: String,
    suite: String,
    #[serde(default)]
    qemu: BTreeMap<Spanned<String>, RawQemu>,
    #[serde(default)]
    workload: BTreeMap<String, BTreeMap<Spanned<String>, Spanned<String>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawQemu {
    version: String,
    package: String,
}

/// The file's text, which turns places in it into lines.
struct Text<'a>(&'a str);

impl Text<'_> {
    fn wrong(&self, place: &Range<usize>, message: impl fmt::Display) -> ParseError {
        ParseError { line: base::line_of(self.0, place.start), message: message.to_string() }
    }

    /// The value of a name of a closed set.
    fn name<T: FromStr<Err = UnknownName>>(&self, name: &Spanned<String>) -> Result<T, ParseError> {
        name.get_ref().parse().map_err(|error: UnknownName| self.wrong(&name.span(), error))
    }
}

impl Results {
    /// Parses the text of the file.
    pub fn parse(text: &str) -> Result<Results, ParseError> {
        let file = Text(text);
        let raw: RawResults = toml::from_str(text)
            .map_err(|error| file.wrong(&error.span().unwrap_or_default(), error.message().trim()))?;
        if *raw.version.get_ref() != VERSION {
            let message = format!("`version` is {}, and only {VERSION} can be read", raw.version.get_ref());
            return Err(file.wrong(&raw.version.span(), message));
        }
        let mut results = Results::default();
        for raw in raw.system {
            let span = raw.span();
            let (key, system) = system(raw.into_inner(), &file)?;
            let name = format!("{} for {} of {}", key.architecture, key.host, key.suite);
            if results.systems.insert(key, system).is_some() {
                return Err(file.wrong(&span, format!("the system {name} is there twice")));
            }
        }
        Ok(results)
    }
}

fn system(raw: RawSystem, file: &Text<'_>) -> Result<(Key, System), ParseError> {
    let key = Key {
        host: file.name(&raw.host)?,
        target: file.name(&raw.target)?,
        architecture: raw.architecture,
        suite: raw.suite,
    };
    let mut system = System::default();
    for (series, RawQemu { version, package }) in raw.qemu {
        system.qemus.insert(file.name(&series)?, Qemu { version, package });
    }
    for (workload, raw) in raw.workload {
        let mut cells = BTreeMap::new();
        for (name, text) in raw {
            let series: Series = file.name(&name)?;
            if !system.qemus.contains_key(&series) {
                let message = format!("`{workload}` has series `{series}`, which has no QEMU");
                return Err(file.wrong(&name.span(), message));
            }
            let cell: Cell = text.get_ref().parse().map_err(|error: String| {
                file.wrong(&text.span(), format!("`{workload}` under `{series}`: {error}"))
            })?;
            cells.insert(series, cell);
        }
        system.workloads.insert(workload, cells);
    }
    Ok((key, system))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "\
# What came of real programs under each QEMU, and the seconds that those that pass took.
# Made by `cargo xtask conformance --record`; do not edit. docs/conformance.md says what it means and chooses.
version = 1

[[system]]
host = \"amd64\"
target = \"aarch64\"
architecture = \"arm64\"
suite = \"bookworm\"

[system.qemu]
bookworm = { version = \"7.2.22\", package = \"1:7.2+dfsg-7+deb12u18\" }
newest = { version = \"11.1.3\", package = \"1:11.1.3+ds-1\" }

[system.workload]
bash = { bookworm = \"pass 1.25\", newest = \"slow 4.40\" }
git = { newest = \"hang\" }

[[system]]
host = \"s390x\"
target = \"arm\"
architecture = \"armel\"
suite = \"bookworm\"

[system.qemu]

[system.workload]
";

    #[test]
    fn what_is_written_is_read() {
        let results = Results::parse(GOOD).unwrap();
        assert_eq!(results.to_string(), GOOD);
        assert_eq!(results.systems().len(), 2);
        let empty = Results::default();
        assert_eq!(Results::parse(&empty.to_string()), Ok(empty));
        // Whatever a workload or a package is called.
        let mut odd = results.clone();
        let (key, system) = odd.systems().iter().next().map(|(key, system)| (key.clone(), system)).unwrap();
        let qemu =
            Qemu { version: "a \"b\\\u{7}\u{7f}".to_owned(), ..system.qemus()[&Series::newest()].clone() };
        for workload in ["", "a.b", "\"", "a\nb", "ä"] {
            odd.record(&key, &Series::newest(), &qemu, workload, "crash".parse().unwrap());
        }
        assert_eq!(Results::parse(&odd.to_string()), Ok(odd));
    }

    fn check(from: &str, to: &str, expected: &str) {
        assert!(GOOD.contains(from), "{from}");
        let error = Results::parse(&GOOD.replacen(from, to, 1)).unwrap_err();
        assert_eq!(error.to_string(), expected, "{to}");
    }

    #[test]
    fn errors_name_line_and_place() {
        check("version = 1", "version = 2", "line 3: `version` is 2, and only 1 can be read");
        check("version = 1\n", "", "line 1: missing field `version`");
        check("amd64", "amd46", "line 6: unknown host `amd46` (did you mean `amd64`?)");
        check("aarch64", "aarch46", "line 7: unknown target `aarch46` (did you mean `aarch64`?)");
        check("suite = \"bookworm\"\n", "", "line 5: missing field `suite`");
        check(
            "suite",
            "suit",
            "line 9: unknown field `suit`, expected one of `host`, `target`, `architecture`, `suite`, `qemu`, `workload`",
        );
        check("newest = {", "newset = {", "line 13: unknown series `newset` (did you mean `newest`?)");
        check(", package = \"1:11.1.3+ds-1\"", "", "line 13: missing field `package`");
        check("newest = \"slow", "trixie = \"slow", "line 16: `bash` has series `trixie`, which has no QEMU");
        check("newest = \"slow", "sod = \"slow", "line 16: unknown series `sod` (did you mean `sid`?)");
        check(
            "slow 4.40",
            "slwo 4.40",
            "line 16: `bash` under `newest`: unknown outcome `slwo` (did you mean `slow`?)",
        );
        check("slow 4.40", "slow", "line 16: `bash` under `newest`: `slow` has no time, as in `slow 1.25`");
        check("\"slow 4.40\"", "4", "line 16: invalid type: integer `4`, expected a string");
        check("git", "bash", "line 17: duplicate key");
        check("git = {", "git {", "line 17: key with no value, expected `=`");
        let twice = "host = \"amd64\"\ntarget = \"arm64\"\narchitecture = \"arm64\"";
        check(
            "host = \"s390x\"\ntarget = \"arm\"\narchitecture = \"armel\"",
            twice,
            "line 19: the system arm64 for amd64 of bookworm is there twice",
        );
    }
}
