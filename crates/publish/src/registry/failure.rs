//! Failures of one attempt at a registry, and when to try again.

use http::header::HeaderMap;
use http::{Again, Cause, StatusCode};
use tokio::time::sleep;

use super::answer;
use super::error::Reason;
use crate::layout::LayoutError;

/// The failure of one attempt.
pub(super) struct Failure {
    reason: Reason,
    again: Again,
}

impl Failure {
    pub(super) fn fatal(reason: Reason) -> Failure {
        Failure { reason, again: Again::Never }
    }

    pub(super) fn transient(reason: String) -> Failure {
        Failure { reason: Reason::Unreachable { reason, tries: 1 }, again: Again::Later }
    }

    /// Returns the failure that an answer is by its status alone: one that means "later", or "much later". Any other answer
    /// is the caller's to judge.
    pub(super) fn of_status(
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
        options: &http::Options,
    ) -> Option<Failure> {
        let failure = http::Failure::of_status(status, headers, options);
        match (failure.again, &failure.cause) {
            (Again::Never, Cause::Status(_)) => None,
            (Again::Never, _) => Some(failure.into()),
            (again, _) => Some(Failure { reason: answer::reason(status, body, 1), again }),
        }
    }

    /// The same failure with a name in front: that of another server than the registry.
    pub(super) fn of(self, who: &str) -> Failure {
        let reason = match self.reason {
            Reason::Unreachable { reason, tries } => {
                Reason::Unreachable { reason: format!("{who}: {reason}"), tries }
            }
            Reason::Status { status, message, tries } => {
                Reason::Status { status: format!("{who}: {status}"), message, tries }
            }
            Reason::Protocol(text) => Reason::Protocol(format!("{who}: {text}")),
            other => other,
        };
        Failure { reason, ..self }
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

impl From<http::Failure> for Failure {
    fn from(failure: http::Failure) -> Failure {
        let http::Failure { cause, again } = failure;
        let text = cause.to_string();
        let reason = match cause {
            Cause::Certificate(text) => Reason::Certificate(text),
            Cause::Wait { status, asked, limit } => {
                Reason::Wait { status, seconds: asked.as_secs(), limit: limit.as_secs() }
            }
            Cause::TooLong { .. } => Reason::Protocol("the answer is too long".to_owned()),
            Cause::Downgrade { to } => Reason::Unencrypted { to },
            Cause::Scheme { .. } | Cause::Elsewhere { .. } | Cause::Redirects => Reason::Protocol(text),
            Cause::File { path, kind, text } => {
                Reason::Layout(LayoutError::io("read", &path)(std::io::Error::new(kind, text)))
            }
            _ => Reason::Unreachable { reason: text, tries: 1 },
        };
        Failure { reason, again }
    }
}

/// Counts the tries of an operation.
#[derive(Default)]
pub(super) struct Tries(http::Tries);

impl Tries {
    /// Waits until the next try after a failure, or gives up.
    pub(super) async fn again(&mut self, failure: Failure, options: &http::Options) -> Result<(), Reason> {
        if let Some(pause) = self.0.pause(failure.again, options) {
            sleep(pause).await;
            return Ok(());
        }
        let tries = self.0.count();
        Err(match failure.reason {
            Reason::Unreachable { reason, .. } => Reason::Unreachable { reason, tries },
            Reason::Status { status, message, .. } => Reason::Status { status, message, tries },
            other => other,
        })
    }

    /// Starts to count anew, after progress.
    pub(super) fn reset(&mut self) {
        self.0.reset();
    }
}
