//! Servers that are silent, or as good as.

use std::io::{Read as _, Write as _};
use std::thread::sleep;
use std::time::{Duration, Instant};

use qus_http::{Again, Cause, Client, Failure, Method, Options, Payload, Request, Url};

use crate::server::{listen, options, read_head};

fn url(address: std::net::SocketAddr) -> Url {
    format!("http://{address}/x").parse().unwrap()
}

/// The failure of a request, and of reading its answer.
async fn failure(request: &Request) -> Failure {
    failure_with(options(), request).await
}

async fn failure_with(options: Options, request: &Request) -> Failure {
    let began = Instant::now();
    let failure = match Client::new(options).unwrap().send(request).await {
        Err(failure) => failure,
        Ok(response) => response.read(usize::MAX).await.unwrap_err(),
    };
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    assert_eq!(failure.again, Again::Later, "{failure:?}");
    failure
}

#[tokio::test]
async fn silence_is_not_waited_for() {
    let stalled = Cause::Stalled(options().stall);
    let silent = listen(|stream| {
        read_head(&stream);
        sleep(Duration::from_secs(60));
    });
    assert_eq!(failure(&Request::new(Method::GET, url(silent))).await.cause, stalled);
    let silent_later = listen(|mut stream| {
        read_head(&stream);
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx").unwrap();
        sleep(Duration::from_secs(60));
    });
    assert_eq!(failure(&Request::new(Method::GET, url(silent_later))).await.cause, stalled);
}

#[tokio::test]
async fn a_trickle_of_headers_is_not_waited_for() {
    let slow = listen(|mut stream| {
        read_head(&stream);
        for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Padding: ".iter().chain([&b'x'; 1000]) {
            sleep(Duration::from_millis(50));
            if stream.write_all(&[*byte]).is_err() {
                return;
            }
        }
    });
    assert_eq!(failure(&Request::new(Method::GET, url(slow))).await.cause, Cause::Stalled(options().stall));
}

#[tokio::test]
async fn a_trickle_of_a_body_is_not_waited_for() {
    let slow = listen(|mut stream| {
        read_head(&stream);
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n").unwrap();
        while stream.write_all(b"x").is_ok() {
            sleep(Duration::from_millis(50));
        }
    });
    // On a busy machine, the server itself stands still for longer than the other tests allow.
    let options = || Options { stall: Duration::from_secs(60), ..options() };
    let cause = failure_with(options(), &Request::new(Method::GET, url(slow))).await.cause;
    assert!(
        matches!(cause, Cause::Slow { bytes: 5..=41, window } if window == options().window),
        "{cause:?}"
    );
}

#[tokio::test]
async fn a_server_that_takes_a_trickle_is_not_waited_for() {
    // More than all buffers on the way hold.
    let file = tempfile::NamedTempFile::new().unwrap();
    let size = 64 << 20;
    file.as_file().set_len(size).unwrap();
    let slow = listen(|mut stream| {
        read_head(&stream);
        let mut buffer = vec![0; 32 << 10];
        while stream.read(&mut buffer).is_ok_and(|n| n > 0) {
            sleep(Duration::from_millis(100));
        }
    });
    let mut request = Request::new(Method::PUT, url(slow));
    request.payload = Payload::File { path: file.path().to_owned(), offset: 0, size };
    let cause = failure(&request).await.cause;
    // Which of both depends on how large the system's buffers are.
    assert!(matches!(cause, Cause::Slow { .. } | Cause::Stalled(_)), "{cause:?}");
}

#[tokio::test]
async fn a_file_that_cannot_be_sent_is_named() {
    let address = listen(|stream| drop(read_head(&stream)));
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("absent");
    let mut request = Request::new(Method::PUT, url(address));
    request.payload = Payload::File { path: path.clone(), offset: 0, size: 1 };
    let failure = Client::new(options()).unwrap().send(&request).await.unwrap_err();
    assert_eq!(failure.again, Again::Never);
    let expected = format!("cannot read {}: No such file or directory (os error 2)", path.display());
    assert_eq!(failure.cause.to_string(), expected);
}
