//! Shipping, to Debian's own registry: what is pushed, in which order, and what others then get.

use crate::layout::Images;
use crate::line::Line;
use debian::testing::small::archive;
use oci::spec::Descriptor;
use publish::credentials::Credentials;
use publish::registry::{Access, Mode, Options, Push, Silent};
use serde_json::Value;
use testbed::registry::{PASSWORD, USER};
use testbed::sandbox::{self, Network};
use testbed::{Engine, Packages, Registry, Sandbox, Tree};

pub(crate) fn packages(test: &str) -> Option<Packages> {
    Packages::for_test(test)
}

/// A sandbox on the machine's network with `trees` and a registry's packages in it.
pub(crate) fn sandbox(packages: &Packages, mut trees: Vec<Tree>) -> Sandbox {
    trees.push(packages.tree("registry", &Registry::packages()).unwrap());
    let trees = trees.iter().collect();
    Sandbox::start(packages, &sandbox::Options { trees, network: Network::Host, ..Default::default() })
        .unwrap()
}

/// A registry in the sandbox, and the name of a repository there.
pub(crate) fn registry(sandbox: &Sandbox) -> (Registry<'_>, String) {
    let registry = Registry::start(sandbox, &testbed::registry::Options::default()).unwrap();
    let repository = format!("{}/aptman/qus", registry.address());
    (registry, repository)
}

fn tags(pushed: &Value) -> Vec<String> {
    let tag = |tag: &Value| tag["reference"].as_str().unwrap().rsplit(':').next().unwrap().to_owned();
    pushed.as_array().unwrap().iter().map(tag).collect()
}

#[test]
fn a_push_sets_moving_tags_last_and_again_does_nothing() {
    let Some(packages) = packages("a_push_sets_moving_tags_last") else { return };
    let sandbox = sandbox(&packages, Vec::new());
    let options = testbed::registry::Options { password: true, ..Default::default() };
    let registry = Registry::start(&sandbox, &options).unwrap();
    let repository = format!("{}/aptman/qus", registry.address());
    let hosts = ["amd64", "mipsel"];
    let line = Line::new(&hosts, &archive("1:11.1.3+ds-1", &hosts).build());
    let login = [("REGISTRY_USER", USER), ("REGISTRY_PASSWORD", PASSWORD)];
    let push = [
        "images",
        "--kind",
        "pkg",
        "--json",
        "--push",
        "--push-via",
        "registry",
        "--repository",
        &repository,
    ];
    line.run(&["lock"]).success();

    let anonymous = line.run(&push).failure(1);
    // Refused before anything was fetched, compressed or written.
    assert!(!anonymous.stderr.contains("compressing"), "{}", anonymous.stderr);
    assert!(!line.path("target/images").exists() && !line.path("digests").exists());
    assert!(anonymous.stderr.contains(&repository), "{}", anonymous.stderr);
    assert!(anonymous.stderr.contains("\nhint: "), "{}", anonymous.stderr);
    assert!(!anonymous.stderr.contains(PASSWORD));

    let dry = line.run_with(&[&push[..], &["--dry-run"]].concat(), &login).success();
    assert!(dry.stderr.contains("would upload sha256:"), "{}", dry.stderr);
    let nothing = format!("\nnothing was written to {}/target/images: this was a dry run\n", line.root());
    assert!(dry.stderr.ends_with(&nothing), "{}", dry.stderr);
    assert!(!line.path("target").exists());
    let layers = std::fs::read_dir(line.path("cache/blobs")).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(layers.map(|name| name.into_string().unwrap()).all(|name| name.len() == 64));
    let gone = line.run_with(&["verify", &format!("{repository}:pkg")], &login).failure(1);
    assert!(gone.stderr.starts_with("verifying"), "{}", gone.stderr);

    let pushed = line.run_with(&[&push[..], &["--digest-file", "digests"]].concat(), &login).success();
    let report: Value = serde_json::from_str(&pushed.stdout).unwrap();
    let own = ["amd64-d11.1-pkg", "mips-d11.1-pkg", "mips-pkg"];
    let expected = [&own[..], &["11.1.3-pkg", "11.1.3.0-pkg", "d11.1-pkg", "pkg"]].concat();
    let mut set = tags(&report["pushed"]);
    // Images are tagged several at a time.
    set[..3].sort_unstable();
    assert_eq!(set, expected);
    let last = report["pushed"].as_array().unwrap().last().unwrap();
    assert_eq!(last["digest"], report["indexes"][0]["digest"]);
    let digests = line.read("digests");
    assert!(
        digests.ends_with(&format!("{} {repository}:pkg\n", last["digest"].as_str().unwrap())),
        "{digests}"
    );

    let before = registry.log().len();
    let again = line.run_with(&push, &login).success();
    assert!(again.stderr.contains("nothing is uploaded, no tag moves"), "{}", again.stderr);
    let log = registry.log().split_off(before);
    let asked: Vec<&str> = log.lines().filter(|line| line.contains("response completed")).collect();
    // No upload is begun to find out if one is allowed.
    assert!(asked.iter().all(|line| line.contains("http.request.method=HEAD")), "{log}");
    // The tags that move; those that never do were seen, and are asked for only with `--repair`.
    assert_eq!(asked.len(), own.len() + 2, "{log}");
    let before = registry.log().len();
    line.run_with(&[&push[..], &["--repair"]].concat(), &login).success();
    let log = registry.log().split_off(before);
    assert!(["11.1.3-pkg", "11.1.3.0-pkg"].iter().all(|tag| log.contains(tag)), "{log}");
    for deep in [&[][..], &["--deep"]] {
        let name = format!("{repository}:pkg");
        let args = [&["verify", name.as_str()][..], deep].concat();
        let verified = line.run_with(&args, &login).success();
        assert!(verified.stdout.starts_with(&name), "{}", verified.stdout);
    }
}

#[test]
fn hosts_that_were_pushed_one_by_one_are_joined() {
    let Some(packages) = packages("hosts_that_were_pushed_one_by_one_are_joined") else { return };
    let sandbox = sandbox(&packages, Vec::new());
    let (_registry, repository) = registry(&sandbox);
    // Hosts of `pkg` images alone, so that a whole plan is small.
    let hosts = ["mipsel", "mips64el"];
    let line = Line::locked(&hosts);
    let push = |host: &str| {
        let push = ["images", "--json", "--push", "--push-via", "registry", "--versioned-only"];
        let args = [&push[..], &["--repository", &repository, "--host", host]].concat();
        let report: Value = serde_json::from_str(&line.run(&args).success().stdout).unwrap();
        tags(&report["pushed"])
    };
    let join = ["manifest", "--json", "--repository", &repository];
    assert_eq!(push("mipsel"), ["mips-d11.1-pkg", "mips-d11.1-attestations"]);
    let early = line.run(&join).failure(1);
    assert!(
        early.stderr.contains("\n  mips64el: there is no `mips64el-d11.1-pkg`\nhint: "),
        "{}",
        early.stderr
    );

    assert_eq!(push("mips64el"), ["mips64el-d11.1-pkg", "mips64el-d11.1-attestations"]);

    // What was verified is what may be joined, and nothing else.
    let build = ["images", "--json", "--output", "other"];
    let quick = [&build[..], &["--level", "quick", "--digest-file", "quick"]].concat();
    line.run(&quick).success();
    let refused = line.run(&[&join[..], &["--expect", "quick"]].concat()).failure(1);
    let expected =
        format!("cannot join {repository}: it is not what quick has:\n  `11.1.3-pkg` would be sha256:");
    assert!(refused.stderr.contains(&expected), "{}", refused.stderr);
    assert!(refused.stderr.contains("\n  `mips64el-pkg` would be sha256:"), "{}", refused.stderr);
    line.run(&["verify", &format!("{repository}:d11.1-pkg")]).failure(1);
    let best = [&build[..], &["--level", "best", "--digest-file", "best"]].concat();
    let built: Value = serde_json::from_str(&line.run(&best).success().stdout).unwrap();
    let join = [&join[..], &["--expect", "best"]].concat();
    let joined: Value = serde_json::from_str(&line.run(&join).success().stdout).unwrap();
    let fixed = ["11.1.3-pkg", "11.1.3.0-pkg"];
    assert_eq!(tags(&joined), [&fixed[..], &["d11.1-pkg", "mips-pkg", "mips64el-pkg", "pkg"]].concat());
    assert!(joined.as_array().unwrap().iter().all(|tag| tag["moved"] == true));
    // The same index as that of a build of both.
    assert_eq!(joined[5]["digest"], built["indexes"][0]["digest"]);
    let again: Value = serde_json::from_str(&line.run(&join).success().stdout).unwrap();
    assert!(again.as_array().unwrap().iter().all(|tag| tag["moved"] == false));

    // Another lock: what is there is not what would be joined.
    line.serve(&archive("1:11.1.4+ds-1", &hosts).build());
    line.run(&["lock"]).success();
    let stale = line.run(&["manifest", "--repository", &repository]).failure(1);
    assert!(
        stale.stderr.contains("mipsel: `mips-d11.1-pkg` was built from another lock"),
        "{}",
        stale.stderr
    );
}

#[test]
fn both_compressions_are_pushed_and_joined() {
    let Some(packages) = packages("both_compressions_are_pushed_and_joined") else { return };
    let sandbox = sandbox(&packages, Vec::new());
    let (_registry, repository) = registry(&sandbox);
    let hosts = ["mipsel", "mips64el"];
    let line = Line::locked(&hosts);
    let both = ["--json", "--repository", &repository, "--compression", "both"];
    let push = |extra: &[&str]| -> Value {
        let push = ["images", "--push", "--push-via", "registry"];
        serde_json::from_str(&line.run(&[&push[..], &both, extra].concat()).success().stdout).unwrap()
    };
    for host in hosts {
        push(&["--host", host]);
    }
    let joined = line.run(&[&["manifest"][..], &both].concat()).success();
    let joined: Value = serde_json::from_str(&joined.stdout).unwrap();
    let of_hosts = ["mips-pkg", "mips-pkg-zstd", "mips64el-pkg", "mips64el-pkg-zstd"];
    let fixed = ["11.1.3-pkg", "11.1.3.0-pkg", "11.1.3-pkg-zstd", "11.1.3.0-pkg-zstd"];
    let version = ["d11.1-pkg", "d11.1-pkg-zstd"];
    assert_eq!(tags(&joined), [&fixed[..], &version, &of_hosts, &["pkg", "pkg-zstd"]].concat());
    // A push of one host by hand has moved that host's own tags.
    assert!(joined.as_array().unwrap()[6..10].iter().all(|tag| tag["moved"] == false), "{joined}");
    // The same indexes as those of a push of both hosts, which has nothing left to do.
    let whole = push(&[]);
    let digests = |tags: &Value| -> Vec<Value> {
        tags.as_array().unwrap().iter().map(|tag| tag["digest"].clone()).collect()
    };
    assert_eq!(digests(&joined)[10..], digests(&whole["indexes"])[..]);
    assert!(whole["pushed"].as_array().unwrap().iter().all(|tag| tag["moved"] == false), "{whole}");
    for tag in ["pkg", "pkg-zstd", "mips-pkg-zstd"] {
        line.run(&["verify", "--deep", &format!("{repository}:{tag}")]).success();
    }
    // Other images of the same QEMU are not what has its tags for good.
    let gzip = ["manifest", "--json", "--repository", &repository];
    let refused = line.run(&gzip).failure(1);
    let expected = "the tag `11.1.3-pkg`, with 1 more, never moves, and points to something else\nhint: ";
    assert!(refused.stderr.contains(expected), "{}", refused.stderr);
    let config = line.read("images/images.toml");
    line.write("images/images.toml", &format!("{config}[builds]\n\"11.1.3\" = 1\n"));
    let gzip: Value = serde_json::from_str(&line.run(&gzip).success().stdout).unwrap();
    assert_eq!(tags(&gzip), ["11.1.3.1-pkg", "d11.1-pkg", "mips-pkg", "mips64el-pkg", "pkg"]);
}

/// Loads and pushes through an engine; returns what the push printed, and whether the digests stayed.
fn through(engine: Engine, extra: &[&str]) -> Option<(String, bool)> {
    through_with(engine, &[], extra)
}

/// The same, with options for building and loading too.
fn through_with(engine: Engine, build: &[&str], extra: &[&str]) -> Option<(String, bool)> {
    let packages = packages(engine.name())?;
    let tree = packages.tree(engine.tree_name(), &engine.packages()).unwrap();
    let sandbox = sandbox(&packages, vec![tree]);
    let (registry, repository) = registry(&sandbox);
    // podman needs an option where there is no TLS.
    let insecure = format!("[[registry]]\nlocation = \"{}\"\ninsecure = true\n", registry.address());
    sandbox.write("/etc/containers/registries.conf", insecure).unwrap();
    let running = engine.start(&sandbox).unwrap();
    let classic = engine != Engine::Docker28 { containerd_store: true };
    let host = format!("unix://{}", running.socket().display());
    let engine = [("DOCKER_HOST", host.as_str())];
    let hosts = ["amd64", "arm64v8"];
    let line = Line::locked(&hosts);
    let images = [&["images", "--kind", "pkg", "--json", "--repository", &repository][..], build].concat();

    line.run_with(&[&images[..], &["--load"]].concat(), &engine).success();
    running.client(&["image", "inspect", &format!("{repository}:pkg")]).unwrap();

    if classic && !build.is_empty() {
        let refused = [&images[..], &["--push", "--push-via", "engine"]].concat();
        let refused = line.run_with(&refused, &engine).failure(1);
        let expected = " has a classic store, which pushes no zstd\nhint: push to the registry directly: \
                        --push-via registry; or with --compression gzip\n";
        assert!(refused.stderr.ends_with(expected), "{}", refused.stderr);
    }
    let pushed = line.run_with(&[&images[..], &["--push"], extra].concat(), &engine).success();
    let report: Value = serde_json::from_str(&pushed.stdout).unwrap();
    let pkg = format!("{repository}:pkg");
    let pushed_tags = report["pushed"].as_array().unwrap();
    let index = pushed_tags.iter().find(|tag| tag["reference"] == pkg.as_str()).unwrap();
    line.run(&["verify", &pkg]).success();
    if !classic {
        // Another build of the same QEMU is refused before the engine gets any of it.
        let other = [&images[..], &["--push", "--push-via", "engine", "--attest", "none"]].concat();
        let refused = line.run_with(&other, &engine).failure(1);
        let expected = "never moves, and points to something else\nhint: ";
        assert!(refused.stderr.contains(expected), "{}", refused.stderr);
        let verified = line.run(&["verify", &pkg]).success();
        assert!(verified.stdout.contains(index["digest"].as_str().unwrap()), "{}", verified.stdout);
    }
    running.client(&["image", "inspect", &pkg]).expect("what was loaded before stays");
    // The statements in an index are for no platform, and in no engine's way: at a registry, and in an archive.
    for from in ["registry", "archive"] {
        running.client(&["rmi", &pkg]).unwrap();
        if from == "registry" {
            running.client(&["pull", &pkg]).unwrap();
        } else {
            let tar = sandbox.shared().join("qus.tar");
            line.run(&[&images[..], &["--archive", tar.to_str().unwrap()]].concat()).success();
            running.load(&tar).unwrap();
        }
        running.client(&["image", "inspect", &pkg]).unwrap_or_else(|error| panic!("from {from}: {error}"));
    }
    Some((pushed.stderr, index["digest"] == report["indexes"][0]["digest"]))
}

#[test]
fn a_containerd_store_is_chosen_and_keeps_digests() {
    if let Some((said, kept)) = through(Engine::Docker28 { containerd_store: true }, &[]) {
        assert!(said.contains("its containerd store carries an index unchanged"), "{said}");
        assert!(kept);
    }
}

#[test]
fn a_containerd_store_carries_both_compressions() {
    let both = ["--compression", "both"];
    if let Some((_, kept)) = through_with(Engine::Docker28 { containerd_store: true }, &both, &[]) {
        assert!(kept);
    }
}

#[test]
fn a_classic_store_gets_gzip_and_pushes_no_zstd() {
    let both = ["--compression", "both"];
    for engine in [Engine::Docker20, Engine::Podman] {
        if let Some((_, kept)) = through_with(engine, &both, &["--push-via", "registry"]) {
            assert!(kept);
        }
    }
}

#[test]
fn a_classic_store_is_passed_by() {
    if let Some((said, kept)) = through(Engine::Docker28 { containerd_store: false }, &[]) {
        assert!(said.contains("pushing to the registry directly: Docker 28"), "{said}");
        assert!(kept);
    }
}

#[test]
fn a_classic_store_changes_digests_when_asked_for() {
    for engine in [Engine::Docker20, Engine::Podman] {
        if let Some((said, kept)) = through(engine, &["--push-via", "engine"]) {
            assert!(said.contains("compressed layers anew"), "{said}");
            assert!(!kept);
        }
    }
}

/// The real image, pushed, is what an engine pulls and runs.
#[test]
fn what_was_pushed_is_pulled_and_runs() {
    let test = "what_was_pushed_is_pulled_and_runs";
    let (Some(images), Some(packages)) = (Images::find(test), packages(test)) else { return };
    let engine = Engine::Docker28 { containerd_store: true };
    let tree = packages.tree(engine.tree_name(), &engine.packages()).unwrap();
    let sandbox = sandbox(&packages, vec![tree]);
    let (_registry, repository) = registry(&sandbox);
    let push = |tag: &str| Push { tag: Some(tag.to_owned()), descriptor: images.tag(tag), fixed: false };
    let plan: Vec<Push> = ["latest", "arm"].map(push).to_vec();
    let layout = publish::layout::Layout::open(images.path()).unwrap();
    let runtime = base::runtime().unwrap();
    let latest: Descriptor = runtime.block_on(async {
        let name = repository.parse().unwrap();
        let registry = publish::registry::Registry::connect(
            name,
            Access::Push,
            Credentials::Anonymous,
            Options::default(),
        )
        .await
        .unwrap();
        publish::registry::push(&layout, &plan, &[], &registry, Mode::Push, &Silent).await.unwrap();
        registry.manifest("latest").await.unwrap().unwrap().descriptor
    });
    assert_eq!(latest.digest, images.tag("latest").digest);

    let running = engine.start(&sandbox).unwrap();
    let names = ["latest", "arm"].map(|tag| format!("{repository}:{tag}"));
    // All pulls come before the first container: dockerd's threads that have set one up in here can end up in its
    // network namespace, from where they reach no registry.
    for name in &names {
        running.client(&["pull", "--quiet", name]).unwrap();
    }
    for name in names {
        let output = running.run(&["--privileged", &name, "-s", "--", "-p", "arm"]).unwrap();
        assert!(output.status.success(), "{name}: {output:?}");
        let output = running.run(&["--privileged", &name, "--", "-r"]).unwrap();
        assert!(output.status.success(), "{name}: {output:?}");
    }
}

/// An obstacle to the digests' file is reported before anything is sent.
#[test]
fn a_file_for_digests_that_cannot_be_written_is_an_error_before_the_push() {
    let line = Line::locked(&["amd64"]);
    // Nothing listens there.
    let to = ["--repository", "127.0.0.1:1/qus", "--digest-file", "images"];
    let push = ["images", "--kind", "pkg", "--push", "--push-via", "registry"];
    for command in [&push[..], &["manifest"]] {
        let output = line.run(&[command, &to].concat()).failure(1);
        let expected = "error: cannot write images: is a directory\n";
        assert!(output.stderr.ends_with(expected), "{command:?}: {}", output.stderr);
    }
    let made = [&["manifest"][..], &to[..3], &["a/b/digests"]].concat();
    let output = line.run(&made).failure(1);
    assert!(output.stderr.contains("127.0.0.1:1"), "{}", output.stderr);
    assert!(line.path("a/b").is_dir() && !line.path("a/b/digests").exists());
}
