//! Credentials as docker and podman keep them.

// The lints' exceptions for tests do not reach their helper functions.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use qus_publish::credentials::{Credentials, Secret, Sources};
use tempfile::TempDir;

fn basic(user: &str, password: &str) -> Credentials {
    Credentials::Basic { user: user.to_owned(), password: Secret::new(password) }
}

/// What a docker configuration with `content` has for a repository; errors as text, with `FILE` for the file.
async fn look(content: &str, registry: &str, path: &str) -> Result<Credentials, String> {
    let home = TempDir::new().unwrap();
    let file = home.path().join("config.json");
    fs::write(&file, content).unwrap();
    let sources = Sources { docker: Some(file.clone()), ..Sources::default() };
    let found = sources.find(registry, path).await;
    found.map_err(|error| error.to_string().replace(file.to_str().unwrap(), "FILE"))
}

// "ada:enigma" and "bob:hunter2".
const ADA: &str = "YWRhOmVuaWdtYQ==";
const BOB: &str = "Ym9iOmh1bnRlcjI=";

#[tokio::test]
async fn keys_are_found_as_docker_and_podman_write_them() {
    for (key, registry, path) in [
        ("https://index.docker.io/v1/", "docker.io", "aptman/qus"),
        ("docker.io", "docker.io", "aptman/qus"),
        ("ghcr.io", "ghcr.io", "dbhi/qus"),
        ("https://ghcr.io", "ghcr.io", "dbhi/qus"),
        ("http://127.0.0.1:5000/v2/", "127.0.0.1:5000", "x"),
        ("quay.io/team", "quay.io", "team/qus"),
        ("quay.io/team/qus", "quay.io", "team/qus"),
    ] {
        let content = format!(r#"{{"auths":{{"{key}":{{"auth":"{ADA}"}}}}}}"#);
        assert_eq!(look(&content, registry, path).await, Ok(basic("ada", "enigma")), "{key}");
    }
    for (key, registry, path) in [
        ("ghcr.io", "ghcr.io.evil.org", "x"),
        ("quay.io/team", "quay.io", "teams/qus"),
        ("ghcr.io", "docker.io", "x/y"),
    ] {
        let content = format!(r#"{{"auths":{{"{key}":{{"auth":"{ADA}"}}}}}}"#);
        assert_eq!(look(&content, registry, path).await, Ok(Credentials::Anonymous), "{key}");
    }
    let nested = format!(r#"{{"auths":{{"quay.io":{{"auth":"{ADA}"}},"quay.io/team":{{"auth":"{BOB}"}}}}}}"#);
    assert_eq!(look(&nested, "quay.io", "team/qus").await, Ok(basic("bob", "hunter2")));
    assert_eq!(look(&nested, "quay.io", "other/qus").await, Ok(basic("ada", "enigma")));
}

#[tokio::test]
async fn entries_have_several_forms() {
    let token = Credentials::IdentityToken(Secret::new("t0ken"));
    for (entry, expected) in [
        (format!(r#"{{"auth":"{ADA}","identitytoken":"t0ken"}}"#), Ok(token)),
        (r#"{"username":"ada","password":"enigma"}"#.to_owned(), Ok(basic("ada", "enigma"))),
        ("{}".to_owned(), Ok(Credentials::Anonymous)),
        (
            r#"{"auth":"not base64!"}"#.to_owned(),
            Err("cannot read FILE: `auth` of `r.io` is not a user and a password in base64".to_owned()),
        ),
        (
            r#"{"auth":"bm9jb2xvbg=="}"#.to_owned(),
            Err("cannot read FILE: `auth` of `r.io` is not a user and a password in base64".to_owned()),
        ),
    ] {
        let content = format!(r#"{{"auths":{{"r.io":{entry}}},"other":[1]}}"#);
        assert_eq!(look(&content, "r.io", "x").await, expected, "{entry}");
    }
    // The parser's own message would quote the password.
    let error = look(r#"{"auths": {"r.io": "hunter2"}}"#, "r.io", "x").await.unwrap_err();
    assert_eq!(error, "cannot read FILE: not a docker configuration: line 1, column 28");
}

#[tokio::test]
async fn sources_are_asked_in_order() {
    let home = TempDir::new().unwrap();
    let write = |path: &str, auth: &str| {
        let path = home.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!(r#"{{"auths":{{"r.io":{{"auth":"{auth}"}}}}}}"#)).unwrap();
    };
    let mut variables = BTreeMap::from([("HOME", home.path().as_os_str().to_owned())]);
    let find = async |variables: &BTreeMap<&str, OsString>| {
        let sources = Sources::from_environment(|name| variables.get(name).cloned()).unwrap();
        sources.find("r.io", "x").await.unwrap()
    };
    assert_eq!(find(&variables).await, Credentials::Anonymous);
    write(".config/containers/auth.json", BOB);
    assert_eq!(find(&variables).await, basic("bob", "hunter2"));
    write(".docker/config.json", ADA);
    assert_eq!(find(&variables).await, basic("ada", "enigma"));
    write("elsewhere/config.json", BOB);
    variables.insert("DOCKER_CONFIG", home.path().join("elsewhere").into());
    assert_eq!(find(&variables).await, basic("bob", "hunter2"));
    variables.insert("REGISTRY_USER", "ci".into());
    variables.insert("REGISTRY_PASSWORD", "pw".into());
    assert_eq!(find(&variables).await, basic("ci", "pw"));

    variables.remove("REGISTRY_PASSWORD");
    let error = Sources::from_environment(|name| variables.get(name).cloned()).unwrap_err();
    assert_eq!(error.to_string(), "REGISTRY_USER is set, but REGISTRY_PASSWORD is not");
    assert_eq!(error.hint().as_deref(), Some("set REGISTRY_PASSWORD too, or neither"));
}

/// Programs are looked for in PATH, which only a new process can be given.
#[test]
fn helpers_are_asked_and_never_quoted() {
    let home = TempDir::new().unwrap();
    let helper = |name: &str, script: &str| {
        let path = home.path().join(format!("docker-credential-{name}"));
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    };
    helper("good", r#"read -r name; test "$name" = r.io && echo '{"Username":"ada","Secret":"enigma"}'"#);
    helper("token", r#"echo '{"Username":"<token>","Secret":"t0ken"}'"#);
    helper("none", "echo credentials not found in native keychain; exit 1");
    helper("bad", "echo the password is hunter2; echo hunter2 >&2; exit 3");
    helper("odd", "echo hunter2");
    let path: PathBuf = home.path().to_owned();
    let run = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "asks_helpers", "--ignored"])
        .env("PATH", std::env::join_paths([path, "/bin".into(), "/usr/bin".into()]).unwrap())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success() && text.contains("1 passed"), "{text}");
}

/// Run by the test above.
#[tokio::test]
#[ignore = "needs helpers in PATH; another test runs it with them"]
async fn asks_helpers() {
    let token = Credentials::IdentityToken(Secret::new("t0ken"));
    let failed = |helper: &str, what: &str| {
        Err(format!("cannot get credentials for r.io: docker-credential-{helper} {what}"))
    };
    for (helper, expected) in [
        ("good", Ok(basic("ada", "enigma"))),
        ("token", Ok(token)),
        // Nothing there: what the file itself holds counts.
        ("none", Ok(basic("bob", "hunter2"))),
        ("bad", failed("bad", "failed (exit status: 3)")),
        ("odd", failed("odd", "did not answer with a user and a secret")),
        ("absent", failed("absent", "cannot be run: No such file or directory (os error 2)")),
        ("../x", failed("../x", "is not the name of a helper")),
    ] {
        for setting in
            [format!(r#""credsStore":"{helper}""#), format!(r#""credHelpers":{{"r.io":"{helper}"}}"#)]
        {
            let content = format!(r#"{{{setting},"auths":{{"r.io":{{"auth":"{BOB}"}}}}}}"#);
            assert_eq!(look(&content, "r.io", "x").await, expected, "{setting}");
        }
    }
}
