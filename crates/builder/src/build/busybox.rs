//! busybox's applets, read from the program itself.
//!
//! `busybox --list` would tell, but the program is for the image's host and may not run here. The names are in it:
//! one after the other, sorted, each ended by a NUL, the list ended by an empty name (busybox's
//! `applet_names`, include/applet_tables.h).

/// The names of the applets of the program `busybox`, sorted, without `busybox` itself; `None` if they are not found.
pub(crate) fn applets(program: &[u8]) -> Option<Vec<&str>> {
    // `[` and `[[` sort before all letters, so every build with a `test` begins like this.
    const FIRST: &[u8] = b"[\0[[\0";
    let names = program
        .windows(FIRST.len())
        .enumerate()
        .filter(|(_, window)| *window == FIRST)
        .map(|(start, _)| names(&program[start..]))
        .max_by_key(Vec::len)?;
    // The shell is what the image has busybox for.
    names.contains(&"sh").then(|| names.into_iter().filter(|name| *name != "busybox").collect())
}

/// The ascending names at the start of `table`.
fn names(table: &[u8]) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for name in table.split(|byte| *byte == 0) {
        let plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"[-._".contains(byte);
        let Ok(text) = std::str::from_utf8(name) else { break };
        if name.is_empty() || !name.iter().all(plain) || names.last().is_some_and(|last| *last >= text) {
            break;
        }
        names.push(text);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_sorted_list_with_a_shell_is_taken() {
        let program = b"x[\0[[\0then\0\xff\xae[\0[[\0ash\0busybox\0cat\0sh\0zcat\0\0/var\0";
        assert_eq!(applets(program), Some(vec!["[", "[[", "ash", "cat", "sh", "zcat"]));
    }

    #[test]
    fn a_program_without_a_list_has_none() {
        assert_eq!(applets(b""), None);
        assert_eq!(applets(b"[\0[[\0ash\0cat\0\0"), None);
    }
}
