//! Docker's own client on the same configurations: what it hands over for a push.
//!
//! The client gives an engine the credentials that it has found, in a header of the API (`X-Registry-Auth`); the engine
//! here is one that writes them down.

use std::fs;
use std::net::TcpListener;
use std::sync::mpsc::{Sender, channel};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use serde::Deserialize;
use testbed::sandbox::{Network, Options, SHARED};
use testbed::{Package, Packages, Sandbox};

use super::table::{CASES, Case, Shown, write_helpers};
use crate::registry::http::{Connection, Response};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Handed {
    username: String,
    password: String,
    identitytoken: String,
}

/// Answers as an engine that pushes anything, and sends on what it got for it.
fn engine(listener: &TcpListener, handed: &Sender<Handed>) {
    for stream in listener.incoming() {
        let handed = handed.clone();
        std::thread::spawn(move || {
            let mut connection = Connection::new(stream.unwrap());
            while let Some(request) = connection.read_head() {
                connection.read_body(&request, u64::MAX).unwrap();
                if request.method == "POST" {
                    let json = URL_SAFE.decode(&request.headers["x-registry-auth"]).unwrap();
                    handed.send(serde_json::from_slice(&json).unwrap()).unwrap();
                }
                let answer = Response::new(200).header("Api-Version", "1.47").body("{}");
                let answer = answer.header("Content-Type", "application/json");
                connection.send(&answer, request.method == "HEAD", None).unwrap();
            }
        });
    }
}

fn shown(handed: &Handed, case: &Case) -> Shown {
    let same = |shown: Shown| match shown {
        Shown::Nothing => handed.identitytoken.is_empty() && handed.password.is_empty(),
        Shown::User(user, password) => {
            (&*handed.username, &*handed.password, &*handed.identitytoken) == (user, password, "")
        }
        // Engines show the token alone.
        Shown::Token(token) => handed.identitytoken == token,
    };
    let mut all = CASES.iter().filter_map(|case| case.docker);
    let found = all.find(|shown| same(*shown));
    found.unwrap_or_else(|| panic!("{}: {handed:?}", case.content))
}

#[test]
fn the_table_is_what_dockers_client_does() {
    let Some(packages) = Packages::for_test("the_table_is_what_dockers_client_does") else {
        return;
    };
    let client = packages.tree("docker-cli", &[Package::native("sid", "docker-cli")]).unwrap();
    let options = Options { trees: vec![&client], network: Network::Host, ..Options::default() };
    let sandbox = Sandbox::start(&packages, &options).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = format!("tcp://{}", listener.local_addr().unwrap());
    let (sender, handed) = channel();
    // Ends with the test's process.
    std::thread::spawn(move || engine(&listener, &sender));
    write_helpers(&sandbox.shared());
    let mut wrong = Vec::new();
    for case in &CASES {
        fs::write(sandbox.shared().join("config.json"), case.text(case.content)).unwrap();
        let mut docker = sandbox.command("docker");
        docker.args(["push", &format!("{}/team/qus:x", case.registry)]);
        docker.env("DOCKER_HOST", &host).env("DOCKER_CONFIG", SHARED);
        docker.env("PATH", format!("{SHARED}:/usr/sbin:/usr/bin"));
        if let Some(variable) = case.variable {
            docker.env("DOCKER_AUTH_CONFIG", case.text(variable));
        }
        let output = docker.output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        let found = handed.try_recv().ok().map(|handed| shown(&handed, case));
        if found != case.docker {
            wrong.push(format!("{}: {found:?} instead of {:?}: {text}", case.content, case.docker));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
