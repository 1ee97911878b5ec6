//! The order of a push, what it skips, and what it reports.

use std::fs;
use std::path::Path;
use std::sync::Mutex;

use base::Hint as _;
use oci::Blob;
use oci::spec::{Descriptor, Index, Manifest, media_type};

use super::guard::Guard;
use super::server::{Fault, Rule, Server};
use super::setup::{Setup, connect, connected, options, pushed};
use crate::fixture::{plan, tagged};
use crate::publish::credentials::Credentials;
use crate::publish::layout::LayoutWriter;
use crate::publish::limits;
use crate::publish::registry::{Event, Mode, Options, Progress, Push, Silent, check_fixed, push};

#[tokio::test]
async fn tags_come_last_and_what_they_need_before_them() {
    let (setup, server) = (Setup::new(), Server::open());
    let report = setup.push(&server).await.unwrap();
    setup.assert_complete(&server, "push");
    assert_eq!((report.uploaded.len(), report.manifests.len(), report.tags.len()), (6, 5, 3));
    let state = server.state();
    let is = |line: &str, part: &str| line.starts_with("PUT") && line.contains(part);
    let at = |part: &str| state.log.iter().rposition(|line| is(line, part)).unwrap();
    let first = |part: &str| state.log.iter().position(|line| is(line, part)).unwrap();
    let index = |n: usize| format!("manifests/{}", setup.plan[n].descriptor.digest);
    // The plan: pkg, the amd64 image, latest.
    let order = [
        at("/uploads/"),
        first("/manifests/"),
        at("manifests/amd64-d1.0"),
        first(&index(0)),
        at("manifests/pkg"),
        at("manifests/latest"),
    ];
    assert!(order.is_sorted(), "{order:?}");
    assert_eq!(at("/"), at("manifests/latest"));
}

#[tokio::test]
async fn a_second_push_only_looks() {
    let (setup, server) = pushed(Vec::new()).await;
    server.state().log.clear();
    let report = setup.push(&server).await.unwrap();
    assert!(report.unchanged(), "{report:?}");
    assert_eq!(report.bytes_uploaded(), 0);
    let log = server.state().log.clone();
    assert!(log.iter().all(|line| line.starts_with("HEAD ")), "{log:?}");
    // A tag that points to the right thing answers for it, and for what it lists.
    assert_eq!(log.len(), 1 + setup.plan.len(), "{log:?}");
}

#[tokio::test]
async fn what_is_below_a_tag_that_is_wrong_is_asked_for_and_nothing_else() {
    let (setup, server) = pushed(Vec::new()).await;
    let wrong = setup.plan.iter().find(|push| push.tag.as_deref() == Some("latest")).unwrap();
    server.state().tags.remove("latest");
    server.state().log.clear();
    let report = setup.push(&server).await.unwrap();
    assert_eq!((report.uploaded.len(), report.present.len(), report.manifests.len()), (0, 0, 0));
    let index: Index = setup.layout.json(&wrong.descriptor).unwrap();
    let digests = index.manifests.iter().chain([&wrong.descriptor]).map(|one| one.digest.to_string());
    let digests: Vec<String> = digests.collect();
    let log = server.state().log.clone();
    let asked: Vec<&str> =
        log.iter().filter_map(|line| line.split_once("/manifests/sha256:")).map(|(_, hex)| hex).collect();
    assert!(!asked.is_empty(), "{log:?}");
    assert!(asked.iter().all(|hex| digests.contains(&format!("sha256:{hex}"))), "{log:?}");
    assert_eq!(log.iter().filter(|line| line.starts_with("PUT ")).count(), 1, "{log:?}");
    setup.assert_complete(&server, "latest");
}

#[tokio::test]
async fn a_tag_that_never_moves_stops_a_push_before_it_begins() {
    let (mut setup, server) = pushed(Vec::new()).await;
    // The same again is no move.
    for push in &mut setup.plan {
        push.fixed = true;
    }
    assert!(setup.push(&server).await.unwrap().unchanged());

    let last = setup.plan.len() - 1;
    let (other, first) = (setup.plan[0].descriptor.clone(), setup.plan[0].tag.clone().unwrap());
    let elsewhere = std::mem::replace(&mut setup.plan[last].descriptor, other).digest.to_string();
    setup.plan.push(Push { tag: Some("new".to_owned()), ..setup.plan[0].clone() });
    server.state().tags.insert(first.clone(), elsewhere);
    let registry = connected(&server).await;
    for mode in [Mode::DryRun, Mode::Push] {
        server.state().log.clear();
        let error = setup.push_to(&registry, mode).await.unwrap_err();
        let expected = format!("the tag `{first}`, with 1 more, never moves, and points to something else");
        assert!(error.to_string().ends_with(&expected), "{error}");
        assert!(error.hint().is_some_and(|hint| hint.contains("[builds]")));
        assert!(server.state().log.iter().all(|line| line.starts_with("HEAD ")));
    }
    // Where a registry does not have it, it is pushed.
    let elsewhere = Server::open();
    let report = setup.push(&elsewhere).await.unwrap();
    assert!(report.tags.iter().all(|tag| tag.moved));
}

#[tokio::test]
async fn a_tag_that_was_seen_is_asked_for_only_where_there_is_something_to_do() {
    let (mut setup, server) = pushed(Vec::new()).await;
    // The plan: pkg, the amd64 image, latest.
    setup.plan[0].fixed = true;
    let (right, other) = (setup.plan[0].descriptor.digest, setup.plan[2].descriptor.digest);
    let seen = |digest| [("pkg".to_owned(), digest)].into();
    let push = async |plan: &[Push], seen, repair| {
        let registry = connect(server.address, Credentials::Anonymous, Options { seen, repair, ..options() });
        let registry = registry.await.unwrap();
        server.state().log.clear();
        push(&setup.layout, plan, &[], &registry, Mode::Push, &Silent).await
    };
    let asked = || server.count("HEAD", "/manifests/pkg");
    let report = push(&setup.plan, seen(right), false).await.unwrap();
    assert!(report.unchanged() && report.tags.len() == 3, "{report:?}");
    assert_eq!((asked(), server.state().log.len()), (0, 2));
    // Nor is it known that somebody has moved it.
    server.state().tags.insert("pkg".to_owned(), other.to_string());
    assert!(push(&setup.plan, seen(right), false).await.unwrap().unchanged());
    // Where it was seen elsewhere, where everything is asked for, where there is no other, and where another is wrong.
    let error = format!(
        "cannot push to {}/aptman/qus: the tag `pkg` never moves, and points to something else",
        server.address
    );
    for (plan, seen_at, repair) in
        [(&setup.plan[..], other, false), (&setup.plan, right, true), (&setup.plan[..1], right, false)]
    {
        let refused = push(plan, seen(seen_at), repair).await.unwrap_err();
        assert_eq!((refused.to_string(), asked()), (error.clone(), 1));
    }
    server.state().tags.remove("latest");
    assert_eq!(push(&setup.plan, seen(right), false).await.unwrap_err().to_string(), error);
    assert_eq!((server.count("P", ""), server.state().tags.contains_key("latest")), (0, false));
    let registry = connected(&server).await;
    server.state().log.clear();
    assert_eq!(check_fixed(&setup.plan, &registry).await.unwrap_err().to_string(), error);
    assert_eq!(server.state().log, ["HEAD /v2/aptman/qus/manifests/pkg"]);
    // One that is right needs no second look, unless everything is to be looked at.
    for (tag, repair, expected) in
        [(Some(right), false, &["pkg"][..]), (Some(right), true, &[]), (None, false, &[])]
    {
        server.state().tags.remove("pkg");
        server.state().tags.extend(tag.map(|right| ("pkg".to_owned(), right.to_string())));
        let registry = connect(server.address, Credentials::Anonymous, Options { repair, ..options() });
        let there = check_fixed(&setup.plan, &registry.await.unwrap()).await.unwrap();
        assert!(there.iter().eq(expected), "{there:?}");
    }
    // A tag that is gone comes back with the others.
    server.state().tags.remove("pkg");
    assert_eq!(
        push(&setup.plan, seen(right), false).await.unwrap().tags.iter().filter(|tag| tag.moved).count(),
        2
    );
    setup.assert_complete(&server, "again");
}

#[tokio::test]
async fn what_a_registry_has_lost_below_a_tag_is_repaired_when_asked_for() {
    let (setup, server) = pushed(Vec::new()).await;
    let push = async |repair, mode| {
        let options = Options { repair, ..options() };
        let registry = connect(server.address, Credentials::Anonymous, options).await.unwrap();
        setup.push_to(&registry, mode).await.unwrap()
    };
    let (manifest, blob) = {
        let mut state = server.state();
        // As a cleaner does that takes what has no tag for rubbish.
        let tagged: Vec<String> = state.tags.values().cloned().collect();
        let untagged = |digest: &&String| !tagged.contains(digest);
        let manifest = state.manifests.keys().find(untagged).unwrap().clone();
        state.manifests.remove(&manifest);
        (manifest, state.blobs.pop_last().unwrap().0)
    };
    assert!(push(false, Mode::Push).await.unchanged());
    let digests = |found: &[Descriptor]| found.iter().map(|one| one.digest.to_string()).collect::<Vec<_>>();
    let would = push(true, Mode::DryRun).await;
    let report = push(true, Mode::Push).await;
    assert_eq!(would, report);
    assert_eq!((digests(&report.uploaded), digests(&report.manifests)), (vec![blob], vec![manifest]));
    assert!(report.tags.iter().all(|tag| !tag.moved), "{report:?}");
    setup.assert_complete(&server, "repaired");
    server.state().log.clear();
    assert!(push(true, Mode::Push).await.unchanged());
    assert!(server.state().log.iter().all(|line| line.starts_with("HEAD ")));
}

#[tokio::test]
async fn a_dry_run_changes_nothing_and_says_what_a_push_says() {
    let (setup, server) = (Setup::new(), Server::open());
    let told = setup.push_to(&connected(&server).await, Mode::DryRun).await.unwrap();
    assert_eq!(server.count("P", ""), 0);
    let done = setup.push(&server).await.unwrap();
    assert_eq!(told, done);
    assert!(done.bytes_uploaded() > 16_000);
}

#[tokio::test]
async fn blobs_are_mounted_where_the_registry_can() {
    let (setup, other) = pushed(Vec::new()).await;
    let server = Server::open();
    // One blob less than all: that mount is answered with 202, and an upload.
    let mut elsewhere = other.state().blobs.clone();
    elsewhere.pop_last();
    server.state().elsewhere = elsewhere;
    let registry = connected(&server).await;
    let from = ["aptman/other".to_owned()];
    let push = push(&setup.layout, &setup.plan, &from, &registry, Mode::Push, &Silent);
    let report = push.await.unwrap();
    assert_eq!((report.mounted.len(), report.uploaded.len()), (5, 1));
    assert_eq!(server.count("POST", ""), 6);
    setup.assert_complete(&server, "mount");
}

#[tokio::test]
async fn progress_is_told_blob_by_blob() {
    #[derive(Default)]
    struct Heard(Mutex<Vec<String>>);
    impl Progress for Heard {
        fn event(&self, event: Event<'_>) {
            let text = match event {
                Event::Started { .. } => "started".to_owned(),
                Event::Sent { blob, bytes } if bytes == blob.size => "sent".to_owned(),
                Event::Ended { outcome, .. } => format!("{outcome:?}"),
                Event::Manifest { .. } => "manifest".to_owned(),
                Event::Tagged { tagged } => format!("{} {}", tagged.tag, tagged.moved),
                _ => return,
            };
            self.0.lock().unwrap().push(text);
        }
    }
    let (setup, server) = (Setup::new(), Server::open());
    let registry = connected(&server).await;
    let heard = Heard::default();
    push(&setup.layout, &setup.plan, &[], &registry, Mode::Push, &heard).await.unwrap();
    let heard = heard.0.into_inner().unwrap();
    let count = |text: &str| heard.iter().filter(|line| *line == text).count();
    assert_eq!((count("started"), count("sent"), count("Uploaded"), count("manifest")), (6, 6, 6, 5));
    assert_eq!(heard.last().unwrap(), "latest true");
}

#[tokio::test]
async fn a_plan_that_contradicts_itself_is_refused() {
    let mut setup = Setup::new();
    setup.plan.push(tagged("latest", &setup.plan[0].descriptor));
    let server = Server::open();
    let error = setup.push(&server).await.unwrap_err();
    let expected =
        format!("cannot push to {}/aptman/qus: the tag `latest` shall point to two images", server.address);
    assert_eq!(error.to_string(), expected);
}

/// A registry finds out what has another digest; what is no file is not even read.
#[tokio::test]
async fn a_damaged_layout_is_noticed() {
    let flip = |path: &Path| {
        let mut bytes = fs::read(path).unwrap();
        bytes[1000] ^= 1;
        fs::write(path, bytes).unwrap();
    };
    let replace_by_fifo = |path: &Path| {
        fs::remove_file(path).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, path, 0o644.into()).unwrap();
    };
    let upload = "cannot upload blob BLOB to PLACE: the registry found another digest (DIGEST_INVALID: test)";
    let push = "cannot push BLOB to PLACE: cannot open PATH: not a regular file";
    let hint = "`cargo xtask verify` says whether the layout is damaged";
    for (harm, expected, hint) in
        [(&flip as &dyn Fn(&Path), upload, Some(hint)), (&replace_by_fifo, push, None)]
    {
        let (setup, server) = (Setup::new(), Server::open());
        let manifest: Manifest = setup.layout.json(&setup.plan[1].descriptor).unwrap();
        let digest = manifest.layers[1].digest;
        let path = setup.layout.blob_path(digest);
        harm(&path);
        let error = setup.push(&server).await.unwrap_err();
        let expected = expected.replace("BLOB", &digest.to_string()).replace("PATH", path.to_str().unwrap());
        assert_eq!(error.to_string(), expected.replace("PLACE", &format!("{}/aptman/qus", server.address)));
        assert_eq!(error.hint().as_deref(), hint);
        assert_eq!(server.state().tags.len(), 0);
    }
}

#[tokio::test]
async fn after_a_kill_only_the_rest_is_sent() {
    let setup = Setup::new();
    // The child hangs when half of the blobs are there.
    let hang = Rule { method: "PUT", path: "/uploads/", skip: 3, times: usize::MAX, fault: Fault::Stall };
    let hanging = Server::start(Guard::Open, vec![hang]);
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "registry::push::pushes_until_it_is_killed", "--ignored"])
        .env("QUS_TEST_LAYOUT", setup.home.path())
        .env("QUS_TEST_REGISTRY", hanging.address.to_string())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    while hanging.state().blobs.len() < 3 {
        assert_eq!(child.try_wait().unwrap(), None, "the child must hang");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    child.kill().unwrap();
    child.wait().unwrap();

    let server = Server::open();
    let there = hanging.state().blobs.clone();
    server.state().blobs = there.clone();
    assert_eq!(hanging.state().tags.len(), 0);
    let report = setup.push(&server).await.unwrap();
    assert_eq!((report.present.len(), report.uploaded.len(), server.count("POST", "")), (3, 3, 3));
    assert!(report.uploaded.iter().all(|blob| !there.contains_key(&blob.digest.to_string())));
    setup.assert_complete(&server, "after a kill");
}

/// Run by the test above, in a process that it kills.
#[tokio::test]
#[ignore = "another test runs it, and kills it"]
async fn pushes_until_it_is_killed() {
    let variable = |name| std::env::var(name).unwrap();
    let layout = crate::publish::layout::Layout::open(variable("QUS_TEST_LAYOUT").as_ref()).unwrap();
    let address = variable("QUS_TEST_REGISTRY").parse().unwrap();
    let registry = connect(address, Credentials::Anonymous, options()).await.unwrap();
    drop(push(&layout, &plan(&layout.refs()), &[], &registry, Mode::Push, &Silent).await);
}

/// A push follows indexes as deep as everything else does; a registry is asked what the tag points to before that is known, and
/// nothing else.
#[tokio::test]
async fn indexes_have_a_greatest_depth() {
    let setup = Setup::new();
    let writer = LayoutWriter::create(setup.home.path()).unwrap();
    let over = |descriptor: &Descriptor| {
        let blob = Blob::json(media_type::INDEX, &Index::new(vec![descriptor.clone()]));
        writer.put(&blob).unwrap();
        blob.descriptor().clone()
    };
    // Two documents, the image's manifest and the index over it, and as many as there may be in all; then one more.
    let mut root = setup.plan[0].descriptor.clone();
    for _ in 2..limits::DEPTH {
        root = over(&root);
    }
    let server = Server::open();
    let registry = connected(&server).await;
    let push = async |root: &Descriptor, mode| {
        push(&setup.layout, &[tagged("deep", root)], &[], &registry, mode, &Silent).await
    };
    push(&root, Mode::DryRun).await.unwrap();
    let before = server.state().log.len();
    let error = push(&over(&root), Mode::Push).await.unwrap_err().to_string();
    assert!(error.ends_with(": it is under 16 others, which is the limit"), "{error}");
    assert_eq!(server.state().log[before..], ["HEAD /v2/aptman/qus/manifests/deep"]);
}
