//! Uploading one blob: look, mount, or send; and go on where a cut upload ended.

use std::path::Path;

use http::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, RANGE};
use http::{Method, Payload, StatusCode, Url};
use oci::spec::Descriptor;

use super::client::{Registry, check_digest, location};
use super::error::{Reason, RegistryError};
use super::failure::{Failure, Tries};
use super::transport::{Answer, Call};

/// The way that a blob came into the repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was there.
    Present,
    /// The registry took it from another repository of its own.
    Mounted,
    /// It was sent.
    Uploaded,
}

/// An upload that the registry has begun.
struct Session {
    location: Url,
    /// The number of bytes that the registry has.
    offset: u64,
    /// True if some of them survived a cut. Then they may not be the bytes that we think.
    resumed: bool,
}

enum Step {
    /// The registry has the whole blob.
    Done,
    /// The registry has a piece more.
    Further { location: Url, offset: u64 },
}

/// The reason why an upload was not begun.
pub(super) fn not_begun(answer: &Answer) -> Reason {
    match super::answer::reason(answer.status, &answer.body, 1) {
        // Nothing else is named in the request.
        Reason::NotFound(said) => Reason::NoRepository(said),
        reason => reason,
    }
}

impl Registry {
    /// Puts the blob in the file `path` into the repository, unless it is there or can be mounted from one of the
    /// repositories `from` (paths at the same registry). `sent` hears how many of its bytes have been sent.
    pub async fn upload(
        &self,
        path: &Path,
        descriptor: &Descriptor,
        from: &[String],
        sent: &(dyn Fn(u64) + Sync),
    ) -> Result<Outcome, RegistryError> {
        let mut tries = Tries::default();
        let mut session = None;
        // A blob that is there after we began to send it came from us.
        let mut began = false;
        // Once only: a registry that damages what it resumed gets the blob in one piece.
        let mut restarted = false;
        loop {
            let current = match session.take() {
                Some(session) => session,
                None => {
                    if self.has_blob(descriptor).await? {
                        return Ok(if began { Outcome::Uploaded } else { Outcome::Present });
                    }
                    let begun = self.begin(descriptor, from).await;
                    match begun.map_err(|reason| self.failed(descriptor, reason))? {
                        None => return Ok(Outcome::Mounted),
                        Some(session) => session,
                    }
                }
            };
            began = true;
            match self.send(path, descriptor, &current, sent).await {
                Ok(Step::Done) => return Ok(Outcome::Uploaded),
                Ok(Step::Further { location, offset }) => {
                    tries.reset();
                    session = Some(Session { location, offset, resumed: current.resumed });
                }
                Err(failure) if current.resumed && failure.is_digest() && !restarted => restarted = true,
                Err(failure) => {
                    let fail = |reason| self.failed(descriptor, reason);
                    tries.again(failure, self.http.patience()).await.map_err(fail)?;
                    session = self.resume(&current, descriptor).await;
                }
            }
        }
    }

    /// Begins an upload; `None` if that mounted the blob.
    async fn begin(&self, descriptor: &Descriptor, from: &[String]) -> Result<Option<Session>, Reason> {
        for other in from {
            let mut call = self.call_to(Method::POST, "blobs/uploads/");
            call.request
                .url
                .query_pairs_mut()
                .append_pair("mount", &descriptor.digest.to_string())
                .append_pair("from", other);
            call.scope = format!("{} repository:{other}:pull", self.scope());
            // A registry that cannot or may not mount says so in many ways; all of them mean: send it.
            let Ok(answer) = self.http.call(&call).await else { continue };
            match answer.status {
                StatusCode::CREATED => {
                    check_digest(&answer.headers, descriptor.digest)?;
                    return Ok(None);
                }
                // Not mounted, but begun.
                StatusCode::ACCEPTED => return Session::begun(&answer).map(Some),
                _ => {}
            }
        }
        let mut call = self.call_to(Method::POST, "blobs/uploads/");
        call.request.headers.push((CONTENT_LENGTH, "0".to_owned()));
        let answer = self.http.call(&call).await?;
        match answer.status {
            StatusCode::ACCEPTED => Session::begun(&answer).map(Some),
            _ => Err(not_begun(&answer)),
        }
    }

    /// Sends the next piece; the last one also ends the upload.
    async fn send(
        &self,
        path: &Path,
        descriptor: &Descriptor,
        session: &Session,
        sent: &(dyn Fn(u64) + Sync),
    ) -> Result<Step, Failure> {
        let left = descriptor.size - session.offset;
        let last = left <= self.http.options().piece;
        let size = left.min(self.http.options().piece);
        let method = if last { Method::PUT } else { Method::PATCH };
        let mut call = self.call_at(method, session.location.clone());
        if last {
            call.request.url.query_pairs_mut().append_pair("digest", &descriptor.digest.to_string());
        }
        call.request.headers.push((CONTENT_TYPE, "application/octet-stream".to_owned()));
        if !(last && session.offset == 0) && size > 0 {
            let range = format!("{}-{}", session.offset, session.offset + size - 1);
            call.request.headers.push((CONTENT_RANGE, range));
        }
        call.request.payload = Payload::File { path: path.to_owned(), offset: session.offset, size };
        let so_far = session.offset;
        let answer = self.http.once(&call, &|taken| sent(so_far + taken)).await?;
        let status = answer.status;
        if last && matches!(status, StatusCode::CREATED | StatusCode::NO_CONTENT | StatusCode::OK) {
            check_digest(&answer.headers, descriptor.digest).map_err(Failure::fatal)?;
            return Ok(Step::Done);
        }
        if !last && matches!(status, StatusCode::ACCEPTED | StatusCode::NO_CONTENT) {
            let offset = range_end(&answer).unwrap_or(so_far + size);
            if offset <= so_far || offset > descriptor.size {
                return Err(Failure::transient("the registry took nothing of a piece".to_owned()));
            }
            let location = location(&answer).map_err(Failure::fatal)?;
            return Ok(Step::Further { location, offset });
        }
        let reason = super::answer::reason(status, &answer.body, 1);
        // The registry has lost the upload, or counts its bytes otherwise: ask it, or begin anew.
        let lost = matches!(status, StatusCode::NOT_FOUND | StatusCode::RANGE_NOT_SATISFIABLE)
            || String::from_utf8_lossy(&answer.body).contains("BLOB_UPLOAD_INVALID");
        Err(if lost { Failure::transient(reason.to_string()) } else { Failure::fatal(reason) })
    }

    /// Asks how much of a cut upload the registry has; `None` if it has forgotten it.
    async fn resume(&self, old: &Session, descriptor: &Descriptor) -> Option<Session> {
        let call: Call = self.call_at(Method::GET, old.location.clone());
        let answer = self.http.call(&call).await.ok()?;
        if !matches!(answer.status, StatusCode::NO_CONTENT | StatusCode::ACCEPTED | StatusCode::OK) {
            return None;
        }
        let location = location(&answer).unwrap_or_else(|_| old.location.clone());
        // `0-0` is what registries say of an upload that has nothing yet.
        let offset = range_end(&answer).filter(|end| *end > 1).unwrap_or(0);
        (offset <= descriptor.size).then_some(Session { location, offset, resumed: offset > 0 })
    }

    fn failed(&self, descriptor: &Descriptor, reason: Reason) -> RegistryError {
        RegistryError::upload(format!("upload blob {} to {}", descriptor.digest, self.repository()), reason)
    }
}

impl Session {
    fn begun(answer: &Answer) -> Result<Session, Reason> {
        Ok(Session { location: location(answer)?, offset: 0, resumed: false })
    }
}

/// The number of bytes that a registry has: `Range: 0-99` says 100.
fn range_end(answer: &Answer) -> Option<u64> {
    let text = answer.headers.get(RANGE)?.to_str().ok()?;
    let (_, end) = text.trim_start_matches("bytes=").split_once('-')?;
    end.parse::<u64>().ok()?.checked_add(1)
}
