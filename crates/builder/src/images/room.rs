//! The room that a first build needs on the disk.

use std::collections::BTreeSet;
use std::path::Path;

use base::size;

use crate::plan::{ImagePlan, Plan};

/// The bytes of one host's part of a series: packages, programs, layers, and what the cross build leaves. The newest of all eleven
/// hosts took 4.2 GB.
const PART: u64 = 380_000_000;

/// The bytes that a first build of `plan` takes, about.
pub fn bytes(plan: &Plan) -> u64 {
    let part = |image: &ImagePlan| (image.host, plan.editions[image.edition].series.as_str());
    plan.images.iter().map(part).collect::<BTreeSet<_>>().len() as u64 * PART
}

/// The warning that the disk of `place` has less room than `work` takes, which is all still to be done if there is no `place`
/// yet; `None` if there is one, if the disk has the room, or if that cannot be known.
pub fn lack_of_room(place: &Path, work: &str, needed: u64) -> Option<String> {
    if place.exists() {
        return None;
    }
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
        assert_eq!(lack_of_room(&std::env::temp_dir(), "a build", u64::MAX), None);
        let text = lack_of_room(&place, "a build", u64::MAX).unwrap();
        let expected =
            format!(" are free on the disk of {}, and a build takes about 18446744.1 TB", place.display());
        assert!(text.ends_with(&expected), "{text}");
    }
}
