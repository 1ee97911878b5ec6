//! Proving a layout: everything that it says about itself is computed again.
//!
//! Every digest and size, every diff_id, that manifests, configs and platforms agree, that everything pointed to is
//! there and everything there is pointed to; and that what is said of an image is true of it. All problems are collected. Each blob is read once, however many
//! images share it; memory is bounded by the number of jobs.

mod blob;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzz;
mod graph;
mod layer;
mod name;
mod statements;

use std::convert::Infallible;
use std::fmt;
use std::path::Path;
use std::sync::Mutex;

use attest::provenance::Provenance;
use oci::spec::Platform;
use sha256::Digest;

use crate::layout::{Layout, LayoutError, TEMPORARY, blob_name};
use graph::{Graph, Kind, Node};
pub use statements::Source;

/// Is shown each regular file of each distinct layer, once for each platform whose images have the layer: the
/// platform, the path, the content. An error becomes a [`Problem`] of the layer. Calls do not overlap.
pub type Visitor<'a> = dyn FnMut(&Platform, &str, &[u8]) -> Result<(), String> + Send + 'a;

/// The contents of a layout, and the problems with it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[must_use]
pub struct Report {
    /// The number of descriptors in `index.json`.
    pub tags: usize,
    /// The number of distinct image manifests.
    pub images: usize,
    /// The number of distinct blobs of all kinds that are pointed to.
    pub blobs: usize,
    /// Their size in bytes, as their descriptors say.
    pub bytes: u64,
    /// The number of distinct statements about images.
    pub statements: usize,
    /// Everything that is wrong, by place. Empty: the layout is proved.
    pub problems: Vec<Problem>,
    /// The records of how images were built, for a caller that knows what they should be built from.
    #[serde(skip)]
    pub built: Vec<Built>,
    /// The sources that images are said to be from, for a caller that knows these.
    #[serde(skip)]
    pub sources: Vec<Sources>,
}

/// The sources in a bill of materials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sources {
    /// The place: a path inside the layout.
    pub place: String,
    /// The images it matters to.
    pub users: Vec<String>,
    /// Those that it gives a SHA-256 of.
    pub sources: Vec<Source>,
}

/// The record of an image's build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// The place: a path inside the layout.
    pub place: String,
    /// The images it matters to.
    pub users: Vec<String>,
    /// The record.
    pub provenance: Provenance,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Problem {
    /// The place: a path inside the layout.
    pub place: String,
    /// The problem.
    pub reason: String,
    /// The images it matters to: `` `latest` linux/amd64 ``.
    pub users: Vec<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 3;
        write!(f, "{}: {}", self.place, self.reason)?;
        let shown = self.users.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
        match self.users.len() {
            0 => Ok(()),
            n if n <= SHOWN => write!(f, " (used by {shown})"),
            n => write!(f, " (used by {shown} and {} more)", n - SHOWN),
        }
    }
}

/// Checks the layout at `path`, reading up to `jobs` blobs at once.
pub fn verify(path: &Path, jobs: usize, visit: &mut Visitor<'_>) -> Result<Report, LayoutError> {
    let layout = Layout::open(path)?;
    let mut graph = Graph::walk(&layout);
    check_layers(&layout, &mut graph, jobs, visit);
    graph.compare();
    let unreferenced = if graph.cut { Vec::new() } else { unreferenced(&layout, &graph)? };
    let users = |digest: &Digest| graph.nodes[digest].users.iter().cloned().collect();
    let built = graph.built.iter().map(|(digest, provenance)| Built {
        place: blob_name(*digest),
        users: users(digest),
        provenance: provenance.clone(),
    });
    let built = built.collect();
    let sources = graph.listed.iter().map(|(digest, (_, listed))| Sources {
        place: blob_name(*digest),
        users: users(digest),
        sources: listed.sources.clone(),
    });
    let sources = sources.collect();
    let mut problems = graph.problems;
    for (digest, node) in &graph.nodes {
        problems.extend(node.reasons.iter().map(|reason| Problem {
            place: blob_name(*digest),
            reason: reason.clone(),
            users: node.users.iter().cloned().collect(),
        }));
    }
    problems.extend(unreferenced);
    problems.sort();
    Ok(Report {
        tags: layout.roots().len(),
        images: graph.nodes.values().filter(|node| matches!(node.kind, Kind::Manifest)).count(),
        blobs: graph.nodes.len(),
        bytes: graph.nodes.values().map(|node| node.size).sum(),
        statements: graph.nodes.values().filter(|node| matches!(node.kind, Kind::Statement)).count(),
        problems,
        built,
        sources,
    })
}

/// Reads every blob that the walk has not read: layers above all.
fn check_layers(layout: &Layout, graph: &mut Graph, jobs: usize, visit: &mut Visitor<'_>) {
    let mut work: Vec<(&Digest, &mut Node)> = graph.nodes.iter_mut().filter(|(_, node)| !node.read).collect();
    // The largest first, so that no job is left with it at the end.
    work.sort_by_key(|(digest, node)| (std::cmp::Reverse(node.size), **digest));
    let visit = Mutex::new(visit);
    let Ok(_) = base::pool(jobs, work, |(digest, node)| {
        let reasons = layer::check(layout, *digest, node, &visit);
        node.reasons.extend(reasons);
        Ok::<_, Infallible>(())
    });
}

/// Files among the blobs that nothing points to.
fn unreferenced(layout: &Layout, graph: &Graph) -> Result<Vec<Problem>, LayoutError> {
    let blobs = layout.path().join(crate::layout::BLOBS);
    let entries = std::fs::read_dir(&blobs).map_err(LayoutError::io("list", &blobs))?;
    let mut problems = Vec::new();
    for entry in entries {
        let name = entry.map_err(LayoutError::io("list", &blobs))?.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(TEMPORARY) {
            continue;
        }
        let reason = match Digest::from_hex(&name) {
            Ok(digest) if graph.nodes.contains_key(&digest) => continue,
            Ok(_) => "nothing refers to it",
            Err(_) => "not the name of a blob",
        };
        problems.push(Problem {
            place: format!("{}/{name}", crate::layout::BLOBS),
            reason: reason.to_owned(),
            users: Vec::new(),
        });
    }
    Ok(problems)
}
