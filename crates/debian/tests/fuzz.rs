//! Every parser of foreign bytes on its seeds and on what grows from them, for some seconds each.

use qus_debian::testing::fuzz::TARGETS;

fuzzing::targets! {
    TARGETS:
    debian_apt_sources
    debian_deb
    debian_elf
    debian_inrelease
    debian_keyring
    debian_lock
    debian_packages
    debian_sources
    debian_tar
}
