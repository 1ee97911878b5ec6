//! Indexes over images that are at a registry already.

use oci::spec::{Annotations, Index};

use super::server::Server;
use super::setup::{Setup, connected, pushed};
use crate::fixture::tagged;
use crate::publish::registry::{Mode, Silent, push};

#[tokio::test]
async fn joined_images_make_the_index_that_was_built() {
    let setup = Setup::new();
    let latest = &setup.plan[2].descriptor;
    let index: Index = setup.layout.json(latest).unwrap();
    let server = Server::open();
    let registry = connected(&server).await;
    // As the jobs of a matrix push: each its host's image, and no index.
    let names = ["amd64-d1.0", "arm-d1.0"].map(str::to_owned);
    for (name, image) in names.iter().zip(&index.manifests) {
        push(&setup.layout, &[tagged(name, image)], &[], &registry, Mode::Push, &Silent).await.unwrap();
    }
    let joined = registry.join(&names, Annotations::new()).await.unwrap();
    assert_eq!(joined.bytes(), setup.layout.read(latest).unwrap());
    assert!(!server.state().tags.contains_key("latest"));

    for tag in ["d1.0", "latest"] {
        let tagged = registry.set_tag(tag, joined.descriptor(), joined.bytes()).await.unwrap();
        assert!(tagged.moved && tagged.digest == latest.digest);
    }
    assert_eq!(server.state().tags["latest"], latest.digest.to_string());
    let before = server.count("PUT", "");
    assert!(!registry.set_tag("latest", joined.descriptor(), joined.bytes()).await.unwrap().moved);
    assert_eq!(server.count("PUT", ""), before);
}

#[tokio::test]
async fn what_is_missing_or_there_twice_is_named() {
    let (_setup, server) = pushed(Vec::new()).await;
    let registry = connected(&server).await;
    let place = format!("cannot join images of {}/aptman/qus", server.address);
    for (names, expected) in [
        (vec!["amd64-d1.0", "arm-d1.0", "s390x-d1.0"], "there is no `arm-d1.0`, no `s390x-d1.0`".to_owned()),
        (
            vec!["amd64-d1.0", "amd64-d1.0"],
            "`amd64-d1.0`: cannot add an image to an index: it has one for linux/amd64 already".to_owned(),
        ),
        (
            vec!["latest"],
            "not a document of type `application/vnd.oci.image.index.v1+json`: missing field `config`"
                .to_owned(),
        ),
    ] {
        let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
        let error = registry.join(&names, Annotations::new()).await.unwrap_err().to_string();
        assert!(error.starts_with(&format!("{place}: {expected}")), "{error}");
    }
}
