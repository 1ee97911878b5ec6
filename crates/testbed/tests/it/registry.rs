//! Debian's registry, plain, with a password and with TLS, as an engine and as the test itself see it.

use std::io::{Read, Write};
use std::net::TcpStream;

use qus_testbed::registry::{Options, PASSWORD, USER};
use qus_testbed::sandbox::{self, Network};
use qus_testbed::{Engine, Registry, Sandbox};

/// Pushes an image from an engine to a registry in the same sandbox and pulls it back.
fn check(test: &str, options: &Options) {
    let engine = Engine::Docker28 { containerd_store: true };
    let Some(packages) = crate::support::packages(test) else { return };
    let docker = packages.tree(engine.tree_name(), &engine.packages()).unwrap();
    let tree = packages.tree("registry", &Registry::packages()).unwrap();
    let sandbox_options = sandbox::Options { trees: vec![&docker, &tree], ..Default::default() };
    let sandbox = Sandbox::start(&packages, &sandbox_options).unwrap();
    let running = engine.start(&sandbox).unwrap();
    let registry = Registry::start(&sandbox, options).unwrap();
    let image = format!("{}/some/image:1", registry.address());
    let rootfs = sandbox.shared().join("rootfs.tar");
    tar::Builder::new(std::fs::File::create(&rootfs).unwrap()).into_inner().unwrap();
    let platform = arch::Host::native().unwrap().platform();
    running.import(&rootfs, platform, &image).unwrap();

    if options.tls {
        let error = running.client(&["push", &image]).unwrap_err().to_string();
        assert!(error.contains("certificate signed by unknown authority"), "{error}");
        registry.trust().unwrap();
    }
    if options.password {
        let error = running.client(&["push", &image]).unwrap_err().to_string();
        assert!(error.contains("no basic auth credentials"), "{error}");
        let address = registry.address().to_string();
        let login = ["login", "--username", USER, "--password", PASSWORD, &address];
        assert!(running.client(&login).unwrap().contains("Login Succeeded"));
    }
    running.client(&["push", &image]).unwrap();
    running.client(&["rmi", &image]).unwrap();
    running.client(&["pull", &image]).unwrap();
    assert!(registry.log().contains("PUT"), "{}", registry.log());
}

#[test]
fn plain() {
    check("plain", &Options::default());
}

#[test]
fn with_a_password() {
    check("with_a_password", &Options { password: true, ..Options::default() });
}

#[test]
fn with_tls_and_a_password() {
    let address = sandbox::ADDRESS.parse().unwrap();
    check(
        "with_tls_and_a_password",
        &Options { address, port: Some(5000), tls: true, password: true, unaware: false },
    );
}

#[test]
fn on_the_machines_network_the_test_itself_reaches_it() {
    let test = "on_the_machines_network_the_test_itself_reaches_it";
    let Some(packages) = crate::support::packages(test) else { return };
    let tree = packages.tree("registry", &Registry::packages()).unwrap();
    let options = sandbox::Options { trees: vec![&tree], network: Network::Host, ..Default::default() };
    let sandbox = Sandbox::start(&packages, &options).unwrap();
    let registry = Registry::start(&sandbox, &Options::default()).unwrap();

    let mut stream = TcpStream::connect(registry.address()).unwrap();
    stream.write_all(b"GET /v2/ HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.0 200 OK\r\n"), "{answer}");

    let error =
        Registry::start(&sandbox, &Options { port: Some(registry.address().port()), ..Options::default() });
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("it ended (exit status: 1)") && error.contains("address already in use"),
        "{error}"
    );
    let address = registry.address();
    drop(registry);
    TcpStream::connect(address).unwrap_err();
}
