//! The CPU models by which QEMU emulates a target faster than by its own default.

use crate::Target;

/// A CPU model of a target's QEMU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CpuModel {
    /// Its name, as QEMU's `-cpu` and `QEMU_CPU` take it, with properties if it needs any: `max,ztso=off`.
    pub name: &'static str,
    /// The oldest QEMU, by major and minor version, that is known to have it.
    pub since: (u32, u32),
    /// The programs that it runs, for people.
    pub runs: &'static str,
    /// True for the one of its target that runs everything that the distributions build for it, and programs faster than the default
    /// (`cargo xtask bench emulation`).
    pub is_preferred: bool,
}

const fn preferred(name: &'static str, since: (u32, u32), runs: &'static str) -> CpuModel {
    CpuModel { name, since, runs, is_preferred: true }
}

/// The default, `max`, is Ztso's: every load and store is ordered, for which the host executes a barrier after each as soon as the
/// program has a second thread or a shared mapping (glibc maps its table of character sets so). No profile (RVA20, RVA22, RVA23)
/// and no distribution has Ztso, and a program that needs it says so in its header.
const RISCV64: [CpuModel; 1] =
    [preferred("max,ztso=off", (10, 0), "all but what is built for Ztso, the strict memory order")];

/// The distributions build for Armv8.0, and choose by HWCAP what is newer.
const AARCH64: [CpuModel; 1] =
    [preferred("neoverse-n1", (7, 2), "Armv8.2: without SVE, pointer authentication and SHA-512")];

impl Target {
    /// The models that are known to be of use, the preferred one first; none where QEMU's default is as fast as any that is sound.
    pub fn cpu_models(self) -> &'static [CpuModel] {
        match self.name() {
            "aarch64" => &AARCH64,
            "riscv64" => &RISCV64,
            _ => &[],
        }
    }

    /// The model to run this target's programs with, unless one of them needs more; `None` for QEMU's own default.
    pub fn preferred_cpu(self) -> Option<CpuModel> {
        self.cpu_models().iter().copied().find(|model| model.is_preferred)
    }
}

impl CpuModel {
    /// True if a QEMU of this major and minor version has it.
    pub fn is_known_to(&self, version: (u32, u32)) -> bool {
        version >= self.since
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_models_of_each_target() {
        let rows: Vec<_> = Target::all()
            .flat_map(|target| {
                target.cpu_models().iter().map(move |model| (target.name(), model.name, model.since))
            })
            .collect();
        assert_eq!(rows, [("aarch64", "neoverse-n1", (7, 2)), ("riscv64", "max,ztso=off", (10, 0))]);
    }

    #[test]
    fn no_target_prefers_two_and_the_preferred_one_is_first() {
        for target in Target::all() {
            let models = target.cpu_models();
            assert!(models.iter().skip(1).all(|model| !model.is_preferred), "{target}");
            assert_eq!(target.preferred_cpu(), models.first().copied().filter(|model| model.is_preferred));
        }
    }

    #[test]
    fn every_name_goes_into_a_variable_and_a_command_line() {
        for model in Target::all().flat_map(Target::cpu_models) {
            assert!(model.name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b",=-_.".contains(&byte)));
            assert!(!model.name.starts_with('-') && !model.runs.is_empty());
        }
    }

    #[test]
    fn older_qemus_do_not_know_a_model() {
        let model = Target::named("riscv64").preferred_cpu().unwrap();
        for (version, expected) in [((7, 2), false), ((9, 2), false), ((10, 0), true), ((11, 1), true)] {
            assert_eq!(model.is_known_to(version), expected, "{version:?}");
        }
    }
}
