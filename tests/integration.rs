//! Everything that is tested from outside, in one binary.

#![allow(clippy::print_stdout)] // a test says how much it has done

mod architecture;
mod command_line;
mod control;
mod dashboard;
mod default_model;
mod demo;
mod detect_reference;
mod evaluating;
mod fuzzing;
mod left_out;
mod live_view;
mod logins;
mod not_lost;
mod pictures;
mod players;
mod real_server;
mod relaying;
mod replaying;
mod secrets;
mod support;
mod testing;
mod watching;
