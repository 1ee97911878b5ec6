//! Credentials as docker's and podman's users have them.
//!
//! Asked in this order, the first answer counts:
//!
//! 1. a user and password given by hand, for CI: `REGISTRY_USER` and `REGISTRY_PASSWORD`;
//! 2. files that are named for the purpose: the content of `DOCKER_AUTH_CONFIG`, and the file `REGISTRY_AUTH_FILE`;
//! 3. docker's configuration: its credential helpers and store, then what it holds itself;
//! 4. podman's files, where podman looks for them.
//!
//! No secret is ever printed: [`Secret`] has no text. It knows where it was found, so that a refusal can name the place.

mod file;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzz;
mod helper;

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use base::Hint;
use file::{AuthFile, Rules};

/// A password or a token, and the place that it was found in. Its debug output is not the secret, and it has no other.
#[derive(Clone)]
pub struct Secret {
    text: String,
    origin: Option<String>,
}

impl Secret {
    /// Takes a secret.
    pub fn new(secret: impl Into<String>) -> Secret {
        Secret { text: secret.into(), origin: None }
    }

    /// Notes where the secret was found: a file, a program, variables.
    #[must_use]
    pub fn with_origin(self, origin: &str) -> Secret {
        Secret { origin: Some(origin.to_owned()), ..self }
    }

    /// The secret itself, for the one place that sends it.
    pub(crate) fn reveal(&self) -> &str {
        &self.text
    }
}

/// Two secrets are equal wherever they were found.
impl PartialEq for Secret {
    fn eq(&self, other: &Secret) -> bool {
        self.text == other.text
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// The credentials to show a registry.
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

impl Credentials {
    /// The place where they were found, if anywhere.
    pub fn origin(&self) -> Option<&str> {
        match self {
            Credentials::Anonymous => None,
            Credentials::Basic { password: secret, .. } | Credentials::IdentityToken(secret) => {
                secret.origin.as_deref()
            }
        }
    }
}

/// The variable that can hold a whole configuration.
const VARIABLE: &str = "DOCKER_AUTH_CONFIG";

/// The places where credentials may be. Paths of files that are not there are passed over.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// A user and password that count for every registry.
    pub given: Option<(String, Secret)>,
    /// The content of `DOCKER_AUTH_CONFIG`: the content of a `config.json` (docker 28.3, GitLab).
    pub content: Option<Secret>,
    /// The file that `REGISTRY_AUTH_FILE` names, in podman's format.
    pub named: Option<PathBuf>,
    /// Docker's `config.json`.
    pub docker: Option<PathBuf>,
    /// Podman's other `auth.json`, in the order in which podman looks.
    pub podman: Vec<PathBuf>,
}

impl Sources {
    /// The places where docker and podman look, by the environment variables that `variable` answers
    /// for: `REGISTRY_USER` and `REGISTRY_PASSWORD`, `DOCKER_AUTH_CONFIG`, `REGISTRY_AUTH_FILE`, `DOCKER_CONFIG`,
    /// `XDG_RUNTIME_DIR`, `XDG_CONFIG_HOME`, `HOME`.
    pub fn from_environment(
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Sources, CredentialsError> {
        let text = |name: &'static str| match variable(name).filter(|value| !value.is_empty()) {
            None => Ok(None),
            Some(value) => value.into_string().map(Some).map_err(|_| CredentialsError::NotText { name }),
        };
        let path = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let given = match (text("REGISTRY_USER")?, text("REGISTRY_PASSWORD")?) {
            (Some(user), Some(password)) => {
                Some((user, Secret::new(password).with_origin("REGISTRY_USER and REGISTRY_PASSWORD")))
            }
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
        let runtime = match path("XDG_RUNTIME_DIR") {
            Some(directory) => directory.join("containers/auth.json"),
            // Where `podman login` writes without it, as for root (containers-auth.json(5)).
            None => {
                let user = rustix::process::getuid();
                PathBuf::from(format!("/run/containers/{user}/auth.json"))
            }
        };
        let config = path("XDG_CONFIG_HOME").or_else(|| under_home(".config"));
        let config = config.map(|directory| directory.join("containers/auth.json"));
        let content = text(VARIABLE)?.map(Secret::new);
        let named = path("REGISTRY_AUTH_FILE");
        Ok(Sources { given, content, named, docker, podman: [runtime].into_iter().chain(config).collect() })
    }

    /// The credentials for a repository, named as references name it: registry `docker.io`, path `aptman/qus`.
    pub async fn find(&self, registry: &str, path: &str) -> Result<Credentials, CredentialsError> {
        if let Some((user, password)) = &self.given {
            return Ok(Credentials::Basic { user: user.clone(), password: password.clone() });
        }
        if let Some(content) = &self.content {
            let content = AuthFile::parse(VARIABLE.to_owned(), Rules::Docker, content.reveal().as_bytes())?;
            if let Some(found) = content.find(registry, path).await? {
                return Ok(found);
            }
        }
        let files = self.named.iter().map(|file| (file, Rules::Podman));
        let files = files.chain(self.docker.iter().map(|file| (file, Rules::Docker)));
        let files = files.chain(self.podman.iter().map(|file| (file, Rules::Podman)));
        for (file, rules) in files {
            let Some(file) = AuthFile::load(file, rules)? else { continue };
            if let Some(found) = file.find(registry, path).await? {
                return Ok(found);
            }
        }
        Ok(Credentials::Anonymous)
    }
}

/// The reason why credentials could not be had. No message holds a secret, or what a helper printed.
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
        /// The error of the system.
        source: std::io::Error,
    },
    /// A file is not what it should be. (The parser's own message could quote a secret.)
    #[error("cannot read {}: {reason}", .path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// The problem and its place.
        reason: String,
    },
    /// A credential helper is not installed, or cannot be run.
    #[error("cannot get credentials for {registry}: docker-credential-{helper} cannot be run: {source}")]
    NoHelper {
        /// The helper's name, without its prefix.
        helper: String,
        /// The purpose.
        registry: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A credential helper failed.
    #[error("cannot get credentials for {registry}: docker-credential-{helper} {reason}")]
    Helper {
        /// The helper's name, without its prefix.
        helper: String,
        /// The purpose.
        registry: String,
        /// The event, never what the helper printed.
        reason: String,
    },
}

impl Hint for CredentialsError {
    fn hint(&self) -> Option<String> {
        match self {
            CredentialsError::Half { unset, .. } => Some(format!("set {unset} too, or neither")),
            CredentialsError::NotText { .. } => None,
            CredentialsError::Format { path, .. } if path == Path::new(VARIABLE) => {
                Some(format!("{VARIABLE} holds what a config.json of docker holds; or unset it"))
            }
            CredentialsError::Read { .. } | CredentialsError::Format { .. } => {
                Some("`docker login` writes it anew; or set REGISTRY_USER and REGISTRY_PASSWORD".to_owned())
            }
            CredentialsError::Helper { helper, .. } | CredentialsError::NoHelper { helper, .. } => {
                Some(format!(
                    "install or repair docker-credential-{helper}, or set REGISTRY_USER and REGISTRY_PASSWORD"
                ))
            }
        }
    }
}
