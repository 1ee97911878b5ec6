//! The part of Rust's own library that this program uses: operators of numbers.
//!
//! The program is compiled without `core`. That would have to be compiled for each of the targets, which takes eighty times as
//! long as the program itself, and nothing of it would be used but these. The traits are named by the compiler alone, which
//! has instructions for all of them.

#[lang = "pointee_sized"]
pub trait PointeeSized {}

#[lang = "meta_sized"]
pub trait MetaSized: PointeeSized {}

#[lang = "sized"]
pub trait Sized: MetaSized {}

#[lang = "copy"]
pub trait Copy {}

/// The types of `self`.
#[lang = "legacy_receiver"]
pub trait Receiver {}

impl<T: PointeeSized> Receiver for &T {}

/// Types without cells.
#[lang = "freeze"]
pub unsafe auto trait Freeze {}

impl<T: PointeeSized> Copy for *const T {}
impl<T: PointeeSized> Copy for *mut T {}
impl<T: PointeeSized> Copy for &T {}

#[lang = "not"]
pub trait Not {
    type Output;
    fn not(self) -> Self::Output;
}

impl Not for bool {
    type Output = bool;
    fn not(self) -> bool {
        !self
    }
}

#[lang = "neg"]
pub trait Neg {
    type Output;
    fn neg(self) -> Self::Output;
}

impl Neg for isize {
    type Output = isize;
    fn neg(self) -> isize {
        -self
    }
}

#[lang = "eq"]
pub trait PartialEq<Other: PointeeSized = Self>: PointeeSized {
    fn eq(&self, other: &Other) -> bool;
    fn ne(&self, other: &Other) -> bool;
}

#[lang = "partial_ord"]
pub trait PartialOrd<Other: PointeeSized = Self>: PartialEq<Other> {
    fn lt(&self, other: &Other) -> bool;
    fn le(&self, other: &Other) -> bool;
    fn gt(&self, other: &Other) -> bool;
    fn ge(&self, other: &Other) -> bool;
}

macro_rules! operator {
    ($item:literal $name:ident $function:ident $operator:tt) => {
        #[lang = $item]
        pub trait $name<Other = Self> {
            type Output;
            fn $function(self, other: Other) -> Self::Output;
        }

        operator! { $name $function $operator isize usize i32 u32 u8 }
    };
    ($name:ident $function:ident $operator:tt $($number:ident)*) => {
        $(impl $name for $number {
            type Output = $number;
            fn $function(self, other: $number) -> $number {
                self $operator other
            }
        })*
    };
}

operator! { "add" Add add + }
operator! { "sub" Sub sub - }
operator! { "mul" Mul mul * }
operator! { "div" Div div / }
operator! { "rem" Rem rem % }
operator! { "bitand" BitAnd bitand & }
operator! { "bitor" BitOr bitor | }
operator! { "shl" Shl shl << }
operator! { "shr" Shr shr >> }

macro_rules! compared {
    ($($number:ident)*) => {
        $(impl Copy for $number {}

        impl PartialEq for $number {
            fn eq(&self, other: &$number) -> bool {
                *self == *other
            }
            fn ne(&self, other: &$number) -> bool {
                *self != *other
            }
        }

        impl PartialOrd for $number {
            fn lt(&self, other: &$number) -> bool {
                *self < *other
            }
            fn le(&self, other: &$number) -> bool {
                *self <= *other
            }
            fn gt(&self, other: &$number) -> bool {
                *self > *other
            }
            fn ge(&self, other: &$number) -> bool {
                *self >= *other
            }
        })*
    };
}

impl<T: Copy, const N: usize> Copy for [T; N] {}

compared! { isize usize i32 u32 u8 i64 u64 bool }

/// Ends a value's life.
#[lang = "drop_in_place"]
#[allow(unconditional_recursion)]
unsafe fn drop_in_place<T: PointeeSized>(value: *mut T) {
    unsafe { drop_in_place(value) }
}

/// Instructions beside the functions.
#[rustc_builtin_macro]
pub macro global_asm() {}

/// The text of a file.
#[rustc_builtin_macro]
pub macro include_str() {}
