//! A registry that misbehaves on command.
//!
//! It keeps what it is sent, as a registry does, and refuses manifests whose blobs are missing. Faults come first:
//! each names a request by its method and a part of its path, how many of them pass before, and how often it strikes.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use sha256::Digest;

use super::guard::{Guard, Tokens};
use super::http::{Connection, Request, Response};

/// The fault of a request.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// Answered with this, and not carried out.
    Answer(Response),
    /// Carried out; the answer is changed.
    Change(fn(Response) -> Response),
    /// Carried out; what comes next goes to this address.
    Elsewhere(SocketAddr),
    /// Cut after so many bytes of the body, which are kept.
    CutAfter(u64),
    /// Carried out, and cut before the answer.
    CutAnswer,
    /// Read, and never answered.
    Stall,
    /// Answered a few bytes at a time.
    Drip,
    /// The upload is forgotten before the request is carried out.
    Forget,
}

#[derive(Debug, Clone)]
pub(crate) struct Rule {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) skip: usize,
    pub(crate) times: usize,
    pub(crate) fault: Fault,
}

impl Rule {
    /// One that strikes each time.
    pub(crate) fn always(method: &'static str, path: &'static str, fault: Fault) -> Rule {
        Rule::times(usize::MAX, method, path, fault)
    }

    /// One that strikes the first so many times.
    pub(crate) fn times(times: usize, method: &'static str, path: &'static str, fault: Fault) -> Rule {
        Rule { method, path, skip: 0, times, fault }
    }
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) blobs: BTreeMap<String, Vec<u8>>,
    /// By digest: media type and bytes.
    pub(crate) manifests: BTreeMap<String, (String, Vec<u8>)>,
    pub(crate) tags: BTreeMap<String, String>,
    /// `METHOD path` of every request, in order; then `+secret` if it came with credentials.
    pub(crate) log: Vec<String>,
    /// Blobs that other repositories have: mounts of these succeed.
    pub(crate) elsewhere: BTreeMap<String, Vec<u8>>,
    uploads: BTreeMap<String, Vec<u8>>,
    rules: Vec<Rule>,
    tokens: Tokens,
    next: usize,
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Server {
    /// One that lets in everybody, and has no faults.
    pub(crate) fn open() -> Server {
        Server::start(Guard::Open, Vec::new())
    }

    pub(crate) fn start(guard: Guard, rules: Vec<Rule>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State { rules, ..State::default() }));
        let shared = Arc::clone(&state);
        // Ends with the test's process.
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (state, guard) = (Arc::clone(&shared), guard.clone());
                thread::spawn(move || serve(stream.unwrap(), address, &state, &guard));
            }
        });
        Server { address, state }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The number of requests whose log line begins with `start` and contains `part`.
    pub(crate) fn count(&self, start: &str, part: &str) -> usize {
        self.state().log.iter().filter(|line| line.starts_with(start) && line.contains(part)).count()
    }
}

fn serve(stream: TcpStream, address: SocketAddr, state: &Mutex<State>, guard: &Guard) {
    let mut connection = Connection::new(stream);
    while let Some(request) = connection.read_head() {
        let fault = {
            let mut state = state.lock().unwrap();
            let secret = if request.headers.contains_key("authorization") { " +secret" } else { "" };
            state.log.push(format!("{} {}{secret}", request.method, request.path));
            state.fault(&request)
        };
        let head_only = request.method == "HEAD";
        let limit = match fault {
            Some(Fault::CutAfter(limit)) => limit,
            _ => u64::MAX,
        };
        let Ok(body) = connection.read_body(&request, limit) else { return };
        let mut state = state.lock().unwrap();
        if let Some(Fault::CutAfter(_)) = fault {
            if let Some(upload) = state.uploads.get_mut(request.path.rsplit('/').next().unwrap()) {
                upload.extend(body);
            }
            return;
        }
        if let Some(Fault::Forget) = fault {
            state.uploads.clear();
        }
        let pause = matches!(fault, Some(Fault::Drip)).then_some(Duration::from_millis(5));
        let response = match fault {
            Some(Fault::Answer(response)) => response,
            Some(Fault::Stall) => {
                drop(state);
                thread::sleep(Duration::from_secs(3600));
                return;
            }
            ref other => {
                let State { tokens, log, .. } = &mut *state;
                let refused = guard.refuse(&request, &body, address, tokens, log);
                let response = refused.unwrap_or_else(|| state.answer(&request, body));
                match other {
                    Some(Fault::Change(change)) => change(response),
                    Some(Fault::Elsewhere(address)) => response
                        .without("Location")
                        .header("Location", format!("http://{address}/storage?signature=s3cret")),
                    Some(Fault::CutAnswer) => return,
                    _ => response,
                }
            }
        };
        drop(state);
        if connection.send(&response, head_only, pause).is_err() {
            return;
        }
    }
}

fn error(status: u16, code: &str) -> Response {
    Response::new(status).body(format!(r#"{{"errors":[{{"code":"{code}","message":"test"}}]}}"#))
}

impl State {
    fn fault(&mut self, request: &Request) -> Option<Fault> {
        let path = &request.path;
        for rule in &mut self.rules {
            if rule.method != request.method || !path.contains(rule.path) || rule.times == 0 {
                continue;
            }
            if rule.skip > 0 {
                rule.skip -= 1;
                continue;
            }
            rule.times -= 1;
            return Some(rule.fault.clone());
        }
        None
    }

    fn answer(&mut self, request: &Request, body: Vec<u8>) -> Response {
        if request.path == "/v2/" {
            return Response::new(200).body("{}");
        }
        let (kind, name) = match request.path.split_once("/blobs/uploads/") {
            Some((_, id)) => ("uploads", id.to_owned()),
            None => {
                let mut parts = request.path.rsplitn(3, '/');
                let name = parts.next().unwrap().to_owned();
                (parts.next().unwrap(), name)
            }
        };
        match (request.method.as_str(), kind) {
            ("HEAD" | "GET", "blobs") => match self.blobs.get(&name) {
                Some(bytes) => Response::new(200).body(bytes.clone()),
                None => error(404, "BLOB_UNKNOWN"),
            },
            ("HEAD" | "GET", "manifests") => {
                let digest = self.tags.get(&name).unwrap_or(&name).clone();
                match self.manifests.get(&digest) {
                    Some((media_type, bytes)) => Response::new(200)
                        .header("Content-Type", media_type.as_str())
                        .header("Docker-Content-Digest", digest.as_str())
                        .body(bytes.clone()),
                    None => error(404, "MANIFEST_UNKNOWN"),
                }
            }
            ("PUT", "manifests") => self.put_manifest(request, &name, body),
            ("POST", "uploads") => self.begin(request),
            (method, "uploads") => self.upload(method, request, &name, body),
            _ => error(404, "NOT_FOUND"),
        }
    }

    fn put_manifest(&mut self, request: &Request, name: &str, body: Vec<u8>) -> Response {
        let document: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let children = ["layers", "manifests"].iter().filter_map(|key| document[key].as_array()).flatten();
        for child in children.chain(document.get("config")) {
            let digest = child["digest"].as_str().unwrap();
            if !self.blobs.contains_key(digest) && !self.manifests.contains_key(digest) {
                return error(400, "MANIFEST_BLOB_UNKNOWN");
            }
        }
        let digest = Digest::of(&body).to_string();
        let media_type = request.headers["content-type"].clone();
        self.manifests.insert(digest.clone(), (media_type, body));
        if name != digest {
            self.tags.insert(name.to_owned(), digest.clone());
        }
        Response::new(201).header("Docker-Content-Digest", digest)
    }

    fn begin(&mut self, request: &Request) -> Response {
        if let Some(digest) = request.query.get("mount")
            && let Some(bytes) = self.elsewhere.get(digest)
        {
            self.blobs.insert(digest.clone(), bytes.clone());
            return Response::new(201).header("Docker-Content-Digest", digest);
        }
        self.next += 1;
        let id = format!("upload-{}", self.next);
        self.uploads.insert(id.clone(), Vec::new());
        Response::new(202).header("Location", format!("/v2/a/blobs/uploads/{id}?_state=x"))
    }

    fn upload(&mut self, method: &str, request: &Request, id: &str, body: Vec<u8>) -> Response {
        let Some(upload) = self.uploads.get_mut(id) else { return error(404, "BLOB_UPLOAD_UNKNOWN") };
        if let Some(range) = request.headers.get("content-range")
            && range.split('-').next().unwrap().parse() != Ok(upload.len())
        {
            return Response::new(416);
        }
        upload.extend(body);
        let range = format!("0-{}", upload.len().saturating_sub(1));
        let location = format!("/v2/a/blobs/uploads/{id}?_state=x");
        match method {
            "PUT" => {
                let bytes = self.uploads.remove(id).unwrap();
                let digest = Digest::of(&bytes).to_string();
                if digest != request.query["digest"] {
                    return error(400, "DIGEST_INVALID");
                }
                self.blobs.insert(digest.clone(), bytes);
                Response::new(201).header("Docker-Content-Digest", digest)
            }
            "PATCH" => Response::new(202).header("Location", location).header("Range", range),
            _ => Response::new(204).header("Location", location).header("Range", range),
        }
    }
}
