//! Names that people type, and what they may have meant.

use std::fmt;

/// A name that is in neither column of the table asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownName {
    what: &'static str,
    name: String,
    suggestion: Suggestion,
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
        UnknownName {
            what,
            name: name.to_owned(),
            suggestion: Suggestion::among(candidates, &normalize(name)),
        }
    }

    /// The name that was given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The nearest known name, if one is near.
    pub fn suggestion(&self) -> Option<&str> {
        self.suggestion.name()
    }
}

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown {} `{}`{}", self.what, self.name, self.suggestion)
    }
}

/// The known name that an unknown one is nearest to, if one is near; prints as the end of a message, or as nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Suggestion(Option<String>);

impl Suggestion {
    /// The one of `candidates` that is nearest to `name`.
    pub fn among<'a>(candidates: impl IntoIterator<Item = &'a str>, name: &str) -> Suggestion {
        // A third of the letters may differ; further away a suggestion is noise.
        let limit = name.chars().count().div_ceil(3);
        let nearest = candidates
            .into_iter()
            .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
            .filter(|(distance, _)| *distance <= limit)
            .min_by_key(|(distance, _)| *distance);
        Suggestion(nearest.map(|(_, candidate)| candidate.to_owned()))
    }

    /// The name itself.
    pub fn name(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl fmt::Display for Suggestion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(name) => write!(f, " (did you mean `{name}`?)"),
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

/// A platform's name and its variant, which a slash separates.
pub(crate) fn split_variant(name: &str) -> (&str, Option<&str>) {
    name.split_once('/').map_or((name, None), |(name, variant)| (name, Some(variant)))
}
