//! The concessions of a lock, made although something is not as it should be, and the command that makes the next one likewise.
//!
//! A comparison goes on from there: that a suite has been past its date since the lock was made is no news. A new lock
//! does not, since each is a decision of its own.

use std::collections::BTreeSet;

use super::Request;
use crate::lock::Lock;
use arch::Host;

/// The concessions that a lock records and that were not asked for again.
#[derive(Debug, Default)]
pub struct Concessions {
    /// The suites whose metadata was past its date.
    allow_expired: BTreeSet<String>,
    /// The suites that were older than in the lock before.
    allow_older: BTreeSet<String>,
    /// The hosts for which a suite was passed over.
    without: BTreeSet<(String, Host)>,
    /// These, and those that were asked for.
    all: Vec<String>,
}

impl Concessions {
    /// Those of `lock`, in suites that `request` is about.
    pub fn recorded(lock: &Lock, request: &Request) -> Concessions {
        let suites = || lock.suites().iter().filter(|suite| request.suites.contains(&suite.name));
        let expired = suites().filter(|suite| suite.allow_expired).map(|suite| suite.name.clone());
        let expired: BTreeSet<String> = expired.collect();
        let without = suites().flat_map(|suite| suite.without.iter().map(|host| (suite.name.clone(), *host)));
        let without: BTreeSet<(String, Host)> = without.collect();
        let older = suites().filter(|suite| suite.allow_older).map(|suite| suite.name.clone());
        let older: BTreeSet<String> = older.collect();
        let all = options(
            &(&expired | &request.allow_expired),
            &(&older | &request.allow_older),
            &(&without | &request.without),
        );
        Concessions {
            allow_expired: &expired - &request.allow_expired,
            allow_older: &older - &request.allow_older,
            without: &without - &request.without,
            all,
        }
    }

    /// `request` with these, too.
    pub fn grant(&self, mut request: Request) -> Request {
        request.allow_expired.extend(self.allow_expired.iter().cloned());
        request.allow_older.extend(self.allow_older.iter().cloned());
        request.without.extend(self.without.iter().cloned());
        request
    }

    /// As options: `--allow-expired sid`, `--allow-older sid`, `--without trixie/armel`.
    pub fn options(&self) -> Vec<String> {
        options(&self.allow_expired, &self.allow_older, &self.without)
    }

    /// The command that makes a lock with them, and with what was asked for.
    pub fn command(&self) -> String {
        ["cargo xtask lock".to_owned()]
            .into_iter()
            .chain(self.all.iter().cloned())
            .collect::<Vec<_>>()
            .join(" ")
    }
}

fn options(
    allow_expired: &BTreeSet<String>,
    allow_older: &BTreeSet<String>,
    without: &BTreeSet<(String, Host)>,
) -> Vec<String> {
    let expired = allow_expired.iter().map(|suite| format!("--allow-expired {suite}"));
    let older = allow_older.iter().map(|suite| format!("--allow-older {suite}"));
    let without = without.iter().map(|(suite, host)| format!("--without {suite}/{}", host.debian()));
    expired.chain(older).chain(without).collect()
}
