//! Credential helpers: programs called `docker-credential-NAME` (github.com/docker/docker-credential-helpers).

use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::{Credentials, CredentialsError, Secret};

/// A helper may have to ask the user to unlock a keyring, but in CI nobody answers.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the user is called when the secret is a refresh token.
const TOKEN_USER: &str = "<token>";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    username: String,
    secret: String,
}

/// Asks the helper; `None` if it has nothing for `registry`.
pub(super) async fn get(helper: &str, registry: &str) -> Result<Option<Credentials>, CredentialsError> {
    let fail = |reason: String| CredentialsError::Helper {
        helper: helper.to_owned(),
        registry: registry.to_owned(),
        reason,
    };
    // The name comes from a file; it must not lead to a program elsewhere.
    if helper.contains('/') {
        return Err(fail("is not the name of a helper".to_owned()));
    }
    let mut child = Command::new(format!("docker-credential-{helper}"))
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| fail(format!("cannot be run: {error}")))?;
    let input = child.stdin.take();
    let talk = async move {
        if let Some(mut input) = input {
            // A helper that does not read is judged by what it answers.
            drop(input.write_all(registry.as_bytes()).await);
        }
        child.wait_with_output().await
    };
    let output = match tokio::time::timeout(PATIENCE, talk).await {
        Err(_) => return Err(fail(format!("did not answer within {} seconds", PATIENCE.as_secs()))),
        Ok(output) => output.map_err(|error| fail(format!("cannot be run: {error}")))?,
    };
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        // The one message that the protocol defines.
        if text.contains("credentials not found") {
            return Ok(None);
        }
        return Err(fail(format!("failed ({})", output.status)));
    }
    let answer: Answer = serde_json::from_str(&text)
        .map_err(|_| fail("did not answer with a user and a secret".to_owned()))?;
    let secret = Secret::new(answer.secret);
    Ok(Some(match answer.username.as_str() {
        TOKEN_USER => Credentials::IdentityToken(secret),
        _ => Credentials::Basic { user: answer.username, password: secret },
    }))
}
