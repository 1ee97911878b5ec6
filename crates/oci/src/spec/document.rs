//! Parsing a document so that every program reads the same in it.
//!
//! Docker, containerd and podman read JSON with Go's `encoding/json`, which takes a member's name in any case and, of
//! several members, the last one. A document that they could read in another way than qus does is none: what was verified
//! would not be what runs. The same goes for a document that is an index to one program and an image to another
//! (CVE-2021-41190; image-spec, manifest.md and image-index.md).

use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeOwned, DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::media_type;

/// Members of the specification's documents, as they are spelled there. (`config.md` capitalises those of `config`.)
const NAMES: &str = "annotations architecture artifactType author comment config created created_by data \
                     diff_ids digest empty_layer features fsLayers history layers manifests mediaType os \
                     os.features os.version platform rootfs schemaVersion size subject type urls variant \
                     ArgsEscaped Cmd Domainname Entrypoint Env ExposedPorts Healthcheck Labels OnBuild \
                     Shell StopSignal User Volumes WorkingDir";

/// Members whose objects are maps: their keys are the author's, and `a` and `A` are two of them to every program.
const MAPS: [&str; 4] = ["annotations", "ExposedPorts", "Labels", "Volumes"];

/// The members that say what a document is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shape {
    media_type: Option<String>,
    manifests: Option<IgnoredAny>,
    config: Option<IgnoredAny>,
    layers: Option<IgnoredAny>,
    fs_layers: Option<IgnoredAny>,
}

/// Parses a document of `media_type`. Fails if another program could read something else in it.
pub fn parse<T: DeserializeOwned>(media_type: &str, bytes: &[u8]) -> Result<T, serde_json::Error> {
    let mut text = serde_json::Deserializer::from_slice(bytes);
    Walk::Members.deserialize(&mut text)?;
    text.end()?;
    if matches!(media_type, media_type::INDEX | media_type::MANIFEST) {
        let shape: Shape = serde_json::from_slice(bytes)?;
        let image = shape.config.is_some() || shape.layers.is_some() || shape.fs_layers.is_some();
        if image && shape.manifests.is_some() {
            return Err(serde_json::Error::custom("it is an image and an index at once"));
        }
        if let Some(other) = shape.media_type.filter(|other| other != media_type) {
            return Err(serde_json::Error::custom(format!("its mediaType is `{other}`")));
        }
    }
    serde_json::from_slice(bytes)
}

/// Walks through any JSON, looking at the names alone.
#[derive(Clone, Copy)]
enum Walk {
    /// An object here has the specification's members.
    Members,
    /// An object here has the author's keys.
    Keys,
}

impl<'de> DeserializeSeed<'de> for Walk {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            let below = match self {
                Walk::Keys => {
                    if !seen.insert(name.clone()) {
                        return Err(A::Error::custom(format!("the key `{name}` is there twice")));
                    }
                    Walk::Members
                }
                Walk::Members => {
                    let folded = fold(&name);
                    let known = NAMES.split(' ').find(|known| known.eq_ignore_ascii_case(&folded));
                    if let Some(known) = known.filter(|known| *known != name) {
                        let reason = format!("the member `{name}` is not spelled `{known}`");
                        return Err(A::Error::custom(reason));
                    }
                    if !seen.insert(folded) {
                        let reason = format!("the member `{name}` is there twice, in whatever case");
                        return Err(A::Error::custom(reason));
                    }
                    if MAPS.contains(&&*name) { Walk::Keys } else { Walk::Members }
                }
            };
            map.next_value_seed(below)?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(Walk::Members)?.is_some() {}
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// Folds case as Go does for member names: also `ſ` is an `s`, and the Kelvin sign a `k` (`encoding/json`, `foldRune`).
fn fold(name: &str) -> String {
    name.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn check(media_type: &str, text: &str, expected: Result<(), &str>) {
        let found = parse::<Value>(media_type, text.as_bytes()).map(drop).map_err(|error| error.to_string());
        assert_eq!(found, expected.map_err(str::to_owned), "{text}");
    }

    #[test]
    fn a_name_is_read_in_one_way() {
        let taken = r#"{"config":{"Cmd":["a"]},"x":1,"y":[null,true,-1,1.5,"s"]}"#;
        check(media_type::CONFIG, taken, Ok(()));
        for (text, reason, column) in [
            (r#"{"config":{},"Config":{}}"#, "`Config` is not spelled `config`", 21),
            (r#"{"CONFIG":{}}"#, "`CONFIG` is not spelled `config`", 9),
            (r#"{"config":{"cmd":["sh"]}}"#, "`cmd` is not spelled `Cmd`", 16),
            (r#"{"config":{},"config":{}}"#, "`config` is there twice, in whatever case", 21),
            (r#"[{"Other":1,"other":2}]"#, "`other` is there twice, in whatever case", 19),
            // Escaped, and with the two letters that are no ASCII and are folded to it.
            (r#"{"\u0043onfig":{}}"#, "`Config` is not spelled `config`", 14),
            ("{\"layer\u{17f}\":[]}", "`layer\u{17f}` is not spelled `layers`", 10),
            ("{\"k\":1,\"\u{212a}\":2}", "`\u{212a}` is there twice, in whatever case", 12),
        ] {
            let expected = format!("the member {reason} at line 1 column {column}");
            check(media_type::CONFIG, text, Err(&expected));
        }
    }

    #[test]
    fn keys_are_their_authors() {
        let config = |text, expected| check(media_type::CONFIG, text, expected);
        config(r#"{"config":{"Labels":{"Config":"1","config":"2"}}}"#, Ok(()));
        config(r#"{"annotations":{"a":"1","A":"2"}}"#, Ok(()));
        config(r#"{"annotations":{"a":"1","a":"2"}}"#, Err("the key `a` is there twice at line 1 column 27"));
    }

    #[test]
    fn a_document_is_an_image_or_an_index() {
        use media_type::{INDEX, MANIFEST};
        for member in [r#""layers":[]"#, r#""config":{}"#, r#""fsLayers":[]"#] {
            for media_type in [INDEX, MANIFEST] {
                let text = format!(r#"{{"manifests":[],{member}}}"#);
                check(media_type, &text, Err("it is an image and an index at once"));
            }
        }
        check(INDEX, r#"{"manifests":[]}"#, Ok(()));
        check(MANIFEST, r#"{"config":{},"layers":[]}"#, Ok(()));
        check(MANIFEST, &format!(r#"{{"mediaType":"{MANIFEST}"}}"#), Ok(()));
        let error = format!("its mediaType is `{INDEX}`");
        check(MANIFEST, &format!(r#"{{"mediaType":"{INDEX}"}}"#), Err(&error));
    }

    #[test]
    fn depth_is_bounded() {
        let deep = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
        check(media_type::CONFIG, &deep, Err("recursion limit exceeded at line 1 column 128"));
    }
}
