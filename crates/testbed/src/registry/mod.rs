//! Debian's `docker-registry`, started in a sandbox.

mod certificate;

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use certificate::Certificate;

use crate::Error;
use crate::engine::Daemon;
use crate::packages::Package;
use crate::sandbox::{SHARED, Sandbox};

/// The user of a registry that wants a password.
pub const USER: &str = "qus";

/// The user's password.
pub const PASSWORD: &str = "secret";

/// The password's bcrypt hash: the only kind that `docker-registry` takes.
const HASH: &str = "$2y$05$qusTestbedRegistryHtpOporEmPktoeelH6tr8HdwjhNzWghBkru";

/// The options of a registry.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// The port; one that is free if `None`.
    pub port: Option<u16>,
    /// HTTPS, with a certificate that only [`Registry::authority`] vouches for.
    pub tls: bool,
    /// Only for [`USER`] with [`PASSWORD`].
    pub password: bool,
    /// Gives addresses that begin with `http:`, as a registry does behind a proxy that does not tell it of TLS.
    pub unaware: bool,
}

/// A registry that answers. Dropping it stops it; its blobs go with the sandbox.
#[derive(Debug)]
pub struct Registry<'a> {
    sandbox: &'a Sandbox,
    daemon: Daemon<'a>,
    address: SocketAddr,
    certificate: Option<Certificate>,
}

impl Registry<'_> {
    /// The packages that a sandbox must have for [`Registry::start`]: a list for [`crate::Packages::tree`].
    pub fn packages() -> Vec<Package> {
        vec![Package::native("bookworm", "docker-registry")]
    }

    /// Starts a registry in `sandbox`, which has a tree of [`Registry::packages`], and waits until it answers.
    pub fn start<'a>(sandbox: &'a Sandbox, options: &Options) -> Result<Registry<'a>, Error> {
        let port = options.port.map_or_else(free_port, Ok)?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let name = format!("registry-{port}");
        let dir = format!("{SHARED}/{name}");
        let blobs = sandbox.shared().join(&name);
        fs::create_dir_all(&blobs).map_err(Error::file("create", &blobs))?;
        let certificate = options.tls.then(|| Certificate::new(address.ip())).transpose()?;
        if let Some(certificate) = &certificate {
            sandbox.write(format!("{dir}/certificate.pem"), &certificate.pem)?;
            sandbox.write(format!("{dir}/key.pem"), &certificate.key)?;
        }
        sandbox.write(format!("{dir}/htpasswd"), format!("{USER}:{HASH}\n"))?;
        let config_file = format!("{dir}/config.yml");
        sandbox.write(&config_file, config(address, &dir, options))?;

        // Said once the socket is open. Not asked for by connecting: somebody else may have the port.
        let listens = |log: &str| log.contains("listening on");
        let daemon = Daemon::start(sandbox, &name, &["docker-registry", "serve", &config_file], listens)?;
        Ok(Registry { sandbox, daemon, address, certificate })
    }

    /// The sandbox that it runs in.
    pub fn sandbox(&self) -> &Sandbox {
        self.sandbox
    }

    /// The address that it listens at: in the sandbox's network, which is the machine's if [`crate::sandbox::Network::Host`] was
    /// asked for. Prints as references begin: `127.0.0.1:5000`.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The certificate, in PEM, that clients must trust; `None` without TLS.
    pub fn authority(&self) -> Option<&str> {
        self.certificate.as_ref().map(|certificate| certificate.authority.as_str())
    }

    /// The output of the registry: a line for every request.
    pub fn log(&self) -> String {
        self.daemon.log()
    }
}

/// A port that nobody listens on; somebody else could take it before the registry does, which then does not start.
fn free_port() -> Result<u16, Error> {
    let find = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr();
    find().map(|address| address.port()).map_err(Error::file("find a port on", "127.0.0.1"))
}

/// <https://distribution.github.io/distribution/about/configuration/>
fn config(address: SocketAddr, dir: &str, options: &Options) -> String {
    let mut config = format!(
        "version: 0.1\nlog: {{level: info}}\n\
         storage:\n  filesystem: {{rootdirectory: {dir}/blobs}}\n  delete: {{enabled: true}}\n\
         http:\n  addr: {address}\n"
    );
    if options.tls {
        config.push_str(&format!("  tls: {{certificate: {dir}/certificate.pem, key: {dir}/key.pem}}\n"));
    }
    if options.unaware {
        config.push_str(&format!("  host: http://{address}\n"));
    }
    if options.password {
        config.push_str(&format!("auth:\n  htpasswd: {{realm: qus, path: {dir}/htpasswd}}\n"));
    }
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(tls: bool, password: bool, unaware: bool, expected: &str) {
        let options = Options { tls, password, unaware, ..Options::default() };
        let config = config(SocketAddr::from(([127, 0, 0, 1], 5000)), "/d", &options);
        let rest = config.split_once("http:\n  addr: 127.0.0.1:5000\n").unwrap().1;
        assert_eq!(rest, expected);
    }

    #[test]
    fn the_configuration_has_what_was_asked_for() {
        let tls = "  tls: {certificate: /d/certificate.pem, key: /d/key.pem}\n";
        let password = "auth:\n  htpasswd: {realm: qus, path: /d/htpasswd}\n";
        check(false, false, false, "");
        check(true, false, false, tls);
        check(false, true, false, password);
        check(true, true, false, &format!("{tls}{password}"));
        check(true, false, true, &format!("{tls}  host: http://127.0.0.1:5000\n"));
    }
}
