//! The whole line on a small archive: signed by the test's own key, served on loopback, locked, built, verified. The
//! digests are asserted, so that a change of any byte that ends up in an image is seen.

use crate::archive;
use crate::line::Line;
use debian::testing::{Archive, Suite};

const HOSTS: [&str; 3] = ["amd64", "s390x", "mipsel"];

fn archive(version: &str) -> Archive {
    let mut sid = Suite::new("unstable", "sid");
    for name in HOSTS {
        let host = name.parse().unwrap();
        let qemu = archive::qemu(version, host, |target| target.name().into());
        sid = sid.package(qemu.link("usr/bin/qemu-arm64", "qemu-aarch64")).package(archive::busybox(host));
    }
    Archive::new(1).suite(sid)
}

#[test]
fn the_same_archive_gives_the_same_digests() {
    let line = Line::new(&HOSTS, &archive("1:11.1.3+ds-1").build());
    line.run(&["lock"]).success();
    let lock = line.read("images/debian.lock");
    assert_eq!(digest::Digest::of(lock.as_bytes()).to_string(), LOCK, "{lock}");

    let built = line.run(&["images", "--kind", "pkg", "--json"]).success();
    let report: serde_json::Value = serde_json::from_str(&built.stdout).unwrap();
    let index = &report["indexes"][0];
    assert_eq!(index["tags"], serde_json::json!(["pkg", "d11.1-pkg"]));
    assert_eq!(index["hosts"], serde_json::json!(HOSTS));
    assert_eq!(index["digest"], INDEX);

    // Nothing of the images themselves depends on what is said about them.
    let bare = ["images", "--kind", "pkg", "--json", "--attest", "none", "--output", "bare"];
    let bare: serde_json::Value = serde_json::from_str(&line.run(&bare).success().stdout).unwrap();
    assert_eq!(bare["images"], report["images"]);
    assert_eq!(bare["indexes"][0]["digest"], BARE_INDEX);
    let tags: Vec<&serde_json::Value> =
        report["images"].as_array().unwrap().iter().map(|image| &image["tags"]).collect();
    assert_eq!(tags[0], &serde_json::json!(["amd64-d11.1-pkg"]));
    assert_eq!(tags[2], &serde_json::json!(["mips-d11.1-pkg", "mips-pkg"]));

    // Again, with the archive gone: from the cache alone, and nothing is written.
    line.close();
    let again = line.run(&["images", "--kind", "pkg", "--json", "--offline"]).success();
    assert_eq!(again.stdout, built.stdout);
    assert!(again.stderr.contains("nothing changed in"), "{}", again.stderr);

    // Elsewhere, with other numbers of jobs: the same.
    for jobs in ["1", "3"] {
        let output = format!("out-{jobs}");
        let args = ["images", "--kind", "pkg", "--json", "--offline", "--jobs", jobs, "--output", &output];
        line.forget_layers();
        let other = line.run(&args).success();
        assert!(other.stderr.contains("s390x: compressing 33 binaries"), "{}", other.stderr);
        let other: serde_json::Value = serde_json::from_str(&other.stdout).unwrap();
        assert_eq!(other["indexes"], report["indexes"]);
    }

    let verified = line.run(&["verify", "target/images"]).success();
    assert!(verified.stdout.contains("6 tags, 3 images"), "{}", verified.stdout);
    assert!(verified.stdout.contains("99 programs"), "{}", verified.stdout);
}

#[test]
fn images_of_run_are_reproducible_and_share_layers() {
    let line = Line::new(&HOSTS, &archive("1:11.1.3+ds-1").build());
    if !line.reuse_register() {
        let reason = "QUS_TEST_REGISTER_DIR names no folder";
        return testbed::skip("images_of_run_are_reproducible_and_share_layers", reason);
    }
    line.run(&["lock"]).success();
    let build = |options: &[&str]| -> serde_json::Value {
        let selection = ["images", "--kind", "pkg,run,buildkit", "--target", "aarch64", "--json"];
        let built = line.run(&[&selection[..], options].concat()).success();
        serde_json::from_str(&built.stdout).unwrap()
    };
    for compression in ["gzip", "zstd"] {
        let options = ["--compression", compression];
        let report = build(&options);
        let found: Vec<(&serde_json::Value, &serde_json::Value)> = report["indexes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|index| (&index["tags"][0], &index["hosts"]))
            .collect();
        let (all, some) = (serde_json::json!(HOSTS), serde_json::json!(["amd64", "s390x"]));
        let tags = ["pkg", "run", "buildkit", "aarch64", "run-aarch64"].map(|tag| serde_json::json!(tag));
        let [pkg, run, buildkit, full, single] = &tags;
        let expected = [(pkg, &all), (run, &some), (buildkit, &some), (full, &some), (single, &some)];
        assert_eq!(found, expected);

        let layers = |tag: &str| -> Vec<digest::Digest> {
            let layout = publish::layout::Layout::open(&line.path("target/images")).unwrap();
            let (_, image) = layout.refs().into_iter().find(|(name, _)| name == tag).unwrap();
            let manifest: oci::spec::Manifest = layout.json(&image).unwrap();
            manifest.layers.iter().map(|layer| layer.digest).collect()
        };
        let run = layers("s390x-d11.1-run");
        // QEMU and the records of its package.
        assert_eq!((run.len(), &run[1..]), (3, &layers("s390x-d11.1-pkg")[..]));

        // Elsewhere, with other numbers of jobs: the same.
        for jobs in ["1", "3"] {
            line.forget_layers();
            let output = format!("{compression}-{jobs}");
            let other = build(&[&options[..], &["--offline", "--jobs", jobs, "--output", &output]].concat());
            assert_eq!(other["indexes"], report["indexes"], "{compression} {jobs}");
        }
        line.run(&["verify", "target/images"]).success();
    }
}

#[test]
fn one_of_anything_is_singular() {
    let line = Line::new(&["amd64"], &archive("1:11.1.3+ds-1").build());
    line.run(&["lock"]).success();
    let dry = line.run(&["images", "--host", "amd64", "--kind", "pkg", "--dry-run"]).success();
    assert!(dry.stdout.contains("\n  amd64: 1 image (linux/amd64)\n"), "{}", dry.stdout);
    line.run(&["images", "--host", "amd64", "--kind", "pkg"]).success();
    let verified = line.run(&["verify", "target/images"]).success();
    assert!(verified.stdout.contains(", 1 image, "), "{}", verified.stdout);
}

const LOCK: &str = "sha256:8d5aca7f52d85b89ccca49f4881bb6b36e60dd19d28f97b4a1983f518e5a4be2";
const INDEX: &str = "sha256:39b2b4431083068f0da0bb007061d7377e3a2b6c480a41b84a8c0eb3f259bd8c";
/// The same without statements.
const BARE_INDEX: &str = "sha256:c4c2418dfe81f32a0dfa5f0e7999863f228ae8bddcb935376483f08eccf7abf8";

/// The digest of the index `pkg` in each compression, quick and best. (A layer in zstd with all binaries is the same at both.)
const COMPRESSIONS: [(&str, &str, &str); 6] = [
    ("gzip", "quick", INDEX),
    ("gzip", "best", "sha256:153c5a021e93e0a450788099400c40fd04be7fe3d2ec21e3b294146328bf8570"),
    ("zstd", "quick", "sha256:b09cca3c4762b3f9082a5c10464e1bc34e82d1d1903c51b2260dac5e948faf7e"),
    ("zstd", "best", "sha256:b09cca3c4762b3f9082a5c10464e1bc34e82d1d1903c51b2260dac5e948faf7e"),
    ("both", "quick", "sha256:e324291481a0d1e8ac17fb417d89b742fc5cc89ea24addd33f2297ea8d907d3f"),
    ("both", "best", "sha256:a2c6dd30ec5e842a865497754280800994a11af7a74c85563ca791d2bc48bea4"),
];

#[test]
fn no_compression_depends_on_the_number_of_jobs() {
    let line = Line::new(&HOSTS, &archive("1:11.1.3+ds-1").build());
    line.run(&["lock"]).success();
    let mut found = Vec::new();
    for (compression, level, _) in COMPRESSIONS {
        let mut digests = std::collections::BTreeSet::new();
        for jobs in ["1", "2", "4"] {
            line.forget_layers();
            let options = ["--compression", compression, "--level", level, "--jobs", jobs, "--output", jobs];
            let built = line.run(&[&["images", "--kind", "pkg", "--json"][..], &options].concat()).success();
            assert!(built.stderr.contains("s390x: compressing 33 binaries"), "{}", built.stderr);
            let report: serde_json::Value = serde_json::from_str(&built.stdout).unwrap();
            digests.insert(report["indexes"][0]["digest"].as_str().unwrap().to_owned());
            let images = report["images"].as_array().unwrap();
            assert_eq!(images.len(), if compression == "both" { 6 } else { 3 });
        }
        let verified = line.run(&["verify", "4"]).success();
        let said = if compression == "both" { 12 } else { 6 };
        assert!(verified.stdout.contains(&format!("{said} statements about them")), "{}", verified.stdout);
        assert_eq!(digests.len(), 1, "{compression} {level}: {digests:?}");
        found.push((compression, level, digests.pop_first().unwrap()));
    }
    assert_eq!(
        found,
        COMPRESSIONS.map(|(compression, level, digest)| (compression, level, digest.to_owned()))
    );
}

#[test]
fn both_compressions_are_in_one_index_gzip_first() {
    let line = Line::new(&HOSTS, &archive("1:11.1.3+ds-1").build());
    line.run(&["lock"]).success();
    let options = ["--kind", "pkg", "--compression", "both", "--archive", "qus.tar"];
    line.run(&[&["images"][..], &options].concat()).success();
    let layout = publish::layout::Layout::open(&line.path("target/images")).unwrap();
    let refs: std::collections::BTreeMap<String, oci::spec::Descriptor> = layout.refs().into_iter().collect();
    let list = |tag: &str| -> Vec<(String, bool)> {
        let index: oci::spec::Index = layout.json(&refs[tag]).unwrap();
        let row = |image: &oci::spec::Descriptor| {
            let manifest: oci::spec::Manifest = layout.json(image).unwrap();
            assert_eq!(manifest.is_zstd(), image.is_zstd());
            (image.platform.as_ref().unwrap().to_string(), image.is_zstd())
        };
        index.manifests.iter().filter(|image| !image.is_attestation()).map(row).collect()
    };
    let platforms = ["linux/amd64", "linux/s390x", "linux/mipsle"];
    let form = |zstd: bool| platforms.map(|platform| (platform.to_owned(), zstd)).to_vec();
    assert_eq!(list("pkg"), [form(false), form(true)].concat());
    assert_eq!(list("d11.1-pkg-zstd"), form(true));
    // One config for both: the layers hold the same files.
    let config = |tag: &str| layout.json::<oci::spec::Manifest>(&refs[tag]).unwrap().config;
    assert_eq!(config("amd64-d11.1-pkg"), config("amd64-d11.1-pkg-zstd"));

    // Old engines read the archive through `manifest.json`, and no zstd.
    let mut archive = tar::Archive::new(std::fs::File::open(line.path("qus.tar")).unwrap());
    let mut entries = archive.entries().unwrap().map(Result::unwrap);
    let manifest = entries.find(|entry| entry.path().unwrap().ends_with("manifest.json")).unwrap();
    let rows: serde_json::Value = serde_json::from_reader(manifest).unwrap();
    let names = ["docker.io/aptman/qus:d11.1-pkg", "docker.io/aptman/qus:pkg"];
    assert_eq!(rows[0]["RepoTags"], serde_json::json!(names));
    assert_eq!(rows.as_array().unwrap().len(), 1);
}

#[test]
fn a_level_once_made_is_not_made_again() {
    let line = Line::new(&HOSTS, &archive("1:11.1.3+ds-1").build());
    line.run(&["lock"]).success();
    let build = |level: &str| {
        let built = line.run(&["images", "--kind", "pkg", "--json", "--level", level]).success();
        (built.stdout.clone(), built.stderr.contains("compressing"))
    };
    let (quick, best) = (build("quick"), build("best"));
    assert!(quick.1 && best.1);
    assert_eq!((build("quick"), build("best")), ((quick.0, false), (best.0, false)));
}

#[test]
fn a_newer_package_is_found_and_taken() {
    let line = Line::new(&HOSTS, &archive("1:11.1.3+ds-1").build());
    line.run(&["lock"]).success();
    let same = line.run(&["lock", "--check"]).success();
    assert_eq!(same.stdout, "the archive has nothing newer\n");

    line.serve(&archive("1:11.2.0+ds-1").build());
    let newer = line.run(&["lock", "--check"]).failure(1);
    assert_eq!(
        newer.stdout,
        "SUITE  HOST    PACKAGE    LOCKED         ARCHIVE        TARGETS\n\
         sid    amd64   qemu-user  1:11.1.3+ds-1  1:11.2.0+ds-1\n\
         sid    s390x   qemu-user  1:11.1.3+ds-1  1:11.2.0+ds-1\n\
         sid    mipsel  qemu-user  1:11.1.3+ds-1  1:11.2.0+ds-1\n"
    );
    line.run(&["lock"]).success();
    line.run(&["lock", "--check"]).success();
    let built = line.run(&["images", "--kind", "pkg"]).success();
    assert!(built.stdout.contains("pkg, d11.2-pkg"), "{}", built.stdout);
}

#[test]
fn bad_input_is_named_and_nothing_is_written() {
    let line = Line::new(&HOSTS, &archive("1:11.1.3+ds-1").build());
    let check = |args: &[&str], code: i32, expected: &str| {
        let output = line.run(args).failure(code);
        assert_eq!(output.stderr.replace(&line.root(), "ROOT"), expected, "{args:?}");
    };
    check(
        &["images"],
        1,
        "error: cannot read ROOT/images/debian.lock: No such file or directory (os error 2)\n\
         hint: `cargo xtask lock` makes it\n",
    );
    line.run(&["lock"]).success();
    check(
        &["images", "--host", "riscv64"],
        1,
        "error: the host `riscv64` is not built here\n\
         hint: add it to `hosts` in images/images.toml and run `cargo xtask lock`\n",
    );
    check(
        &["lock", "--without", "trixie"],
        1,
        "error: invalid --without `trixie`\n\
         hint: it takes a suite and a Debian architecture: --without trixie/armel\n",
    );
    check(
        &["lock", "--allow-expired", "sit"],
        1,
        "error: invalid --allow-expired: unknown suite `sit` (did you mean `sid`?)\n",
    );

    line.write("occupied/file", "mine");
    check(
        &["images", "--kind", "pkg", "--output", "occupied"],
        1,
        "error: cannot write an image layout to ROOT/occupied: the directory holds other files\n\
         hint: choose an empty directory, a new one, or an image layout\n",
    );
    assert_eq!(line.read("occupied/file"), "mine");

    line.write("images/images.toml", "repository = \"a/b\"\nsuites = [\"sid\"]\nhosts = [\"amd46\"]\n");
    check(
        &["images"],
        1,
        "error: cannot read ROOT/images/images.toml: line 3: `hosts`: unknown host `amd46` (did you mean `amd64`?)\n",
    );
}

#[test]
fn a_flipped_byte_is_found() {
    let line = Line::new(&["amd64"], &archive("1:11.1.3+ds-1").build());
    line.run(&["lock"]).success();
    let built = line.run(&["images", "--kind", "pkg", "--json"]).success();
    let report: serde_json::Value = serde_json::from_str(&built.stdout).unwrap();
    let digest = report["images"][0]["digest"].as_str().unwrap();
    let path = format!("target/images/blobs/sha256/{}", digest.strip_prefix("sha256:").unwrap());
    let flipped = line.read(&path).replacen("linux", "Linux", 1);
    let flipped = if flipped == line.read(&path) { flipped.replacen("qus", "Qus", 1) } else { flipped };
    line.write(&path, &flipped);
    let output = line.run(&["verify", "target/images"]).failure(1);
    let actual = digest::Digest::of(flipped.as_bytes());
    assert!(output.stderr.contains(&format!("expected {digest}, got {actual}")), "{}", output.stderr);
}
