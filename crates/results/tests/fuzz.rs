//! The parser of results on its seeds and on what grows from them, for some seconds.

use qus_results::fuzz::TARGETS;

fuzzing::targets! {
    TARGETS:
    results
}
