//! Lists of referrers that a registry keeps by itself.

use oci::Referrer;
use oci::spec::{Descriptor, media_type};
use sha256::Digest;

use super::guard::Guard;
use super::http::Response;
use super::server::{Fault, Rule, Server};
use super::setup::connected;
use crate::publish::registry::{Lists, Mode};

fn referrer() -> Referrer {
    let image = Descriptor::new(media_type::MANIFEST, Digest::of(b"image"), 5);
    Referrer::build(&image, &Descriptor::new(media_type::IN_TOTO, Digest::of(b"statement"), 9))
}

fn answers(status: u16) -> Server {
    let fault = Fault::Answer(Response::new(status).body("{}"));
    Server::start(Guard::Open, vec![Rule::always("GET", "/referrers/", fault)])
}

#[tokio::test]
async fn a_registry_that_keeps_lists_gets_no_tag() {
    let server = answers(200);
    let registry = connected(&server).await;
    let lists = registry.list_referrers(&[referrer()], Mode::Push).await.unwrap();
    assert_eq!(lists, Lists { images: 1, written: None });
    assert_eq!((server.count("PUT", ""), server.count("GET", "/referrers/sha256:")), (0, 1));
    assert_eq!(registry.list_referrers(&[], Mode::Push).await.unwrap(), Lists::default());
}

#[tokio::test]
async fn an_answer_that_says_nothing_of_lists_is_an_error() {
    let server = answers(403);
    let registry = connected(&server).await;
    let error = registry.list_referrers(&[referrer()], Mode::Push).await.unwrap_err().to_string();
    let expected = format!("cannot list what refers to {} in ", Digest::of(b"image"));
    assert!(error.starts_with(&expected), "{error}");
    assert_eq!(server.count("PUT", ""), 0);
}
