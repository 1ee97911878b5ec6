//! The foreign architectures that QEMU emulates in user mode.

use std::fmt;
use std::str::FromStr;

use crate::elf::{Elf, Endian};
use crate::magic::{Magic, Relaxed};
use crate::name::{UnknownName, normalize, split_variant};
use crate::platform::{PLATFORMS, Platform, variants};

/// An architecture that QEMU's user mode emulates. Ordered by name.
#[derive(Clone, Copy)]
pub struct Target(&'static Row);

/// The standing of a target: QEMU has it, or has dropped it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// In today's QEMU, under its own binary.
    Current,
    /// A second entry for another target's binary: `i486` is run by `qemu-i386`.
    Shared,
    /// Dropped by QEMU ([`Target::dropped`]); in bookworm's packages only.
    Retired,
}

struct Row {
    name: &'static str,
    family: &'static str,
    elf: Elf,
    magic: Magic,
    /// Of those that QEMU has.
    status: Status,
    dropped: Option<(u32, u32)>,
    aliases: &'static [&'static str],
    variants: &'static [&'static str],
}

const fn row(
    name: &'static str,
    family: &'static str,
    elf: Elf,
    relaxed: Relaxed,
    aliases: &'static [&'static str],
) -> Row {
    Row {
        name,
        family,
        elf,
        magic: Magic::new(elf, relaxed),
        status: Status::Current,
        dropped: None,
        aliases,
        variants: &[],
    }
}

const fn mips32(name: &'static str, endian: Endian, n32: bool, aliases: &'static [&'static str]) -> Row {
    let elf = Elf { class: crate::Class::Bits32, endian, machine: 8 };
    let plain = row(name, "mips", elf, Relaxed::MIPS, aliases);
    Row { magic: plain.magic.with_n32(endian, n32), ..plain }
}

#[rustfmt::skip]
static ROWS: [Row; 36] = [
    Row { variants: variants::ARM64, ..row("aarch64", "arm", Elf::le64(183), Relaxed::ANY, &["arm64", "arm64v8", "armv8"]) },
    row("aarch64_be", "armeb", Elf::be64(183), Relaxed::ANY, &["arm64be"]),
    row("alpha", "alpha", Elf::le64(0x9026), Relaxed::ANY, &[]),
    Row { variants: variants::ARM, ..row("arm", "arm", Elf::le32(40), Relaxed::ANY, &["armhf", "armel", "arm32v5", "arm32v6", "arm32v7", "armv6", "armv6l", "armv7", "armv7l"]) },
    row("armeb", "armeb", Elf::be32(40), Relaxed::ANY, &["armbe"]),
    Row { dropped: Some((9, 2)), ..row("cris", "cris", Elf::le32(76), Relaxed::ANY, &[]) },
    row("hexagon", "hexagon", Elf::le32(164), Relaxed::ANY, &[]),
    row("hppa", "hppa", Elf::be32(15), Relaxed::ANY, &["parisc"]),
    row("i386", "i386", Elf::le32(3), Relaxed::X86, &["386", "i686", "x86"]),
    Row { status: Status::Shared, ..row("i486", "i386", Elf::le32(6), Relaxed::X86, &[]) },
    row("loongarch64", "loongarch", Elf::le64(258), Relaxed::LOONGARCH, &["loong64"]),
    row("m68k", "m68k", Elf::be32(4), Relaxed::ANY, &[]),
    row("microblaze", "microblaze", Elf::be32(0xbaab), Relaxed::ANY, &[]),
    row("microblazeel", "microblaze", Elf::le32(0xbaab), Relaxed::ANY, &[]),
    mips32("mips", Endian::Big, false, &[]),
    row("mips64", "mips", Elf::be64(8), Relaxed::MIPS, &[]),
    row("mips64el", "mips", Elf::le64(8), Relaxed::MIPS, &["mips64le"]),
    mips32("mipsel", Endian::Little, false, &["mipsle"]),
    mips32("mipsn32", Endian::Big, true, &["mips64p32"]),
    mips32("mipsn32el", Endian::Little, true, &["mips64p32le"]),
    Row { dropped: Some((9, 1)), ..row("nios2", "nios2", Elf::le32(113), Relaxed::ANY, &[]) },
    row("or1k", "or1k", Elf::be32(92), Relaxed::ANY, &["openrisc"]),
    row("ppc", "ppc", Elf::be32(20), Relaxed::LINUX, &["powerpc"]),
    row("ppc64", "ppc", Elf::be64(21), Relaxed::LINUX, &["powerpc64"]),
    Row { variants: variants::PPC64LE, ..row("ppc64le", "ppcle", Elf::le64(21), Relaxed::PPC64LE, &["ppc64el", "powerpc64le"]) },
    row("riscv32", "riscv", Elf::le32(243), Relaxed::ANY, &[]),
    Row { variants: variants::RISCV64, ..row("riscv64", "riscv", Elf::le64(243), Relaxed::ANY, &[]) },
    row("s390x", "s390x", Elf::be64(22), Relaxed::LINUX, &[]),
    row("sh4", "sh4", Elf::le32(42), Relaxed::LINUX, &[]),
    row("sh4eb", "sh4", Elf::be32(42), Relaxed::LINUX, &[]),
    row("sparc", "sparc", Elf::be32(2), Relaxed::LINUX, &[]),
    row("sparc32plus", "sparc", Elf::be32(18), Relaxed::LINUX, &[]),
    row("sparc64", "sparc", Elf::be64(43), Relaxed::LINUX, &[]),
    Row { variants: variants::AMD64, ..row("x86_64", "i386", Elf::le64(62), Relaxed::X86, &["amd64", "x86-64"]) },
    row("xtensa", "xtensa", Elf::le32(94), Relaxed::ANY, &[]),
    row("xtensaeb", "xtensa", Elf::be32(94), Relaxed::ANY, &[]),
];

impl Target {
    /// Every target, by name.
    pub fn all() -> impl Iterator<Item = Target> {
        ROWS.iter().map(Target)
    }

    /// The targets that today's QEMU has a binary for: what every image holds.
    pub fn current() -> impl Iterator<Item = Target> {
        Target::all().filter(|target| target.status() == Status::Current)
    }

    /// For names in this crate's own tables, which its tests check.
    pub(crate) fn named(name: &'static str) -> Target {
        Target(ROWS.iter().find(|row| row.name == name).unwrap_or(&ROWS[0]))
    }

    /// QEMU's name: `aarch64`.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// Machines of one family run some of each other's programs, as QEMU's `qemu-binfmt-conf.sh` groups them.
    pub fn family(self) -> &'static str {
        self.0.family
    }

    /// Its standing with QEMU.
    pub fn status(self) -> Status {
        if self.dropped().is_some() { Status::Retired } else { self.0.status }
    }

    /// The version of QEMU, major and minor, that was the first without it.
    pub fn dropped(self) -> Option<(u32, u32)> {
        self.0.dropped
    }

    /// The target whose QEMU binary runs this one's programs: itself, but `i386` for `i486`.
    pub fn binary(self) -> Target {
        match self.status() {
            Status::Shared => Target::named("i386"),
            Status::Current | Status::Retired => self,
        }
    }

    /// The header of this target's programs.
    pub fn elf(self) -> Elf {
        self.0.elf
    }

    /// By what the kernel recognises this target's programs.
    pub fn magic(self) -> Magic {
        self.0.magic
    }

    /// Other names: Debian's, Docker's, OCI's without `linux/`, `uname -m`'s.
    pub fn aliases(self) -> &'static [&'static str] {
        self.0.aliases
    }

    /// The variants that may follow any of its names after a slash, as in `linux/arm/v7`: QEMU runs the programs of all of them.
    pub fn variants(self) -> &'static [&'static str] {
        self.0.variants
    }

    /// The names of its platforms that have a variant, for people: `arm/v7`. Minor versions, as in `arm64/v8.2`, are many, and
    /// left out.
    pub fn variant_names(self) -> impl Iterator<Item = String> {
        let variants = self.variants().iter().filter(|variant| !variant.contains('.'));
        variants.map(move |variant| format!("{}/{variant}", self.architecture()))
    }

    /// Go's name, which platforms have (`arm64`); QEMU's, where Go has none.
    pub fn architecture(self) -> &'static str {
        let of_platform = PLATFORMS.iter().map(|platform| platform.architecture);
        of_platform.into_iter().find(|name| self.answers_to(name)).unwrap_or(self.name())
    }

    /// True if `name`, without a variant, is one of its names.
    pub(crate) fn answers_to(self, name: &str) -> bool {
        self.name() == name || self.aliases().contains(&name)
    }
}

impl FromStr for Target {
    type Err = UnknownName;

    /// Parses QEMU's, Debian's, Docker's or OCI's name (`linux/arm/v7`, with or without `linux/`).
    fn from_str(name: &str) -> Result<Target, UnknownName> {
        let wanted = normalize(name);
        let (plain, variant) = split_variant(&wanted);
        let of_name = Target::all().find(|target| target.answers_to(plain));
        match (of_name, variant) {
            (Some(target), None) => Ok(target),
            (Some(target), Some(variant)) if target.variants().contains(&variant) => Ok(target),
            (Some(_), Some(_)) => Err(UnknownName::new("target", name, [plain])),
            (None, _) => {
                let aliases = ROWS.iter().flat_map(|row| row.aliases.iter().copied());
                Err(UnknownName::new("target", name, ROWS.iter().map(|row| row.name).chain(aliases)))
            }
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl PartialEq for Target {
    fn eq(&self, other: &Target) -> bool {
        std::ptr::eq(self.0, other.0)
    }
}

impl Eq for Target {}

impl std::hash::Hash for Target {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

impl Ord for Target {
    fn cmp(&self, other: &Target) -> std::cmp::Ordering {
        self.name().cmp(other.name())
    }
}

impl PartialOrd for Target {
    fn partial_cmp(&self, other: &Target) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Platform {
    /// The target whose QEMU runs its programs.
    pub fn target(self) -> Target {
        Target::all()
            .find(|target| target.answers_to(self.architecture))
            .unwrap_or_else(|| Target::named(self.architecture))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_complete() {
        assert!(ROWS.is_sorted_by(|a, b| a.name < b.name));
        assert_eq!(Target::current().count(), 33);
        let names =
            |status| -> Vec<_> { Target::all().filter(|t| t.status() == status).map(Target::name).collect() };
        assert_eq!(names(Status::Retired), ["cris", "nios2"]);
        let dropped = Target::all().filter(|target| target.dropped().is_some()).map(Target::name);
        assert_eq!(dropped.collect::<Vec<_>>(), names(Status::Retired));
        assert_eq!(names(Status::Shared), ["i486"]);
    }

    #[test]
    fn no_name_belongs_to_two_targets() {
        for target in Target::all() {
            assert_eq!(target.name().parse(), Ok(target));
            for alias in target.aliases() {
                assert_eq!(alias.parse(), Ok(target), "{alias}");
                assert_eq!(format!("linux/{alias}").parse(), Ok(target), "{alias}");
            }
        }
    }

    #[test]
    fn a_name_may_have_one_of_its_targets_variants() {
        for (name, expected) in [
            ("linux/amd64/v2", Ok("x86_64")),
            ("LINUX/AMD64/V4", Ok("x86_64")),
            ("linux/x86_64/v3", Ok("x86_64")),
            ("arm/v5", Ok("arm")),
            ("linux/arm/v8", Ok("arm")),
            ("linux/arm64/v8", Ok("aarch64")),
            ("linux/arm64/v9.2", Ok("aarch64")),
            ("linux/ppc64le/power9", Ok("ppc64le")),
            ("linux/riscv64/rva20u64", Ok("riscv64")),
            ("linux/amd64/v8", Err("unknown target `linux/amd64/v8` (did you mean `amd64`?)")),
            ("linux/s390x/v2", Err("unknown target `linux/s390x/v2` (did you mean `s390x`?)")),
            ("arm/", Err("unknown target `arm/` (did you mean `arm`?)")),
            ("arm/v7/", Err("unknown target `arm/v7/`")),
            ("windows/amd64", Err("unknown target `windows/amd64`")),
        ] {
            let actual = name.parse::<Target>().map(Target::name).map_err(|error| error.to_string());
            assert_eq!(actual, expected.map_err(str::to_owned), "{name}");
        }
    }

    #[test]
    fn names_with_a_variant_are_names() {
        let names = |target: &'static str| Target::named(target).variant_names().collect::<Vec<_>>();
        assert_eq!(names("aarch64"), ["arm64/v8", "arm64/v9"]);
        assert_eq!(names("arm"), ["arm/v5", "arm/v6", "arm/v7", "arm/v8"]);
        for target in Target::all() {
            assert!(target.variant_names().all(|name| name.parse() == Ok(target)), "{target}");
        }
    }

    #[test]
    fn architectures_are_named_as_go_names_them() {
        for (target, expected) in [
            ("x86_64", "amd64"),
            ("i386", "386"),
            ("aarch64", "arm64"),
            ("arm", "arm"),
            ("mips64", "mips64"),
            ("mips64el", "mips64le"),
            ("sparc", "sparc"),
        ] {
            assert_eq!(Target::named(target).architecture(), expected);
        }
    }

    #[test]
    fn every_host_is_a_target_under_the_same_names() {
        for host in crate::Host::all() {
            for name in [host.debian(), &host.platform().to_string()] {
                assert_eq!(name.parse(), Ok(host.target()), "{name}");
            }
        }
    }

    #[test]
    fn unknown_names_get_a_suggestion() {
        for (name, expected) in [
            ("aarch46", "unknown target `aarch46` (did you mean `aarch64`?)"),
            ("arm46", "unknown target `arm46` (did you mean `arm64`?)"),
            ("risc64", "unknown target `risc64` (did you mean `riscv64`?)"),
            ("vax", "unknown target `vax`"),
        ] {
            assert_eq!(name.parse::<Target>().unwrap_err().to_string(), expected);
        }
    }

    /// An ELF header with nothing unusual in it; `flags` is where a 32-bit header has `e_flags`.
    fn header(elf: Elf, flags: u32) -> Vec<u8> {
        let half = |n: u16| match elf.endian {
            Endian::Little => n.to_le_bytes(),
            Endian::Big => n.to_be_bytes(),
        };
        let word = |n: u32| match elf.endian {
            Endian::Little => n.to_le_bytes(),
            Endian::Big => n.to_be_bytes(),
        };
        let mut bytes = vec![0x7f, b'E', b'L', b'F', elf.class as u8, elf.endian as u8, 1, 0];
        bytes.resize(16, 0);
        bytes.extend(half(2));
        bytes.extend(half(elf.machine));
        bytes.extend(word(1));
        bytes.resize(36, 0);
        bytes.extend(word(flags));
        bytes.resize(64, 0);
        bytes
    }

    #[test]
    fn each_program_belongs_to_exactly_one_target() {
        for target in Target::all() {
            let flags = if target.name().contains("n32") { 0x20 } else { 0 };
            let bytes = header(target.elf(), flags);
            assert_eq!(Elf::parse(&bytes), Some(target.elf()));
            let takers: Vec<_> = Target::all().filter(|other| other.magic().matches(&bytes)).collect();
            assert_eq!(takers, [target]);
        }
    }

    #[test]
    fn magics_reach_to_the_flags_only_where_they_must() {
        for target in Target::all() {
            let long = matches!(target.name(), "mips" | "mipsel" | "mipsn32" | "mipsn32el");
            assert_eq!(target.magic().value().len(), if long { 40 } else { 20 }, "{target}");
            assert_eq!(target.magic().value().len(), target.magic().mask().len());
        }
    }
}
