//! Getting files: what is pinned by size and digest into the cache, and the little that is not into memory.
//!
//! A pinned file may come from any of several addresses and in several pieces; nobody on the way is trusted. A download
//! that is cut resumes (HTTP Range, RFC 9110 section 14); what a server refuses for now (5xx, 429, no connection, silence)
//! is tried again with growing pauses; what it refuses for good, or gets wrong, is looked for at the next address.

use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use digest::{Digest, Hasher};
use reqwest::{StatusCode, header};

use crate::cache::{self, Cache, Partial};
use crate::progress::{Progress, Task};

mod attempt;

pub use attempt::Reason;
use attempt::{Failed, Verdict};

/// How patient a [`Fetcher`] is.
#[derive(Debug, Clone)]
pub struct Options {
    /// Use the cache only.
    pub offline: bool,
    /// How long a connection may take to come about.
    pub connect_timeout: Duration,
    /// How long a server may send nothing.
    pub stall_timeout: Duration,
    /// How often one address is tried.
    pub attempts: u32,
    /// The first pause between two tries; each further one is twice as long, and each is shortened at random by up to
    /// half, so that many builds do not return at once.
    pub pause: Duration,
    /// The longest pause, also when a server asks for a longer one (`Retry-After`).
    pub longest_pause: Duration,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            offline: false,
            connect_timeout: Duration::from_secs(20),
            stall_timeout: Duration::from_secs(30),
            attempts: 5,
            pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(60),
        }
    }
}

/// Why a file could not be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The HTTP client cannot be set up: no usable certificates, for example.
    #[error("cannot set up the HTTP client: {0}")]
    Client(String),
    /// Needs the network, which was ruled out.
    #[error("`{name}` is not in the cache, and --offline was given")]
    Offline {
        /// What the file is called in its last address.
        name: String,
    },
    /// Every address failed.
    #[error("cannot fetch `{name}`: {}", list(.failures))]
    Failed {
        /// What the file is called in its last address.
        name: String,
        /// Address and reason, in the order tried.
        failures: Vec<(String, Reason)>,
    },
    /// The cache cannot be used.
    #[error(transparent)]
    Cache(#[from] cache::Error),
}

fn list(failures: &[(String, Reason)]) -> String {
    let each: Vec<String> = failures.iter().map(|(url, reason)| format!("{url}: {reason}")).collect();
    each.join("; ")
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::Offline { .. } => Some("run once without --offline".to_owned()),
            Error::Failed { failures, .. } if failures.iter().all(|(_, reason)| reason.is_gone()) => Some(
                "the archive has moved on: `cargo xtask lock` resolves anew, --mirror names another copy"
                    .to_owned(),
            ),
            Error::Failed { .. } => {
                Some("--mirror or QUS_MIRROR names another copy of Debian's archive".to_owned())
            }
            Error::Cache(error) => Some(error.hint()),
            Error::Client(_) => None,
        }
    }

    /// Whether a server did answer, but with other bytes than those promised.
    pub fn is_mismatch(&self) -> bool {
        match self {
            Error::Failed { failures, .. } => failures.iter().any(|(_, reason)| reason.is_mismatch()),
            _ => false,
        }
    }
}

/// Fetches files, with a cache.
#[derive(Debug, Clone)]
pub struct Fetcher {
    client: reqwest::Client,
    cache: Cache,
    options: Options,
}

impl Fetcher {
    /// A fetcher over `cache`. TLS trusts the machine's certificates (and `SSL_CERT_FILE`); `http_proxy`, `https_proxy` and
    /// `no_proxy` are followed.
    pub fn new(cache: Cache, options: Options) -> Result<Fetcher, Error> {
        let client = reqwest::Client::builder()
            .user_agent(concat!("qus/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(options.connect_timeout)
            .build()
            .map_err(|error| Error::Client(attempt::root_cause(&error)))?;
        Ok(Fetcher { client, cache, options })
    }

    /// The cache under it.
    pub fn cache(&self) -> &Cache {
        &self.cache
    }

    /// The file of `size` bytes with `digest`: from the cache, or from the first of `urls` that has it.
    ///
    /// A file from the cache is checked for its size only; read it with [`Cache::read`].
    pub async fn pinned(
        &self,
        urls: &[String],
        size: u64,
        digest: Digest,
        progress: &dyn Progress,
    ) -> Result<PathBuf, Error> {
        if let Some(path) = self.cache.get(size, &digest)? {
            return Ok(path);
        }
        // The first address may be a digest (by-hash); the last one is a plain path.
        let name = urls.last().map_or("", |url| name_of(url)).to_owned();
        if self.options.offline {
            return Err(Error::Offline { name });
        }
        let Some(mut partial) = self.cache.partial(size, &digest).await? else {
            return Ok(self.cache.path(&digest));
        };
        let mut task = progress.start(&name, size);
        let mut failures = Vec::new();
        for url in urls {
            match self.pinned_from(url, size, digest, &mut partial, task.as_mut(), progress).await? {
                Ok(()) => return Ok(partial.complete()?),
                Err(reason) => failures.push((url.clone(), reason)),
            }
        }
        partial.abandon();
        Err(Error::Failed { name, failures })
    }

    /// Like [`Fetcher::pinned`], and reads the file's digest even when it is in the cache; a damaged one is fetched again.
    /// For small files that are then parsed, such as `Packages.xz`.
    pub async fn verified(
        &self,
        urls: &[String],
        size: u64,
        digest: Digest,
        progress: &dyn Progress,
    ) -> Result<PathBuf, Error> {
        let path = self.pinned(urls, size, digest, progress).await?;
        let mut reader = self.cache.read(size, &digest)?;
        if io::copy(&mut reader, &mut io::sink()).is_ok() {
            return Ok(path);
        }
        self.cache.remove(&digest)?;
        self.pinned(urls, size, digest, progress).await
    }

    /// One address, several tries. The outer error is the cache's.
    async fn pinned_from(
        &self,
        url: &str,
        size: u64,
        digest: Digest,
        partial: &mut Partial,
        task: &mut dyn Task,
        progress: &dyn Progress,
    ) -> Result<Result<(), Reason>, Error> {
        let mut attempt = 1;
        loop {
            let failed = match self.download(url, size, digest, partial, task).await? {
                Ok(()) => return Ok(Ok(())),
                Err(failed) => failed,
            };
            if attempt == self.options.attempts || failed.verdict == Verdict::Final {
                return Ok(Err(failed.reason));
            }
            self.pause(url, attempt, &failed, progress).await;
            attempt += 1;
        }
    }

    /// One request: appends to what is there, and checks the whole when it is complete.
    async fn download(
        &self,
        url: &str,
        size: u64,
        digest: Digest,
        partial: &mut Partial,
        task: &mut dyn Task,
    ) -> Result<Result<(), Failed>, Error> {
        let mut hasher = rehash(partial, size)?;
        let resumed = hasher.size() > 0;
        if hasher.size() < size || size == 0 {
            let sent = match self.request(url, hasher.size()).await {
                Ok(response) => response,
                Err(failed) => return Ok(Err(failed)),
            };
            let mut response = match attempt::accept(sent, hasher.size(), size) {
                Ok(attempt::Body::Rest(response)) => response,
                Ok(attempt::Body::Whole(response)) => {
                    truncate(partial)?;
                    hasher = Hasher::new();
                    response
                }
                Err(failed) => {
                    if failed.reason.is_mismatch() || failed.verdict == Verdict::Restart {
                        truncate(partial)?;
                    }
                    return Ok(Err(failed));
                }
            };
            task.at(hasher.size());
            loop {
                let chunk = match self.chunk(&mut response).await {
                    Ok(Some(chunk)) => chunk,
                    Ok(None) => break,
                    Err(failed) => return Ok(Err(failed)),
                };
                if hasher.size() + chunk.len() as u64 > size {
                    truncate(partial)?;
                    return Ok(Err(Failed::fatal(Reason::Long { expected: size })));
                }
                // Chunks are small and go to the page cache; handing each to another thread would cost more.
                partial.file.write_all(&chunk).map_err(partial.error("write"))?;
                hasher.update(&chunk);
                task.at(hasher.size());
            }
        }
        let actual = hasher.size();
        if actual < size {
            return Ok(Err(Failed::transient(Reason::Cut { expected: size, actual })));
        }
        let actual = hasher.finish();
        if actual == digest {
            return Ok(Ok(()));
        }
        truncate(partial)?;
        let reason = Reason::Digest { expected: digest, actual };
        // The wrong bytes may be those that were there before: once more, from the start.
        Ok(Err(if resumed { Failed::restart(reason) } else { Failed::fatal(reason) }))
    }

    /// A whole file of at most `limit` bytes, straight from the network.
    pub async fn unpinned(&self, url: &str, limit: usize, progress: &dyn Progress) -> Result<Vec<u8>, Error> {
        let name = name_of(url).to_owned();
        if self.options.offline {
            return Err(Error::Offline { name });
        }
        let mut attempt = 1;
        loop {
            let failed = match self.download_unpinned(url, limit).await {
                Ok(bytes) => return Ok(bytes),
                Err(failed) => failed,
            };
            if attempt == self.options.attempts || failed.verdict == Verdict::Final {
                return Err(Error::Failed { name, failures: vec![(url.to_owned(), failed.reason)] });
            }
            self.pause(url, attempt, &failed, progress).await;
            attempt += 1;
        }
    }

    async fn download_unpinned(&self, url: &str, limit: usize) -> Result<Vec<u8>, Failed> {
        let mut response = self.request(url, 0).await?;
        if response.status() != StatusCode::OK {
            return Err(attempt::refused(&response));
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = self.chunk(&mut response).await? {
            if bytes.len() + chunk.len() > limit {
                return Err(Failed::fatal(Reason::TooLong { limit: limit as u64 }));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    async fn request(&self, url: &str, from: u64) -> Result<reqwest::Response, Failed> {
        let mut request = self.client.get(url);
        if from > 0 {
            request = request.header(header::RANGE, format!("bytes={from}-"));
        }
        let patience = self.options.connect_timeout + self.options.stall_timeout;
        match tokio::time::timeout(patience, request.send()).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(Failed::from_transport(&error)),
            Err(_) => Err(Failed::transient(Reason::Stalled(patience))),
        }
    }

    async fn chunk(&self, response: &mut reqwest::Response) -> Result<Option<bytes::Bytes>, Failed> {
        let patience = self.options.stall_timeout;
        match tokio::time::timeout(patience, response.chunk()).await {
            Ok(Ok(chunk)) => Ok(chunk),
            Ok(Err(error)) => Err(Failed::from_transport(&error)),
            Err(_) => Err(Failed::transient(Reason::Stalled(patience))),
        }
    }

    async fn pause(&self, url: &str, attempt: u32, failed: &Failed, progress: &dyn Progress) {
        if failed.verdict == Verdict::Restart {
            return;
        }
        let doubled = self.options.pause * 2u32.saturating_pow(attempt - 1);
        let pause = match failed.retry_after {
            Some(asked) => asked.max(self.options.pause),
            None => doubled.mul_f64(1.0 - fastrand::f64() / 2.0),
        };
        let pause = pause.min(self.options.longest_pause);
        progress.note(&format!("{url}: {}; trying again in {:.1} s", failed.reason, pause.as_secs_f64()));
        tokio::time::sleep(pause).await;
    }
}

/// The hash of what a partial file holds, with the file's position at its end. More than the whole is no part of it.
fn rehash(partial: &mut Partial, size: u64) -> Result<Hasher, Error> {
    let length = partial.file.metadata().map_err(partial.error("read"))?.len();
    if length > size {
        truncate(partial)?;
        return Ok(Hasher::new());
    }
    let mut hasher = Hasher::new();
    partial.file.seek(SeekFrom::Start(0)).map_err(partial.error("read"))?;
    let mut buffer = vec![0; 64 << 10];
    loop {
        match partial.file.read(&mut buffer) {
            Ok(0) => return Ok(hasher),
            Ok(n) => hasher.update(&buffer[..n]),
            Err(error) => return Err(partial.error("read")(error).into()),
        }
    }
}

fn truncate(partial: &mut Partial) -> Result<(), Error> {
    partial.file.set_len(0).map_err(partial.error("truncate"))?;
    partial.file.seek(SeekFrom::Start(0)).map_err(partial.error("truncate"))?;
    Ok(())
}

/// What messages call a file: its name, or in `dists`, where many have the same, its path below that.
fn name_of(url: &str) -> &str {
    match url.split_once("/dists/") {
        Some((_, path)) => path,
        None => url.rsplit('/').next().unwrap_or(url),
    }
}
