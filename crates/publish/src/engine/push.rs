//! Pushing through an engine what it has loaded.

use bollard::auth::DockerCredentials;
use bollard::query_parameters::{PushImageOptionsBuilder, RemoveImageOptions};
use futures_util::TryStreamExt as _;

use super::error::EngineError;
use super::{Engine, reported};
use crate::credentials::Credentials;
use crate::registry::Repository;

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
    ) -> Result<(), EngineError> {
        let options = PushImageOptionsBuilder::new().tag(tag).build();
        let shown = docker_credentials(repository, credentials);
        let answers = self.docker.push_image(&repository.to_string(), Some(options), Some(shown));
        let pushed = answers.try_for_each(|_| async { Ok(()) }).await;
        pushed.map_err(|error| {
            let reason = reported(&error).with_origin(credentials.origin());
            EngineError::new(format!("push {repository}:{tag} through {}", self.name()), reason)
        })
    }

    /// True if the engine has an image of this name.
    pub async fn has(&self, repository: &Repository, tag: &str) -> bool {
        self.docker.inspect_image(&format!("{repository}:{tag}")).await.is_ok()
    }

    /// Removes a name from the engine; the image goes with its last name.
    pub async fn untag(&self, repository: &Repository, tag: &str) -> Result<(), EngineError> {
        let name = format!("{repository}:{tag}");
        let removed = self.docker.remove_image(&name, None::<RemoveImageOptions>, None).await;
        let fail = |error| EngineError::new(format!("remove {name} from {}", self.name()), reported(&error));
        removed.map(drop).map_err(fail)
    }
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
