//! The end of a second stage, and whether it is a good one.

use std::collections::{BTreeMap, BTreeSet};

/// The things that are looked at afterwards.
#[derive(Debug, Clone, Default)]
pub(super) struct End {
    /// The exit code of `run`; `None` after a signal.
    pub(super) code: Option<i32>,
    /// The last lines of debootstrap's own log, which it leaves if it fails.
    pub(super) log: String,
    /// True if `/debootstrap` is still there.
    pub(super) is_left: bool,
    /// The output of `dpkg --audit`.
    pub(super) audit: String,
    /// A line for each package: its name and its state, as dpkg has them.
    pub(super) states: String,
}

impl End {
    /// The number of packages that are installed; or the reason why not all of `expected` are, and nothing else.
    pub(super) fn judge(&self, expected: &BTreeSet<String>) -> Result<usize, String> {
        if self.code != Some(0) {
            let code = self.code.map_or("none".to_owned(), |code| code.to_string());
            return Err(format!("exit code {code}; the end of debootstrap's log:\n{}", self.log));
        }
        if self.is_left {
            return Err("it left /debootstrap".to_owned());
        }
        if !self.audit.trim().is_empty() {
            return Err(format!("`dpkg --audit` says:\n{}", self.audit.trim_end()));
        }
        let states: BTreeMap<&str, &str> =
            self.states.lines().filter_map(|line| line.trim().split_once(' ')).collect();
        let wrong = expected.iter().filter_map(|name| match states.get(name.as_str()) {
            Some(&"installed") => None,
            Some(state) => Some(format!("{name} is {state}")),
            None => Some(format!("{name} is missing")),
        });
        let more = states.keys().filter(|name| !expected.contains(**name));
        let wrong: Vec<String> = wrong.chain(more.map(|name| format!("{name} was not asked for"))).collect();
        if wrong.is_empty() { Ok(states.len()) } else { Err(wrong.join(", ")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(change: impl FnOnce(&mut End), expected: Result<usize, &str>) {
        let states = "base-files installed\nlibc6 installed\n".to_owned();
        let mut end = End { code: Some(0), states, ..End::default() };
        change(&mut end);
        let packages = ["base-files", "libc6"].map(str::to_owned).into();
        assert_eq!(end.judge(&packages), expected.map_err(str::to_owned));
    }

    #[test]
    fn every_package_and_nothing_else_is_to_be_installed() {
        check(|_| {}, Ok(2));
        check(|end| end.audit = "\n".to_owned(), Ok(2));
        check(
            |end| (end.code, end.log) = (Some(1), "a\nb".to_owned()),
            Err("exit code 1; the end of debootstrap's log:\na\nb"),
        );
        check(|end| end.code = None, Err("exit code none; the end of debootstrap's log:\n"));
        check(|end| end.is_left = true, Err("it left /debootstrap"));
        check(|end| end.audit = "libc6 is half\n".to_owned(), Err("`dpkg --audit` says:\nlibc6 is half"));
        check(
            |end| end.states = "base-files half-configured\n".to_owned(),
            Err("base-files is half-configured, libc6 is missing"),
        );
        check(|end| end.states.push_str("vim installed\n"), Err("vim was not asked for"));
    }
}
