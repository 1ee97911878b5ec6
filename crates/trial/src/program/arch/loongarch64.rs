//! loongarch64: LoongArch Procedure Call Standard. System calls change the temporary registers.

pub use super::newest::*;
pub use super::usual::*;
use crate::language::{global_asm, include_str};

global_asm! { include_str!("loongarch64.s"), options(raw) }
