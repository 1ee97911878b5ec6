//! Failures of one attempt: the cause, and whether the same request may succeed later.

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;

use crate::address::Address;
use crate::options::{Options, REDIRECTS};
use crate::retry_after;
use crate::status;

/// The cause of a failure. Its text names no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// The server refused.
    #[error("{}", words(*.0))]
    Status(StatusCode),
    /// The server asks for a wait that is longer than the longest.
    #[error(
        "{}: the server asks to wait {} seconds, and at most {} are waited",
        words(*.status),
        .asked.as_secs(),
        .limit.as_secs()
    )]
    Wait {
        /// The status of the answer.
        status: StatusCode,
        /// The wait.
        asked: Duration,
        /// The longest.
        limit: Duration,
    },
    /// No connection, or it broke.
    #[error("{0}")]
    Transport(String),
    /// No TLS: the server speaks something else, or a TLS that is not spoken here.
    #[error("{0}")]
    Tls(String),
    /// The server's certificate is not signed by anyone we know, or not for it.
    #[error("{0}")]
    Certificate(String),
    /// Nothing moved for this long.
    #[error("nothing moved for {} s", .0.as_secs_f64())]
    Stalled(Duration),
    /// Too little moved.
    #[error("too slow: {bytes} bytes in {} s", .window.as_secs_f64())]
    Slow {
        /// The number of bytes.
        bytes: u64,
        /// The time in which they did.
        window: Duration,
    },
    /// The body is longer than it may be.
    #[error("sent more than {limit} bytes")]
    TooLong {
        /// The number of bytes allowed.
        limit: u64,
    },
    /// A redirect from https to plain http.
    #[error("redirected from https to the unencrypted {to}")]
    Downgrade {
        /// Its target.
        to: Address,
    },
    /// A redirect to an address that is neither http nor https.
    #[error("redirected to {to}, which is neither http nor https")]
    Scheme {
        /// Its target.
        to: Address,
    },
    /// A redirect of a request that carries a secret to another server.
    #[error("redirected to {to}, which is another server: it gets no credentials")]
    Elsewhere {
        /// Its target.
        to: Address,
    },
    /// More redirects than are followed.
    #[error("redirected more than {REDIRECTS} times")]
    Redirects,
    /// A file to send cannot be read.
    #[error("cannot read {}: {text}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The kind of the system's error.
        kind: io::ErrorKind,
        /// The system's words for it.
        text: String,
    },
}

/// `HTTP 404 Not Found`
fn words(status: StatusCode) -> String {
    let words = status.canonical_reason().unwrap_or_default();
    format!("HTTP {} {words}", status.as_u16()).trim_end().to_owned()
}

/// The time at which the same request may succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// Never, for all that is known.
    Never,
    /// Later, after a pause of our own choice.
    Later,
    /// After this time, which the server asks for.
    After(Duration),
}

/// The failure of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The cause.
    pub cause: Cause,
    /// The time to try again.
    pub again: Again,
}

impl Failure {
    /// A failure that stays.
    pub fn fatal(cause: Cause) -> Failure {
        Failure { cause, again: Again::Never }
    }

    /// A failure that may pass.
    pub fn transient(cause: Cause) -> Failure {
        Failure { cause, again: Again::Later }
    }

    /// The failure that an answer with a status other than those wanted is.
    pub fn of_status(status: StatusCode, headers: &HeaderMap, options: &Options) -> Failure {
        judge(status, retry_after::read(headers, Timestamp::now()), options.longest_wait)
    }

    /// The failure behind an error of the client below.
    ///
    /// | error | again |
    /// |---|---|
    /// | a request that cannot be made: a header, an address | no |
    /// | no TLS while connecting: the certificate, or a server that speaks something else | no |
    /// | anything else: no name, no connection, a cut, an answer that is no HTTP | yes |
    pub(crate) fn of_error(error: reqwest::Error, options: &Options) -> Failure {
        // It can hold a password, or what a storage server takes for one.
        let error = error.without_url();
        let (text, tls) = innermost(&error);
        match tls {
            Some(rustls::Error::InvalidCertificate(_)) => Failure::fatal(Cause::Certificate(text)),
            Some(_) if error.is_connect() => Failure::fatal(Cause::Tls(text)),
            _ if error.is_builder() => Failure::fatal(Cause::Transport(text)),
            _ if error.is_connect() && error.is_timeout() => {
                let text = format!("no connection within {} s", options.connect.as_secs_f64());
                Failure::transient(Cause::Transport(text))
            }
            _ => Failure::transient(Cause::Transport(text)),
        }
    }
}

fn judge(status: StatusCode, asked: Option<Duration>, longest_wait: Duration) -> Failure {
    if !status::is_transient(status, asked.is_some()) {
        return Failure::fatal(Cause::Status(status));
    }
    match asked {
        None => Failure::transient(Cause::Status(status)),
        Some(asked) if asked > longest_wait => {
            Failure::fatal(Cause::Wait { status, asked, limit: longest_wait })
        }
        Some(asked) => Failure { cause: Cause::Status(status), again: Again::After(asked) },
    }
}

/// The text of the innermost cause, since the outer ones say "client error (Connect)" and the like; and TLS's own error,
/// where there is one.
fn innermost<'a>(error: &'a (dyn Error + 'static)) -> (String, Option<&'a rustls::Error>) {
    let mut next = Some(error);
    let mut text = String::new();
    let mut tls = None;
    while let Some(error) = next {
        text = error.to_string();
        tls = tls.or_else(|| error.downcast_ref());
        // An I/O error that stands for another one leaves it out of its chain.
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = inner.map(|inner| inner as &(dyn Error + 'static)).or_else(|| error.source());
    }
    (text, tls)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_wait_is_neither_shortened_nor_waited_for() {
        let limit = Duration::from_secs(120);
        let (busy, gone) = (StatusCode::SERVICE_UNAVAILABLE, StatusCode::NOT_FOUND);
        for (status, asked, again, text) in [
            (busy, None, Again::Later, "HTTP 503 Service Unavailable"),
            (busy, Some(0), Again::After(Duration::ZERO), "HTTP 503 Service Unavailable"),
            (busy, Some(120), Again::After(limit), "HTTP 503 Service Unavailable"),
            (
                busy,
                Some(121),
                Again::Never,
                "HTTP 503 Service Unavailable: the server asks to wait 121 seconds, and at most 120 are waited",
            ),
            (gone, Some(1), Again::Never, "HTTP 404 Not Found"),
            (gone, Some(121), Again::Never, "HTTP 404 Not Found"),
        ] {
            let failure = judge(status, asked.map(Duration::from_secs), limit);
            assert_eq!((failure.again, failure.cause.to_string().as_str()), (again, text));
        }
    }

    #[test]
    fn the_innermost_cause_is_reported() {
        let tls = || rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let wrapped = io::Error::other(io::Error::other(tls()));
        assert_eq!(innermost(&wrapped), (tls().to_string(), Some(&tls())));
        let refused = io::Error::from_raw_os_error(111);
        assert_eq!(innermost(&refused).0, "Connection refused (os error 111)");
    }

    #[test]
    fn each_cause_has_a_text_without_secrets() {
        let to = || "http://ada:s3cret@x.example/y?s3cret".parse().unwrap();
        for (cause, expected) in [
            (Cause::Status(StatusCode::from_u16(599).unwrap()), "HTTP 599"),
            (Cause::Transport("no route".to_owned()), "no route"),
            (Cause::Stalled(Duration::from_millis(1500)), "nothing moved for 1.5 s"),
            (Cause::Slow { bytes: 30, window: Duration::from_secs(60) }, "too slow: 30 bytes in 60 s"),
            (Cause::TooLong { limit: 5 }, "sent more than 5 bytes"),
            (
                Cause::Downgrade { to: to() },
                "redirected from https to the unencrypted http://***@x.example/y?***",
            ),
            (
                Cause::Scheme { to: "ftp://s3cret@x/".parse().unwrap() },
                "redirected to ftp://***@x/, which is neither http nor https",
            ),
            (
                Cause::Elsewhere { to: to() },
                "redirected to http://***@x.example/y?***, which is another server: it gets no credentials",
            ),
            (Cause::Redirects, "redirected more than 10 times"),
        ] {
            assert_eq!(cause.to_string(), expected);
            assert!(!format!("{cause:?}").contains("s3cret"), "{cause:?}");
        }
    }
}
