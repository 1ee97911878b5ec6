//! The first run on a new machine: from an empty cargo home, an empty target folder and an empty cache to images, with where
//! the time goes, as a reader of the output would see it.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, bail};

use crate::figure::{Figure, Goal, Unit};
use crate::suite::Suite;

/// The moments of a run, in seconds since its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Moments {
    /// The program, compiled, printed its first line.
    first: f64,
    /// The last `register` was built.
    register: Option<f64>,
    end: f64,
    /// The longest time without a line.
    silence: f64,
}

impl Suite<'_> {
    /// Measures what a reader of the output sees: for one host, and for all.
    pub fn first_run(&self, title: &str) -> anyhow::Result<Vec<Figure>> {
        let mut figures = Vec::new();
        for (what, arguments, goal) in
            [("`images --host amd64`", &["--host", "amd64"][..], 270.0), ("`images`", &[][..], 540.0)]
        {
            let moments = run(self.workspace, &self.scratch.path("first-run"), arguments)?;
            figures.extend(made(title, what, goal, moments));
        }
        Ok(figures)
    }
}

fn made(title: &str, what: &str, goal: f64, moments: Moments) -> Vec<Figure> {
    let figure = |name: &str, value, goal: Option<f64>, how: &str| {
        let figure = Figure::new(title, &format!("{what}, {name}"), Unit::Seconds, value, how);
        goal.map_or(figure.clone(), |goal| figure.goal(Goal::AtMost(goal)))
    };
    let after = |moment: Option<f64>| moment.map_or(0.0, |moment| moment - moments.first);
    let register = after(moments.register);
    vec![
        figure("until its first line of its own", moments.first, Some(180.0), "cargo's downloads, compiling"),
        figure("`register`", register, None, "from the first line on; packages and layers beside it"),
        figure(
            "the rest",
            moments.end - moments.register.unwrap_or(moments.first),
            None,
            "layers that took longer than `register`, images, indexes",
        ),
        figure("all of it", moments.end, Some(goal), "on an empty machine"),
        figure("the longest silence", moments.silence, Some(5.0), "between two lines of its output"),
    ]
}

/// Runs `cargo xtask images` in a checkout of its own below `scratch`, where nothing was ever built or fetched.
fn run(workspace: &Path, scratch: &Path, arguments: &[&str]) -> anyhow::Result<Moments> {
    if scratch.exists() {
        std::fs::remove_dir_all(scratch)?;
    }
    let checkout = scratch.join("qus");
    std::fs::create_dir_all(&checkout)?;
    let prefix = format!("--prefix={}/", checkout.display());
    let status = Command::new("git")
        .args(["checkout-index", "--all", &prefix])
        .current_dir(workspace)
        .status()
        .context("cannot run `git`")?;
    if !status.success() {
        bail!("`git checkout-index` failed with {status}");
    }
    let home = scratch.join("cargo");
    std::fs::create_dir_all(&home)?;
    // The way to a mirror of crates is the machine's, and not a part of what is measured.
    if let Some(own) = std::env::var_os("CARGO_HOME").or_else(|| std::env::home_dir().map(Into::into)) {
        let own = Path::new(&own);
        for config in [own.join("config.toml"), own.join(".cargo/config.toml")] {
            if config.is_file() {
                std::fs::copy(config, home.join("config.toml"))?;
            }
        }
    }
    let mut command = Command::new("cargo");
    command
        .args(["xtask", "images"])
        .args(arguments)
        .current_dir(&checkout)
        .env("CARGO_HOME", &home)
        .env("QUS_CACHE_DIR", scratch.join("cache"))
        .stdin(Stdio::null())
        .stdout(File::options().write(true).open("/dev/null")?)
        .stderr(Stdio::piped());
    // What `cargo run` has set for this program would lead the other one back to this workspace.
    for name in ["CARGO_MANIFEST_DIR", "CARGO_TARGET_DIR", "CARGO"] {
        command.env_remove(name);
    }
    let started = Instant::now();
    let mut child = command.spawn().context("cannot run `cargo`")?;
    let stderr = child.stderr.take().context("a piped stderr is there")?;
    let mut reading = Reading::default();
    let mut text = String::new();
    for line in BufReader::new(stderr).lines() {
        let line = line?;
        reading.line(&line, started.elapsed().as_secs_f64());
        text.push_str(&line);
        text.push('\n');
    }
    let status = child.wait()?;
    if !status.success() {
        bail!("`cargo xtask images` failed ({status}); it had printed:\n{}", text.trim_end());
    }
    Ok(reading.end(started.elapsed().as_secs_f64()))
}

/// Moments out of lines as they come.
#[derive(Default)]
struct Reading {
    moments: Moments,
    last: f64,
    /// The programs that cargo has finished: the launcher, and what it compiles and becomes.
    finished: usize,
}

impl Reading {
    fn line(&mut self, line: &str, at: f64) {
        self.moments.silence = self.moments.silence.max(at - self.last);
        self.last = at;
        if self.finished < 2 {
            self.finished += usize::from(line.trim_start().starts_with("Finished "));
            return;
        }
        if self.moments.first == 0.0 {
            self.moments.first = at;
        }
        let is_ours = ["`register` for ", "`run` for "].iter().any(|start| line.starts_with(start));
        if is_ours && line.contains(" is built") {
            self.moments.register = Some(at);
        }
    }

    fn end(mut self, at: f64) -> Moments {
        self.moments.silence = self.moments.silence.max(at - self.last);
        self.moments.end = at;
        self.moments
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_from_lines() {
        let mut reading = Reading::default();
        for (line, at) in [
            ("   Compiling qus-launch v0.1.0", 1.0),
            ("    Finished `dev` profile [unoptimized] target(s) in 2s", 2.0),
            ("     Running `target/debug/launch images`", 2.1),
            ("   Compiling syn v2.0.0", 2.3),
            ("still compiling: 1 part in 4 s", 6.3),
            ("    Finished `dev` profile [unoptimized] target(s) in 9s", 9.0),
            ("fetching from http://mirror.example/debian (--mirror)", 9.3),
            ("`register` for i386 is built (20 s)", 30.0),
            ("`register` for amd64 is built (22 s)", 32.0),
            ("wrote target/images", 34.0),
        ] {
            reading.line(line, at);
        }
        let moments = reading.end(34.5);
        assert_eq!((moments.first, moments.register, moments.end), (9.3, Some(32.0), 34.5));
        assert!((moments.silence - 20.7).abs() < 1e-9);
    }

    #[test]
    fn what_is_too_slow_or_silent_is_missed() {
        let moments = Moments { first: 181.0, register: Some(200.0), end: 300.0, silence: 6.0 };
        let figures = made("first-run", "`images`", 540.0, moments);
        let met: Vec<_> = figures.iter().map(Figure::met).collect();
        assert_eq!(met, [Some(false), None, None, Some(true), Some(false)]);
    }
}
