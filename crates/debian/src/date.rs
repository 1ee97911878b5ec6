//! Dates as Debian and HTTP write them, as seconds since 1970.

/// Parses `Sat, 11 Jul 2026 10:16:37 UTC` (RFC 5322, with the zone name that Debian uses).
#[cfg(any(feature = "openpgp", test))]
pub(crate) fn parse(text: &str) -> Option<i64> {
    let zone = ["UTC", "GMT"].iter().find_map(|zone| text.trim().strip_suffix(zone));
    let numeric = zone.map_or_else(|| text.to_owned(), |rest| format!("{rest}+0000"));
    let timestamp = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(&numeric).ok()?;
    Some(timestamp.as_second())
}

/// `2026-07-11T10:16:37Z`
pub(crate) fn iso(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).unwrap_or_default().to_string()
}

/// Parses what [`iso`] writes.
pub(crate) fn parse_iso(text: &str) -> Option<i64> {
    let seconds = text.parse::<jiff::Timestamp>().ok()?.as_second();
    // Only one spelling, so that a lock has only one form.
    (iso(seconds) == text).then_some(seconds)
}

/// As the snapshot archive names its moments: `20260711T101637Z`.
pub(crate) fn compact(seconds: i64) -> String {
    iso(seconds).replace(['-', ':'], "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debians_dates_are_read_and_written() {
        let seconds = parse("Sat, 11 Jul 2026 10:16:37 UTC").unwrap();
        assert_eq!(seconds, 1_783_764_997);
        assert_eq!(parse("Sat, 11 Jul 2026 10:16:37 GMT"), Some(seconds));
        assert_eq!(parse("Sat, 11 Jul 2026 12:16:37 +0200"), Some(seconds));
        assert_eq!(parse("yesterday"), None);
        assert_eq!(iso(seconds), "2026-07-11T10:16:37Z");
        assert_eq!(parse_iso("2026-07-11T10:16:37Z"), Some(seconds));
        assert_eq!(parse_iso("2026-07-11T12:16:37+02:00"), None);
        assert_eq!(compact(seconds), "20260711T101637Z");
    }
}
