//! Names in a tar that do not fit into an entry's header: an entry before it has them.

use std::io::{self, Read};

use tar::EntryType;

use crate::limits;

/// True if an entry says something about the next one, or about all that follow.
pub(super) fn is_extension(kind: EntryType) -> bool {
    kind.is_gnu_longname()
        || kind.is_gnu_longlink()
        || kind.is_pax_local_extensions()
        || kind.is_pax_global_extensions()
}

/// Reads such an entry. Returns the name, if it says the next entry's.
pub(super) fn extended(kind: EntryType, content: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    content.take(limits::HEADER + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limits::HEADER {
        let reason = format!("it has a name or header of more than {} bytes", limits::HEADER);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, reason));
    }
    if kind.is_gnu_longname() {
        bytes.truncate(bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len()));
        return Ok(Some(bytes));
    }
    if !kind.is_pax_local_extensions() {
        return Ok(None);
    }
    let mut path = None;
    for record in tar::PaxExtensions::new(&bytes) {
        let record = record?;
        match record.key_bytes() {
            b"path" => path = Some(record.value_bytes().to_vec()),
            // A reader that obeys it finds other entries than one that does not.
            b"size" => return Err(io::Error::other("an extended header with a size")),
            _ => {}
        }
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: EntryType, content: &[u8], expected: Result<Option<&[u8]>, &str>) {
        let found = extended(kind, &mut &*content).map_err(|error| error.to_string());
        assert_eq!(found, expected.map(|name| name.map(<[u8]>::to_vec)).map_err(str::to_owned));
    }

    #[test]
    fn names_of_both_kinds_are_read() {
        check(EntryType::GNULongName, b"a/long/name\0", Ok(Some(b"a/long/name")));
        check(EntryType::XHeader, b"13 path=a/b/c\n12 mtime=1.5\n", Err("malformed pax extension"));
        check(EntryType::XHeader, b"14 path=a/b/c\n13 mtime=1.5\n", Ok(Some(b"a/b/c")));
        check(EntryType::XHeader, b"13 mtime=1.5\n", Ok(None));
        check(EntryType::XHeader, b"8 size=7\n", Err("malformed pax extension"));
        check(EntryType::XHeader, b"9 size=7\n", Err("an extended header with a size"));
        check(EntryType::GNULongLink, b"elsewhere\0", Ok(None));
    }

    #[test]
    fn names_end_at_their_limit() {
        let long = vec![b'a'; limits::HEADER as usize + 1];
        check(EntryType::GNULongName, &long[1..], Ok(Some(&long[1..])));
        for kind in
            [EntryType::GNULongName, EntryType::GNULongLink, EntryType::XHeader, EntryType::XGlobalHeader]
        {
            check(kind, &long, Err("it has a name or header of more than 65536 bytes"));
        }
    }
}
