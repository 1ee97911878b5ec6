//! The plans of selections, to the tag.

use std::collections::BTreeMap;

use super::*;
use base::Hint as _;
use debian::lock::{Package, Role, Suite};
use sha256::Digest;

const HOSTS: [&str; 3] = ["amd64", "i386", "mipsel"];

type Targets = BTreeSet<Target>;

fn of_class(class: arch::Class) -> Targets {
    Target::current().filter(|target| target.elf().class == class).collect()
}

/// A package of `host` and `suite`, and the targets that the newest and the series have of it.
fn package(host: &str, suite: &str, version: &str, targets: Targets, series: Targets) -> Package {
    Package {
        name: "qemu-user".to_owned(),
        host: host.parse().unwrap(),
        suite: suite.to_owned(),
        version: version.to_owned(),
        path: format!("pool/{host}-{suite}.deb"),
        size: 1,
        digest: Digest::of(format!("{host} {suite}").as_bytes()),
        role: Role::Qemu(targets),
        series,
        passed_over: BTreeSet::new(),
    }
}

fn lock_of(packages: Vec<Package>) -> Lock {
    let suite = |name: &str, date| Suite {
        name: name.to_owned(),
        codename: name.to_owned(),
        date,
        inrelease: Digest::of(name.as_bytes()),
        allow_expired: false,
        allow_older: false,
        without: BTreeSet::new(),
    };
    Lock::new(vec![suite("sid", 2), suite("bookworm", 1)], packages).unwrap()
}

fn lock() -> Lock {
    let [narrow, wide] = [arch::Class::Bits32, arch::Class::Bits64].map(of_class);
    let package = |host, suite, version, targets: &Targets| {
        package(host, suite, version, targets.clone(), Targets::new())
    };
    lock_of(vec![
        package("amd64", "sid", "1:11.1.3+ds-1", &narrow),
        package("amd64", "bookworm", "1:11.1.3+ds-1", &wide),
        package("i386", "sid", "1:10.2.2+ds-1", &narrow),
        package("i386", "bookworm", "1:7.2+dfsg-7", &wide),
        package("mipsel", "sid", "1:9.2", &narrow),
        package("mipsel", "bookworm", "1:7.2+dfsg-7", &wide),
    ])
}

/// One of which amd64 has nothing in bookworm that is newest, i386 has a part of it, and mipsel all.
fn lock_with_series() -> Lock {
    let [narrow, wide] = [arch::Class::Bits32, arch::Class::Bits64].map(of_class);
    let all: Targets = Target::current().collect();
    lock_of(vec![
        package("amd64", "sid", "1:11.1.3+ds-1", all.clone(), Targets::new()),
        package("amd64", "bookworm", "1:7.2+dfsg-7", Targets::new(), all.clone()),
        package("i386", "sid", "1:10.2.2+ds-1", narrow, Targets::new()),
        package("i386", "bookworm", "1:7.2+dfsg-7", wide, all.clone()),
        package("mipsel", "bookworm", "1:7.2+dfsg-7", all.clone(), all),
    ])
}

fn plan(hosts: &[&str], kinds: &[&str], targets: &[&str]) -> Result<Plan, String> {
    let selection = Selection {
        hosts: hosts.iter().map(|name| name.parse().unwrap()).collect(),
        kinds: kinds.iter().map(|name| name.parse().unwrap()).collect(),
        targets: targets.iter().map(|name| name.parse().unwrap()).collect(),
        ..Selection::default()
    };
    resolve(&selection)
}

fn resolve(selection: &Selection) -> Result<Plan, String> {
    let configured = HOSTS.map(|name| name.parse().unwrap());
    Plan::new(&configured, selection, &lock()).map_err(|error| error.to_string())
}

/// All tags but those that never move.
fn tags(plan: &Plan) -> Vec<String> {
    let images = plan.images.iter().flat_map(|image| image.tags.clone());
    let of_index =
        |index: &IndexPlan| index.moving_tag.iter().chain(&index.version_tag).cloned().collect::<Vec<_>>();
    images.chain(plan.indexes.iter().flat_map(of_index)).collect()
}

#[test]
fn everything_is_built_unless_something_is_selected() {
    let plan = plan(&[], &[], &[]).unwrap();
    // One host with six kinds and twice 33 targets, one without `run` and so with four and once 33, and one with `pkg` alone; the
    // latter two have several versions, and so the three with QEMU and `pkg` again, of one version.
    assert_eq!(plan.images.len(), (6 + 2 * 33) + (4 + 33) + 1 + 3 + 1);
    let moving = plan.indexes.iter().filter(|index| index.moving_tag.is_some());
    assert_eq!(moving.count(), 6 + 2 * 33);
}

#[test]
fn tags_name_each_hosts_own_version() {
    let plan = plan(&[], &["pkg", "register", "full", "binfmt"], &[]).unwrap();
    let expected = [
        "amd64-d11.1-pkg",
        "amd64-d11.1-register",
        "amd64-d11.1",
        "amd64-d11.1-binfmt",
        "i386-d10.2-newest-pkg",
        "i386-d10.2-register",
        "i386-d10.2-newest",
        "i386-d10.2-newest-binfmt",
        "mips-d9.2-newest-pkg",
        "mips-pkg",
        "i386-d10.2-pkg",
        "i386-d10.2",
        "i386-d10.2-binfmt",
        "mips-d9.2-pkg",
        "pkg",
        "d11.1-pkg",
        "d10.2-pkg",
        "d9.2-pkg",
        "register",
        "d11.1-register",
        "d10.2-register",
        "latest",
        "d11.1",
        "d10.2",
        "binfmt",
        "d11.1-binfmt",
        "d10.2-binfmt",
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
    let expected = ["aarch64", "d11.1-aarch64", "d7.2-aarch64", "run-aarch64", "d11.1-run-aarch64"];
    assert_eq!(tags(&single), expected);
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
        "mips-d9.2-newest-pkg",
        "mips-pkg",
        "mips-d9.2-newest-pkg-zstd",
        "mips-pkg-zstd",
        "mips-d9.2-pkg",
        "mips-d9.2-pkg-zstd",
        "pkg",
        "d11.1-pkg",
        "d9.2-pkg",
        "pkg-zstd",
        "d11.1-pkg-zstd",
        "d9.2-pkg-zstd",
    ];
    assert_eq!(tags(&plan), expected);
    let forms: Vec<_> = plan.indexes.iter().map(|index| index.forms).collect();
    let (both, zstd): (&[Form], &[Form]) = (&[Form::Gzip, Form::Zstd], &[Form::Zstd]);
    assert_eq!(forms, [both, both, both, zstd, zstd, zstd]);

    // Alone, zstd is what the usual tags mean.
    let plan = resolve(&Selection { compression: Compression::Zstd, ..selection }).unwrap();
    assert_eq!(plan.indexes[0].tags().collect::<Vec<_>>(), ["pkg"]);
    assert_eq!(plan.indexes[0].forms, [Form::Zstd]);
}

#[test]
fn a_single_target_has_the_version_of_its_own_cells() {
    let plan = plan(&["i386"], &[], &["arm64", "arm"]).unwrap();
    assert_eq!(tags(&plan), ["aarch64", "d7.2-aarch64", "arm", "d10.2-arm"]);
}

fn hosts(plan: &Plan, index: &IndexPlan) -> Vec<&'static str> {
    plan.listed(index).into_iter().map(|place| plan.images[place].host.name()).collect()
}

/// The hosts of each index.
fn listed(plan: &Plan) -> Vec<String> {
    let line = |index: &IndexPlan| {
        let tags = index.moving_tag.iter().chain(&index.version_tag);
        let tags: Vec<&str> = tags.map(String::as_str).collect();
        let hosts: Vec<&str> = hosts(plan, index);
        format!("{}: {}", tags.join(" "), hosts.join(" "))
    };
    plan.indexes.iter().map(line).collect()
}

fn of_series(series: &[&str], targets: &[&str]) -> Result<Plan, Hinted> {
    let targets: Vec<Target> = targets.iter().map(|name| name.parse().unwrap()).collect();
    let kinds = if targets.is_empty() { vec![Kind::Pkg] } else { Vec::new() };
    let series = series.iter().map(|name| (*name).to_owned()).collect();
    let selection = Selection { kinds, targets, series, ..Selection::default() };
    Plan::new(&HOSTS.map(|name| name.parse().unwrap()), &selection, &lock_with_series())
}

#[test]
fn a_version_has_that_version_in_every_image_and_one_owner() {
    // What the newest has of bookworm's version is not all that there is of it: its index is bookworm's to make.
    let newest = of_series(&[], &[]).unwrap();
    let own = ["amd64-d11.1-pkg", "i386-d10.2-newest-pkg", "mips-d7.2-pkg", "mips-pkg", "i386-d10.2-pkg"];
    assert_eq!(tags(&newest)[..5], own);
    let indexes = ["pkg: amd64 i386 mipsel", "d11.1-pkg: amd64", "d10.2-pkg: i386"];
    assert_eq!(listed(&newest), indexes);

    let bookworm = of_series(&["bookworm"], &[]).unwrap();
    let own = ["amd64-d7.2-pkg", "i386-d7.2-pkg", "mips-d7.2-pkg", "d7.2-pkg"];
    assert_eq!(tags(&bookworm), own);
    assert_eq!(listed(&bookworm), ["d7.2-pkg: amd64 i386 mipsel"]);

    // mipsel has the same twice, and so one image, in both indexes.
    let both = of_series(&["newest", "bookworm"], &[]).unwrap();
    assert_eq!(listed(&both), [&indexes[..], &["d7.2-pkg: amd64 i386 mipsel"]].concat());
    assert_eq!(listed(&of_series(&["all"], &[]).unwrap()), listed(&both));
    assert_eq!(tags(&both).iter().filter(|tag| *tag == "mips-d7.2-pkg").count(), 1);
}

#[test]
fn a_target_has_an_index_for_each_version() {
    let listed_in = |series: &[&str]| listed(&of_series(series, &["aarch64"]).unwrap());
    let run = ["run-aarch64 d11.1-run-aarch64: amd64"];
    assert_eq!(listed_in(&[]), [&["aarch64: amd64 i386", "d11.1-aarch64: amd64"][..], &run].concat());
    assert_eq!(listed_in(&["bookworm"]), ["d7.2-aarch64: amd64 i386", "d7.2-run-aarch64: amd64"]);
}

/// A choice is for the tags without a version: those with one have it in every image.
#[test]
fn what_is_passed_over_has_its_tags_still() {
    let amd64: Host = "amd64".parse().unwrap();
    let choices = [((amd64, "arm".parse().unwrap()), "bookworm".to_owned())].into();
    let lock = lock_with_series().with_choices(&choices).unwrap();
    let plan = |series: &str, kinds: Vec<Kind>, targets: &[&str]| {
        let targets = targets.iter().map(|name| name.parse().unwrap()).collect();
        let selection = Selection { kinds, targets, series: vec![series.to_owned()], ..Selection::default() };
        Plan::new(&HOSTS.map(|name| name.parse().unwrap()), &selection, &lock).unwrap()
    };
    let newest = plan(NEWEST, vec![Kind::Pkg], &["arm", "aarch64"]);
    let own =
        ["amd64-d11.1-newest-pkg", "i386-d10.2-newest-pkg", "mips-d7.2-pkg", "mips-pkg", "amd64-d11.1-pkg"];
    assert_eq!(tags(&newest)[..5], own);
    assert_eq!(
        listed(&newest),
        [
            "pkg: amd64 i386 mipsel",
            "d11.1-pkg: amd64",
            "d10.2-pkg: i386",
            "aarch64: amd64 i386",
            "d11.1-aarch64: amd64",
            "run-aarch64 d11.1-run-aarch64: amd64",
            "arm: amd64 i386",
            "d11.1-arm: amd64",
            "d10.2-arm: i386",
            "run-arm: amd64",
            "d11.1-run-arm: amd64",
        ]
    );
    let versions = |tag: &str| -> Vec<String> {
        let index = newest.indexes.iter().find(|index| index.tags().any(|name| name == tag)).unwrap();
        let images = newest.listed(index).into_iter().map(|place| &newest.images[place]);
        let cell = |image: &ImagePlan| newest.lock(image).cell(image.host, "arm".parse().unwrap()).cloned();
        images.map(|image| cell(image).unwrap().qemu_version().unwrap().to_string()).collect()
    };
    // In images with everything, too.
    assert_eq!(versions("pkg"), ["7.2", "10.2", "7.2"]);
    assert_eq!(versions("d11.1-pkg"), ["11.1"]);
    assert_eq!(
        (versions("arm"), versions("d11.1-arm")),
        (vec!["7.2".to_owned(), "10.2".to_owned()], vec!["11.1".to_owned()])
    );
    let index = |tag: &str| newest.indexes.iter().find(|index| index.tags().any(|name| name == tag)).unwrap();
    assert_eq!(index("d11.1-arm").fixed_tags, ["11.1.3-arm", "11.1.3.0-arm"]);
    // A series is what it was.
    let bookworm = plan("bookworm", vec![Kind::Pkg], &[]);
    assert_eq!(listed(&bookworm), ["d7.2-pkg: amd64 i386 mipsel"]);
    assert_eq!(tags(&bookworm), tags(&of_series(&["bookworm"], &[]).unwrap()));
}

#[test]
fn a_whole_version_has_tags_that_never_move() {
    let fixed = |builds: &[(&str, u32)], lock: &Lock| -> Vec<String> {
        let builds = builds.iter().map(|(version, build)| ((*version).to_owned(), *build));
        let selection = Selection {
            kinds: vec![Kind::Pkg, Kind::Register],
            targets: vec!["arm".parse().unwrap()],
            builds: Builds::new(builds.collect()),
            ..Selection::default()
        };
        let plan = Plan::new(&HOSTS.map(|name| name.parse().unwrap()), &selection, lock).unwrap();
        let line = |index: &IndexPlan| {
            let hosts = hosts(&plan, index);
            format!("{}: {}", index.fixed_tags.join(" "), hosts.join(" "))
        };
        plan.indexes.iter().filter(|index| !index.fixed_tags.is_empty()).map(line).collect()
    };
    let first = [
        "11.1.3-pkg 11.1.3.0-pkg: amd64",
        "10.2.2-pkg 10.2.2.0-pkg: i386",
        "11.1.3-register 11.1.3.0-register: amd64",
        "10.2.2-register 10.2.2.0-register: i386",
        "11.1.3-arm 11.1.3.0-arm: amd64",
        "10.2.2-arm 10.2.2.0-arm: i386",
        "11.1.3-run-arm 11.1.3.0-run-arm: amd64",
    ];
    assert_eq!(fixed(&[], &lock_with_series()), first);
    let second = fixed(&[("11.1.3", 2)], &lock_with_series());
    assert_eq!(second[..2], ["11.1.3.2-pkg: amd64", first[1]]);
    // A host that is behind by a patch is in the minor version's index alone.
    let mut packages = lock_with_series().packages().to_vec();
    let i386 = packages.iter_mut().find(|package| package.host.name() == "i386").unwrap();
    i386.version = "1:11.1.2+ds-3".to_owned();
    let behind = fixed(&[], &lock_of(packages));
    assert_eq!(behind[..2], [first[0], "11.1.2-pkg 11.1.2.0-pkg: i386"]);
}

/// A tag as Renovate's docker versioning and Dependabot read it: numbers, and a suffix that has to be the same.
fn as_bots_read_it(tag: &str) -> Option<(Vec<u32>, &str)> {
    // Renovate: /^(?<version>\d+(?:\.\d+)*)(?<prerelease>\w*)$/ before the first `-`, and the rest is the suffix; one that is seven
    // or more hexadecimal digits alone is a commit. Dependabot: the same numbers, and -[a-z][a-z0-9.\-]* as suffix, which must not
    // end in `-` and seven or more hexadecimal digits.
    let (numbers, suffix) = tag.split_once('-').unwrap_or((tag, ""));
    let numbers: Option<Vec<u32>> = numbers.split('.').map(|number| number.parse().ok()).collect();
    let is_word = |text: &str| text.starts_with(|c: char| c.is_ascii_lowercase());
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-');
    let is_commit = |part: &str| part.len() >= 7 && part.chars().all(|c| c.is_ascii_hexdigit());
    let is_suffix = suffix.is_empty() || is_word(suffix) && suffix.chars().all(is_plain);
    numbers.filter(|_| is_suffix && !tag.split('-').any(is_commit)).map(|numbers| (numbers, suffix))
}

#[test]
fn bots_order_tags_that_never_move() {
    let plan = |version: &str, build| {
        let mut packages = lock_with_series().packages().to_vec();
        packages[0].version = format!("1:{version}+ds-1");
        let builds = Builds::new([(version.to_owned(), build)].into());
        let selection = Selection { hosts: vec!["amd64".parse().unwrap()], builds, ..Selection::default() };
        let plan = Plan::new(&HOSTS.map(|name| name.parse().unwrap()), &selection, &lock_of(packages));
        plan.unwrap().indexes.into_iter().flat_map(|index| index.fixed_tags).collect::<Vec<String>>()
    };
    // Both compare tags with as many numbers and the same suffix.
    let of = |tags: &[String], numbers: usize| -> BTreeMap<String, Vec<u32>> {
        let read = tags.iter().map(|tag| as_bots_read_it(tag).unwrap_or_else(|| panic!("{tag}")));
        let read = read.filter(|(found, _)| found.len() == numbers);
        read.map(|(numbers, suffix)| (suffix.to_owned(), numbers)).collect()
    };
    let [old, again, new] =
        [("11.1.3", 0), ("11.1.3", 1), ("11.1.10", 0)].map(|(version, build)| plan(version, build));
    let contents = 6 + 2 * Target::current().count();
    for (older, newer, numbers) in [(&old, &again, 4), (&again, &new, 4), (&old, &new, 3), (&old, &new, 4)] {
        let (older, newer) = (of(older, numbers), of(newer, numbers));
        assert_eq!((older.len(), newer.len()), (contents, contents));
        assert!(older.iter().all(|(suffix, numbers)| newer[suffix] > *numbers));
    }
    // The second build has no tag of the first's.
    assert_eq!(of(&again, 3), BTreeMap::new());
    assert_eq!(as_bots_read_it("d11.1-aarch64"), None);
}

#[test]
fn what_a_series_does_not_have_is_said_with_who_has_it() {
    let error = of_series(&["trixie"], &[]).unwrap_err();
    assert_eq!(error.to_string(), "images/debian.lock has no series `trixie`");
    assert!(error.hint().unwrap().starts_with("it has newest, bookworm; "), "{error:?}");
    let mut packages = lock_with_series().packages().to_vec();
    packages.retain(|package| package.path != "pool/amd64-bookworm.deb");
    let of_host = |series: &str| {
        let hosts = vec!["amd64".parse().unwrap()];
        let selection = Selection { hosts, series: vec![series.to_owned()], ..Selection::default() };
        Plan::new(&HOSTS.map(|name| name.parse().unwrap()), &selection, &lock_of(packages.clone()))
    };
    assert!(of_host("newest").is_ok());
    let error = of_host("bookworm").unwrap_err();
    assert_eq!(error.to_string(), "the series `bookworm` has no QEMU for the host `amd64`");
    assert_eq!(error.hint().unwrap(), "these have it: `newest` (QEMU 11.1)");
    let error = of_series(&["bookworm"], &["cris"]).unwrap_err();
    assert_eq!(error.to_string(), "the series `bookworm` has no QEMU for `cris`");
    assert_eq!(error.hint().unwrap(), "no series has it");
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
