//! `SHA256SUMS`, in the format of sha256sum(1): a digest, two spaces, a name.

use std::collections::BTreeMap;
use std::path::{Component, Path};

use sha256::Digest;

/// The file's name.
pub(super) const NAME: &str = "SHA256SUMS";

/// Writes one line for each file, sorted by name.
pub(super) fn write<'a>(files: impl Iterator<Item = (&'a str, Digest)>) -> String {
    let files: BTreeMap<&str, Digest> = files.collect();
    files.into_iter().map(|(name, digest)| format!("{}  {name}\n", digest.hex())).collect()
}

/// Reads the names in an earlier file. A line that this program would not write, or that leads out of the folder, is
/// passed over: what it names is not ours.
pub(super) fn names(text: &str) -> Vec<&str> {
    let name = |line: &'_ str| {
        let (digest, name) = line.split_once("  ")?;
        Digest::from_hex(digest).ok()?;
        Some(name.len()).filter(|_| is_plain(name) && name != NAME).map(|length| line.len() - length)
    };
    text.lines().filter_map(|line| name(line).map(|start| &line[start..])).collect()
}

/// True if `name` is that of a file in the folder itself.
fn is_plain(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    matches!((parts.next(), parts.next()), (Some(Component::Normal(part)), None) if part == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_sorted_and_read_back() {
        let (a, b) = (Digest::of(b"a"), Digest::of(b"b"));
        let text = write([("b.tgz", b), ("a.tgz", a)].into_iter());
        assert_eq!(text, format!("{}  a.tgz\n{}  b.tgz\n", a.hex(), b.hex()));
        assert_eq!(names(&text), ["a.tgz", "b.tgz"]);
    }

    #[test]
    fn what_is_not_ours_is_passed_over() {
        let digest = Digest::of(b"").hex();
        for line in ["../x", "/etc/passwd", "a/b", "", ".", "..", "a/", "SHA256SUMS"] {
            assert_eq!(names(&format!("{digest}  {line}\n")), [""; 0], "{line}");
        }
        assert_eq!(names(&format!("{digest} *a\n{digest} a\nabc  a\nplain\n")), [""; 0]);
    }
}
