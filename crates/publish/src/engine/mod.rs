//! A Docker engine, or podman's API, through bollard.
//!
//! What an engine can do depends on its store: containerd's carries an index with all its platforms, and pushes it
//! with its digests unchanged; the classic one holds single images, and compresses their layers anew when it pushes.

mod endpoint;
mod error;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzz;
mod load;
mod push;
mod ship;
mod tls;

use std::error::Error;
use std::iter;
use std::time::Duration;

use bollard::models::SystemVersion;
use bollard::{API_DEFAULT_VERSION, BollardRequest, ClientVersion, Docker};

pub use endpoint::{Endpoint, find};
pub use error::{EngineError, Reason};
pub use ship::{ShipError, Shipped};
pub use tls::Tls;

/// The oldest API that is supported: Docker 20.10 speaks 1.41, podman 4 speaks 1.40.
const OLDEST: ClientVersion = ClientVersion { major_version: 1, minor_version: 40 };

/// Loading a large image takes an engine minutes before it answers.
const PATIENCE: Duration = Duration::from_secs(3600);
/// An engine that is there answers at once.
const HELLO: Duration = Duration::from_secs(10);
/// The most connections to an engine that closes each before a request is sent.
const ATTEMPTS: usize = 5;

/// The store of an engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Store {
    /// As containerd does: whole indexes, with their digests.
    Containerd,
    /// As Docker and podman do otherwise: images of one platform.
    Classic,
}

/// An engine that has answered.
pub struct Engine {
    docker: Docker,
    endpoint: Endpoint,
    name: String,
    store: Store,
    platform: oci::spec::Platform,
}

impl Engine {
    /// The first of `endpoints` that answers.
    pub async fn connect(endpoints: &[Endpoint]) -> Result<Engine, EngineError> {
        let mut tried = Vec::new();
        for endpoint in endpoints {
            let action = || format!("use the engine at {endpoint}");
            match hello(endpoint).await {
                Ok(engine) => return Ok(engine),
                Err(Hello::Final(reason)) => return Err(EngineError::new(action(), reason)),
                Err(Hello::Absent(what)) => tried.push(format!("{endpoint} ({what})")),
            }
        }
        Err(EngineError::new("find an engine", Reason::None { tried }))
    }

    /// Its name for itself: `Docker 28.5.2`, `podman 4.3.1`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The address that it listens at.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Its store of images.
    pub fn store(&self) -> Store {
        self.store
    }

    /// The platform that it runs on.
    pub fn platform(&self) -> &oci::spec::Platform {
        &self.platform
    }
}

enum Hello {
    /// Nothing is there; there may be something elsewhere.
    Absent(String),
    Final(Reason),
}

async fn hello(endpoint: &Endpoint) -> Result<Engine, Hello> {
    let docker = client(endpoint)?.with_timeout(HELLO);
    let version = version(&docker).await.map_err(|error| absent_or_final(&error))?;
    let found = version.api_version.clone().unwrap_or_default();
    let api = parse_version(&found);
    if api < OLDEST {
        let needed = format!("{}.{}", OLDEST.major_version, OLDEST.minor_version);
        return Err(Hello::Final(Reason::TooOld { found, needed }));
    }
    // Speaks the older of the two versions from here on.
    let docker = docker.negotiate_version().await.map_err(|error| Hello::Final(reported(&error)))?;
    let info = docker.info().await.map_err(|error| Hello::Final(reported(&error)))?;
    let components = version.components.unwrap_or_default();
    let podman = components.iter().any(|component| component.name.starts_with("Podman"));
    let name = if podman { "podman" } else { "Docker" };
    let containerd = info.driver_status.iter().flatten().any(|pair| {
        matches!(pair.as_slice(), [key, value] if key == "driver-type" && value.starts_with("io.containerd."))
    });
    let platform = oci::spec::Platform {
        architecture: version.arch.unwrap_or_default(),
        os: version.os.unwrap_or_default(),
        variant: None,
    };
    Ok(Engine {
        docker: docker.with_timeout(PATIENCE),
        endpoint: endpoint.clone(),
        name: format!("{name} {}", version.version.unwrap_or_default()),
        store: if containerd { Store::Containerd } else { Store::Classic },
        platform,
    })
}

/// An engine that rejects the user's certificate closes the connection, maybe before the question is sent: then the error does not
/// say why. The next attempt's may.
async fn version(docker: &Docker) -> Result<SystemVersion, bollard::errors::Error> {
    let mut left = ATTEMPTS;
    loop {
        left -= 1;
        match docker.version().await {
            Err(error) if left > 0 && was_not_sent(&error) => {}
            answer => return answer,
        }
    }
}

fn was_not_sent(error: &bollard::errors::Error) -> bool {
    causes(error).any(|cause| cause.downcast_ref().is_some_and(hyper::Error::is_canceled))
}

/// The error, what caused it, and so on.
fn causes(error: &bollard::errors::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    iter::successors(Some(error as &(dyn Error + 'static)), |&error| error.source())
}

fn client(endpoint: &Endpoint) -> Result<Docker, Hello> {
    let seconds = PATIENCE.as_secs();
    let docker = match endpoint {
        Endpoint::Unix(path) => {
            Docker::connect_with_unix(&path.to_string_lossy(), seconds, API_DEFAULT_VERSION)
        }
        Endpoint::Tcp(address) => Docker::connect_with_http(address, seconds, API_DEFAULT_VERSION),
        Endpoint::Tls { address, tls } => Ok(tls::connect(address, tls, seconds).map_err(Hello::Final)?),
    };
    let docker = docker.map_err(|error| absent_or_final(&error))?;
    Ok(docker.with_request_modifier(url_safe))
}

/// Engines decode credentials from the URL-safe alphabet (moby's `registry.DecodeAuthConfig`); bollard 0.21 encodes
/// them in the other, so that some passwords would be lost.
fn url_safe(mut request: BollardRequest) -> BollardRequest {
    if let Some(value) = request.headers_mut().get_mut("X-Registry-Auth") {
        let bytes: Vec<u8> = value
            .as_bytes()
            .iter()
            .map(|byte| match byte {
                b'+' => b'-',
                b'/' => b'_',
                other => *other,
            })
            .collect();
        if let Ok(mut safe) = http::header::HeaderValue::from_bytes(&bytes) {
            safe.set_sensitive(true);
            *value = safe;
        }
    }
    request
}

fn parse_version(text: &str) -> ClientVersion {
    let mut numbers = text.split('.').map(|part| part.parse().unwrap_or(0));
    let mut next = || numbers.next().unwrap_or(0);
    ClientVersion { major_version: next(), minor_version: next() }
}

fn absent_or_final(error: &bollard::errors::Error) -> Hello {
    use bollard::errors::Error;
    let text = message(error);
    if let Error::DockerResponseServerError { .. } = error {
        return Hello::Final(Reason::Reported(text));
    }
    if text.contains("Permission denied") {
        return Hello::Final(Reason::Permission);
    }
    Hello::Absent(match error {
        Error::SocketNotFoundError(_) => "no such file".to_owned(),
        Error::RequestTimeoutError => "no answer".to_owned(),
        _ => text,
    })
}

fn reported(error: &bollard::errors::Error) -> Reason {
    Reason::Reported(message(error))
}

/// The engine's message, or the deepest cause of what went wrong on the way to it.
fn message(error: &bollard::errors::Error) -> String {
    use bollard::errors::Error;
    match error {
        Error::DockerResponseServerError { status_code, message } => {
            format!("{} (status {status_code})", message.trim())
        }
        Error::DockerStreamError { error } => error.trim().to_owned(),
        other => causes(other).last().map(ToString::to_string).unwrap_or_default(),
    }
}
