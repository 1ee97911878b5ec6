//! Files of the user's own: docker's and podman's configuration.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use crate::limits::CONFIGURATION;

/// Reads a file up to the limit. It may be a pipe, as `<(…)` of a shell makes one.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(CONFIGURATION + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > CONFIGURATION {
        true => Err(io::Error::other(format!("more than {CONFIGURATION} bytes"))),
        false => Ok(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_ends_at_its_limit() {
        let home = tempfile::TempDir::new().unwrap();
        let path = home.path().join("config.json");
        std::fs::write(&path, vec![b' '; CONFIGURATION as usize]).unwrap();
        assert_eq!(read(&path).unwrap().len() as u64, CONFIGURATION);
        std::fs::write(&path, vec![b' '; CONFIGURATION as usize + 1]).unwrap();
        assert_eq!(read(&path).unwrap_err().to_string(), "more than 4194304 bytes");
        assert_eq!(read(Path::new("/dev/zero")).unwrap_err().to_string(), "more than 4194304 bytes");
    }
}
