//! `Retry-After`: the wait that a server asks for (RFC 9110, 10.2.3).

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use reqwest::header::{HeaderMap, RETRY_AFTER};

/// The three forms of a date that are to be understood (RFC 9110, 5.6.7); the first is the one that is to be written.
const DATES: [&str; 3] = ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];

/// The wait that `headers` ask for at the moment `now`; `None` if they ask for none, or in no form that is known.
pub(crate) fn read(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        // More seconds than fit are more than anyone waits.
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let date = DATES.iter().find_map(|form| jiff::civil::DateTime::strptime(form, text).ok())?;
    let date = date.to_zoned(TimeZone::UTC).ok()?.timestamp();
    // A moment that has passed asks for no wait. Parts of a second are not shortened away.
    let wait = Duration::try_from(date.duration_since(now)).unwrap_or_default();
    Some(Duration::from_secs(wait.as_secs() + u64::from(wait.subsec_nanos() > 0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_seconds_or_dates() {
        let now = Timestamp::from_millisecond(1_445_412_480_000).unwrap();
        let check = |text: &str, now: Timestamp, expected: Option<u64>| {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]);
            assert_eq!(read(&headers, now), expected.map(Duration::from_secs), "{text}");
        };
        for (text, expected) in [
            ("7", Some(7)),
            (" 0 ", Some(0)),
            ("18446744073709551615", Some(u64::MAX)),
            ("99999999999999999999999", Some(u64::MAX)),
            ("Wed, 21 Oct 2015 07:28:30 GMT", Some(30)),
            ("Wednesday, 21-Oct-15 07:28:30 GMT", Some(30)),
            ("Wed Oct 21 07:28:30 2015", Some(30)),
            ("Sun Nov  6 08:49:37 1994", Some(0)),
            ("Wed, 21 Oct 2015 07:27:30 GMT", Some(0)),
            ("soon", None),
            ("", None),
            ("+5", None),
            ("-5", None),
            ("1.5", None),
            ("Wed, 21 Oct 2015", None),
        ] {
            check(text, now, expected);
        }
        let later = Timestamp::from_millisecond(1_445_412_480_400).unwrap();
        check("Wed, 21 Oct 2015 07:28:30 GMT", later, Some(30));
        assert_eq!(read(&HeaderMap::new(), now), None);
    }
}
