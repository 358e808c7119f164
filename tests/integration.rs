//! Everything that is tested from outside, in one binary.

mod architecture;
mod not_lost;
mod secrets;
mod support;
mod watching;
