//! The rights at the registry of these tests: nobody asked, a password, or tokens.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::http::{Request, Response};

/// The user who is let in, with this password, or this refresh token at a token server's OAuth2 side.
pub(crate) const USER: &str = "ada";
pub(crate) const PASSWORD: &str = "enigma";
pub(crate) const REFRESH: &str = "r3fresh";

#[derive(Debug, Clone)]
pub(crate) enum Guard {
    Open,
    Basic,
    Bearer(Bearer),
}

/// Tokens, and the token server that gives them, which is the registry itself.
#[derive(Debug, Clone)]
pub(crate) struct Bearer {
    /// The number of requests that a token is good for.
    pub(crate) uses: usize,
    /// True if the token server has an OAuth2 side alone.
    pub(crate) only_oauth2: bool,
    /// The address that the registry gives for the token server, if not where it is.
    pub(crate) realm: Option<&'static str>,
    /// The token server's answer, if not a token.
    pub(crate) answer: Option<&'static str>,
}

/// The tokens that were given, with what is left of their uses.
#[derive(Default)]
pub(crate) struct Tokens(BTreeMap<String, usize>);

/// A token is good for any number of requests.
impl Default for Bearer {
    fn default() -> Bearer {
        Bearer { uses: usize::MAX, only_oauth2: false, realm: None, answer: None }
    }
}

fn basic() -> String {
    use base64::Engine as _;
    let pair = format!("{USER}:{PASSWORD}");
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
}

impl Guard {
    /// Answers requests to the token server, and those without the right to be there. Tokens are logged with their
    /// scopes.
    pub(crate) fn refuse(
        &self,
        request: &Request,
        body: &[u8],
        address: SocketAddr,
        tokens: &mut Tokens,
        log: &mut Vec<String>,
    ) -> Option<Response> {
        let shown = request.headers.get("authorization");
        match self {
            Guard::Open => None,
            Guard::Basic => {
                let refused = shown != Some(&basic());
                refused.then(|| Response::new(401).header("WWW-Authenticate", r#"Basic realm="test""#))
            }
            Guard::Bearer(bearer) if request.path == "/token" => {
                Some(bearer.give(request, body, tokens, log))
            }
            Guard::Bearer(bearer) => {
                if let Some(left) = shown.and_then(|token| tokens.0.get_mut(token))
                    && *left > 0
                {
                    *left -= 1;
                    return None;
                }
                let here = format!("http://{address}/token");
                let realm = bearer.realm.unwrap_or(&here);
                let challenge = format!(r#"Bearer realm="{realm}",service="test""#);
                Some(Response::new(401).header("WWW-Authenticate", challenge))
            }
        }
    }
}

impl Bearer {
    fn give(&self, request: &Request, body: &[u8], tokens: &mut Tokens, log: &mut Vec<String>) -> Response {
        let form = String::from_utf8_lossy(body).into_owned();
        let post = request.method == "POST";
        if self.only_oauth2 && !post {
            return Response::new(405);
        }
        let allowed = if post {
            form.contains(&format!("grant_type=refresh_token&refresh_token={REFRESH}"))
                || form.contains(&format!("grant_type=password&username={USER}&password={PASSWORD}"))
        } else {
            request.headers.get("authorization") == Some(&basic())
        };
        if !allowed {
            let text = r#"{"errors":[{"code":"UNAUTHORIZED","message":"bad password"}]}"#;
            return Response::new(401).body(text);
        }
        if let Some(answer) = self.answer {
            return Response::new(200).body(answer);
        }
        let token = format!("token-{}", tokens.0.len());
        tokens.0.insert(format!("Bearer {token}"), self.uses);
        let scope = request.query.get("scope").cloned().unwrap_or(form);
        log.push(format!("TOKEN {scope}"));
        Response::new(200).body(format!(r#"{{"token":"{token}","expires_in":300}}"#))
    }
}
