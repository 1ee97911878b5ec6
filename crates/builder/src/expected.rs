//! A file of tags with their digests, which another run has written: what a join has to come to.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use sha256::Digest;

use base::Hinted;

/// The digests that tags should have.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Expected(BTreeMap<String, Digest>);

impl Expected {
    /// Reads the file at `path`.
    pub fn load(path: &Path) -> anyhow::Result<Expected> {
        let cannot_read = || format!("cannot read {}", path.display());
        let text = std::fs::read_to_string(path).with_context(cannot_read)?;
        Expected::parse(&text).with_context(cannot_read)
    }

    /// Reads what `images --digest-file` writes. The repository may be left out: a tag is compared wherever it is.
    fn parse(text: &str) -> anyhow::Result<Expected> {
        let mut tags = BTreeMap::new();
        for (number, line) in (1..).zip(text.lines()) {
            let wrong = |what: &str| {
                Hinted::new(format!("line {number}: {what}"), "`images --digest-file` writes such a file")
            };
            let (digest, reference) = line.split_once(' ').ok_or_else(|| wrong("no digest and tag"))?;
            let digest = digest.parse().map_err(|_| wrong(&format!("no digest: `{digest}`")))?;
            let tag = reference.rsplit(':').next().unwrap_or(reference);
            if tags.insert(tag.to_owned(), digest).is_some_and(|other| other != digest) {
                return Err(wrong(&format!("a second digest for `{tag}`")).into());
            }
        }
        if tags.is_empty() {
            return Err(Hinted::new("it is empty", "`images --digest-file` writes such a file").into());
        }
        Ok(Expected(tags))
    }

    /// The differences of `actual`, a line for each tag.
    pub fn differences(&self, actual: &BTreeMap<String, Digest>) -> Vec<String> {
        let tags = self.0.keys().chain(actual.keys().filter(|tag| !self.0.contains_key(*tag)));
        tags.filter_map(|tag| match (self.0.get(tag), actual.get(tag)) {
            (Some(expected), Some(found)) if expected == found => None,
            (Some(expected), Some(found)) => Some(format!("`{tag}` would be {found}, not {expected}")),
            (Some(_), None) => Some(format!("`{tag}` is expected, and is no tag of this lock")),
            (None, _) => Some(format!("`{tag}` is not expected")),
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(text: &str) -> Digest {
        Digest::of(text.as_bytes())
    }

    #[test]
    fn tags_are_read_with_a_repository_and_without() {
        let text = format!("{} docker.io/aptman/qus:pkg\n{} arm\n", digest("a"), digest("b"));
        let expected = [("pkg".to_owned(), digest("a")), ("arm".to_owned(), digest("b"))];
        assert_eq!(Expected::parse(&text).unwrap(), Expected(expected.into()));
    }

    #[test]
    fn what_is_no_such_file_is_refused() {
        let good = format!("{} pkg\n", digest("a"));
        for (text, expected) in [
            (String::new(), "it is empty"),
            (format!("{good}pkg\n"), "line 2: no digest and tag"),
            ("sha256:0 pkg\n".to_owned(), "line 1: no digest: `sha256:0`"),
            (format!("{good}{} pkg\n", digest("b")), "line 2: a second digest for `pkg`"),
        ] {
            assert_eq!(Expected::parse(&text).unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn every_difference_is_told() {
        let (a, b) = (digest("a"), digest("b"));
        let tags = |tags: &[(&str, Digest)]| -> BTreeMap<String, Digest> {
            tags.iter().map(|(tag, digest)| ((*tag).to_owned(), *digest)).collect()
        };
        let expected = Expected(tags(&[("pkg", a), ("arm", a), ("old", a)]));
        assert_eq!(expected.differences(&expected.0), [""; 0]);
        assert_eq!(
            expected.differences(&tags(&[("pkg", b), ("arm", a), ("new", a)])),
            [
                "`old` is expected, and is no tag of this lock".to_owned(),
                format!("`pkg` would be {b}, not {a}"),
                "`new` is not expected".to_owned(),
            ]
        );
    }
}
