//! Loading images into an engine: the archive is made while it is sent, and never whole in memory or on disk.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bollard::query_parameters::ImportImageOptionsBuilder;
use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt as _;
use futures_util::stream;
use tokio::sync::mpsc;

use super::error::{EngineError, Reason};
use super::{Engine, Store, reported};
use crate::archive::{self, ArchiveError, Named};
use crate::layout::Layout;

const CHUNK: usize = 1 << 18;
/// The time between two reports to the sender.
const TICK: Duration = Duration::from_millis(200);
/// The number of chunks that may wait for the engine.
const QUEUE: usize = 4;

impl Engine {
    /// Loads `images`, and looks whether the engine then has them. Of an index, an engine with containerd's store
    /// takes every platform, any other one the engine's own. `sent` hears how many bytes were sent.
    pub async fn load(
        &self,
        layout: &Layout,
        images: &[Named],
        sent: &(dyn Fn(u64) + Sync),
    ) -> Result<(), EngineError> {
        let action = || format!("load images into {}", self.name());
        let (sender, receiver) = mpsc::channel(QUEUE);
        let writing = {
            let (layout, images, platform) =
                (layout.clone(), images.to_vec(), self.classic_platform(layout, images));
            tokio::task::spawn_blocking(move || {
                let mut out = Channel { sender, buffer: BytesMut::with_capacity(CHUNK) };
                let result =
                    archive::write(&layout, &images, &platform, &mut out).and_then(|()| Ok(out.flush()?));
                if result.is_err() {
                    // The engine must not take the end of the stream for the end of the archive.
                    drop(out.sender.blocking_send(Err(io::Error::other("the archive could not be made"))));
                }
                result
            })
        };
        let chunks = stream::unfold(receiver, |mut receiver| async {
            receiver.recv().await.map(|chunk| (chunk, receiver))
        });
        let total = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&total);
        let chunks = chunks.inspect_ok(move |chunk: &Bytes| {
            counter.fetch_add(chunk.len() as u64, Ordering::Relaxed);
        });
        let options = ImportImageOptionsBuilder::new().quiet(true).build();
        let answers = self.docker.import_image_stream(options, chunks, None);
        let mut answers = std::pin::pin!(answers.try_for_each(|_| async { Ok(()) }));
        let answer = loop {
            tokio::select! {
                answer = &mut answers => break answer,
                () = tokio::time::sleep(TICK) => sent(total.load(Ordering::Relaxed)),
            }
        };
        sent(total.load(Ordering::Relaxed));
        // What went wrong with the archive comes first: the engine's complaint follows from it. An engine that
        // refuses stops reading, which is not the archive's fault.
        match writing.await {
            Ok(Err(error)) if !is_closed(&error) => return Err(EngineError::new(action(), error)),
            _ => {}
        }
        answer.map_err(|error| EngineError::new(action(), reported(&error)))?;
        for image in images {
            self.assert_loaded(layout, image).await?;
        }
        Ok(())
    }

    /// The platform that the classic table of contents lists: with its variant, as the images' index has it.
    fn classic_platform(&self, layout: &Layout, images: &[Named]) -> oci::spec::Platform {
        let indexes =
            images.iter().filter_map(|image| layout.json::<oci::spec::Index>(&image.descriptor).ok());
        let mut platforms = indexes.flat_map(|index| index.manifests).filter_map(|image| image.platform);
        let own = platforms.find(|platform| platform.architecture == self.platform.architecture);
        own.unwrap_or_else(|| self.platform.clone())
    }

    /// Engines have answered with success and a log line instead of an image.
    async fn assert_loaded(&self, layout: &Layout, image: &Named) -> Result<(), EngineError> {
        let name = format!("{}:{}", image.repository, image.tag);
        let untrue = |what: String| {
            EngineError::new(format!("load {name} into {}", self.name()), Reason::Untrue(what))
        };
        let found = match self.docker.inspect_image(&name).await {
            Ok(found) => found,
            Err(error) => return Err(untrue(format!("has no such image: {}", super::message(&error)))),
        };
        let expected = match self.store {
            // The image's id is what the tag points to.
            Store::Containerd => image.descriptor.digest,
            // The image's id is its config's digest.
            Store::Classic => {
                let platform = self.classic_platform(layout, std::slice::from_ref(image));
                match archive::config_of(layout, &image.descriptor, &platform) {
                    Ok(Some(digest)) => digest,
                    Ok(None) => return Ok(()),
                    Err(error) => {
                        return Err(EngineError::new(format!("load {name}"), ArchiveError::from(error)));
                    }
                }
            }
        };
        let id = found.id.unwrap_or_default();
        // podman leaves the algorithm out.
        if id.trim_start_matches("sha256:") == expected.hex() {
            Ok(())
        } else {
            Err(untrue(format!("has {id} instead of {expected}")))
        }
    }
}

fn is_closed(error: &ArchiveError) -> bool {
    matches!(error, ArchiveError::Io(error) if error.kind() == io::ErrorKind::BrokenPipe)
}

/// Sends what is written to it, in chunks, to the task that talks to the engine.
struct Channel {
    sender: mpsc::Sender<io::Result<Bytes>>,
    buffer: BytesMut,
}

impl Write for Channel {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= CHUNK {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let chunk = self.buffer.split().freeze();
        self.sender.blocking_send(Ok(chunk)).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}
