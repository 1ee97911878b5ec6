//! The new arguments of an exec, as bytes for a process's memory.

/// One of the new arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// This text.
    Text(Vec<u8>),
    /// The path that the process has given.
    Path,
    /// The first of the arguments that the process has given; the empty string if there is none, as the kernel has it since
    /// Linux 5.18 (dcd46d897adb).
    First,
}

/// The pointers that the process has given to its exec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Given {
    pub(crate) path: u64,
    pub(crate) arguments: Vec<u64>,
    pub(crate) environment: u64,
}

/// The bytes to write, and the places of their parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) bytes: Vec<u8>,
    /// The address of the file's path.
    pub(crate) path: u64,
    /// The address of the array of arguments.
    pub(crate) arguments: u64,
}

/// Puts the path `file` and the arguments together, to be written at `base`, a multiple of 16: `words`, and behind them the
/// arguments given, from the second on. Pointers have `pointer` bytes.
pub(crate) fn layout(words: &[Word], given: &Given, file: &[u8], pointer: usize, base: u64) -> Layout {
    let mut bytes = Vec::new();
    let mut put = |text: &[u8]| {
        let at = base + bytes.len() as u64;
        bytes.extend_from_slice(text);
        bytes.push(0);
        at
    };
    let path = put(file);
    let mut pointers: Vec<u64> = words
        .iter()
        .map(|word| match word {
            Word::Text(text) => put(text),
            Word::Path => given.path,
            Word::First => given.arguments.first().copied().unwrap_or_else(|| put(b"")),
        })
        .collect();
    pointers.extend(given.arguments.iter().skip(1));
    pointers.push(0);
    bytes.resize(bytes.len().next_multiple_of(16), 0);
    let arguments = base + bytes.len() as u64;
    for value in pointers {
        push(&mut bytes, value, pointer);
    }
    Layout { bytes, path, arguments }
}

/// Appends a number of `width` bytes in this machine's byte order.
pub(crate) fn push(bytes: &mut Vec<u8>, value: u64, width: usize) {
    let all = value.to_ne_bytes();
    let part = if cfg!(target_endian = "big") { &all[8 - width..] } else { &all[..width] };
    bytes.extend_from_slice(part);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(bytes: &[u8], width: usize) -> Vec<u64> {
        let number = |bytes: &[u8]| match width {
            4 => u32::from_ne_bytes(bytes.try_into().unwrap()).into(),
            _ => u64::from_ne_bytes(bytes.try_into().unwrap()),
        };
        bytes.chunks(width).map(number).collect()
    }

    #[test]
    fn texts_first_and_then_pointers() {
        let words = [Word::Text(b"qemu".to_vec()), Word::First, Word::Path];
        let given = Given { path: 7, arguments: vec![8, 9, 10], environment: 11 };
        for width in [4, 8] {
            let layout = layout(&words, &given, b"/q", width, 0x1000);
            assert_eq!(layout.bytes[..16], *b"/q\0qemu\0\0\0\0\0\0\0\0\0");
            assert_eq!((layout.path, layout.arguments), (0x1000, 0x1010));
            assert_eq!(numbers(&layout.bytes[16..], width), [0x1003, 8, 7, 9, 10, 0]);
        }
    }

    #[test]
    fn no_arguments_are_one_empty_one() {
        let given = Given { path: 7, arguments: Vec::new(), environment: 0 };
        let layout = layout(&[Word::First, Word::Path], &given, b"", 8, 0);
        assert_eq!(layout.bytes[..16], [0; 16]);
        assert_eq!(numbers(&layout.bytes[16..], 8), [1, 7, 0]);
    }
}
