//! Showing a registry who we are: user and password, or a token that is fetched, kept and renewed.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Address, Client, Method, Payload, Request, StatusCode, Url, redacted};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;

use super::challenge::Challenge;
use super::error::Reason;
use super::failure::Failure;
use super::reference::is_loopback;
use crate::credentials::{Credentials, Secret};

/// The time that tokens are valid for when their server does not say (distribution, "Token Authentication Specification").
const DEFAULT_LIFE: u64 = 60;

/// The longest that a token is kept, whatever its server says.
const LONGEST_LIFE: u64 = 24 * 60 * 60;

/// The most that the answer of a token server may have. Tokens have some kilobytes.
const ANSWER_LIMIT: usize = 1 << 20;

/// The name of this client at the token server; it shows in users' lists of sessions.
const CLIENT_ID: &str = "qus";

pub(super) struct Auth {
    credentials: Credentials,
    /// The servers that a secret may travel to unencrypted.
    plain: Plain,
    state: Mutex<State>,
}

/// The servers that a secret may travel to unencrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plain {
    /// Nowhere.
    Nowhere,
    /// Within this machine, which is where the registry is.
    Here,
    /// Anywhere, since the user allows it.
    Anywhere,
}

impl Plain {
    fn allows(self, host: &str) -> bool {
        match self {
            Plain::Nowhere => false,
            Plain::Here => is_loopback(host),
            Plain::Anywhere => true,
        }
    }
}

#[derive(Default)]
struct State {
    challenge: Option<Challenge>,
    /// By scope.
    tokens: HashMap<String, Token>,
}

struct Token {
    header: HeaderValue,
    expires: Instant,
}

/// A token server's answer. Servers differ in what they fill in, and with what, so every value is looked at by itself.
#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    token: Value,
    #[serde(default)]
    access_token: Value,
    #[serde(default)]
    expires_in: Value,
}

impl Answer {
    /// The token: the first of both names that holds one.
    fn token(&self) -> Option<&str> {
        [&self.token, &self.access_token]
            .into_iter()
            .filter_map(Value::as_str)
            .find(|token| !token.is_empty())
    }

    /// The time for which to use the token. It is renewed a little before its end: the request still has to arrive.
    fn life(&self) -> Duration {
        let life = self.expires_in.as_u64().unwrap_or(DEFAULT_LIFE).min(LONGEST_LIFE);
        Duration::from_secs(life - life.min(life / 10 + 5))
    }
}

impl Auth {
    pub(super) fn new(credentials: Credentials, plain: Plain) -> Auth {
        Auth { credentials, plain, state: Mutex::default() }
    }

    /// The reason if the registry or its token server refuses. `message` is theirs.
    pub(super) fn refused(&self, message: String) -> Reason {
        let anonymous = self.credentials == Credentials::Anonymous;
        Reason::Unauthorized { anonymous, origin: self.credentials.origin().map(str::to_owned), message }
    }

    /// The header to send; `None` as long as the registry has not asked for one.
    pub(super) async fn header(&self, client: &Client, scope: &str) -> Result<Option<HeaderValue>, Failure> {
        // Held while a token is fetched, so that many uploads fetch it once.
        let mut state = self.state.lock().await;
        match state.challenge.clone() {
            None => Ok(None),
            Some(Challenge::Basic) => match &self.credentials {
                Credentials::Basic { user, password } => Ok(Some(basic(user, password))),
                _ => Ok(None),
            },
            Some(Challenge::Bearer { realm, service }) => {
                if let Some(token) = state.tokens.get(scope)
                    && token.expires > Instant::now()
                {
                    return Ok(Some(token.header.clone()));
                }
                let token = self.fetch(client, &realm, service.as_deref(), scope).await?;
                let header = token.header.clone();
                state.tokens.insert(scope.to_owned(), token);
                Ok(Some(header))
            }
        }
    }

    /// Takes in a 401. `used` is what was sent. Whether it is worth sending the request again.
    pub(super) async fn challenged(
        &self,
        headers: &HeaderMap,
        scope: &str,
        used: Option<&HeaderValue>,
    ) -> bool {
        let Some(challenge) = Challenge::read(headers) else { return false };
        let mut state = self.state.lock().await;
        state.challenge = Some(challenge.clone());
        match challenge {
            // The same password would get the same answer.
            Challenge::Basic => used.is_none() && matches!(self.credentials, Credentials::Basic { .. }),
            Challenge::Bearer { .. } => {
                // Unless another upload has renewed it in the meantime.
                if state.tokens.get(scope).map(|token| &token.header) == used {
                    state.tokens.remove(scope);
                }
                true
            }
        }
    }

    async fn fetch(
        &self,
        client: &Client,
        realm: &str,
        service: Option<&str>,
        scope: &str,
    ) -> Result<Token, Failure> {
        let protocol = |text: String| Failure::fatal(Reason::Protocol(text));
        let realm: Url = realm.parse().map_err(|_| {
            protocol(format!("the registry's token server `{}` is not a URL", redacted(realm)))
        })?;
        let host = realm.host_str().unwrap_or_default();
        if realm.scheme() != "https" && !self.plain.allows(host) {
            let realm = Address::from(realm);
            return Err(protocol(format!("the registry's token server {realm} is not reached over https")));
        }
        let get = async |header| send(client, &question(&realm, service, scope, header)).await;
        let post = async |fields: &[_]| send(client, &form(&realm, service, scope, fields)).await;
        let (status, bytes) = match &self.credentials {
            Credentials::IdentityToken(token) => {
                post(&[("grant_type", "refresh_token"), ("refresh_token", token.reveal())]).await?
            }
            Credentials::Basic { user, password } => {
                let answer = get(Some(basic(user, password))).await?;
                // A token server of the OAuth2 kind alone.
                if matches!(answer.0.as_u16(), 404 | 405) {
                    let password = password.reveal();
                    post(&[("grant_type", "password"), ("username", user), ("password", password)]).await?
                } else {
                    answer
                }
            }
            Credentials::Anonymous => get(None).await?,
        };
        if matches!(status.as_u16(), 400 | 401 | 403) {
            let message = super::answer::message(&bytes);
            return Err(Failure::fatal(self.refused(message)));
        }
        if !status.is_success() {
            return Err(protocol(format!("the token server {host} answered {status}")));
        }
        // Not the parser's message: it can quote the token.
        let (header, life) = read(&bytes)
            .ok_or_else(|| protocol(format!("the token server {host} answered with no token")))?;
        Ok(Token { header, expires: Instant::now() + life })
    }
}

/// The request of distribution's own protocol.
fn question(realm: &Url, service: Option<&str>, scope: &str, header: Option<HeaderValue>) -> Request {
    let mut url = realm.clone();
    url.query_pairs_mut().extend_pairs(service.map(|service| ("service", service)));
    url.query_pairs_mut().extend_pairs(scope.split(' ').map(|scope| ("scope", scope)));
    let mut request = Request::new(Method::GET, url);
    request.here_only = header.is_some();
    request.authorization = header;
    request
}

/// The request of the OAuth2 kind.
fn form(realm: &Url, service: Option<&str>, scope: &str, fields: &[(&str, &str)]) -> Request {
    let mut all = vec![("client_id", CLIENT_ID), ("scope", scope)];
    all.extend(service.map(|service| ("service", service)));
    all.extend(fields);
    let mut request = Request::new(Method::POST, realm.clone());
    request.headers.push((CONTENT_TYPE, "application/x-www-form-urlencoded".to_owned()));
    request.payload = Payload::Bytes(encoded(&all).into());
    request.here_only = true;
    request
}

/// Returns the header that a token server's answer makes, and the time for which to use it; `None` if there is no token.
pub(super) fn read(answer: &[u8]) -> Option<(HeaderValue, Duration)> {
    let answer: Answer = serde_json::from_slice(answer).ok()?;
    let mut header = HeaderValue::try_from(format!("Bearer {}", answer.token()?)).ok()?;
    header.set_sensitive(true);
    Some((header, answer.life()))
}

/// Sends a request to a token server, where it and nothing else may see what is in it.
async fn send(client: &Client, request: &Request) -> Result<(StatusCode, Vec<u8>), Failure> {
    let name = format!("the token server {}", request.url.host_str().unwrap_or_default());
    let named = |failure: http::Failure| Failure::from(failure).of(&name);
    let response = client.send(request).await.map_err(named)?;
    let (status, headers) = (response.status(), response.headers().clone());
    let body = response.read(ANSWER_LIMIT).await.map_err(named)?;
    match Failure::of_status(status, &headers, &body, client.options()) {
        Some(failure) => Err(failure.of(&name)),
        None => Ok((status, body)),
    }
}

/// A form's fields as `application/x-www-form-urlencoded`, which is what a URL's query is.
fn encoded(fields: &[(&str, &str)]) -> String {
    let mut url: Url = "http://form".parse().expect("a constant that is a URL");
    url.query_pairs_mut().extend_pairs(fields);
    url.query().unwrap_or_default().to_owned()
}

fn basic(user: &str, password: &Secret) -> HeaderValue {
    use base64::Engine as _;
    let pair = format!("{user}:{}", password.reveal());
    let encoded = base64::engine::general_purpose::STANDARD.encode(pair);
    let mut header = HeaderValue::try_from(format!("Basic {encoded}")).expect("base64 fits into a header");
    header.set_sensitive(true);
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_servers_answer_in_many_ways() {
        let default = 60 - 11;
        for (json, token, life) in [
            (r#"{"token":"a"}"#, Some("a"), default),
            (r#"{"access_token":"b"}"#, Some("b"), default),
            (r#"{"token":"a","access_token":"b"}"#, Some("a"), default),
            (r#"{"token":"","access_token":"b"}"#, Some("b"), default),
            (r#"{"token":null,"access_token":"b"}"#, Some("b"), default),
            (r#"{"token":7,"access_token":"b"}"#, Some("b"), default),
            (r#"{"token":"a","access_token":""}"#, Some("a"), default),
            (r#"{"token":"","access_token":""}"#, None, default),
            (r#"{"token":"a","expires_in":300}"#, Some("a"), 265),
            (r#"{"token":"a","expires_in":3}"#, Some("a"), 0),
            (r#"{"token":"a","expires_in":0}"#, Some("a"), 0),
            (r#"{"token":"a","expires_in":"300"}"#, Some("a"), default),
            (r#"{"token":"a","expires_in":-1}"#, Some("a"), default),
            (r#"{"token":"a","expires_in":1.5}"#, Some("a"), default),
            (r#"{"token":"a","expires_in":null}"#, Some("a"), default),
            (r#"{"token":"a","expires_in":[]}"#, Some("a"), default),
            (r#"{"token":"a","expires_in":86400}"#, Some("a"), 77_755),
            (r#"{"token":"a","expires_in":86401}"#, Some("a"), 77_755),
            (r#"{"token":"a","expires_in":18446744073709551615}"#, Some("a"), 77_755),
            (r#"{"token":"a","expires_in":18446744073709551616}"#, Some("a"), default),
            (r#"{"token":"a","expires_in":1e300}"#, Some("a"), default),
        ] {
            let answer: Answer = serde_json::from_str(json).unwrap();
            assert_eq!((answer.token(), answer.life()), (token, Duration::from_secs(life)), "{json}");
        }
    }

    #[test]
    fn secrets_travel_in_plain_only_where_nobody_listens() {
        for (plain, here, elsewhere) in
            [(Plain::Nowhere, false, false), (Plain::Here, true, false), (Plain::Anywhere, true, true)]
        {
            assert_eq!(
                (plain.allows("127.0.0.1"), plain.allows("x.example")),
                (here, elsewhere),
                "{plain:?}"
            );
        }
    }

    #[test]
    fn forms_are_encoded() {
        let fields = [("grant_type", "password"), ("password", "a&b=c d+ü%")];
        assert_eq!(encoded(&fields), "grant_type=password&password=a%26b%3Dc+d%2B%C3%BC%25");
    }
}
