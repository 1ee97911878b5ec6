//! A timeline of a run: what each thread did, from when to when. `QUS_TRACE=FILE` writes it in the format that browsers'
//! tracing views read (Chrome's "Trace Event Format", complete events), with the CPU time beside it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

/// Records spans, or nothing at all.
#[derive(Clone, Default)]
pub struct Trace(Option<Arc<Recorder>>);

struct Recorder {
    path: PathBuf,
    started: Instant,
    events: Mutex<Vec<Value>>,
}

/// A stage under way; recorded when it is dropped.
pub struct Span<'a> {
    recorder: &'a Recorder,
    stage: &'static str,
    what: String,
    started: Instant,
}

impl Trace {
    /// Records for `path`; without one, nothing.
    pub fn new(path: Option<PathBuf>) -> Trace {
        Trace(path.map(|path| Arc::new(Recorder { path, started: Instant::now(), events: Mutex::default() })))
    }

    /// Begins a span of `stage` on this thread.
    pub fn span(&self, stage: &'static str, what: impl FnOnce() -> String) -> Option<Span<'_>> {
        let recorder = self.0.as_deref()?;
        Some(Span { recorder, stage, what: what(), started: Instant::now() })
    }

    /// Writes what was recorded.
    pub fn finish(&self) -> anyhow::Result<()> {
        let Some(recorder) = &self.0 else { return Ok(()) };
        let cpu = clock_gettime(ClockId::ProcessCPUTime);
        let cpu = Duration::new(u64::try_from(cpu.tv_sec)?, u32::try_from(cpu.tv_nsec)?).as_secs_f64();
        let wall = recorder.started.elapsed().as_secs_f64();
        let cores = thread::available_parallelism()?.get();
        let document = json!({
            "traceEvents": *base::lock(&recorder.events),
            "otherData": {
                "wallSeconds": wall,
                "cpuSeconds": cpu,
                "cores": cores,
                // The CPU time's share of what the cores had to give.
                "busy": cpu / (wall * cores as f64),
            },
        });
        files::write(&recorder.path, &document.to_string())
            .with_context(|| format!("cannot write the timeline {}", recorder.path.display()))
    }
}

impl Drop for Span<'_> {
    fn drop(&mut self) {
        // In microseconds since the start.
        let event = json!({
            "name": self.what,
            "cat": self.stage,
            "ph": "X",
            "ts": self.started.duration_since(self.recorder.started).as_micros() as u64,
            "dur": self.started.elapsed().as_micros() as u64,
            "pid": std::process::id(),
            "tid": thread_number(),
        });
        base::lock(&self.recorder.events).push(event);
    }
}

/// Threads in the order in which they were first seen here.
fn thread_number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    thread_local!(static NUMBER: u64 = NEXT.fetch_add(1, Ordering::Relaxed));
    NUMBER.with(|number| *number)
}
