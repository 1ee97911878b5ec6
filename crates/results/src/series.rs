//! The names of QEMU's series.

use std::fmt;
use std::str::FromStr;

use arch::UnknownName;
use debian::SUITES;
use debian::lock::NEWEST;

/// A series of QEMU as the lock names it: `newest`, or a suite.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Series(String);

impl Series {
    /// The one that takes each target from the newest suite that has it.
    pub fn newest() -> Series {
        Series(NEWEST.to_owned())
    }

    /// The one that a lock has under this name.
    pub(crate) fn locked(name: &str) -> Series {
        Series(name.to_owned())
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.0
    }
}

impl FromStr for Series {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Series, UnknownName> {
        let names = || SUITES.into_iter().chain([NEWEST]);
        match names().any(|known| known == name) {
            true => Ok(Series(name.to_owned())),
            false => Err(UnknownName::new("series", name, names())),
        }
    }
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
