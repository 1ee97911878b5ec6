//! The stanzas of an archive's indexes, `Packages` and `Sources`: found by the package's name, and read within bounds.

use std::io::{BufRead, BufReader, Read};

use deb822_fast::Paragraph;

use crate::deb;
use crate::limits::{self, Bounded};

/// The reason why a `Packages` or a `Sources` cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Reading or decoding failed.
    #[error("cannot read the list of packages")]
    Read(#[source] std::io::Error),
    /// A line, or a wanted package's stanza, is longer than any real one.
    #[error("the list of packages has a stanza of more than {} bytes", limits::STANZA)]
    Long,
    /// A stanza lacks a field, or has one that makes no sense.
    #[error("package `{package}`: {reason}")]
    Malformed {
        /// The package.
        package: String,
        /// The problem.
        reason: String,
    },
}

/// The stanza of a package whose name was asked for.
pub(crate) struct Stanza {
    /// `Package`
    pub(crate) name: String,
    paragraph: Paragraph,
}

impl Stanza {
    fn parse(stanza: &[u8]) -> Result<Stanza, Error> {
        let text = String::from_utf8_lossy(stanza);
        let paragraph: Option<Paragraph> = text.parse().ok();
        let whole = paragraph.as_ref().and_then(|paragraph| paragraph.get("Package")).unwrap_or_default();
        let name = whole.lines().next().unwrap_or_default().to_owned();
        let malformed = |reason: &str| Error::Malformed { package: name.clone(), reason: reason.to_owned() };
        if whole != name {
            return Err(malformed("`Package` has more than one line"));
        }
        match paragraph {
            Some(paragraph) => Ok(Stanza { name, paragraph }),
            None => Err(malformed("malformed stanza")),
        }
    }

    pub(crate) fn get(&self, field: &str) -> Option<&str> {
        self.paragraph.get(field)
    }

    /// The value of a field that has to be there.
    pub(crate) fn field(&self, field: &str) -> Result<&str, Error> {
        self.get(field).ok_or_else(|| self.malformed(format!("no `{field}`")))
    }

    pub(crate) fn malformed(&self, reason: String) -> Error {
        Error::Malformed { package: self.name.clone(), reason }
    }

    /// The error of a field with this value.
    pub(crate) fn odd(&self, field: &str, value: &str) -> Error {
        self.malformed(format!("`{field}` is `{value}`"))
    }
}

/// An index as it is fetched, decoded.
pub(crate) fn decoded<R: Read>(index_xz: R) -> Result<impl BufRead, Error> {
    let decoder = deb::xz(index_xz, 1).map_err(|error| Error::Read(std::io::Error::other(error)))?;
    Ok(BufReader::with_capacity(256 << 10, Bounded::new(decoder, limits::PACKAGES)))
}

/// Gives `each` the stanzas of the packages called one of `names`, or all, in the index's order.
pub(crate) fn walk<R: BufRead>(
    mut index: R,
    names: Option<&[&str]>,
    each: &mut dyn FnMut(Stanza) -> Result<(), Error>,
) -> Result<(), Error> {
    let is_one_of = |names: &[&str], name: &[u8]| names.iter().any(|wanted| wanted.as_bytes() == name);
    let mut line = Vec::new();
    let mut stanza = Vec::new();
    let mut wanted = false;
    loop {
        line.clear();
        let n =
            (&mut index).take(limits::STANZA as u64 + 1).read_until(b'\n', &mut line).map_err(Error::Read)?;
        let ends = n == 0 || line == b"\n";
        if !ends && stanza.len() + line.len() > limits::STANZA {
            return Err(Error::Long);
        }
        if ends {
            if wanted {
                each(Stanza::parse(&stanza)?)?;
            }
            if n == 0 {
                return Ok(());
            }
            stanza.clear();
            wanted = false;
            continue;
        }
        // Only wanted stanzas are kept and parsed: `Package` comes first in each.
        if let Some(name) = line.strip_prefix(b"Package:") {
            wanted = names.is_none_or(|names| is_one_of(names, name.trim_ascii()));
        }
        if wanted {
            stanza.extend_from_slice(&line);
        }
    }
}
