//! The machines that images run on.

use std::fmt;
use std::str::FromStr;

use crate::elf::Elf;
use crate::name::{UnknownName, normalize, split_variant};
use crate::platform::{Platform, variants};

/// A machine that images run on. Ordered as in the table: the most used first.
#[derive(Clone, Copy)]
pub struct Host(&'static Row);

struct Row {
    name: &'static str,
    tag: &'static str,
    debian: &'static str,
    platform: Platform,
    /// The variants of the platform's architecture whose machines run this host's programs.
    variants: &'static [&'static str],
    triple: Option<&'static str>,
    /// True if `run` knows the machine's registers and system calls.
    run: bool,
    target: &'static str,
    elf: Elf,
    aliases: &'static [&'static str],
}

const fn platform(architecture: &'static str) -> Platform {
    Platform::new(architecture)
}

const fn arm(architecture: &'static str, variant: &'static str) -> Platform {
    Platform::with_variant(architecture, variant)
}

#[rustfmt::skip]
static ROWS: [Row; 11] = [
    Row { name: "amd64", tag: "amd64", debian: "amd64", platform: platform("amd64"), variants: variants::AMD64, triple: Some("x86_64-unknown-linux-musl"), run: true, target: "x86_64", elf: Elf::le64(62), aliases: &["x86_64", "x86-64"] },
    Row { name: "i386", tag: "i386", debian: "i386", platform: platform("386"), variants: &[], triple: Some("i686-unknown-linux-musl"), run: false, target: "i386", elf: Elf::le32(3), aliases: &["i686", "x86"] },
    Row { name: "arm64v8", tag: "arm64v8", debian: "arm64", platform: arm("arm64", "v8"), variants: variants::ARM64, triple: Some("aarch64-unknown-linux-musl"), run: true, target: "aarch64", elf: Elf::le64(183), aliases: &["aarch64", "armv8"] },
    Row { name: "arm32v7", tag: "arm32v7", debian: "armhf", platform: arm("arm", "v7"), variants: &["v7", "v8"], triple: Some("armv7-unknown-linux-musleabihf"), run: false, target: "arm", elf: Elf::le32(40), aliases: &["armv7", "armv7l"] },
    Row { name: "arm32v6", tag: "arm32v6", debian: "armel", platform: arm("arm", "v6"), variants: &["v6"], triple: Some("arm-unknown-linux-musleabi"), run: false, target: "arm", elf: Elf::le32(40), aliases: &["armv6", "armv6l"] },
    Row { name: "s390x", tag: "s390x", debian: "s390x", platform: platform("s390x"), variants: &[], triple: Some("s390x-unknown-linux-musl"), run: true, target: "s390x", elf: Elf::be64(22), aliases: &[] },
    Row { name: "ppc64le", tag: "ppc64le", debian: "ppc64el", platform: platform("ppc64le"), variants: variants::PPC64LE, triple: Some("powerpc64le-unknown-linux-musl"), run: false, target: "ppc64le", elf: Elf::le64(21), aliases: &["powerpc64le"] },
    Row { name: "riscv64", tag: "riscv64", debian: "riscv64", platform: platform("riscv64"), variants: variants::RISCV64, triple: Some("riscv64gc-unknown-linux-musl"), run: false, target: "riscv64", elf: Elf::le64(243), aliases: &[] },
    Row { name: "loong64", tag: "loong64", debian: "loong64", platform: platform("loong64"), variants: &[], triple: Some("loongarch64-unknown-linux-musl"), run: false, target: "loongarch64", elf: Elf::le64(258), aliases: &["loongarch64"] },
    // Hosts of packages only: Debian stopped building them after bookworm, and their tags predate the rule.
    Row { name: "mipsel", tag: "mips", debian: "mipsel", platform: platform("mipsle"), variants: &[], triple: None, run: false, target: "mipsel", elf: Elf::le32(8), aliases: &["mips"] },
    Row { name: "mips64el", tag: "mips64el", debian: "mips64el", platform: platform("mips64le"), variants: &[], triple: None, run: false, target: "mips64el", elf: Elf::le64(8), aliases: &[] },
];

impl Host {
    /// Every host, in the table's order.
    pub fn all() -> impl Iterator<Item = Host> {
        ROWS.iter().map(Host)
    }

    /// The machine that this program was built for; an error on one that qus has no images for.
    pub fn native() -> Result<Host, UnknownName> {
        Host::of_rust(std::env::consts::ARCH)
    }

    /// The host that Rust's `target_arch` stands for. Some of those are no names of hosts, since they leave open which of
    /// two it is.
    fn of_rust(name: &str) -> Result<Host, UnknownName> {
        match name {
            "arm" => "armhf",
            "powerpc64" => "ppc64le",
            "x86" => "i386",
            name => name,
        }
        .parse()
    }

    /// Docker official images' name: `arm64v8`.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// The beginning of this host's tags: its name, but `mips` for `mipsel`.
    pub fn tag(self) -> &'static str {
        self.0.tag
    }

    /// Debian's architecture: `arm64`.
    pub fn debian(self) -> &'static str {
        self.0.debian
    }

    /// The OCI platform: `linux/arm64/v8`.
    pub fn platform(self) -> Platform {
        self.0.platform
    }

    /// True if `register` is built for it. The others have images with QEMU's binaries alone.
    pub fn has_register(self) -> bool {
        self.triple().is_some()
    }

    /// True if `run` is built for it.
    pub fn has_run(self) -> bool {
        self.0.run
    }

    /// Rust's target triple, for hosts that get a `register`; `None` for hosts of `pkg` images only.
    pub fn triple(self) -> Option<&'static str> {
        self.0.triple
    }

    /// QEMU's name for this machine as a target: what runs this host's programs elsewhere.
    pub fn target(self) -> crate::Target {
        crate::Target::named(self.0.target)
    }

    /// The header of this host's programs.
    pub fn elf(self) -> Elf {
        self.0.elf
    }

    /// Other names than its own, Debian's and the platform's: `uname -m`'s, and what people say.
    pub fn aliases(self) -> &'static [&'static str] {
        self.0.aliases
    }

    fn answers_to(self, name: &str) -> bool {
        let row = self.0;
        let named = |name: &str| row.name == name || row.debian == name || row.aliases.contains(&name);
        // Without a variant, `arm` leaves open which of two hosts it is.
        let is_whole = row.platform.normalized().variant.is_none();
        let of_platform = |name: &str| row.platform.architecture == name;
        match split_variant(name) {
            (name, None) => named(name) || is_whole && of_platform(name),
            (name, Some(variant)) => (named(name) || of_platform(name)) && row.variants.contains(&variant),
        }
    }

    fn index(self) -> usize {
        ROWS.iter().position(|row| std::ptr::eq(row, self.0)).unwrap_or(ROWS.len())
    }
}

impl FromStr for Host {
    type Err = UnknownName;

    /// Parses a Docker, Debian, OCI (`linux/arm/v7`, with or without `linux/`) or `uname -m` name.
    fn from_str(name: &str) -> Result<Host, UnknownName> {
        let wanted = normalize(name);
        Host::all().find(|host| host.answers_to(&wanted)).ok_or_else(|| {
            let names = ROWS.iter().flat_map(|row| [row.name, row.debian]);
            let aliases = ROWS.iter().flat_map(|row| row.aliases.iter().copied());
            UnknownName::new("host", name, names.chain(aliases))
        })
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl PartialEq for Host {
    fn eq(&self, other: &Host) -> bool {
        std::ptr::eq(self.0, other.0)
    }
}

impl Eq for Host {}

impl std::hash::Hash for Host {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.index().hash(state);
    }
}

impl Ord for Host {
    fn cmp(&self, other: &Host) -> std::cmp::Ordering {
        self.index().cmp(&other.index())
    }
}

impl PartialOrd for Host {
    fn partial_cmp(&self, other: &Host) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_hosts_have_binaries_alone() {
        let without: Vec<&str> = Host::all().filter(|host| !host.has_register()).map(Host::name).collect();
        assert_eq!(without, ["mipsel", "mips64el"]);
        let with_run: Vec<&str> = Host::all().filter(|host| host.has_run()).map(Host::name).collect();
        assert_eq!(with_run, ["amd64", "arm64v8", "s390x"]);
        assert!(Host::all().all(|host| host.has_register() || !host.has_run()));
    }

    fn check(name: &str, expected: Result<&str, &str>) {
        let actual = name.parse::<Host>().map(Host::name).map_err(|error| error.to_string());
        assert_eq!(actual, expected.map_err(str::to_owned), "{name}");
    }

    #[test]
    fn hosts_answer_to_all_their_names() {
        for (name, expected) in [
            ("amd64", "amd64"),
            ("x86_64", "amd64"),
            ("386", "i386"),
            ("linux/386", "i386"),
            ("arm64", "arm64v8"),
            ("linux/arm64", "arm64v8"),
            ("linux/arm64/v8", "arm64v8"),
            ("aarch64", "arm64v8"),
            ("armhf", "arm32v7"),
            ("linux/arm/v7", "arm32v7"),
            ("armel", "arm32v6"),
            ("arm/v6", "arm32v6"),
            ("ppc64el", "ppc64le"),
            ("Linux/S390X", "s390x"),
            ("loongarch64", "loong64"),
            ("mipsle", "mipsel"),
            ("mips64le", "mips64el"),
            ("linux/amd64/v2", "amd64"),
            ("x86_64/v3", "amd64"),
            ("linux/arm64/v8.2", "arm64v8"),
            ("linux/arm/v8", "arm32v7"),
            ("linux/ppc64le/power9", "ppc64le"),
            ("linux/riscv64/rva20u64", "riscv64"),
        ] {
            check(name, Ok(expected));
        }
    }

    #[test]
    fn what_rust_calls_a_machine_is_a_host() {
        for (name, expected) in [
            ("x86_64", "amd64"),
            ("x86", "i386"),
            ("arm", "arm32v7"),
            ("aarch64", "arm64v8"),
            ("powerpc64", "ppc64le"),
            ("s390x", "s390x"),
            ("riscv64", "riscv64"),
            ("loongarch64", "loong64"),
        ] {
            assert_eq!(Host::of_rust(name).map(Host::name), Ok(expected), "{name}");
        }
        assert!(Host::of_rust("sparc64").is_err());
    }

    #[test]
    fn unknown_names_get_a_suggestion_when_one_is_near() {
        check("amd46", Err("unknown host `amd46` (did you mean `amd64`?)"));
        check("arm32v8", Err("unknown host `arm32v8` (did you mean `arm32v7`?)"));
        check("arm", Err("unknown host `arm`"));
        check("linux/s390x/v2", Err("unknown host `linux/s390x/v2` (did you mean `s390x`?)"));
        check("armfh", Err("unknown host `armfh` (did you mean `armhf`?)"));
        check("vax", Err("unknown host `vax`"));
        check("", Err("unknown host ``"));
    }

    #[test]
    fn no_name_belongs_to_two_hosts() {
        for host in Host::all() {
            for name in [host.name(), host.debian(), &host.platform().to_string()] {
                assert_eq!(name.parse(), Ok(host), "{name}");
            }
            assert_eq!(Host::all().filter(|other| other.tag() == host.tag()).count(), 1);
            for alias in host.0.aliases {
                assert_eq!(alias.parse(), Ok(host), "{alias}");
            }
        }
    }

    #[test]
    fn a_hosts_programs_are_its_targets_programs() {
        for host in Host::all() {
            assert_eq!(host.elf(), host.target().elf(), "{host}");
        }
    }
}
