//! The kinds of images that hold everything.

use std::fmt;
use std::str::FromStr;

use arch::UnknownName;

/// What an image is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// QEMU's binaries on scratch.
    Pkg,
    /// busybox and `register`.
    Register,
    /// The union of both.
    Full,
    /// `full`, entered as `binfmt`: for those who are used to tonistiigi/binfmt's command line.
    Binfmt,
}

impl Kind {
    /// All kinds, in the order in which images are built.
    pub const ALL: [Kind; 4] = [Kind::Pkg, Kind::Register, Kind::Full, Kind::Binfmt];

    /// The name that it is asked for by, and that most of its tags end in.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Pkg => "pkg",
            Kind::Register => "register",
            Kind::Full => "full",
            Kind::Binfmt => "binfmt",
        }
    }

    /// What a tag that names a version ends in.
    pub fn suffix(self) -> &'static str {
        match self {
            Kind::Pkg => "-pkg",
            Kind::Register => "-register",
            Kind::Full => "",
            Kind::Binfmt => "-binfmt",
        }
    }

    /// The tag that always means the newest.
    pub fn moving_tag(self) -> &'static str {
        match self {
            Kind::Pkg => "pkg",
            Kind::Register => "register",
            Kind::Full => "latest",
            Kind::Binfmt => "binfmt",
        }
    }

    /// Whether it holds QEMU's binaries.
    pub fn has_qemu(self) -> bool {
        self != Kind::Register
    }

    /// Whether it holds `register`, and so is for hosts that have one.
    pub fn has_register(self) -> bool {
        self != Kind::Pkg
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
