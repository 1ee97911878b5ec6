//! The results of tests: read from a test binary's output, and put together into one list.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::process::ExitStatus;
use std::time::Duration;

use base::count;
use serde::{Deserialize, Serialize};

/// A test that another test starts says so in its `#[ignore]`: it is not skipped.
const STARTED_BY_ANOTHER: &str = "another test runs it";

/// A test binary.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Binary {
    pub(crate) package: String,
    /// The target that it was compiled of.
    pub(crate) target: String,
    /// The arguments of cargo that select it.
    pub(crate) select: Vec<String>,
}

/// A test that did not run, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Skip {
    pub(crate) test: String,
    pub(crate) reason: String,
}

impl Skip {
    /// The form that tests report in: `name: reason`.
    pub(crate) fn parse(line: &str) -> Skip {
        let (test, reason) = line.split_once(": ").unwrap_or((line, "no reason given"));
        Skip { test: test.to_owned(), reason: reason.to_owned() }
    }
}

/// The results of a test binary's tests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Outcome {
    pub(crate) binary: Binary,
    pub(crate) passed: usize,
    pub(crate) failed: Vec<String>,
    pub(crate) skipped: Vec<Skip>,
    /// The end of the binary, where that was not by a result of its tests.
    pub(crate) died: Option<String>,
}

/// The output of libtest, line by line: a line for each test, what the failed ones have printed, their names, the result.
/// Only names that the binary has listed count.
pub(crate) struct Output {
    /// Every test, with its state as soon as it is known.
    tests: BTreeMap<String, Option<State>>,
    /// The names since the last line `failures:`, if there was one. It stands before what failed tests have printed, which
    /// may look like anything, and once more before their names.
    failures: Option<Vec<String>>,
    /// True after `test result:`.
    over: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Passed,
    Failed,
    Ignored(String),
}

impl Output {
    /// The output of a binary with these tests, before its first line.
    pub(crate) fn new(tests: Vec<String>) -> Output {
        let tests = tests.into_iter().map(|name| (name, None)).collect();
        Output { tests, failures: None, over: false }
    }

    pub(crate) fn line(&mut self, line: &str) {
        self.over |= line.starts_with("test result: ");
        if line == "failures:" {
            self.failures = Some(Vec::new());
        } else if let Some(failures) = &mut self.failures {
            failures.extend(line.strip_prefix("    ").map(str::to_owned));
        } else if let Some((name, result)) =
            line.strip_prefix("test ").and_then(|rest| rest.split_once(" ... "))
        {
            let state = match result {
                "ok" => State::Passed,
                "FAILED" => State::Failed,
                _ => match result.strip_prefix("ignored") {
                    Some(reason) => State::Ignored(reason.trim_start_matches(", ").to_owned()),
                    None => return,
                },
            };
            self.set(name.strip_suffix(" - should panic").unwrap_or(name), state);
        }
    }

    fn set(&mut self, name: &str, state: State) {
        if let Some(known) = self.tests.get_mut(name) {
            *known = Some(state);
        }
    }

    fn unfinished(&self) -> impl Iterator<Item = &str> {
        self.tests.iter().filter(|(_, state)| state.is_none()).map(|(name, _)| name.as_str())
    }

    /// A line for people who wait: how many tests are done, and which are not if they are few.
    pub(crate) fn progress(&self, binary: &Binary, elapsed: Duration) -> String {
        let unfinished: Vec<&str> = self.unfinished().collect();
        let done = self.tests.len() - unfinished.len();
        let Binary { package, target, .. } = binary;
        let (total, elapsed) = (count(self.tests.len(), "test is", "tests are"), elapsed.as_secs());
        let mut line = format!("{package} {target}: {done} of {total} done after {elapsed} s");
        if (1..=4).contains(&unfinished.len()) {
            let _ = write!(line, "; not yet: {}", unfinished.join(", "));
        }
        line
    }

    /// The outcome of `binary`, which has ended with `status` and whose tests have reported `skipped`. A binary that ended
    /// before its tests did fails those that were left.
    pub(crate) fn end(mut self, binary: Binary, status: ExitStatus, skipped: Vec<Skip>) -> Outcome {
        for name in self.failures.take().unwrap_or_default() {
            self.set(&name, State::Failed);
        }
        let any_failed = self.tests.values().any(|state| *state == Some(State::Failed));
        let explained = status.success() || (status.code() == Some(101) && any_failed);
        let died = (!self.over || !explained).then(|| status.to_string());
        // A test may know its name without its module's.
        let own = |test: &str| {
            let mut names = skipped.iter().map(|skip| skip.test.as_str());
            names.any(|name| {
                test.strip_suffix(name).is_some_and(|module| module.is_empty() || module.ends_with("::"))
            })
        };
        let (mut passed, mut failed, mut ignored) = (0, Vec::new(), Vec::new());
        for (test, state) in &self.tests {
            match state {
                Some(State::Passed) => passed += usize::from(!own(test)),
                Some(State::Failed) => failed.push(test.clone()),
                Some(State::Ignored(reason)) if reason.contains(STARTED_BY_ANOTHER) => {}
                Some(State::Ignored(reason)) => {
                    ignored.push(Skip { test: test.clone(), reason: format!("ignored: {reason}") });
                }
                // Where output is not captured, results stand behind it, and only failures are listed at the end.
                None if died.is_none() => passed += 1,
                None => failed.push(test.clone()),
            }
        }
        let skipped = skipped.into_iter().chain(ignored).collect();
        Outcome { binary, passed, failed, skipped, died }
    }
}

/// The results of all test binaries.
pub(crate) struct Summary(pub(crate) Vec<Outcome>);

impl Summary {
    pub(crate) fn failed(&self) -> usize {
        self.0.iter().map(|outcome| outcome.failed.len()).sum()
    }

    pub(crate) fn skipped(&self) -> usize {
        self.0.iter().map(|outcome| outcome.skipped.len()).sum()
    }

    /// Binaries that failed by no test of theirs.
    pub(crate) fn died(&self) -> usize {
        self.0.iter().filter(|outcome| outcome.died.is_some()).count()
    }

    /// The list for the end of a run: failed, skipped, counts.
    pub(crate) fn list(&self, elapsed: Duration) -> String {
        let mut list = String::new();
        for outcome in &self.0 {
            let Binary { package, target, .. } = &outcome.binary;
            if let Some(status) = &outcome.died {
                let _ = writeln!(list, "failed   {package} {target}: the tests ended with {status}");
            }
            for test in &outcome.failed {
                let _ = writeln!(list, "failed   {package} {target}: {test}");
            }
        }
        for outcome in &self.0 {
            let Binary { package, target, .. } = &outcome.binary;
            for Skip { test, reason } in &outcome.skipped {
                let _ = writeln!(list, "skipped  {package} {target}: {test}: {reason}");
            }
        }
        let passed: usize = self.0.iter().map(|outcome| outcome.passed).sum();
        let (failed, skipped) = (self.failed(), self.skipped());
        let _ = write!(
            list,
            "{passed} passed, {failed} failed, {skipped} skipped, of {}, in {} s",
            count(self.0.len(), "test binary", "test binaries"),
            elapsed.as_secs()
        );
        list
    }

    /// The command that runs just those tests again that failed, if any did.
    pub(crate) fn again(&self) -> Option<String> {
        let failed: Vec<&Outcome> =
            self.0.iter().filter(|outcome| !outcome.failed.is_empty() || outcome.died.is_some()).collect();
        if failed.is_empty() {
            return None;
        }
        let mut select: Vec<&str> = Vec::new();
        for outcome in &failed {
            let arguments = &outcome.binary.select;
            if !select.windows(arguments.len()).any(|window| window == arguments.as_slice()) {
                select.extend(arguments.iter().map(String::as_str));
            }
        }
        let mut command = format!("cargo xtask test -- {}", select.join(" "));
        // Without a name, everything of these binaries.
        if failed.iter().all(|outcome| !outcome.failed.is_empty()) {
            let tests: BTreeSet<&str> =
                failed.iter().flat_map(|outcome| &outcome.failed).map(String::as_str).collect();
            let tests: Vec<&str> = tests.into_iter().collect();
            let _ = write!(command, " -- --exact {}", tests.join(" "));
        }
        Some(command)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;

    use super::*;

    fn binary(package: &str, target: &str, select: &[&str]) -> Binary {
        let select = select.iter().map(|&argument| argument.to_owned()).collect();
        Binary { package: package.to_owned(), target: target.to_owned(), select }
    }

    /// The outcome of a binary with the tests `names` that prints `output` and ends with `status`.
    fn outcome(names: &[&str], output: &str, status: i32) -> Outcome {
        let mut read = Output::new(names.iter().map(|&name| name.to_owned()).collect());
        output.lines().for_each(|line| read.line(line));
        read.end(binary("qus-a", "b", &["--test", "b"]), ExitStatus::from_raw(status), Vec::new())
    }

    const FAILED: i32 = 101 << 8;

    #[test]
    fn every_test_has_its_state() {
        let output = "\nrunning 5 tests\ntest m::good ... ok\ntest bad ... FAILED\n\
            test panics - should panic ... ok\ntest lent ... ignored, needs x; another test runs it\n\
            test old ... ignored, slow\n\nfailures:\n\n---- bad stdout ----\ntest m::good ... FAILED\n\
            failures:\n    panics\n\ntest result: FAILED. 0 passed\n\n\nfailures:\n    bad\n\n\
            test result: FAILED. 2 passed; 1 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.00s\n";
        let tests = ["m::good", "bad", "panics", "lent", "old"];
        let found = outcome(&tests, output, FAILED);
        assert_eq!(found.died, None);
        // What the failed test has printed looks like results, and is none.
        assert_eq!(found.failed, ["bad"]);
        assert_eq!(found.passed, 2);
        let skip = Skip { test: "old".to_owned(), reason: "ignored: slow".to_owned() };
        assert_eq!(found.skipped, [skip]);
    }

    #[test]
    fn a_binary_that_dies_fails_what_it_has_not_finished() {
        let found = outcome(&["a", "b", "c"], "running 3 tests\ntest b ... ok\n", 6);
        assert_eq!(found.died.as_deref(), Some("signal: 6 (SIGABRT)"));
        assert_eq!((found.failed, found.passed), (vec!["a".to_owned(), "c".to_owned()], 1));
        // An exit with 0 in the middle is none, either, and neither is a code that no test explains.
        assert_eq!(outcome(&["a"], "running 1 test\n", 0).died.as_deref(), Some("exit status: 0"));
        let output = "test a ... ok\ntest result: ok. 1 passed\n";
        assert_eq!(outcome(&["a"], output, FAILED).died.as_deref(), Some("exit status: 101"));
        assert_eq!(outcome(&["a"], output, 0).died, None);
    }

    #[test]
    fn output_that_is_not_captured_hides_no_failure() {
        let output = "running 2 tests\ntest a ... words\nok\ntest b ... words\nFAILED\n\nfailures:\n\nfailures:\n    b\n\n\
            test result: FAILED. 1 passed; 1 failed\n";
        let found = outcome(&["a", "b"], output, FAILED);
        assert_eq!((found.failed, found.passed, found.died), (vec!["b".to_owned()], 1, None));
    }

    #[test]
    fn a_test_that_skips_itself_has_not_passed() {
        let mut output = Output::new(["m::a", "m::ab", "b"].map(str::to_owned).to_vec());
        for line in ["test m::a ... ok", "test m::ab ... ok", "test b ... ok", "test result: ok. 3 passed"] {
            output.line(line);
        }
        let skipped = vec![Skip::parse("b: no binfmt_misc: not root"), Skip::parse("a: no kernel")];
        let found = output.end(binary("p", "t", &["--lib"]), ExitStatus::from_raw(0), skipped.clone());
        assert_eq!((found.passed, &found.skipped), (1, &skipped));
        assert_eq!(skipped[0].reason, "no binfmt_misc: not root");
    }

    #[test]
    fn who_waits_sees_what_is_left() {
        let names = ["a", "b", "c", "d", "e", "f"];
        let mut output = Output::new(names.map(str::to_owned).to_vec());
        let line = |output: &Output| output.progress(&binary("p", "t", &[]), Duration::from_secs(10));
        assert_eq!(line(&output), "p t: 0 of 6 tests are done after 10 s");
        let one = Output::new(vec!["a".to_owned()]);
        assert_eq!(line(&one), "p t: 0 of 1 test is done after 10 s; not yet: a");
        for name in ["a", "b", "c", "d"] {
            output.line(&format!("test {name} ... ok"));
        }
        assert_eq!(line(&output), "p t: 4 of 6 tests are done after 10 s; not yet: e, f");
    }

    #[test]
    fn the_end_is_one_list_and_one_command() {
        let end = |binary: Binary, failed: &[&str], skipped: Vec<Skip>, died: Option<&str>| Outcome {
            binary,
            passed: 3,
            failed: failed.iter().map(|&name| name.to_owned()).collect(),
            skipped,
            died: died.map(str::to_owned),
        };
        let lib = |package: &str| binary(package, &package.replace('-', "_"), &["--lib"]);
        let good = end(lib("qus-oci"), &[], vec![Skip::parse("t::c: no kernel")], None);
        let bad = end(binary("xtask", "upkeep", &["--test", "upkeep"]), &["b", "a"], vec![], None);
        let worse = end(lib("qus-arch"), &["a"], vec![], None);
        let worst = end(lib("qus-debian"), &["t::x"], vec![], Some("signal: 6 (SIGABRT)"));
        let summary = Summary(vec![good.clone(), bad, worse, worst]);
        assert_eq!(
            summary.list(Duration::from_secs(90)),
            "failed   xtask upkeep: b\n\
             failed   xtask upkeep: a\n\
             failed   qus-arch qus_arch: a\n\
             failed   qus-debian qus_debian: the tests ended with signal: 6 (SIGABRT)\n\
             failed   qus-debian qus_debian: t::x\n\
             skipped  qus-oci qus_oci: t::c: no kernel\n\
             12 passed, 4 failed, 1 skipped, of 4 test binaries, in 90 s"
        );
        let again = "cargo xtask test -- --test upkeep --lib -- --exact a b t::x";
        assert_eq!(summary.again().as_deref(), Some(again));
        let died = end(binary("xtask", "x", &["--test", "x"]), &[], vec![], Some("exit status: 2"));
        assert_eq!(Summary(vec![died]).again().as_deref(), Some("cargo xtask test -- --test x"));
        assert_eq!(Summary(vec![good]).again(), None);
    }
}
