//! A push's progress: a bar for each blob on its way, lines for what is done.

use std::collections::HashMap;
use std::sync::Mutex;

use digest::Digest;
use publish::registry::{Event, Mode, Outcome, Progress};

use crate::ui::{Task, Ui};

/// Draws a push.
pub(super) struct Uploads<'a> {
    ui: &'a Ui,
    mode: Mode,
    bars: Mutex<HashMap<Digest, Task>>,
}

impl<'a> Uploads<'a> {
    pub(super) fn new(ui: &'a Ui, mode: Mode) -> Uploads<'a> {
        Uploads { ui, mode, bars: Mutex::default() }
    }
}

impl Progress for Uploads<'_> {
    fn event(&self, event: Event<'_>) {
        let Ok(mut bars) = self.bars.lock() else { return };
        match event {
            Event::Sent { blob, bytes } => {
                let short = &blob.digest.hex()[..12];
                let bar = bars
                    .entry(blob.digest)
                    .or_insert_with(|| self.ui.bytes(format!("blob {short}"), blob.size));
                bar.at(bytes);
            }
            Event::Ended { blob, outcome } => {
                bars.remove(&blob.digest);
                if self.mode == Mode::DryRun && outcome == Outcome::Uploaded {
                    self.ui.note(format!("would upload {} ({})", blob.digest, crate::ui::size(blob.size)));
                }
            }
            Event::Tagged { tagged } if tagged.moved && self.mode == Mode::Push => {
                self.ui.note(format!("{} -> {}", tagged.tag, tagged.digest));
            }
            _ => {}
        }
    }
}
