//! The reports of long work on its way; who draws it is another crate's matter.

/// Told about downloads, and about other work that takes time.
pub trait Progress: Send + Sync {
    /// A download of `size` bytes begins. It has ended when the [`Task`] is dropped.
    fn start(&self, name: &str, size: u64) -> Box<dyn Task>;

    /// Work without a known size begins. It has ended when the [`Task`] is dropped. Unless it is drawn, nothing is reported.
    fn step(&self, _what: &str) -> Box<dyn Task> {
        Box::new(Silent)
    }

    /// Work begins that mostly takes no time: only if it does is it mentioned.
    fn moment(&self, _what: &str) -> Box<dyn Task> {
        Box::new(Silent)
    }

    /// Work over `total` things begins, of which `what` names the kind. It has ended when the [`Task`] is dropped.
    fn count(&self, _what: &str, _total: u64) -> Box<dyn Task> {
        Box::new(Silent)
    }

    /// Something that a waiting user wants to know, in one line: why there is a pause.
    fn note(&self, message: &str);

    /// Something that every user has to know, in one line, however little they want to see.
    fn warn(&self, message: &str) {
        self.note(message);
    }

    /// Something that only a curious user wants to know, in one line: where from a file is.
    fn detail(&self, _message: &str) {}
}

/// One download, or one step.
pub trait Task: Send + Sync {
    /// `position` bytes are there. It can fall, when a download starts over.
    fn at(&mut self, position: u64);

    /// So many more bytes or things are done, on whichever thread.
    fn advance(&self, more: u64);
}

/// Says nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn start(&self, _name: &str, _size: u64) -> Box<dyn Task> {
        Box::new(Silent)
    }

    fn note(&self, _message: &str) {}
}

impl Task for Silent {
    fn at(&mut self, _position: u64) {}

    fn advance(&self, _more: u64) {}
}
