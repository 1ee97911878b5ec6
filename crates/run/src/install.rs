//! `run --install DIR`.
