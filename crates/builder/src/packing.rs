//! The compression of layers: `--compression` and `--level`.

use std::fmt;
use std::str::FromStr;

use arch::UnknownName;
use oci::{Frame, Level as GzipLevel};

/// The forms that every image is made in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Compression {
    /// Every engine reads it
    #[default]
    Gzip,
    /// Smaller and faster to unpack; Docker 20.10 and older cannot read it
    Zstd,
    /// Each index has both, gzip first; tags ending in `-zstd` have zstd alone
    Both,
}

impl Compression {
    /// Its forms, in the order in which an index lists them: engines that know nothing of compression take the first.
    pub fn forms(self) -> &'static [Form] {
        match self {
            Compression::Gzip => &[Form::Gzip],
            Compression::Zstd => &[Form::Zstd],
            Compression::Both => &[Form::Gzip, Form::Zstd],
        }
    }
}

impl FromStr for Compression {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Compression, UnknownName> {
        match name {
            "gzip" => Ok(Compression::Gzip),
            "zstd" => Ok(Compression::Zstd),
            "both" => Ok(Compression::Both),
            _ => Err(UnknownName::new("compression", name, ["gzip", "zstd", "both"])),
        }
    }
}

/// The compression of one image's layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// Members of gzip, one after the other.
    Gzip,
    /// Frames of zstd.
    Zstd,
}

impl Form {
    /// `gzip` or `zstd`.
    pub fn name(self) -> &'static str {
        match self {
            Form::Gzip => "gzip",
            Form::Zstd => "zstd",
        }
    }
}

/// The level of compression of binaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Level {
    /// For development: fast
    #[default]
    Quick,
    /// For what others download: small
    Best,
}

impl Level {
    /// `quick` or `best`.
    pub fn name(self) -> &'static str {
        match self {
            Level::Quick => "quick",
            Level::Best => "best",
        }
    }

    /// Measured on QEMU's binaries: 10 takes ten times the time of 6 for 3.4 % less, 12 nearly three times that again for 0.5 %.
    pub fn gzip(self) -> GzipLevel {
        let number = match self {
            Level::Quick => 6,
            Level::Best => 10,
        };
        GzipLevel::new(number).expect("both are in the range")
    }

    /// The frame of a layer with one binary.
    pub fn frame(self) -> Frame {
        match self {
            Level::Quick => Frame::Quick,
            Level::Best => Frame::Best,
        }
    }
}

/// The payload of a layer, as far as its compression goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payload {
    /// busybox or `register`: small, and always compressed as well as possible.
    Base,
    /// All binaries of a host.
    All,
    /// One binary.
    One,
}

/// Names everything that a layer's bytes depend on beside its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packing {
    /// The compression.
    pub form: Form,
    /// The level, as far as there is a choice.
    pub level: Level,
    /// The payload that is compressed.
    pub payload: Payload,
}

impl Packing {
    /// The level, for gzip.
    pub fn gzip(self) -> GzipLevel {
        match self.payload {
            Payload::Base => GzipLevel::BEST,
            Payload::All | Payload::One => self.level.gzip(),
        }
    }

    /// The frames, for zstd.
    pub fn frame(self) -> Frame {
        match self.payload {
            Payload::Base => Frame::Best,
            Payload::All => Frame::Long,
            Payload::One => self.level.frame(),
        }
    }
}

impl fmt::Display for Packing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.form {
            Form::Gzip => write!(f, "gzip-{}", self.gzip().get()),
            Form::Zstd => f.write_str(match self.frame() {
                Frame::Long => "zstd-long",
                Frame::Quick => "zstd-quick",
                Frame::Best => "zstd-best",
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_layers_apart() {
        for (form, level, payload, expected) in [
            (Form::Gzip, Level::Quick, Payload::All, "gzip-6"),
            (Form::Gzip, Level::Quick, Payload::One, "gzip-6"),
            (Form::Gzip, Level::Best, Payload::One, "gzip-10"),
            (Form::Gzip, Level::Quick, Payload::Base, "gzip-12"),
            (Form::Zstd, Level::Quick, Payload::All, "zstd-long"),
            (Form::Zstd, Level::Best, Payload::All, "zstd-long"),
            (Form::Zstd, Level::Quick, Payload::One, "zstd-quick"),
            (Form::Zstd, Level::Best, Payload::One, "zstd-best"),
            (Form::Zstd, Level::Quick, Payload::Base, "zstd-best"),
        ] {
            assert_eq!(Packing { form, level, payload }.to_string(), expected);
        }
    }

    #[test]
    fn unknown_compressions_are_named() {
        let error = "zst".parse::<Compression>().unwrap_err().to_string();
        assert_eq!(error, "unknown compression `zst` (did you mean `zstd`?)");
    }
}
