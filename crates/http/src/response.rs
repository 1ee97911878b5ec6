//! Answers, whose bodies are still to be read.

use std::fmt;

use bytes::Bytes;
use reqwest::header::HeaderMap;
use reqwest::{StatusCode, Url};
use tokio::time::{Instant, timeout_at};

use crate::address::Address;
use crate::failure::{Cause, Failure};
use crate::options::Options;
use crate::pace::Pace;

/// The answer to a request.
pub struct Response {
    inner: reqwest::Response,
    url: Url,
    own: bool,
    pace: Pace,
    options: Options,
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} from {}", self.status(), Address::from(self.url.clone()))
    }
}

impl Response {
    pub(crate) fn new(inner: reqwest::Response, url: Url, own: bool, options: &Options) -> Response {
        let pace = Pace::new(options, Instant::now());
        Response { inner, url, own, pace, options: options.clone() }
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.inner.status()
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        self.inner.headers()
    }

    /// The address that answered, after all redirects.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// True if it is the answer of the server that was asked, which no redirect has led away from. Only then does it count
    /// for anything that has to do with credentials.
    pub fn is_own(&self) -> bool {
        self.own
    }

    /// The announced size of the body.
    pub fn content_length(&self) -> Option<u64> {
        self.inner.content_length()
    }

    /// The failure that this answer is to a caller who wants another status.
    pub fn refused(&self) -> Failure {
        Failure::of_status(self.status(), self.headers(), &self.options)
    }

    /// The next bytes of the body; `None` at its end. Fails if nothing or too little comes.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Failure> {
        loop {
            match timeout_at(self.pace.due(), self.inner.chunk()).await {
                Ok(Ok(None)) => return Ok(None),
                Ok(Ok(Some(bytes))) => {
                    let total = self.pace.total() + bytes.len() as u64;
                    self.pace.at(Instant::now(), total).map_err(Failure::transient)?;
                    return Ok(Some(bytes));
                }
                Ok(Err(error)) => return Err(Failure::of_error(error, &self.options)),
                Err(_) => {
                    self.pace.at(Instant::now(), self.pace.total()).map_err(Failure::transient)?;
                }
            }
        }
    }

    /// The whole body, which may have `limit` bytes.
    pub async fn read(mut self, limit: usize) -> Result<Vec<u8>, Failure> {
        let mut body = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            if body.len() + chunk.len() > limit {
                return Err(Failure::fatal(Cause::TooLong { limit: limit as u64 }));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}
