//! Docker's and podman's files and what helpers answer, for fuzzers.

use super::Credentials;
use super::file::{AuthFile, Rules};
use super::helper;

/// A credentials file, by both sets of rules: who is found has a name and something to show.
pub fn credentials(bytes: &[u8]) {
    for rules in [Rules::Docker, Rules::Podman] {
        let Ok(file) = AuthFile::parse("file".to_owned(), rules, bytes) else { return };
        for registry in ["docker.io", "r.example:5000"] {
            match file.stored(registry, "a/b") {
                Ok(Some(Credentials::Basic { user, .. })) => assert!(!user.is_empty()),
                Ok(Some(Credentials::IdentityToken(token))) => assert!(!token.reveal().is_empty()),
                Ok(Some(Credentials::Anonymous)) => panic!("an entry that names nobody was found"),
                Ok(None) | Err(_) => {}
            }
        }
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    [
        r#"{"auths":{"https://index.docker.io/v1/":{"auth":"YTpi"},"r.example:5000":{"auth":"YTpiOmM=\n"}}}"#,
        r#"{"auths":{"r.example:5000/a":{"username":"u","password":"p"},"docker.io":{"identitytoken":"t"}}}"#,
        r#"{"auths":{"docker.io":{},"http://r.example:5000/v2/":null},"credsStore":"","credHelpers":{"r.example:5000":null}}"#,
        "",
    ]
    .map(Vec::from)
    .into()
}

/// A helper's answer: what is found has something to show, and what cannot be read is not quoted.
pub fn helper(bytes: &[u8]) {
    let answer = String::from_utf8_lossy(bytes);
    match helper::parse(&answer, "helper") {
        Ok(Some(Credentials::Basic { password, .. })) => assert!(!password.reveal().is_empty()),
        Ok(Some(Credentials::IdentityToken(token))) => assert!(!token.reveal().is_empty()),
        Ok(Some(Credentials::Anonymous)) => panic!("an answer without a secret was taken"),
        Ok(None) | Err(_) => {}
    }
}

pub(crate) fn helper_seeds() -> Vec<Vec<u8>> {
    [
        r#"{"ServerURL":"https://index.docker.io/v1/","Username":"ada","Secret":"enigma"}"#,
        r#"{"Username":"<token>","Secret":"t0ken"}"#,
        r#"{"Username":"","Secret":""}"#,
        "credentials not found in native keychain\n",
    ]
    .map(Vec::from)
    .into()
}
