//! SHA-256 digests, and a reader that reaches its end only if size and digest match.
//!
//! Every byte that enters a build passes through [`VerifyReader`] or is hashed by [`Hasher`] on its way to a
//! blob; a [`Digest`] is never made from a string that was not parsed.
//!
//! This crate never opens a file or a socket: it works on what it is given.

mod digest;
mod hash;
mod verify;

pub use digest::{Digest, ParseDigestError};
pub use hash::{HashWriter, Hasher};
pub use verify::{VerifyError, VerifyReader};
