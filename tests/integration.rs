//! Everything that is tested from outside, in one binary.

mod architecture;
mod command_line;
mod detect_reference;
mod not_lost;
mod real_server;
mod secrets;
mod support;
mod watching;
