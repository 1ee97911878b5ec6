//! The three kinds of images that hold everything.

use std::fmt;
use std::str::FromStr;

use arch::UnknownName;

/// What an image is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    /// QEMU's binaries on scratch.
    Pkg,
    /// busybox and `register`.
    Register,
    /// The union of both.
    Full,
}

impl Kind {
    pub(crate) const ALL: [Kind; 3] = [Kind::Pkg, Kind::Register, Kind::Full];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Pkg => "pkg",
            Kind::Register => "register",
            Kind::Full => "full",
        }
    }

    /// What a tag that names a version ends in.
    pub(crate) fn suffix(self) -> &'static str {
        match self {
            Kind::Pkg => "-pkg",
            Kind::Register => "-register",
            Kind::Full => "",
        }
    }

    /// The tag that always means the newest.
    pub(crate) fn moving_tag(self) -> &'static str {
        match self {
            Kind::Pkg => "pkg",
            Kind::Register => "register",
            Kind::Full => "latest",
        }
    }
}

impl FromStr for Kind {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Kind, UnknownName> {
        Kind::ALL
            .into_iter()
            .find(|kind| kind.name() == name)
            .ok_or_else(|| UnknownName::new("kind", name, Kind::ALL.map(Kind::name)))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
