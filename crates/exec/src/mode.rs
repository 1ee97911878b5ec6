//! The mode in which programs are started, and its choice.

use std::fmt;

/// A way of having foreign programs run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Something runs them already: the kernel, or another supervisor. Nothing is left to do.
    Kernel,
    /// A binfmt_misc of one's own, in a user namespace.
    Userns,
    /// seccomp stops a process at each exec, and notifies its listener.
    Notify,
    /// seccomp stops a process at each exec, and notifies its tracer.
    Trace,
}

/// The mode that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wanted {
    /// The best that can be had.
    #[default]
    Auto,
    /// This one and no other.
    Only(Mode),
}

/// The reason why a mode cannot be had here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal(pub String);

/// No mode that would do can be had; each that was tried, with the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unavailable(pub Vec<(Mode, Refusal)>);

impl Mode {
    /// Every mode.
    pub const ALL: [Mode; 4] = [Mode::Kernel, Mode::Userns, Mode::Notify, Mode::Trace];

    /// The word on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Mode::Kernel => "kernel",
            Mode::Userns => "userns",
            Mode::Notify => "notify",
            Mode::Trace => "trace",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Wanted {
    /// Reads the word on the command line.
    pub fn parse(word: &str) -> Option<Wanted> {
        if word == "auto" {
            return Some(Wanted::Auto);
        }
        Mode::ALL.into_iter().find(|mode| mode.name() == word).map(Wanted::Only)
    }

    /// The modes to try, in this order. `needs_namespace` is true where only a user namespace gives the right to do what is asked
    /// for, changing the root without being root: with a namespace of one's own, a table of one's own costs nothing more.
    ///
    /// `notify` is for those who ask for it, although it costs less for each new process. It needs the right to trace as well. A signal
    /// that arrives before the listener has read the report ends the exec with EINTR, which execve(2) never returns otherwise
    /// (`seccomp_do_user_notification` in kernel/seccomp.c); and a process that has changed its user cannot be attached to.
    fn candidates(self, needs_namespace: bool) -> &'static [Mode] {
        match (self, needs_namespace) {
            (Wanted::Auto, true) => &[Mode::Userns, Mode::Trace],
            (Wanted::Auto, false) => &[Mode::Kernel, Mode::Trace],
            (Wanted::Only(Mode::Kernel), _) => &[Mode::Kernel],
            (Wanted::Only(Mode::Userns), _) => &[Mode::Userns],
            (Wanted::Only(Mode::Notify), _) => &[Mode::Notify],
            (Wanted::Only(Mode::Trace), _) => &[Mode::Trace],
        }
    }
}

/// The first mode that can be had, which `test` finds out.
///
/// # Errors
/// [`Unavailable`], if there is none.
pub fn choose(
    wanted: Wanted,
    needs_namespace: bool,
    mut test: impl FnMut(Mode) -> Result<(), Refusal>,
) -> Result<Mode, Unavailable> {
    let mut refusals = Vec::new();
    for mode in wanted.candidates(needs_namespace) {
        match test(*mode) {
            Ok(()) => return Ok(*mode),
            Err(refusal) => refusals.push((*mode, refusal)),
        }
    }
    Err(Unavailable(refusals))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Mode::{Kernel, Notify, Trace, Userns};

    #[test]
    fn the_choice_as_a_table() {
        let all = Mode::ALL.as_slice();
        for (wanted, needs_namespace, can, expected) in [
            ("auto", false, all, Ok(Kernel)),
            ("auto", false, &[Userns, Notify, Trace], Ok(Trace)),
            ("auto", false, &[Userns, Notify], Err(&[Kernel, Trace][..])),
            ("auto", true, all, Ok(Userns)),
            ("auto", true, &[Kernel, Notify, Trace], Ok(Trace)),
            ("auto", true, &[Kernel, Notify], Err(&[Userns, Trace])),
            ("kernel", false, &[Trace], Err(&[Kernel])),
            ("userns", false, all, Ok(Userns)),
            ("notify", false, all, Ok(Notify)),
            ("notify", false, &[Kernel, Trace], Err(&[Notify])),
            ("trace", false, all, Ok(Trace)),
            ("trace", false, &[Kernel], Err(&[Trace])),
        ] {
            let chosen = choose(Wanted::parse(wanted).unwrap(), needs_namespace, |mode| {
                if can.contains(&mode) { Ok(()) } else { Err(Refusal(format!("no {mode}"))) }
            });
            let expected = expected.map_err(|tried| {
                Unavailable(tried.iter().map(|mode| (*mode, Refusal(format!("no {mode}")))).collect())
            });
            assert_eq!(chosen, expected, "{wanted} {needs_namespace} {can:?}");
        }
    }

    #[test]
    fn nothing_behind_the_chosen_one_is_tried() {
        let mut tried = Vec::new();
        let chosen = choose(Wanted::Auto, false, |mode| {
            tried.push(mode);
            Ok(())
        });
        assert_eq!((chosen, tried), (Ok(Kernel), vec![Kernel]));
    }

    #[test]
    fn modes_have_the_names_of_the_command_line() {
        assert_eq!(Wanted::parse("auto"), Some(Wanted::Auto));
        for mode in Mode::ALL {
            assert_eq!(Wanted::parse(mode.name()), Some(Wanted::Only(mode)));
        }
        assert_eq!(Wanted::parse("Trace"), None);
    }
}
