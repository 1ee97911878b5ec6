//! The end of a run: what its last lines say, and whether it was a success.

/// The failures of a run, out of all that it tried.
#[derive(Debug)]
pub struct End {
    /// Each failure in a line, unless it was printed when it came.
    pub(crate) failures: Vec<String>,
    /// The traces that were left on the machine, or may have been.
    pub(crate) left: Vec<String>,
    /// The number of failures.
    pub(crate) failed: usize,
    /// All that was tried: `13 machines`.
    pub(crate) tried: String,
}

impl End {
    /// The last lines for people; none if nothing failed.
    pub fn lines(&self) -> Vec<String> {
        let End { failures, left, failed, tried } = self;
        let left = left.iter().map(|trace| format!("the machine is not as it was before: {trace}"));
        let count = (*failed > 0).then(|| format!("{failed} of {tried} failed"));
        failures.iter().cloned().chain(left).chain(count).map(|line| format!("error: {line}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_on_the_machine_is_a_failure_by_itself() {
        let end = |failures: &[&str], left: &[&str], failed| {
            let texts = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
            End { failures: texts(failures), left: texts(left), failed, tried: "13 jobs".to_owned() }.lines()
        };
        assert!(end(&[], &[], 0).is_empty());
        assert_eq!(end(&[], &["a mount"], 0), ["error: the machine is not as it was before: a mount"]);
        assert_eq!(end(&[], &[], 1), ["error: 1 of 13 jobs failed"]);
        let all =
            ["error: arm: no", "error: the machine is not as it was before: x", "error: 1 of 13 jobs failed"];
        assert_eq!(end(&["arm: no"], &["x"], 1), all);
    }
}
