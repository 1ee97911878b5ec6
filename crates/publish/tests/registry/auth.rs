//! Who may do what: challenges, tokens and their renewal; and that no secret is ever told.

use crate::http::Response;
use crate::publish::credentials::{Credentials, Secret};
use crate::publish::registry::{Mode, Options, Reason, Silent, push};
use crate::server::{Fault, Guard, Rule, Server};
use crate::setup::{Setup, connect, options};

fn password(password: &str) -> Credentials {
    Credentials::Basic { user: "ada".to_owned(), password: Secret::new(password) }
}

fn bearer(uses: usize) -> Guard {
    Guard::Bearer { uses, user: "ada", password: "enigma", refresh: Some("r3fresh") }
}

#[tokio::test]
async fn passwords_and_tokens_open_a_registry() {
    let basic = Guard::Basic { user: "ada", password: "enigma" };
    let refresh = Credentials::IdentityToken(Secret::new("r3fresh"));
    for (name, guard, credentials) in [
        ("basic", basic, password("enigma")),
        ("bearer, with a password", bearer(usize::MAX), password("enigma")),
        ("bearer, with a refresh token", bearer(usize::MAX), refresh),
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

#[test]
fn secrets_have_no_text() {
    assert_eq!(format!("{:?}", password("enigma")), r#"Basic { user: "ada", password: Secret }"#);
    assert_eq!(format!("{:?}", Credentials::IdentityToken(Secret::new("x"))), "IdentityToken(Secret)");
}
