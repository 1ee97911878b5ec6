//! Authorization: challenges, tokens and their renewal; and that no secret is ever shown.

use base::Hint as _;

use super::guard::{Bearer, Guard, PASSWORD, REFRESH, USER};
use super::http::Response;
use super::server::{Fault, Rule, Server};
use super::setup::{Setup, connect, options};
use crate::publish::credentials::{Credentials, Secret};
use crate::publish::registry::{Mode, Options, Reason};

fn basic(password: Secret) -> Credentials {
    Credentials::Basic { user: USER.to_owned(), password }
}

fn password() -> Credentials {
    basic(Secret::new(PASSWORD))
}

fn wrong() -> Secret {
    Secret::new("s3cret")
}

fn refresh() -> Credentials {
    Credentials::IdentityToken(Secret::new(REFRESH))
}

fn bearer(uses: usize) -> Guard {
    Guard::Bearer(Bearer { uses, ..Bearer::default() })
}

fn tokens() -> Guard {
    bearer(usize::MAX)
}

/// Tokens from a server that has an OAuth2 side alone.
fn forms() -> Guard {
    Guard::Bearer(Bearer { only_oauth2: true, ..Bearer::default() })
}

#[tokio::test]
async fn passwords_and_tokens_open_a_registry() {
    for (name, guard, credentials) in [
        ("basic", Guard::Basic, password()),
        ("bearer, with a password", tokens(), password()),
        ("bearer, with a refresh token", tokens(), refresh()),
        ("bearer, with a password, of the OAuth2 kind alone", forms(), password()),
    ] {
        let setup = Setup::new();
        let server = Server::start(guard, Vec::new());
        setup.push_as(credentials, &server).await.unwrap();
        setup.assert_complete(&server, name);
    }
}

#[tokio::test]
async fn one_token_serves_a_whole_push() {
    let setup = Setup::new();
    let server = Server::start(tokens(), Vec::new());
    setup.push_as(password(), &server).await.unwrap();
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
        let registry = connect(server.address, password(), options).await.unwrap();
        setup.push_to(&registry, Mode::Push).await.unwrap();
        setup.assert_complete(&server, "renewal");
        assert!(server.count("TOKEN", "") > 1);
    }
}

#[tokio::test]
async fn who_is_refused_is_told_so_and_no_secret_with_it() {
    let again = Response::new(401).header("WWW-Authenticate", r#"Basic realm="test""#);
    let loops = Rule::always("HEAD", "/manifests/", Fault::Answer(again));
    let refused = "the credentials were refused";
    let at_token_server = "the credentials were refused (UNAUTHORIZED: bad password)";
    let file = "/home/ada/.docker/config.json";
    let helper = format!("docker-credential-pass (named in {file})");
    let from_file = format!("the credentials from {file} were refused");
    let from_helper = format!("the credentials from {helper} were refused (UNAUTHORIZED: bad password)");
    for (name, guard, rules, credentials, expected) in [
        ("no credentials", Guard::Basic, vec![], Credentials::Anonymous, "no credentials were found"),
        ("a wrong password", Guard::Basic, vec![], basic(wrong()), refused),
        ("a wrong password at the token server", bearer(9), vec![], basic(wrong()), at_token_server),
        ("a wrong password of a file", Guard::Basic, vec![], basic(wrong().with_origin(file)), &from_file),
        ("that at the token server", bearer(9), vec![], basic(wrong().with_origin(&helper)), &from_helper),
        ("401 in a loop", Guard::Basic, vec![loops], password(), refused),
        ("tokens that are never good", bearer(0), vec![], password(), refused),
    ] {
        let server = Server::start(guard, rules);
        let error = Setup::new().push_as(credentials, &server).await.unwrap_err();
        let text = error.to_string();
        assert!(text.ends_with(&format!(": unauthorized: {expected}")), "{name}: {text}");
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
    let accept =
        |method, status| Rule::always(method, "/storage", Fault::Answer(Response::new(status).body("x")));
    let storage = Server::start(Guard::Open, vec![accept("PUT", 201), accept("GET", 200)]);
    let upload = Rule::always("POST", "/uploads/", Fault::Elsewhere(storage.address));
    let download = sent_on("GET", "/blobs/sha256", 307, &storage, "/storage?signature=s3cret");
    let server = Server::start(Guard::Basic, vec![upload, download]);
    let registry = connect(server.address, password(), options()).await.unwrap();

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
    let realm = |realm| Bearer { realm: Some(realm), ..Bearer::default() };
    let answer = |answer| Bearer { answer: Some(answer), ..Bearer::default() };
    for (tokens, expected) in [
        (
            realm("http://auth.example/token"),
            "the registry's token server http://auth.example/token is not reached over https",
        ),
        (
            realm("http://ada:s3cret@auth.example/token?s3cret"),
            "the registry's token server http://***@auth.example/token?*** is not reached over https",
        ),
        (realm("token"), "the registry's token server `token` is not a URL"),
        (realm("//ada:s3cret@token"), "the registry's token server `***@token` is not a URL"),
        (answer(r#"{"token":7}"#), "the token server 127.0.0.1 answered with no token"),
        (answer("{}"), "the token server 127.0.0.1 answered with no token"),
        // It is shown, and the registry of these tests does not know it.
        (answer(r#"{"token":"","access_token":"x","expires_in":"soon"}"#), "the credentials were refused"),
    ] {
        let server = Server::start(Guard::Bearer(tokens), Vec::new());
        let error = Setup::new().push_as(password(), &server).await.unwrap_err();
        assert!(error.to_string().ends_with(expected), "{error}");
        assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
        let is_shown = expected == "the credentials were refused";
        assert_eq!(server.count("HEAD", "+secret") > 0, is_shown, "{error}");
    }
}

/// Sends every request whose path has `path` in it on to another server.
fn sent_on(method: &'static str, path: &'static str, status: u16, to: &Server, there: &str) -> Rule {
    let location = format!("http://{}{there}", to.address);
    Rule::always(method, path, Fault::Answer(Response::new(status).header("Location", location)))
}

/// Another server asks for a password, or for a token from its own token server.
#[tokio::test]
async fn a_challenge_of_another_server_gets_nothing() {
    for curious in [Guard::Basic, tokens()] {
        for (method, path) in
            [("HEAD", "/v2/"), ("HEAD", "/manifests/"), ("POST", "/uploads/"), ("PUT", "/uploads/")]
        {
            for guard in [Guard::Open, Guard::Basic, tokens()] {
                let other = Server::start(curious.clone(), Vec::new());
                let rule = sent_on(method, path, 307, &other, "/v2/stolen");
                let server = Server::start(guard, vec![rule]);
                let result = Setup::new().push_as(password(), &server).await;
                let log = other.state().log.clone();
                let name = format!("{method} {path} {curious:?} {result:?} {log:?}");
                assert!(!log.is_empty(), "{name}");
                let is_asked = |line: &String| line.contains("secret") || line.contains("/token");
                assert!(!log.iter().any(is_asked), "{name}");
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
    for status in [301, 302, 307, 308] {
        for (method, guard, credentials) in
            [("POST", tokens(), refresh()), ("POST", forms(), password()), ("GET", tokens(), password())]
        {
            let other = Server::start(tokens(), Vec::new());
            let server = Server::start(guard, vec![sent_on(method, "/token", status, &other, "/token")]);
            let error = Setup::new().push_as(credentials, &server).await.unwrap_err().to_string();
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
    let other = Server::open();
    let server = Server::start(tokens(), vec![sent_on("GET", "/token", 307, &other, "/v2/anything")]);
    let setup = Setup::new();
    let error = setup.push(&server).await.unwrap_err().to_string();
    assert!(error.ends_with(": the token server 127.0.0.1 answered 404 Not Found"), "{error}");
}

#[test]
fn secrets_have_no_text() {
    assert_eq!(format!("{:?}", password()), r#"Basic { user: "ada", password: Secret }"#);
    assert_eq!(format!("{:?}", Credentials::IdentityToken(Secret::new("x"))), "IdentityToken(Secret)");
}
