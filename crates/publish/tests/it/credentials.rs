//! Credentials as docker and podman keep them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use base::Hint as _;
use qus_publish::credentials::{Credentials, Secret, Sources};
use tempfile::TempDir;

use table::{CASES, Shown};

mod client;
mod table;

fn basic(user: &str, password: &str) -> Credentials {
    Credentials::Basic { user: user.to_owned(), password: Secret::new(password) }
}

fn docker(file: PathBuf) -> Sources {
    Sources { docker: Some(file), ..Sources::default() }
}

fn podman(file: PathBuf) -> Sources {
    Sources { podman: vec![file], ..Sources::default() }
}

/// The credentials that a file with `content` has for a repository; errors as text, with `FILE` for the file.
async fn look(
    sources: fn(PathBuf) -> Sources,
    content: &str,
    registry: &str,
    path: &str,
) -> Result<Credentials, String> {
    let home = TempDir::new().unwrap();
    let file = home.path().join("config.json");
    fs::write(&file, content).unwrap();
    let found = sources(file.clone()).find(registry, path).await;
    found.map_err(|error| error.to_string().replace(file.to_str().unwrap(), "FILE"))
}

// "ada:enigma" and "bob:hunter2".
const ADA: &str = "YWRhOmVuaWdtYQ==";
const BOB: &str = "Ym9iOmh1bnRlcjI=";

#[tokio::test]
async fn keys_are_found_as_podman_writes_them() {
    let look = async |content: &str, registry, path| look(podman, content, registry, path).await;
    let (ada, bob) = (|| Ok(basic("ada", "enigma")), || Ok(basic("bob", "hunter2")));
    for (key, registry, path, expected) in [
        ("https://index.docker.io/v1/", "docker.io", "aptman/qus", ada()),
        ("docker.io", "docker.io", "aptman/qus", ada()),
        ("docker.io/aptman", "docker.io", "aptman/qus", ada()),
        ("ghcr.io", "ghcr.io", "dbhi/qus", ada()),
        ("https://ghcr.io", "ghcr.io", "dbhi/qus", ada()),
        ("http://127.0.0.1:5000/v2/", "127.0.0.1:5000", "x", ada()),
        ("quay.io/team", "quay.io", "team/qus", ada()),
        ("quay.io/team/qus", "quay.io", "team/qus", ada()),
        ("ghcr.io", "ghcr.io.evil.org", "x", Ok(Credentials::Anonymous)),
        ("quay.io/team", "quay.io", "teams/qus", Ok(Credentials::Anonymous)),
        ("quay.io/team", "quay.io", "other/qus", Ok(Credentials::Anonymous)),
        ("ghcr.io", "docker.io", "x/y", Ok(Credentials::Anonymous)),
    ] {
        let content = format!(r#"{{"auths":{{"{key}":{{"auth":"{ADA}"}}}}}}"#);
        assert_eq!(look(&content, registry, path).await, expected, "{key}");
    }
    let nested = format!(r#"{{"auths":{{"quay.io":{{"auth":"{ADA}"}},"quay.io/team":{{"auth":"{BOB}"}}}}}}"#);
    assert_eq!(look(&nested, "quay.io", "team/qus").await, bob());
    assert_eq!(look(&nested, "quay.io", "other/qus").await, ada());
    let empty = format!(r#"{{"auths":{{"quay.io":{{"auth":"{ADA}"}},"quay.io/team":{{}}}}}}"#);
    assert_eq!(look(&empty, "quay.io", "team/qus").await, ada());
}

#[tokio::test]
async fn the_parsers_message_is_not_passed_on() {
    // It would quote the password.
    let error = look(docker, r#"{"auths": {"r.io": "hunter2"}}"#, "r.io", "x").await.unwrap_err();
    assert_eq!(error, "cannot read FILE: not a docker configuration: line 1, column 28");
    let content = Some(Secret::new(r#"{"auths": {"r.io": "hunter2"}}"#));
    let sources = Sources { content, ..Sources::default() };
    let error = sources.find("r.io", "x").await.unwrap_err();
    let expected = "cannot read DOCKER_AUTH_CONFIG: not a docker configuration: line 1, column 28";
    assert_eq!(error.to_string(), expected);
    let expected = "DOCKER_AUTH_CONFIG holds what a config.json of docker holds; or unset it";
    assert_eq!(error.hint().as_deref(), Some(expected));
}

#[tokio::test]
async fn sources_are_asked_in_order() {
    let home = TempDir::new().unwrap();
    let at = |path: &str| home.path().join(path);
    let content = |user: &str| format!(r#"{{"auths":{{"r.io":{{"username":"{user}","password":"x"}}}}}}"#);
    let write = |path: &str, user: &str| {
        fs::create_dir_all(at(path).parent().unwrap()).unwrap();
        fs::write(at(path), content(user)).unwrap();
    };
    let mut variables = BTreeMap::from([("HOME", home.path().as_os_str().to_owned())]);
    variables.insert("XDG_RUNTIME_DIR", at("run").into());
    let find = async |variables: &BTreeMap<&str, OsString>| {
        let sources = Sources::from_environment(|name| variables.get(name).cloned()).unwrap();
        let found = sources.find("r.io", "x").await.unwrap();
        let Credentials::Basic { user, .. } = &found else { return None };
        Some((user.clone(), found.origin().unwrap().to_owned()))
    };
    let from = |user: &str, origin: PathBuf| Some((user.to_owned(), origin.display().to_string()));
    assert_eq!(find(&variables).await, None);
    write(".config/containers/auth.json", "config");
    assert_eq!(find(&variables).await, from("config", at(".config/containers/auth.json")));
    variables.insert("XDG_CONFIG_HOME", at("xdg").into());
    write("xdg/containers/auth.json", "xdg");
    assert_eq!(find(&variables).await, from("xdg", at("xdg/containers/auth.json")));
    write("run/containers/auth.json", "run");
    assert_eq!(find(&variables).await, from("run", at("run/containers/auth.json")));
    write(".docker/config.json", "docker");
    assert_eq!(find(&variables).await, from("docker", at(".docker/config.json")));
    variables.insert("DOCKER_CONFIG", at("elsewhere").into());
    write("elsewhere/config.json", "elsewhere");
    assert_eq!(find(&variables).await, from("elsewhere", at("elsewhere/config.json")));
    // Named for the purpose, it comes before those that are found.
    variables.insert("REGISTRY_AUTH_FILE", at("named.json").into());
    write("named.json", "named");
    assert_eq!(find(&variables).await, from("named", at("named.json")));
    variables.insert("DOCKER_AUTH_CONFIG", content("variable").into());
    assert_eq!(find(&variables).await, from("variable", "DOCKER_AUTH_CONFIG".into()));
    variables.insert("REGISTRY_USER", "ci".into());
    variables.insert("REGISTRY_PASSWORD", "pw".into());
    assert_eq!(find(&variables).await, from("ci", "REGISTRY_USER and REGISTRY_PASSWORD".into()));

    variables.remove("REGISTRY_PASSWORD");
    let error = Sources::from_environment(|name| variables.get(name).cloned()).unwrap_err();
    assert_eq!(error.to_string(), "REGISTRY_USER is set, but REGISTRY_PASSWORD is not");
    assert_eq!(error.hint().as_deref(), Some("set REGISTRY_PASSWORD too, or neither"));
}

#[test]
fn podman_has_a_place_for_users_without_a_session() {
    let user = rustix::process::getuid();
    let sources = Sources::from_environment(|_| None).unwrap();
    assert_eq!(sources.podman, [PathBuf::from(format!("/run/containers/{user}/auth.json"))]);
    assert_eq!((sources.docker, sources.named), (None, None));
}

/// Programs are looked for in PATH, which only a new process can be given.
#[test]
fn helpers_are_asked_and_never_quoted() {
    let home = TempDir::new().unwrap();
    table::write_helpers(home.path());
    let path = std::env::join_paths([home.path(), "/bin".as_ref(), "/usr/bin".as_ref()]).unwrap();
    crate::run_alone(Command::new(crate::this()).env("PATH", path), "credentials::asks_helpers");
    // The agent's, which is nobody else's to end.
    let agent = fs::read_to_string(home.path().join("docker-credential-agent.pid")).unwrap();
    Command::new("kill").arg(agent.trim()).status().unwrap();
}

/// Run by the test above.
#[tokio::test]
#[ignore = "needs helpers in PATH; another test runs it with them"]
async fn asks_helpers() {
    for case in &CASES {
        let home = TempDir::new().unwrap();
        let file = home.path().join("config.json");
        fs::write(&file, case.text(case.content)).unwrap();
        let content = case.variable.filter(|text| !text.is_empty()).map(|text| Secret::new(case.text(text)));
        let sources = Sources { content, ..docker(file.clone()) };
        let found = sources.find(case.registry, "team/qus").await;
        let found = found.map_err(|error| error.to_string().replace(file.to_str().unwrap(), "FILE"));
        let expected = case.qus.map(|shown| match shown {
            Shown::Nothing => Credentials::Anonymous,
            Shown::User(user, password) => basic(user, password),
            Shown::Token(token) => Credentials::IdentityToken(Secret::new(token)),
        });
        assert_eq!(found, expected.map_err(str::to_owned), "{}", case.content);
    }

    let failed = |helper: &str, what: &str| {
        Err(format!("cannot get credentials for r.io: docker-credential-{helper} {what}"))
    };
    let began = Instant::now();
    for (helper, expected) in [
        ("bad", failed("bad", "failed (exit status: 3)")),
        ("odd", failed("odd", "did not answer with a user and a secret")),
        ("../x", failed("../x", "is not the name of a helper")),
        ("endless", failed("endless", "printed more than 1048576 bytes")),
        ("agent", Ok(basic("ada", "enigma"))),
    ] {
        let store = format!(r#"{{"credsStore":"{helper}"}}"#);
        assert_eq!(look(docker, &store, "r.io", "x").await, expected, "{helper}");
    }
    // Nobody was waited for: patience has 60 s, and the agent sleeps for 300.
    assert!(began.elapsed() < Duration::from_secs(30));

    let home = TempDir::new().unwrap();
    let file = home.path().join("config.json");
    fs::write(&file, r#"{"credsStore":"good"}"#).unwrap();
    let found = docker(file.clone()).find("r.io", "x").await.unwrap();
    let expected = format!("docker-credential-good (named in {})", file.display());
    assert_eq!(found.origin(), Some(&*expected));
}
