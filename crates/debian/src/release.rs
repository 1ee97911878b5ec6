//! A suite's `InRelease`: signature, dates, and which `Packages` and `Sources` belong to it.
//!
//! Everything that a build fetches hangs on this file, so that nothing in it is believed before its signature is
//! verified, and only the signed text is ever parsed: lines outside it are not part of a [`Release`].

use std::collections::BTreeMap;

use base::Hint;
use deb822_fast::Paragraph;
use pgp::composed::CleartextSignedMessage;
use sha256::Digest;

use crate::keyring::{self, Keyring, Rejected};
use crate::{date, limits};

mod cleartext;

/// The list of source packages, from a suite's folder.
const SOURCES: &str = "main/source/Sources.xz";

/// A suite's verified `InRelease`. Dates are unix seconds.
#[derive(Debug, Clone)]
pub struct Release {
    /// The name that it was asked for by.
    pub name: String,
    /// `Codename`: `sid`.
    pub codename: String,
    /// `Date`
    pub date: i64,
    /// `Valid-Until`; stable suites have none.
    pub valid_until: Option<i64>,
    /// The digest of the whole file.
    pub digest: Digest,
    /// The fingerprint of the key whose signature was found valid.
    pub signed_by: String,
    by_hash: bool,
    packages: BTreeMap<String, (u64, Digest)>,
    sources: Option<(u64, Digest)>,
}

/// The concessions that the user makes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Policy {
    /// Take a Release whose `Valid-Until` is past.
    pub allow_expired: bool,
}

/// The reason why a Release is not to be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not a clear-signed message, or with something before or after it.
    #[error("InRelease of `{suite}` is not one clear-signed message: {reason}")]
    NotSigned {
        /// The suite.
        suite: String,
        /// The library's words, cut short.
        reason: String,
    },
    /// Nobody known signed it.
    #[error("InRelease of `{suite}` is signed by no key in the keyring (signed by {keys})")]
    UnknownKey {
        /// The suite.
        suite: String,
        /// Fingerprints or key ids.
        keys: String,
    },
    /// A known key is named, and no signature is valid.
    #[error("InRelease of `{suite}` has no valid signature: {reasons}")]
    BadSignature {
        /// The suite.
        suite: String,
        /// The problem with each.
        reasons: String,
    },
    /// Signed, but not a Release file.
    #[error("InRelease of `{suite}` is malformed: {reason}")]
    Malformed {
        /// The suite.
        suite: String,
        /// The problem.
        reason: String,
    },
    /// Another suite's file.
    #[error("InRelease of `{suite}` is that of suite `{actual}`, codename `{codename}`")]
    WrongSuite {
        /// The suite asked for.
        suite: String,
        /// The suite that it is.
        actual: String,
        /// Its codename.
        codename: String,
    },
    /// Too old.
    #[error("InRelease of `{suite}` has expired: it was valid until {}", date::iso(*.valid_until))]
    Expired {
        /// The suite.
        suite: String,
        /// Unix seconds.
        valid_until: i64,
    },
    /// Too new.
    #[error("InRelease of `{suite}` is from the future: {}", date::iso(*.date))]
    Future {
        /// The suite.
        suite: String,
        /// Unix seconds.
        date: i64,
    },
}

impl Hint for Error {
    fn hint(&self) -> Option<String> {
        match self {
            Error::Expired { suite, .. } => Some(format!(
                "the mirror may be stale: --mirror names another; --allow-expired {suite} takes it as it is"
            )),
            Error::Future { .. } => Some("check this machine's clock".to_owned()),
            Error::UnknownKey { .. } => Some(
                "Debian's new archive keys go into images/keyrings; its README says how to check them"
                    .to_owned(),
            ),
            Error::NotSigned { .. } => {
                Some("the mirror may be behind a login page; --mirror names another".to_owned())
            }
            _ => None,
        }
    }
}

/// Verifies a suite's `InRelease` at the moment `now` (unix seconds).
pub fn verify(
    inrelease: &[u8],
    keyring: &Keyring,
    suite: &str,
    now: i64,
    policy: &Policy,
) -> Result<Release, Error> {
    let (text, signed_by) = signed_text(inrelease, keyring, suite, now)?;
    let release = parse(&text, suite, Digest::of(inrelease), signed_by)?;
    if release.date > now + keyring::CLOCK_SKEW {
        return Err(Error::Future { suite: suite.to_owned(), date: release.date });
    }
    match release.valid_until {
        Some(valid_until) if valid_until < now && !policy.allow_expired => {
            Err(Error::Expired { suite: suite.to_owned(), valid_until })
        }
        _ => Ok(release),
    }
}

/// The text under the first valid signature, and who made that.
fn signed_text(
    inrelease: &[u8],
    keyring: &Keyring,
    suite: &str,
    now: i64,
) -> Result<(String, String), Error> {
    let not_signed = |reason: String| Error::NotSigned { suite: suite.to_owned(), reason };
    let text = std::str::from_utf8(inrelease).map_err(|_| not_signed("not UTF-8".to_owned()))?;
    let cleartext::Message { text: signed, frame } =
        cleartext::parse(text).map_err(|reason| not_signed(reason.to_owned()))?;
    let (message, _) =
        CleartextSignedMessage::from_string(&frame).map_err(|error| not_signed(keyring::short(&error)))?;
    if message.signatures().len() > limits::SIGNATURE_COUNT {
        return Err(not_signed(format!("it has more than {} signatures", limits::SIGNATURE_COUNT)));
    }
    let mut rejected = Vec::new();
    for signature in message.signatures() {
        match keyring.check(signature, signed.as_bytes(), now) {
            Ok(fingerprint) => return Ok((signed, fingerprint)),
            Err(reason) => rejected.push(reason),
        }
    }
    let suite = suite.to_owned();
    let unknown: Vec<&str> = rejected
        .iter()
        .filter_map(|reason| match reason {
            Rejected::UnknownKey(key) => Some(key.as_deref().unwrap_or("nobody")),
            _ => None,
        })
        .collect();
    if !unknown.is_empty() && unknown.len() == rejected.len() {
        return Err(Error::UnknownKey { suite, keys: unknown.join(", ") });
    }
    let reasons: Vec<String> = rejected.iter().map(ToString::to_string).collect();
    let reasons = if reasons.is_empty() { "none at all".to_owned() } else { reasons.join("; ") };
    Err(Error::BadSignature { suite, reasons })
}

fn parse(text: &str, suite: &str, digest: Digest, signed_by: String) -> Result<Release, Error> {
    let malformed = |reason: String| Error::Malformed { suite: suite.to_owned(), reason };
    let paragraph: Paragraph = text
        .replace("\r\n", "\n")
        .parse()
        .map_err(|_| malformed("not one paragraph of `Field: value` lines".to_owned()))?;
    let field = |name: &str| paragraph.get(name).ok_or_else(|| malformed(format!("no `{name}`")));
    let time = |name: &str, value: &str| {
        date::parse(value).ok_or_else(|| malformed(format!("`{name}` is no date: `{value}`")))
    };
    let (actual, codename) = (field("Suite")?, field("Codename")?);
    if suite != actual && suite != codename {
        let (actual, codename) = (actual.to_owned(), codename.to_owned());
        return Err(Error::WrongSuite { suite: suite.to_owned(), actual, codename });
    }
    let (mut packages, mut sources) = (BTreeMap::new(), None);
    for line in field("SHA256")?.lines().filter(|line| !line.trim().is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [hex, size, path] = words[..] else {
            return Err(malformed(format!("`SHA256` has the line `{}`", line.trim())));
        };
        let arch = path.strip_prefix("main/binary-").and_then(|rest| rest.strip_suffix("/Packages.xz"));
        if arch.is_none() && path != SOURCES {
            continue;
        }
        let (Ok(digest), Ok(size)) = (Digest::from_hex(hex), size.parse()) else {
            return Err(malformed(format!("`SHA256` has the line `{}`", line.trim())));
        };
        match arch {
            Some(arch) => drop(packages.insert(arch.to_owned(), (size, digest))),
            None => sources = Some((size, digest)),
        }
    }
    Ok(Release {
        name: suite.to_owned(),
        codename: codename.to_owned(),
        date: time("Date", field("Date")?)?,
        valid_until: paragraph.get("Valid-Until").map(|value| time("Valid-Until", value)).transpose()?,
        digest,
        signed_by,
        by_hash: paragraph.get("Acquire-By-Hash") == Some("yes"),
        packages,
        sources,
    })
}

/// The path of an architecture's `Packages.xz`, or of `Sources.xz`, relative to the mirror's base.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// The paths to try in this order; by hash first, which an archive under update does not overwrite.
    pub paths: Vec<String>,
    /// Its size in bytes.
    pub size: u64,
    /// Its digest.
    pub digest: Digest,
}

impl Release {
    /// The Debian architectures that the suite has a `Packages.xz` for, `all` among them.
    pub fn architectures(&self) -> impl Iterator<Item = &str> {
        self.packages.keys().map(String::as_str)
    }

    /// The `Packages.xz` of a Debian architecture; `None` if the suite does not have it.
    pub fn packages(&self, architecture: &str) -> Option<Index> {
        let file = *self.packages.get(architecture)?;
        Some(self.index(&format!("main/binary-{architecture}/Packages.xz"), file))
    }

    /// The `Sources.xz`; `None` if the suite does not have it.
    pub fn sources(&self) -> Option<Index> {
        self.sources.map(|file| self.index(SOURCES, file))
    }

    fn index(&self, path: &str, (size, digest): (u64, Digest)) -> Index {
        let path = format!("dists/{}/{path}", self.name);
        let by_hash = path.rsplit_once('/').filter(|_| self.by_hash);
        let by_hash = by_hash.map(|(folder, _)| format!("{folder}/by-hash/SHA256/{}", digest.hex()));
        Index { paths: by_hash.into_iter().chain([path]).collect(), size, digest }
    }
}
