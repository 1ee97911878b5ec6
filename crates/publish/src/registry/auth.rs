//! Showing a registry who we are: user and password, or a token that is fetched, kept and renewed.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Client, RequestBuilder, StatusCode, Url};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::challenge::Challenge;
use super::error::Reason;
use super::http::{Failure, read_answer, with_patience};
use super::reference::is_loopback;
use crate::credentials::{Credentials, Secret};

/// What tokens are valid for when their server does not say (distribution, "Token Authentication Specification").
const DEFAULT_LIFE: u64 = 60;

/// What the token server calls us; it shows in users' lists of sessions.
const CLIENT_ID: &str = "qus";

pub(super) struct Auth {
    credentials: Credentials,
    /// Whether a secret may travel unencrypted to a host other than this one.
    insecure: bool,
    stall: Duration,
    state: Mutex<State>,
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

#[derive(Deserialize)]
struct Answer {
    token: Option<String>,
    access_token: Option<String>,
    expires_in: Option<u64>,
}

impl Auth {
    pub(super) fn new(credentials: Credentials, insecure: bool, stall: Duration) -> Auth {
        Auth { credentials, insecure, stall, state: Mutex::default() }
    }

    pub(super) fn anonymous(&self) -> bool {
        self.credentials == Credentials::Anonymous
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
        let realm: Url = realm
            .parse()
            .map_err(|_| protocol(format!("the registry's token server `{realm}` is not a URL")))?;
        let host = realm.host_str().unwrap_or_default();
        if realm.scheme() != "https" && !self.insecure && !is_loopback(host) {
            return Err(protocol(format!("the registry's token server {realm} is not reached over https")));
        }
        let (status, bytes) = match &self.credentials {
            Credentials::IdentityToken(token) => {
                self.post(
                    client,
                    &realm,
                    service,
                    scope,
                    &[("grant_type", "refresh_token"), ("refresh_token", token.reveal())],
                )
                .await?
            }
            Credentials::Basic { user, password } => {
                let answer = self.get(client, &realm, service, scope, Some(basic(user, password))).await?;
                // A token server of the OAuth2 kind alone.
                if matches!(answer.0.as_u16(), 404 | 405) {
                    let form =
                        [("grant_type", "password"), ("username", user), ("password", password.reveal())];
                    self.post(client, &realm, service, scope, &form).await?
                } else {
                    answer
                }
            }
            Credentials::Anonymous => self.get(client, &realm, service, scope, None).await?,
        };
        if matches!(status.as_u16(), 400 | 401 | 403) {
            let said = super::answer::said(&bytes);
            return Err(Failure::fatal(Reason::Unauthorized { anonymous: self.anonymous(), said }));
        }
        if !status.is_success() {
            return Err(protocol(format!("the token server {host} answered {status}")));
        }
        // Not the parser's message: it can quote the token.
        let answer: Answer = serde_json::from_slice(&bytes)
            .map_err(|_| protocol(format!("the token server {host} answered with no token")))?;
        let token = answer.token.or(answer.access_token).filter(|token| !token.is_empty());
        let token =
            token.ok_or_else(|| protocol(format!("the token server {host} answered with no token")))?;
        let mut header = HeaderValue::try_from(format!("Bearer {token}"))
            .map_err(|_| protocol(format!("the token server {host} answered with no token")))?;
        header.set_sensitive(true);
        let life = answer.expires_in.unwrap_or(DEFAULT_LIFE);
        // Renewed a little before its end: the request still has to arrive.
        let life = Duration::from_secs(life - life.min(life / 10 + 5));
        Ok(Token { header, expires: Instant::now() + life })
    }

    async fn get(
        &self,
        client: &Client,
        realm: &Url,
        service: Option<&str>,
        scope: &str,
        header: Option<HeaderValue>,
    ) -> Result<(StatusCode, Vec<u8>), Failure> {
        let mut url = realm.clone();
        url.query_pairs_mut().extend_pairs(service.map(|service| ("service", service)));
        url.query_pairs_mut().extend_pairs(scope.split(' ').map(|scope| ("scope", scope)));
        let mut request = client.get(url);
        if let Some(header) = header {
            request = request.header(AUTHORIZATION, header);
        }
        self.send(request).await
    }

    async fn post(
        &self,
        client: &Client,
        realm: &Url,
        service: Option<&str>,
        scope: &str,
        form: &[(&str, &str)],
    ) -> Result<(StatusCode, Vec<u8>), Failure> {
        let mut all = vec![("client_id", CLIENT_ID), ("scope", scope)];
        all.extend(service.map(|service| ("service", service)));
        all.extend(form);
        self.send(client.post(realm.clone()).form(&all)).await
    }

    async fn send(&self, request: RequestBuilder) -> Result<(StatusCode, Vec<u8>), Failure> {
        let response = with_patience(self.stall, request.send()).await?;
        let status = response.status();
        let headers = response.headers().clone();
        let body = read_answer(self.stall, response).await?;
        match Failure::of_status(status, &headers, &body) {
            Some(failure) => Err(failure),
            None => Ok((status, body)),
        }
    }
}

fn basic(user: &str, password: &Secret) -> HeaderValue {
    use base64::Engine as _;
    let pair = format!("{user}:{}", password.reveal());
    let encoded = base64::engine::general_purpose::STANDARD.encode(pair);
    let mut header = HeaderValue::try_from(format!("Basic {encoded}")).expect("base64 fits into a header");
    header.set_sensitive(true);
    header
}
