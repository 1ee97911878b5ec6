//! The parsers of foreign bytes, each as a function that any bytes may be given to, with inputs to begin from.
//!
//! `fuzz/` runs them under libFuzzer, and this crate's test `fuzz` on mutations of the seeds. They panic where something is taken
//! that must not be.

use std::fmt::Debug;

use fuzzing::Target;
use oci::spec::{self, ImageConfig, Index, Manifest, media_type};
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use crate::credentials::fuzz::{credentials, helper};
pub use crate::engine::fuzz::context;
pub use crate::registry::fuzz::{challenge, location, reference, token};
pub use crate::verify::fuzz::layer;

use crate::{credentials, engine, registry, verify};

/// All of them.
pub const TARGETS: [Target; 9] = [
    Target { name: "publish_challenge", run: challenge, seeds: registry::fuzz::challenge_seeds },
    Target { name: "publish_context", run: context, seeds: engine::fuzz::context_seeds },
    Target { name: "publish_credentials", run: credentials, seeds: credentials::fuzz::seeds },
    Target { name: "publish_documents", run: documents, seeds: documents_seeds },
    Target { name: "publish_helper", run: helper, seeds: credentials::fuzz::helper_seeds },
    Target { name: "publish_layer", run: layer, seeds: verify::fuzz::seeds },
    Target { name: "publish_location", run: location, seeds: registry::fuzz::location_seeds },
    Target { name: "publish_reference", run: reference, seeds: registry::fuzz::reference_seeds },
    Target { name: "publish_token", run: token, seeds: registry::fuzz::token_seeds },
];

/// True for such a document: what is understood has one form, which is understood alike.
fn is<T>(media_type: &str, bytes: &[u8]) -> bool
where
    T: DeserializeOwned + Serialize + PartialEq + Debug,
{
    let Ok(document) = spec::parse::<T>(media_type, bytes) else { return false };
    let text = serde_json::to_vec(&document).expect("a document is JSON");
    assert_eq!(spec::parse::<T>(media_type, &text).expect("its own form"), document);
    true
}

/// A layout's or registry's index, manifest or config: nothing is an image and an index at once.
pub fn documents(bytes: &[u8]) {
    let index = is::<Index>(media_type::INDEX, bytes);
    let manifest = is::<Manifest>(media_type::MANIFEST, bytes);
    assert!(!(index && manifest));
    is::<ImageConfig>(media_type::CONFIG, bytes);
}

fn documents_seeds() -> Vec<Vec<u8>> {
    const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    let descriptor = |media_type: &str, rest: &str| {
        format!(r#"{{"mediaType":"{media_type}","digest":"{DIGEST}","size":5{rest}}}"#)
    };
    let platform =
        r#","platform":{"architecture":"arm","os":"linux","variant":"v7"},"annotations":{"a":"1","A":"2"}"#;
    let image = descriptor(media_type::MANIFEST, platform);
    let config = descriptor(media_type::CONFIG, "");
    let layer = descriptor(media_type::LAYER_ZSTD, "");
    vec![
        format!(r#"{{"schemaVersion":2,"mediaType":"{}","manifests":[{image}]}}"#, media_type::INDEX),
        format!(
            r#"{{"schemaVersion":2,"mediaType":"{}","config":{config},"layers":[{layer}],"annotations":{{"b":""}}}}"#,
            media_type::MANIFEST
        ),
        format!(
            r#"{{"created":"1970-01-01T00:00:00Z","architecture":"amd64","os":"linux","config":{{"Entrypoint":["/r"],"Cmd":["a"],"Env":["A=b"],"Labels":{{"x":"y"}}}},"rootfs":{{"type":"layers","diff_ids":["{DIGEST}"]}},"history":[{{"created_by":"q","empty_layer":true}}]}}"#
        ),
    ]
    .into_iter()
    .map(String::into_bytes)
    .collect()
}
