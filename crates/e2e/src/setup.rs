//! The seventeen setups: qus's table of ways to make foreign programs run.
//!
//! A setup is a row of facts; the documentation's table and the commands of its jobs are both made from it.

use std::fmt::Write as _;

/// The program that registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    /// `docker run … aptman/qus`: `register` and QEMU in one image.
    Full,
    /// The program `register` on the host.
    Program,
    /// `docker run … aptman/qus:register`.
    Image,
    /// The effect of installing the distribution's package.
    Distribution,
}

/// The place of QEMU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In the image that registers.
    InImage,
    /// On the host in `/usr/bin`, from a release tarball.
    UsrBin,
    /// On the host in the working directory, from a release tarball.
    Here,
    /// The same, and each foreign container gets it as a bind mount.
    Mounted,
    /// Copied from a release tarball into the foreign image.
    Copied,
    /// Installed in a native image, which runs the foreign program.
    NativeImage,
    /// On the host, as the distribution's package.
    Installed,
}

/// A row of the table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setup {
    /// Its jobs: one for each method.
    pub(super) jobs: &'static [(&'static str, Method)],
    /// True if entries are removed first.
    pub(super) clear: bool,
    /// True if the binaries' names end in `-static`.
    pub(super) is_static: bool,
    /// True if the kernel holds the binary (flag `F`).
    pub(super) persistent: bool,
    /// The file or the distribution's package that QEMU is.
    dependency: &'static str,
    pub(super) place: Place,
    /// True if the foreign container gets the binary as a bind mount although the kernel holds it.
    pub(super) volume: bool,
}

/// `qemu-aarch64-static`, as the table calls it.
const FILE: &str = "`$file`";

const BASE: Setup = Setup {
    jobs: &[],
    clear: false,
    is_static: true,
    persistent: true,
    dependency: FILE,
    place: Place::InImage,
    volume: false,
};

pub(super) const SETUPS: [Setup; 10] = [
    Setup { jobs: &[("none", Method::Full)], dependency: "in the image", ..BASE },
    Setup {
        jobs: &[("f", Method::Program), ("F", Method::Image)],
        dependency: "`/usr/bin/$file`",
        place: Place::UsrBin,
        ..BASE
    },
    Setup {
        jobs: &[("c", Method::Program), ("C", Method::Image)],
        dependency: "`$(pwd)/$file`",
        place: Place::Here,
        ..BASE
    },
    Setup {
        jobs: &[("v", Method::Program), ("V", Method::Image)],
        persistent: false,
        dependency: "`$(pwd)/$file`",
        place: Place::Mounted,
        ..BASE
    },
    Setup {
        jobs: &[("i", Method::Program), ("I", Method::Image)],
        persistent: false,
        place: Place::Copied,
        ..BASE
    },
    Setup {
        jobs: &[("d", Method::Program), ("D", Method::Image)],
        is_static: false,
        persistent: false,
        dependency: "`qemu-user`",
        place: Place::NativeImage,
        ..BASE
    },
    Setup {
        jobs: &[("r", Method::Program), ("R", Method::Image)],
        clear: true,
        dependency: "`qemu-user-static`",
        place: Place::Installed,
        ..BASE
    },
    Setup {
        jobs: &[("s", Method::Distribution)],
        dependency: "`qemu-user-static`",
        place: Place::Installed,
        volume: true,
        ..BASE
    },
    Setup {
        jobs: &[("n", Method::Distribution)],
        is_static: false,
        dependency: "`qemu-user-binfmt`",
        place: Place::Installed,
        ..BASE
    },
    Setup {
        jobs: &[("h", Method::Program), ("H", Method::Image)],
        clear: true,
        is_static: false,
        dependency: "`qemu-user`",
        place: Place::Installed,
        ..BASE
    },
];

impl Setup {
    /// True if foreign programs run on the host itself, without an engine.
    pub(super) fn on_host(&self) -> bool {
        self.jobs[0].0 == "n"
    }

    /// The way that the dependency takes, for the table.
    fn how(&self) -> &'static str {
        match self.place {
            Place::InImage => "",
            Place::UsrBin | Place::Here => "host, from a release tarball",
            Place::Mounted => "host, from a release tarball; a bind mount in the foreign container",
            Place::Copied => "copied into the foreign image",
            Place::NativeImage => "installed in a native image that runs the foreign program",
            Place::Installed if self.on_host() => {
                "host, from the distribution; the program runs on the host, in no container"
            }
            Place::Installed if self.clear => "host, from the distribution, whose entries are cleared first",
            Place::Installed if self.jobs[0].1 == Method::Distribution => {
                "host, from the distribution, as it registers itself"
            }
            Place::Installed => "host, from the distribution",
        }
    }

    /// The point of the job of `method`, in one line.
    pub(super) fn about(&self, method: Method) -> String {
        let registers = match method {
            Method::Full => "aptman/qus",
            Method::Program => "register on the host",
            Method::Image => "aptman/qus:register",
            Method::Distribution => "the distribution",
        };
        let how = if self.how().is_empty() { String::new() } else { format!(": {}", self.how()) };
        format!("{registers} registers, QEMU is {}{how}", self.dependency.replace('`', ""))
    }

    fn method(&self) -> &'static str {
        match self.jobs {
            [(_, Method::Full)] => "`aptman/qus`",
            [(_, Method::Distribution)] => "none",
            _ => "`register` on the host / `aptman/qus:register`",
        }
    }
}

/// The table, in Markdown.
pub(crate) fn table() -> String {
    let mut text =
        "| job | what registers | `-r` | `-s` | `-p` | dependency | how it gets there | volume |\n\
                    |---|---|---|---|---|---|---|---|\n"
            .to_owned();
    for setup in &SETUPS {
        let jobs: Vec<String> = setup.jobs.iter().map(|(name, _)| format!("`{name}`")).collect();
        let distribution = setup.jobs[0].1 == Method::Distribution;
        let flag = |set: bool| match (distribution, set) {
            (true, _) => "",
            (false, true) => "yes",
            (false, false) => "no",
        };
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} | {} |",
            jobs.join(" / "),
            setup.method(),
            flag(setup.clear),
            flag(setup.is_static),
            flag(setup.persistent),
            setup.dependency,
            setup.how(),
            if setup.volume || setup.place == Place::Mounted { "yes" } else { "no" },
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_seventeen() {
        let jobs: Vec<&str> = SETUPS.iter().flat_map(|setup| setup.jobs).map(|(name, _)| *name).collect();
        let expected =
            ["none", "f", "F", "c", "C", "v", "V", "i", "I", "d", "D", "r", "R", "s", "n", "h", "H"];
        assert_eq!(jobs, expected);
    }
}
