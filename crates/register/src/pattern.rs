//! Shell patterns of `*`, `?` and plain characters, for the names of entries.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// A character, or a byte that is no part of one, beyond all characters.
const NO_CHARACTER: u32 = 0x11_0000;

/// True if the whole name matches. `?` takes one character, or one byte that is not UTF-8.
///
/// In time proportional to the product of both lengths: only the last `*` seen can usefully take more, since the parts before
/// it have matched as early as they can.
pub(crate) fn matches(pattern: &str, name: &OsStr) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name = characters(name);
    let (mut at, mut from) = (0, 0);
    // Where to go on if what follows the last star does not match: in the pattern, and in the name.
    let mut star: Option<(usize, usize)> = None;
    while from < name.len() {
        match pattern.get(at) {
            Some('*') => {
                at += 1;
                star = Some((at, from));
            }
            Some('?') => (at, from) = (at + 1, from + 1),
            Some(c) if u32::from(*c) == name[from] => (at, from) = (at + 1, from + 1),
            _ => {
                let Some((after, taken)) = star else { return false };
                star = Some((after, taken + 1));
                (at, from) = (after, taken + 1);
            }
        }
    }
    pattern[at..].iter().all(|c| *c == '*')
}

fn characters(name: &OsStr) -> Vec<u32> {
    let chunks = name.as_bytes().utf8_chunks();
    chunks
        .flat_map(|chunk| {
            let valid = chunk.valid().chars().map(u32::from);
            valid.chain(chunk.invalid().iter().map(|byte| NO_CHARACTER + u32::from(*byte)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_a_shell() {
        for (pattern, name, expected) in [
            ("qemu-*", &b"qemu-arm"[..], true),
            ("qemu-*", b"xqemu-arm", false),
            ("*", b"", true),
            ("", b"", true),
            ("", b"a", false),
            ("*arm*", b"qemu-armeb", true),
            ("qemu-ar?", b"qemu-arm", true),
            ("qemu-ar?", b"qemu-ar", false),
            ("a*b*c", b"aXbYc", true),
            ("a*b*c", b"aXbY", false),
            ("a*bc", b"abbc", true),
            ("*a*", b"bbb", false),
            ("**?", b"x", true),
            ("\u{e9}?", "\u{e9}\u{fc}".as_bytes(), true),
            ("a?c", b"a\xffc", true),
            ("a??c", b"a\xffc", false),
            ("a\u{fffd}c", b"a\xffc", false),
            ("*c", b"a\xffc", true),
        ] {
            assert_eq!(matches(pattern, OsStr::from_bytes(name)), expected, "{pattern} {name:?}");
        }
    }

    /// A name has at most 255 bytes; the pattern that takes an exponential number of tries if each star tries everything.
    #[test]
    fn many_stars_take_no_time() {
        let name = "a".repeat(255);
        let started = std::time::Instant::now();
        assert!(!matches(
            &"*a".repeat(100).replace("**", "*").chars().chain(['b']).collect::<String>(),
            OsStr::new(&name)
        ));
        assert!(matches(&"*a".repeat(100), OsStr::new(&name)));
        assert!(started.elapsed().as_secs() < 60);
    }
}
