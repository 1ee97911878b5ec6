//! `run --check`: the modes that can be had, and the targets.
