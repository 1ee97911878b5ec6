//! Reading back what was pushed.

use tempfile::TempDir;

use super::http::Response;
use super::server::{Fault, Rule};
use super::setup::{connected, pushed};
use crate::fixture;
use crate::publish::layout::{LayoutWriter, Pruned};
use crate::publish::verify::verify;

#[tokio::test]
async fn an_inspection_reads_documents_and_asks_for_the_rest() {
    let (setup, server) = pushed(Vec::new()).await;
    let registry = connected(&server).await;
    let found = registry.inspect("latest").await.unwrap();
    assert_eq!(found.problems, []);
    assert_eq!(found.descriptor.digest, setup.plan[2].descriptor.digest);
    assert_eq!(found.platforms, [fixture::platform("amd64"), fixture::platform("arm")]);
    // Two images, each with a config, and three layers.
    assert_eq!(found.blobs, 7);
    assert_eq!(server.count("GET", "/blobs/"), 0);
    assert_eq!(registry.inspect("amd64-d1.0").await.unwrap().blobs, 3);

    let error = registry.inspect("absent").await.unwrap_err().to_string();
    assert_eq!(error, format!("cannot read absent of {}/aptman/qus: not found", server.address));
}

#[tokio::test]
async fn an_inspection_finds_what_is_missing_or_has_another_size() {
    let (setup, server) = pushed(Vec::new()).await;
    let index: oci::spec::Index = setup.layout.json(&setup.plan[2].descriptor).unwrap();
    let amd64: oci::spec::Manifest = setup.layout.json(&index.manifests[0]).unwrap();
    let (gone, short) = (amd64.layers[1].digest.to_string(), amd64.config.digest.to_string());
    let arm = index.manifests[1].digest.to_string();
    {
        let mut state = server.state();
        state.blobs.remove(&gone);
        state.blobs.get_mut(&short).unwrap().truncate(7);
        state.manifests.remove(&arm);
    }
    let registry = connected(&server).await;
    let mut expected = [
        format!("{gone}: missing (used by linux/amd64)"),
        format!("{short}: expected {} bytes, got 7 (used by linux/amd64)", amd64.config.size),
        format!("{arm}: missing (used by linux/arm)"),
    ];
    expected.sort();
    let found: Vec<String> =
        registry.inspect("latest").await.unwrap().problems.iter().map(ToString::to_string).collect();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_pull_gives_the_layout_back_and_survives_cuts() {
    let faults = [Fault::CutAnswer, Fault::Answer(Response::new(503))];
    let rules = faults.map(|fault| Rule { skip: 1, ..Rule::times(1, "GET", "/blobs/", fault) });
    let (setup, server) = pushed(rules.to_vec()).await;
    let registry = connected(&server).await;
    let home = TempDir::new().unwrap();
    let mut writer = LayoutWriter::create(home.path()).unwrap();
    let descriptor = registry.pull("latest", &writer).await.unwrap();
    writer.finish(fixture::REPOSITORY, &[("latest".to_owned(), descriptor.clone())]).unwrap();
    assert_eq!(writer.prune().unwrap(), Pruned::Removed { blobs: 0, bytes: 0 });
    let report = verify(home.path(), 2, &mut |_, _, _| Ok(())).unwrap();
    assert_eq!((report.problems, report.blobs), (Vec::new(), 8));
    assert_eq!(
        fixture::open(home.path()).read(&descriptor).unwrap(),
        setup.layout.read(&descriptor).unwrap()
    );

    let before = server.count("GET", "/blobs/");
    registry.pull("latest", &writer).await.unwrap();
    assert_eq!(server.count("GET", "/blobs/"), before, "what is there is not downloaded again");
}

#[tokio::test]
async fn what_is_not_what_it_should_be_is_refused() {
    let (setup, server) = pushed(Vec::new()).await;
    let manifest: oci::spec::Manifest = setup.layout.json(&setup.plan[1].descriptor).unwrap();
    let layer = &manifest.layers[1];
    let name = layer.digest.to_string();
    let spoilt = {
        let mut state = server.state();
        let bytes = state.blobs.get_mut(&name).unwrap();
        bytes[100] ^= 1;
        sha256::Digest::of(bytes)
    };
    let registry = connected(&server).await;
    let home = TempDir::new().unwrap();
    let writer = LayoutWriter::create(home.path()).unwrap();
    let error = registry.pull("latest", &writer).await.unwrap_err().to_string();
    let place = format!("{}/aptman/qus", server.address);
    assert_eq!(error, format!("cannot copy blob {name} of {place}: expected {name}, got {spoilt}"));
    assert!(!home.path().join("blobs/sha256").join(spoilt.hex()).exists());

    server.state().blobs.get_mut(&name).unwrap().push(0);
    let error = registry.pull("latest", &writer).await.unwrap_err().to_string();
    assert_eq!(error, format!("cannot copy blob {name} of {place}: more than its {} bytes came", layer.size));

    let digest = setup.plan[2].descriptor.digest.to_string();
    server.state().manifests.get_mut(&digest).unwrap().1.push(b' ');
    let error = registry.inspect("latest").await.unwrap_err().to_string();
    assert!(
        error.starts_with(&format!("cannot read latest of {place}: expected {digest}, got sha256:")),
        "{error}"
    );
}
