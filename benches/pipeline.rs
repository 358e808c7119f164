//! What a frame costs, step by step: `cargo bench`.

mod detect;

use criterion::{criterion_group, criterion_main};

criterion_group!(detection, detect::benches);
criterion_main!(detection);
