//! Who points to what: the documents of a layout, read and held against each other.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{self, Read};

use digest::Digest;
use oci::spec::{Descriptor, ImageConfig, Index, Manifest, Platform, media_type};
use serde::de::DeserializeOwned;

use super::Problem;
use crate::layout::{INDEX, Layout};

/// A blob that something points to.
pub(super) struct Node {
    pub(super) kind: Kind,
    pub(super) media_type: String,
    pub(super) size: u64,
    /// Whether its bytes have been verified (or found wrong) already.
    pub(super) read: bool,
    pub(super) users: Vec<String>,
    pub(super) reasons: Vec<String>,
}

pub(super) enum Kind {
    Index,
    Manifest,
    Config,
    /// What the configs say about the layer, and the platforms of its images.
    Layer {
        diff_ids: BTreeSet<Digest>,
        platforms: BTreeSet<Platform>,
    },
    /// Something that qus does not look into.
    Other,
}

#[derive(Default)]
pub(super) struct Graph {
    pub(super) nodes: BTreeMap<Digest, Node>,
    /// What is wrong in `index.json` itself.
    pub(super) problems: Vec<Problem>,
    documents: HashMap<Digest, Option<Vec<u8>>>,
}

impl Graph {
    pub(super) fn walk(layout: &Layout) -> Graph {
        let mut walk = Walk { layout, graph: Graph::default() };
        let mut seen = BTreeSet::new();
        for (tag, _) in layout.refs() {
            if !seen.insert(tag.clone()) {
                walk.graph.problem(format!("two images are called `{tag}`"));
            }
        }
        for (n, root) in layout.roots().iter().enumerate() {
            let user = root
                .annotations
                .get(oci::spec::annotation::REF_NAME)
                .map_or_else(|| format!("entry {n}"), |tag| format!("`{tag}`"));
            match root.media_type.as_str() {
                media_type::INDEX => walk.index(root, &user),
                media_type::MANIFEST => walk.manifest(root, &user),
                other => {
                    walk.graph.problem(format!("{user} is neither an index nor an image, but `{other}`"));
                }
            }
        }
        walk.graph
    }

    fn problem(&mut self, reason: String) {
        self.problems.push(Problem { place: INDEX.to_owned(), reason, users: Vec::new() });
    }

    /// Notes that `user` needs the blob.
    fn touch(&mut self, descriptor: &Descriptor, user: &str, kind: Kind) -> &mut Node {
        let node = self.nodes.entry(descriptor.digest).or_insert_with(|| Node {
            kind,
            media_type: descriptor.media_type.clone(),
            size: descriptor.size,
            read: false,
            users: Vec::new(),
            reasons: Vec::new(),
        });
        if !node.users.iter().any(|known| known == user) {
            node.users.push(user.to_owned());
        }
        if node.size != descriptor.size {
            let (one, other) = (node.size, descriptor.size);
            node.wrong(format!("one descriptor says {one} bytes, another {other}"));
        }
        if node.media_type != descriptor.media_type {
            let (one, other) = (&node.media_type, &descriptor.media_type);
            node.wrong(format!("one descriptor says `{one}`, another `{other}`"));
        }
        node
    }
}

impl Node {
    /// Documents are visited once for each tag; a reason counts once.
    fn wrong(&mut self, reason: String) {
        if !self.reasons.contains(&reason) {
            self.reasons.push(reason);
        }
    }
}

struct Walk<'a> {
    layout: &'a Layout,
    graph: Graph,
}

impl Walk<'_> {
    fn index(&mut self, descriptor: &Descriptor, user: &str) {
        self.graph.touch(descriptor, user, Kind::Index);
        let Some(index) = self.document::<Index>(descriptor) else { return };
        for child in &index.manifests {
            let user = match &child.platform {
                Some(platform) => format!("{user} {platform}"),
                None => user.to_owned(),
            };
            match child.media_type.as_str() {
                media_type::MANIFEST => self.manifest(child, &user),
                other => {
                    let reason = format!("its entry {} is not an image, but `{other}`", child.digest);
                    self.wrong(descriptor, reason);
                }
            }
        }
    }

    fn manifest(&mut self, descriptor: &Descriptor, user: &str) {
        self.graph.touch(descriptor, user, Kind::Manifest);
        let Some(manifest) = self.document::<Manifest>(descriptor) else { return };
        if manifest.config.media_type != media_type::CONFIG {
            for blob in manifest.layers.iter().chain([&manifest.config]) {
                self.graph.touch(blob, user, Kind::Other);
            }
            return;
        }
        self.graph.touch(&manifest.config, user, Kind::Config);
        let config = self.document::<ImageConfig>(&manifest.config);
        let diff_ids = config.as_ref().map(|config| config.rootfs.diff_ids.clone()).unwrap_or_default();
        for (n, layer) in manifest.layers.iter().enumerate() {
            let kind = Kind::Layer { diff_ids: BTreeSet::new(), platforms: BTreeSet::new() };
            let node = self.graph.touch(layer, user, kind);
            if let (Kind::Layer { diff_ids: known, platforms }, Some(config)) = (&mut node.kind, &config) {
                known.extend(diff_ids.get(n));
                platforms.insert(config.platform());
            }
        }
        if let Some(config) = config {
            self.agree(descriptor, &manifest, &config);
        }
    }

    /// What a config says about its image must be what index and manifest say.
    fn agree(&mut self, descriptor: &Descriptor, manifest: &Manifest, config: &ImageConfig) {
        let layers = manifest.layers.len();
        let platform = config.platform();
        if let Some(wanted) = &descriptor.platform
            && *wanted != platform
        {
            self.wrong(&manifest.config, format!("it says {platform}, but the index says {wanted}"));
        }
        let diff_ids = config.rootfs.diff_ids.len();
        if diff_ids != layers {
            self.wrong(&manifest.config, format!("it has {diff_ids} diff_ids for {layers} layers"));
        }
        let history = config.history.iter().filter(|step| !step.empty_layer).count();
        if !config.history.is_empty() && history != layers {
            self.wrong(&manifest.config, format!("its history has {history} layers, the manifest {layers}"));
        }
    }

    /// Reads, verifies and parses; what fails is noted, once.
    fn document<T: DeserializeOwned>(&mut self, descriptor: &Descriptor) -> Option<T> {
        let digest = descriptor.digest;
        if !self.graph.documents.contains_key(&digest) {
            let bytes = read(self.layout, descriptor);
            let bytes = bytes.map_err(|error| self.wrong(descriptor, reason(&error))).ok();
            self.graph.documents.insert(digest, bytes);
            if let Some(node) = self.graph.nodes.get_mut(&digest) {
                node.read = true;
            }
        }
        let bytes = self.graph.documents.get(&digest)?.as_ref()?;
        match serde_json::from_slice(bytes) {
            Ok(document) => Some(document),
            Err(error) => {
                self.wrong(
                    descriptor,
                    format!("not a document of type `{}`: {error}", descriptor.media_type),
                );
                None
            }
        }
    }

    fn wrong(&mut self, descriptor: &Descriptor, reason: String) {
        if let Some(node) = self.graph.nodes.get_mut(&descriptor.digest) {
            node.wrong(reason);
        }
    }
}

fn read(layout: &Layout, descriptor: &Descriptor) -> io::Result<Vec<u8>> {
    const LIMIT: u64 = 4 << 20;
    if descriptor.size > LIMIT {
        return Err(io::Error::other(format!("{} bytes are too many for a document", descriptor.size)));
    }
    let mut bytes = Vec::new();
    super::layer::open(layout, descriptor.digest, descriptor.size)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The system's "No such file or directory (os error 2)" is this layout's "missing".
pub(super) fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "missing".to_owned(),
        _ => error.to_string(),
    }
}
