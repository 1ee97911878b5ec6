//! A push's progress: a bar for each blob on its way, lines for what is done.

use std::collections::HashMap;
use std::sync::Mutex;

use base::size;
use debian::progress::{Progress, Task};
use publish::registry::{self, Event, Mode, Outcome};
use sha256::Digest;

/// Draws a push.
pub(crate) struct Uploads<'a> {
    progress: &'a dyn Progress,
    mode: Mode,
    bars: Mutex<HashMap<Digest, Box<dyn Task>>>,
}

impl<'a> Uploads<'a> {
    pub(crate) fn new(progress: &'a dyn Progress, mode: Mode) -> Uploads<'a> {
        Uploads { progress, mode, bars: Mutex::default() }
    }
}

impl registry::Progress for Uploads<'_> {
    fn event(&self, event: Event<'_>) {
        let Ok(mut bars) = self.bars.lock() else { return };
        match event {
            Event::Sent { blob, bytes } => {
                let short = &blob.digest.hex()[..12];
                let bar = bars
                    .entry(blob.digest)
                    .or_insert_with(|| self.progress.start(&format!("blob {short}"), blob.size));
                bar.at(bytes);
            }
            Event::Ended { blob, outcome } => {
                bars.remove(&blob.digest);
                let blob = format!("{} ({})", blob.digest, size(blob.size));
                match outcome {
                    Outcome::Uploaded if self.mode == Mode::DryRun => {
                        self.progress.warn(&format!("would upload {blob}"));
                    }
                    Outcome::Uploaded => self.progress.detail(&format!("uploaded {blob}")),
                    Outcome::Mounted => self.progress.detail(&format!("mounted {blob}")),
                    Outcome::Present => self.progress.detail(&format!("there already: {blob}")),
                }
            }
            Event::Tagged { tagged } if tagged.moved && self.mode == Mode::Push => {
                self.progress.note(&format!("{} -> {}", tagged.tag, tagged.digest));
            }
            _ => {}
        }
    }
}
