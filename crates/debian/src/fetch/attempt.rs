//! What one try at one address came to.

use std::error::Error as _;
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use digest::Digest;
use reqwest::{Response, StatusCode, header};

/// Why one address did not give a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The server refused.
    Status(u16),
    /// No connection, or it broke.
    Transport(String),
    /// Nothing came for this long.
    Stalled(Duration),
    /// The body ended early.
    Cut {
        /// The size promised.
        expected: u64,
        /// What came.
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
    /// Longer than a file of its sort may be.
    TooLong {
        /// The size allowed.
        limit: u64,
    },
    /// A partial answer to another question.
    Range,
}

impl Reason {
    /// The file is not there (any more).
    pub fn is_gone(&self) -> bool {
        matches!(self, Reason::Status(404 | 410))
    }

    /// Something is there, and it is not what was promised.
    pub fn is_mismatch(&self) -> bool {
        matches!(self, Reason::Size { .. } | Reason::Long { .. } | Reason::Digest { .. })
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Status(code) => {
                let status = StatusCode::from_u16(*code).ok();
                let words = status.and_then(|status| status.canonical_reason()).unwrap_or_default();
                write!(f, "{}", format!("HTTP {code} {words}").trim_end())
            }
            Reason::Transport(cause) => f.write_str(cause),
            Reason::Stalled(patience) => write!(f, "nothing came for {} s", patience.as_secs_f64()),
            Reason::Cut { expected, actual } => write!(f, "cut after {actual} of {expected} bytes"),
            Reason::Size { expected, actual } => write!(f, "has {actual} bytes, not {expected}"),
            Reason::Long { expected } => write!(f, "sent more than {expected} bytes"),
            Reason::Digest { expected, actual } => write!(f, "sent {actual}, not {expected}"),
            Reason::TooLong { limit } => write!(f, "sent more than {limit} bytes"),
            Reason::Range => f.write_str("answered with another range than the one asked for"),
        }
    }
}

/// What to do after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Wait, and try again.
    Transient,
    /// Try again from the first byte, at once.
    Restart,
    /// This address will not do.
    Final,
}

#[derive(Debug)]
pub(super) struct Failed {
    pub(super) reason: Reason,
    pub(super) verdict: Verdict,
    pub(super) retry_after: Option<Duration>,
}

impl Failed {
    pub(super) fn transient(reason: Reason) -> Failed {
        Failed { reason, verdict: Verdict::Transient, retry_after: None }
    }

    pub(super) fn restart(reason: Reason) -> Failed {
        Failed { reason, verdict: Verdict::Restart, retry_after: None }
    }

    pub(super) fn fatal(reason: Reason) -> Failed {
        Failed { reason, verdict: Verdict::Final, retry_after: None }
    }

    pub(super) fn from_transport(error: &reqwest::Error) -> Failed {
        let reason = Reason::Transport(root_cause(error));
        // A malformed address or a redirect loop stays what it is.
        if error.is_builder() || error.is_redirect() {
            Failed::fatal(reason)
        } else {
            Failed::transient(reason)
        }
    }
}

/// The innermost cause: reqwest's own text repeats the address and says little else.
pub(super) fn root_cause(error: &reqwest::Error) -> String {
    let mut cause = error.source();
    let mut text = error.to_string();
    while let Some(inner) = cause {
        text = inner.to_string();
        cause = inner.source();
    }
    text
}

/// The body of an answer that may be used.
pub(super) enum Body {
    /// What follows the bytes that are there.
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
        StatusCode::RANGE_NOT_SATISFIABLE if from > 0 => Err(Failed::restart(Reason::Status(416))),
        _ => Err(refused(&response)),
    }
}

/// A status other than the wanted ones.
pub(super) fn refused(response: &Response) -> Failed {
    let status = response.status();
    let reason = Reason::Status(status.as_u16());
    let again = status.is_server_error()
        || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT);
    if !again {
        return Failed::fatal(reason);
    }
    let asked = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
    Failed { retry_after: asked.and_then(parse_retry_after), ..Failed::transient(reason) }
}

/// Seconds, or an HTTP date (RFC 9110, section 10.2.3).
fn parse_retry_after(value: &str) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs();
    let then = u64::try_from(crate::date::parse(value.trim())?).ok()?;
    Some(Duration::from_secs(then.saturating_sub(now)))
}

/// First byte and, where the server knows it, the whole size: `bytes 5-9/10`.
fn content_range(response: &Response) -> Option<(u64, Option<u64>)> {
    let value = response.headers().get(header::CONTENT_RANGE)?.to_str().ok()?;
    let (range, total) = value.strip_prefix("bytes ")?.split_once('/')?;
    let start = range.split_once('-')?.0.parse().ok()?;
    if total == "*" { Some((start, None)) } else { Some((start, Some(total.parse().ok()?))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        assert_eq!(parse_retry_after("3"), Some(Duration::from_secs(3)));
        assert_eq!(parse_retry_after("Thu, 01 Jan 1970 00:00:00 GMT"), Some(Duration::ZERO));
        assert!(parse_retry_after("Thu, 01 Jan 2099 00:00:00 GMT") > Some(Duration::from_secs(1 << 30)));
        assert_eq!(parse_retry_after("soon"), None);
    }
}
