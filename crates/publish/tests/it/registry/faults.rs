//! The fault matrix. After each fault either the push succeeded, with everything there once, or it failed with the
//! right message and no tag of an index has moved.

use std::time::{Duration, Instant};

use base::Hint as _;

use super::guard::Guard;
use super::http::Response;
use super::server::{Fault, Rule, Server};
use super::setup::{Setup, connect, options};
use crate::publish::credentials::Credentials;
use crate::publish::registry::{Mode, Silent, push};

const ALWAYS: usize = usize::MAX;

fn rule(method: &'static str, path: &'static str, times: usize, fault: Fault) -> Rule {
    Rule { method, path, skip: 0, times, fault }
}

fn answer(status: u16, body: &str) -> Fault {
    Fault::Answer(Response::new(status).body(body))
}

/// Pushes to a registry with `rules`. `expected` is the error's text, with `BLOB` for any blob's digest and `HOST` for
/// the registry; `None` means that the push must succeed.
async fn check(name: &str, rules: Vec<Rule>, expected: Option<&str>) -> Server {
    let setup = Setup::new();
    let mut options = options();
    if rules.iter().any(|rule| matches!(rule.fault, Fault::Stall)) {
        // It is to be noticed.
        options.http.stall = Duration::from_secs(1);
    }
    let server = Server::start(Guard::Open, rules);
    let result = async {
        let registry = connect(server.address, Credentials::Anonymous, options).await?;
        push(&setup.layout, &setup.plan, &[], &registry, Mode::Push, &Silent).await
    };
    let result = result.await;
    match (result, expected) {
        (Ok(_), None) => setup.assert_complete(&server, name),
        (Err(error), Some(expected)) => {
            let mut text = error.to_string().replace(&server.address.to_string(), "HOST");
            if let Some(at) = text.find("sha256:") {
                text.replace_range(at..at + 71, "BLOB");
            }
            assert_eq!(text, expected, "{name}");
            assert!(!server.state().tags.contains_key("latest"), "{name}: a tag has moved");
        }
        (result, _) => panic!("{name}: {result:?}"),
    }
    server
}

#[tokio::test]
async fn what_passes_is_waited_out() {
    let later = |response: Response| Fault::Answer(response);
    for (name, rules) in [
        ("no fault", vec![]),
        (
            "429 with Retry-After",
            vec![rule("HEAD", "/blobs/", 2, later(Response::new(429).header("Retry-After", "0")))],
        ),
        ("429 without Retry-After", vec![rule("POST", "/uploads/", 2, answer(429, ""))]),
        ("500 once", vec![rule("PUT", "/manifests/", 1, answer(500, ""))]),
        ("502 while uploading", vec![rule("PUT", "/uploads/", 2, answer(502, "<html>"))]),
        ("503 on the way in", vec![rule("HEAD", "/v2/", 1, answer(503, ""))]),
        ("only GET on the way in", vec![rule("HEAD", "/v2/", 1, answer(405, ""))]),
        ("cut before an answer", vec![rule("HEAD", "/manifests/", 2, Fault::CutAnswer)]),
        ("cut in the middle of PATCH", vec![rule("PATCH", "/uploads/", 2, Fault::CutAfter(1000))]),
        ("cut in the middle of PUT", vec![rule("PUT", "/uploads/", 2, Fault::CutAfter(50))]),
        ("cut after PUT was carried out", vec![rule("PUT", "/uploads/", 1, Fault::CutAnswer)]),
        ("cut after PATCH was carried out", vec![rule("PATCH", "/uploads/", 1, Fault::CutAnswer)]),
        ("cut after a manifest was taken", vec![rule("PUT", "/manifests/", 2, Fault::CutAnswer)]),
        ("stall once", vec![rule("PATCH", "/uploads/", 1, Fault::Stall)]),
        ("an upload forgotten", vec![rule("PUT", "/uploads/", 1, Fault::Forget)]),
        (
            "a slow drip",
            vec![rule("HEAD", "/v2/", 1, Fault::Drip), rule("POST", "/uploads/", 2, Fault::Drip)],
        ),
    ] {
        check(name, rules, None).await;
    }
}

#[tokio::test]
async fn what_does_not_pass_is_told() {
    let upload = "cannot upload blob BLOB to HOST/aptman/qus: ";
    for (name, rules, expected) in [
        (
            "500 always",
            vec![rule("PUT", "/manifests/latest", ALWAYS, answer(500, "oops"))],
            "cannot push latest to HOST/aptman/qus: 500 Internal Server Error (oops) (tried 3 times)"
                .to_owned(),
        ),
        (
            "429 for an hour",
            vec![rule(
                "POST",
                "/uploads/",
                ALWAYS,
                Fault::Answer(Response::new(429).header("Retry-After", "3600")),
            )],
            format!(
                "{upload}429 Too Many Requests: the registry asks to wait 3600 seconds, and at most 4 are waited"
            ),
        ),
        (
            "stall always",
            vec![rule("POST", "/uploads/", ALWAYS, Fault::Stall)],
            format!("{upload}nothing moved for 1 s (tried 3 times)"),
        ),
        (
            "wrong digest for a blob",
            vec![rule(
                "PUT",
                "/uploads/",
                ALWAYS,
                Fault::Change(|response| {
                    response.without("Docker-Content-Digest").header("Docker-Content-Digest", "sha256:00")
                }),
            )],
            format!("{upload}the registry answered with digest sha256:00"),
        ),
        (
            "wrong digest for a manifest",
            vec![rule(
                "PUT",
                "/manifests/sha256",
                ALWAYS,
                Fault::Change(|response| {
                    response.without("Docker-Content-Digest").header("Docker-Content-Digest", "x")
                }),
            )],
            "cannot push BLOB to HOST/aptman/qus: the registry answered with digest x".to_owned(),
        ),
        (
            "no Location",
            vec![rule("POST", "/uploads/", ALWAYS, Fault::Change(|response| response.without("Location")))],
            format!("{upload}the registry answered without a usable Location"),
        ),
        (
            "a full disk in words",
            vec![rule("PUT", "/uploads/", ALWAYS, answer(500, "write /var: no space left on device"))],
            format!("{upload}the registry has no space left (write /var: no space left on device)"),
        ),
        (
            "a full disk as a status",
            vec![rule("PUT", "/uploads/", ALWAYS, answer(507, ""))],
            format!("{upload}the registry has no space left"),
        ),
        (
            "denied",
            vec![rule(
                "POST",
                "/uploads/",
                ALWAYS,
                answer(403, r#"{"errors":[{"code":"DENIED","message":"no"}]}"#),
            )],
            format!("{upload}denied (DENIED: no)"),
        ),
        (
            "no such repository",
            vec![rule("POST", "/uploads/", ALWAYS, answer(404, ""))],
            format!("{upload}the repository does not exist"),
        ),
        (
            "an immutable tag",
            vec![rule("PUT", "/manifests/latest", ALWAYS, answer(400, "TAG_IMMUTABLE"))],
            "cannot push latest to HOST/aptman/qus: the tag is immutable (TAG_IMMUTABLE)".to_owned(),
        ),
        (
            "too large",
            vec![rule("PUT", "/uploads/", ALWAYS, answer(413, ""))],
            format!("{upload}413 Payload Too Large"),
        ),
        (
            "a page instead of a registry",
            vec![rule(
                "HEAD",
                "/v2/",
                ALWAYS,
                Fault::Answer(Response::new(200).header("Content-Type", "text/html")),
            )],
            "cannot reach HOST: not a registry: it answers /v2/ with a page for people".to_owned(),
        ),
        (
            "something else instead of a registry",
            ["HEAD", "GET"].map(|method| rule(method, "/v2/", ALWAYS, answer(404, ""))).to_vec(),
            "cannot reach HOST: not a registry: it answers /v2/ with 404 Not Found".to_owned(),
        ),
    ] {
        check(name, rules, Some(&expected)).await;
    }
}

#[tokio::test]
async fn a_registry_that_is_not_there() {
    let setup = Setup::new();
    // Nobody listens, and nobody else gets the port.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let free = socket.local_addr().unwrap();
    let error = setup.push(free, Credentials::Anonymous, Mode::Push).await.unwrap_err();
    assert_eq!(error.to_string(), format!("cannot reach {free}: Connection refused (os error 111)"));
    assert!(error.hint().unwrap().starts_with("check the registry's name and port"));
}

#[tokio::test]
async fn each_status_is_final_or_asked_again() {
    const AGAIN: [u16; 7] = [408, 425, 429, 500, 502, 503, 504];
    let statuses = || (400..=431).chain(500..=511).filter(|status| *status != 401);
    let refuse = |status| rule("GET", "/manifests/", 3, answer(status, ""));
    for status in statuses() {
        let server = Server::start(Guard::Open, vec![refuse(status)]);
        let registry = connect(server.address, Credentials::Anonymous, options()).await.unwrap();
        let result = registry.manifest("latest").await;
        assert_eq!(result.is_ok(), status == 404, "{status}");
        // 509 has no meaning, and counts as 500.
        let again = AGAIN.contains(&status) || status == 509;
        assert_eq!(server.count("GET", "/manifests/"), if again { 3 } else { 1 }, "{status}");
    }
}

#[tokio::test]
async fn a_wait_that_is_asked_for_is_kept() {
    let began = Instant::now();
    let wait = Fault::Answer(Response::new(503).header("Retry-After", "1"));
    check("Retry-After", vec![rule("PUT", "/manifests/latest", 1, wait)], None).await;
    assert!(began.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_cut_upload_goes_on_where_it_was_cut() {
    let rules = vec![rule("PATCH", "/uploads/", 1, Fault::CutAfter(1000))];
    let server = check("resume", rules, None).await;
    // The range is asked for once, and no upload begins anew: three layers and three configs.
    assert_eq!(server.count("GET", "/uploads/upload-"), 1);
    assert_eq!(server.count("POST", "/uploads/"), 6);
}

#[tokio::test]
async fn locations_are_absolute_or_relative() {
    let relative = |response: Response| {
        let location = response.headers.iter().find(|(name, _)| name == "Location").unwrap().1.clone();
        let id = location.rsplit('/').next().unwrap().to_owned();
        response.without("Location").header("Location", id)
    };
    check("relative to the request", vec![rule("POST", "/uploads/", ALWAYS, Fault::Change(relative))], None)
        .await;
}

#[tokio::test]
async fn a_registry_that_names_no_digests_is_believed() {
    let silent = Fault::Change(|response| response.without("Docker-Content-Digest"));
    let rules = ["HEAD", "GET", "PUT"].map(|method| rule(method, "/", ALWAYS, silent.clone()));
    check("no digests", rules.to_vec(), None).await;
}
