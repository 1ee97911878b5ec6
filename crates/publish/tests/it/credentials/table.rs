//! The configurations that are read as docker's client reads them, and the few that are not, each with the reason.

use std::path::Path;

/// The header that a registry gets to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    Nothing,
    User(&'static str, &'static str),
    Token(&'static str),
}

use Shown::{Nothing, Token, User};

pub(crate) const ADA: Shown = User("ada", "enigma");
pub(crate) const BOB: Shown = User("bob", "hunter2");

/// A configuration, in which `HOST` stands for the registry, and `ADA` and `BOB` for `ada:enigma` and `bob:hunter2` in
/// base64.
pub(crate) struct Case {
    pub(crate) registry: &'static str,
    /// `config.json`.
    pub(crate) content: &'static str,
    /// `DOCKER_AUTH_CONFIG`.
    pub(crate) variable: Option<&'static str>,
    /// Docker 28.5's client; `None`: it fails.
    pub(crate) docker: Option<Shown>,
    pub(crate) qus: Result<Shown, &'static str>,
}

const HOST: &str = "127.0.0.1:5000";
const HUB: &str = "docker.io";

const fn same(content: &'static str, shown: Shown) -> Case {
    Case { registry: HOST, content, variable: None, docker: Some(shown), qus: Ok(shown) }
}

const fn hub(content: &'static str, docker: Shown, qus: Shown) -> Case {
    Case { registry: HUB, content, variable: None, docker: Some(docker), qus: Ok(qus) }
}

const fn variable(variable: &'static str, docker: Shown, qus: Shown) -> Case {
    let content = r#"{"auths":{"HOST":{"auth":"ADA"}}}"#;
    Case { registry: HOST, content, variable: Some(variable), docker: Some(docker), qus: Ok(qus) }
}

const fn other(content: &'static str, docker: Option<Shown>, qus: Result<Shown, &'static str>) -> Case {
    Case { registry: HOST, content, variable: None, docker, qus }
}

/// The repository is `HOST/team/qus`.
pub(crate) const CASES: [Case; 63] = [
    // Empty configurations.
    same("", Nothing),
    same("\n", Nothing),
    same("{}", Nothing),
    same(r#"{"auths":null,"credHelpers":null,"credsStore":null}"#, Nothing),
    same(r#"{"auths":{}}"#, Nothing),
    same(r#"{"auths":{"HOST":null}}"#, Nothing),
    same(r#"{"auths":{"HOST":{}}}"#, Nothing),
    same(r#"{"auths":{"HOST":{"auth":null,"username":null}}}"#, Nothing),
    // The exact key, then the same host under other spellings.
    same(r#"{"auths":{"HOST":{"auth":"ADA"}}}"#, ADA),
    same(r#"{"auths":{"https://HOST":{"auth":"ADA"}}}"#, ADA),
    same(r#"{"auths":{"https://HOST/v1/":{"auth":"ADA"}}}"#, ADA),
    same(r#"{"auths":{"http://HOST/v2/":{"auth":"ADA"}}}"#, ADA),
    same(r#"{"auths":{"HOST/":{"auth":"ADA"}}}"#, ADA),
    same(r#"{"auths":{"HOST":{"auth":"ADA"},"https://HOST/v1/":{"auth":"BOB"}}}"#, ADA),
    same(r#"{"auths":{"HOST":{"auth":"ADA"},"https://HOST":{"auth":"BOB"}}}"#, ADA),
    same(r#"{"auths":{"https://HOST":{},"HOST":{"auth":"ADA"}}}"#, ADA),
    same(r#"{"auths":{"HOST.evil.org":{"auth":"ADA"}}}"#, Nothing),
    same(r#"{"auths":{"127.0.0.1":{"auth":"ADA"}}}"#, Nothing),
    same(r#"{"auths":{"127.0.0.1:5001":{"auth":"ADA"}}}"#, Nothing),
    same(r#"{"auths":{"r.io":{"auth":"ADA"}}}"#, Nothing),
    // Keys with a path: to docker, another spelling of the host.
    same(r#"{"auths":{"HOST/team":{"auth":"ADA"}}}"#, ADA),
    same(r#"{"auths":{"HOST/team/qus":{"auth":"ADA"}}}"#, ADA),
    same(r#"{"auths":{"HOST/other":{"auth":"ADA"}}}"#, ADA),
    same(r#"{"auths":{"https://HOST/artifactory/api/docker":{"auth":"ADA"}}}"#, ADA),
    same(r#"{"auths":{"HOST":{"auth":"ADA"},"HOST/team":{"auth":"BOB"}}}"#, ADA),
    // Docker shows nothing here: an empty entry hides the full one of the same registry.
    other(r#"{"auths":{"HOST":{},"https://HOST":{"auth":"ADA"}}}"#, Some(Nothing), Ok(ADA)),
    // Forms of an entry.
    same(r#"{"auths":{"HOST":{"auth":"YWRhOmVu\naWdtYQ==\r\n"}}}"#, ADA),
    same(r#"{"auths":{"HOST":{"username":"bob","password":"hunter2"}}}"#, BOB),
    same(r#"{"auths":{"HOST":{"auth":"","username":"bob","password":"hunter2"}}}"#, BOB),
    same(r#"{"auths":{"HOST":{"auth":"ADA","username":"bob","password":"hunter2"}}}"#, ADA),
    same(r#"{"auths":{"HOST":{"auth":"ADA","email":"a@b"}},"x":[1]}"#, ADA),
    same(r#"{"auths":{"HOST":{"username":"bob"}}}"#, Nothing),
    same(r#"{"auths":{"HOST":{"identitytoken":"t0ken"}}}"#, Token("t0ken")),
    same(r#"{"auths":{"HOST":{"auth":"ADA","identitytoken":"t0ken"}}}"#, Token("t0ken")),
    same(r#"{"auths":{"HOST":{"auth":"ADA","identitytoken":""}}}"#, ADA),
    same(r#"{"auths":{"HOST":{"auth":"ADA"}}} trailing"#, ADA),
    // Docker warns, and goes on with nothing; with another registry's broken entry, it depends on the order of a Go map.
    other(
        r#"{"auths":{"HOST":{"auth":"!!"}}}"#,
        Some(Nothing),
        Err("cannot read FILE: `auth` of `127.0.0.1:5000` is not a user and a password in base64"),
    ),
    other(
        r#"{"auths":{"HOST":{"auth":"YWRhOmVuaWdtYQ"}}}"#,
        Some(Nothing),
        Err("cannot read FILE: `auth` of `127.0.0.1:5000` is not a user and a password in base64"),
    ),
    other(
        r#"{"auths":{"HOST":{"auth":"OmVuaWdtYQ=="}}}"#,
        Some(Nothing),
        Err("cannot read FILE: `auth` of `127.0.0.1:5000` is not a user and a password in base64"),
    ),
    other("7", Some(Nothing), Err("cannot read FILE: not a docker configuration: line 1, column 1")),
    // Helpers: the registry's own before the store, and both before the file's entries.
    same(r#"{"credsStore":"good","auths":{"HOST":{"auth":"BOB"}}}"#, ADA),
    same(r#"{"credsStore":"","auths":{"HOST":{"auth":"BOB"}}}"#, BOB),
    same(r#"{"credHelpers":{"HOST":"good"},"auths":{"HOST":{"auth":"BOB"}}}"#, ADA),
    same(r#"{"credHelpers":{"HOST":"good"},"credsStore":"bad"}"#, ADA),
    same(r#"{"credHelpers":{"HOST":""},"credsStore":"good","auths":{"HOST":{"auth":"BOB"}}}"#, BOB),
    same(r#"{"credHelpers":{"https://HOST":"good"},"auths":{"HOST":{"auth":"BOB"}}}"#, BOB),
    same(r#"{"credsStore":"token","auths":{"HOST":{"auth":"BOB"}}}"#, Token("t0ken")),
    same(r#"{"credsStore":"name"}"#, User("ada", HOST)),
    // Nothing there is an answer, and the file's entry is an old one.
    same(r#"{"credsStore":"none","auths":{"HOST":{"auth":"BOB"}}}"#, Nothing),
    same(r#"{"credsStore":"empty","auths":{"HOST":{"auth":"BOB"}}}"#, Nothing),
    // A helper that fails is an error, as it is to the client. One that is missing is none if the file has an entry, as it
    // was to the client of Docker 28.2.
    other(
        r#"{"credsStore":"bad","auths":{"HOST":{"auth":"BOB"}}}"#,
        None,
        Err("cannot get credentials for 127.0.0.1:5000: docker-credential-bad failed (exit status: 3)"),
    ),
    other(
        r#"{"credsStore":"odd","auths":{"HOST":{"auth":"BOB"}}}"#,
        None,
        Err(
            "cannot get credentials for 127.0.0.1:5000: docker-credential-odd did not answer with a user and a secret",
        ),
    ),
    other(r#"{"credsStore":"absent","auths":{"HOST":{"auth":"BOB"}}}"#, None, Ok(BOB)),
    other(r#"{"credHelpers":{"HOST":"absent"},"auths":{"HOST":{"auth":"BOB"}}}"#, None, Ok(BOB)),
    other(
        r#"{"credsStore":"absent"}"#,
        None,
        Err("cannot get credentials for 127.0.0.1:5000: docker-credential-absent cannot be run: \
             No such file or directory (os error 2)"),
    ),
    // Docker Hub. Docker knows it by one key; podman writes another.
    hub(r#"{"auths":{"https://index.docker.io/v1/":{"auth":"ADA"}}}"#, ADA, ADA),
    hub(r#"{"auths":{"docker.io":{"auth":"BOB"},"https://index.docker.io/v1/":{"auth":"ADA"}}}"#, ADA, ADA),
    hub(r#"{"auths":{"docker.io":{"auth":"ADA"}}}"#, Nothing, ADA),
    hub(
        r#"{"credsStore":"name"}"#,
        User("ada", "https://index.docker.io/v1/"),
        User("ada", "https://index.docker.io/v1/"),
    ),
    // A configuration in a variable comes first, and the file after it.
    variable(r#"{"auths":{"HOST":{"auth":"BOB"}}}"#, BOB, BOB),
    variable(r#"{"auths":{"r.io":{"auth":"BOB"}}}"#, ADA, ADA),
    variable("", ADA, ADA),
    // The client finds nothing but exact keys in it; GitLab's runners, who had it first, read it as the file.
    variable(r#"{"auths":{"https://HOST/v1/":{"auth":"BOB"}}}"#, ADA, BOB),
];

impl Case {
    /// A text with the registry and the passwords in it.
    pub(crate) fn text(&self, text: &str) -> String {
        text.replace("HOST", self.registry).replace("ADA", super::ADA).replace("BOB", super::BOB)
    }
}

/// Puts credential helpers into a folder that is to be in PATH.
pub(crate) fn write_helpers(folder: &Path) {
    for (name, script) in [
        ("good", r#"echo '{"Username":"ada","Secret":"enigma"}'"#),
        ("token", r#"echo '{"Username":"<token>","Secret":"t0ken"}'"#),
        ("name", r#"read -r name || :; echo "{\"Username\":\"ada\",\"Secret\":\"$name\"}""#),
        ("none", "echo credentials not found in native keychain; exit 1"),
        ("empty", r#"echo '{"Username":"","Secret":""}'"#),
        ("bad", "echo the password is hunter2; echo hunter2 >&2; exit 3"),
        ("odd", "echo hunter2"),
        ("endless", "exec yes hunter2"),
        // Leaves somebody behind who holds its standard output, as one that starts an agent does.
        ("agent", r#"sleep 300 & echo $! > "$0.pid"; echo '{"Username":"ada","Secret":"enigma"}'"#),
    ] {
        let path = folder.join(format!("docker-credential-{name}"));
        testbed::write_program(&path, format!("#!/bin/sh\n{script}\n").as_bytes()).unwrap();
    }
}
