//! A timeline of a run: what each thread did, from when to when. `QUS_TRACE=FILE` writes it in the format that browsers'
//! tracing views read (Chrome's "Trace Event Format", complete events), with the CPU time beside it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;

/// Records spans, or nothing at all.
#[derive(Clone, Default)]
pub struct Trace(Option<Arc<Recorder>>);

struct Recorder {
    path: PathBuf,
    started: Instant,
    spans: Mutex<Vec<Event>>,
}

/// One complete event.
#[derive(Serialize)]
struct Event {
    name: String,
    /// The stage.
    cat: &'static str,
    ph: &'static str,
    /// In microseconds since the start.
    ts: u128,
    dur: u128,
    pid: u32,
    tid: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    trace_events: &'a [Event],
    other_data: Summary,
}

/// The load of the cores.
#[derive(Serialize)]
struct Summary {
    wall_seconds: f64,
    cpu_seconds: f64,
    cores: usize,
    /// The CPU time's share of what the cores had to give.
    busy: f64,
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
        Trace(path.map(|path| Arc::new(Recorder { path, started: Instant::now(), spans: Mutex::default() })))
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
        let events = base::lock(&recorder.spans);
        let busy = cpu / (wall * cores as f64);
        let other_data = Summary { wall_seconds: wall, cpu_seconds: cpu, cores, busy };
        let text = serde_json::to_string(&Document { trace_events: &events, other_data })?;
        files::write(&recorder.path, &text)
            .with_context(|| format!("cannot write the timeline {}", recorder.path.display()))
    }
}

impl Drop for Span<'_> {
    fn drop(&mut self) {
        let event = Event {
            name: std::mem::take(&mut self.what),
            cat: self.stage,
            ph: "X",
            ts: self.started.duration_since(self.recorder.started).as_micros(),
            dur: self.started.elapsed().as_micros(),
            pid: std::process::id(),
            tid: thread_number(),
        };
        if let Ok(mut spans) = self.recorder.spans.lock() {
            spans.push(event);
        }
    }
}

/// Threads in the order in which they were first seen here.
fn thread_number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    thread_local!(static NUMBER: u64 = NEXT.fetch_add(1, Ordering::Relaxed));
    NUMBER.with(|number| *number)
}
