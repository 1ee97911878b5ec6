//! The reason why a registry did not do what it was asked for.

use std::fmt;

use base::Hint;
use http::{Address, StatusCode};
use sha256::Digest;

use crate::credentials::CredentialsError;
use crate::layout::LayoutError;

/// The reason why a registry did not do what it was asked for: "cannot upload blob sha256:… to …: reason".
#[derive(Debug)]
pub struct RegistryError {
    action: String,
    /// True if something may have been uploaded before.
    uploads: bool,
    reason: Reason,
}

/// The reason.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// The registry does not know who we are.
    #[error("unauthorized{}{}", refused(*.anonymous, .origin.as_deref()), detail(.message))]
    Unauthorized {
        /// True if there were no credentials to show.
        anonymous: bool,
        /// The place where the credentials were found, if that is known.
        origin: Option<String>,
        /// The registry's message about it.
        message: String,
    },
    /// The registry knows who we are and forbids it.
    #[error("denied{}", detail(.0))]
    Denied(String),
    /// The registry has no such repository and makes none.
    #[error("the repository does not exist{}", detail(.0))]
    NoRepository(String),
    /// The registry does not let a tag move.
    #[error("the tag is immutable{}", detail(.0))]
    Immutable(String),
    /// Tags that never move would.
    #[error("the tag `{first}`{} never moves, and points to something else", more(*.others))]
    Fixed {
        /// The first of them.
        first: String,
        /// The number of the others.
        others: usize,
    },
    /// The registry has no space left.
    #[error("the registry has no space left{}", detail(.0))]
    Full(String),
    /// The registry's certificate is not signed by anyone we know.
    #[error("its certificate is not trusted: {0}")]
    Certificate(String),
    /// The server that answers is no registry.
    #[error("not a registry: {0}")]
    NotARegistry(String),
    /// The registry could not be reached, or stopped answering, as often as it was tried.
    #[error("{reason}{}", tried(*.tries))]
    Unreachable {
        /// The last reason.
        reason: String,
        /// The number of tries.
        tries: u32,
    },
    /// A status that does not belong here.
    #[error("{status}{}{}", detail(.message), tried(*.tries))]
    Status {
        /// `500 Internal Server Error`.
        status: String,
        /// The registry's message about it.
        message: String,
        /// The number of tries.
        tries: u32,
    },
    /// The registry says that it holds something else.
    #[error("the registry answered with digest {actual}")]
    WrongDigest {
        /// The digest in its answer.
        actual: String,
    },
    /// The registry found that the bytes have another digest.
    #[error("the registry found another digest{}", detail(.0))]
    DigestInvalid(String),
    /// An answer does not have what the protocol demands.
    #[error("{0}")]
    Protocol(String),
    /// The thing that was asked for is not there.
    #[error("not found{}", detail(.0))]
    NotFound(String),
    /// The registry demands a longer wait than the longest.
    #[error("{status}: the registry asks to wait {seconds} seconds, and at most {limit} are waited")]
    Wait {
        /// `429 Too Many Requests`.
        status: StatusCode,
        /// The wait.
        seconds: u64,
        /// The longest.
        limit: u64,
    },
    /// A registry that is reached over https sends on to an address without encryption.
    #[error("the registry is reached over https, and sends on to {to} without it")]
    Unencrypted {
        /// The address.
        to: Address,
    },
    /// The bytes that it sent are not those of the digest.
    #[error("expected {expected}, got {actual}")]
    Content {
        /// The digest asked for.
        expected: Digest,
        /// The digest of what came.
        actual: Digest,
    },
    /// A document that came cannot be read.
    #[error("not a document of type `{media_type}`: {source}")]
    Json {
        /// The expected value.
        media_type: String,
        /// The place of the difference.
        source: serde_json::Error,
    },
    /// Two things in the plan do not go together.
    #[error("{0}")]
    Plan(String),
    /// The layout could not be read.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// The credentials could not be had.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
}

fn refused(anonymous: bool, origin: Option<&str>) -> String {
    match origin {
        _ if anonymous => ": no credentials were found".to_owned(),
        None => ": the credentials were refused".to_owned(),
        Some(origin) => format!(": the credentials from {origin} were refused"),
    }
}

fn detail(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(" ({message})") }
}

fn more(others: usize) -> String {
    if others == 0 { String::new() } else { format!(", with {others} more,") }
}

fn tried(tries: u32) -> String {
    if tries > 1 { format!(" (tried {tries} times)") } else { String::new() }
}

impl RegistryError {
    pub(crate) fn new(action: impl Into<String>, reason: impl Into<Reason>) -> RegistryError {
        RegistryError { action: action.into(), uploads: false, reason: reason.into() }
    }

    /// The failure of an upload, which can go on from what is there already.
    pub(crate) fn upload(action: String, reason: Reason) -> RegistryError {
        RegistryError { action, uploads: true, reason }
    }

    /// The reason.
    pub fn reason(&self) -> &Reason {
        &self.reason
    }
}

impl Hint for RegistryError {
    fn hint(&self) -> Option<String> {
        let text = match &self.reason {
            Reason::Unauthorized { anonymous: true, .. } => {
                "log in with `docker login`, or set REGISTRY_USER and REGISTRY_PASSWORD"
            }
            Reason::Unauthorized { .. } => {
                "log in again with `docker login`, or check REGISTRY_USER and REGISTRY_PASSWORD"
            }
            Reason::Denied(_) => "check which rights the account has in this repository",
            Reason::NoRepository(_) => "create the repository at the registry, or check its name",
            Reason::Immutable(_) => {
                "push under another tag, or let the registry's settings allow tags to move"
            }
            Reason::Fixed { .. } => {
                "other images of the same QEMU are another build of it: raise its number in `[builds]` of images/images.toml"
            }
            Reason::Full(_) => "free some space at the registry; what was uploaded is not uploaded again",
            Reason::Certificate(_) => "give the authority's certificate with --registry-ca FILE",
            Reason::NotARegistry(_) => "check the registry's name and port",
            Reason::Unreachable { .. } if self.uploads => {
                "check the registry's name and port, and the network; what was uploaded is not uploaded again"
            }
            Reason::Unreachable { .. } => "check the registry's name and port, and the network",
            Reason::Wait { status: StatusCode::TOO_MANY_REQUESTS, .. } => {
                "try again later, or log in for a higher limit"
            }
            Reason::Wait { .. } => "try again later",
            Reason::Unencrypted { .. } => {
                "the proxy in front of the registry must pass `X-Forwarded-Proto: https` on, or the registry be \
                 configured with its own address (docker-registry: `http.host`)"
            }
            Reason::DigestInvalid(_) => "`cargo xtask verify` says whether the layout is damaged",
            Reason::Layout(error) => return error.hint(),
            Reason::Credentials(error) => return error.hint(),
            _ => return None,
        };
        Some(text.to_owned())
    }
}

impl fmt::Display for RegistryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {}: {}", self.action, self.reason)
    }
}

impl std::error::Error for RegistryError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_fit_what_was_asked_for() {
        let check = "check the registry's name and port, and the network";
        let unreachable = || Reason::Unreachable { reason: "refused".to_owned(), tries: 1 };
        let wait = |status| Reason::Wait { status, seconds: 600, limit: 60 };
        for (reason, expected) in [
            (unreachable(), check),
            (wait(StatusCode::TOO_MANY_REQUESTS), "try again later, or log in for a higher limit"),
            (wait(StatusCode::SERVICE_UNAVAILABLE), "try again later"),
            // A pull may meet these, and is offered no push.
            (Reason::Denied(String::new()), "check which rights the account has in this repository"),
            (Reason::NotARegistry(String::new()), "check the registry's name and port"),
            (Reason::NoRepository(String::new()), "create the repository at the registry, or check its name"),
        ] {
            assert_eq!(RegistryError::new("read x", reason).hint().as_deref(), Some(expected));
        }
        let upload = RegistryError::upload("upload blob sha256:00 to r.io/x".to_owned(), unreachable());
        assert_eq!(upload.hint(), Some(format!("{check}; what was uploaded is not uploaded again")));
    }
}
