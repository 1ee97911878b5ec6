//! Reading the real layout in tests.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use arch::Host;
use debian::lock::Lock;
use flate2::read::MultiGzDecoder;
use oci::spec::{Descriptor, Index, Manifest, Platform};
use publish::archive::{self, Named};
use publish::layout::Layout;

/// The layout that `QUS_TEST_LAYOUT` names.
pub(crate) struct Images {
    layout: Layout,
}

impl Images {
    pub(crate) fn find(test: &str) -> Option<Images> {
        match std::env::var_os("QUS_TEST_LAYOUT").map(PathBuf::from) {
            Some(path) => Some(Images { layout: Layout::open(&path).unwrap() }),
            None => {
                testbed::skip(test, "QUS_TEST_LAYOUT names no layout (`cargo xtask test` makes one)");
                None
            }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.layout.path()
    }

    /// Every tag, and what it points to.
    pub(crate) fn refs(&self) -> Vec<(String, Descriptor)> {
        self.layout.refs()
    }

    /// The descriptor that a tag points to.
    pub(crate) fn tag(&self, tag: &str) -> Descriptor {
        let refs = self.layout.refs();
        refs.into_iter().find(|(name, _)| name == tag).unwrap_or_else(|| panic!("no tag {tag}")).1
    }

    /// The images of a tag, by host.
    pub(crate) fn index(&self, tag: &str) -> BTreeMap<Host, Manifest> {
        let index: Index = self.layout.json(&self.tag(tag)).unwrap();
        let image = |descriptor: &Descriptor| {
            let platform = descriptor.platform.as_ref().unwrap().to_string();
            (platform.parse().unwrap(), self.layout.json(descriptor).unwrap())
        };
        index.manifests.iter().filter(|image| !image.is_attestation()).map(image).collect()
    }

    /// The archive that `cargo xtask images --host HOST --archive FILE` writes for this machine, of these tags.
    pub(crate) fn write_archive(&self, tags: &[&str], path: &Path) {
        let native = Host::native().unwrap();
        let platform: Platform = native.platform().into();
        let named = tags.iter().map(|tag| {
            let index: Index = self.layout.json(&self.tag(tag)).unwrap();
            let mut images = index.manifests.into_iter();
            let descriptor = images.find(|image| image.platform.as_ref() == Some(&platform)).unwrap();
            Named { repository: "docker.io/aptman/qus".to_owned(), tag: (*tag).to_owned(), descriptor }
        });
        let named: Vec<Named> = named.collect();
        archive::write(&self.layout, &named, &platform, &mut fs::File::create(path).unwrap()).unwrap();
    }

    /// The version of QEMU that the lock which was built from has for a cell, as in Debian: `11.1.3`.
    pub(crate) fn version(&self, host: Host, target: &str) -> String {
        let lock = Lock::load(&PathBuf::from(std::env::var_os("QUS_TEST_LOCK").unwrap())).unwrap();
        lock.cell(host, target.parse().unwrap()).unwrap().qemu_version().unwrap().to_string()
    }

    /// Takes one file out of an image.
    pub(crate) fn extract(&self, image: &Manifest, path: &str, to: &Path) {
        let found = self.walk(image, &mut |entry_path, entry| {
            if entry_path == path {
                let mut bytes = Vec::new();
                entry.read_to_end(&mut bytes).unwrap();
                testbed::write_program(to, &bytes).unwrap();
            }
            entry_path == path
        });
        assert!(found, "no {path}");
    }

    /// The records of packages in an image, by path.
    pub(crate) fn records(&self, image: &Manifest) -> BTreeMap<String, String> {
        // Layers with programs are larger, and take long to read.
        let is_small = |layer: &&Descriptor| layer.size < 60_000;
        let layers = image.layers.iter().filter(is_small).cloned().collect();
        let mut records = BTreeMap::new();
        self.walk(&Manifest { layers, ..image.clone() }, &mut |path, entry| {
            let is_record = path.starts_with("usr/share/doc/") || path.starts_with("var/lib/dpkg/");
            if is_record && entry.header().entry_type().is_file() {
                let mut text = String::new();
                entry.read_to_string(&mut text).unwrap();
                records.insert(path.to_owned(), text);
            }
            false
        });
        records
    }

    /// The symbolic links in an image.
    pub(crate) fn links(&self, image: &Manifest) -> Vec<String> {
        let mut links = Vec::new();
        self.walk(image, &mut |path, entry| {
            if entry.header().entry_type().is_symlink() {
                links.push(path.to_owned());
            }
            false
        });
        links
    }

    /// Shows each entry of each layer to `visit`, until it says that it has seen enough.
    #[allow(clippy::type_complexity)]
    fn walk(
        &self,
        image: &Manifest,
        visit: &mut dyn FnMut(
            &str,
            &mut tar::Entry<'_, MultiGzDecoder<sha256::VerifyReader<fs::File>>>,
        ) -> bool,
    ) -> bool {
        for layer in &image.layers {
            let mut archive = tar::Archive::new(MultiGzDecoder::new(self.layout.blob(layer).unwrap()));
            for entry in archive.entries().unwrap() {
                let mut entry = entry.unwrap();
                let path = entry.path().unwrap().to_str().unwrap().to_owned();
                if visit(&path, &mut entry) {
                    return true;
                }
            }
        }
        false
    }
}
