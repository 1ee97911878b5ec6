//! Statuses after which the same request may succeed.

use reqwest::StatusCode;

/// True if the same request may succeed a little later, by RFC 9110 except where another source is named. `asked` is whether
/// the answer had a `Retry-After`.
///
/// | status | again | source |
/// |---|---|---|
/// | 408 Request Timeout | yes | 15.5.9: the client may repeat the request |
/// | 413 Content Too Large | if it was asked for | 15.5.14: `Retry-After` says that the condition is temporary |
/// | 425 Too Early | yes | RFC 8470, 5.2: the request may be retried, here over a connection without early data |
/// | 429 Too Many Requests | yes | RFC 6585, 4 |
/// | 500 Internal Server Error | yes | 15.6.1: an unexpected condition |
/// | 501 Not Implemented | no | 15.6.2: the server cannot do it at all |
/// | 502, 503, 504 | yes | 15.6.3 to 15.6.5: a server behind it is away, or it is overloaded |
/// | 505 HTTP Version Not Supported | no | 15.6.6 |
/// | 506 Variant Also Negotiates | no | RFC 2295, 8.1: a mistake in the server's configuration |
/// | 507 Insufficient Storage | no | RFC 4918, 11.5: must not be repeated before the user asks for it |
/// | 508 Loop Detected | no | RFC 5842, 7.2 |
/// | 510 Not Extended | no | RFC 2774, 7 |
/// | 511 Network Authentication Required | no | RFC 6585, 6: a network that wants a login |
/// | any other 5xx | yes | 15: an unknown status counts as the x00 of its class |
/// | anything else | no | also 421 Misdirected Request, which wants another connection (15.5.20) |
pub fn is_transient(status: StatusCode, asked: bool) -> bool {
    match status.as_u16() {
        408 | 425 | 429 => true,
        413 => asked,
        501 | 505..=508 | 510 | 511 => false,
        500..=599 => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_is_in_one_row() {
        let again = |asked: bool| {
            let all = (100..=999).filter_map(|code| StatusCode::from_u16(code).ok());
            let mut again = all.filter(|status| is_transient(*status, asked)).map(|status| status.as_u16());
            let known: Vec<u16> = again.by_ref().take_while(|code| *code < 512).collect();
            (known, 513 + u16::try_from(again.count()).unwrap())
        };
        let known = vec![408, 425, 429, 500, 502, 503, 504, 509];
        assert_eq!(again(false), (known, 600));
        assert_eq!(again(true), (vec![408, 413, 425, 429, 500, 502, 503, 504, 509], 600));
    }
}
