//! The CPU model that a program is to be run with.

use arch::Target;

/// A wish for a CPU model.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Wanted {
    /// The one that the program's target is known to run faster with, if there is one and the program needs no more.
    #[default]
    Auto,
    /// QEMU's own default.
    Default,
    /// This one, for all targets whose QEMU has it.
    Model(String),
}

impl Wanted {
    /// Reads the word on a command line.
    pub fn parse(word: &str) -> Wanted {
        match word {
            "auto" => Wanted::Auto,
            "qemu" => Wanted::Default,
            model => Wanted::Model(model.to_owned()),
        }
    }
}

/// The bit of a program that is built for the memory order Ztso, in `e_flags` (RISC-V ELF psABI, "File Header").
const EF_RISCV_TSO: u32 = 0x10;

/// True if the program that begins with `header` says that it needs more than its target's [`Target::preferred_cpu`].
///
/// On RISC-V that is one bit. AArch64 has nothing to look at: its notes (BTI, PAC, GCS) tell what a program could make use of and not
/// what it needs. Libraries are not looked at, so a preferred model has to have all that distributions build libraries for.
pub fn needs_default(target: Target, header: &[u8]) -> bool {
    // All of RISC-V has the low byte first.
    let flags = |at: usize| header.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes);
    target.name() == "riscv64" && flags(48).is_some_and(|flags| flags & EF_RISCV_TSO != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        for (word, expected) in [
            ("auto", Wanted::Auto),
            ("qemu", Wanted::Default),
            ("max,v=on", Wanted::Model("max,v=on".to_owned())),
            ("", Wanted::Model(String::new())),
        ] {
            assert_eq!(Wanted::parse(word), expected, "{word}");
        }
    }

    #[test]
    fn strict_order_needs_the_default() {
        let header = |flags: u32| [&[0; 48][..], &flags.to_le_bytes(), &[0; 12]].concat();
        // RVC and the double-float ABI, as Debian's programs have.
        for (target, flags, expected) in
            [("riscv64", 0x05, false), ("riscv64", 0x15, true), ("aarch64", 0x15, false)]
        {
            let target = target.parse().unwrap();
            assert_eq!(needs_default(target, &header(flags)), expected, "{target} {flags:#x}");
            assert!(!needs_default(target, &header(flags)[..51]));
        }
    }
}
