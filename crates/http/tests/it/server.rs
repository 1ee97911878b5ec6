//! Servers that do one thing.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use qus_http::{Options, Url};
use tokio::net::TcpSocket;

/// A server that answers every request with what `answer` makes of its head, and keeps the heads.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(crate) fn start(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> Server {
        let heads = Arc::new(Mutex::new(Vec::new()));
        let (kept, answer) = (Arc::clone(&heads), Arc::new(answer));
        let address = listen(move |stream| {
            let head = read_head(&stream);
            kept.lock().unwrap().push(head.clone());
            // A client that hangs up is part of the tests.
            drop((&stream).write_all(answer(&head).as_bytes()));
        });
        Server { address, heads }
    }

    /// The heads of all requests, in lowercase.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    pub(crate) fn url(&self, path: &str) -> Url {
        format!("http://{}/{path}", self.address).parse().unwrap()
    }
}

/// An address that refuses connections as long as the socket is held: nobody listens, and nobody else gets it.
pub(crate) fn refusing() -> (TcpSocket, SocketAddr) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

/// Does something to each connection. Ends with the test's process.
pub(crate) fn listen(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serve = Arc::new(serve);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let serve = Arc::clone(&serve);
            thread::spawn(move || serve(stream.unwrap()));
        }
    });
    address
}

/// A request's head, in lowercase.
pub(crate) fn read_head(stream: &TcpStream) -> String {
    let mut head = String::new();
    let mut reader = BufReader::with_capacity(1, stream);
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).unwrap_or(0) == 0 {
            break;
        }
    }
    head.to_lowercase()
}

pub(crate) fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

pub(crate) fn redirect(status: u16, to: &str) -> String {
    format!("HTTP/1.1 {status} X\r\nConnection: close\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n")
}

pub(crate) fn options() -> Options {
    Options {
        stall: Duration::from_secs(1),
        window: Duration::from_secs(2),
        least: 1 << 20,
        ..Options::default()
    }
}
