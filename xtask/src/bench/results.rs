//! What was measured, kept in a file: benchmarks that are not run again keep their figures.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::figure::Figure;
use super::growth::Row;
use super::timeline::Timeline;
use crate::files;

/// Everything that is known.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Results {
    /// How many cores there were.
    cores: usize,
    figures: Vec<Figure>,
    #[serde(default)]
    growth: Vec<Row>,
    /// Requests that a first push of everything takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    first_push: Option<usize>,
    /// Of the build that was measured in this run; too much to keep.
    #[serde(skip)]
    timeline: Option<Timeline>,
}

impl Results {
    /// What the file says; nothing if there is none.
    pub(super) fn load(file: &Path) -> anyhow::Result<Results> {
        let context = || format!("cannot read {}", file.display());
        match fs::read(file) {
            Ok(bytes) => serde_json::from_slice(&bytes).with_context(context),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Results::default()),
            Err(error) => Err(error).with_context(context),
        }
    }

    pub(super) fn save(&self, file: &Path) -> anyhow::Result<()> {
        files::write(file, &(serde_json::to_string_pretty(self)? + "\n"))
    }

    /// Puts `figures` in the place of those of `bench`; benchmarks come as in `order`.
    pub(super) fn replace(&mut self, bench: &str, figures: Vec<Figure>, order: &[String]) {
        self.cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        self.figures.retain(|figure| figure.bench != bench);
        self.figures.extend(figures);
        self.figures.sort_by_key(|figure| order.iter().position(|name| *name == figure.bench));
    }

    pub(super) fn set_growth(&mut self, growth: Vec<Row>) {
        self.growth = growth;
    }

    pub(super) fn set_first_push(&mut self, requests: usize) {
        self.first_push = Some(requests);
    }

    pub(super) fn set_timeline(&mut self, timeline: Option<Timeline>) {
        self.timeline = timeline;
    }

    pub(super) fn cores(&self) -> usize {
        self.cores
    }

    pub(super) fn figures(&self) -> &[Figure] {
        &self.figures
    }

    pub(super) fn growth(&self) -> &[Row] {
        &self.growth
    }

    pub(super) fn first_push(&self) -> Option<usize> {
        self.first_push
    }

    pub(super) fn timeline(&self) -> Option<&Timeline> {
        self.timeline.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::figure::Unit;

    #[test]
    fn a_benchmark_has_its_place_whenever_it_is_run() {
        let order = ["a", "b"].map(str::to_owned);
        let figure = |bench: &str, value| Figure::new(bench, "time", Unit::Seconds, value, "once");
        let mut results = Results::default();
        results.replace("b", vec![figure("b", 3.0)], &order);
        results.replace("a", vec![figure("a", 1.0), figure("a", 2.0)], &order);
        results.replace("a", vec![figure("a", 4.0), figure("a", 5.0)], &order);
        let seen: Vec<_> = results.figures().iter().map(|f| (f.bench.as_str(), f.value)).collect();
        assert_eq!(seen, [("a", 4.0), ("a", 5.0), ("b", 3.0)]);

        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("new/results.json");
        results.save(&file).unwrap();
        assert_eq!(Results::load(&file).unwrap().figures(), results.figures());
        assert!(Results::load(&dir.path().join("none")).unwrap().figures().is_empty());
    }
}
