//! The client: one request, sent on by redirects, watched while it waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH};
use reqwest::{Body, Certificate, Url, redirect as library};
use tokio::time::{Instant, sleep};

use crate::address::Address;
use crate::failure::{Cause, Failure};
use crate::options::{Options, REDIRECTS};
use crate::pace::Pace;
use crate::redirect;
use crate::request::{FileBody, Payload, Request};
use crate::response::Response;

/// The time between two looks at a running upload.
const TICK: Duration = Duration::from_millis(200);

/// Sends requests. TLS trusts the machine's certificates (and `SSL_CERT_FILE`); `http_proxy`, `https_proxy` and `no_proxy`
/// are followed unless the options say otherwise.
#[derive(Debug, Clone)]
pub struct Client {
    inner: reqwest::Client,
    options: Options,
}

/// An error in setting up a client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// One of [`Options::authorities`] is no certificate.
    #[error("the given authority is not a certificate in PEM")]
    NotPem,
    /// One of [`Options::authorities`] holds nothing.
    #[error("the given authority holds no certificate in PEM")]
    NoCertificate,
    /// The system's certificates are unusable, for example.
    #[error("{0}")]
    Setup(String),
}

impl Client {
    /// A client with these options.
    pub fn new(options: Options) -> Result<Client, ClientError> {
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("qus/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(options.connect)
            .redirect(library::Policy::none())
            .referer(false);
        for pem in &options.authorities {
            let certificates = Certificate::from_pem_bundle(pem).map_err(|_| ClientError::NotPem)?;
            if certificates.is_empty() {
                return Err(ClientError::NoCertificate);
            }
            builder = certificates.into_iter().fold(builder, reqwest::ClientBuilder::add_root_certificate);
        }
        if options.direct {
            builder = builder.no_proxy();
        }
        let built = builder.build();
        let inner = built.map_err(|error| match Failure::of_error(error, &options).cause {
            Cause::Transport(text) => ClientError::Setup(text),
            other => ClientError::Setup(other.to_string()),
        })?;
        Ok(Client { inner, options })
    }

    /// Its options.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Sends a request once, wherever redirects lead; the answer, whatever its status, has its body still to be read.
    pub async fn send(&self, request: &Request) -> Result<Response, Failure> {
        self.send_watched(request, &|_| ()).await
    }

    /// The same; `sent` is called with the number of bytes of the payload that have been taken.
    pub async fn send_watched(
        &self,
        request: &Request,
        sent: &(dyn Fn(u64) + Sync),
    ) -> Result<Response, Failure> {
        let mut url = request.url.clone();
        // A request that has left the server that credentials are for does not come back to it with them: another server
        // would decide what they are used for.
        let mut own = true;
        for _ in 0..=REDIRECTS {
            let response = self.once(request, &url, own, sent).await?;
            let next = redirect::target(&url, &request.method, response.status(), response.headers());
            let Some(next) = next.map_err(Failure::fatal)? else {
                return Ok(Response::new(response, url, own, &self.options));
            };
            if next.origin() != request.url.origin() {
                if request.here_only {
                    return Err(Failure::fatal(Cause::Elsewhere { to: Address::from(next) }));
                }
                own = false;
            }
            url = next;
        }
        Err(Failure::fatal(Cause::Redirects))
    }

    /// One request to one server.
    async fn once(
        &self,
        request: &Request,
        url: &Url,
        own: bool,
        sent: &(dyn Fn(u64) + Sync),
    ) -> Result<reqwest::Response, Failure> {
        let mut builder = self.inner.request(request.method.clone(), url.clone());
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        if let (true, Some(value)) = (own, &request.authorization) {
            builder = builder.header(AUTHORIZATION, value);
        }
        let taken = Arc::new(AtomicU64::new(0));
        let mut to_take = 0;
        match &request.payload {
            Payload::Empty => {}
            Payload::Bytes(bytes) => builder = builder.body(bytes.clone()),
            Payload::File { path, offset, size } => {
                let body = FileBody::open(path, *offset, *size, Arc::clone(&taken)).await?;
                builder = builder.header(CONTENT_LENGTH, *size).body(Body::wrap(body));
                to_take = *size;
            }
        }
        self.watch(builder.send(), to_take, &taken, sent).await
    }

    /// Waits for an answer as long as bytes move. `to_take` is how many of the payload are to be seen moving.
    async fn watch(
        &self,
        answer: impl Future<Output = reqwest::Result<reqwest::Response>>,
        to_take: u64,
        taken: &AtomicU64,
        sent: &(dyn Fn(u64) + Sync),
    ) -> Result<reqwest::Response, Failure> {
        tokio::pin!(answer);
        let mut pace = Pace::new(&self.options, Instant::now());
        loop {
            tokio::select! {
                result = &mut answer => {
                    sent(taken.load(Ordering::Relaxed));
                    return result.map_err(|error| Failure::of_error(error, &self.options));
                }
                () = sleep(TICK.min(self.options.stall)) => {
                    let now = taken.load(Ordering::Relaxed);
                    sent(now);
                    if now >= to_take {
                        pace.complete();
                    }
                    pace.at(Instant::now(), now).map_err(Failure::transient)?;
                }
            }
        }
    }
}
