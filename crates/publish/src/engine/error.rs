//! The reason why an engine did not do what it was asked for.

use std::fmt;
use std::path::PathBuf;

use base::Hint;

use crate::archive::ArchiveError;
use crate::credentials::CredentialsError;

/// The reason why an engine did not do what it was asked for: "cannot load …: reason".
#[derive(Debug)]
pub struct EngineError {
    action: String,
    reason: Reason,
}

/// The reason.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// Nothing listens at any of the addresses.
    #[error("none answers at {}", .tried.join(", "))]
    None {
        /// The addresses, each with what happened.
        tried: Vec<String>,
    },
    /// An address of a kind that is not supported.
    #[error("neither `unix:///PATH` nor `tcp://HOST:PORT`")]
    Endpoint,
    /// Docker's context cannot be read.
    #[error("{}: {reason}", .path.display())]
    Context {
        /// Its file.
        path: PathBuf,
        /// The problem with it.
        reason: String,
    },
    /// A file with a certificate or a key cannot be used.
    #[error("{}: {reason}", .path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// The problem with it.
        reason: String,
    },
    /// The socket is there, but not for us.
    #[error("permission denied")]
    Permission,
    /// The engine is older than any that was tried.
    #[error("its API has version {found}, and {needed} is the oldest supported")]
    TooOld {
        /// Its version.
        found: String,
        /// The oldest version that will do.
        needed: String,
    },
    /// The engine refused, or stopped answering.
    #[error("{0}")]
    Reported(String),
    /// The engine passes a registry's refusal on.
    #[error("{message} (the credentials are from {origin})")]
    Refused {
        /// The engine's message.
        message: String,
        /// The place where the credentials were found.
        origin: String,
    },
    /// The engine says that all went well, and it did not.
    #[error("the engine reports success, but {0}")]
    Untrue(String),
    /// The archive for the engine could not be made.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The credentials could not be had.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
}

impl Reason {
    /// Names the place that refused credentials came from.
    pub(super) fn with_origin(self, origin: Option<&str>) -> Reason {
        match (self, origin) {
            (Reason::Reported(message), Some(origin)) if is_refusal(&message) => {
                Reason::Refused { message, origin: origin.to_owned() }
            }
            (reason, _) => reason,
        }
    }
}

impl EngineError {
    pub(crate) fn new(action: impl Into<String>, reason: impl Into<Reason>) -> EngineError {
        EngineError { action: action.into(), reason: reason.into() }
    }

    /// The reason.
    pub fn reason(&self) -> &Reason {
        &self.reason
    }

    /// True if the engine met a network that may be better a moment later. Engines report such things as sentences.
    pub(super) fn is_transient(&self) -> bool {
        let Reason::Reported(text) = &self.reason else { return false };
        let text = text.to_lowercase();
        let words = [
            "connection refused",
            "connection reset",
            "broken pipe",
            "timeout",
            "unexpected eof",
            "too many requests",
            "500 internal server error",
            "502 bad gateway",
            "503 service unavailable",
            "504 gateway",
        ];
        words.iter().any(|word| text.contains(word))
    }
}

impl Hint for EngineError {
    fn hint(&self) -> Option<String> {
        let text = match &self.reason {
            Reason::None { .. } => "start Docker or podman, or set DOCKER_HOST",
            Reason::Endpoint => "forward the engine's socket, as with `ssh -L`, and name the socket",
            Reason::Context { .. } => "`docker context use default` goes back to the usual socket",
            Reason::Certificate { .. } => {
                "give the file back, or correct DOCKER_CERT_PATH; of a context, `docker context update` writes it anew"
            }
            Reason::Permission => {
                "join the group that owns the socket (often `docker`), or use a rootless engine"
            }
            Reason::TooOld { .. } => "use Docker 20.10 or podman 4, or newer",
            Reason::Reported(text) if text.contains("no space left") => {
                "free some space where the engine keeps its images"
            }
            Reason::Reported(text) if is_refusal(text) => {
                "log in with `docker login`, or set REGISTRY_USER and REGISTRY_PASSWORD"
            }
            Reason::Refused { .. } => {
                "log in again with `docker login`, or check REGISTRY_USER and REGISTRY_PASSWORD"
            }
            Reason::Archive(error) => return error.hint(),
            Reason::Credentials(error) => return error.hint(),
            _ => return None,
        };
        Some(text.to_owned())
    }
}

/// Engines pass a registry's refusal on as a sentence.
fn is_refusal(text: &str) -> bool {
    let text = text.to_lowercase();
    ["unauthorized", "no basic auth credentials", "authentication required", "authorization failed", "denied"]
        .iter()
        .any(|word| text.contains(word))
}

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {}: {}", self.action, self.reason)
    }
}

impl std::error::Error for EngineError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_pass_is_tried_again() {
        for (text, expected) in [
            (
                "failed to do request: Head \"https://r.io/v2/\": dial tcp 192.0.2.1:443: connect: connection refused",
                true,
            ),
            ("received unexpected HTTP status: 503 Service Unavailable", true),
            ("net/http: TLS handshake timeout", true),
            ("unauthorized: authentication required", false),
            ("An image does not exist locally with the tag: r.io/x", false),
            ("write /var/lib/docker: no space left on device", false),
        ] {
            assert_eq!(
                EngineError::new("push", Reason::Reported(text.to_owned())).is_transient(),
                expected,
                "{text}"
            );
        }
        assert!(!EngineError::new("push", Reason::Permission).is_transient());
    }

    #[test]
    fn a_refusal_names_where_the_credentials_came_from() {
        let check = |message: &str, origin, expected: &str| {
            let reason = Reason::Reported(message.to_owned()).with_origin(origin);
            assert_eq!(EngineError::new("push", reason).to_string(), expected);
        };
        let refusal = "unauthorized: authentication required";
        check(
            refusal,
            Some("/x/config.json"),
            "cannot push: unauthorized: authentication required (the credentials are from /x/config.json)",
        );
        check(refusal, None, "cannot push: unauthorized: authentication required");
        check("no space left on device", Some("/x/config.json"), "cannot push: no space left on device");
    }
}
