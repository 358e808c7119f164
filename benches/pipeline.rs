//! What a frame costs, step by step: `cargo bench`.

mod decode;
mod detect;

use criterion::{criterion_group, criterion_main};

criterion_group!(decoding, decode::benches);
criterion_group!(detection, detect::benches);
criterion_main!(decoding, detection);
