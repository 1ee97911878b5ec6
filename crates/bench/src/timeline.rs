//! What each thread of a build did, from when to when.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Context as _;
use serde::Deserialize;

use crate::svg::{Anchor, Svg};

/// The spans of one build.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Timeline {
    trace_events: Vec<Span>,
    other_data: Summary,
}

/// One stage on one thread, as Chrome's "Trace Event Format" has complete events.
#[derive(Debug, Deserialize)]
struct Span {
    name: String,
    cat: String,
    /// In microseconds.
    ts: u64,
    dur: u64,
    tid: u64,
}

#[derive(Debug, Deserialize)]
struct Summary {
    wall_seconds: f64,
    cores: usize,
    busy: f64,
}

const WIDTH: u32 = 860;
const LEFT: f64 = 20.0;
const TOP: f64 = 84.0;
const LANE: f64 = 18.0;

/// Stages with colours of their own, in the legend's order.
const STAGES: [&str; 4] = ["decode", "compress", "write", "wait"];

impl Timeline {
    /// The trace that a build left; `None` if it leaves none.
    pub(crate) fn load(file: &Path) -> anyhow::Result<Option<Timeline>> {
        if !file.exists() {
            return Ok(None);
        }
        let context = || format!("cannot read the timeline {}", file.display());
        let bytes = fs::read(file).with_context(context)?;
        serde_json::from_slice(&bytes).map(Some).with_context(context)
    }
}

/// A lane for each thread.
pub(crate) fn draw(timeline: &Timeline) -> String {
    let Summary { wall_seconds, cores, busy } = timeline.other_data;
    let end = timeline.trace_events.iter().map(|span| span.ts + span.dur).max().unwrap_or(0);
    let end = (end as f64 / 1e6).max(wall_seconds);
    let scale = (f64::from(WIDTH) - 2.0 * LEFT) / end.max(f64::MIN_POSITIVE);
    let mut lanes: BTreeMap<u64, usize> = timeline.trace_events.iter().map(|span| (span.tid, 0)).collect();
    for (lane, number) in lanes.values_mut().enumerate() {
        *number = lane;
    }
    let mut svg = Svg::new(WIDTH);
    let title = format!(
        "A cold build in {wall_seconds:.1} s: {cores} cores, {:.0} % busy, {} threads",
        busy * 100.0,
        lanes.len()
    );
    svg.text((LEFT, 32.0), Anchor::Start, "strong", &title);
    let mut x = LEFT;
    for stage in STAGES.into_iter().chain(["other"]) {
        svg.bar((x, 48.0), (12.0, 12.0), stage, "");
        svg.text((x + 18.0, 58.5), Anchor::Start, "soft", stage);
        x += 100.0;
    }
    for span in &timeline.trace_events {
        let lane = lanes.get(&span.tid).copied().unwrap_or(0);
        let (from, long) = (span.ts as f64 / 1e6, span.dur as f64 / 1e6);
        let class = STAGES.iter().find(|stage| **stage == span.cat).copied().unwrap_or("other");
        let text = format!("{} {}: {long:.2} s", span.cat, span.name);
        let at = (LEFT + from * scale, TOP + lane as f64 * LANE);
        svg.bar(at, ((long * scale).max(0.3), LANE - 4.0), class, &text);
    }
    let bottom = TOP + lanes.len() as f64 * LANE;
    svg.text((LEFT, bottom + 16.0), Anchor::Start, "soft", "0 s");
    let right = f64::from(WIDTH) - LEFT;
    svg.text((right, bottom + 16.0), Anchor::End, "soft", &format!("{end:.1} s"));
    svg.finish((bottom + 30.0).ceil() as u32, &title)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_becomes_lanes() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("trace.json");
        assert!(Timeline::load(&file).unwrap().is_none());
        let trace = r#"{"traceEvents":[
            {"name":"amd64","cat":"decode","ph":"X","ts":0,"dur":1000000,"pid":1,"tid":7},
            {"name":"arm","cat":"odd","ph":"X","ts":1000000,"dur":1000000,"pid":1,"tid":9}],
            "otherData":{"wall_seconds":2.0,"cpu_seconds":3.6,"cores":2,"busy":0.9}}"#;
        fs::write(&file, trace).unwrap();
        let text = draw(&Timeline::load(&file).unwrap().unwrap());
        assert!(text.contains("A cold build in 2.0 s: 2 cores, 90 % busy, 2 threads"), "{text}");
        assert!(
            text.contains(r#"<rect x="20.0" y="84.0" width="410.0" height="14.0" class="decode">"#),
            "{text}"
        );
        assert!(
            text.contains(r#"<rect x="430.0" y="102.0" width="410.0" height="14.0" class="other">"#),
            "{text}"
        );
    }
}
