//! A repository at a registry (distribution-spec 1.1).

use http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, LOCATION};
use http::{Address, Client, ClientError, Method, Payload, Request, StatusCode, Url};
use oci::spec::{Descriptor, media_type};
use sha256::Digest;

use super::answer;
use super::auth::{Auth, Plain};
use super::error::{Reason, RegistryError};
use super::failure::{Failure, Tries};
use super::options::Options;
use super::reference::Repository;
use super::transport::{Answer, Call, Transport};
use crate::credentials::Credentials;

/// Docker's own types for what OCI standardised; registries answer with them for images that Docker pushed.
const DOCKER_TYPES: [&str; 2] = [
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
];
pub(super) const CONTENT_DIGEST: &str = "docker-content-digest";

/// The access to the registry that a token must allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Reading.
    Pull,
    /// Reading and writing.
    Push,
}

/// A repository at a registry that has answered.
pub struct Registry {
    pub(super) http: Transport,
    repository: Repository,
    access: Access,
}

/// A manifest or an index as a registry holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Points to the bytes. Its media type is the registry's.
    pub descriptor: Descriptor,
    /// The bytes, which have the digest.
    pub bytes: Vec<u8>,
}

impl Registry {
    /// Finds out how to talk to the repository's registry: HTTPS, or plain HTTP where that is allowed.
    pub async fn connect(
        repository: Repository,
        access: Access,
        credentials: Credentials,
        options: Options,
    ) -> Result<Registry, RegistryError> {
        let fail = |reason: Reason| RegistryError::new(format!("reach {}", repository.registry()), reason);
        let client = client(&options, repository.is_loopback()).map_err(&fail)?;
        let plain = match options.insecure {
            true => Plain::Anywhere,
            false if repository.is_loopback() => Plain::Here,
            false => Plain::Nowhere,
        };
        let schemes: &[&str] = if plain == Plain::Nowhere { &["https"] } else { &["https", "http"] };
        let mut last = None;
        for scheme in schemes {
            let base: Url = format!("{scheme}://{}/v2/", repository.server())
                .parse()
                .map_err(|_| fail(Reason::NotARegistry("its name does not fit into a URL".to_owned())))?;
            let auth = Auth::new(credentials.clone(), plain);
            let http = Transport::new(client.clone(), auth, base, options.clone());
            match ping(&http).await {
                Ok(()) => return Ok(Registry { http, repository, access }),
                // A server with a certificate speaks HTTPS.
                Err(failure) if failure.is_certificate() => return Err(fail(failure.into_reason())),
                Err(failure) => last = Some(failure.into_reason()),
            }
        }
        let reason = last.unwrap_or(Reason::NotARegistry("no protocol is allowed".to_owned()));
        Err(fail(reason))
    }

    /// The repository.
    pub fn repository(&self) -> &Repository {
        &self.repository
    }

    /// The digest of the manifest called `name` (a tag or a digest); `None` if there is none.
    pub async fn head_manifest(&self, name: &str) -> Result<Option<Digest>, RegistryError> {
        let answer = self.manifest_call(Method::HEAD, name).await?;
        match answer.status {
            StatusCode::NOT_FOUND => Ok(None),
            StatusCode::OK => match answer_digest(&answer.headers) {
                Some(digest) => Ok(Some(digest)),
                // Old registries leave the header out.
                None => Ok(self.manifest(name).await?.map(|fetched| fetched.descriptor.digest)),
            },
            _ => Err(self.wrong(format!("look for {name} in {}", self.repository), &answer)),
        }
    }

    /// The manifest called `name` (a tag or a digest), verified; `None` if there is none.
    pub async fn manifest(&self, name: &str) -> Result<Option<Fetched>, RegistryError> {
        let answer = self.manifest_call(Method::GET, name).await?;
        let action = || format!("read {name} of {}", self.repository);
        match answer.status {
            StatusCode::NOT_FOUND => return Ok(None),
            StatusCode::OK => {}
            _ => return Err(self.wrong(action(), &answer)),
        }
        let actual = Digest::of(&answer.body);
        let expected = name.parse().ok().or_else(|| answer_digest(&answer.headers));
        if let Some(expected) = expected
            && expected != actual
        {
            return Err(RegistryError::new(action(), Reason::Content { expected, actual }));
        }
        let media_type =
            answer.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let descriptor = Descriptor::new(media_type, actual, answer.body.len() as u64);
        Ok(Some(Fetched { descriptor, bytes: answer.body }))
    }

    /// Puts a manifest or an index under `name` (a tag or its digest).
    pub async fn put_manifest(
        &self,
        name: &str,
        descriptor: &Descriptor,
        bytes: Vec<u8>,
    ) -> Result<(), RegistryError> {
        let action = || format!("push {name} to {}", self.repository);
        let mut call = self.call_to(Method::PUT, &format!("manifests/{name}"));
        call.request.headers.push((CONTENT_TYPE, descriptor.media_type.clone()));
        call.request.payload = Payload::Bytes(bytes.into());
        let answer = self.http.call(&call).await.map_err(|reason| RegistryError::new(action(), reason))?;
        if !answer.status.is_success() {
            return Err(self.wrong(action(), &answer));
        }
        check_digest(&answer.headers, descriptor.digest)
            .map_err(|reason| RegistryError::new(action(), reason))
    }

    /// True if the repository holds the blob.
    pub async fn has_blob(&self, descriptor: &Descriptor) -> Result<bool, RegistryError> {
        Ok(self.blob_size(descriptor).await?.is_some())
    }

    /// The size that the registry says the blob has; `None` if it has no such blob.
    pub(super) async fn blob_size(&self, blob: &Descriptor) -> Result<Option<u64>, RegistryError> {
        let action = || format!("look for blob {} in {}", blob.digest, self.repository);
        let call = self.call_to(Method::HEAD, &format!("blobs/{}", blob.digest));
        let answer = self.http.call(&call).await.map_err(|reason| RegistryError::new(action(), reason))?;
        match answer.status {
            StatusCode::NOT_FOUND => Ok(None),
            StatusCode::OK => {
                let text = answer.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
                // One that does not say is believed.
                Ok(Some(text.and_then(|text| text.parse().ok()).unwrap_or(blob.size)))
            }
            _ => Err(self.wrong(action(), &answer)),
        }
    }

    async fn manifest_call(&self, method: Method, name: &str) -> Result<Answer, RegistryError> {
        let mut call = self.call_to(method, &format!("manifests/{name}"));
        let types = [media_type::INDEX, media_type::MANIFEST].into_iter().chain(DOCKER_TYPES);
        call.request.headers.extend(types.map(|media_type| (ACCEPT, media_type.to_owned())));
        let fail = |reason| RegistryError::new(format!("look for {name} in {}", self.repository), reason);
        self.http.call(&call).await.map_err(fail)
    }

    /// A request for a path under the repository.
    pub(super) fn call_to(&self, method: Method, path: &str) -> Call {
        let path = format!("{}/{path}", self.repository.path());
        let url = self.http.base().join(&path).expect("a repository's name and a path make a URL's path");
        self.call_at(method, url)
    }

    /// A request for an address that the registry has given.
    pub(super) fn call_at(&self, method: Method, url: Url) -> Call {
        Call { request: Request::new(method, url), scope: self.scope() }
    }

    pub(super) fn scope(&self) -> String {
        let actions = match self.access {
            Access::Pull => "pull",
            Access::Push => "pull,push",
        };
        format!("repository:{}:{actions}", self.repository.path())
    }

    pub(super) fn wrong(&self, action: String, answer: &Answer) -> RegistryError {
        RegistryError::new(action, answer::reason(answer.status, &answer.body, 1))
    }
}

fn client(options: &Options, loopback: bool) -> Result<Client, Reason> {
    let http = http::Options {
        authorities: options.authorities.clone(),
        // A proxy elsewhere cannot reach this machine's loopback.
        direct: loopback,
        ..options.http.clone()
    };
    Client::new(http).map_err(|error| match error {
        ClientError::NotPem | ClientError::NoCertificate => Reason::Certificate(error.to_string()),
        _ => Reason::Protocol(format!("no HTTP client can be made: {error}")),
    })
}

/// Asks whether the protocol is spoken here; any registry says so, or asks who we are.
///
/// The specification has `GET /v2/`, and HTTP has a `HEAD` for every `GET` (RFC 9110, 9.3.2): enough to see who is there.
/// A registry that takes no `HEAD` is asked as the specification has it.
async fn ping(http: &Transport) -> Result<(), Failure> {
    let mut answer = ask(http, Method::HEAD).await?;
    if !matches!(answer.status, StatusCode::OK | StatusCode::UNAUTHORIZED) {
        answer = ask(http, Method::GET).await?;
    }
    let not_a_registry = |what: String| Err(Failure::fatal(Reason::NotARegistry(what)));
    let page =
        answer.headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"text/html"));
    match answer.status {
        StatusCode::OK if page => not_a_registry("it answers /v2/ with a page for people".to_owned()),
        StatusCode::OK => Ok(()),
        StatusCode::UNAUTHORIZED => {
            if answer.own {
                http.learn(&answer.headers).await;
            }
            Ok(())
        }
        other => not_a_registry(format!("it answers /v2/ with {other}")),
    }
}

async fn ask(http: &Transport, method: Method) -> Result<Answer, Failure> {
    let mut tries = Tries::default();
    loop {
        // Answers no challenge: which token is wanted depends on what for. Nobody there, or not in this protocol:
        // later will be the same.
        let answer = http.ask(method.clone()).await?;
        match Failure::of_status(answer.status, &answer.headers, &answer.body, http.patience()) {
            None => return Ok(answer),
            Some(failure) => tries.again(failure, http.patience()).await.map_err(Failure::fatal)?,
        }
    }
}

pub(super) fn answer_digest(headers: &HeaderMap) -> Option<Digest> {
    headers.get(CONTENT_DIGEST)?.to_str().ok()?.parse().ok()
}

/// A registry that names a digest must name the right one; it need not name any.
pub(super) fn check_digest(headers: &HeaderMap, expected: Digest) -> Result<(), Reason> {
    let Some(value) = headers.get(CONTENT_DIGEST) else { return Ok(()) };
    let actual = String::from_utf8_lossy(value.as_bytes()).into_owned();
    if actual == expected.to_string() { Ok(()) } else { Err(Reason::WrongDigest { actual }) }
}

/// Returns the address at which an upload goes on: absolute, or relative to the request's.
pub(super) fn location(answer: &Answer) -> Result<Url, Reason> {
    let text = answer.headers.get(LOCATION).and_then(|value| value.to_str().ok());
    let location = text.and_then(|text| answer.url.join(text).ok());
    match location.filter(|location| matches!(location.scheme(), "http" | "https")) {
        None => Err(Reason::Protocol("the registry answered without a usable Location".to_owned())),
        Some(to) if answer.url.scheme() == "https" && to.scheme() == "http" => {
            Err(Reason::Unencrypted { to: Address::from(to) })
        }
        Some(to) => Ok(to),
    }
}
