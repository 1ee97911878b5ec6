//! The rights to push, which are known before one begins.

use super::guard::Guard;
use super::http::Response;
use super::server::{Fault, Rule, Server};
use super::setup::{connect, options};
use crate::publish::credentials::{Credentials, Secret};

fn begun(fault: Fault) -> Vec<Rule> {
    vec![Rule { method: "POST", path: "/blobs/uploads/", skip: 0, times: 1, fault }]
}

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
    let (checked, log) = check(Guard::Open, "", begun(Fault::Answer(Response::new(403).body(denied)))).await;
    let error = checked.unwrap_err();
    assert!(error.starts_with("cannot push to R/aptman/qus: "), "{error}");
    assert!(error.contains("requested access to the resource is denied"), "{error}");
    assert_eq!(log.len(), 1, "{log:?}");

    let basic = Guard::Basic { user: "ada", password: "enigma" };
    let (checked, _) = check(basic.clone(), "wrong", Vec::new()).await;
    assert!(checked.is_err());
    assert_eq!(check(basic, "enigma", Vec::new()).await.0, Ok(()));
}
