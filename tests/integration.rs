//! Everything that is tested from outside, in one binary.

#![allow(clippy::print_stdout)] // a test says how much it has done

mod architecture;
mod command_line;
mod default_model;
mod demo;
mod detect_reference;
mod evaluating;
mod not_lost;
mod pictures;
mod real_server;
mod replaying;
mod secrets;
mod support;
mod watching;
