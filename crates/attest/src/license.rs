//! Licences as SPDX expressions (SPDX 2.3, annex D).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// An expression over licences of the SPDX list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct License(String);

/// Debian's short names (copyright-format 1.0, "Short name"), and what the SPDX list has for them. `public-domain` is no licence,
/// and other names mean what the file with them says.
const DEBIAN: [(&str, &str); 28] = [
    ("0BSD", "0BSD"),
    ("Apache-2.0", "Apache-2.0"),
    ("Artistic", "Artistic-1.0-Perl"),
    ("BSD-2-clause", "BSD-2-Clause"),
    ("BSD-3-clause", "BSD-3-Clause"),
    ("BSL-1.0", "BSL-1.0"),
    ("CC-BY-3.0", "CC-BY-3.0"),
    ("CC-BY-4.0", "CC-BY-4.0"),
    ("CC-BY-SA-3.0", "CC-BY-SA-3.0"),
    ("CC0-1.0", "CC0-1.0"),
    ("Expat", "MIT"),
    ("GPL-1", "GPL-1.0-only"),
    ("GPL-1+", "GPL-1.0-or-later"),
    ("GPL-2", "GPL-2.0-only"),
    ("GPL-2+", "GPL-2.0-or-later"),
    ("GPL-3", "GPL-3.0-only"),
    ("GPL-3+", "GPL-3.0-or-later"),
    ("ISC", "ISC"),
    ("LGPL-2", "LGPL-2.0-only"),
    ("LGPL-2+", "LGPL-2.0-or-later"),
    ("LGPL-2.1", "LGPL-2.1-only"),
    ("LGPL-2.1+", "LGPL-2.1-or-later"),
    ("LGPL-3", "LGPL-3.0-only"),
    ("LGPL-3+", "LGPL-3.0-or-later"),
    ("MIT", "MIT"),
    ("MPL-1.1", "MPL-1.1"),
    ("MPL-2.0", "MPL-2.0"),
    ("Zlib", "Zlib"),
];

impl License {
    /// The licence of something whose parts are under `names`, as a Debian copyright file states them; `None` if any of them is
    /// not on the SPDX list: a licence of some parts would not be that of the whole.
    pub fn of_debian<'a>(names: impl IntoIterator<Item = &'a str>) -> Option<License> {
        let all: Option<BTreeSet<String>> = names.into_iter().map(choice).collect();
        let all = all.filter(|all| !all.is_empty())?;
        let is_one = all.len() == 1;
        let part = |part: String| if part.contains(" OR ") && !is_one { format!("({part})") } else { part };
        Some(License(all.into_iter().map(part).collect::<Vec<_>>().join(" AND ")))
    }

    /// The licence that a crate's manifest states (the Cargo book, "The `license` field"): an expression, or names that `/`
    /// stands between. `None` if it is neither.
    pub fn of_crate(text: &str) -> Option<License> {
        let text = text.trim().split('/').map(str::trim).collect::<Vec<_>>().join(" OR ");
        let plain = |c: char| c.is_ascii_alphanumeric() || " .-+()".contains(c);
        (!text.is_empty() && text.chars().all(plain)).then_some(License(text))
    }

    /// The expression.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// `GPL-2 or Expat`, mapped name by name.
fn choice(names: &str) -> Option<String> {
    let one = |name: &str| {
        let found = DEBIAN.iter().find(|(debian, _)| debian.eq_ignore_ascii_case(name.trim()));
        found.map(|(_, spdx)| (*spdx).to_owned())
    };
    let names: Option<Vec<String>> = names.split(" or ").map(one).collect();
    Some(names?.join(" OR "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debians_names_are_mapped_or_not_at_all() {
        let of = |names: &[&str]| License::of_debian(names.iter().copied()).map(|license| license.0);
        let check = |names: &[&str], expected: Option<&str>| {
            assert_eq!(of(names), expected.map(str::to_owned), "{names:?}");
        };
        check(&["GPL-2"], Some("GPL-2.0-only"));
        check(&["gpl-2+ or Expat"], Some("GPL-2.0-or-later OR MIT"));
        check(&["MIT", "Expat", "BSD-2-clause or ISC"], Some("(BSD-2-Clause OR ISC) AND MIT"));
        check(&["GPL-2", "public-domain"], None);
        check(&["GPL2-or-LGPL2-with-additions"], None);
        check(&["GPL-2+ with OpenSSL exception"], None);
        check(&[], None);
    }

    #[test]
    fn a_crates_statement_is_an_expression() {
        for (text, expected) in [
            ("MIT OR Apache-2.0", Some("MIT OR Apache-2.0")),
            ("MIT/Apache-2.0", Some("MIT OR Apache-2.0")),
            ("(MIT OR Apache-2.0) AND Unicode-3.0", Some("(MIT OR Apache-2.0) AND Unicode-3.0")),
            ("", None),
            ("see <LICENSE>", None),
        ] {
            assert_eq!(License::of_crate(text).map(|license| license.0).as_deref(), expected, "{text}");
        }
    }
}
