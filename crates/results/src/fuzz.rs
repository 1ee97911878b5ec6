//! The parser of results, as a function that any bytes may be given to, with inputs to begin from.
//!
//! `fuzz/` runs it under libFuzzer, and this crate's test `fuzz` on mutations of the seeds.

use fuzzing::Target;

use crate::system::Results;

/// All of them.
pub const TARGETS: [Target; 1] = [Target { name: "results", run: results, seeds }];

/// Results: what is understood has one form, which is understood alike, and adds nothing to itself.
pub fn results(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(results) = Results::parse(text) {
        assert_eq!(Results::parse(&results.to_string()), Ok(results.clone()));
        let mut merged = results.clone();
        merged.merge(&results);
        assert_eq!(merged, results);
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let system = |host: &str| {
        format!(
            "[[system]]\nhost = \"{host}\"\ntarget = \"arm\"\narchitecture = \"armhf\"\nsuite = \"sid\"\n\
             [system.qemu]\nnewest = {{ version = \"11.1.3\", package = \"1:11.1.3+ds-1\" }}\n\
             sid = {{ version = \"11.1.3\", package = \"1:11.1.3+ds-1\" }}\n\
             [system.workload]\nbash = {{ newest = \"pass 1.25\", sid = \"crash\" }}\n\"a b\" = {{ sid = \"absent\" }}\n"
        )
    };
    let [one, two] = ["amd64", "s390x"].map(system);
    ["version = 1\n".to_owned(), format!("version = 1\n{one}{two}")].map(String::into_bytes).into()
}
