//! Credentials as docker's and podman's users have them.
//!
//! Asked in this order, the first answer counts: a user and password given by hand (for CI), docker's
//! configuration (its credential helpers and store, then what it holds itself), podman's authentication files.
//! No secret is ever printed: [`Secret`] has no text.

mod file;
mod helper;

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use file::AuthFile;

/// A password or a token. Its debug output is not the secret, and it has no other.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a secret.
    pub fn new(secret: impl Into<String>) -> Secret {
        Secret(secret.into())
    }

    /// The secret itself, for the one place that sends it.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// What to show a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// Nothing.
    Anonymous,
    /// A user and a password (or an access token that is used like one).
    Basic {
        /// The user.
        user: String,
        /// The password.
        password: Secret,
    },
    /// A refresh token for the registry's token server.
    IdentityToken(Secret),
}

/// Where credentials may be. Paths of files that are not there are passed over.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// A user and password that count for every registry.
    pub given: Option<(String, Secret)>,
    /// Docker's `config.json`.
    pub docker: Option<PathBuf>,
    /// Podman's `auth.json`, in the order in which podman looks.
    pub podman: Vec<PathBuf>,
}

impl Sources {
    /// Where docker and podman look, by the environment variables that `variable` answers for: `REGISTRY_USER` and
    /// `REGISTRY_PASSWORD`, `DOCKER_CONFIG`, `REGISTRY_AUTH_FILE`, `XDG_RUNTIME_DIR`, `XDG_CONFIG_HOME`, `HOME`.
    pub fn from_environment(
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Sources, CredentialsError> {
        let text = |name: &'static str| match variable(name).filter(|value| !value.is_empty()) {
            None => Ok(None),
            Some(value) => value.into_string().map(Some).map_err(|_| CredentialsError::NotText { name }),
        };
        let path = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let given = match (text("REGISTRY_USER")?, text("REGISTRY_PASSWORD")?) {
            (Some(user), Some(password)) => Some((user, Secret(password))),
            (None, None) => None,
            (Some(_), None) => {
                return Err(CredentialsError::Half { set: "REGISTRY_USER", unset: "REGISTRY_PASSWORD" });
            }
            (None, Some(_)) => {
                return Err(CredentialsError::Half { set: "REGISTRY_PASSWORD", unset: "REGISTRY_USER" });
            }
        };
        let home = path("HOME");
        let under_home = |rest: &str| home.as_ref().map(|home| home.join(rest));
        let docker =
            path("DOCKER_CONFIG").or_else(|| under_home(".docker")).map(|dir| dir.join("config.json"));
        let podman = [
            path("REGISTRY_AUTH_FILE"),
            path("XDG_RUNTIME_DIR").map(|dir| dir.join("containers/auth.json")),
            path("XDG_CONFIG_HOME")
                .or_else(|| under_home(".config"))
                .map(|dir| dir.join("containers/auth.json")),
        ];
        Ok(Sources { given, docker, podman: podman.into_iter().flatten().collect() })
    }

    /// The credentials for a repository, named as references name it: registry `docker.io`, path `aptman/qus`.
    pub async fn find(&self, registry: &str, path: &str) -> Result<Credentials, CredentialsError> {
        if let Some((user, password)) = &self.given {
            return Ok(Credentials::Basic { user: user.clone(), password: password.clone() });
        }
        for file in self.docker.iter().chain(&self.podman) {
            let Some(file) = AuthFile::load(file)? else { continue };
            if let Some(found) = file.find(registry, path).await? {
                return Ok(found);
            }
        }
        Ok(Credentials::Anonymous)
    }
}

/// Why credentials could not be had. No message holds a secret, or what a helper printed.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// One of two environment variables is set.
    #[error("{set} is set, but {unset} is not")]
    Half {
        /// The one that is set.
        set: &'static str,
        /// The one that is not.
        unset: &'static str,
    },
    /// An environment variable is not UTF-8.
    #[error("{name} is not UTF-8 text")]
    NotText {
        /// Its name.
        name: &'static str,
    },
    /// A file cannot be read.
    #[error("cannot read {}: {source}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file is not what it should be. (The parser's own message could quote a secret.)
    #[error("cannot read {}: {reason}", .path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What and where.
        reason: String,
    },
    /// A credential helper failed.
    #[error("cannot get credentials for {registry}: docker-credential-{helper} {reason}")]
    Helper {
        /// The helper's name, without its prefix.
        helper: String,
        /// What for.
        registry: String,
        /// What happened, never what it printed.
        reason: String,
    },
}

impl CredentialsError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            CredentialsError::Half { unset, .. } => Some(format!("set {unset} too, or neither")),
            CredentialsError::NotText { .. } => None,
            CredentialsError::Read { .. } | CredentialsError::Format { .. } => {
                Some("`docker login` writes it anew; or set REGISTRY_USER and REGISTRY_PASSWORD".to_owned())
            }
            CredentialsError::Helper { helper, .. } => Some(format!(
                "install or repair docker-credential-{helper}, or set REGISTRY_USER and REGISTRY_PASSWORD"
            )),
        }
    }
}

fn read_error(path: &Path) -> impl FnOnce(std::io::Error) -> CredentialsError {
    let path = path.to_owned();
    move |source| CredentialsError::Read { path, source }
}
