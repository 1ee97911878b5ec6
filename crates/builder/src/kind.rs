//! The kinds of images. A kind is a row of one table: its layers, its entrypoint, its tags.

use std::fmt;
use std::str::FromStr;

use arch::{Host, PLATFORMS, Target, UnknownName};

use crate::cross::Program;

/// The purpose of an image.
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
    /// `run`, and QEMU's binaries for it.
    Run,
    /// `run` with a QEMU inside, under the names that BuildKit looks for.
    Buildkit,
}

/// One layer of an image, by what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    /// busybox with its applets.
    Busybox,
    /// `/qus/register`.
    Register,
    /// `/qus/run`.
    Run,
    /// QEMU's binaries in `/usr/bin`: all, or one target's.
    Qemu,
    /// `/qus/run` with one target's QEMU inside.
    RunWithQemu,
    /// The same for each target that has a platform, as `/buildkit-qemu-TARGET`.
    Buildkit,
    /// The records of the package that [`Part::Busybox`] is from.
    BusyboxRecords,
    /// The records of the packages that [`Part::Qemu`] is from.
    QemuRecords,
    /// The records of the packages that [`Part::Buildkit`] is from.
    BuildkitRecords,
}

/// A kind's properties.
struct Row {
    kind: Kind,
    name: &'static str,
    suffix: &'static str,
    moving_tag: &'static str,
    /// The lowest first.
    layers: &'static [Part],
    entrypoint: Option<&'static str>,
    description: &'static str,
    single: Option<Single>,
}

/// Images of a kind with one target alone.
pub(crate) struct Single {
    /// The prefix of their moving tags, before the target's name.
    pub(crate) prefix: &'static str,
    /// The lowest first.
    pub(crate) layers: &'static [Part],
    /// Their description, with `TARGET` for the target's name.
    pub(crate) description: &'static str,
}

const FULL: &[Part] = &[Part::Busybox, Part::Register, Part::Qemu, Part::BusyboxRecords, Part::QemuRecords];
const REGISTER: &str = "/qus/register";
const RUN: &str = "/qus/run";

/// In the order of [`Kind`].
static ROWS: [Row; 6] = [
    Row {
        kind: Kind::Pkg,
        name: "pkg",
        suffix: "-pkg",
        moving_tag: "pkg",
        layers: &[Part::Qemu, Part::QemuRecords],
        entrypoint: None,
        description: "QEMU's static user-mode emulators",
        single: None,
    },
    Row {
        kind: Kind::Register,
        name: "register",
        suffix: "-register",
        moving_tag: "register",
        layers: &[Part::Busybox, Part::Register, Part::BusyboxRecords],
        entrypoint: Some(REGISTER),
        description: "Registers QEMU's user-mode emulators with the kernel",
        single: None,
    },
    Row {
        kind: Kind::Full,
        name: "full",
        suffix: "",
        moving_tag: "latest",
        layers: FULL,
        entrypoint: Some(REGISTER),
        description: "QEMU's static user-mode emulators, and what registers them with the kernel",
        single: Some(Single {
            prefix: "",
            layers: FULL,
            description: "QEMU's static user-mode emulator for TARGET, and what registers it with the kernel",
        }),
    },
    Row {
        kind: Kind::Binfmt,
        name: "binfmt",
        suffix: "-binfmt",
        moving_tag: "binfmt",
        layers: FULL,
        // `register` speaks the command line of the name that it is called by.
        entrypoint: Some("/qus/binfmt"),
        description: "QEMU's static user-mode emulators, and what registers them with the kernel",
        single: None,
    },
    Row {
        kind: Kind::Run,
        name: "run",
        suffix: "-run",
        moving_tag: "run",
        layers: &[Part::Run, Part::Qemu, Part::QemuRecords],
        entrypoint: Some(RUN),
        description: "Runs foreign programs with QEMU, without privilege and without binfmt_misc",
        single: Some(Single {
            prefix: "run-",
            layers: &[Part::RunWithQemu, Part::QemuRecords],
            description: "Runs programs for TARGET with QEMU, without privilege and without binfmt_misc",
        }),
    },
    Row {
        kind: Kind::Buildkit,
        name: "buildkit",
        suffix: "-buildkit",
        moving_tag: "buildkit",
        layers: &[Part::Buildkit, Part::BuildkitRecords],
        entrypoint: None,
        description: "QEMU as BuildKit looks for it: a program buildkit-qemu-TARGET for each target",
        single: None,
    },
];

impl Kind {
    /// All kinds, in the order in which images are built.
    pub fn all() -> impl Iterator<Item = Kind> {
        ROWS.iter().map(|row| row.kind)
    }

    fn row(self) -> &'static Row {
        &ROWS[self as usize]
    }

    /// The name that it is asked for by, and that most of its tags end in.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// The end of a tag that names a version.
    pub fn suffix(self) -> &'static str {
        self.row().suffix
    }

    /// The tag that always means the newest.
    pub fn moving_tag(self) -> &'static str {
        self.row().moving_tag
    }

    /// True if `host` has what its images hold.
    pub fn is_for(self, host: Host) -> bool {
        self.layers().iter().all(|part| part.is_for(host))
    }

    pub(crate) fn layers(self) -> &'static [Part] {
        self.row().layers
    }

    pub(crate) fn entrypoint(self) -> Option<&'static str> {
        self.row().entrypoint
    }

    pub(crate) fn description(self) -> &'static str {
        self.row().description
    }

    /// Its images with one target alone, if it has any.
    pub(crate) fn single(self) -> Option<&'static Single> {
        self.row().single.as_ref()
    }
}

impl Part {
    /// True if it is made for `host`.
    pub(crate) fn is_for(self, host: Host) -> bool {
        match self {
            Part::Busybox | Part::Register | Part::BusyboxRecords => host.has_register(),
            Part::Run | Part::RunWithQemu | Part::Buildkit | Part::BuildkitRecords => host.has_run(),
            Part::Qemu | Part::QemuRecords => true,
        }
    }

    /// The targets that it holds QEMU's binaries of, unless it holds one target's alone.
    pub(crate) fn targets(self) -> Vec<Target> {
        match self {
            Part::Busybox
            | Part::Register
            | Part::Run
            | Part::BusyboxRecords
            | Part::QemuRecords
            | Part::BuildkitRecords => Vec::new(),
            Part::Qemu | Part::RunWithQemu => Target::current().collect(),
            // BuildKit builds for platforms, and not every target has one.
            Part::Buildkit => {
                let has_platform =
                    |target: &Target| PLATFORMS.iter().any(|platform| platform.target() == *target);
                Target::current().filter(has_platform).collect()
            }
        }
    }

    /// True if it holds QEMU's binaries.
    pub(crate) fn has_qemu(self) -> bool {
        matches!(self, Part::Qemu | Part::RunWithQemu | Part::Buildkit)
    }

    /// The part whose packages it has the records of.
    pub(crate) fn recorded(self) -> Option<Part> {
        match self {
            Part::BusyboxRecords => Some(Part::Busybox),
            Part::QemuRecords => Some(Part::Qemu),
            Part::BuildkitRecords => Some(Part::Buildkit),
            _ => None,
        }
    }

    /// True if an image with one target has another than that with all.
    pub(crate) fn is_of_target(self) -> bool {
        self.recorded().unwrap_or(self).has_qemu()
    }

    /// True if its programs have QEMU inside.
    pub(crate) fn is_one_file(self) -> bool {
        matches!(self, Part::RunWithQemu | Part::Buildkit)
    }

    /// The program of ours that it holds.
    pub(crate) fn program(self) -> Option<Program> {
        match self {
            Part::Busybox | Part::Qemu | Part::BusyboxRecords | Part::QemuRecords | Part::BuildkitRecords => {
                None
            }
            Part::Register => Some(Program::Register),
            Part::Run | Part::RunWithQemu | Part::Buildkit => Some(Program::Run),
        }
    }

    /// The line of an image's history about it.
    pub(crate) fn created_by(self) -> &'static str {
        match self {
            Part::Busybox => "busybox and its applets, from Debian",
            Part::Register => REGISTER,
            Part::Run => RUN,
            Part::Qemu => "QEMU's static user-mode emulators, from Debian",
            Part::RunWithQemu => "/qus/run with QEMU, from Debian, inside",
            Part::Buildkit => "/qus/run with QEMU, from Debian, inside, for each target",
            Part::BusyboxRecords => "the record, copyright and sources of Debian's package of busybox",
            Part::QemuRecords | Part::BuildkitRecords => {
                "the records, copyright and sources of Debian's packages of QEMU"
            }
        }
    }
}

impl FromStr for Kind {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Kind, UnknownName> {
        Kind::all()
            .find(|kind| kind.name() == name)
            .ok_or_else(|| UnknownName::new("kind", name, Kind::all().map(Kind::name)))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_own_row() {
        for (index, row) in ROWS.iter().enumerate() {
            assert_eq!((row.kind as usize, row.kind.name().parse()), (index, Ok(row.kind)));
        }
    }

    #[test]
    fn hosts_without_register_have_binaries_alone() {
        let mips: Host = "mipsel".parse().unwrap();
        let kinds: Vec<Kind> = Kind::all().filter(|kind| kind.is_for(mips)).collect();
        assert_eq!(kinds, [Kind::Pkg]);
    }

    #[test]
    fn buildkit_gets_what_it_knows_platforms_of() {
        let names: Vec<&str> = Part::Buildkit.targets().into_iter().map(Target::name).collect();
        let expected = [
            "aarch64",
            "arm",
            "i386",
            "loongarch64",
            "mips64",
            "mips64el",
            "ppc64le",
            "riscv64",
            "s390x",
            "x86_64",
        ];
        assert_eq!(names, expected);
    }
}
