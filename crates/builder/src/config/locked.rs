//! The configuration next to the lock: one that was edited after the lock was made asks for what is not locked.

use arch::{Host, Target};
use base::Hinted;
use debian::lock::{Lock, NEWEST};

use super::Config;

const HINT: &str = "run `cargo xtask lock`";

impl Config {
    /// Fails if a host of `wanted` (empty stands for all) has no packages in `lock`. Returns what else `lock` does not have
    /// as it is configured, a line for each.
    pub fn compare(&self, lock: &Lock, wanted: &[Host]) -> Result<Vec<String>, Hinted> {
        let is_wanted = |host: &Host| wanted.is_empty() || wanted.contains(host);
        let unlocked = self.hosts.iter().filter(|host| lock.qemu(**host).next().is_none());
        let (missing, others): (Vec<Host>, Vec<Host>) = unlocked.partition(|host| is_wanted(host));
        if !missing.is_empty() {
            let message = format!("images/debian.lock has no packages for {}", hosts(&missing));
            return Err(Hinted::new(message, HINT));
        }
        let mut lines = Vec::new();
        let mut differs = |what: String| {
            lines.push(format!("images/debian.lock is not of this images/images.toml: {what}; {HINT}"));
        };
        if !others.is_empty() {
            differs(format!("it has no packages for {}", hosts(&others)));
        }
        let locked: Vec<&str> = lock.suites().iter().map(|suite| suite.name.as_str()).collect();
        let suites: Vec<&str> = self.suites.iter().map(String::as_str).collect();
        if suites != locked {
            differs(format!("it was made of the suites {}, not of {}", locked.join(", "), suites.join(", ")));
        }
        let locked: Vec<&str> = lock.series().collect();
        let unlocked: Vec<String> = self
            .series
            .iter()
            .filter(|name| !locked.contains(&name.as_str()))
            .map(|name| format!("`{name}`"))
            .collect();
        if !unlocked.is_empty() {
            differs(format!("it has no series {}", unlocked.join(", ")));
        }
        // Images of all series would have them.
        let others = locked.iter().filter(|name| !self.series.iter().any(|series| series == *name));
        let others: Vec<String> = others.map(|name| format!("`{name}`")).collect();
        if !others.is_empty() {
            differs(format!("it has series {} still", others.join(", ")));
        }
        for (host, target, series) in self.defaults.of_hosts(&self.hosts) {
            let Some(package) = lock.cell(host, target) else { continue };
            let is_so = match series {
                NEWEST => lock.passed_over(host, target).is_none(),
                series => package.suite == series || lock.of_series(series).cell(host, target).is_none(),
            };
            if !is_so {
                let suite = &package.suite;
                differs(format!("it has `{target}` for `{host}` from `{suite}`, not from `{series}`"));
            }
        }
        let is_locked = |target: &Target| self.hosts.iter().any(|host| lock.cell(*host, *target).is_some());
        let retired: Vec<&Target> = self.retired.iter().filter(|target| !is_locked(target)).collect();
        if !retired.is_empty() {
            let names: Vec<String> = retired.iter().map(|target| format!("`{target}`")).collect();
            differs(format!("it has no package with {}", names.join(", ")));
        }
        Ok(lines)
    }
}

/// ``the host `amd64` ``, ``the hosts `amd64`, `s390x` ``
fn hosts(hosts: &[Host]) -> String {
    let names: Vec<String> = hosts.iter().map(|host| format!("`{host}`")).collect();
    format!("the host{} {}", if names.len() == 1 { "" } else { "s" }, names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = include_str!("../../../../images/debian.lock");

    fn compare(from: &str, to: &str, wanted: &[&str]) -> Result<Vec<String>, String> {
        let text = include_str!("../../../../images/images.toml");
        assert!(text.contains(from), "{from}");
        let config = Config::parse(&text.replace(from, to)).unwrap();
        // A host that was never locked, without a lock of its own to keep.
        let lock = Lock::parse(LOCK).unwrap();
        let packages = lock.packages().iter().filter(|package| {
            !["s390x", "riscv64"].contains(&package.host.name()) || !to.contains("new hosts")
        });
        let lock = Lock::new(lock.suites().to_vec(), packages.cloned().collect()).unwrap();
        let wanted: Vec<Host> = wanted.iter().map(|name| name.parse().unwrap()).collect();
        config.compare(&lock, &wanted).map_err(|error| error.to_string())
    }

    #[test]
    fn the_committed_lock_is_as_it_is_written() {
        assert_eq!(Lock::parse(LOCK).unwrap().to_string(), LOCK);
    }

    #[test]
    fn what_is_configured_and_not_locked_is_reported() {
        let note = |what: &str| {
            let line = format!("images/debian.lock is not of this images/images.toml: {what}; {HINT}");
            Ok(vec![line])
        };
        let none = "images/debian.lock has no packages for";
        let (hosts, new) = ("hosts = [\n", "# new hosts\nhosts = [\n");
        assert_eq!(compare("", "", &[]), Ok(vec![]));
        assert_eq!(compare(hosts, new, &[]), Err(format!("{none} the hosts `s390x`, `riscv64`")));
        assert_eq!(compare(hosts, new, &["amd64", "s390x"]), Err(format!("{none} the host `s390x`")));
        let expected = note("it has no packages for the hosts `s390x`, `riscv64`");
        assert_eq!(compare(hosts, new, &["amd64"]), expected);
        let suites = "suites = [\"sid\", \"trixie\", \"bookworm\"]";
        for (now, text) in [
            ("[\"sid\", \"forky\", \"trixie\", \"bookworm\"]", "sid, forky, trixie, bookworm"),
            ("[\"trixie\", \"bookworm\"]", "trixie, bookworm"),
            ("[\"trixie\", \"sid\", \"bookworm\"]", "trixie, sid, bookworm"),
        ] {
            let expected = note(&format!("it was made of the suites sid, trixie, bookworm, not of {text}"));
            assert_eq!(compare(suites, &format!("suites = {now}"), &[]), expected);
        }
        let series = "series = [\"trixie\", \"bookworm\"]";
        assert_eq!(compare(series, "series = [\"bookworm\"]", &[]), note("it has series `trixie` still"));
        assert_eq!(compare(series, "series = []", &[]), note("it has series `trixie`, `bookworm` still"));
        assert_eq!(
            compare("retired = []", "retired = [\"cris\", \"nios2\"]", &[]),
            note("it has no package with `cris`, `nios2`")
        );
    }
}
