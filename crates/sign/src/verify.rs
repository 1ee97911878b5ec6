//! Finding a signature that counts.

use oci::spec::{Descriptor, Manifest, media_type};
use publish::registry::{Reference, Registry, RegistryError};
use publish::verify::Problem;
use sha256::Digest;

use crate::claim::{self, Claim};
use crate::image::{self, SIGNATURE};
use crate::key::PublicKey;

/// The most signatures of an image that are looked at: all who may push may add some.
pub const MOST: usize = 64;

/// Asks the registry for the signatures of the image or index with this digest. If one of them is `key`'s, and claims that the
/// image is in the repository `identity`, there are no problems; or else the reason for each that does not count.
pub async fn verify(
    registry: &Registry,
    digest: Digest,
    identity: &str,
    key: &PublicKey,
) -> Result<Vec<Problem>, RegistryError> {
    let tag = image::tag(digest);
    let problem = |place: String, reason: String| Problem { place, reason, users: Vec::new() };
    let none = || Ok(vec![problem(tag.clone(), "there is no signature".to_owned())]);
    let Some(fetched) = registry.manifest(&tag).await? else { return none() };
    let manifest: Manifest = match oci::spec::parse(media_type::MANIFEST, &fetched.bytes) {
        Ok(manifest) => manifest,
        Err(error) => return Ok(vec![problem(tag, format!("it is no image of signatures: {error}"))]),
    };
    if manifest.layers.is_empty() {
        return none();
    }
    let mut problems = Vec::new();
    for (index, layer) in manifest.layers.iter().take(MOST).enumerate() {
        match judge(registry, layer, digest, identity, key).await? {
            Ok(()) => return Ok(Vec::new()),
            Err(reason) => problems.push(problem(format!("{tag}, signature {}", index + 1), reason)),
        }
    }
    if let Some(more) = manifest.layers.len().checked_sub(MOST).filter(|more| *more > 0) {
        problems.push(problem(tag, format!("{more} more signatures were not looked at")));
    }
    Ok(problems)
}

/// The reason why a signature does not count.
async fn judge(
    registry: &Registry,
    layer: &Descriptor,
    digest: Digest,
    identity: &str,
    key: &PublicKey,
) -> Result<Result<(), String>, RegistryError> {
    if layer.media_type != claim::MEDIA_TYPE {
        return Ok(Err(format!("its type is `{}`, not `{}`", layer.media_type, claim::MEDIA_TYPE)));
    }
    let Some(signature) = layer.annotations.get(SIGNATURE) else {
        return Ok(Err(format!("it has no annotation `{SIGNATURE}`")));
    };
    let text = registry.read(layer).await?;
    Ok(counts(&text, signature, digest, identity, key))
}

/// Nothing of the text is believed before its signature.
fn counts(
    text: &[u8],
    signature: &str,
    digest: Digest,
    identity: &str,
    key: &PublicKey,
) -> Result<(), String> {
    key.verify(text, signature).map_err(|error| error.to_string())?;
    let claim = Claim::parse(text).map_err(|error| error.to_string())?;
    if claim.digest != digest {
        return Err(format!("it is of another image, {}", claim.digest));
    }
    if !is_same(&claim.repository, identity) {
        return Err(format!(
            "it is of {} (`--signed-as` names where the image was signed)",
            claim.repository
        ));
    }
    Ok(())
}

/// True if both name one repository: Docker Hub's have several names, and a claim may have a tag behind it.
fn is_same(claimed: &str, identity: &str) -> bool {
    let repository = |name: &str| name.parse::<Reference>().ok().map(|name| name.repository().clone());
    repository(claimed).is_some_and(|claimed| repository(identity) == Some(claimed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Key;

    #[test]
    fn a_signature_counts_for_one_image_in_one_repository() {
        let (ours, digest) = ("docker.io/aptman/qus", Digest::of(b"image"));
        let public = Key::known().public();
        let claim =
            |repository: &str, digest: Digest| Claim { repository: repository.to_owned(), digest }.to_bytes();
        let right = claim(ours, digest);
        let of_another = claim(ours, Digest::of(b"another"));
        let copied = claim("ghcr.io/aptman/qus", digest);
        for (text, key, expected) in [
            (&right[..], Key::known(), Ok(())),
            (&right, Key::other(), Err("it is another key's".to_owned())),
            (&of_another, Key::known(), Err(format!("it is of another image, {}", Digest::of(b"another")))),
            (
                &copied,
                Key::known(),
                Err("it is of ghcr.io/aptman/qus (`--signed-as` names where the image was signed)".to_owned()),
            ),
        ] {
            assert_eq!(counts(text, &key.sign(text), digest, ours, &public), expected);
        }
        // What was signed and is no claim is none; what was changed since was not signed.
        let error = counts(b"{}", &Key::known().sign(b"{}"), digest, ours, &public).unwrap_err();
        assert!(error.starts_with("it is no claim: missing field `critical`"), "{error}");
        let changed = String::from_utf8(right.clone()).unwrap().replace("aptman", "someone");
        let signature = Key::known().sign(&right);
        let error = counts(changed.as_bytes(), &signature, digest, ours, &public);
        assert_eq!(error, Err("it is another key's".to_owned()));
    }

    #[test]
    fn the_documentation_has_the_limit() {
        let page = include_str!("../../../docs/security.md");
        assert!(page.contains(&format!("Up to {MOST} signatures of an image are looked at.")));
    }

    #[test]
    fn a_repository_may_have_several_names() {
        let hub = "docker.io/aptman/qus";
        for (claimed, identity, expected) in [
            ("index.docker.io/aptman/qus", hub, true),
            ("aptman/qus", hub, true),
            ("docker.io/aptman/qus:latest", hub, true),
            ("ghcr.io/aptman/qus", hub, false),
            ("docker.io/aptman/qus2", hub, false),
            ("127.0.0.1:5000/qus", "127.0.0.1:5000/qus", true),
            ("127.0.0.1:5001/qus", "127.0.0.1:5000/qus", false),
            ("", hub, false),
            ("Not a name", "Not a name", false),
        ] {
            assert_eq!(is_same(claimed, identity), expected, "{claimed} {identity}");
        }
    }
}
