//! Every parser of foreign bytes on its seeds and on what grows from them, for some seconds each.

use qus_http::fuzz::TARGETS;

fuzzing::targets! {
    TARGETS:
    http_address
    http_redirect
    http_retry_after
}
