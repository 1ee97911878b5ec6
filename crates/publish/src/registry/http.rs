//! One request to a registry: who we are, how long to wait, when to try again.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, HeaderMap, HeaderName};
use reqwest::{Body, Client, Method, Response, StatusCode, Url};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::io::ReaderStream;

use super::answer;
use super::auth::Auth;
use super::error::Reason;
use super::options::Options;

/// The most that an answer may have when it is read into memory: a manifest at most registries.
const ANSWER_LIMIT: usize = 4 << 20;
/// How often a running upload is looked at.
const TICK: Duration = Duration::from_millis(200);
const READ_SIZE: usize = 1 << 17;

pub(super) struct Http {
    client: Client,
    auth: Auth,
    /// The registry's own address: only there are credentials sent.
    base: Url,
    options: Options,
}

/// A request.
#[derive(Clone)]
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) url: Url,
    /// What a token must allow.
    pub(super) scope: String,
    pub(super) headers: Vec<(HeaderName, String)>,
    pub(super) payload: Payload,
}

/// What a request carries. Each attempt reads it anew.
#[derive(Clone)]
pub(super) enum Payload {
    Empty,
    Bytes(Bytes),
    File { path: PathBuf, offset: u64, size: u64 },
}

/// An answer that was read to its end.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) url: Url,
    pub(super) body: Vec<u8>,
}

/// Why one attempt failed.
pub(super) struct Failure {
    reason: Reason,
    transient: bool,
    wait: Option<Duration>,
}

impl Failure {
    pub(super) fn fatal(reason: Reason) -> Failure {
        Failure { reason, transient: false, wait: None }
    }

    pub(super) fn transient(reason: String) -> Failure {
        Failure { reason: Reason::Unreachable { reason, tries: 1 }, transient: true, wait: None }
    }

    /// For statuses that mean "later, perhaps".
    pub(super) fn of_status(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Option<Failure> {
        answer::is_transient(status).then(|| Failure {
            reason: answer::reason(status, body, 1),
            transient: true,
            wait: answer::retry_after(headers, jiff::Timestamp::now()),
        })
    }

    fn of_error(error: reqwest::Error) -> Failure {
        // The address can hold what a storage server takes for a password.
        let error = error.without_url();
        let text = causes(&error);
        match text.contains("invalid peer certificate") {
            true => Failure::fatal(Reason::Certificate(text)),
            false => Failure::transient(text),
        }
    }

    pub(super) fn is_digest(&self) -> bool {
        matches!(self.reason, Reason::DigestInvalid(_))
    }

    pub(super) fn is_certificate(&self) -> bool {
        matches!(self.reason, Reason::Certificate(_))
    }

    pub(super) fn into_reason(self) -> Reason {
        self.reason
    }
}

/// The deepest causes of a failed request, in one line.
fn causes(error: &reqwest::Error) -> String {
    let mut texts = Vec::new();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let text = error.to_string();
        if texts.last().is_none_or(|last: &String| !last.contains(&text)) {
            texts.push(text);
        }
        cause = error.source();
    }
    // The outer ones say "client error (Connect)" and the like.
    let text = texts.pop().unwrap_or_else(|| error.to_string());
    if error.is_timeout() && error.is_connect() {
        "no connection within the time allowed".to_owned()
    } else {
        text
    }
}

/// How often an operation was tried.
#[derive(Default)]
pub(super) struct Tries(u32);

impl Tries {
    /// After a failure: waits until the next try, or gives up.
    pub(super) async fn again(&mut self, failure: Failure, options: &Options) -> Result<(), Reason> {
        self.0 += 1;
        if !failure.transient || self.0 >= options.attempts {
            return Err(match failure.reason {
                Reason::Unreachable { reason, .. } => Reason::Unreachable { reason, tries: self.0 },
                Reason::Status { status, said, .. } => Reason::Status { status, said, tries: self.0 },
                other => other,
            });
        }
        let wait = match failure.wait {
            Some(wait) if wait > options.longest_wait => {
                return Err(Reason::RateLimited { seconds: wait.as_secs() });
            }
            Some(wait) => wait,
            None => {
                let doubled = options.backoff.saturating_mul(1 << (self.0 - 1).min(10));
                // Many clients that were refused at once must not come back at once.
                doubled.min(options.longest_backoff).mul_f64(0.5 + fastrand::f64() / 2.0)
            }
        };
        sleep(wait).await;
        Ok(())
    }

    /// After progress: what failed before does not count any more.
    pub(super) fn reset(&mut self) {
        self.0 = 0;
    }
}

impl Http {
    pub(super) fn new(client: Client, auth: Auth, base: Url, options: Options) -> Http {
        Http { client, auth, base, options }
    }

    pub(super) fn base(&self) -> &Url {
        &self.base
    }

    pub(super) fn options(&self) -> &Options {
        &self.options
    }

    /// Sends until there is an answer that says something about the request.
    pub(super) async fn call(&self, call: &Call) -> Result<Answer, Reason> {
        let mut tries = Tries::default();
        loop {
            match self.once(call, &|_| ()).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => tries.again(failure, &self.options).await?,
            }
        }
    }

    /// One attempt, read to its end. `sent` hears how many bytes of the payload have been taken.
    pub(super) async fn once(&self, call: &Call, sent: &(dyn Fn(u64) + Sync)) -> Result<Answer, Failure> {
        let response = self.open(call, sent).await?;
        let (status, headers, url) = (response.status(), response.headers().clone(), response.url().clone());
        let body = read_answer(self.options.stall, response).await?;
        match Failure::of_status(status, &headers, &body) {
            Some(failure) => Err(failure),
            None if status == StatusCode::UNAUTHORIZED => {
                let said = answer::said(&body);
                Err(Failure::fatal(Reason::Unauthorized { anonymous: self.auth.anonymous(), said }))
            }
            None => Ok(Answer { status, headers, url, body }),
        }
    }

    /// One attempt; the body of the answer is still to be read. Answers one challenge.
    pub(super) async fn open(&self, call: &Call, sent: &(dyn Fn(u64) + Sync)) -> Result<Response, Failure> {
        // A storage server elsewhere has its own secret in the address, and must not see ours.
        let ours = call.url.origin() == self.base.origin();
        let mut renewed = false;
        loop {
            let header = if ours { self.auth.header(&self.client, &call.scope).await? } else { None };
            let mut request = self.client.request(call.method.clone(), call.url.clone());
            for (name, value) in &call.headers {
                request = request.header(name, value);
            }
            if let Some(header) = &header {
                request = request.header(AUTHORIZATION, header);
            }
            let taken = Arc::new(AtomicU64::new(0));
            match &call.payload {
                Payload::Empty => {}
                Payload::Bytes(bytes) => request = request.body(bytes.clone()),
                Payload::File { path, offset, size } => {
                    let body = file_body(path, *offset, *size, &taken).await.map_err(|error| {
                        let error = crate::layout::LayoutError::io("read", path)(error);
                        Failure::fatal(Reason::Layout(error))
                    })?;
                    request = request.header(CONTENT_LENGTH, *size).body(body);
                }
            }
            let response = self.watch(request.send(), &taken, sent).await?;
            if response.status() == StatusCode::UNAUTHORIZED
                && ours
                && !renewed
                && self.auth.challenged(response.headers(), &call.scope, header.as_ref()).await
            {
                renewed = true;
                continue;
            }
            return Ok(response);
        }
    }

    /// One attempt that shows no credentials and answers no challenge.
    pub(super) async fn ask(&self, call: &Call) -> Result<Answer, Failure> {
        let request = self.client.request(call.method.clone(), call.url.clone());
        let response = with_patience(self.options.stall, request.send()).await?;
        let (status, headers, url) = (response.status(), response.headers().clone(), response.url().clone());
        let body = read_answer(self.options.stall, response).await?;
        Ok(Answer { status, headers, url, body })
    }

    /// Takes in a 401 that came before any request, so that the first one carries what is wanted.
    pub(super) async fn learn(&self, headers: &HeaderMap) {
        self.auth.challenged(headers, "", None).await;
    }

    /// Waits as long as bytes move, in either direction.
    async fn watch(
        &self,
        request: impl Future<Output = Result<Response, reqwest::Error>>,
        taken: &AtomicU64,
        sent: &(dyn Fn(u64) + Sync),
    ) -> Result<Response, Failure> {
        tokio::pin!(request);
        let (mut last, mut moved) = (0, Instant::now());
        loop {
            tokio::select! {
                result = &mut request => {
                    sent(taken.load(Ordering::Relaxed));
                    return result.map_err(Failure::of_error);
                }
                () = sleep(TICK.min(self.options.stall)) => {
                    let now = taken.load(Ordering::Relaxed);
                    sent(now);
                    if now != last {
                        (last, moved) = (now, Instant::now());
                    } else if moved.elapsed() >= self.options.stall {
                        return Err(stalled(self.options.stall));
                    }
                }
            }
        }
    }
}

async fn file_body(path: &PathBuf, offset: u64, size: u64, taken: &Arc<AtomicU64>) -> std::io::Result<Body> {
    let mut file = tokio::fs::File::open(path).await?;
    file.seek(std::io::SeekFrom::Start(offset)).await?;
    let taken = Arc::clone(taken);
    let stream = ReaderStream::with_capacity(file.take(size), READ_SIZE).inspect_ok(move |bytes| {
        taken.fetch_add(bytes.len() as u64, Ordering::Relaxed);
    });
    Ok(Body::wrap_stream(stream))
}

fn stalled(stall: Duration) -> Failure {
    Failure::transient(format!("nothing moved for {} seconds", stall.as_secs_f64()))
}

/// A future that must be done within `patience`.
pub(super) async fn with_patience<T>(
    patience: Duration,
    future: impl Future<Output = Result<T, reqwest::Error>>,
) -> Result<T, Failure> {
    match timeout(patience, future).await {
        Ok(result) => result.map_err(Failure::of_error),
        Err(_) => Err(stalled(patience)),
    }
}

/// Reads an answer into memory.
pub(super) async fn read_answer(stall: Duration, mut response: Response) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(chunk) = with_patience(stall, response.chunk()).await? {
        if body.len() + chunk.len() > ANSWER_LIMIT {
            return Err(Failure::fatal(Reason::Protocol("the answer is too long".to_owned())));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
