//! What unit tests, integration tests and benches share. It knows nothing of the crate.

#![allow(dead_code, unused_imports)] // each of them needs a part of it

mod assets;
pub(crate) mod left_out;
mod moto;
mod patience;
mod served;

pub(crate) use assets::{asset, brightness_model, peer};
pub(crate) use left_out::left_out;
pub(crate) use moto::Moto;
pub(crate) use patience::{come, soon, until, wait_for};
pub(crate) use served::Served;
