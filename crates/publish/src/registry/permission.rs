//! The question whether a push is allowed, asked before there is anything to push.

use reqwest::header::CONTENT_LENGTH;
use reqwest::{Method, StatusCode};

use super::client::{Registry, location};
use super::error::RegistryError;

impl Registry {
    /// Fails if the registry does not let the credentials push to the repository.
    ///
    /// The distribution specification has no request for this. So an upload is begun, which is where every registry
    /// checks, and cancelled again (go-containerregistry's `remote.CheckPushPermission` does the same).
    pub async fn check_push(&self) -> Result<(), RegistryError> {
        let action = || format!("push to {}", self.repository());
        let mut call = self.call_to(Method::POST, "blobs/uploads/");
        call.headers.push((CONTENT_LENGTH, "0".to_owned()));
        let answer = self.http.call(&call).await.map_err(|reason| RegistryError::new(action(), reason))?;
        if answer.status != StatusCode::ACCEPTED {
            return Err(self.wrong(action(), &answer));
        }
        // Not all registries take it; the others end an upload that nobody goes on with by themselves.
        if let Ok(url) = location(&answer) {
            drop(self.http.once(&self.call_at(Method::DELETE, url), &|_| {}).await);
        }
        Ok(())
    }
}
