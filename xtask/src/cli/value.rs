//! The values of options.

use std::error::Error;
use std::ffi::OsStr;
use std::marker::PhantomData;
use std::num::NonZero;
use std::str::FromStr;

use clap::builder::{PossibleValue, TypedValueParser};
use clap::{Arg, Command};

/// Reads a number of things to do at the same time.
pub(super) fn at_least_one(text: &str) -> Result<NonZero<usize>, &'static str> {
    text.parse().map_err(|_| "it takes a whole number, 1 or more")
}

/// Reads a `T`, whose usual names are `names`: for help and completions. More may be accepted, and an error suggests one.
pub(super) fn named<T>(names: impl Iterator<Item = &'static str>) -> Named<T> {
    Named { names: names.collect(), value: PhantomData }
}

/// The result of [`named`].
#[derive(Clone)]
pub(super) struct Named<T> {
    names: Vec<&'static str>,
    value: PhantomData<fn() -> T>,
}

impl<T> TypedValueParser for Named<T>
where
    T: FromStr<Err: Error + Send + Sync + 'static> + Clone + Send + Sync + 'static,
{
    type Value = T;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<T, clap::Error> {
        (|text: &str| text.parse::<T>()).parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.names.iter().map(PossibleValue::new)))
    }
}
