//! Authorization: challenges, tokens and their renewal; and that no secret is ever shown.

use base::Hint as _;

use super::guard::{Bearer, Guard};
use super::http::Response;
use super::server::{Fault, Rule, Server};
use super::setup::{Setup, connect, options};
use crate::publish::credentials::{Credentials, Secret};
use crate::publish::registry::{Mode, Options, Reason, Silent, push};

fn password(password: &str) -> Credentials {
    Credentials::Basic { user: "ada".to_owned(), password: Secret::new(password) }
}

fn found(password: &str, origin: &str) -> Credentials {
    Credentials::Basic { user: "ada".to_owned(), password: Secret::new(password).with_origin(origin) }
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
            "a wrong password out of a file",
            basic(),
            vec![],
            found("s3cret", "/home/ada/.docker/config.json"),
            "unauthorized: the credentials from /home/ada/.docker/config.json were refused",
        ),
        (
            "a wrong password out of a file at the token server",
            bearer(9),
            vec![],
            found("s3cret", "docker-credential-pass (named in /home/ada/.docker/config.json)"),
            "unauthorized: the credentials from docker-credential-pass (named in /home/ada/.docker/config.json) were \
             refused (UNAUTHORIZED: bad password)",
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

/// A server that has nothing to do with the registry, and wants to know a password: everything there asks for one, or for a
/// token from its own token server.
fn curious(basic: bool) -> Server {
    let guard = match basic {
        true => Guard::Basic { user: "eve", password: "x" },
        false => bearer(usize::MAX),
    };
    Server::start(guard, Vec::new())
}

/// Sends every request whose path has `path` in it on to another server.
fn sent_on(method: &'static str, path: &'static str, status: u16, to: &Server, there: &str) -> Rule {
    let location = format!("http://{}{there}", to.address);
    let fault = Fault::Answer(Response::new(status).header("Location", location));
    Rule { method, path, skip: 0, times: usize::MAX, fault }
}

#[tokio::test]
async fn a_challenge_of_another_server_gets_nothing() {
    for basic in [true, false] {
        for (method, path) in
            [("HEAD", "/v2/"), ("HEAD", "/manifests/"), ("POST", "/uploads/"), ("PUT", "/uploads/")]
        {
            for guard in [Guard::Open, Guard::Basic { user: "ada", password: "enigma" }, bearer(usize::MAX)] {
                let other = curious(basic);
                let rule = sent_on(method, path, 307, &other, "/v2/stolen");
                let server = Server::start(guard, vec![rule]);
                let setup = Setup::new();
                let result = setup.push(server.address, password("enigma"), Mode::Push).await;
                let log = other.state().log.clone();
                let name = format!("{method} {path} {basic} {result:?} {log:?}");
                assert!(!log.is_empty(), "{name}");
                assert!(
                    log.iter().all(|line| !line.contains("secret") && !line.contains("/token")),
                    "{name}"
                );
                if path != "/v2/" {
                    let error = result.unwrap_err().to_string();
                    let expected = format!(
                        "sent on to http://{}/v2/stolen, which wants credentials: those of the registry are for \
                         the registry alone",
                        other.address
                    );
                    assert!(error.replace("?***", "").ends_with(&expected), "{name}");
                }
            }
        }
    }
}

#[tokio::test]
async fn what_is_for_a_token_server_is_for_no_other() {
    let refresh = || Credentials::IdentityToken(Secret::new("r3fresh"));
    let forms = || Guard::Bearer(Bearer { only_oauth2: true, ..tokens() });
    for status in [301, 302, 307, 308] {
        for (method, guard, credentials) in [
            ("POST", bearer(usize::MAX), refresh()),
            ("POST", forms(), password("enigma")),
            ("GET", bearer(usize::MAX), password("enigma")),
        ] {
            let other = Server::start(bearer(usize::MAX), Vec::new());
            let server = Server::start(guard, vec![sent_on(method, "/token", status, &other, "/token")]);
            let setup = Setup::new();
            let error = setup.push(server.address, credentials, Mode::Push).await.unwrap_err().to_string();
            let expected = format!(
                ": the token server 127.0.0.1: redirected to http://{}/token, which is another server: it gets no \
                 credentials",
                other.address
            );
            assert!(error.replace("?***", "").ends_with(&expected), "{status} {method}: {error}");
            assert_eq!(other.state().log, [""; 0], "{status} {method}");
        }
    }
    // Nothing to hide, and nobody to ask for it.
    let other = Server::start(Guard::Open, Vec::new());
    let server =
        Server::start(bearer(usize::MAX), vec![sent_on("GET", "/token", 307, &other, "/v2/anything")]);
    let setup = Setup::new();
    let error = setup.push(server.address, Credentials::Anonymous, Mode::Push).await.unwrap_err().to_string();
    assert!(error.ends_with(": the token server 127.0.0.1 answered 404 Not Found"), "{error}");
}

#[tokio::test]
async fn a_token_with_a_strange_life_is_a_token() {
    for answer in [
        r#"{"token":"x","expires_in":18446744073709551615}"#,
        r#"{"token":"x","expires_in":"soon"}"#,
        r#"{"token":"","access_token":"x"}"#,
    ] {
        let setup = Setup::new();
        let server = Server::start(Guard::Bearer(Bearer { answer: Some(answer), ..tokens() }), Vec::new());
        let error = setup.push(server.address, password("enigma"), Mode::Push).await.unwrap_err().to_string();
        // It is shown, and the registry of these tests does not know it.
        assert!(error.ends_with(": unauthorized: the credentials were refused"), "{error}");
        assert!(server.count("HEAD", "/manifests/") > 0 && server.count("HEAD", "+secret") > 0);
    }
}

#[tokio::test]
async fn addresses_of_others_are_shown_without_secrets() {
    for (realm, expected) in [
        (
            "http://ada:s3cret@auth.example/token?s3cret",
            "the registry's token server http://***@auth.example/token?*** is not reached over https",
        ),
        ("//ada:s3cret@token", "the registry's token server `***@token` is not a URL"),
    ] {
        let setup = Setup::new();
        let server = Server::start(Guard::Bearer(Bearer { realm: Some(realm), ..tokens() }), Vec::new());
        let error = setup.push(server.address, password("enigma"), Mode::Push).await.unwrap_err();
        assert!(error.to_string().ends_with(expected), "{error}");
        assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
    }
}

#[test]
fn secrets_have_no_text() {
    assert_eq!(format!("{:?}", password("enigma")), r#"Basic { user: "ada", password: Secret }"#);
    assert_eq!(format!("{:?}", Credentials::IdentityToken(Secret::new("x"))), "IdentityToken(Secret)");
}
