//! aarch64 in both byte orders: Procedure Call Standard for the Arm 64-bit Architecture.

pub use super::newest::*;
pub use super::usual::*;
use crate::language::{global_asm, include_str};

global_asm! { include_str!("aarch64.s"), options(raw) }
