//! The cleartext signature framework (RFC 9580, section 7): one signed text, and nothing around it.
//!
//! Pure and linear in the input's length, since it runs before any signature counts. The OpenPGP library's own reader searches
//! the whole text anew for every line, and stops at the first message without a look at what follows.

use crate::limits;

const BEGIN: &str = "-----BEGIN PGP SIGNED MESSAGE-----";
const SIGNATURE: &str = "-----BEGIN PGP SIGNATURE-----";
const END: &str = "-----END PGP SIGNATURE-----";

/// A clear-signed message, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Message {
    /// The text as it is signed: unescaped, without white space at the ends of lines, which end with CR LF.
    pub(super) text: String,
    /// The message with its headers and signatures, and no text.
    pub(super) frame: String,
}

/// Takes a whole message apart; the error says in a few words why it is none.
pub(super) fn parse(message: &str) -> Result<Message, &'static str> {
    check_ends(message)?;
    let mut lines = message.trim_end().split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
    let mut frame = String::new();
    // The headers end with an empty line, which `frame` needs, too.
    for line in lines.by_ref() {
        if line.starts_with(SIGNATURE) {
            return Err("no empty line ends its headers");
        }
        push(&mut frame, line)?;
        if line.is_empty() {
            break;
        }
    }
    let mut text = String::new();
    for (count, line) in lines.by_ref().enumerate() {
        if is(line, SIGNATURE) {
            push(&mut frame, line)?;
            for line in lines {
                push(&mut frame, line)?;
            }
            return Ok(Message { text, frame });
        }
        let line = match line.strip_prefix("- ") {
            Some(escaped) => escaped,
            None if line.starts_with('-') => return Err("a line of its text begins with a dash"),
            None => line,
        };
        if line.contains('\r') {
            return Err("a carriage return stands within a line");
        }
        // The last line end belongs to the frame.
        if count > 0 {
            text.push_str("\r\n");
        }
        text.push_str(line.trim_end_matches([' ', '\t']));
    }
    Err("it has no signature")
}

fn push(frame: &mut String, line: &str) -> Result<(), &'static str> {
    if frame.len() + line.len() + 1 > limits::SIGNATURES {
        return Err("its headers and signatures are too long");
    }
    frame.push_str(line);
    frame.push('\n');
    Ok(())
}

/// White space may follow a line of the frame (RFC 9580, section 6.2).
fn is(line: &str, wanted: &str) -> bool {
    line.trim_end() == wanted
}

/// Fails if the message is not one, or has something around it. Lines of the text itself cannot begin with five dashes,
/// because they are escaped.
fn check_ends(message: &str) -> Result<(), &'static str> {
    let (mut begins, mut ends, mut first, mut last) = (0, 0, None, None);
    for line in message.trim_end().lines() {
        begins += usize::from(is(line, BEGIN));
        ends += usize::from(is(line, END));
        first = first.or(Some(line));
        last = Some(line);
    }
    if begins == 0 || ends == 0 {
        return Err("its beginning or its end is missing");
    }
    if first.is_none_or(|line| !is(line, BEGIN)) || begins > 1 {
        return Err("something stands before it");
    }
    if last.is_none_or(|line| !is(line, END)) || ends > 1 {
        return Err("something stands after it");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAIL: &str = "-----BEGIN PGP SIGNATURE-----\n\nabc\n-----END PGP SIGNATURE-----\n";

    /// The text that is signed, of a message with `body` between the headers and the signature.
    fn check(body: &str, expected: Result<&str, &str>) {
        for ending in ["\n", "\r\n"] {
            let message = format!("{BEGIN}\nHash: SHA256\n\n{body}{TAIL}").replace('\n', ending);
            let actual = parse(&message).map(|message| message.text);
            assert_eq!(actual, expected.map(str::to_owned), "{message:?}");
        }
    }

    #[test]
    fn the_text_is_what_was_signed() {
        check("a\n", Ok("a"));
        check("a\n\nb\n", Ok("a\r\n\r\nb"));
        check("\na\n\n", Ok("\r\na\r\n"));
        check("a \t\n b\n", Ok("a\r\n b"));
        check("- -----BEGIN\n- - a\n- b\n", Ok("-----BEGIN\r\n- a\r\nb"));
        check("\n", Ok(""));
        check("", Ok(""));
    }

    #[test]
    fn what_is_no_message_is_refused() {
        check("-a\n", Err("a line of its text begins with a dash"));
        check("-----BEGIN PGP PUBLIC KEY BLOCK-----\n", Err("a line of its text begins with a dash"));
        check("a\rb\n", Err("a carriage return stands within a line"));
        for (message, expected) in [
            (format!("{BEGIN}\nHash: SHA256\n{TAIL}"), "no empty line ends its headers"),
            (format!("{BEGIN}\n\na\n{END}\n"), "a line of its text begins with a dash"),
            (format!("{BEGIN}\n"), "its beginning or its end is missing"),
            (TAIL.to_owned(), "its beginning or its end is missing"),
            (format!("\n{BEGIN}\n\na\n{TAIL}"), "something stands before it"),
            (format!("{BEGIN}\n\na\n{TAIL}x"), "something stands after it"),
            (format!("{BEGIN}\n\na\n{TAIL}{TAIL}"), "something stands after it"),
        ] {
            assert_eq!(parse(&message), Err(expected), "{message:?}");
        }
    }

    #[test]
    fn headers_and_signatures_have_a_limit() {
        let message = |filler: usize| {
            let armor = "x".repeat(filler);
            format!("{BEGIN}\n\na\n-----BEGIN PGP SIGNATURE-----\n\n{armor}\n{END}\n")
        };
        let empty = parse(&message(0)).unwrap().frame.len();
        let most = limits::SIGNATURES - empty;
        assert_eq!(parse(&message(most)).map(|message| message.frame.len()), Ok(limits::SIGNATURES));
        assert_eq!(parse(&message(most + 1)), Err("its headers and signatures are too long"));
    }
}
