//! The plans of selections, to the tag.

use super::*;
use debian::lock::{Package, Role, Suite};
use sha256::Digest;

const HOSTS: [&str; 3] = ["amd64", "i386", "mipsel"];

fn lock() -> Lock {
    let suite = |name: &str, date| Suite {
        name: name.to_owned(),
        codename: name.to_owned(),
        date,
        inrelease: Digest::of(name.as_bytes()),
        allow_expired: false,
        allow_older: false,
        without: BTreeSet::new(),
    };
    let package = |host: &str, suite: &str, version: &str, wide: bool| Package {
        name: "qemu-user".to_owned(),
        host: host.parse().unwrap(),
        suite: suite.to_owned(),
        version: version.to_owned(),
        path: format!("pool/{host}-{suite}.deb"),
        size: 1,
        digest: Digest::of(host.as_bytes()),
        role: Role::Qemu(
            Target::current().filter(|target| (target.elf().class == arch::Class::Bits64) == wide).collect(),
        ),
    };
    let packages = vec![
        package("amd64", "sid", "1:11.1.3+ds-1", false),
        package("amd64", "bookworm", "1:11.1.3+ds-1", true),
        package("i386", "sid", "1:10.2.2+ds-1", false),
        package("i386", "bookworm", "1:7.2+dfsg-7", true),
        package("mipsel", "sid", "1:9.2", false),
        package("mipsel", "bookworm", "1:7.2+dfsg-7", true),
    ];
    Lock::new(vec![suite("sid", 2), suite("bookworm", 1)], packages).unwrap()
}

fn plan(hosts: &[&str], kinds: &[&str], targets: &[&str]) -> Result<Plan, String> {
    let selection = Selection {
        hosts: hosts.iter().map(|name| name.parse().unwrap()).collect(),
        kinds: kinds.iter().map(|name| name.parse().unwrap()).collect(),
        targets: targets.iter().map(|name| name.parse().unwrap()).collect(),
        compression: Compression::Gzip,
    };
    resolve(&selection)
}

fn resolve(selection: &Selection) -> Result<Plan, String> {
    let configured = HOSTS.map(|name| name.parse().unwrap());
    Plan::new(&configured, selection, &lock()).map_err(|error| error.to_string())
}

fn tags(plan: &Plan) -> Vec<String> {
    let images = plan.images.iter().flat_map(|image| image.tags.clone());
    images.chain(plan.indexes.iter().flat_map(|index| index.tags.clone())).collect()
}

#[test]
fn everything_is_built_unless_something_is_selected() {
    let plan = plan(&[], &[], &[]).unwrap();
    // One host with six kinds and twice 33 targets, one without `run` and so with four and once 33, and one with `pkg` alone.
    assert_eq!(plan.images.len(), (6 + 2 * 33) + (4 + 33) + 1);
    assert_eq!(plan.indexes.len(), 6 + 2 * 33);
}

#[test]
fn tags_name_each_hosts_own_version() {
    let plan = plan(&[], &["pkg", "register", "full", "binfmt"], &[]).unwrap();
    let expected = [
        "amd64-d11.1-pkg",
        "amd64-d11.1-register",
        "amd64-d11.1",
        "amd64-d11.1-binfmt",
        "i386-d10.2-pkg",
        "i386-d10.2-register",
        "i386-d10.2",
        "i386-d10.2-binfmt",
        "mips-d9.2-pkg",
        "mips-pkg",
        "pkg",
        "d11.1-pkg",
        "register",
        "d11.1-register",
        "latest",
        "d11.1",
        "binfmt",
        "d11.1-binfmt",
    ];
    assert_eq!(tags(&plan), expected);
}

#[test]
fn run_is_for_hosts_that_have_it() {
    let kinds = plan(&[], &["run", "buildkit"], &[]).unwrap();
    let expected =
        ["amd64-d11.1-run", "amd64-d11.1-buildkit", "run", "d11.1-run", "buildkit", "d11.1-buildkit"];
    assert_eq!(tags(&kinds), expected);
    let single = plan(&["amd64", "i386"], &[], &["arm64"]).unwrap();
    assert_eq!(tags(&single), ["aarch64", "d11.1-aarch64", "run-aarch64", "d11.1-run-aarch64"]);
    assert_eq!(single.images.len(), 3);
}

#[test]
fn both_forms_have_tags_of_their_own_and_share_an_index() {
    let selection = Selection {
        hosts: vec!["amd64".parse().unwrap(), "mipsel".parse().unwrap()],
        kinds: vec!["pkg".parse().unwrap()],
        compression: Compression::Both,
        ..Selection::default()
    };
    let plan = resolve(&selection).unwrap();
    let expected = [
        "amd64-d11.1-pkg",
        "amd64-d11.1-pkg-zstd",
        "mips-d9.2-pkg",
        "mips-pkg",
        "mips-d9.2-pkg-zstd",
        "mips-pkg-zstd",
        "pkg",
        "d11.1-pkg",
        "pkg-zstd",
        "d11.1-pkg-zstd",
    ];
    assert_eq!(tags(&plan), expected);
    let forms: Vec<_> = plan.indexes.iter().map(|index| index.forms).collect();
    assert_eq!(forms, [&[Form::Gzip, Form::Zstd][..], &[Form::Zstd]]);

    // Alone, zstd is what the usual tags mean.
    let plan = resolve(&Selection { compression: Compression::Zstd, ..selection }).unwrap();
    assert_eq!(plan.indexes[0].tags, ["pkg", "d11.1-pkg"]);
    assert_eq!(plan.indexes[0].forms, [Form::Zstd]);
}

#[test]
fn a_single_target_has_the_version_of_its_own_cells() {
    let plan = plan(&["i386"], &[], &["arm64", "arm"]).unwrap();
    assert_eq!(tags(&plan), ["aarch64", "d7.2-aarch64", "arm", "d10.2-arm"]);
}

#[test]
fn what_cannot_be_built_is_said() {
    let check = |hosts: &[&str], kinds: &[&str], targets: &[&str], expected: &str| {
        assert_eq!(plan(hosts, kinds, targets).unwrap_err(), expected);
    };
    check(&["s390x"], &[], &[], "the host `s390x` is not built here");
    check(&["mipsel"], &["full"], &[], "nothing to build: there are no such images for mipsel");
    check(&["mipsel", "i386"], &["run"], &[], "nothing to build: there are no such images for i386, mipsel");
    check(&[], &[], &["cris"], "images/debian.lock has no package with `cris` for any of the hosts");
}
