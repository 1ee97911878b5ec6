//! Requests, as they can be sent again.

use std::fmt;
use std::io::SeekFrom;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Method, Url};
use tokio::fs::File;
use tokio::io::{AsyncRead as _, AsyncSeekExt as _, ReadBuf};

use crate::address::Address;
use crate::failure::{Cause, Failure};

/// The number of bytes of a file that are read at once. A server that takes less than this in the time that nothing may move seems to stand
/// still, so it is not much.
const READ_SIZE: usize = 64 << 10;

/// A request.
#[derive(Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The address, which may hold a user and a password.
    pub url: Url,
    /// Headers without secrets: they go along wherever the request is sent on to.
    pub headers: Vec<(HeaderName, String)>,
    /// The header `Authorization`, for the server of `url` and no other.
    pub authorization: Option<HeaderValue>,
    /// The payload.
    pub payload: Payload,
    /// True if no other server may get the request at all. A redirect there is a failure then.
    pub here_only: bool,
}

/// The bytes that a request carries. Each attempt reads them anew.
#[derive(Clone)]
pub enum Payload {
    /// Nothing.
    Empty,
    /// Bytes.
    Bytes(Bytes),
    /// A part of a file.
    File {
        /// The file.
        path: PathBuf,
        /// The part's first byte.
        offset: u64,
        /// The part's length.
        size: u64,
    },
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Payload::Empty => f.write_str("Empty"),
            // A form can hold a password.
            Payload::Bytes(bytes) => write!(f, "Bytes({})", bytes.len()),
            Payload::File { path, offset, size } => {
                write!(f, "File({}, {size} from {offset})", path.display())
            }
        }
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("url", &Address::from(self.url.clone()))
            .field("headers", &self.headers)
            .field("authorization", &self.authorization.is_some())
            .field("payload", &self.payload)
            .field("here_only", &self.here_only)
            .finish()
    }
}

impl Request {
    /// A request with no more than its method and its address.
    pub fn new(method: Method, url: Url) -> Request {
        let (headers, authorization, payload) = (Vec::new(), None, Payload::Empty);
        Request { method, url, headers, authorization, payload, here_only: false }
    }
}

/// The bytes of a part of a file, on their way.
pub(crate) struct FileBody {
    file: File,
    left: u64,
    /// The number of bytes that have been taken.
    taken: Arc<AtomicU64>,
}

impl FileBody {
    pub(crate) async fn open(
        path: &Path,
        offset: u64,
        size: u64,
        taken: Arc<AtomicU64>,
    ) -> Result<FileBody, Failure> {
        let failed = |error: std::io::Error| {
            let (kind, text) = (error.kind(), error.to_string());
            Failure::fatal(Cause::File { path: path.to_owned(), kind, text })
        };
        let mut file = File::open(path).await.map_err(failed)?;
        file.seek(SeekFrom::Start(offset)).await.map_err(failed)?;
        Ok(FileBody { file, left: size, taken })
    }
}

impl http_body::Body for FileBody {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        let this = self.get_mut();
        if this.left == 0 {
            return Poll::Ready(None);
        }
        let want = usize::try_from(this.left).map_or(READ_SIZE, |left| left.min(READ_SIZE));
        let mut bytes = vec![0; want];
        let mut buffer = ReadBuf::new(&mut bytes);
        ready!(Pin::new(&mut this.file).poll_read(context, &mut buffer))?;
        let read = buffer.filled().len();
        if read == 0 {
            return Poll::Ready(Some(Err(std::io::ErrorKind::UnexpectedEof.into())));
        }
        bytes.truncate(read);
        this.left -= read as u64;
        this.taken.fetch_add(read as u64, Ordering::Relaxed);
        Poll::Ready(Some(Ok(Frame::data(bytes.into()))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
