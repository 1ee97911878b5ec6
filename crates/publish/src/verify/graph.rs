//! The references between blobs: the documents of a layout, read and held against each other.

use std::any::{Any, TypeId};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use attest::provenance::Provenance;
use oci::spec::{Descriptor, ImageConfig, Index, Manifest, Platform, annotation, media_type};
use serde::de::DeserializeOwned;
use sha256::Digest;

use super::Problem;
use super::blob::{self, reason};
use super::statements::{self, Listed, Said};
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
        /// The files in it, once it was read; to be known only if something is said of one of its images.
        files: Option<BTreeMap<String, Digest>>,
        is_listed: bool,
    },
    /// The manifest of statements about an image.
    Attestation,
    /// A statement about an image.
    Statement,
    /// Something that qus does not look into.
    Other,
}

#[derive(Default)]
pub(super) struct Graph {
    pub(super) nodes: BTreeMap<Digest, Node>,
    /// The problems in `index.json` itself.
    pub(super) problems: Vec<Problem>,
    /// The layers of each image.
    images: BTreeMap<Digest, Vec<Digest>>,
    /// The bills of materials, each with the image that it is about.
    pub(super) listed: BTreeMap<Digest, (Digest, Listed)>,
    /// The records of builds.
    pub(super) built: BTreeMap<Digest, Provenance>,
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
            let user = root.tag().map_or_else(|| format!("entry {n}"), |tag| format!("`{tag}`"));
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
        let mut graph = walk.graph;
        let listed: Vec<Digest> = graph.listed.values().map(|(image, _)| *image).collect();
        for layer in listed.iter().filter_map(|image| graph.images.get(image)).flatten() {
            if let Some(Node { kind: Kind::Layer { is_listed, .. }, .. }) = graph.nodes.get_mut(layer) {
                *is_listed = true;
            }
        }
        graph
    }

    /// Holds each bill of materials against the files of its image, after these were read.
    pub(super) fn compare(&mut self) {
        for (digest, (image, listed)) in &self.listed {
            let files = |layer: &Digest| match self.nodes.get(layer).map(|node| &node.kind) {
                Some(Kind::Layer { files: Some(files), .. }) => Some(files.iter()),
                _ => None,
            };
            let layers = self.images.get(image).into_iter().flatten().map(files);
            // A layer that could not be read is a problem of its own.
            let Some(layers) = layers.collect::<Option<Vec<_>>>() else { continue };
            let found = layers.into_iter().flatten().map(|(path, digest)| (path.as_str(), *digest)).collect();
            let reasons = statements::compare(&listed.files, &found);
            if let Some(node) = self.nodes.get_mut(digest) {
                reasons.into_iter().for_each(|reason| node.wrong(reason));
            }
        }
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
            if child.is_attestation() {
                self.attestation(descriptor, child, &index, user)?;
                continue;
            }
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

    /// Statements about an image of `index`.
    fn attestation(
        &mut self,
        parent: &Descriptor,
        descriptor: &Descriptor,
        index: &Index,
        user: &str,
    ) -> Result<(), Exhausted> {
        self.budget.follow()?;
        let about = descriptor.attests();
        let image = index.manifests.iter().find(|image| Some(image.digest) == about);
        let platform = image.and_then(|image| image.platform.as_ref());
        let user = match platform {
            Some(platform) => format!("the attestation of {user} {platform}"),
            None => user.to_owned(),
        };
        self.graph.touch(descriptor, &user, Kind::Attestation);
        let Some(image) = image else {
            let about = about.map_or_else(|| "no image".to_owned(), |digest| digest.to_string());
            let reason = format!("its entry {} is about {about}, which it does not list", descriptor.digest);
            self.wrong(parent, reason);
            return Ok(());
        };
        let Some(manifest) = self.document::<Manifest>(descriptor)? else { return Ok(()) };
        self.graph.touch(&manifest.config, &user, Kind::Config);
        self.document::<ImageConfig>(&manifest.config)?;
        for layer in &manifest.layers {
            self.budget.follow()?;
            self.graph.touch(layer, &user, Kind::Statement);
            self.statement(layer, image.digest)?;
        }
        Ok(())
    }

    fn statement(&mut self, descriptor: &Descriptor, image: Digest) -> Result<(), Exhausted> {
        // Each is about one image, and so read once.
        if self.graph.nodes.get(&descriptor.digest).is_some_and(|node| node.read) {
            return Ok(());
        }
        self.budget.read(descriptor.size)?;
        let Some(bytes) = self.bytes(descriptor) else { return Ok(()) };
        let predicate = descriptor.annotations.get(annotation::PREDICATE).map_or("", String::as_str);
        match statements::read(&bytes, image, predicate) {
            Ok(Said::Listed(listed)) => drop(self.graph.listed.insert(descriptor.digest, (image, listed))),
            Ok(Said::Built(built)) => drop(self.graph.built.insert(descriptor.digest, *built)),
            Err(reason) => self.wrong(descriptor, format!("a statement about {image}: {reason}")),
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
        let layers = manifest.layers.iter().map(|layer| layer.digest).collect();
        self.graph.images.insert(descriptor.digest, layers);
        self.graph.touch(&manifest.config, user, Kind::Config);
        let config = self.document::<ImageConfig>(&manifest.config)?;
        let diff_ids = config.as_ref().map(|config| config.rootfs.diff_ids.clone()).unwrap_or_default();
        for (n, layer) in manifest.layers.iter().enumerate() {
            let kind = Kind::Layer {
                diff_ids: BTreeSet::new(),
                platforms: BTreeSet::new(),
                files: None,
                is_listed: false,
            };
            let node = self.graph.touch(layer, user, kind);
            if let (Kind::Layer { diff_ids: known, platforms, .. }, Some(config)) = (&mut node.kind, &config)
            {
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
        let mut wrong = |reason| self.wrong(&manifest.config, reason);
        if let Some(wanted) = &descriptor.platform
            && *wanted != platform
        {
            wrong(format!("it says {platform}, but the index says {wanted}"));
        }
        let diff_ids = config.rootfs.diff_ids.len();
        if diff_ids != layers {
            wrong(format!("its diff_ids are {diff_ids}, the manifest's layers {layers}"));
        }
        let history = config.history.iter().filter(|step| !step.empty_layer).count();
        if !config.history.is_empty() && history != layers {
            wrong(format!("its history's layers are {history}, the manifest's {layers}"));
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
        let bytes = self.bytes(descriptor)?;
        oci::spec::parse(&descriptor.media_type, &bytes)
            .map_err(|error| {
                let media_type = &descriptor.media_type;
                self.wrong(descriptor, format!("not a document of type `{media_type}`: {error}"));
            })
            .ok()
    }

    /// Reads and verifies; what fails is noted.
    fn bytes(&mut self, descriptor: &Descriptor) -> Option<Vec<u8>> {
        let bytes = blob::document(self.layout, descriptor);
        if let Some(node) = self.graph.nodes.get_mut(&descriptor.digest) {
            node.read = true;
        }
        bytes.map_err(|error| self.wrong(descriptor, reason(&error))).ok()
    }

    fn wrong(&mut self, descriptor: &Descriptor, reason: String) {
        if let Some(node) = self.graph.nodes.get_mut(&descriptor.digest) {
            node.wrong(reason);
        }
    }
}
