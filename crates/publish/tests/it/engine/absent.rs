//! Engines that are not there, too old, or for others.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

use base::Hint as _;
use tempfile::TempDir;

use crate::publish::engine::{Endpoint, Engine, EngineError};
use crate::registry::http::{Connection, Response};

fn refused(endpoints: &[Endpoint]) -> EngineError {
    base::runtime().unwrap().block_on(Engine::connect(endpoints)).err().unwrap()
}

#[test]
fn where_no_engine_is() {
    let home = TempDir::new().unwrap();
    let nothing = home.path().join("nothing.sock");
    let dead = home.path().join("dead.sock");
    // Bound, and nobody listens.
    let socket = tokio::net::UnixSocket::new_stream().unwrap();
    socket.bind(&dead).unwrap();
    let endpoints = [nothing.clone(), dead.clone()].map(Endpoint::Unix);
    let error = refused(&endpoints);
    assert_eq!(
        error.to_string(),
        format!(
            "cannot find an engine: none answers at unix://{} (no such file), unix://{} (Connection refused (os error 111))",
            nothing.display(),
            dead.display()
        )
    );
    assert_eq!(error.hint().as_deref(), Some("start Docker or podman, or set DOCKER_HOST"));
}

/// Answers every request in the same way.
fn fake(socket: &Path, status: u16, body: &'static str) {
    let listener = UnixListener::bind(socket).unwrap();
    // Ends with the test's process.
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            Connection::new(stream.unwrap()).answer(Response::new(status).body(body));
        }
    });
}

#[test]
fn an_engine_that_is_old_or_refuses_is_told_so() {
    let home = TempDir::new().unwrap();
    for (name, status, body, expected, hint) in [
        (
            "old.sock",
            200,
            r#"{"Version":"17.03.0","ApiVersion":"1.26"}"#,
            "its API has version 1.26, and 1.40 is the oldest supported",
            Some("use Docker 20.10 or podman 4, or newer"),
        ),
        (
            "odd.sock",
            503,
            r#"{"message":"the daemon is not ready"}"#,
            "the daemon is not ready (status 503)",
            None,
        ),
    ] {
        let socket = home.path().join(name);
        fake(&socket, status, body);
        let error = refused(&[Endpoint::Unix(socket.clone())]);
        let expected = format!("cannot use the engine at unix://{}: {expected}", socket.display());
        assert_eq!(error.to_string(), expected);
        assert_eq!(error.hint().as_deref(), hint);
    }
}

/// The owner of a socket without any right to it may not use it, unless a capability says otherwise; in a new user
/// namespace, none does.
#[test]
fn a_socket_for_others_is_told_so() {
    let home = TempDir::new().unwrap();
    let socket = home.path().join("closed.sock");
    fake(&socket, 200, "{}");
    std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(0o000)).unwrap();
    let mut unshare = Command::new("unshare");
    unshare.arg("--user").arg(crate::this()).env("QUS_TEST_SOCKET", &socket);
    crate::run_alone(&mut unshare, "engine::absent::uses_a_closed_socket");
}

/// Run by the test above.
#[test]
#[ignore = "needs a socket for others; another test runs it with one"]
fn uses_a_closed_socket() {
    let socket = std::env::var("QUS_TEST_SOCKET").unwrap();
    let error = refused(&[Endpoint::Unix(socket.clone().into())]);
    assert_eq!(error.to_string(), format!("cannot use the engine at unix://{socket}: permission denied"));
    assert!(error.hint().unwrap().starts_with("join the group"));
}
