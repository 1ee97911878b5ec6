//! The request for a lock of all that is configured.

use arch::{Target, UnknownName};
use debian::SUITES;
use debian::resolve::{Purpose, Request};

use super::Config;

impl Config {
    /// Asks for everything, at the moment `now` in unix seconds.
    pub fn request(&self, purpose: Purpose, now: i64) -> Request {
        let mut request = Request {
            purpose,
            suites: self.suites.clone(),
            series: self.series.clone(),
            hosts: self.hosts.iter().copied().collect(),
            targets: Target::current().chain(self.retired.iter().copied()).collect(),
            refused_targets: self.refused_targets.iter().cloned().collect(),
            refused_hosts: self.refused_hosts.iter().cloned().collect(),
            now,
            ..Request::default()
        };
        if purpose == Purpose::Linking {
            // The oldest first: its packages stay what they are, and so do the bytes of `register`.
            request.suites.reverse();
            request.hosts.retain(|host| host.triple().is_some());
            request.targets.clear();
            request.series.clear();
        }
        request
    }

    /// The configured suite that `name` names.
    pub fn suite(&self, name: &str) -> Result<String, UnknownName> {
        let suite = self.suites.iter().find(|suite| *suite == name);
        suite.cloned().ok_or_else(|| UnknownName::new("suite", name, SUITES))
    }
}
