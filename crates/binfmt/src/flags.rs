//! The flags of an entry.

use std::fmt;
use std::ops::BitOr;
use std::str::FromStr;

/// The things that the kernel does beyond starting the interpreter (`Documentation/admin-guide/binfmt-misc.rst`).
///
/// `C` without `O` does not exist: the kernel sets both, and so does [`Flags::CREDENTIALS`].
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Flags(u8);

impl Flags {
    /// No flag at all.
    pub const NONE: Flags = Flags(0);
    /// `P`: the interpreter gets the original `argv[0]` as an argument of its own.
    pub const PRESERVE_ARGV0: Flags = Flags(0b0001);
    /// `O`: the interpreter gets the program as an open file, so that it need not be readable.
    pub const OPEN_BINARY: Flags = Flags(0b0010);
    /// `C`: the program's set-user-ID bits count, and not the interpreter's. Implies `O`.
    pub const CREDENTIALS: Flags = Flags(0b0110);
    /// `F`: the interpreter is opened once, when it is registered; so containers need not hold it.
    pub const FIX_BINARY: Flags = Flags(0b1000);

    /// In the order in which the kernel prints them.
    const LETTERS: [(char, Flags); 4] = [
        ('P', Flags::PRESERVE_ARGV0),
        ('O', Flags::OPEN_BINARY),
        ('C', Flags::CREDENTIALS),
        ('F', Flags::FIX_BINARY),
    ];

    /// True if all of `other` are set.
    pub fn contains(self, other: Flags) -> bool {
        self.0 & other.0 == other.0
    }

    /// These flags when `wanted`, none otherwise.
    pub fn when(self, wanted: bool) -> Flags {
        if wanted { self } else { Flags::NONE }
    }
}

impl BitOr for Flags {
    type Output = Flags;

    fn bitor(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }
}

/// A letter that is none of `P`, `O`, `C`, `F`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown flag `{0}`")]
pub struct UnknownFlag(pub char);

impl FromStr for Flags {
    type Err = UnknownFlag;

    fn from_str(letters: &str) -> Result<Flags, UnknownFlag> {
        letters.chars().try_fold(Flags::NONE, |flags, letter| {
            let known = Flags::LETTERS.iter().find(|(known, _)| *known == letter);
            known.map(|(_, flag)| flags | *flag).ok_or(UnknownFlag(letter))
        })
    }
}

impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letters =
            Flags::LETTERS.iter().filter(|(_, flag)| self.contains(*flag)).map(|(letter, _)| letter);
        f.pad(&letters.collect::<String>())
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Flags({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_in_any_order_print_in_the_kernels() {
        for (letters, expected) in [
            ("", Ok("")),
            ("F", Ok("F")),
            ("FCO", Ok("OCF")),
            ("C", Ok("OC")),
            ("FP", Ok("PF")),
            ("OPF", Ok("POF")),
        ] {
            assert_eq!(letters.parse::<Flags>().map(|flags| flags.to_string()), expected.map(str::to_owned));
        }
        assert_eq!("FX".parse::<Flags>(), Err(UnknownFlag('X')));
        assert_eq!(UnknownFlag('X').to_string(), "unknown flag `X`");
    }
}
