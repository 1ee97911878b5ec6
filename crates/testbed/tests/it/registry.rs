//! Debian's registry, as the test itself sees it. With a password and with TLS, it is what `publish` is tested against.

use std::io::{Read, Write};
use std::net::TcpStream;

use qus_testbed::registry::Options;
use qus_testbed::sandbox::{self, Network};
use qus_testbed::{Packages, Registry, Sandbox};

#[test]
fn on_the_machines_network_the_test_itself_reaches_it() {
    let test = "on_the_machines_network_the_test_itself_reaches_it";
    let Some(packages) = Packages::for_test(test) else { return };
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
