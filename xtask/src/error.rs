//! The rendering of an error: its causes on one line, and what to do about them on another.

/// `error: …` with its causes on one line, then a line `hint: …` if any of them has one.
pub(crate) fn render(error: &anyhow::Error) -> String {
    let mut text = format!("error: {}", chain(error));
    let hints = [
        base::hint,
        debian::hint,
        publish::hint,
        #[cfg(feature = "full")]
        sign::hint,
    ];
    if let Some(hint) = hints.iter().find_map(|hint| hint(error.as_ref())) {
        text.push_str("\nhint: ");
        text.push_str(&hint);
    }
    text
}

fn chain(error: &anyhow::Error) -> String {
    let mut text = String::new();
    let mut last = String::new();
    for (i, cause) in error.chain().enumerate() {
        let message = cause.to_string();
        // Libraries often repeat their cause in their own message.
        if i > 0 && last.contains(&message) {
            continue;
        }
        if i > 0 {
            text.push_str(": ");
        }
        text.push_str(&message);
        last = message;
    }
    text
}

#[cfg(test)]
mod tests {
    use base::Hinted;

    use super::*;

    #[test]
    fn causes_come_on_one_line_and_hints_after_them() {
        let error = anyhow::Error::new(Hinted::new("no such thing", "make one")).context("cannot build");
        assert_eq!(render(&error), "error: cannot build: no such thing\nhint: make one");
    }

    #[test]
    fn a_cause_that_was_told_already_is_not_told_again() {
        let cause = anyhow::anyhow!("disk full");
        let error = cause.context("cannot write x: disk full");
        assert_eq!(render(&error), "error: cannot write x: disk full");
    }
}
