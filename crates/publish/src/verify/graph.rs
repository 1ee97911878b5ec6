//! The references between blobs: the documents of a layout, read and held against each other.

use std::any::{Any, TypeId};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use digest::Digest;
use oci::spec::{Descriptor, ImageConfig, Index, Manifest, Platform, media_type};
use serde::de::DeserializeOwned;

use super::Problem;
use super::blob::{self, reason};
use crate::layout::{INDEX, Layout};
use crate::limits::{Budget, Exhausted};

/// A blob that something points to.
pub(super) struct Node {
    pub(super) kind: Kind,
    pub(super) media_type: String,
    pub(super) size: u64,
    /// True if its bytes have been verified (or found wrong) already.
    pub(super) read: bool,
    pub(super) users: BTreeSet<String>,
    pub(super) reasons: Vec<String>,
}

pub(super) enum Kind {
    Index,
    Manifest,
    Config,
    /// The statements of the configs about the layer, and the platforms of its images.
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
    /// The problems in `index.json` itself.
    pub(super) problems: Vec<Problem>,
    /// True if a limit ended the walk; then what is pointed to is not known.
    pub(super) cut: bool,
}

impl Graph {
    pub(super) fn walk(layout: &Layout) -> Graph {
        let mut walk =
            Walk { layout, graph: Graph::default(), documents: HashMap::new(), budget: Budget::new() };
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
            let walked = match root.media_type.as_str() {
                media_type::INDEX => walk.index(root, &user),
                media_type::MANIFEST => walk.manifest(root, &user),
                other => {
                    walk.graph.problem(format!("{user} is neither an index nor an image, but `{other}`"));
                    Ok(())
                }
            };
            if let Err(limit) = walked {
                walk.graph.problem(format!("it leads to {limit}; the rest is not checked"));
                walk.graph.cut = true;
                break;
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
            users: BTreeSet::new(),
            reasons: Vec::new(),
        });
        node.users.insert(user.to_owned());
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
    /// The documents by what they were read as; `None` if they are no such thing.
    documents: HashMap<(Digest, TypeId), Option<Rc<dyn Any>>>,
    budget: Budget,
}

impl Walk<'_> {
    fn index(&mut self, descriptor: &Descriptor, user: &str) -> Result<(), Exhausted> {
        self.budget.follow()?;
        self.graph.touch(descriptor, user, Kind::Index);
        let Some(index) = self.document::<Index>(descriptor)? else { return Ok(()) };
        for child in &index.manifests {
            let user = match &child.platform {
                Some(platform) => format!("{user} {platform}"),
                None => user.to_owned(),
            };
            match child.media_type.as_str() {
                media_type::MANIFEST => self.manifest(child, &user)?,
                other => {
                    let reason = format!("its entry {} is not an image, but `{other}`", child.digest);
                    self.wrong(descriptor, reason);
                }
            }
        }
        Ok(())
    }

    fn manifest(&mut self, descriptor: &Descriptor, user: &str) -> Result<(), Exhausted> {
        self.budget.follow()?;
        self.graph.touch(descriptor, user, Kind::Manifest);
        let Some(manifest) = self.document::<Manifest>(descriptor)? else { return Ok(()) };
        for _ in manifest.layers.iter().chain([&manifest.config]) {
            self.budget.follow()?;
        }
        if manifest.config.media_type != media_type::CONFIG {
            for blob in manifest.layers.iter().chain([&manifest.config]) {
                self.graph.touch(blob, user, Kind::Other);
            }
            return Ok(());
        }
        self.graph.touch(&manifest.config, user, Kind::Config);
        let config = self.document::<ImageConfig>(&manifest.config)?;
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
        Ok(())
    }

    /// Checks a config: what it says about its image must be what index and manifest say.
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
            self.wrong(
                &manifest.config,
                format!("its diff_ids are {diff_ids}, the manifest's layers {layers}"),
            );
        }
        let history = config.history.iter().filter(|step| !step.empty_layer).count();
        if !config.history.is_empty() && history != layers {
            self.wrong(
                &manifest.config,
                format!("its history's layers are {history}, the manifest's {layers}"),
            );
        }
    }

    /// Reads, verifies and parses, once; what fails is noted.
    fn document<T: DeserializeOwned + 'static>(
        &mut self,
        descriptor: &Descriptor,
    ) -> Result<Option<Rc<T>>, Exhausted> {
        let key = (descriptor.digest, TypeId::of::<T>());
        if !self.documents.contains_key(&key) {
            self.budget.read(descriptor.size)?;
            let parsed = self.parse::<T>(descriptor).map(|document| Rc::new(document) as Rc<dyn Any>);
            self.documents.insert(key, parsed);
        }
        Ok(self.documents.get(&key).cloned().flatten().and_then(|document| document.downcast().ok()))
    }

    fn parse<T: DeserializeOwned>(&mut self, descriptor: &Descriptor) -> Option<T> {
        let bytes = blob::document(self.layout, descriptor);
        if let Some(node) = self.graph.nodes.get_mut(&descriptor.digest) {
            node.read = true;
        }
        let bytes = bytes.map_err(|error| self.wrong(descriptor, reason(&error))).ok()?;
        oci::spec::parse(&descriptor.media_type, &bytes)
            .map_err(|error| {
                let media_type = &descriptor.media_type;
                self.wrong(descriptor, format!("not a document of type `{media_type}`: {error}"));
            })
            .ok()
    }

    fn wrong(&mut self, descriptor: &Descriptor, reason: String) {
        if let Some(node) = self.graph.nodes.get_mut(&descriptor.digest) {
            node.wrong(reason);
        }
    }
}
