//! The one of several entries that takes a target's programs.

use arch::Target;
use binfmt::Listed;

/// The entry that runs `target`'s programs: of those that take them, the newest (`fs/binfmt_misc.c` puts each new one in front
/// and takes the first that fits, even if its interpreter is not to be found). `listed` is in the kernel's order, the newest
/// first.
pub(crate) fn winner(listed: &[Listed], target: Target) -> Option<&Listed> {
    let program = crate::program::elf(target)?;
    listed
        .iter()
        .find(|listed| listed.entry.as_ref().is_ok_and(|entry| entry.enabled() && entry.takes(&program)))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use binfmt::{Entry, Flags};

    use super::*;

    fn entry(name: &str, target: &str) -> Listed {
        let magic = target.parse::<Target>().unwrap().magic();
        let entry = Entry::new(name, (magic.value(), magic.mask()), Path::new("/x"), Flags::NONE).unwrap();
        Listed { name: name.into(), entry: Ok(entry) }
    }

    #[test]
    fn the_first_that_fits_and_is_enabled_wins() {
        let mut disabled = entry("off", "arm");
        disabled.entry =
            Entry::parse("off", b"disabled\ninterpreter /x\nflags: \noffset 0\nmagic 7f454c46\n");
        let listed = [disabled, entry("other", "sparc"), entry("new", "arm"), entry("old", "arm")];
        let name = |target: &str| {
            winner(&listed, target.parse().unwrap()).map(|listed| listed.name.to_str().unwrap())
        };
        assert_eq!(name("arm"), Some("new"));
        assert_eq!(name("sparc"), Some("other"));
        assert_eq!(name("alpha"), None);
    }
}
