//! Credential helpers: programs called `docker-credential-NAME` (github.com/docker/docker-credential-helpers).

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdout, Command};

use super::{Credentials, CredentialsError, Secret};
use crate::limits::{ANSWER, PATIENCE};

/// The user's name when the secret is a refresh token.
const TOKEN_USER: &str = "<token>";

/// The time after a helper's end in which the last of its answer comes out of the pipe.
const REST: Duration = Duration::from_millis(100);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    username: String,
    secret: String,
}

/// Asks the helper; returns `None` if it has nothing for `registry`. `origin` is its name in messages.
pub(super) async fn get(
    helper: &str,
    registry: &str,
    origin: &str,
) -> Result<Option<Credentials>, CredentialsError> {
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
        .map_err(|source| CredentialsError::NoHelper {
            helper: helper.to_owned(),
            registry: registry.to_owned(),
            source,
        })?;
    let (status, answer) = match tokio::time::timeout(PATIENCE, talk(&mut child, registry)).await {
        Err(_) => return Err(fail(format!("did not answer within {} seconds", PATIENCE.as_secs()))),
        Ok(Err(error)) if error.kind() == io::ErrorKind::FileTooLarge => return Err(fail(error.to_string())),
        Ok(talked) => talked.map_err(|error| fail(format!("cannot be run: {error}")))?,
    };
    let text = String::from_utf8_lossy(&answer);
    if !status.success() {
        // The one message that the protocol defines.
        if text.contains("credentials not found") {
            return Ok(None);
        }
        return Err(fail(format!("failed ({status})")));
    }
    parse(&text, origin).map_err(|_| fail("did not answer with a user and a secret".to_owned()))
}

/// The credentials in a helper's answer to `get`; `None` if it names no secret.
pub(super) fn parse(answer: &str, origin: &str) -> serde_json::Result<Option<Credentials>> {
    let Answer { username, secret } = serde_json::from_str(answer)?;
    if secret.is_empty() {
        return Ok(None);
    }
    let secret = Secret::new(secret).with_origin(origin);
    Ok(Some(match username.as_str() {
        TOKEN_USER => Credentials::IdentityToken(secret),
        _ => Credentials::Basic { user: username, password: secret },
    }))
}

/// Sends the registry's name, and takes what the helper prints until it ends.
async fn talk(child: &mut Child, registry: &str) -> io::Result<(ExitStatus, Vec<u8>)> {
    let (input, output) = (child.stdin.take(), child.stdout.take());
    if let Some(mut input) = input {
        // A helper that does not read is judged by what it answers.
        drop(input.write_all(registry.as_bytes()).await);
    }
    let mut answer = Vec::new();
    let Some(mut output) = output else { return Ok((child.wait().await?, answer)) };
    let ended = tokio::select! {
        ended = child.wait() => Some(ended?),
        read = read(&mut output, &mut answer) => { read?; None }
    };
    let Some(status) = ended else { return Ok((child.wait().await?, answer)) };
    // Helpers start agents, which may keep the pipe open for as long as the user is logged in: what the helper itself has
    // printed is in the pipe by now.
    if let Ok(read) = tokio::time::timeout(REST, read(&mut output, &mut answer)).await {
        read?;
    }
    Ok((status, answer))
}

/// Reads to the end, up to the limit. Stopped, it has lost nothing.
async fn read(output: &mut ChildStdout, answer: &mut Vec<u8>) -> io::Result<()> {
    loop {
        if answer.len() as u64 > ANSWER {
            let reason = format!("printed more than {ANSWER} bytes");
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, reason));
        }
        if output.read_buf(answer).await? == 0 {
            return Ok(());
        }
    }
}
