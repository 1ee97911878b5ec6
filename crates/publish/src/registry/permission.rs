//! The question whether a push is allowed, asked before there is anything to push.

use http::header::CONTENT_LENGTH;
use http::{Method, StatusCode};

use super::client::{Registry, location};
use super::error::RegistryError;
use super::upload::not_begun;

impl Registry {
    /// Fails if the registry does not let the credentials push to the repository.
    ///
    /// The distribution specification has no request for this. So an upload is begun, which is where every registry
    /// checks, and cancelled again (go-containerregistry's `remote.CheckPushPermission` does the same).
    pub async fn check_push(&self) -> Result<(), RegistryError> {
        let fail = |reason| RegistryError::new(format!("push to {}", self.repository()), reason);
        let mut call = self.call_to(Method::POST, "blobs/uploads/");
        call.request.headers.push((CONTENT_LENGTH, "0".to_owned()));
        let answer = self.http.call(&call).await.map_err(fail)?;
        if answer.status != StatusCode::ACCEPTED {
            return Err(fail(not_begun(&answer)));
        }
        // An answer without a usable address fails the push, too. Not all registries take the cancellation; the others end
        // an upload that nobody goes on with by themselves.
        let url = location(&answer).map_err(fail)?;
        drop(self.http.once(&self.call_at(Method::DELETE, url), &|_| {}).await);
        Ok(())
    }
}
