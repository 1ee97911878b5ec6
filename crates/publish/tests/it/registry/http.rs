//! Just enough of an HTTP/1.1 server to misbehave precisely.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::time::Duration;

/// A request's head. Names of headers are in lowercase.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) headers: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    pub(crate) fn new(status: u16) -> Response {
        Response { status, ..Response::default() }
    }

    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Response {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Response {
        self.body = body.into();
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Response {
        self.headers.retain(|(other, _)| other != name);
        self
    }
}

/// One client's connection.
pub(crate) struct Connection<S> {
    reader: BufReader<S>,
}

impl<S: Read + Write> Connection<S> {
    pub(crate) fn new(stream: S) -> Connection<S> {
        Connection { reader: BufReader::new(stream) }
    }

    /// `None` when the client has gone, or speaks something else.
    pub(crate) fn read_head(&mut self) -> Option<Request> {
        let mut line = String::new();
        self.reader.read_line(&mut line).ok().filter(|n| *n > 0)?;
        let mut parts = line.split_whitespace();
        let (method, target) = (parts.next()?.to_owned(), parts.next()?.to_owned());
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let pair = |text: &str| {
            let (key, value) = text.split_once('=').unwrap_or((text, ""));
            (decode(key), decode(value))
        };
        let query = query.split('&').filter(|part| !part.is_empty()).map(pair).collect();
        let mut headers = BTreeMap::new();
        loop {
            let mut line = String::new();
            self.reader.read_line(&mut line).ok().filter(|n| *n > 0)?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
        Some(Request { method, path: decode(path), query, headers })
    }

    /// At most `limit` bytes of the body. (Our client always says how long it is.)
    pub(crate) fn read_body(&mut self, request: &Request, limit: u64) -> io::Result<Vec<u8>> {
        let size = request.headers.get("content-length").map_or(0, |text| text.parse().unwrap());
        let mut body = Vec::new();
        (&mut self.reader).take(limit.min(size)).read_to_end(&mut body)?;
        Ok(body)
    }

    /// Sends an answer; `pause` comes after each few bytes of it.
    pub(crate) fn send(
        &mut self,
        response: &Response,
        head_only: bool,
        pause: Option<Duration>,
    ) -> io::Result<()> {
        let mut text = format!("HTTP/1.1 {} x\r\n", response.status);
        for (name, value) in &response.headers {
            text += &format!("{name}: {value}\r\n");
        }
        if response.status != 204 {
            text += &format!("Content-Length: {}\r\n", response.body.len());
        }
        text += "\r\n";
        let mut bytes = text.into_bytes();
        if !head_only {
            bytes.extend_from_slice(&response.body);
        }
        let stream = self.reader.get_mut();
        match pause {
            None => stream.write_all(&bytes)?,
            Some(pause) => bytes.chunks(16).try_for_each(|chunk| {
                std::thread::sleep(pause);
                stream.write_all(chunk)
            })?,
        }
        stream.flush()
    }

    /// Answers one request, whatever it is, and hangs up.
    pub(crate) fn answer(mut self, response: Response) {
        self.read_head();
        // Who does not like what is spoken here is gone by now.
        drop(self.send(&response.header("Connection", "close"), false, None));
    }
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                let digits = std::str::from_utf8(&digits).unwrap();
                bytes.push(u8::from_str_radix(digits, 16).unwrap());
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8(bytes).unwrap()
}
