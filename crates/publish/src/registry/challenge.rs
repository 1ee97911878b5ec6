//! The challenge of a registry, with status 401: the `WWW-Authenticate` header (RFC 9110, section 11.6.1).

use http::header::{HeaderMap, WWW_AUTHENTICATE};

/// A way to authenticate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Challenge {
    /// User and password with every request.
    Basic,
    /// A token from a token server (distribution's "Token Authentication Specification").
    Bearer {
        /// The token server.
        realm: String,
        /// The name of the registry at the token server.
        service: Option<String>,
    },
}

impl Challenge {
    /// The challenge to answer: `Bearer` before `Basic`; `None` if there is neither.
    pub(super) fn read(headers: &HeaderMap) -> Option<Challenge> {
        let values = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
        let mut found: Vec<Challenge> = values.flat_map(parse).collect();
        let bearer = found.iter().position(|challenge| matches!(challenge, Challenge::Bearer { .. }));
        (!found.is_empty()).then(|| found.swap_remove(bearer.unwrap_or(0)))
    }
}

/// One header can hold several challenges: `Scheme key="value", key=value, Scheme …`.
fn parse(text: &str) -> Vec<Challenge> {
    let mut challenges = Vec::new();
    let mut scheme = String::new();
    let mut parameters: Vec<(String, String)> = Vec::new();
    let mut close = |scheme: &str, parameters: &mut Vec<(String, String)>| {
        let mut take = |key: &str| {
            let found = parameters.iter().position(|(name, _)| name.eq_ignore_ascii_case(key))?;
            Some(parameters.swap_remove(found).1)
        };
        if scheme.eq_ignore_ascii_case("basic") {
            challenges.push(Challenge::Basic);
        } else if scheme.eq_ignore_ascii_case("bearer")
            && let Some(realm) = take("realm")
        {
            challenges.push(Challenge::Bearer { realm, service: take("service") });
        }
        parameters.clear();
    };
    for part in split_quoted(text) {
        // `Bearer realm="…"` begins a challenge; `realm="…"` alone goes on with one.
        let name_end = part.find('=').unwrap_or(part.len());
        let rest = match part[..name_end].trim().split_once(char::is_whitespace) {
            Some((next, _)) => {
                close(&scheme, &mut parameters);
                scheme = next.to_owned();
                part[next.len()..].trim_start()
            }
            None if name_end == part.len() => {
                close(&scheme, &mut parameters);
                scheme = part.to_owned();
                continue;
            }
            None => part,
        };
        if let Some((key, value)) = rest.split_once('=') {
            parameters.push((key.trim().to_owned(), unquote(value.trim())));
        }
    }
    close(&scheme, &mut parameters);
    challenges
}

/// Splits at commas outside of quotes.
fn split_quoted(text: &str) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    let comma = move |c: char| {
        let was_escaped = escaped;
        escaped = quoted && c == '\\' && !escaped;
        if c == '"' && !was_escaped {
            quoted = !quoted;
        }
        c == ',' && !quoted
    };
    text.split(comma).map(str::trim).filter(|part| !part.is_empty())
}

fn unquote(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return value.to_owned();
    };
    let mut out = String::new();
    let mut letters = inner.chars();
    while let Some(c) = letters.next() {
        out.extend(if c == '\\' { letters.next() } else { Some(c) });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bearer(realm: &str, service: Option<&str>) -> Challenge {
        Challenge::Bearer { realm: realm.to_owned(), service: service.map(str::to_owned) }
    }

    #[test]
    fn challenges_of_real_registries() {
        let check = |values: &[&str], expected: Option<Challenge>| {
            let headers = values.iter().map(|value| (WWW_AUTHENTICATE, value.parse().unwrap())).collect();
            assert_eq!(Challenge::read(&headers), expected, "{values:?}");
        };
        check(
            &[
                r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push""#,
            ],
            Some(bearer("https://auth.docker.io/token", Some("registry.docker.io"))),
        );
        check(&[r#"Basic realm="Registry Realm""#], Some(Challenge::Basic));
        check(&[r#"basic realm="x", charset="UTF-8", Bearer realm=y"#], Some(bearer("y", None)));
        check(&["Negotiate", "Basic"], Some(Challenge::Basic));
        check(&[r#"Bearer service="no realm""#], None);
        check(&[r#"Bearer  realm = "a \"b\", c" , service="s""#], Some(bearer(r#"a "b", c"#, Some("s"))));
        check(&["", ",,", "Digest realm=x"], None);
        check(&[], None);
    }
}
