//! An image: a manifest and a config over layers.

use jiff::Timestamp;

use crate::blob::Blob;
use crate::layer::Layer;
use crate::spec::{Annotations, Descriptor, Execution, History, ImageConfig, Manifest, Platform, media_type};

/// Everything that an image is made from.
#[derive(Debug, Clone)]
pub struct ImageSpec {
    /// The platform that the image runs on.
    pub platform: Platform,
    /// When the image was made. An argument like any other: the lock's date, never the clock's.
    pub created: Timestamp,
    /// The execution of a container, and the labels.
    pub config: Execution,
    /// The manifest's annotations.
    pub annotations: Annotations,
    /// The layers, lowest first, each with the step that made it.
    pub steps: Vec<Step>,
}

/// A layer and how it came to be, as `docker history` shows it.
#[derive(Debug, Clone)]
pub struct Step {
    /// The layer.
    pub layer: Layer,
    /// The command that made it, for people.
    pub created_by: String,
}

/// An image, ready to be put somewhere.
#[derive(Debug, Clone)]
pub struct Image {
    /// Points to config and layers.
    pub manifest: Blob,
    /// Platform, environment, entrypoint, labels, history.
    pub config: Blob,
    /// The layers, lowest first.
    pub layers: Vec<Layer>,
    /// The platform that the image runs on.
    pub platform: Platform,
}

impl Image {
    /// Builds manifest and config.
    pub fn build(spec: ImageSpec) -> Image {
        let created = spec.created.to_string();
        let history = |step: &Step| History {
            created: Some(created.clone()),
            created_by: Some(step.created_by.clone()),
            ..History::default()
        };
        let diff_ids = spec.steps.iter().map(|step| step.layer.diff_id).collect();
        let config = ImageConfig {
            created: Some(created.clone()),
            config: spec.config,
            history: spec.steps.iter().map(history).collect(),
            ..ImageConfig::new(spec.platform.clone(), diff_ids)
        };
        let config = Blob::json(media_type::CONFIG, &config);
        let layers: Vec<Layer> = spec.steps.into_iter().map(|step| step.layer).collect();
        let descriptors = layers.iter().map(|layer| layer.descriptor.clone()).collect();
        let manifest = Manifest::new(config.descriptor().clone(), descriptors);
        let manifest = Manifest { annotations: spec.annotations, ..manifest };
        let manifest = Blob::json(media_type::MANIFEST, &manifest);
        Image { manifest, config, layers, platform: spec.platform }
    }

    /// Points to the manifest, with the platform, and whether the layers are in zstd: what an index lists.
    pub fn descriptor(&self) -> Descriptor {
        let zstd = self.layers.iter().any(|layer| layer.descriptor.media_type == media_type::LAYER_ZSTD);
        Descriptor { platform: Some(self.platform.clone()), ..self.manifest.descriptor().clone() }
            .with_zstd(zstd)
    }
}
