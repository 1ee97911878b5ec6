//! Small texts that are kept under their digest: one that was damaged is none.

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha256::Digest;

/// The digest of a value's text, and the text.
pub(crate) fn write<T: Serialize>(value: &T) -> serde_json::Result<Vec<u8>> {
    let text = serde_json::to_string(value)?;
    Ok(format!("{}\n{text}\n", Digest::of(text.as_bytes()).hex()).into_bytes())
}

/// The value, if the text is as it was written.
pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let (digest, text) = std::str::from_utf8(bytes).ok()?.strip_suffix('\n')?.split_once('\n')?;
    (Digest::of(text.as_bytes()).hex() == digest).then(|| serde_json::from_str(text).ok()).flatten()
}
