//! `cargo xtask sign` and `verify --key`: signatures beside images, with skopeo as another reader and writer of them.

use serde_json::{Value, json};
use testbed::{Package, Registry, Sandbox, skopeo};

use crate::line::Line;
use crate::ship::{packages, registry, sandbox};

/// A registry with one image in an index, and keys.
struct Signing<'a> {
    line: Line,
    repository: String,
    _registry: Registry<'a>,
    sandbox: &'a Sandbox,
}

/// A sandbox with a registry's programs, skopeo and openssl.
fn programs(test: &str) -> Option<Sandbox> {
    let packages = packages(test)?;
    let openssl = ["openssl", "libssl3t64", "zlib1g", "libzstd1"].map(|name| Package::native("sid", name));
    let programs = [skopeo::packages(), openssl.to_vec()].concat();
    Some(sandbox(&packages, vec![packages.tree("signing", &programs).unwrap()]))
}

impl<'a> Signing<'a> {
    fn new(sandbox: &'a Sandbox) -> Signing<'a> {
        let (registry, repository) = registry(sandbox);
        let line = Line::locked(&["amd64"]);
        line.run(&[
            "images",
            "--kind",
            "pkg",
            "--push",
            "--push-via",
            "registry",
            "--repository",
            &repository,
        ])
        .success();
        let signing = Signing { line, repository, _registry: registry, sandbox };
        for name in ["qus", "other"] {
            signing.make_key(name);
        }
        signing
    }

    /// Runs a script in the sandbox.
    fn shell(&self, script: &str) -> String {
        self.sandbox.run(&["sh", "-ec", script]).unwrap()
    }

    /// Makes a pair of keys as the command's help says.
    fn make_key(&self, name: &str) {
        let help = self.line.run(&["sign", "--help"]).success().stdout;
        for (number, end) in [".key", ".pub"].into_iter().enumerate() {
            let command = help.lines().filter(|line| line.trim_start().starts_with("openssl ")).nth(number);
            let command = command.unwrap().trim().replace("qus.", &format!("{name}."));
            let path = format!("{name}{end}");
            let text = self.shell(&format!("mkdir -p /keys; cd /keys; {command}; cat {path}"));
            self.line.write(&path, &text);
        }
    }

    fn image(&self, tag: &str) -> String {
        format!("{}:{tag}", self.repository)
    }

    /// The digest that a tag leads to, as skopeo finds it.
    fn digest(&self, tag: &str) -> String {
        let inspect = format!(
            "skopeo inspect --raw --tls-verify=false docker://{} | sha256sum | cut -d ' ' -f 1",
            self.image(tag),
        );
        self.shell(&inspect).trim().to_owned()
    }

    /// The number of signatures beside the image that a tag leads to.
    fn signatures(&self, tag: &str) -> usize {
        let inspect = format!(
            "skopeo inspect --raw --tls-verify=false docker://{}:sha256-{}.sig",
            self.repository,
            self.digest(tag),
        );
        let manifest: Value = serde_json::from_str(&self.shell(&inspect)).unwrap();
        manifest["layers"].as_array().unwrap().len()
    }

    /// True if skopeo, which is to trust the key at `path` alone, copies the image.
    fn is_trusted(&self, tag: &str, path: &str) -> bool {
        let policy = json!({
            "default": [{ "type": "reject" }],
            "transports": { "docker": { self.repository.as_str(): [{
                "type": "sigstoreSigned",
                "keyPath": path,
                "signedIdentity": { "type": "matchRepository" },
            }] } },
        });
        self.sandbox.write("/keys/policy.json", policy.to_string()).unwrap();
        self.attachments();
        let script = format!(
            "rm -rf /keys/copy; skopeo --policy /keys/policy.json --registries.d /keys/d copy --all \
             --src-tls-verify=false docker://{} dir:/keys/copy 2>&1",
            self.image(tag),
        );
        let output =
            self.sandbox.run(&["sh", "-c", &format!("{{ {script}; }} && echo TRUSTED || true")]).unwrap();
        let is_trusted = output.ends_with("TRUSTED\n");
        assert!(is_trusted || output.contains("ignature"), "{output}");
        is_trusted
    }

    /// Has skopeo look for signatures where cosign puts them.
    fn attachments(&self) {
        let text = "default-docker:\n  use-sigstore-attachments: true\n";
        self.shell("mkdir -p /keys/d");
        self.sandbox.write("/keys/d/default.yaml", text).unwrap();
    }
}

#[test]
fn what_is_signed_is_proved_by_the_key_alone() {
    let Some(sandbox) = programs("what_is_signed_is_proved_by_the_key_alone") else { return };
    let signing = Signing::new(&sandbox);
    let Signing { line, repository, .. } = &signing;
    let pkg = signing.image("pkg");
    let root = signing.digest("pkg");

    let verify = |key: &str, rest: &[&str]| line.run(&[&["verify", "--key", key, &pkg], rest].concat());
    let unsigned = verify("qus.pub", &[]).failure(1);
    let expected = format!("sha256-{root}.sig: there is no signature\nerror: {pkg}: 1 problem\n");
    assert!(unsigned.stderr.ends_with(&expected), "{}", unsigned.stderr);

    // The index, the image for amd64, and the statements about it.
    let sign = |key: &str, rest: &[&str]| line.run(&[&["sign", "--key", key], rest].concat());
    let dry = sign("qus.key", &["--dry-run", &pkg]).success();
    let note = |text: &str| format!("{repository}: {text}\n");
    assert!(
        dry.stderr.ends_with(&note("3 images would be signed, 0 had this key's signature")),
        "{}",
        dry.stderr
    );
    verify("qus.pub", &[]).failure(1);
    let signed = sign("qus.key", &["--json", &pkg]).success();
    let rows: Value = serde_json::from_str(&signed.stdout).unwrap();
    let row = |new: bool| {
        json!({
            "image": format!("{repository}@sha256:{root}"),
            "signatures": format!("{repository}:sha256-{root}.sig"),
            "new": new,
        })
    };
    assert_eq!((rows.as_array().unwrap().len(), &rows[0]), (3, &row(true)));
    assert!(
        signed.stderr.ends_with(&note("3 images signed, 0 had this key's signature")),
        "{}",
        signed.stderr
    );
    let again: Value = serde_json::from_str(&sign("qus.key", &["--json", &pkg]).success().stdout).unwrap();
    assert_eq!(again[0], row(false));
    assert_eq!(signing.signatures("pkg"), 1);

    let proved = verify("qus.pub", &[]).success();
    let name = format!("{pkg} is sha256:{root}, signed as {repository} with the key qus.pub\n");
    assert!(proved.stderr.contains(&name), "{}", proved.stderr);
    assert!(proved.stdout.starts_with(&format!("{repository}@sha256:{root}: ")), "{}", proved.stdout);
    verify("qus.pub", &["--deep"]).success();
    let other = verify("other.pub", &[]).failure(1);
    let place = format!("sha256-{root}.sig, signature 1: it is another key's\n");
    assert!(other.stderr.contains(&place), "{}", other.stderr);
    let elsewhere = verify("qus.pub", &["--signed-as", "docker.io/aptman/qus"]).failure(1);
    let place =
        format!("signature 1: it is of {repository} (`--signed-as` names where the image was signed)");
    assert!(elsewhere.stderr.contains(&place), "{}", elsewhere.stderr);

    // What was pushed of a layout, from another key: both stay.
    let layout = ["--repository", repository.as_str(), "target/images"];
    let signed = sign("other.key", &layout).success();
    assert!(
        signed.stdout.contains(&format!("@sha256:{root} -> {repository}:sha256-{root}.sig\n")),
        "{}",
        signed.stdout
    );
    assert_eq!(signing.signatures("pkg"), 2);
    let mirrored = ["--signed-as", "docker.io/aptman/qus", &pkg];
    sign("qus.key", &mirrored).success();
    verify("qus.pub", &["--signed-as", "aptman/qus"]).success();
    for key in ["qus", "other"] {
        verify(&format!("{key}.pub"), &[]).success();
        assert!(signing.is_trusted("pkg", &format!("/keys/{key}.pub")), "{key}");
    }
    signing.make_key("third");
    assert!(!signing.is_trusted("pkg", "/keys/third.pub"));
}

#[test]
fn signatures_of_others_count_and_stay() {
    let Some(sandbox) = programs("signatures_of_others_count_and_stay") else { return };
    let signing = Signing::new(&sandbox);
    let Signing { line, repository, .. } = &signing;
    signing.attachments();
    signing.shell("cd /keys; echo secret > word; skopeo generate-sigstore-key --output-prefix theirs --passphrase-file word");
    for end in ["pub", "private"] {
        line.write(&format!("theirs.{end}"), &signing.shell(&format!("cat /keys/theirs.{end}")));
    }
    signing.shell(&format!(
        "cd /keys; skopeo --insecure-policy --registries.d d copy --src-tls-verify=false --dest-tls-verify=false \
         --sign-by-sigstore-private-key theirs.private --sign-passphrase-file word \
         docker://{repository}:pkg docker://{repository}:copied",
    ));
    let copied = signing.image("copied");
    line.run(&["verify", "--key", "theirs.pub", &copied]).success();
    line.run(&["verify", "--key", "qus.pub", &copied]).failure(1);
    line.run(&["sign", "--key", "qus.key", &copied]).success();
    assert_eq!(signing.signatures("copied"), 2);
    for key in ["theirs", "qus"] {
        line.run(&["verify", "--key", &format!("{key}.pub"), &copied]).success();
        assert!(signing.is_trusted("copied", &format!("/keys/{key}.pub")), "{key}");
    }
    let refused = line.run(&["sign", "--key", "theirs.private", &copied]).failure(1);
    let expected =
        "error: cannot use theirs.private: the key is encrypted\nhint: whatever decrypts it can pipe it in";
    assert!(refused.stderr.starts_with(expected), "{}", refused.stderr);
}

#[test]
fn what_is_no_key_or_no_image_is_refused() {
    let line = Line::locked(&["amd64"]);
    line.run(&["images", "--kind", "pkg"]).success();
    line.write("binary.key", "\u{0}");
    let image = "127.0.0.1:1/aptman/qus:pkg";
    for (args, expected) in [
        (
            &["sign", "--key", "none.key", image][..],
            "error: cannot read none.key: No such file or directory (os error 2)\n",
        ),
        (
            &["sign", "--key", "binary.key", image],
            "error: cannot use binary.key: this is no private key in PKCS#8 (`BEGIN PRIVATE KEY`) on the curve P-256\n\
             hint: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out qus.key makes one\n",
        ),
        (
            &["verify", "--key", "binary.key", image],
            "error: cannot use binary.key: this is no public key (`BEGIN PUBLIC KEY`) on the curve P-256\n\
             hint: openssl pkey -in qus.key -pubout -out qus.pub makes one of a private key\n",
        ),
        (
            &["verify", "--key", "qus.pub", "target/images"],
            "error: target/images is a layout, and signatures are at a registry\n\
             hint: name the image there: `cargo xtask verify --key FILE docker.io/aptman/qus:latest`\n",
        ),
    ] {
        let refused = line.run(args).failure(1);
        assert_eq!((refused.stdout.as_str(), refused.stderr.as_str()), ("", expected), "{args:?}");
    }
}
