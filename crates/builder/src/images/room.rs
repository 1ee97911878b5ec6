//! The room that a first build needs on the disk.

use std::path::Path;

use base::size;

/// The bytes of one host's part of a first build: its packages, programs, layers and what its cross build leaves. All eleven
/// hosts take 4.0 GB.
pub const HOST: u64 = 400_000_000;

/// The warning that `place`, which may not exist yet, is on a disk with less room than `work` takes; `None` if it has the room,
/// or if that cannot be known.
pub fn lack_of_room(place: &Path, work: &str, needed: u64) -> Option<String> {
    let disk = place.ancestors().find(|folder| folder.exists())?;
    let stat = rustix::fs::statvfs(disk).ok()?;
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    let (room, needed) = (size(free), (free < needed).then(|| size(needed))?);
    Some(format!("{room} are free on the disk of {}, and {work} takes about {needed}", place.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_is_not_there_yet_is_on_the_disk_of_what_is() {
        let place = std::env::temp_dir().join("a/folder/to/come");
        assert_eq!(lack_of_room(&place, "a build", 0), None);
        let text = lack_of_room(&place, "a build", u64::MAX).unwrap();
        let expected =
            format!(" are free on the disk of {}, and a build takes about 18446744.1 TB", place.display());
        assert!(text.ends_with(&expected), "{text}");
    }
}
