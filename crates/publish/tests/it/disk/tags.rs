//! Tags of one build beside those of another.

use tempfile::TempDir;

use crate::fixture::{self, Fixture};
use crate::publish::layout::{Layout, LayoutWriter};
use oci::spec::Descriptor;

fn names(layout: &Layout) -> Vec<(String, String)> {
    let name = |root: &Descriptor| root.annotations["io.containerd.image.name"].clone();
    layout.refs().into_iter().map(|(tag, root)| (tag, name(&root))).collect()
}

#[test]
fn kept_roots_stay_as_they_are_and_in_their_order() {
    let Fixture { home, layout: before, .. } = Fixture::new();
    let writer = LayoutWriter::create(home.path()).unwrap();
    let (_, image) = before.refs().remove(0);
    let kept: Vec<Descriptor> =
        before.roots().iter().filter(|root| root.digest != image.digest).cloned().collect();
    let refs = [("other".to_owned(), Descriptor { annotations: Default::default(), ..image })];
    assert!(writer.tags().unwrap().write("r.io/a", &refs, &kept).unwrap().0);
    let expected = [
        ("latest", "docker.io/aptman/qus:latest"),
        ("other", "r.io/a:other"),
        ("pkg", "docker.io/aptman/qus:pkg"),
    ];
    let expected = expected.map(|(tag, name)| (tag.to_owned(), name.to_owned()));
    assert_eq!(names(&fixture::open(home.path())), expected);
    assert!(!writer.tags().unwrap().write("r.io/a", &refs, &kept).unwrap().0, "nothing changed");
}

#[test]
fn a_kept_root_must_be_there() {
    let Fixture { home, layout, .. } = Fixture::new();
    let before = std::fs::read(home.path().join("index.json")).unwrap();
    let root = layout.roots()[0].clone();
    std::fs::remove_file(layout.blob_path(root.digest)).unwrap();
    let writer = LayoutWriter::create(home.path()).unwrap();
    let error = writer.tags().unwrap().write("r.io/a", &[], layout.roots()).unwrap_err().to_string();
    let expected = format!(
        "cannot refer to {} in {}: `amd64-d1.0` points to it, but no such blob of {} bytes is there",
        root.digest,
        home.path().display(),
        root.size
    );
    assert_eq!(error, expected);
    assert_eq!(std::fs::read(home.path().join("index.json")).unwrap(), before);
}

#[test]
fn a_new_layout_has_no_tags() {
    let home = TempDir::new().unwrap();
    let writer = LayoutWriter::create(home.path()).unwrap();
    assert!(writer.tags().unwrap().current().unwrap().is_none());
    writer.finish("r.io/a", &[]).unwrap();
    assert!(writer.tags().unwrap().current().unwrap().is_some());
}

#[test]
fn one_process_at_a_time_has_the_tags() {
    let home = TempDir::new().unwrap();
    let (first, second) =
        (LayoutWriter::create(home.path()).unwrap(), LayoutWriter::create(home.path()).unwrap());
    let tags = first.tags().unwrap();
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let _tags = second.tags().unwrap();
            sender.send(()).unwrap();
        });
        assert!(receiver.recv_timeout(std::time::Duration::from_millis(200)).is_err());
        drop(tags);
        receiver.recv_timeout(std::time::Duration::from_secs(10)).unwrap();
    });
}

/// A layout that several builds make at once is made once, and none of them takes another's files for those of a killed one.
#[test]
fn builds_that_begin_at_once_make_one_layout() {
    for _ in 0..50 {
        let home = TempDir::new().unwrap();
        let path = home.path().join("images");
        let create = || LayoutWriter::create(&path).map(drop).map_err(|error| error.to_string());
        std::thread::scope(|scope| {
            let builds: Vec<_> = (0..8).map(|_| scope.spawn(create)).collect();
            for build in builds {
                build.join().unwrap().unwrap();
            }
        });
    }
}
