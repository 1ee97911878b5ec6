//! The outcome of one try at one address.

use std::fmt;

use http::{Again, Cause, Failure, Response, StatusCode, header};
use sha256::Digest;

/// The reason why one address did not give a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The server refused, or could not be reached.
    Http(Cause),
    /// The body ended early.
    Cut {
        /// The size promised.
        expected: u64,
        /// The size that came.
        actual: u64,
    },
    /// The server announces another size than the promised one.
    Size {
        /// The size promised.
        expected: u64,
        /// The size announced.
        actual: u64,
    },
    /// The server sent more than the promised size.
    Long {
        /// The size promised.
        expected: u64,
    },
    /// The right size, other bytes.
    Digest {
        /// The digest promised.
        expected: Digest,
        /// The digest of what came.
        actual: Digest,
    },
    /// A partial answer to another question.
    Range,
}

impl Reason {
    /// The file is not there (any more).
    pub fn is_gone(&self) -> bool {
        matches!(self, Reason::Http(Cause::Status(StatusCode::NOT_FOUND | StatusCode::GONE)))
    }

    /// True if no server answered, or not to the end.
    pub fn is_unreachable(&self) -> bool {
        matches!(
            self,
            Reason::Http(Cause::Transport(_) | Cause::Tls(_) | Cause::Stalled(_) | Cause::Slow { .. })
        )
    }

    /// Something is there, and it is not what was promised.
    pub fn is_mismatch(&self) -> bool {
        matches!(self, Reason::Size { .. } | Reason::Long { .. } | Reason::Digest { .. })
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Http(cause) => cause.fmt(f),
            Reason::Cut { expected, actual } => write!(f, "cut after {actual} of {expected} bytes"),
            Reason::Size { expected, actual } => write!(f, "has {actual} bytes, not {expected}"),
            Reason::Long { expected } => write!(f, "sent more than {expected} bytes"),
            Reason::Digest { expected, actual } => write!(f, "sent {actual}, not {expected}"),
            Reason::Range => f.write_str("answered with another range than the one asked for"),
        }
    }
}

/// The step after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Wait and try again, or give up.
    Again(Again),
    /// Try again from the first byte, at once.
    Restart,
}

#[derive(Debug)]
pub(super) struct Failed {
    pub(super) reason: Reason,
    pub(super) verdict: Verdict,
}

impl Failed {
    pub(super) fn later(reason: Reason) -> Failed {
        Failed { reason, verdict: Verdict::Again(Again::Later) }
    }

    pub(super) fn restart(reason: Reason) -> Failed {
        Failed { reason, verdict: Verdict::Restart }
    }

    pub(super) fn fatal(reason: Reason) -> Failed {
        Failed { reason, verdict: Verdict::Again(Again::Never) }
    }
}

impl From<Failure> for Failed {
    fn from(failure: Failure) -> Failed {
        Failed { reason: Reason::Http(failure.cause), verdict: Verdict::Again(failure.again) }
    }
}

/// The body of an answer that may be used.
pub(super) enum Body {
    /// The bytes that follow those that are there.
    Rest(Response),
    /// From the first byte.
    Whole(Response),
}

/// Checks status and announced size of an answer to a request for the bytes after `from`.
pub(super) fn accept(response: Response, from: u64, size: u64) -> Result<Body, Failed> {
    match response.status() {
        StatusCode::OK => match response.content_length() {
            Some(actual) if actual != size => Err(Failed::fatal(Reason::Size { expected: size, actual })),
            _ => Ok(Body::Whole(response)),
        },
        StatusCode::PARTIAL_CONTENT if from > 0 => match content_range(&response) {
            Some((start, total)) if start == from && total.is_none_or(|total| total == size) => {
                Ok(Body::Rest(response))
            }
            Some((_, Some(actual))) if actual != size => {
                Err(Failed::fatal(Reason::Size { expected: size, actual }))
            }
            _ => Err(Failed::restart(Reason::Range)),
        },
        StatusCode::RANGE_NOT_SATISFIABLE if from > 0 => {
            Err(Failed::restart(Reason::Http(Cause::Status(StatusCode::RANGE_NOT_SATISFIABLE))))
        }
        _ => Err(response.refused().into()),
    }
}

/// First byte and, where the server knows it, the whole size: `bytes 5-9/10`.
fn content_range(response: &Response) -> Option<(u64, Option<u64>)> {
    let value = response.headers().get(header::CONTENT_RANGE)?.to_str().ok()?;
    let (range, total) = value.strip_prefix("bytes ")?.split_once('/')?;
    let start = range.split_once('-')?.0.parse().ok()?;
    if total == "*" { Some((start, None)) } else { Some((start, Some(total.parse().ok()?))) }
}
