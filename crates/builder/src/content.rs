//! The content of an image: everything that its kind holds, or one target alone; as layers, tags and words.

use arch::{Host, Target};
use debian::lock::Lock;

use crate::cross::Program;
use crate::kind::{Kind, Part, Single};

/// The contents of an image.
///
/// Images with everything come before those with one target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Content {
    target: Option<Target>,
    kind: Kind,
}

/// The name of one of a host's layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LayerName {
    pub(crate) part: Part,
    /// The one target whose binary it holds; `None` if it holds all or none.
    pub(crate) target: Option<Target>,
}

impl Content {
    /// Everything that `kind` holds.
    pub fn everything(kind: Kind) -> Content {
        Content { target: None, kind }
    }

    /// The contents of each kind for `target` alone.
    pub fn singles(target: Target) -> impl Iterator<Item = Content> {
        Kind::all()
            .filter(|kind| kind.single().is_some())
            .map(move |kind| Content { target: Some(target), kind })
    }

    /// The kind.
    pub fn kind(self) -> Kind {
        self.kind
    }

    /// The one target that it holds; `None` if it holds everything.
    pub fn target(self) -> Option<Target> {
        self.target
    }

    /// The targets that it holds binaries of.
    pub fn targets(self) -> Vec<Target> {
        match self.target {
            Some(target) => vec![target],
            None => self.parts().iter().flat_map(|part| part.targets()).collect(),
        }
    }

    /// True if `host` has all of it.
    pub fn is_for(self, host: Host) -> bool {
        self.parts().iter().all(|part| part.is_for(host))
    }

    /// True if it holds busybox, for scripts in the image.
    pub fn has_busybox(self) -> bool {
        self.parts().contains(&Part::Busybox)
    }

    /// The programs of ours that it holds.
    pub fn programs(self) -> impl Iterator<Item = Program> {
        self.parts().iter().filter_map(|part| part.program())
    }

    /// True if it holds QEMU's binaries, or one of them.
    pub(crate) fn has_qemu(self) -> bool {
        self.parts().iter().any(|part| part.has_qemu())
    }

    /// Its layers, the lowest first.
    pub(crate) fn layers(self) -> impl Iterator<Item = LayerName> {
        let of_target = move |part: &Part| self.target.filter(|_| part.is_of_target());
        self.parts().iter().map(move |part| LayerName { part: *part, target: of_target(part) })
    }

    /// The place of the layer with QEMU's binaries.
    pub fn qemu_layer(self) -> Option<usize> {
        self.parts().iter().position(|part| part.has_qemu())
    }

    fn parts(self) -> &'static [Part] {
        match self.single() {
            Some((_, single)) => single.layers,
            None => self.kind.layers(),
        }
    }

    fn single(self) -> Option<(Target, &'static Single)> {
        self.target.zip(self.kind.single())
    }

    /// The tag that always means the newest.
    pub fn moving_tag(self) -> String {
        match self.single() {
            Some((target, single)) => format!("{}{target}", single.prefix),
            None => self.kind.moving_tag().to_owned(),
        }
    }

    /// The tag that names a version: that of QEMU's minor version, which moves within it, or one that never moves.
    pub fn version_tag(self, version: &str) -> String {
        match self.target {
            Some(_) => format!("{version}-{}", self.moving_tag()),
            None => format!("{version}{}", self.kind.suffix()),
        }
    }

    /// The minor version of QEMU that a tag names, such as `11.1`, and the content of what it stands for.
    pub fn of_version_tag(tag: &str) -> Option<(&str, Content)> {
        let rest = tag.strip_prefix('d')?;
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (version, suffix) = rest.split_at(end);
        let of_kind = Kind::all().find(|kind| kind.suffix() == suffix).map(Content::everything);
        let of_target = || Content::of_target_tag(suffix.strip_prefix('-')?);
        Some((version, of_kind.or_else(of_target)?))
    }

    /// The content that a moving tag of an image with one target stands for.
    pub(crate) fn of_target_tag(tag: &str) -> Option<Content> {
        Kind::all().find_map(|kind| {
            let target: Target = tag.strip_prefix(kind.single()?.prefix)?.parse().ok()?;
            let content = Content { target: Some(target), kind };
            (content.moving_tag() == tag).then_some(content)
        })
    }

    /// The purpose of an image of it, in a line.
    pub(crate) fn description(self) -> String {
        match self.single() {
            Some((target, single)) => single.description.replace("TARGET", target.name()),
            None => self.kind.description().to_owned(),
        }
    }
}

impl LayerName {
    /// The targets whose QEMU is inside of `run` in it, of those that `lock` has for `host`.
    pub(crate) fn inside(self, host: Host, lock: &Lock) -> Vec<Target> {
        let mut targets = match (self.part.is_one_file(), self.target) {
            (false, _) => Vec::new(),
            (true, None) => self.part.targets(),
            (true, Some(target)) => vec![target],
        };
        targets.retain(|target| lock.cell(host, *target).is_some());
        targets
    }

    /// The line of an image's history about it.
    pub(crate) fn created_by(self) -> String {
        match self.target {
            Some(target) if self.part == Part::Qemu => format!("qemu-{target}-static, from Debian"),
            Some(target) if self.part == Part::RunWithQemu => {
                format!("/qus/run with qemu-{target}-static, from Debian, inside")
            }
            _ => self.part.created_by().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_of_one_target_stands_for_its_content() {
        for target in Target::current() {
            for content in Content::singles(target) {
                assert_eq!(Content::of_target_tag(&content.moving_tag()), Some(content));
            }
        }
        for (tag, expected) in [
            ("d11.1", Some(("11.1", "latest"))),
            ("d7.2-pkg", Some(("7.2", "pkg"))),
            ("d10.0-run-aarch64", Some(("10.0", "run-aarch64"))),
            ("d10.0-arm64", None),
            ("amd64-d11.1", None),
            ("latest", None),
        ] {
            let found =
                Content::of_version_tag(tag).map(|(version, content)| (version, content.moving_tag()));
            assert_eq!(found, expected.map(|(version, tag)| (version, tag.to_owned())), "{tag}");
        }
        // A target's other names are no tags, nor are those of what holds everything.
        for tag in ["arm64", "latest", "pkg", ""] {
            assert_eq!(Content::of_target_tag(tag), None, "{tag}");
        }
    }
}
