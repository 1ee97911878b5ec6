//! Platforms: what images and registries call the machines that programs are for.

use std::fmt;

/// An OCI platform; the operating system is always `linux` (image-spec, image-index.md, "platform").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Platform {
    /// A `GOARCH` value.
    pub architecture: &'static str,
    /// One of the architecture's variants.
    pub variant: Option<&'static str>,
}

/// The platforms whose programs QEMU runs, the most used first; those of one target stand together.
///
/// In the order and the spelling of tonistiigi/binfmt, whose `supported` people compare with.
pub static PLATFORMS: [Platform; 11] = [
    Platform::new("amd64"),
    Platform::new("arm64"),
    Platform::new("riscv64"),
    Platform::new("ppc64le"),
    Platform::new("s390x"),
    Platform::new("386"),
    Platform::new("mips64le"),
    Platform::new("mips64"),
    Platform::new("loong64"),
    Platform::with_variant("arm", "v7"),
    Platform::with_variant("arm", "v6"),
];

/// Variants, by the values of `GOAMD64`, `GOARM64`, `GOARM`, `GOPPC64` and `GORISCV64`, which the image specification
/// takes them from (image-index.md, "Platform Variants"), and 32-bit programs of Armv8.
pub(crate) mod variants {
    pub(crate) const AMD64: &[&str] = &["v1", "v2", "v3", "v4"];
    #[rustfmt::skip]
    pub(crate) const ARM64: &[&str] = &[
        "v8", "v8.0", "v8.1", "v8.2", "v8.3", "v8.4", "v8.5", "v8.6", "v8.7", "v8.8", "v8.9",
        "v9", "v9.0", "v9.1", "v9.2", "v9.3", "v9.4", "v9.5",
    ];
    pub(crate) const ARM: &[&str] = &["v5", "v6", "v7", "v8"];
    pub(crate) const PPC64LE: &[&str] = &["power8", "power9", "power10", "power11"];
    pub(crate) const RISCV64: &[&str] = &["rva20u64", "rva22u64", "rva23u64"];
}

impl Platform {
    pub(crate) const fn new(architecture: &'static str) -> Platform {
        Platform { architecture, variant: None }
    }

    pub(crate) const fn with_variant(architecture: &'static str, variant: &'static str) -> Platform {
        Platform { architecture, variant: Some(variant) }
    }

    /// The platform as `--platform` has it: `linux/arm64` for `linux/arm64/v8`, since 64-bit Arm is v8 unless something
    /// else is given (containerd's `platforms.Normalize`).
    pub fn normalized(self) -> Platform {
        match (self.architecture, self.variant) {
            ("arm64", Some("v8")) | ("amd64", Some("v1")) => Platform::new(self.architecture),
            _ => self,
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "linux/{}", self.architecture)?;
        self.variant.map_or(Ok(()), |variant| write!(f, "/{variant}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Host;

    #[test]
    fn every_platform_is_a_name_of_its_target() {
        let targets: Vec<&str> = PLATFORMS.iter().map(|platform| platform.target().name()).collect();
        assert_eq!(
            targets,
            [
                "x86_64",
                "aarch64",
                "riscv64",
                "ppc64le",
                "s390x",
                "i386",
                "mips64el",
                "mips64",
                "loongarch64",
                "arm",
                "arm"
            ]
        );
        for platform in PLATFORMS {
            assert_eq!(platform.to_string().parse(), Ok(platform.target()), "{platform}");
            assert_eq!(platform.normalized(), platform);
        }
    }

    #[test]
    fn every_hosts_platform_is_one_of_its_targets() {
        for host in Host::all() {
            let platform = host.platform();
            assert_eq!(platform.target(), host.target(), "{host}");
            // Nobody builds for mipsle any more.
            let known = PLATFORMS.contains(&platform.normalized());
            assert_eq!(known, host.name() != "mipsel", "{platform}");
        }
    }
}
