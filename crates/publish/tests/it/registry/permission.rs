//! The rights to push, which are known before one begins.

use super::guard::Guard;
use super::http::Response;
use super::server::{Fault, Rule, Server};
use super::setup::{connect, options};
use crate::publish::credentials::{Credentials, Secret};

async fn check(guard: Guard, password: &str, rules: Vec<Rule>) -> (Result<(), String>, Vec<String>) {
    let server = Server::start(guard, rules);
    let credentials = Credentials::Basic { user: "ada".to_owned(), password: Secret::new(password) };
    let registry = connect(server.address, credentials, options()).await.unwrap();
    let checked = registry.check_push().await;
    let address = server.address.to_string();
    let text = |error: crate::publish::registry::RegistryError| error.to_string().replace(&address, "R");
    let state = server.state();
    let log = state.log.iter().filter(|line| line.contains("/uploads/")).cloned();
    let log = log.map(|line| line.split('?').next().unwrap().to_owned()).collect();
    (checked.map_err(text), log)
}

#[tokio::test]
async fn an_upload_is_begun_and_cancelled() {
    let (checked, log) = check(Guard::Open, "enigma", Vec::new()).await;
    assert_eq!(checked, Ok(()));
    assert_eq!(log.len(), 2, "{log:?}");
    assert_eq!(log[0], "POST /v2/aptman/qus/blobs/uploads/");
    assert!(log[1].starts_with("DELETE /v2/a/blobs/uploads/"), "{log:?}");
}

#[tokio::test]
async fn a_registry_that_forbids_a_push_is_asked_once() {
    let denied = r#"{"errors":[{"code":"DENIED","message":"requested access to the resource is denied"}]}"#;
    let denied = Fault::Answer(Response::new(403).body(denied));
    let rule = Rule::times(1, "POST", "/blobs/uploads/", denied);
    let (checked, log) = check(Guard::Open, "", vec![rule]).await;
    let error = checked.unwrap_err();
    assert!(error.starts_with("cannot push to R/aptman/qus: "), "{error}");
    assert!(error.contains("requested access to the resource is denied"), "{error}");
    assert_eq!(log.len(), 1, "{log:?}");

    assert!(check(Guard::Basic, "wrong", Vec::new()).await.0.is_err());
    assert_eq!(check(Guard::Basic, "enigma", Vec::new()).await.0, Ok(()));
}
