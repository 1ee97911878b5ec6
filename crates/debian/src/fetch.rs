//! Getting files: what is pinned by size and digest into the cache, and the little that is not into memory.
//!
//! A pinned file may come from any of several addresses and in several pieces; nobody on the way is trusted. A download
//! that is cut resumes (HTTP Range, RFC 9110 section 14); what fails for now, as `http` has it, is tried again with growing
//! pauses; what a server refuses for good, or gets wrong, is looked for at the next address.

use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use base::Hint;
use http::{Again, Client, ClientError, Method, Request, Response, StatusCode, Tries, header};
use sha256::{Digest, Hasher};

use crate::cache::{self, Cache, Partial};
use crate::progress::{Progress, Task};

mod attempt;

pub use attempt::Reason;
use attempt::{Failed, Verdict};
pub use http::{Address, Cause};

/// The options of a [`Fetcher`].
#[derive(Debug, Clone)]
pub struct Options {
    /// Use the cache only.
    pub offline: bool,
    /// Timeouts and retries.
    pub http: http::Options,
}

impl Default for Options {
    fn default() -> Options {
        // A mirror only sends files, so its silence says more than a registry's, and there are other mirrors.
        let http = http::Options { stall: Duration::from_secs(30), ..http::Options::default() };
        Options { offline: false, http }
    }
}

/// The reason why a file could not be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The HTTP client cannot be set up: no usable certificates, for example.
    #[error("cannot set up the HTTP client: {0}")]
    Client(#[from] ClientError),
    /// Needs the network, which was ruled out.
    #[error("`{name}` is not in the cache, and --offline was given")]
    Offline {
        /// The file's name in its last address.
        name: String,
    },
    /// Every address failed.
    #[error("cannot fetch `{name}`: {}", list(.failures))]
    Failed {
        /// The file's name in its last address.
        name: String,
        /// Address and reason, in the order tried.
        failures: Vec<(Address, Reason)>,
    },
    /// The cache cannot be used.
    #[error(transparent)]
    Cache(#[from] cache::Error),
}

/// The name of the file that is at `urls`: the first of them may be a digest (by-hash), the last is a plain path.
fn file_name(urls: &[Address]) -> &str {
    urls.last().map_or("", name_of)
}

fn list(failures: &[(Address, Reason)]) -> String {
    let each: Vec<String> = failures.iter().map(|(url, reason)| format!("{url}: {reason}")).collect();
    each.join("; ")
}

impl Hint for Error {
    fn hint(&self) -> Option<String> {
        match self {
            Error::Offline { .. } => Some("run once without --offline".to_owned()),
            Error::Failed { failures, .. } if failures.iter().all(|(_, reason)| reason.is_gone()) => Some(
                "the archive has moved on: `cargo xtask lock` resolves anew, --mirror names another copy"
                    .to_owned(),
            ),
            Error::Failed { .. } => {
                Some("--mirror or QUS_MIRROR names another copy of Debian's archive".to_owned())
            }
            Error::Cache(error) => error.hint(),
            Error::Client(_) => None,
        }
    }
}

impl Error {
    /// True if a server did answer, but with other bytes than those promised.
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
    cache: Cache,
    options: Options,
    network: Arc<OnceLock<Network>>,
}

/// The way to files that are not in the cache. Made for the first of them: it reads all certificates that the machine trusts.
#[derive(Debug)]
struct Network {
    client: Client,
}

impl Fetcher {
    /// A fetcher over `cache`.
    pub fn new(cache: Cache, options: Options) -> Fetcher {
        Fetcher { cache, options, network: Arc::default() }
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
        urls: &[Address],
        size: u64,
        digest: Digest,
        progress: &dyn Progress,
    ) -> Result<PathBuf, Error> {
        if let Some(path) = self.cache.get(size, &digest)? {
            progress.detail(&format!("in the cache: {}", file_name(urls)));
            return Ok(path);
        }
        let fetched = self.fetched(urls, size, digest, progress).await?;
        Ok(fetched.unwrap_or_else(|| self.cache.path(&digest)))
    }

    /// Like [`Fetcher::pinned`], and reads the digest of a file that was in the cache; a damaged one is fetched again. (That of
    /// one that was not is read while it arrives.)
    pub async fn verified(
        &self,
        urls: &[Address],
        size: u64,
        digest: Digest,
        progress: &dyn Progress,
    ) -> Result<PathBuf, Error> {
        let path = match self.cache.get(size, &digest)? {
            Some(path) => {
                progress.detail(&format!("in the cache: {}", file_name(urls)));
                path
            }
            None => match self.fetched(urls, size, digest, progress).await? {
                Some(path) => return Ok(path),
                None => self.cache.path(&digest),
            },
        };
        let mut reader = self.cache.read(size, &digest)?;
        if io::copy(&mut reader, &mut io::sink()).is_ok() {
            return Ok(path);
        }
        self.cache.remove(&digest)?;
        self.pinned(urls, size, digest, progress).await
    }

    /// Downloads a file that was not in the cache a moment ago, and reads its digest on the way; `None` if somebody else has put it
    /// there meanwhile.
    async fn fetched(
        &self,
        urls: &[Address],
        size: u64,
        digest: Digest,
        progress: &dyn Progress,
    ) -> Result<Option<PathBuf>, Error> {
        let name = file_name(urls).to_owned();
        let network = self.network(&name)?;
        let Some(mut partial) = self.cache.partial(size, &digest).await? else {
            return Ok(None);
        };
        let mut task = progress.start(&name, size);
        let mut failures = Vec::new();
        for url in urls {
            match network.pinned_from(url, size, digest, &mut partial, task.as_mut(), progress).await? {
                Ok(()) => {
                    progress.detail(&format!("fetched {url}"));
                    return Ok(Some(partial.complete()?));
                }
                Err(reason) => failures.push((url.clone(), reason)),
            }
        }
        partial.abandon();
        Err(Error::Failed { name, failures })
    }

    /// A whole file of at most `limit` bytes, straight from the network.
    pub async fn unpinned(
        &self,
        url: &Address,
        limit: usize,
        progress: &dyn Progress,
    ) -> Result<Vec<u8>, Error> {
        let name = name_of(url);
        let fetched = self.network(name)?.unpinned(url, limit, progress).await;
        fetched
            .map_err(|reason| Error::Failed { name: name.to_owned(), failures: vec![(url.clone(), reason)] })
    }

    /// The network, for the file with this name.
    fn network(&self, name: &str) -> Result<&Network, Error> {
        if self.options.offline {
            return Err(Error::Offline { name: name.to_owned() });
        }
        if let Some(network) = self.network.get() {
            return Ok(network);
        }
        let network = Network { client: Client::new(self.options.http.clone())? };
        Ok(self.network.get_or_init(|| network))
    }
}

impl Network {
    /// One address, several tries. The outer error is the cache's.
    async fn pinned_from(
        &self,
        url: &Address,
        size: u64,
        digest: Digest,
        partial: &mut Partial,
        task: &mut dyn Task,
        progress: &dyn Progress,
    ) -> Result<Result<(), Reason>, Error> {
        let mut tries = Tries::default();
        loop {
            let failed = match self.download(url, size, digest, partial, task).await? {
                Ok(()) => return Ok(Ok(())),
                Err(failed) => failed,
            };
            if let Err(reason) = self.pause(url, &mut tries, failed, progress).await {
                return Ok(Err(reason));
            }
        }
    }

    /// One request: appends to what is there, and checks the whole when it is complete.
    async fn download(
        &self,
        url: &Address,
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
                let chunk = match response.chunk().await {
                    Ok(Some(chunk)) => chunk,
                    Ok(None) => break,
                    Err(failure) => return Ok(Err(failure.into())),
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
            return Ok(Err(Failed::later(Reason::Cut { expected: size, actual })));
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

    /// A whole file, several tries.
    async fn unpinned(
        &self,
        url: &Address,
        limit: usize,
        progress: &dyn Progress,
    ) -> Result<Vec<u8>, Reason> {
        let mut tries = Tries::default();
        loop {
            let failed = match self.download_unpinned(url, limit).await {
                Ok(bytes) => return Ok(bytes),
                Err(failed) => failed,
            };
            self.pause(url, &mut tries, failed, progress).await?;
        }
    }

    async fn download_unpinned(&self, url: &Address, limit: usize) -> Result<Vec<u8>, Failed> {
        let response = self.request(url, 0).await?;
        if response.status() != StatusCode::OK {
            return Err(response.refused().into());
        }
        Ok(response.read(limit).await?)
    }

    async fn request(&self, url: &Address, from: u64) -> Result<Response, Failed> {
        let mut request = Request::new(Method::GET, url.url().clone());
        if from > 0 {
            request.headers.push((header::RANGE, format!("bytes={from}-")));
        }
        Ok(self.client.send(&request).await?)
    }

    /// After a failure: waits until the next try, or gives up.
    async fn pause(
        &self,
        url: &Address,
        tries: &mut Tries,
        failed: Failed,
        progress: &dyn Progress,
    ) -> Result<(), Reason> {
        let again = match failed.verdict {
            Verdict::Again(again) => again,
            Verdict::Restart => Again::Later,
        };
        let Some(pause) = tries.pause(again, self.client.options()) else { return Err(failed.reason) };
        if failed.verdict != Verdict::Restart {
            progress.note(&format!("{url}: {}; trying again in {:.1} s", failed.reason, pause.as_secs_f64()));
            tokio::time::sleep(pause).await;
        }
        Ok(())
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

/// The name of a file in messages: its own, or in `dists`, where many have the same, its path below that.
fn name_of(url: &Address) -> &str {
    let path = url.url().path();
    match path.split_once("/dists/") {
        Some((_, path)) => path,
        None => path.rsplit('/').next().unwrap_or(path),
    }
}
