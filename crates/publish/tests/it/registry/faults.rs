//! The fault matrix. After each fault either the push succeeded, with everything there once, or it failed with the
//! right message and no tag of an index has moved.

use std::time::{Duration, Instant};

use base::Hint as _;

use super::guard::Guard;
use super::http::Response;
use super::server::{Fault, Rule, Server};
use super::setup::{Setup, connect, connected, options};
use crate::publish::credentials::Credentials;
use crate::publish::registry::Mode;

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
        setup.push_to(&registry, Mode::Push).await
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
    let later = Fault::Answer(Response::new(429).header("Retry-After", "0"));
    for (name, times, method, path, fault) in [
        ("no fault", 0, "", "", Fault::Forget),
        ("429 with Retry-After", 2, "HEAD", "/blobs/", later),
        ("429 without Retry-After", 2, "POST", "/uploads/", answer(429, "")),
        ("500 once", 1, "PUT", "/manifests/", answer(500, "")),
        ("502 while uploading", 2, "PUT", "/uploads/", answer(502, "<html>")),
        ("503 on the way in", 1, "HEAD", "/v2/", answer(503, "")),
        ("only GET on the way in", 1, "HEAD", "/v2/", answer(405, "")),
        ("cut before an answer", 2, "HEAD", "/manifests/", Fault::CutAnswer),
        ("cut in the middle of PATCH", 2, "PATCH", "/uploads/", Fault::CutAfter(1000)),
        ("cut in the middle of PUT", 2, "PUT", "/uploads/", Fault::CutAfter(50)),
        ("cut after PUT was carried out", 1, "PUT", "/uploads/", Fault::CutAnswer),
        ("cut after PATCH was carried out", 1, "PATCH", "/uploads/", Fault::CutAnswer),
        ("cut after a manifest was taken", 2, "PUT", "/manifests/", Fault::CutAnswer),
        ("stall once", 1, "PATCH", "/uploads/", Fault::Stall),
        ("an upload forgotten", 1, "PUT", "/uploads/", Fault::Forget),
        ("a slow drip on the way in", 1, "HEAD", "/v2/", Fault::Drip),
        ("a slow drip", 2, "POST", "/uploads/", Fault::Drip),
    ] {
        check(name, vec![Rule::times(times, method, path, fault)], None).await;
    }
}

#[tokio::test]
async fn what_does_not_pass_is_told() {
    const REACH: &str = "reach HOST";
    const UPLOAD: &str = "upload blob BLOB to HOST/aptman/qus";
    const IMAGE: &str = "push BLOB to HOST/aptman/qus";
    const TAG: &str = "push latest to HOST/aptman/qus";
    const LATEST: &str = "/manifests/latest";
    let wrong_digest = Fault::Change(|response| {
        response.without("Docker-Content-Digest").header("Docker-Content-Digest", "sha256:00")
    });
    let hour = Fault::Answer(Response::new(429).header("Retry-After", "3600"));
    let no_location = Fault::Change(|response| response.without("Location"));
    let page = Fault::Answer(Response::new(200).header("Content-Type", "text/html"));
    let denied = answer(403, r#"{"errors":[{"code":"DENIED","message":"no"}]}"#);
    let full = answer(500, "write /var: no space left on device");
    for (method, path, fault, action, reason) in [
        ("PUT", LATEST, answer(500, "oops"), TAG, "500 Internal Server Error (oops) (tried 3 times)"),
        (
            "POST",
            "/uploads/",
            hour,
            UPLOAD,
            "429 Too Many Requests: the registry asks to wait 3600 seconds, and at most 4 are waited",
        ),
        ("POST", "/uploads/", Fault::Stall, UPLOAD, "nothing moved for 1 s (tried 3 times)"),
        ("PUT", "/uploads/", wrong_digest.clone(), UPLOAD, "the registry answered with digest sha256:00"),
        ("PUT", "/manifests/sha256", wrong_digest, IMAGE, "the registry answered with digest sha256:00"),
        ("POST", "/uploads/", no_location, UPLOAD, "the registry answered without a usable Location"),
        (
            "PUT",
            "/uploads/",
            full,
            UPLOAD,
            "the registry has no space left (write /var: no space left on device)",
        ),
        ("PUT", "/uploads/", answer(507, ""), UPLOAD, "the registry has no space left"),
        ("POST", "/uploads/", denied, UPLOAD, "denied (DENIED: no)"),
        ("POST", "/uploads/", answer(403, ""), UPLOAD, "denied"),
        ("POST", "/uploads/", answer(404, ""), UPLOAD, "the repository does not exist"),
        ("PUT", LATEST, answer(404, "NAME_UNKNOWN"), TAG, "the repository does not exist (NAME_UNKNOWN)"),
        ("PUT", LATEST, answer(400, "TAG_IMMUTABLE"), TAG, "the tag is immutable (TAG_IMMUTABLE)"),
        ("PUT", "/uploads/", answer(413, ""), UPLOAD, "413 Payload Too Large"),
        ("HEAD", "/v2/", page, REACH, "not a registry: it answers /v2/ with a page for people"),
    ] {
        let expected = format!("cannot {action}: {reason}");
        check(reason, vec![Rule::always(method, path, fault)], Some(&expected)).await;
    }
    let rules = ["HEAD", "GET"].map(|method| Rule::always(method, "/v2/", answer(404, ""))).to_vec();
    let expected = "cannot reach HOST: not a registry: it answers /v2/ with 404 Not Found";
    check("something else instead of a registry", rules, Some(expected)).await;
}

#[tokio::test]
async fn a_registry_that_is_not_there() {
    // Nobody listens, and nobody else gets the port.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let free = socket.local_addr().unwrap();
    let error = connect(free, Credentials::Anonymous, options()).await.err().unwrap();
    assert_eq!(error.to_string(), format!("cannot reach {free}: Connection refused (os error 111)"));
    assert!(error.hint().unwrap().starts_with("check the registry's name and port"));
}

#[tokio::test]
async fn each_status_is_final_or_asked_again() {
    const AGAIN: [u16; 7] = [408, 425, 429, 500, 502, 503, 504];
    let statuses = || (400..=431).chain(500..=511).filter(|status| *status != 401);
    let refuse = |status| Rule::times(3, "GET", "/manifests/", answer(status, ""));
    for status in statuses() {
        let server = Server::start(Guard::Open, vec![refuse(status)]);
        let registry = connected(&server).await;
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
    check("Retry-After", vec![Rule::times(1, "PUT", "/manifests/latest", wait)], None).await;
    assert!(began.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_cut_upload_goes_on_where_it_was_cut() {
    let rules = vec![Rule::times(1, "PATCH", "/uploads/", Fault::CutAfter(1000))];
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
    let rule = Rule::always("POST", "/uploads/", Fault::Change(relative));
    check("relative to the request", vec![rule], None).await;
}

#[tokio::test]
async fn a_registry_that_names_no_digests_is_believed() {
    let silent = Fault::Change(|response| response.without("Docker-Content-Digest"));
    let rules = ["HEAD", "GET", "PUT"].map(|method| Rule::always(method, "/", silent.clone()));
    check("no digests", rules.to_vec(), None).await;
}
