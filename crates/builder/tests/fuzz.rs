//! Every parser of what is kept on its seeds and on what grows from them, for some seconds each.

use qus_builder::fuzz::TARGETS;

fuzzing::targets! {
    TARGETS:
    builder_memo
}
