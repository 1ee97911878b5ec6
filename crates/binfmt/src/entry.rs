//! One entry of binfmt_misc, as a value: the kernel's description of it, and the line that registers it.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use crate::flags::Flags;

/// The longest line that the kernel takes (`MAX_REGISTER_LENGTH` in `fs/binfmt_misc.c`).
pub(crate) const LONGEST_LINE: usize = 1920;

/// Delimiters for the register line, the customary one first; the kernel takes any byte. But systemd-binfmt, which reads the
/// same lines from files, takes those that begin with `;` or `#` for comments (binfmt.d(5)).
const DELIMITERS: &[u8] = b":|,%!~^=@+";

/// By what the kernel knows a program as this entry's.
#[derive(Debug, Clone)]
pub enum Recognition {
    /// Bytes of the file, compared under a mask of the same length.
    Magic {
        /// The position of the bytes in the file.
        offset: usize,
        /// The bytes.
        value: Vec<u8>,
        /// The bits that are compared; all ones where the entry has no mask.
        mask: Vec<u8>,
    },
    /// The file name's extension, without its dot.
    Extension(String),
}

impl PartialEq for Recognition {
    /// Equal when they take the same programs: bits outside the mask do not count.
    fn eq(&self, other: &Recognition) -> bool {
        match (self, other) {
            (
                Recognition::Magic { offset, value, mask },
                Recognition::Magic { offset: other_offset, value: other_value, mask: other_mask },
            ) => {
                offset == other_offset
                    && mask == other_mask
                    && masked(value, mask).eq(masked(other_value, mask))
            }
            (Recognition::Extension(a), Recognition::Extension(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for Recognition {}

fn masked<'a>(value: &'a [u8], mask: &'a [u8]) -> impl Iterator<Item = u8> + 'a {
    value.iter().zip(mask).map(|(value, mask)| value & mask)
}

/// One interpreter that the kernel knows, or is to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    name: String,
    recognition: Recognition,
    interpreter: PathBuf,
    flags: Flags,
    enabled: bool,
}

/// The reason why a value cannot be an entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// The name is empty, too long, or not a file name.
    #[error("`{0}` cannot be an entry's name")]
    Name(String),
    /// The interpreter's path is empty, relative or has a line break.
    #[error("`{0}` cannot be an interpreter: its path must be absolute and on one line")]
    Interpreter(String),
    /// Every delimiter is in the name or the interpreter's path.
    #[error("`{0}` cannot be an interpreter: its path holds every delimiter that a register line could use")]
    NoDelimiter(String),
    /// Longer than the kernel takes.
    #[error("the register line would have {0} bytes, and the kernel takes {LONGEST_LINE}")]
    TooLong(usize),
}

/// The reason why the kernel's description of an entry was not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct Unreadable {
    line: usize,
    problem: String,
}

impl Entry {
    /// An enabled entry that knows programs by their first bytes. `value` and `mask` are equally long.
    ///
    /// # Errors
    /// [`Invalid`], for what the kernel would refuse or, with a relative path, look up at each program's own
    /// working directory.
    pub fn new(
        name: &str,
        (value, mask): (&[u8], &[u8]),
        interpreter: &Path,
        flags: Flags,
    ) -> Result<Entry, Invalid> {
        let recognition = Recognition::Magic { offset: 0, value: value.to_vec(), mask: mask.to_vec() };
        let interpreter = interpreter.to_owned();
        let entry = Entry { name: name.to_owned(), recognition, interpreter, flags, enabled: true };
        entry.register_line().map(|_| entry)
    }

    /// The name of its file in binfmt_misc.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// By what it knows its programs.
    pub fn recognition(&self) -> &Recognition {
        &self.recognition
    }

    /// The program that runs its programs.
    pub fn interpreter(&self) -> &Path {
        &self.interpreter
    }

    /// Its flags.
    pub fn flags(&self) -> Flags {
        self.flags
    }

    /// True if the kernel uses it.
    pub fn enabled(&self) -> bool {
        self.enabled
    }

    /// The same entry under another name.
    pub fn renamed(&self, name: &str) -> Entry {
        Entry { name: name.to_owned(), ..self.clone() }
    }

    /// The same entry, enabled.
    pub fn as_enabled(&self) -> Entry {
        Entry { enabled: true, ..self.clone() }
    }

    /// True if a file that begins with `header` is this entry's.
    pub fn takes(&self, header: &[u8]) -> bool {
        match &self.recognition {
            Recognition::Magic { offset, value, mask } => header
                .get(*offset..)
                .and_then(|bytes| bytes.get(..value.len()))
                .is_some_and(|bytes| masked(bytes, mask).eq(masked(value, mask))),
            Recognition::Extension(_) => false,
        }
    }

    /// The line for `register`: `:NAME:M::MAGIC:MASK:INTERPRETER:FLAGS`. Bytes are `\xHH` escapes, which are the
    /// kernel's own: it undoes them after it has split the line.
    ///
    /// # Errors
    /// [`Invalid`], if there is no such line.
    pub fn register_line(&self) -> Result<Vec<u8>, Invalid> {
        let bad_name = |c: char| c == '/' || c == '\0' || c == '\n';
        if matches!(self.name.as_str(), "" | "." | ".." | "register" | "status")
            || self.name.len() > 255
            || self.name.contains(bad_name)
        {
            return Err(Invalid::Name(self.name.clone()));
        }
        let interpreter = self.interpreter.as_os_str().as_bytes();
        let shown = || self.interpreter.display().to_string();
        if !self.interpreter.is_absolute() || interpreter.iter().any(|byte| matches!(byte, b'\n' | b'\0')) {
            return Err(Invalid::Interpreter(shown()));
        }
        let used = |byte: &u8| interpreter.contains(byte) || self.name.as_bytes().contains(byte);
        let delimiter = DELIMITERS.iter().copied().find(|byte| !used(byte));
        let delimiter = delimiter.ok_or_else(|| Invalid::NoDelimiter(shown()))?;

        let (kind, offset, value, mask) = match &self.recognition {
            Recognition::Magic { offset, value, mask } => {
                let offset = if *offset == 0 { String::new() } else { offset.to_string() };
                ("M", offset, escaped(value), escaped(mask))
            }
            Recognition::Extension(extension) => ("E", String::new(), extension.clone(), String::new()),
        };
        let flags = self.flags.to_string();
        let mut line = Vec::with_capacity(512);
        for field in
            [self.name.as_bytes(), kind.as_bytes(), offset.as_bytes(), value.as_bytes(), mask.as_bytes()]
        {
            line.push(delimiter);
            line.extend_from_slice(field);
        }
        line.push(delimiter);
        line.extend_from_slice(interpreter);
        line.push(delimiter);
        line.extend_from_slice(flags.as_bytes());
        if line.len() > LONGEST_LINE { Err(Invalid::TooLong(line.len())) } else { Ok(line) }
    }

    /// Understands the text of `/proc/sys/fs/binfmt_misc/NAME` (`entry_status` in `fs/binfmt_misc.c`).
    ///
    /// # Errors
    /// [`Unreadable`], with the line that is not as the kernel writes it.
    pub fn parse(name: &str, text: &[u8]) -> Result<Entry, Unreadable> {
        let mut lines = Lines { rest: text, line: 0 };
        let enabled = match lines.next()? {
            b"enabled" => true,
            b"disabled" => false,
            other => return Err(lines.problem("expected `enabled` or `disabled`", other)),
        };
        let interpreter = lines.value(b"interpreter ")?;
        let interpreter = PathBuf::from(OsString::from_vec(interpreter.to_vec()));
        let flags = lines.text(b"flags: ")?.parse::<Flags>();
        let flags = flags.map_err(|unknown| lines.error(unknown.to_string()))?;
        let recognition = if lines.rest.starts_with(b"extension .") {
            Recognition::Extension(lines.text(b"extension .")?.to_owned())
        } else {
            let offset = lines.text(b"offset ")?.parse();
            let offset = offset.map_err(|_| lines.error("the offset is not a number".to_owned()))?;
            let value = lines.bytes(b"magic ")?;
            let mask = if lines.rest.is_empty() { vec![0xff; value.len()] } else { lines.bytes(b"mask ")? };
            if mask.len() != value.len() {
                return Err(lines.error("the mask is not as long as the magic".to_owned()));
            }
            Recognition::Magic { offset, value, mask }
        };
        Ok(Entry { name: name.to_owned(), recognition, interpreter, flags, enabled })
    }
}

fn escaped(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 4), |mut line, byte| {
        // Writing to a String cannot fail.
        let _ = write!(line, "\\x{byte:02x}");
        line
    })
}

/// The lines of the kernel's description, counted.
struct Lines<'a> {
    rest: &'a [u8],
    line: usize,
}

impl<'a> Lines<'a> {
    fn next(&mut self) -> Result<&'a [u8], Unreadable> {
        self.line += 1;
        let end = self.rest.iter().position(|byte| *byte == b'\n');
        let end = end.ok_or_else(|| self.error("the text ends too early".to_owned()))?;
        let line = &self.rest[..end];
        self.rest = &self.rest[end + 1..];
        Ok(line)
    }

    fn value(&mut self, key: &[u8]) -> Result<&'a [u8], Unreadable> {
        let line = self.next()?;
        line.strip_prefix(key).ok_or_else(|| {
            let expected = format!("expected `{}`", String::from_utf8_lossy(key).trim_end());
            self.problem(&expected, line)
        })
    }

    fn text(&mut self, key: &[u8]) -> Result<&'a str, Unreadable> {
        let value = self.value(key)?;
        std::str::from_utf8(value).map_err(|_| self.problem("expected text", value))
    }

    fn bytes(&mut self, key: &[u8]) -> Result<Vec<u8>, Unreadable> {
        let digits = self.value(key)?;
        let pairs = digits.chunks(2).map(|pair| {
            let [high, low] = pair else { return None };
            let digit = |byte: &u8| char::from(*byte).to_digit(16);
            u8::try_from(digit(high)? * 16 + digit(low)?).ok()
        });
        pairs
            .collect::<Option<Vec<u8>>>()
            .ok_or_else(|| self.problem("expected pairs of hexadecimal digits", digits))
    }

    fn problem(&self, expected: &str, found: &[u8]) -> Unreadable {
        self.error(format!("{expected}, found `{}`", String::from_utf8_lossy(found)))
    }

    fn error(&self, problem: String) -> Unreadable {
        Unreadable { line: self.line, problem }
    }
}

#[cfg(test)]
#[path = "entry_tests.rs"]
mod tests;
