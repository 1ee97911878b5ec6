//! Every parser of foreign bytes on its seeds and on what grows from them, for some seconds each.

use qus_publish::fuzz::TARGETS;

fuzzing::targets! {
    TARGETS:
    publish_challenge
    publish_context
    publish_credentials
    publish_documents
    publish_helper
    publish_layer
    publish_location
    publish_reference
    publish_token
}
