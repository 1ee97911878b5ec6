//! The results that are kept, with the table that is made of them.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use base::Hinted;

use crate::figure::Figure;
use crate::readme;
use crate::results::{Measured, Results};

/// The results in a folder: `results.json`, and the table in its `README.md`.
pub struct Record {
    folder: PathBuf,
    /// None if nothing was measured yet.
    results: Option<Results>,
}

impl Record {
    /// Reads those in `folder`.
    pub fn open(folder: PathBuf) -> anyhow::Result<Record> {
        let results = Results::load(&folder.join("results.json"))?;
        Ok(Record { folder, results })
    }

    /// Makes the table from results that are there. Returns it as people read it.
    pub fn redraw(&self) -> anyhow::Result<String> {
        let file = self.folder.join("results.json");
        let results = self.results.as_ref().ok_or_else(|| {
            Hinted::new(
                format!("there is no {}", file.display()),
                "`cargo xtask bench` measures and writes it",
            )
        })?;
        readme::update(&self.readme(), results)?;
        Ok(table(results.figures().iter()))
    }

    /// Fails if what is measured could not be kept.
    pub fn check(&self) -> anyhow::Result<()> {
        readme::updated(&self.readme(), self.results.as_ref().unwrap_or(&Results::default()))?;
        let writable = tempfile::tempfile_in(&self.folder);
        writable.map(drop).with_context(|| format!("cannot write into {}", self.folder.display()))
    }

    /// Says what was measured, and keeps it under `title`, in the `order` of titles; all results are written to `copy`, too.
    pub fn keep(
        &mut self,
        title: &str,
        figures: Vec<Figure>,
        order: &[String],
        copy: Option<&Path>,
        progress: &dyn debian::Progress,
    ) -> anyhow::Result<()> {
        for figure in &figures {
            let (what, value) = (&figure.what, figure.unit.show(figure.value));
            progress.note(&format!("  {what}: {value} ({})", figure.how));
        }
        let readme = self.readme();
        let results = self.results.get_or_insert_default();
        results.replace(title, Measured::now(), figures, order);
        results.save(&self.folder.join("results.json"))?;
        readme::update(&readme, results)?;
        copy.map_or(Ok(()), |file| results.save(file))
    }

    /// The figures under `titles` next to what they should be, and whether they are that.
    pub fn table(&self, titles: &[String]) -> (String, bool) {
        let figures = || {
            let all = self.results.iter().flat_map(Results::figures);
            all.filter(|figure| titles.contains(&figure.bench))
        };
        (table(figures()), figures().all(|figure| figure.met() != Some(false)))
    }

    fn readme(&self) -> PathBuf {
        self.folder.join("README.md")
    }
}

/// Figures next to what they should be.
fn table<'a>(figures: impl Iterator<Item = &'a Figure>) -> String {
    let mut rows = vec![["BENCH", "WHAT", "MEASURED", "TARGET", ""].map(str::to_owned)];
    rows.extend(figures.map(|figure| {
        let goal = figure.goal.map(|goal| goal.show(figure.unit)).unwrap_or_default();
        let value = figure.unit.show(figure.value);
        [figure.bench.clone(), figure.what.clone(), value, goal, figure.verdict().to_owned()]
    }));
    base::table(&rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_nothing_can_be_kept_nothing_is_measured() {
        let dir = tempfile::tempdir().unwrap();
        let record = Record::open(dir.path().to_owned()).unwrap();
        let readme = record.readme();
        let error = record.check().unwrap_err().to_string();
        assert_eq!(error, format!("cannot update {}", readme.display()));
        let text = "<!-- figures:begin -->\n<!-- figures:end -->\n";
        std::fs::write(&readme, text).unwrap();
        record.check().unwrap();
        assert_eq!(std::fs::read_to_string(&readme).unwrap(), text);
    }
}
