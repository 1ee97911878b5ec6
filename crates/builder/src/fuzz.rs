//! The parsers of what is kept from run to run, each as a function that any bytes may be given to, with inputs to begin from.
//!
//! `fuzz/` runs them under libFuzzer, and this crate's test `fuzz` on mutations of the seeds.

use fuzzing::Target;
use sha256::Digest;

use crate::build::memo;

/// All of them.
pub const TARGETS: [Target; 1] = [Target { name: "builder_memo", run: memo, seeds: memo_seeds }];

/// A memo of a layer.
pub fn memo(bytes: &[u8]) {
    let _ = memo::fuzz(bytes);
}

fn memo_seeds() -> Vec<Vec<u8>> {
    let digest = Digest::of(b"layer");
    let sha1 = "5".repeat(40);
    let text = format!(
        r#"{{"inputs":"layer 6\nbusybox","descriptor":{{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"{digest}","size":5}},"diff_id":"{digest}","unpacked_size":1024,"files":[{{"path":"bin/busybox","sha1":"{sha1}","sha256":"{digest}"}}],"written":[[1700000000,1],[1700000001,0]]}}"#
    );
    let memo = format!("{}\n{text}\n", Digest::of(text.as_bytes()).hex());
    vec![memo.into_bytes(), text.into_bytes()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_reach_a_memo() {
        assert!(memo::fuzz(&memo_seeds()[0]));
    }
}
