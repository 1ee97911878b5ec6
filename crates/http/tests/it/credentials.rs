//! Credentials reach the server that they are for, and nobody else; and no message.

use std::process::Command;

use qus_http::header::HeaderValue;
use qus_http::{Cause, Client, Method, Payload, Request, Response, Url};

use crate::server::{Server, ok, options, redirect, refusing};

fn client() -> Client {
    Client::new(options()).unwrap()
}

fn secret(method: Method, url: Url) -> Request {
    let mut request = Request::new(method, url);
    request.authorization = Some(HeaderValue::from_static("Basic s3cret"));
    request
}

async fn body(response: Response) -> String {
    String::from_utf8(response.read(1000).await.unwrap()).unwrap()
}

#[tokio::test]
async fn another_server_sees_no_credentials_nor_where_they_were_for() {
    let other = Server::start(|_| ok("there"));
    let to = other.url("y?signature=x").to_string();
    let server = Server::start(move |_| redirect(307, &to));
    let mut url = server.url("x?token=s3cret");
    url.set_username("ada").unwrap();
    url.set_password(Some("s3cret")).unwrap();
    for request in [Request::new(Method::GET, url), secret(Method::GET, server.url("x?token=s3cret"))] {
        let response = client().send(&request).await.unwrap();
        assert_eq!((response.is_own(), response.url()), (false, &other.url("y?signature=x")));
        assert_eq!(format!("{response:?}"), format!("200 OK from http://{}/y?***", other.address));
        assert!(!format!("{request:?}").contains("s3cret"), "{request:?}");
        assert_eq!(body(response).await, "there");
    }
    assert!(server.heads().iter().all(|head| head.contains("authorization: basic")), "{:?}", server.heads());
    let seen = other.heads().join("\n");
    assert_eq!(other.heads().len(), 2);
    assert!(
        !seen.contains("authorization") && !seen.contains("s3cret") && !seen.contains("referer"),
        "{seen}"
    );
}

#[tokio::test]
async fn who_was_led_away_does_not_come_back_with_credentials() {
    // The other server chooses what the first one is to do in our name.
    let server = std::sync::Arc::new(std::sync::OnceLock::<Url>::new());
    let back = std::sync::Arc::clone(&server);
    let other = Server::start(move |_| redirect(307, back.get().unwrap().as_str()));
    let away = other.url("").to_string();
    let first = Server::start(move |head| match head.starts_with("get /deed") {
        true => ok("done"),
        false => redirect(307, &away),
    });
    server.set(first.url("deed")).unwrap();
    let response = client().send(&secret(Method::GET, first.url("x"))).await.unwrap();
    assert!(!response.is_own());
    assert_eq!(body(response).await, "done");
    let heads = first.heads();
    assert!(heads[0].contains("authorization: basic s3cret"), "{heads:?}");
    assert!(!heads[1].contains("authorization"), "{heads:?}");
}

#[tokio::test]
async fn a_redirect_at_home_keeps_everything() {
    for status in [301, 302, 307, 308] {
        let server = Server::start(move |head| match head.starts_with("post /y") {
            true => ok("taken"),
            false => redirect(status, "/y"),
        });
        let mut request = secret(Method::POST, server.url("x"));
        request.here_only = true;
        request.payload = Payload::Bytes("form".into());
        let response = client().send(&request).await.unwrap();
        assert!(response.is_own());
        assert_eq!(body(response).await, "taken");
        let second = &server.heads()[1];
        assert!(
            second.contains("authorization: basic s3cret") && second.contains("content-length: 4"),
            "{second}"
        );
    }
}

#[tokio::test]
async fn what_is_for_one_server_is_sent_to_no_other() {
    let other = Server::start(|_| ok(""));
    let to = other.url("y?s3cret").to_string();
    let server = Server::start(move |_| redirect(307, &to));
    let mut request = secret(Method::POST, server.url("x"));
    request.here_only = true;
    let failure = client().send(&request).await.unwrap_err();
    assert_eq!(failure.cause, Cause::Elsewhere { to: other.url("y?s3cret").into() });
    let all = format!("{failure:?} {} {request:?}", failure.cause);
    assert!(!all.contains("s3cret"), "{all}");
    assert_eq!(other.heads(), [""; 0]);
}

#[tokio::test]
async fn a_loop_ends() {
    let server = Server::start(|_| redirect(302, "/again"));
    let failure = client().send(&Request::new(Method::GET, server.url(""))).await.unwrap_err();
    assert_eq!(failure.cause, Cause::Redirects);
    assert_eq!(server.heads().len(), qus_http::REDIRECTS + 1);
}

/// Run by the test below, under a proxy of its making; by itself it does nothing.
#[tokio::test]
async fn through_a_proxy() {
    let Ok(url) = std::env::var("QUS_TEST_URL") else { return };
    let failure = client().send(&Request::new(Method::GET, url.parse().unwrap())).await.unwrap_err();
    println!("FAILED {} {failure:?} {:?}", failure.cause, client());
}

#[test]
fn a_proxys_password_is_in_no_message() {
    let (_socket, free) = refusing();
    let refusing = Server::start(|_| "HTTP/1.1 407 X\r\nContent-Length: 0\r\n\r\n".to_owned());
    for (proxy, url) in [
        (free, "http://m.example/debian"),
        (free, "https://m.example/debian"),
        (refusing.address, "https://m.example/debian"),
    ] {
        let proxy = format!("http://ada:s3cret@{proxy}");
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "credentials::through_a_proxy", "--nocapture"])
            .env("QUS_TEST_URL", url)
            .envs([("http_proxy", &proxy), ("https_proxy", &proxy)])
            .env_remove("no_proxy")
            .env_remove("NO_PROXY")
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && text.contains("FAILED"), "{text}");
        assert!(!text.contains("s3cret"), "{text}");
    }
    assert!(refusing.heads()[0].contains("proxy-authorization: basic"), "{:?}", refusing.heads());
}
