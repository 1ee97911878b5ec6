//! Docker's `config.json` and podman's `auth.json`: the same format, read by two sets of rules.
//!
//! Docker's are those of its client (docker/cli, `cli/config/configfile` and `credentials`), held against the client itself
//! by this crate's tests. Where they would leave a user without credentials that the file has, more is found: an empty
//! entry hides no other, `docker.io` is a name of Docker Hub, and a key may name a part of a registry.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::helper;
use super::{Credentials, CredentialsError, Secret};
use crate::configuration;

/// Docker Hub's key, from the days of the first registry protocol.
const HUB_KEY: &str = "https://index.docker.io/v1/";

/// One file. Unknown fields are other tools' business; Go writes `null` for what is empty.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Content {
    auths: Option<BTreeMap<String, Option<Auth>>>,
    creds_store: Option<String>,
    cred_helpers: Option<BTreeMap<String, Option<String>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Auth {
    /// `user:password` in base64.
    auth: Option<String>,
    identitytoken: Option<String>,
    username: Option<String>,
    password: Option<String>,
}

/// The rules by which keys are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rules {
    /// A registry has one entry; the exact key comes before other spellings.
    Docker,
    /// A key can name a part of a registry; the longest that fits comes first (containers-auth.json(5)).
    Podman,
}

pub(super) struct AuthFile {
    /// Its name for messages.
    name: String,
    rules: Rules,
    content: Content,
}

impl AuthFile {
    /// Returns `None` if there is no such file.
    pub(super) fn load(path: &Path, rules: Rules) -> Result<Option<AuthFile>, CredentialsError> {
        let bytes = match configuration::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(CredentialsError::Read { path: path.to_owned(), source }),
        };
        AuthFile::parse(path.display().to_string(), rules, &bytes).map(Some)
    }

    /// Parses a file's content. An empty one is an empty configuration, and what follows the first value counts for
    /// nothing, as at docker.
    pub(super) fn parse(name: String, rules: Rules, bytes: &[u8]) -> Result<AuthFile, CredentialsError> {
        let content = match serde_json::Deserializer::from_slice(bytes).into_iter().next() {
            None => Content::default(),
            Some(Ok(content)) => content,
            // The parser's message can quote the text that it did not expect, such as a password.
            Some(Err(error)) => {
                let (line, column) = (error.line(), error.column());
                let reason = format!("not a docker configuration: line {line}, column {column}");
                return Err(CredentialsError::Format { path: PathBuf::from(name), reason });
            }
        };
        Ok(AuthFile { name, rules, content })
    }

    /// Finds the credentials for a repository. A helper for the registry comes before the store, and either before the
    /// file's own entries. These count if there is no such program, as in a container that got the file from a desktop.
    pub(super) async fn find(
        &self,
        registry: &str,
        path: &str,
    ) -> Result<Option<Credentials>, CredentialsError> {
        let names = names(registry);
        let Some(helper) = self.helper(&names) else { return self.entry(&names, path) };
        let origin = format!("docker-credential-{helper} (named in {})", self.name);
        for name in names.iter().take(ASKED) {
            match helper::get(helper, name, &origin).await {
                Ok(None) => {}
                Ok(found) => return Ok(found),
                Err(error @ CredentialsError::NoHelper { .. }) => {
                    return match self.entry(&names, path)? {
                        Some(found) => Ok(Some(found)),
                        None => Err(error),
                    };
                }
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Finds what the file itself holds, whatever helpers it names: fuzzers run no programs.
    #[cfg(feature = "fuzzing")]
    pub(super) fn stored(&self, registry: &str, path: &str) -> Result<Option<Credentials>, CredentialsError> {
        self.entry(&names(registry), path)
    }

    /// The helper in charge of the registry; an empty name takes the registry out of the store.
    fn helper(&self, names: &[&str]) -> Option<&str> {
        let own = self.content.cred_helpers.as_ref();
        let own = own.and_then(|helpers| names.iter().find_map(|name| helpers.get(*name)));
        let helper = match own {
            Some(own) => own.as_deref(),
            None => self.content.creds_store.as_deref(),
        };
        helper.filter(|helper| !helper.is_empty())
    }

    /// The first entry with anything in it, by the rules.
    fn entry(&self, names: &[&str], path: &str) -> Result<Option<Credentials>, CredentialsError> {
        let Some(auths) = &self.content.auths else { return Ok(None) };
        let exact = names.iter().filter_map(|name| auths.get_key_value(*name));
        let parts = names.iter().flat_map(|name| parts(name, path));
        let parts = parts.filter_map(|part| auths.get_key_value(&part));
        let spellings = auths.iter().filter(|(key, _)| {
            let key = match self.rules {
                Rules::Docker => host(key),
                Rules::Podman => bare(key),
            };
            names.iter().any(|name| *name == key || host(name) == key)
        });
        let found: Vec<_> = match self.rules {
            Rules::Docker => exact.chain(parts).chain(spellings).collect(),
            Rules::Podman => parts.chain(exact).chain(spellings).collect(),
        };
        for (key, auth) in found {
            if let Some(auth) = auth
                && let Some(credentials) = self.credentials(key, auth)?
            {
                return Ok(Some(credentials));
            }
        }
        Ok(None)
    }

    fn credentials(&self, key: &str, auth: &Auth) -> Result<Option<Credentials>, CredentialsError> {
        let full = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let secret = |text: &str| Secret::new(text).with_origin(&self.name);
        if let Some(token) = full(&auth.identitytoken) {
            return Ok(Some(Credentials::IdentityToken(secret(&token))));
        }
        // Docker leaves an empty entry here for what its store holds.
        let Some(mut encoded) = full(&auth.auth) else {
            return Ok(match (full(&auth.username), full(&auth.password)) {
                (Some(user), Some(password)) => {
                    Some(Credentials::Basic { user, password: secret(&password) })
                }
                _ => None,
            });
        };
        // Go's decoder passes over line feeds, which `base64` puts after each 76 characters.
        encoded.retain(|c| !matches!(c, '\r' | '\n'));
        let wrong = || CredentialsError::Format {
            path: PathBuf::from(&self.name),
            reason: format!("`auth` of `{key}` is not a user and a password in base64"),
        };
        let decoded = STANDARD.decode(encoded).map_err(|_| wrong())?;
        let text = String::from_utf8(decoded).map_err(|_| wrong())?;
        let (user, password) = text.split_once(':').filter(|(user, _)| !user.is_empty()).ok_or_else(wrong)?;
        Ok(Some(Credentials::Basic { user: user.to_owned(), password: secret(password.trim_matches('\0')) }))
    }
}

/// The number of a registry's names that a helper is asked for: docker's own, and podman's.
const ASKED: usize = 2;

/// The names under which a registry's credentials are kept, docker's own first.
fn names(registry: &str) -> Vec<&str> {
    match registry {
        "docker.io" => vec![HUB_KEY, "docker.io", "index.docker.io", "registry-1.docker.io"],
        other => vec![other],
    }
}

/// The repository and the parts of the registry that it is in, the longest first, without the registry itself.
fn parts(registry: &str, path: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut rest = Some(path);
    while let Some(path) = rest {
        parts.push(format!("{registry}/{path}"));
        rest = path.rsplit_once('/').map(|(above, _)| above);
    }
    parts
}

/// A key's host, with its port, as docker finds it (`ConvertToHostname`).
fn host(key: &str) -> &str {
    let key = key.split_once("://").map_or(key, |(_, rest)| rest);
    key.split('/').next().unwrap_or(key)
}

/// A key without a scheme and without the paths of the protocol's versions.
fn bare(key: &str) -> &str {
    let key = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
    let key = key.trim_end_matches('/');
    key.strip_suffix("/v1").or_else(|| key.strip_suffix("/v2")).unwrap_or(key)
}
