//! Who may do what: challenges, tokens and their renewal; and that no secret is ever told.

use crate::guard::{Bearer, Guard};
use crate::http::Response;
use crate::publish::credentials::{Credentials, Secret};
use crate::publish::registry::{Mode, Options, Reason, Silent, push};
use crate::server::{Fault, Rule, Server};
use crate::setup::{Setup, connect, options};

fn password(password: &str) -> Credentials {
    Credentials::Basic { user: "ada".to_owned(), password: Secret::new(password) }
}

fn tokens() -> Bearer {
    Bearer {
        user: "ada",
        password: "enigma",
        refresh: "r3fresh",
        uses: usize::MAX,
        only_oauth2: false,
        realm: None,
        answer: None,
    }
}

fn bearer(uses: usize) -> Guard {
    Guard::Bearer(Bearer { uses, ..tokens() })
}

#[tokio::test]
async fn passwords_and_tokens_open_a_registry() {
    let basic = Guard::Basic { user: "ada", password: "enigma" };
    let refresh = Credentials::IdentityToken(Secret::new("r3fresh"));
    for (name, guard, credentials) in [
        ("basic", basic, password("enigma")),
        ("bearer, with a password", bearer(usize::MAX), password("enigma")),
        ("bearer, with a refresh token", bearer(usize::MAX), refresh),
        (
            "bearer, with a password, of the OAuth2 kind alone",
            Guard::Bearer(Bearer { only_oauth2: true, ..tokens() }),
            password("enigma"),
        ),
    ] {
        let setup = Setup::new();
        let server = Server::start(guard, Vec::new());
        setup.push(server.address, credentials, Mode::Push).await.unwrap();
        setup.assert_complete(&server, name);
    }
}

#[tokio::test]
async fn one_token_serves_a_whole_push() {
    let setup = Setup::new();
    let server = Server::start(bearer(usize::MAX), Vec::new());
    setup.push(server.address, password("enigma"), Mode::Push).await.unwrap();
    let tokens: Vec<String> =
        server.state().log.iter().filter(|line| line.starts_with("TOKEN")).cloned().collect();
    assert_eq!(tokens, ["TOKEN repository:aptman/qus:pull,push"]);
}

#[tokio::test]
async fn a_token_that_expires_in_mid_push_is_renewed() {
    for uses in [1, 2, 5] {
        let setup = Setup::new();
        let server = Server::start(bearer(uses), Vec::new());
        // One request at a time: these tokens end after so many uses, and not with time as real ones do.
        let options = Options { concurrency: 1, ..options() };
        let registry = connect(server.address, password("enigma"), options).await.unwrap();
        push(&setup.layout, &setup.plan, &[], &registry, Mode::Push, &Silent).await.unwrap();
        setup.assert_complete(&server, "renewal");
        assert!(server.count("TOKEN", "") > 1);
    }
}

#[tokio::test]
async fn who_is_refused_is_told_so_and_no_secret_with_it() {
    let basic = || Guard::Basic { user: "ada", password: "enigma" };
    let loops = || Rule {
        method: "HEAD",
        path: "/manifests/",
        skip: 0,
        times: usize::MAX,
        fault: Fault::Change(|_| Response::new(401).header("WWW-Authenticate", r#"Basic realm="test""#)),
    };
    for (name, guard, rules, credentials, expected) in [
        (
            "no credentials",
            basic(),
            vec![],
            Credentials::Anonymous,
            "unauthorized: no credentials were found",
        ),
        (
            "a wrong password",
            basic(),
            vec![],
            password("s3cret"),
            "unauthorized: the credentials were refused",
        ),
        (
            "a wrong password at the token server",
            bearer(9),
            vec![],
            password("s3cret"),
            "unauthorized: the credentials were refused (UNAUTHORIZED: bad password)",
        ),
        (
            "401 in a loop",
            basic(),
            vec![loops()],
            password("enigma"),
            "unauthorized: the credentials were refused",
        ),
        (
            "tokens that are never good",
            bearer(0),
            vec![],
            password("enigma"),
            "unauthorized: the credentials were refused",
        ),
    ] {
        let setup = Setup::new();
        let server = Server::start(guard, rules);
        let error = setup.push(server.address, credentials, Mode::Push).await.unwrap_err();
        let text = error.to_string();
        assert!(text.ends_with(expected), "{name}: {text}");
        assert!(matches!(error.reason(), Reason::Unauthorized { .. }), "{name}");
        assert!(error.hint().unwrap().contains("docker login"), "{name}");
        let all = format!("{text} {error:?}");
        assert!(!all.contains("s3cret") && !all.contains("enigma"), "{name}: {all}");
        assert_eq!(server.state().tags.len(), 0, "{name}");
        // Four requests at once, each refused twice at most.
        assert!(server.count("HEAD", "") <= 8, "{name}");
    }
}

#[tokio::test]
async fn secrets_go_to_nobody_else() {
    // The registry hands the upload over to a storage server, as cloud registries do.
    let accept = |method, status| Rule {
        method,
        path: "/storage",
        skip: 0,
        times: usize::MAX,
        fault: Fault::Answer(Response::new(status).body("x")),
    };
    let storage = Server::start(Guard::Open, vec![accept("PUT", 201), accept("GET", 200)]);
    let hand_over = |method, path, fault| Rule { method, path, skip: 0, times: usize::MAX, fault };
    let upload = hand_over("POST", "/uploads/", Fault::Elsewhere(storage.address));
    let there = format!("http://{}/storage?signature=s3cret", storage.address);
    let download =
        hand_over("GET", "/blobs/sha256", Fault::Answer(Response::new(307).header("Location", there)));
    let guard = Guard::Basic { user: "ada", password: "enigma" };
    let server = Server::start(guard, vec![upload, download]);
    let registry = connect(server.address, password("enigma"), options()).await.unwrap();

    let home = tempfile::TempDir::new().unwrap();
    let path = home.path().join("blob");
    std::fs::write(&path, "x").unwrap();
    let blob = oci::Blob::new("text/plain", b"x".to_vec());
    registry.upload(&path, blob.descriptor(), &[], &|_| ()).await.unwrap();
    let error = registry.json::<bool>(blob.descriptor()).await.unwrap_err().to_string();
    assert!(error.contains("not a document of type `text/plain`"), "{error}");
    assert_eq!(storage.state().log, ["PUT /storage", "GET /storage"]);
    assert_eq!(server.count("HEAD", "+secret"), 1);
}

#[tokio::test]
async fn a_token_server_must_be_worth_a_secret() {
    for (change, expected) in [
        (
            Bearer { realm: Some("http://auth.example/token"), ..tokens() },
            "the registry's token server http://auth.example/token is not reached over https",
        ),
        (Bearer { realm: Some("token"), ..tokens() }, "the registry's token server `token` is not a URL"),
        (
            Bearer { answer: Some("{\"token\":7}"), ..tokens() },
            "the token server 127.0.0.1 answered with no token",
        ),
        (Bearer { answer: Some("{}"), ..tokens() }, "the token server 127.0.0.1 answered with no token"),
    ] {
        let setup = Setup::new();
        let server = Server::start(Guard::Bearer(change), Vec::new());
        let error = setup.push(server.address, password("enigma"), Mode::Push).await.unwrap_err().to_string();
        assert!(error.ends_with(expected), "{error}");
    }
}

#[test]
fn secrets_have_no_text() {
    assert_eq!(format!("{:?}", password("enigma")), r#"Basic { user: "ada", password: Secret }"#);
    assert_eq!(format!("{:?}", Credentials::IdentityToken(Secret::new("x"))), "IdentityToken(Secret)");
}
