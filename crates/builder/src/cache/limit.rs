//! The limit of the cache's size: `500M`, `2GiB`, `none`.

use std::fmt;
use std::str::FromStr;

/// The most bytes that the cache keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit(u64);

/// Everything that a build at both levels in both compressions leaves, with the test engines, is about 9 GB.
const DEFAULT: u64 = 10 << 30;

const UNITS: [(&str, u64); 9] = [
    ("B", 1),
    ("K", 1000),
    ("M", 1000_u64.pow(2)),
    ("G", 1000_u64.pow(3)),
    ("T", 1000_u64.pow(4)),
    ("Ki", 1 << 10),
    ("Mi", 1 << 20),
    ("Gi", 1 << 30),
    ("Ti", 1 << 40),
];

impl Limit {
    /// No limit.
    pub const NONE: Limit = Limit(u64::MAX);

    /// The number of bytes.
    pub fn bytes(self) -> u64 {
        self.0
    }
}

impl Default for Limit {
    fn default() -> Limit {
        Limit(DEFAULT)
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Limit::NONE => f.write_str("no limit"),
            Limit(bytes) => f.write_str(&base::size(bytes)),
        }
    }
}

/// The argument is no size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoSize(String);

impl fmt::Display for NoSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no size: it takes a number with a unit (500M, 2GiB), or `none`", self.0)
    }
}

impl std::error::Error for NoSize {}

impl FromStr for Limit {
    type Err = NoSize;

    fn from_str(text: &str) -> Result<Limit, NoSize> {
        if text == "none" {
            return Ok(Limit::NONE);
        }
        let fail = || NoSize(text.to_owned());
        let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
        // `2G`, `2GB`, `2GiB`: the B says nothing more, but for bytes alone.
        let unit = match unit {
            "" | "B" => "B",
            unit => unit.strip_suffix('B').filter(|unit| *unit != "B").unwrap_or(unit),
        };
        let factor = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(fail)?.1;
        let number: u64 = number.parse().map_err(|_| fail())?;
        number.checked_mul(factor).map(Limit).ok_or_else(fail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        for (text, expected) in [
            ("0", 0),
            ("12", 12),
            ("12B", 12),
            ("500M", 500_000_000),
            ("2GB", 2_000_000_000),
            ("2GiB", 2 << 30),
            ("10Gi", 10 << 30),
            ("1T", 1_000_000_000_000),
        ] {
            assert_eq!(text.parse::<Limit>().unwrap().bytes(), expected, "{text}");
        }
        assert_eq!("none".parse(), Ok(Limit::NONE));
        assert_eq!(Limit::default().to_string(), "10.7 GB");
        assert_eq!(Limit::NONE.to_string(), "no limit");
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for text in ["", "G", "2X", "2g", "-1", "1.5G", "2 G", "99999999T", "iB", "2BB"] {
            let error = text.parse::<Limit>().unwrap_err().to_string();
            let expected =
                format!("`{text}` is no size: it takes a number with a unit (500M, 2GiB), or `none`");
            assert_eq!(error, expected);
        }
    }
}
