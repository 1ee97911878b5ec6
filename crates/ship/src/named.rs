//! Images at a registry, as arguments name them.

use base::Hinted;
use publish::registry::Reference;

/// The image that `what` names, which is no directory. Docker's short form, `aptman/qus:latest`, looks like a path
/// until it has a tag or a digest: without them `target/images` is a layout that was not built.
pub fn named(what: &str) -> Result<Reference, Hinted> {
    let missing = || {
        let message = format!("there is no directory {what}");
        let hint = "`cargo xtask images` builds the layout target/images; an image's name has a registry or a tag: \
                    docker.io/aptman/qus, aptman/qus:latest";
        Hinted::new(message, hint)
    };
    // A name of a registry never begins like a path.
    if what.starts_with(['.', '/']) {
        return Err(missing());
    }
    let reference: Reference = what.parse().map_err(|error| {
        Hinted::new(
            format!("{what}: no such directory, and no name of an image: {error}"),
            "name a layout's directory or an image: target/images, docker.io/aptman/qus:latest",
        )
    })?;
    let is_named =
        Reference::names_registry(what) || reference.tag().is_some() || reference.digest().is_some();
    if is_named { Ok(reference) } else { Err(missing()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_no_image_of_docker_hubs() {
        const DIGEST: &str = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let image = |what: &str| named(what).map(|reference| reference.to_string()).unwrap();
        for (what, expected) in [
            ("aptman/qus:latest", "docker.io/aptman/qus:latest"),
            ("qus:latest", "docker.io/library/qus:latest"),
            ("docker.io/aptman/qus", "docker.io/aptman/qus"),
            ("localhost/qus", "localhost/qus"),
            ("registry:5000/target/images", "registry:5000/target/images"),
        ] {
            assert_eq!(image(what), expected, "{what}");
        }
        assert_eq!(image(&format!("aptman/qus@{DIGEST}")), format!("docker.io/aptman/qus@{DIGEST}"));
        for what in
            ["target/images", "images", "aptman/qus", "./aptman/qus:latest", "/tmp/images", "../x.y/z"]
        {
            let error = named(what).unwrap_err();
            assert_eq!(error.to_string(), format!("there is no directory {what}"));
        }
    }
}
