//! Names that people type, and what they may have meant.

use std::fmt;

/// A name that is in neither column of the table asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownName {
    what: &'static str,
    name: String,
    suggestion: Option<String>,
}

impl UnknownName {
    /// Nothing in `candidates` is called `name`; `what` says what they are, as in "unknown host".
    ///
    /// For the other closed sets of names that users choose from (kinds, suites), so that all of them answer alike.
    pub fn new<'a>(
        what: &'static str,
        name: &str,
        candidates: impl IntoIterator<Item = &'a str>,
    ) -> UnknownName {
        let wanted = normalize(name);
        // A third of the letters may differ; further away a suggestion is noise.
        let limit = wanted.chars().count().div_ceil(3);
        let suggestion = candidates
            .into_iter()
            .map(|candidate| (strsim::damerau_levenshtein(&wanted, candidate), candidate))
            .filter(|(distance, _)| *distance <= limit)
            .min_by_key(|(distance, _)| *distance)
            .map(|(_, candidate)| candidate.to_owned());
        UnknownName { what, name: name.to_owned(), suggestion }
    }

    /// The name that was given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The nearest known name, if one is near.
    pub fn suggestion(&self) -> Option<&str> {
        self.suggestion.as_deref()
    }
}

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown {} `{}`", self.what, self.name)?;
        match &self.suggestion {
            Some(suggestion) => write!(f, " (did you mean `{suggestion}`?)"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for UnknownName {}

/// Case and the `linux/` of a platform do not tell names apart.
pub(crate) fn normalize(name: &str) -> String {
    let lower = name.trim().to_ascii_lowercase();
    match lower.strip_prefix("linux/") {
        Some(rest) => rest.to_owned(),
        None => lower,
    }
}
