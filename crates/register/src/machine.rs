//! The programs that this machine runs by itself.

use arch::Target;

/// The machine that the kernel runs on, or that `HOST_ARCH` stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    name: String,
    natives: Vec<Target>,
    /// The machine that the kernel is for, where `uname` says otherwise: then it is emulated itself.
    beneath: Option<Target>,
}

/// The relation of a target to a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kinship {
    /// The machine's own architecture. An entry for it would make the kernel look for an interpreter for the
    /// interpreter: nothing would start any more, `rm` included.
    Native,
    /// Of the same family: the machine may run it by itself, and has to be tried.
    Family,
    /// Foreign.
    Foreign,
}

impl Machine {
    /// The machine that this process runs on.
    pub fn here() -> Machine {
        let uname = rustix::system::uname().machine().to_string_lossy().into_owned();
        // Not the same as uname says when this very program is emulated (Linux 6.1).
        let kernel = std::fs::read_to_string("/proc/sys/kernel/arch").unwrap_or_default();
        Machine::on(&uname, kernel.trim())
    }

    /// A machine of which `uname -m` says one thing, and the kernel, asked where no emulator answers, perhaps another.
    fn on(uname: &str, kernel: &str) -> Machine {
        let mut machine = Machine::new(uname, &[uname, kernel, OWN]);
        let told = by_uname(uname).map(Target::family);
        // A 64-bit kernel under a 32-bit personality is no emulation.
        machine.beneath = by_uname(kernel).filter(|kernel| told.is_some_and(|told| told != kernel.family()));
        machine
    }

    /// The machine that `HOST_ARCH` names: `uname -m` on it.
    pub fn named(name: &str) -> Machine {
        Machine::new(name, &[name])
    }

    fn new(name: &str, natives: &[&str]) -> Machine {
        let mut targets: Vec<Target> = natives.iter().filter_map(|name| by_uname(name)).collect();
        targets.sort();
        targets.dedup();
        Machine { name: name.to_owned(), natives: targets, beneath: None }
    }

    /// A machine of this name that runs `other`'s programs by itself too.
    pub fn and(mut self, other: &Machine) -> Machine {
        self.natives.extend(&other.natives);
        self
    }

    /// Its name in `uname -m`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its architecture: the one that its name means, first.
    pub fn natives(&self) -> &[Target] {
        &self.natives
    }

    /// The real machine's architecture, where this program is itself emulated.
    pub fn beneath(&self) -> Option<Target> {
        self.beneath
    }

    /// The relation of `target` to it.
    pub fn kinship(&self, target: Target) -> Kinship {
        let native = |own: &&Target| **own == target || own.binary() == target || target.binary() == **own;
        if self.natives.iter().any(|own| native(&own)) {
            Kinship::Native
        } else if self.natives.iter().any(|own| own.family() == target.family()) {
            Kinship::Family
        } else {
            Kinship::Foreign
        }
    }
}

/// The architecture that this program was built for.
const OWN: &str = if cfg!(target_arch = "mips") || cfg!(target_arch = "mips64") {
    // Rust's names do not tell byte orders apart.
    match (cfg!(target_pointer_width = "64"), cfg!(target_endian = "little")) {
        (true, true) => "mips64el",
        (true, false) => "mips64",
        (false, true) => "mipsel",
        (false, false) => "mips",
    }
} else if cfg!(target_arch = "powerpc64") {
    if cfg!(target_endian = "little") { "ppc64le" } else { "ppc64" }
} else if cfg!(target_arch = "x86") {
    "i386"
} else {
    std::env::consts::ARCH
};

/// The target that runs the programs of a machine with this `uname -m`.
fn by_uname(name: &str) -> Option<Target> {
    let plain = match name {
        // As QEMU's script reads them.
        "i486" | "i586" | "i686" | "i86pc" | "BePC" => "i386",
        "Power Macintosh" => "ppc",
        "parisc64" => "hppa",
        _ if name.starts_with("armv") && name.ends_with('b') => "armeb",
        // armv8l is a 64-bit machine under a 32-bit personality; armv5tel, armv7l and the like are 32-bit ones.
        _ if name.starts_with("armv") && name.ends_with('l') => "arm",
        // One name for both byte orders: the kernel's is this program's.
        "mips" if cfg!(target_arch = "mips") && cfg!(target_endian = "little") => "mipsel",
        "mips64" if cfg!(target_endian = "little") && OWN_IS_MIPS => "mips64el",
        _ => name,
    };
    plain.parse().ok()
}

const OWN_IS_MIPS: bool = cfg!(target_arch = "mips") || cfg!(target_arch = "mips64");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinship_to_machines_as_uname_names_them() {
        use Kinship::{Family, Foreign, Native};
        for (machine, target, expected) in [
            ("x86_64", "x86_64", Native),
            ("x86_64", "i386", Family),
            ("x86_64", "i486", Family),
            ("x86_64", "aarch64", Foreign),
            ("i686", "i386", Native),
            ("i686", "i486", Native),
            ("i586", "x86_64", Family),
            ("aarch64", "aarch64", Native),
            ("aarch64", "arm", Family),
            ("aarch64", "armeb", Foreign),
            ("armv7l", "arm", Native),
            ("armv5tel", "arm", Native),
            ("armv7b", "armeb", Native),
            ("armv8l", "aarch64", Family),
            ("ppc64le", "ppc64le", Native),
            ("ppc64le", "ppc64", Foreign),
            ("ppc64", "ppc", Family),
            ("Power Macintosh", "ppc", Native),
            ("s390x", "x86_64", Foreign),
            ("parisc64", "hppa", Native),
            ("riscv64", "riscv32", Family),
            ("loongarch64", "loongarch64", Native),
            ("sparc64", "sparc32plus", Family),
            ("unheard-of", "x86_64", Foreign),
        ] {
            let actual = Machine::named(machine).kinship(target.parse().unwrap());
            assert_eq!(actual, expected, "{target} on {machine}");
        }
    }

    #[test]
    fn an_emulated_machine_is_told_from_a_32_bit_personality() {
        for (uname, kernel, expected) in [
            ("aarch64", "x86_64", Some("x86_64")),
            ("i686", "x86_64", None),
            ("armv8l", "aarch64", None),
            ("x86_64", "x86_64", None),
            ("x86_64", "", None),
        ] {
            let machine = Machine::on(uname, kernel);
            assert_eq!(machine.beneath().map(Target::name), expected, "{uname} on {kernel}");
        }
        assert_eq!(Machine::on("aarch64", "x86_64").kinship("x86_64".parse().unwrap()), Kinship::Native);
    }

    #[test]
    fn this_machine_runs_what_this_program_was_built_for() {
        let own = Machine::here();
        assert_eq!(own.kinship(OWN.parse().unwrap()), Kinship::Native);
    }
}
