//! Decoding: a key frame by itself, and a whole clip through one decoder.

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use lookout::{
    camera::{Decoder, decode_alone},
    simulate::Clip,
    words::Moment,
};

use crate::testing::asset;

/// A real clip where footage lies beside the project, otherwise moving blocks of the same size.
fn clip() -> Clip {
    let footage = asset("clips/onebyone_720p15_main_nob_g15.mp4");
    footage.map_or_else(|| Clip::synthetic(1280, 720, 15, 4, 15), |file| Clip::read(&file)).expect("a clip")
}

/// The benches of this file.
pub(crate) fn benches(c: &mut Criterion) {
    let units: Vec<_> = clip().access_units(Moment::now()).take(60).collect();
    let key = units.iter().find(|u| u.key).expect("a clip begins with a key frame");
    let mut group = c.benchmark_group("decode 720p");
    group.throughput(Throughput::Elements(1));
    group.bench_function("key frame alone, decoder made and dropped", |b| {
        b.iter(|| decode_alone(black_box(&key.data)).expect("it decodes"));
    });
    group.throughput(Throughput::Elements(units.len() as u64));
    group.sample_size(10);
    group.bench_function("60 frames in a row", |b| {
        b.iter(|| {
            let mut decoder = Decoder::new().expect("a decoder");
            for unit in &units {
                black_box(decoder.decode(unit).expect("it decodes"));
            }
        });
    });
    group.finish();
}
