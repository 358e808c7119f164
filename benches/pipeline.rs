//! What a frame costs, and what a report costs, step by step: `cargo bench`.

mod decode;
mod delivery;
mod detect;
#[path = "../tests/testing/mod.rs"]
mod testing;

use criterion::{criterion_group, criterion_main};

criterion_group!(decoding, decode::benches);
criterion_group!(delivering, delivery::benches);
criterion_group!(detection, detect::benches);
criterion_main!(decoding, delivering, detection);
