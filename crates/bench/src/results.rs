//! The results, kept in a file: benchmarks that are not run again keep their figures.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::figure::Figure;

/// Everything that is known.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Results {
    /// When and on what each benchmark was run, by its name.
    #[serde(default)]
    pub(crate) measured: BTreeMap<String, Measured>,
    figures: Vec<Figure>,
}

/// When a benchmark was run, and on what.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Measured {
    /// The day, in UTC: `2026-11-25`.
    pub(crate) date: String,
    /// The number of cores.
    pub(crate) cores: usize,
}

impl Measured {
    /// Today, on this machine.
    pub(crate) fn now() -> Measured {
        let date = jiff::Timestamp::now().strftime("%F").to_string();
        Measured { date, cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get) }
    }
}

impl Results {
    /// Reads the file; `None` if there is none.
    pub(crate) fn load(file: &Path) -> anyhow::Result<Option<Results>> {
        let context = || format!("cannot read {}", file.display());
        match fs::read(file) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).with_context(context),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(context),
        }
    }

    /// Writes the file.
    pub(crate) fn save(&self, file: &Path) -> anyhow::Result<()> {
        Ok(files::write(file, &(serde_json::to_string_pretty(self)? + "\n"))?)
    }

    /// Puts `figures` in the place of those of `bench`; benchmarks come as in `order`.
    pub(crate) fn replace(
        &mut self,
        bench: &str,
        measured: Measured,
        figures: Vec<Figure>,
        order: &[String],
    ) {
        self.measured.insert(bench.to_owned(), measured);
        self.figures.retain(|figure| figure.bench != bench);
        self.figures.extend(figures);
        self.figures.sort_by_key(|figure| order.iter().position(|name| *name == figure.bench));
    }

    /// Everything that was measured, in the order of benchmarks.
    pub(crate) fn figures(&self) -> &[Figure] {
        &self.figures
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::Unit;

    #[test]
    fn a_benchmark_has_its_place_whenever_it_is_run() {
        let order = ["a", "b"].map(str::to_owned);
        let figure = |bench: &str, value| Figure::new(bench, "time", Unit::Seconds, value, "once");
        let mut results = Results::default();
        let on = |date: &str, cores| Measured { date: date.to_owned(), cores };
        results.replace("b", on("2026-01-01", 2), vec![figure("b", 3.0)], &order);
        results.replace("a", on("2026-01-02", 4), vec![figure("a", 1.0), figure("a", 2.0)], &order);
        results.replace("a", on("2026-01-03", 8), vec![figure("a", 4.0), figure("a", 5.0)], &order);
        let seen: Vec<_> = results.figures().iter().map(|f| (f.bench.as_str(), f.value)).collect();
        assert_eq!(seen, [("a", 4.0), ("a", 5.0), ("b", 3.0)]);

        let both = [("a".to_owned(), on("2026-01-03", 8)), ("b".to_owned(), on("2026-01-01", 2))];
        assert_eq!(results.measured, both.into());

        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("new/results.json");
        results.save(&file).unwrap();
        let loaded = Results::load(&file).unwrap().unwrap();
        assert_eq!((loaded.figures(), &loaded.measured), (results.figures(), &results.measured));
        assert!(Results::load(&dir.path().join("none")).unwrap().is_none());
    }
}
