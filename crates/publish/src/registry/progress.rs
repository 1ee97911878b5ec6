//! The reports of a push while it runs.

use oci::spec::Descriptor;

use super::report::Tagged;
use super::upload::Outcome;

/// Hears what a push does. Events of different blobs come in any order.
pub trait Progress: Sync {
    /// Something happened.
    fn event(&self, event: Event<'_>);
}

/// The event.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A blob's turn has come.
    Started {
        /// The blob.
        blob: &'a Descriptor,
    },
    /// So many bytes of a blob have been sent. The number can fall: after a cut, some are sent again.
    Sent {
        /// The blob.
        blob: &'a Descriptor,
        /// The number.
        bytes: u64,
    },
    /// The repository has the blob, or in a dry run, would get it.
    Ended {
        /// The blob.
        blob: &'a Descriptor,
        /// The way.
        outcome: Outcome,
    },
    /// An image or index that was missing is there.
    Manifest {
        /// The image or index.
        descriptor: &'a Descriptor,
    },
    /// A tag points to where it should.
    Tagged {
        /// The tag.
        tagged: &'a Tagged,
    },
}

/// Hears nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn event(&self, _: Event<'_>) {}
}
