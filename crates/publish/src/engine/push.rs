//! Pushing through an engine what it has loaded.

use bollard::auth::DockerCredentials;
use bollard::query_parameters::PushImageOptionsBuilder;
use futures_util::TryStreamExt as _;
use sha256::Digest;

use super::error::{EngineError, Reason};
use super::{Engine, reported};
use crate::credentials::Credentials;
use crate::registry::Repository;

/// A tag that an engine has pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// The tag.
    pub tag: String,
    /// The digest that the registry now has there, according to the engine; `None` if it does not say.
    pub digest: Option<Digest>,
}

impl Engine {
    /// Pushes `repository:tag`, which the engine must hold.
    ///
    /// The digest is the local one only from containerd's store. Whether everything arrived, the registry must be
    /// asked: an engine that holds an index only in part has been seen to push that part and report success.
    pub async fn push(
        &self,
        repository: &Repository,
        tag: &str,
        credentials: &Credentials,
    ) -> Result<Pushed, EngineError> {
        let options = PushImageOptionsBuilder::new().tag(tag).build();
        let shown = docker_credentials(repository, credentials);
        let mut answers =
            std::pin::pin!(self.docker.push_image(&repository.to_string(), Some(options), Some(shown)));
        let action = || format!("push {repository}:{tag} through {}", self.name());
        let mut digest = None;
        loop {
            match answers.try_next().await {
                Ok(Some(line)) => {
                    let text = line.status.unwrap_or_default();
                    digest = parse_digest(&text).or(digest);
                }
                Ok(None) => return Ok(Pushed { tag: tag.to_owned(), digest }),
                Err(error) => {
                    return Err(EngineError::new(
                        action(),
                        reported(&error).with_origin(credentials.origin()),
                    ));
                }
            }
        }
    }

    /// True if the engine has an image of this name.
    pub async fn has(&self, repository: &Repository, tag: &str) -> bool {
        self.docker.inspect_image(&format!("{repository}:{tag}")).await.is_ok()
    }

    /// Removes a name from the engine; the image goes with its last name.
    pub async fn untag(&self, repository: &Repository, tag: &str) -> Result<(), EngineError> {
        let name = format!("{repository}:{tag}");
        let removed =
            self.docker.remove_image(&name, None::<bollard::query_parameters::RemoveImageOptions>, None);
        let fail = |reason: Reason| EngineError::new(format!("remove {name} from {}", self.name()), reason);
        removed.await.map(drop).map_err(|error| fail(reported(&error)))
    }
}

/// `latest: digest: sha256:… size: 1234` ends a push.
pub(super) fn parse_digest(status: &str) -> Option<Digest> {
    status.split_once("digest: ")?.1.split_whitespace().next()?.parse().ok()
}

/// Docker 20.10 wants the header even when there is nothing to say in it.
fn docker_credentials(repository: &Repository, credentials: &Credentials) -> DockerCredentials {
    let server = match repository.registry() {
        // Docker Hub's name in the days of the first registry protocol.
        "docker.io" => "https://index.docker.io/v1/",
        other => other,
    };
    let mut shown =
        DockerCredentials { serveraddress: Some(server.to_owned()), ..DockerCredentials::default() };
    match credentials {
        Credentials::Anonymous => {}
        Credentials::Basic { user, password } => {
            shown.username = Some(user.clone());
            shown.password = Some(password.reveal().to_owned());
        }
        Credentials::IdentityToken(token) => shown.identitytoken = Some(token.reveal().to_owned()),
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_has_the_digest() {
        let digest = Digest::of(b"x");
        assert_eq!(parse_digest(&format!("latest: digest: {digest} size: 12")), Some(digest));
        assert_eq!(parse_digest("Pushed"), None);
        assert_eq!(parse_digest("latest: digest: sha256:00 size: 1"), None);
    }
}
