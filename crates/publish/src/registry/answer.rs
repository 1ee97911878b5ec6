//! The meaning of a registry's answers: statuses and error documents.

use http::StatusCode;
use serde::Deserialize;

use super::error::Reason;

/// The errors document (distribution-spec, "Error Codes").
#[derive(Deserialize)]
struct Errors {
    errors: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    detail: serde_json::Value,
}

/// The part of an error's body that is worth showing.
const SHOWN: usize = 300;

/// The message in the body of an error: `CODE: message`, or the beginning of its text on one line.
pub(super) fn message(body: &[u8]) -> String {
    let text = match serde_json::from_slice::<Errors>(body) {
        Ok(Errors { errors }) => {
            let text = |entry: Entry| {
                let detail = match entry.detail {
                    serde_json::Value::String(text) => text,
                    // docker-registry hides the system's error in here.
                    serde_json::Value::Object(fields) if !fields.is_empty() => {
                        serde_json::Value::Object(fields).to_string()
                    }
                    _ => String::new(),
                };
                [entry.code, entry.message, detail]
                    .into_iter()
                    .filter(|part| !part.is_empty())
                    .collect::<Vec<_>>()
                    .join(": ")
            };
            errors.into_iter().map(text).collect::<Vec<_>>().join("; ")
        }
        Err(_) => String::from_utf8_lossy(body).into_owned(),
    };
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    // A page for people says nothing here.
    if line.starts_with('<') {
        return String::new();
    }
    let line: String = line.chars().filter(|c| !c.is_control()).collect();
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// The reason behind a status that was not wanted. `tries` is how often it came.
pub(super) fn reason(status: StatusCode, body: &[u8], tries: u32) -> Reason {
    let message = message(body);
    let lower = message.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    match status.as_u16() {
        507 => Reason::Full(message),
        500..=599 if has(&["no space left", "disk quota exceeded"]) => Reason::Full(message),
        400..=499 if has(&["immutable", "cannot be overwritten", "already exists and cannot"]) => {
            Reason::Immutable(message)
        }
        401 => Reason::Unauthorized { anonymous: false, origin: None, message },
        403 => Reason::Denied(message),
        400..=499 if has(&["digest_invalid"]) => Reason::DigestInvalid(message),
        404 if has(&["name_unknown", "name unknown"]) => Reason::NoRepository(message),
        404 => Reason::NotFound(message),
        _ => Reason::Status { status: status.to_string(), message, tries },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_told_in_one_line() {
        for (body, expected) in [
            (r#"{"errors":[{"code":"DENIED","message":"no","detail":null}]}"#, "DENIED: no"),
            (r#"{"errors":[{"code":"A"},{"code":"B","message":"b","detail":"c"}]}"#, "A; B: b: c"),
            (
                r#"{"errors":[{"code":"UNKNOWN","message":"unknown error","detail":{"Err":28}}]}"#,
                r#"UNKNOWN: unknown error: {"Err":28}"#,
            ),
            ("  upstream\n  is down \x1b[31m", "upstream is down [31m"),
            ("<html><body>Bad Gateway</body></html>", ""),
            ("", ""),
        ] {
            assert_eq!(message(body.as_bytes()), expected);
        }
        assert_eq!(message(&[b'x'; 1000]).chars().count(), SHOWN + 1);
    }
}
