//! The commands of the documentation's pages, typed on real engines.
//!
//! A block after `<!-- run: ENGINE… -->` is run on these engines, with nothing registered before; after `<!-- then: … -->`
//! it goes on where the one before has ended. What follows `$ ` is typed, and the lines below it are what it prints,
//! where `…` stands for anything. A block after `<!-- file: NAME -->` is a file in the folder where the
//! commands are typed.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod layout;
mod recipe;

use std::fs::{self, File};
use std::path::Path;
use std::process::Stdio;

use layout::Images;
use recipe::Block;
use testbed::sandbox::Options;
use testbed::{Engine, Package, Packages, Running, Sandbox};
use yaml_rust2::YamlLoader;

/// Where commands are typed.
const FOLDER: &str = "/root/recipes";

/// The images that the pages name.
const TAGS: [&str; 5] = ["latest", "binfmt", "register", "pkg", "aarch64"];

/// The marked blocks of every page.
fn blocks() -> Vec<Block> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let mut pages: Vec<_> = fs::read_dir(docs).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    pages.sort();
    pages.iter().flat_map(|path| recipe::blocks(path)).collect()
}

#[test]
fn recipes_run_on_docker28() {
    check(Engine::Docker28 { containerd_store: false });
}

#[test]
fn recipes_run_on_docker20() {
    check(Engine::Docker20);
}

#[test]
fn recipes_run_on_podman() {
    check(Engine::Podman);
}

/// Files that other programs read cannot be tried here; their commands are tried, and their form is checked.
#[test]
fn files_are_well_formed_and_type_what_is_run() {
    let blocks = blocks();
    let typed: Vec<&str> = blocks
        .iter()
        .filter_map(|block| match block {
            Block::Run { steps, .. } => Some(steps),
            Block::File { .. } => None,
        })
        .flatten()
        .map(|step| step.command.as_str())
        .collect();
    let mut commands = 0;
    for block in &blocks {
        let Block::File { name, text } = block else { continue };
        if name.ends_with(".yaml") || name.ends_with(".yml") {
            let documents = YamlLoader::load_from_str(text).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(documents.len(), 1, "{name}");
        }
        for line in text.lines() {
            let Some(at) = line.find("docker run ") else { continue };
            assert!(typed.contains(&&line[at..]), "{name}: no page runs `{}`", &line[at..]);
            commands += 1;
        }
    }
    assert!(commands >= 5, "{commands} commands in files: were they read?");
    let daemon = "qus.yaml";
    let text = blocks.iter().find_map(|block| match block {
        Block::File { name, text } if name == daemon => Some(text),
        _ => None,
    });
    let document = YamlLoader::load_from_str(text.unwrap()).unwrap().remove(0);
    let container = &document["spec"]["template"]["spec"]["initContainers"][0];
    let arguments: Vec<&str> =
        container["args"].as_vec().unwrap().iter().map(|argument| argument.as_str().unwrap()).collect();
    let end = format!("aptman/qus {}", arguments.join(" "));
    assert!(typed.iter().any(|command| command.ends_with(&end)), "{daemon}: no page runs {end}");
}

fn check(engine: Engine) {
    let test = engine.name();
    let Some(images) = Images::find(test) else { return };
    let keyrings = concat!(env!("CARGO_MANIFEST_DIR"), "/../images/keyrings");
    let Some(packages) = Packages::for_test(test, keyrings) else { return };
    let blocks = blocks();
    let tree = packages.tree(engine.tree_name(), &engine.packages()).unwrap();
    let plugins = ["docker-buildx", "docker-compose"].map(|name| Package::native("sid", name));
    let plugins = packages.tree("docker-plugins", &plugins).unwrap();
    let trees = if engine == Engine::Podman { vec![&tree] } else { vec![&plugins, &tree] };
    let sandbox = Sandbox::start(&packages, &Options { trees, ..Options::default() }).unwrap();
    let running = engine.start(&sandbox).unwrap();
    let archive = sandbox.shared().join("qus.tar");
    images.write_archive(&TAGS, &archive);
    running.load(&archive).unwrap();
    load_busybox(&packages, &running);
    sandbox.run(&["mkdir", "-p", FOLDER, "/etc/binfmt.d"]).unwrap();
    for block in &blocks {
        if let Block::File { name, text } = block {
            sandbox.write(format!("{FOLDER}/{name}"), text).unwrap();
        }
    }
    let mut typed = 0;
    for block in &blocks {
        let Block::Run { engines, goes_on, steps } = block else { continue };
        if !engines.iter().any(|name| name == test) {
            continue;
        }
        if !goes_on {
            sandbox.run(&["sh", "-c", "echo -1 > /proc/sys/fs/binfmt_misc/status"]).unwrap();
        }
        for step in steps {
            let mut command = sandbox.command_in(FOLDER, "sh");
            let output = command.args(["-c", &step.command]).stdin(Stdio::null()).output().unwrap();
            let printed = String::from_utf8_lossy(&output.stdout);
            let log = format!("$ {}\n{output:?}\n{}", step.command, running.log());
            assert!(output.status.success(), "{log}");
            assert!(step.expects(&printed), "expected {:?}\n{log}", step.expected);
            typed += 1;
        }
    }
    assert!(typed >= 3, "only {typed} commands are for {test}");
}

/// What Docker Hub's `busybox` is for arm64: one program under many names.
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
    running.import(&path, arm64.platform(), "docker.io/library/busybox:latest").unwrap();
    fs::remove_file(path).unwrap();
}
