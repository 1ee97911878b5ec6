//! The whole line on a small archive: signed by the test's own key, served on loopback, locked, built, verified. The
//! digests are asserted, so that a change of any byte that ends up in an image is seen; those of every compression, whatever the
//! number of jobs, are in builder's tests.

use crate::line::Line;
use debian::testing::small::archive_with_alias;

const HOSTS: [&str; 3] = ["amd64", "s390x", "mipsel"];

#[test]
fn the_same_archive_gives_the_same_digests() {
    let line = Line::new(&HOSTS, &archive_with_alias("1:11.1.3+ds-1", &HOSTS).build());
    line.run(&["lock"]).success();
    let lock = line.read("images/debian.lock");
    assert_eq!(sha256::Digest::of(lock.as_bytes()).to_string(), LOCK, "{lock}");

    let built = line.run(&["images", "--kind", "pkg", "--json"]).success();
    let report: serde_json::Value = serde_json::from_str(&built.stdout).unwrap();
    let index = &report["indexes"][0];
    assert_eq!(index["tags"], serde_json::json!(["pkg", "d11.1-pkg", "11.1.3-pkg", "11.1.3.0-pkg"]));
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

    let verified = line.run(&["verify", "target/images"]).success();
    assert!(verified.stdout.contains("6 tags, 3 images"), "{}", verified.stdout);
    assert!(verified.stdout.contains("99 programs"), "{}", verified.stdout);
}

#[test]
fn images_of_run_are_reproducible_and_share_layers() {
    let line = Line::new(&HOSTS, &archive_with_alias("1:11.1.3+ds-1", &HOSTS).build());
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

        let layers = |tag: &str| -> Vec<sha256::Digest> {
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

const LOCK: &str = "sha256:8d5aca7f52d85b89ccca49f4881bb6b36e60dd19d28f97b4a1983f518e5a4be2";
const INDEX: &str = "sha256:39b2b4431083068f0da0bb007061d7377e3a2b6c480a41b84a8c0eb3f259bd8c";
/// The same without statements.
const BARE_INDEX: &str = "sha256:c4c2418dfe81f32a0dfa5f0e7999863f228ae8bddcb935376483f08eccf7abf8";

#[test]
fn bad_input_is_named_and_nothing_is_written() {
    let line = Line::new(&HOSTS, &archive_with_alias("1:11.1.3+ds-1", &HOSTS).build());
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
