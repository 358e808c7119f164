use std::{net::SocketAddr, sync::Arc, thread::JoinHandle};

use lookout::simulate::{Clip, Control, Counts, Mount, Simulator};
use openh264::{
    OpenH264API,
    encoder::{Encoder, EncoderConfig, FrameRate, IntraFramePeriod, RateControlMode},
    formats::YUVBuffer,
};
use tokio::sync::oneshot;

/// Simulated cameras on a thread of their own; they end when this is dropped.
pub struct Cameras {
    address: SocketAddr,
    pub control: Control,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Cameras {
    pub fn start(mounts: Vec<Mount>) -> Self {
        Self::start_on(([127, 0, 0, 1], 0).into(), mounts)
    }

    /// On a certain address: a camera that comes back where it was.
    pub fn start_on(address: SocketAddr, mounts: Vec<Mount>) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let simulator = runtime.block_on(Simulator::bind(address, mounts)).expect("the simulator binds");
        let (address, control) = (simulator.local_addr(), simulator.control());
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            runtime.block_on(simulator.run(async {
                let _ = stopped.await;
            }));
        });
        Self { address, control, stop: Some(stop), thread: Some(thread) }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn url(&self, mount: &str) -> String {
        format!("rtsp://{}/{mount}", self.address)
    }

    pub fn counts(&self, mount: &str) -> Counts {
        self.control.counts(mount)
    }

    pub fn stop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the simulator ends well");
        }
    }
}

impl Drop for Cameras {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A clip of 64x48 pixels at 10 frames per second: for each pair that many seconds bright (somebody is there, to the
/// brightness model) or dark. A key frame every `gop` frames.
pub fn blinking(phases: &[(u32, bool)], gop: u32) -> Arc<Clip> {
    let config = EncoderConfig::new()
        .max_frame_rate(FrameRate::from_hz(10.0))
        .rate_control_mode(RateControlMode::Off)
        .intra_frame_period(IntraFramePeriod::from_num_frames(gop))
        .skip_frames(false)
        .scene_change_detect(false)
        .num_threads(1);
    let mut encoder = Encoder::with_api_config(OpenH264API::from_source(), config).expect("an encoder");
    let frames = phases.iter().flat_map(|(seconds, bright)| (0..seconds * 10).map(|_| *bright));
    let units: Vec<Vec<u8>> = frames
        .enumerate()
        .map(|(i, bright)| {
            let mut planes = vec![if bright { 230 } else { 20 }; 64 * 48 * 3 / 2];
            planes[64 * 48..].fill(128);
            planes[i % 64] = 128; // something moves
            encoder.encode(&YUVBuffer::from_vec(planes, 64, 48)).expect("it encodes").to_vec()
        })
        .collect();
    Arc::new(Clip::from_access_units("blinking", 10.0, units).expect("a clip"))
}

/// A clip in which nobody ever comes.
pub fn dark() -> Arc<Clip> {
    blinking(&[(2, false)], 10)
}
