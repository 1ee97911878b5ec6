//! The places where an engine listens: `DOCKER_HOST`, docker's current context, or the usual sockets.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::Deserialize;
use sha256::Digest;

use super::error::{EngineError, Reason};
use super::tls::Tls;
use crate::configuration;

/// An address at which an engine may listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// A socket on this machine: `unix:///run/docker.sock`.
    Unix(PathBuf),
    /// Plain HTTP: `tcp://host:2375`.
    Tcp(String),
    /// HTTP over TLS.
    Tls {
        /// Host and port.
        address: String,
        /// The identities of engine and user.
        tls: Tls,
    },
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Endpoint::Unix(path) => write!(f, "unix://{}", path.display()),
            Endpoint::Tcp(address) | Endpoint::Tls { address, .. } => write!(f, "tcp://{address}"),
        }
    }
}

impl FromStr for Endpoint {
    type Err = EngineError;

    /// Parses what `DOCKER_HOST` may hold; a bare path is a socket.
    fn from_str(text: &str) -> Result<Endpoint, EngineError> {
        let unsupported = || EngineError::new(format!("reach an engine at `{text}`"), Reason::Endpoint);
        match text.split_once("://") {
            Some(("unix", path)) if path.starts_with('/') => Ok(Endpoint::Unix(path.into())),
            Some(("tcp" | "http", address)) if !address.is_empty() => {
                Ok(Endpoint::Tcp(address.trim_end_matches('/').to_owned()))
            }
            None if text.starts_with('/') => Ok(Endpoint::Unix(text.into())),
            _ => Err(unsupported()),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    current_context: Option<String>,
}

/// A context's `meta.json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Context {
    endpoints: Endpoints,
}

#[derive(Deserialize)]
struct Endpoints {
    docker: ContextEndpoint,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ContextEndpoint {
    pub(super) host: String,
    #[serde(default, rename = "SkipTLSVerify")]
    skip_tls_verify: bool,
}

/// The addresses to try, the first that answers counts. What the user chose is tried alone. `variable` answers for
/// `DOCKER_HOST`, `DOCKER_TLS_VERIFY`, `DOCKER_TLS`, `DOCKER_CERT_PATH`, `DOCKER_CONTEXT`, `DOCKER_CONFIG`, `HOME` and
/// `XDG_RUNTIME_DIR`.
pub fn find(variable: impl Fn(&str) -> Option<OsString>) -> Result<Vec<Endpoint>, EngineError> {
    let path = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let text = |name: &str| path(name).map(|value| value.to_string_lossy().into_owned());
    let docker = path("DOCKER_CONFIG").or_else(|| path("HOME").map(|home| home.join(".docker")));
    if let Some(host) = text("DOCKER_HOST") {
        let endpoint: Endpoint = host.parse()?;
        let verify = text("DOCKER_TLS_VERIFY").is_some();
        return Ok(vec![match endpoint {
            Endpoint::Tcp(address) if verify || text("DOCKER_TLS").is_some() => {
                let certificates = path("DOCKER_CERT_PATH").or(docker).unwrap_or_default();
                Endpoint::Tls { address, tls: Tls::in_environment(&certificates, verify) }
            }
            endpoint => endpoint,
        }]);
    }
    if let Some(docker) = docker
        && let Some(name) = text("DOCKER_CONTEXT").or_else(|| current_context(&docker))
        && name != "default"
    {
        return context(&docker, &name).map(|endpoint| vec![endpoint]);
    }
    let runtime = path("XDG_RUNTIME_DIR");
    let under_runtime = |rest: &str| runtime.as_ref().map(|dir| dir.join(rest));
    let sockets = [
        Some(PathBuf::from("/var/run/docker.sock")),
        under_runtime("docker.sock"),
        under_runtime("podman/podman.sock"),
        Some(PathBuf::from("/run/podman/podman.sock")),
    ];
    Ok(sockets.into_iter().flatten().map(Endpoint::Unix).collect())
}

fn current_context(docker: &Path) -> Option<String> {
    let bytes = configuration::read(&docker.join("config.json")).ok()?;
    serde_json::from_slice::<Config>(&bytes).ok()?.current_context.filter(|name| !name.is_empty())
}

pub(super) fn parse_context(bytes: &[u8]) -> serde_json::Result<ContextEndpoint> {
    Ok(serde_json::from_slice::<Context>(bytes)?.endpoints.docker)
}

/// Docker keeps contexts under the digests of their names.
fn context(docker: &Path, name: &str) -> Result<Endpoint, EngineError> {
    let id = Digest::of(name.as_bytes()).hex();
    let path = docker.join("contexts/meta").join(&id).join("meta.json");
    let fail = |reason: String| {
        EngineError::new(
            format!("use the docker context `{name}`"),
            Reason::Context { path: path.clone(), reason },
        )
    };
    let bytes = configuration::read(&path).map_err(|error| fail(error.to_string()))?;
    let ContextEndpoint { host, skip_tls_verify } =
        parse_context(&bytes).map_err(|error| fail(error.to_string()))?;
    let certificates = docker.join("contexts/tls").join(&id).join("docker");
    let tls = Tls::in_context(&certificates, !skip_tls_verify).map_err(|error: io::Error| {
        let (action, path) = (format!("use the docker context `{name}`"), certificates.clone());
        EngineError::new(action, Reason::Context { path, reason: error.to_string() })
    })?;
    Ok(match (host.parse()?, tls) {
        (Endpoint::Tcp(address), Some(tls)) => Endpoint::Tls { address, tls },
        (endpoint, _) => endpoint,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    use std::fs;

    fn check(variables: &[(&str, &str)], expected: Result<&[&str], &str>) {
        let variables: BTreeMap<_, _> = variables.iter().copied().collect();
        let found = find(|name| variables.get(name).map(OsString::from));
        let found = found.map(|found| found.iter().map(ToString::to_string).collect::<Vec<_>>());
        let expected = expected.map(|list| list.iter().map(|text| (*text).to_owned()).collect());
        assert_eq!(found.map_err(|error| error.to_string()), expected.map_err(str::to_owned));
    }

    #[test]
    fn what_is_chosen_is_tried_alone() {
        check(&[("DOCKER_HOST", "unix:///x.sock")], Ok(&["unix:///x.sock"]));
        check(&[("DOCKER_HOST", "/x.sock")], Ok(&["unix:///x.sock"]));
        check(&[("DOCKER_HOST", "tcp://10.0.0.1:2375/")], Ok(&["tcp://10.0.0.1:2375"]));
        for bad in ["ssh://host", "x.sock", "tcp://", "unix://x"] {
            let error =
                format!("cannot reach an engine at `{bad}`: neither `unix:///PATH` nor `tcp://HOST:PORT`");
            check(&[("DOCKER_HOST", bad)], Err(&error));
        }
        check(
            &[("XDG_RUNTIME_DIR", "/run/user/7")],
            Ok(&[
                "unix:///var/run/docker.sock",
                "unix:///run/user/7/docker.sock",
                "unix:///run/user/7/podman/podman.sock",
                "unix:///run/podman/podman.sock",
            ]),
        );
    }

    #[test]
    fn contexts_are_found_under_their_digests() {
        let home = tempfile::TempDir::new().unwrap();
        let docker = home.path().to_str().unwrap();
        let meta = home.path().join("contexts/meta").join(Digest::of(b"lab").hex());
        fs::create_dir_all(&meta).unwrap();
        let file = meta.join("meta.json");
        fs::write(
            &file,
            r#"{"Name":"lab","Endpoints":{"docker":{"Host":"unix:///lab.sock","SkipTLSVerify":true}}}"#,
        )
        .unwrap();
        check(&[("DOCKER_CONFIG", docker), ("DOCKER_CONTEXT", "lab")], Ok(&["unix:///lab.sock"]));
        fs::write(home.path().join("config.json"), r#"{"currentContext":"lab"}"#).unwrap();
        check(&[("DOCKER_CONFIG", docker)], Ok(&["unix:///lab.sock"]));
        check(&[("DOCKER_CONFIG", docker), ("DOCKER_HOST", "/x")], Ok(&["unix:///x"]));
        fs::remove_file(&file).unwrap();
        let error = format!(
            "cannot use the docker context `lab`: {}: No such file or directory (os error 2)",
            file.display()
        );
        check(&[("DOCKER_CONFIG", docker)], Err(&error));
    }
}
