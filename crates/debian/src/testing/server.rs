//! An HTTP server on the loopback that misbehaves on demand.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use base::lock;

/// One way to misbehave, at one request.
#[derive(Debug, Clone)]
pub enum Fault {
    /// Nothing wrong: a pause in a sequence of faults.
    None,
    /// A status instead of the file, with `Retry-After` where given.
    Status(u16, Option<String>),
    /// A redirect with this status to this address.
    Redirect(u16, String),
    /// The connection is cut after so many bytes of the body.
    Cut(usize),
    /// Nothing more comes after so many bytes of the body.
    Stall(usize),
    /// These bytes instead of the file's.
    Other(Vec<u8>),
    /// These bytes after the file's, and no `Content-Length`.
    Extra(Vec<u8>),
    /// The whole file from its first byte, whatever range was asked for.
    NoRange,
    /// Another range than the one that was asked for.
    WrongRange,
    /// A body of no bytes.
    Empty,
}

#[derive(Debug, Default)]
struct State {
    files: BTreeMap<String, Vec<u8>>,
    once: BTreeMap<String, VecDeque<Fault>>,
    always: BTreeMap<String, Fault>,
    requests: Vec<String>,
}

/// A running server; it stops when it is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves `files`, by their paths without a leading `/`.
    pub fn start(files: BTreeMap<String, Vec<u8>>) -> io::Result<Server> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let state = Arc::new(Mutex::new(State { files, ..State::default() }));
        let stopping = Arc::new(AtomicBool::new(false));
        let (shared, stop) = (Arc::clone(&state), Arc::clone(&stopping));
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                let (Ok(stream), state, stop) = (stream, Arc::clone(&shared), Arc::clone(&stop)) else {
                    continue;
                };
                // A client that hangs up is part of the tests.
                thread::spawn(move || drop(answer(stream, &state, &stop)));
            }
        });
        Ok(Server { address, state, stopping, thread: Some(thread) })
    }

    /// The base URL, without a `/` at its end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Misbehaves at the next request for `path`; further calls, at those after it.
    pub fn once(&self, path: &str, fault: Fault) {
        lock(&self.state).once.entry(path.to_owned()).or_default().push_back(fault);
    }

    /// Misbehaves at every request for `path` that has no fault of its own.
    pub fn always(&self, path: &str, fault: Fault) {
        lock(&self.state).always.insert(path.to_owned(), fault);
    }

    /// Serves `bytes` under `path` from now on.
    pub fn put(&self, path: &str, bytes: Vec<u8>) {
        lock(&self.state).files.insert(path.to_owned(), bytes);
    }

    /// Forgets a file.
    pub fn remove(&self, path: &str) {
        lock(&self.state).files.remove(path);
    }

    /// The requests, in order: the path, the first byte if it was not 0, and whether there were credentials, as in
    /// `pool/a.deb from 5 with credentials`.
    pub fn requests(&self) -> Vec<String> {
        lock(&self.state).requests.clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        // Wakes the thread from its wait for a connection.
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn answer(mut stream: TcpStream, state: &Mutex<State>, stopping: &AtomicBool) -> io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    // Not a request: another server that stops connects to its old port, which may be this one's by now.
    if reader.read_line(&mut line)? == 0 {
        return Ok(());
    }
    let path = line.split_whitespace().nth(1).unwrap_or_default().trim_start_matches('/').to_owned();
    let (mut from, mut credentials) = (0, "");
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let header = line.trim_end().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if header.starts_with("authorization:") {
            credentials = " with credentials";
        }
        if let Some(range) = header.strip_prefix("range: bytes=") {
            from = range.trim_end_matches('-').parse().unwrap_or(0);
        }
    }
    let (file, fault) = {
        let mut state = lock(state);
        let range = if from == 0 { String::new() } else { format!(" from {from}") };
        state.requests.push(format!("{path}{range}{credentials}"));
        let once = state.once.get_mut(&path).and_then(VecDeque::pop_front);
        let fault = once.or_else(|| state.always.get(&path).cloned()).unwrap_or(Fault::None);
        (state.files.get(&path).cloned(), fault)
    };
    let mut empty = |code: u16, header: &str| {
        write!(stream, "HTTP/1.1 {code} X\r\n{header}Content-Length: 0\r\nConnection: close\r\n\r\n")
    };
    match &fault {
        Fault::Status(code, None) => return empty(*code, ""),
        Fault::Status(code, Some(after)) => return empty(*code, &format!("Retry-After: {after}\r\n")),
        Fault::Redirect(code, to) => return empty(*code, &format!("Location: {to}\r\n")),
        _ => {}
    }
    let Some(mut file) = file else { return empty(404, "") };
    match &fault {
        Fault::Other(bytes) => file.clone_from(bytes),
        Fault::Empty => file.clear(),
        Fault::NoRange => from = 0,
        _ => {}
    }
    if from > 0 && from >= file.len() {
        return empty(416, "");
    }
    let (body, total) = (&file[from..], file.len());
    if from > 0 {
        let said = if matches!(fault, Fault::WrongRange) { 0 } else { from };
        write!(stream, "HTTP/1.1 206 X\r\nContent-Range: bytes {said}-{}/{total}\r\n", total - 1)?;
    } else {
        write!(stream, "HTTP/1.1 200 X\r\n")?;
    }
    if !matches!(fault, Fault::Extra(_)) {
        write!(stream, "Content-Length: {}\r\n", body.len())?;
    }
    write!(stream, "Connection: close\r\n\r\n")?;
    match fault {
        Fault::Cut(after) => stream.write_all(&body[..after.min(body.len())]),
        Fault::Stall(after) => {
            stream.write_all(&body[..after.min(body.len())])?;
            stream.flush()?;
            while !stopping.load(Ordering::SeqCst) {
                thread::sleep(Duration::from_millis(20));
            }
            Ok(())
        }
        Fault::Extra(extra) => stream.write_all(body).and_then(|()| stream.write_all(&extra)),
        _ => stream.write_all(body),
    }
}
