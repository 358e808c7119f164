//! What becomes of a camera's stream between its socket and its access units.

use std::{future::poll_fn, net::Ipv4Addr};

use bytes::Bytes;
use retina::codec::{h26x::Framing, h264::parameters_from_sps_and_pps};
use tokio::task::JoinHandle;

use super::*;
use crate::{
    camera::parameters::tests::{COLOUR_422, bytes},
    media::sample::{PPS, SPS},
    simulate::{Clip, Mount, Simulator},
    testing::asset,
};

/// A simulated camera and a connection to it; both end with this.
struct Stage {
    source: Box<dyn Source>,
    camera: JoinHandle<()>,
}

impl Stage {
    async fn watch(mount: Mount) -> Self {
        let simulator = Simulator::bind((Ipv4Addr::LOCALHOST, 0).into(), vec![mount.clone()]).await;
        let simulator = simulator.expect("a free port");
        let url = simulator.url(&mount.name);
        let camera = tokio::spawn(simulator.run(std::future::pending()));
        let settings = settings::camera_at(&url, None, None, settings::Transport::Tcp).expect("a URL");
        let settings = settings::Camera { sound: true, ..settings };
        let source = within(connect_rtsp(Arc::new(settings))).await.expect("it streams");
        Self { source, camera }
    }

    /// The next units, and the sound that came with them.
    async fn units(&mut self, count: usize) -> (Vec<AccessUnit>, Vec<Sound>) {
        let (mut units, mut sound) = (Vec::with_capacity(count), Vec::new());
        while units.len() < count {
            let next = poll_fn(|context| self.source.poll_unit(context));
            units.push(within(next).await.expect("it goes on"));
            sound.extend(self.source.take_sound());
        }
        (units, sound)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.camera.abort();
    }
}

/// Nothing here may hang; how long it takes is not the question.
async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(30), future).await.expect("no answer for 30 s")
}

/// Two seconds of 50 small pictures each, a key frame every ten.
fn blocks() -> Clip {
    Clip::synthetic(160, 128, 50, 2, 10).expect("it can be encoded")
}

fn faulty(fault: crate::simulate::Fault) -> Mount {
    Mount { fault: Some(fault), start_at_key_frame: true, ..Mount::new("cam", blocks().into()) }
}

#[test]
fn parameters_are_judged_as_the_library_gives_them() {
    // As a camera that is set up with start codes has them, and as one before it is.
    for framing in [Framing::AnnexB, Framing::FourByteLength] {
        let read = |sps: &[u8]| video(&parameters_from_sps_and_pps(sps, &PPS, framing).expect("parameters"));
        let right = Video { codec: "avc1.64000A".into(), width: 128, height: 96, reorder: Some(2) };
        assert_eq!(read(&SPS), Ok(right.clone()), "{framing:?}");
        assert_eq!(read(&[&SPS[..], &[0x80]].concat()), Ok(right), "{framing:?}: with a stray byte");
        let Err(Fault::Unsupported(what)) = read(&bytes(COLOUR_422)) else { panic!("{framing:?}: it is accepted") };
        assert!(what.contains("4:2:2"), "{what}");
    }
}

#[tokio::test]
async fn a_camera_with_more_colour_than_can_be_decoded_is_named_before_its_first_picture() {
    let clip = Clip { sps: Bytes::from(bytes(COLOUR_422)), ..blocks() };
    let stage = Stage::watch(Mount::new("cam", clip.into())).await;
    let Err(Fault::Unsupported(what)) = stage.source.video() else { panic!("it is accepted") };
    assert!(what.contains("4:2:2"), "{what}");
}

#[tokio::test]
async fn a_stream_with_b_frames_says_by_how_many_pictures_it_is_reordered() {
    let Some(path) = asset("clips/street_720p25_high_b3_g50.mp4") else { return };
    let stage = Stage::watch(Mount::new("cam", Clip::read(&path).expect("a clip").into())).await;
    let video = stage.source.video().expect("it can be decoded").expect("it is described");
    assert_eq!((video.width, video.height, video.reorder), (1280, 720, Some(2)));
}

#[tokio::test]
async fn a_delimiter_that_is_marked_as_a_picture_is_none() {
    let mut stage = Stage::watch(faulty(crate::simulate::Fault::MarkedDelimiters)).await;
    let (units, _) = stage.units(35).await;
    let has_slice = |unit: &AccessUnit| nal_units(&unit.data).any(|nal| matches!(nal[0] & 0x1f, 1 | 5));
    assert!(units.iter().all(|unit| has_slice(unit) && unit.lost_packets == 0), "{units:?}");
    let keys: Vec<usize> = (0..35).filter(|i| units[*i].key).collect();
    assert_eq!(keys, [0, 10, 20, 30]);
}

#[tokio::test]
async fn damaged_packets_of_sound_cost_no_picture() {
    let mut stage = Stage::watch(faulty(crate::simulate::Fault::DamagedSound(5))).await;
    // At fifty a second, with a packet of sound every 128 ms.
    let (units, sound) = stage.units(150).await;
    assert_eq!(units.iter().map(|unit| unit.lost_packets).collect::<Vec<_>>(), [0; 150]);
    // In frames' lengths, whose fractions of a tick are cut off.
    let steps: Vec<i64> = sound.windows(2).map(|pair| (pair[1].timestamp - pair[0].timestamp + 1) / 11_520).collect();
    let lost = steps.iter().filter(|step| **step == 2).count();
    assert!(lost >= 3 && steps.iter().all(|step| (1..=2).contains(step)), "every fifth is damaged: {steps:?}");
}
