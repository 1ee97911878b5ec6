//! Docker's `config.json` and podman's `auth.json`: the same format, with different keys.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::{Credentials, CredentialsError, Secret, helper, read_error};

/// Docker Hub's key, from the days of the first registry protocol.
const HUB_KEY: &str = "https://index.docker.io/v1/";

/// One file. Unknown fields are other tools' business.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Content {
    auths: BTreeMap<String, Auth>,
    creds_store: Option<String>,
    cred_helpers: BTreeMap<String, String>,
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

pub(super) struct AuthFile {
    path: PathBuf,
    content: Content,
}

impl AuthFile {
    /// `None` if there is no such file.
    pub(super) fn load(path: &Path) -> Result<Option<AuthFile>, CredentialsError> {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(read_error(path)(error)),
        };
        // The parser's message can quote the text that it did not expect, such as a password.
        let content = serde_json::from_slice(&bytes).map_err(|error| CredentialsError::Format {
            path: path.to_owned(),
            reason: format!("not a docker configuration: line {}, column {}", error.line(), error.column()),
        })?;
        Ok(Some(AuthFile { path: path.to_owned(), content }))
    }

    /// A helper for the registry counts before the store, and the store before the file, as at docker.
    pub(super) async fn find(
        &self,
        registry: &str,
        path: &str,
    ) -> Result<Option<Credentials>, CredentialsError> {
        let content = &self.content;
        let names = names(registry);
        let own_helper = names.iter().find_map(|name| content.cred_helpers.get(name));
        if let Some(helper) = own_helper.or(content.creds_store.as_ref()).filter(|name| !name.is_empty()) {
            for name in &names {
                if let Some(found) = helper::get(helper, name).await? {
                    return Ok(Some(found));
                }
            }
        }
        let Some((key, auth)) = self.entry(&names, path) else { return Ok(None) };
        self.parse(key, auth)
    }

    /// Podman's keys can name a part of a registry; the longest that matches counts.
    fn entry(&self, names: &[String], path: &str) -> Option<(&String, &Auth)> {
        let matches = |key: &str| {
            let key = bare(key);
            names.iter().any(|name| {
                let name = bare(name);
                key == name
                    || format!("{name}/{path}")
                        .strip_prefix(key)
                        .is_some_and(|rest| rest.starts_with('/') || rest.is_empty())
            })
        };
        self.content.auths.iter().filter(|(key, _)| matches(key)).max_by_key(|(key, _)| bare(key).len())
    }

    fn parse(&self, key: &str, auth: &Auth) -> Result<Option<Credentials>, CredentialsError> {
        if let Some(token) = auth.identitytoken.as_deref().filter(|token| !token.is_empty()) {
            return Ok(Some(Credentials::IdentityToken(Secret::new(token))));
        }
        if let (Some(user), Some(password)) = (&auth.username, &auth.password) {
            return Ok(Some(Credentials::Basic { user: user.clone(), password: Secret::new(password) }));
        }
        // Docker leaves an empty entry here for what its store holds.
        let Some(encoded) = auth.auth.as_deref().filter(|text| !text.is_empty()) else { return Ok(None) };
        let wrong = || CredentialsError::Format {
            path: self.path.clone(),
            reason: format!("`auth` of `{key}` is not a user and a password in base64"),
        };
        let decoded = STANDARD.decode(encoded).map_err(|_| wrong())?;
        let text = String::from_utf8(decoded).map_err(|_| wrong())?;
        let (user, password) = text.split_once(':').ok_or_else(wrong)?;
        let password = Secret::new(password.trim_end_matches('\0'));
        Ok(Some(Credentials::Basic { user: user.to_owned(), password }))
    }
}

/// The names under which a registry's credentials are kept.
fn names(registry: &str) -> Vec<String> {
    match registry {
        "docker.io" => {
            [HUB_KEY, "docker.io", "registry-1.docker.io", "index.docker.io"].map(str::to_owned).to_vec()
        }
        other => vec![other.to_owned(), format!("https://{other}")],
    }
}

/// A key without a scheme and without the paths of the protocol's versions.
fn bare(key: &str) -> &str {
    let key = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
    let key = key.trim_end_matches('/');
    key.strip_suffix("/v1").or_else(|| key.strip_suffix("/v2")).unwrap_or(key)
}
