//! The commands of the documentation's pages, run on real engines, and the files, read by those that they are for.
//!
//! A block after `<!-- run: ENGINE… -->` is run on these engines, with nothing registered before; after `<!-- then: … -->`
//! it goes on where the one before has ended, and after `<!-- boot: … -->` the machine is booted in between. What follows
//! `$ ` is run, and the lines below it are what it prints, where `…` stands for anything. A block after
//! `<!-- file: NAME -->` is a file in the folder where the commands are run; `machine::TRIALS` says who reads it.

mod ci;
mod kubernetes;
mod machine;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use yaml_rust2::{Yaml, YamlLoader};

use crate::docs::page::{Block, Page};
use crate::layout::Images;
use crate::ship::packages;
use machine::{Machine, TRIALS, Trial};
use testbed::sandbox::Options;
use testbed::{Booted, Engine, Package, Packages, Running, Sandbox, Tree};

/// The images that the pages name.
const TAGS: [&str; 7] = ["latest", "binfmt", "register", "pkg", "aarch64", "run", "run-aarch64"];

const DOCKER28: Engine = Engine::Docker28 { containerd_store: false };

/// podman and what it runs, with the libraries that `ldd` says they load.
#[rustfmt::skip]
const PODMAN5: [&str; 34] = [
    "buildah", "catatonit", "conmon", "crun", "golang-github-containers-common", "golang-github-containers-image", "libacl1",
    "libassuan9", "libatomic1", "libattr1", "libaudit1", "libbsd0", "libbz2-1.0", "libc6", "libcap-ng0", "libcap2",
    "libcrypt1", "libgcc-s1", "libglib2.0-0t64", "libgpg-error0", "libgpgme11t64", "libmd0", "libpam0g",
    "libpcre2-8-0", "libseccomp2", "libselinux1", "libsemanage2", "libsepol2", "libsqlite3-0", "libsubid5",
    "libsystemd0", "libyajl2", "netavark", "podman",
];

/// The places of runs, and the page's words for them.
const ENGINES: [(&str, &str); 6] = [
    ("docker20", "Docker 20.10"),
    ("docker28", "Docker 28"),
    ("podman", "podman 4.3"),
    ("podman5", "podman 5"),
    ("rootless", "podman 5 of a user"),
    ("systemd", "systemd 252"),
];
const NOT_RUN: &str = "not run";

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs")
}

/// The blocks of every page.
fn blocks() -> Vec<Block> {
    let files = crate::docs::files(&docs(), "md");
    files.iter().flat_map(|path| Page::read(path).blocks).collect()
}

/// The one document of a file.
fn document(text: &str) -> Yaml {
    let mut documents = YamlLoader::load_from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!(documents.len(), 1, "{text}");
    documents.remove(0)
}

#[test]
fn recipes_run_on_docker28() {
    let plugins = ["docker-buildx", "docker-compose"].map(|name| Package::native("sid", name));
    check("docker28", DOCKER28, &[("docker-plugins", plugins.to_vec()), packages_of(DOCKER28)]);
}

#[test]
fn recipes_run_on_docker20() {
    check("docker20", Engine::Docker20, &[packages_of(Engine::Docker20)]);
}

#[test]
fn recipes_run_on_podman() {
    let buildah = ("buildah", vec![Package::native("bookworm", "buildah")]);
    check("podman", Engine::Podman, &[buildah, packages_of(Engine::Podman)]);
}

/// The one of bookworm plays no DaemonSets.
#[test]
fn recipes_run_on_podman5() {
    let packages = PODMAN5.map(|name| Package::native("trixie", name));
    check("podman5", Engine::Podman, &[("podman5", packages.to_vec())]);
}

/// A user has images and namespaces of their own, with numbers that newuidmap gives.
#[test]
fn recipes_run_on_podman_of_a_user() {
    let packages: Vec<Package> =
        PODMAN5.iter().chain(&["uidmap"]).map(|name| Package::native("trixie", name)).collect();
    check("rootless", Engine::Podman, &[("podman5-rootless", packages)]);
}

#[test]
fn recipes_run_on_systemd() {
    check("systemd", DOCKER28, &[("systemd", Booted::packages()), packages_of(DOCKER28)]);
}

fn packages_of(engine: Engine) -> (&'static str, Vec<Package>) {
    (engine.tree_name(), engine.packages())
}

/// A recipe that no test runs says so, and no other does.
#[test]
fn the_page_says_how_each_recipe_was_run() {
    let page = docs().join("recipes.md");
    let text = fs::read_to_string(&page).unwrap();
    let rows: Vec<(&str, &str)> = text.lines().filter_map(row).collect();
    let sections: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    assert_eq!(rows.iter().map(|(section, _)| *section).collect::<Vec<_>>(), sections);
    let lint = fs::read_to_string(docs().join("../.ci/workflows")).unwrap();
    let is_linted = |line: &str| line.contains("actionlint.mjs") && line.contains("docs/recipes.md");
    assert!(lint.lines().any(is_linted), "{lint}");
    let blocks = Page::read(&page).blocks;
    let everything = (ENGINES.iter().map(|(_, words)| *words))
        .chain(TRIALS.iter().flat_map(|trial| trial.words).copied())
        .chain([NOT_RUN]);
    for (section, how) in rows {
        let of_section: Vec<&Block> = blocks.iter().filter(|block| block.section == section).collect();
        let words = words(section, &of_section);
        for word in everything.clone() {
            let (is, says) = (words.contains(&word), how.contains(word));
            assert_eq!(is, says, "{section}: `{how}` and {word}: is it so, and is it said?");
        }
    }
}

/// `| [Docker](#docker) | how |`
fn row(line: &str) -> Option<(&str, &str)> {
    let (section, rest) = line.strip_prefix("| [")?.split_once(']')?;
    Some((section, rest.split_once('|')?.1.trim_end_matches('|').trim()))
}

/// The way that a section's recipes are run, in the page's words.
fn words(section: &str, blocks: &[&Block]) -> Vec<&'static str> {
    let words_of = |engine: &str| ENGINES.iter().find(|(name, _)| *name == engine).unwrap().1;
    let mut words = Vec::new();
    for block in blocks {
        match block.mark.split_once(": ") {
            Some(("run" | "then" | "boot", engines)) => words.extend(engines.split(' ').map(words_of)),
            Some(("file", name)) => {
                let trial = Trial::of(name);
                words.extend(trial.words);
                if trial.engine.is_empty() {
                    let is_run = blocks.iter().any(|block| block.mark.starts_with("run: "));
                    assert!(is_run, "{section}: no command reads {name}");
                } else {
                    words.push(words_of(trial.engine));
                }
            }
            _ => assert_eq!(block.mark, NOT_RUN, "{section}: no test runs this:\n{}", block.text),
        }
    }
    if words.is_empty() { vec![NOT_RUN] } else { words }
}

/// Each field is one that Kubernetes has, and of its type: what reads a pod to run it passes over others.
#[test]
fn kubernetes_knows_every_field() {
    let keyrings = Path::new(env!("CARGO_MANIFEST_DIR")).join("../images/keyrings");
    let packages = Packages::of_the_machine(&keyrings).unwrap();
    for (file, kind, mistakes) in [
        ("qus.yaml", "io.k8s.api.apps.v1.DaemonSet", [("runAsUser: 0", "runAsUser: root")]),
        ("pod.yaml", "io.k8s.api.core.v1.Pod", [("runAsUser: 1000", "runAsUser: user")]),
    ] {
        let schema = kubernetes::Schema::new(&packages, kind);
        let text = file_of(file);
        schema.check(&document(&text)).unwrap_or_else(|error| panic!("{file}: {error}"));
        // And it does find what is wrong.
        for (right, wrong) in mistakes.into_iter().chain([("initContainers:", "initContainer:")]) {
            assert!(text.contains(right));
            let text = text.replace(right, wrong);
            assert!(schema.check(&document(&text)).is_err(), "{wrong}");
        }
    }
}

/// podman gives the pod what it asks for; the profile says what it may ask for (Kubernetes' Pod Security Standards): as a user,
/// without rights, with no part of the node.
#[test]
fn the_pod_fits_the_profile_restricted() {
    let pod = document(&file_of("pod.yaml"));
    let spec = pod["spec"].as_hash().unwrap();
    let keys: Vec<&str> = spec.keys().map(|key| key.as_str().unwrap()).collect();
    let own = ["automountServiceAccountToken", "restartPolicy", "securityContext"];
    assert_eq!(keys, [&own[..], &["initContainers", "containers", "volumes"]].concat());
    let of_pod =
        "{runAsNonRoot: true, runAsUser: 1000, fsGroup: 1000, seccompProfile: {type: RuntimeDefault}}";
    assert_eq!(pod["spec"]["securityContext"], document(of_pod));
    let of_container = document("{allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}");
    for container in
        ["initContainers", "containers"].iter().flat_map(|key| pod["spec"][*key].as_vec().unwrap())
    {
        assert_eq!(container["securityContext"], of_container);
    }
    assert_eq!(pod["spec"]["volumes"], document("[{name: programs, emptyDir: {}}]"));
}

/// The one file of this name in all pages.
fn file_of(wanted: &str) -> String {
    let mark = format!("file: {wanted}");
    let mut texts = blocks().into_iter().filter(|block| block.mark == mark).map(|block| block.text);
    let text = texts.next().unwrap();
    assert_eq!(texts.next(), None);
    text
}

/// Tries everything that is for `test` on the engine, in a sandbox with these trees of packages.
fn check(test: &str, engine: Engine, trees: &[(&str, Vec<Package>)]) {
    let Some(images) = Images::find(test) else { return };
    let Some(packages) = packages(test) else { return };
    let trees: Vec<Tree> = trees.iter().map(|(name, list)| packages.tree(name, list).unwrap()).collect();
    let options = Options { trees: trees.iter().collect(), ..Options::default() };
    let sandbox = Sandbox::start(&packages, &options).unwrap();
    let running = engine.start(&sandbox).unwrap();
    let archive = sandbox.shared().join("qus.tar");
    images.write_archive(&TAGS, &archive);
    running.load(&archive).unwrap();
    load_busybox(&packages, &running);
    let mut machine = match test {
        "systemd" => {
            drop(running);
            Machine::boot(&sandbox)
        }
        "rootless" => {
            make_user(&sandbox);
            Machine::of_user(&sandbox)
        }
        _ => Machine::of(&sandbox, running),
    };
    let tried: usize = blocks().iter().map(|block| machine.try_block(test, block)).sum();
    assert!(tried >= 2, "only {tried} commands and files are for {test}");
}

/// The stand-in for Docker Hub's `busybox` for arm64: one program under many names.
fn load_busybox(packages: &Packages, running: &Running<'_>) {
    let arm64: arch::Host = "arm64".parse().unwrap();
    let package = Package::new("bookworm", arm64, "busybox-static");
    let tree = packages.tree("busybox-arm64", &[package]).unwrap();
    let path = running.sandbox().shared().join("busybox.tar");
    let mut builder = tar::Builder::new(File::create(&path).unwrap());
    tree.append(&mut builder).unwrap();
    for name in ["sh", "uname", "cat"] {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        header.set_mode(0o777);
        builder.append_link(&mut header, format!("usr/bin/{name}"), "busybox").unwrap();
    }
    builder.into_inner().unwrap();
    for name in ["library", "arm64v8"] {
        let name = format!("docker.io/{name}/busybox:latest");
        running.import(&path, arm64.platform(), &name).unwrap();
    }
    fs::remove_file(path).unwrap();
}

/// A user with a part of the images that root has.
fn make_user(sandbox: &Sandbox) {
    let (number, home) = machine::USER;
    let range = format!("{number}:100000:65536\n");
    for file in ["/etc/subuid", "/etc/subgid"] {
        sandbox.write(file, &range).unwrap();
    }
    let script = format!(
        "echo user:x:{number}:{number}::{home}:/bin/sh >> /etc/passwd; echo user:x:{number}: >> /etc/group; \
         chmod 1777 /var/tmp; mkdir -p {home}/run; podman save --quiet --multi-image-archive --output {home}/images.tar \
         docker.io/aptman/qus:run-aarch64 docker.io/library/busybox; chown -R {number}:{number} {home}"
    );
    sandbox.run(&["sh", "-ec", &script]).unwrap();
    let load = ["-c", &format!("podman load --quiet --input {home}/images.tar")];
    let loaded = machine::user(sandbox).args(load).output().unwrap();
    assert!(loaded.status.success(), "{loaded:?}");
}
