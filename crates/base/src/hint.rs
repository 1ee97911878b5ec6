//! Hints: what to do about an error, wherever in a chain of causes it is.

use std::error::Error;
use std::io;

/// An error that may know what to do about it.
pub trait Hint: Listed {
    /// Returns what to do about it, in one sentence.
    fn hint(&self) -> Option<String>;
}

/// An error that its crate's function `hint` finds in a chain. The macro [`hints!`](crate::hints) alone implements it: an
/// error with a hint that is missing from the crate's list does not compile.
pub trait Listed: Error + 'static {}

/// Lists the errors of a crate that have hints, and makes the crate's function `hint` out of the list.
#[macro_export]
macro_rules! hints {
    ($($(#[$cfg:meta])* $error:ty),+ $(,)?) => {
        $($(#[$cfg])* impl $crate::Listed for $error {})+

        /// The hint of the first error of this crate that has one, from `error` on through its causes.
        pub fn hint(error: &(dyn ::std::error::Error + 'static)) -> Option<String> {
            $crate::first_hint(error, |error| {
                $($(#[$cfg])* {
                    if let Some(error) = error.downcast_ref::<$error>() {
                        return $crate::Hint::hint(error);
                    }
                })+
                None
            })
        }
    };
}

/// The first answer of `own`, from `error` on through its causes.
pub fn first_hint(
    error: &(dyn Error + 'static),
    own: impl Fn(&(dyn Error + 'static)) -> Option<String>,
) -> Option<String> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(hint) = own(error) {
            return Some(hint);
        }
        // An error inside an I/O error is not one of its causes.
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = inner.map(|inner| inner as &(dyn Error + 'static)).or_else(|| error.source());
    }
    None
}

#[cfg(test)]
#[allow(unreachable_pub, reason = "`hints!` makes a function that crates export")]
mod tests {
    use std::fmt;

    use super::*;

    #[derive(Debug)]
    struct Outer(Option<&'static str>, io::Error);

    #[derive(Debug)]
    struct Inner;

    impl fmt::Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("outer")
        }
    }

    impl fmt::Display for Inner {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("inner")
        }
    }

    impl Error for Outer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.1)
        }
    }

    impl Error for Inner {}

    impl Hint for Outer {
        fn hint(&self) -> Option<String> {
            self.0.map(str::to_owned)
        }
    }

    impl Hint for Inner {
        fn hint(&self) -> Option<String> {
            Some("mend the inner one".to_owned())
        }
    }

    hints![Outer, Inner];

    #[test]
    fn the_first_error_with_a_hint_gives_it() {
        let inner = || io::Error::other(Inner);
        for (error, expected) in [
            (Outer(Some("mend the outer one"), inner()), Some("mend the outer one")),
            (Outer(None, inner()), Some("mend the inner one")),
            (Outer(None, io::Error::other("text")), None),
            (Outer(None, io::Error::from_raw_os_error(1)), None),
        ] {
            assert_eq!(hint(&error).as_deref(), expected, "{error:?}");
        }
    }
}
