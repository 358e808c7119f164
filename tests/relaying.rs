//! Cameras passed on to a real RTMP server (nginx with its RTMP module), and read back from there.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use lookout::simulate::{Clip, Mount};
use tempfile::TempDir;

use crate::{
    support::{Cameras, Config, Lookout, ffprobe::ffprobe, program::Other},
    testing::{asset, left_out},
};

const MODULE: &str = "/usr/lib/nginx/modules/ngx_rtmp_module.so";

struct RtmpServer {
    program: Other,
    port: u16,
    _folder: TempDir,
}

impl RtmpServer {
    /// `None`, said aloud, where it is not installed.
    fn start() -> Option<Self> {
        let has_ffprobe = Command::new("ffprobe").arg("-version").stdout(Stdio::null()).status().is_ok();
        if !Path::new(MODULE).exists() || !has_ffprobe {
            left_out("nginx with its RTMP module (libnginx-mod-rtmp), or ffprobe, is not installed");
            return None;
        }
        // It takes no listener of ours, so its port may be taken in between: then another.
        let started = (0..5).find_map(|_| Self::try_start(Self::free_port()));
        Some(started.expect("nginx with its RTMP module starts on one of five ports"))
    }

    fn free_port() -> u16 {
        TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port()
    }

    fn try_start(port: u16) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, config) = (folder.path().display(), folder.path().join("nginx.conf"));
        let text = format!(
            "load_module {MODULE};\ndaemon off;\nmaster_process off;\npid {path}/pid;\nerror_log {path}/log info;\n\
             events {{}}\nrtmp {{ server {{ listen 127.0.0.1:{port}; application live {{ live on; }} }} }}\n"
        );
        fs::write(&config, text).expect("written");
        let mut command = Command::new("/usr/sbin/nginx");
        command.args(["-e", "/dev/null", "-p"]).arg(folder.path()).arg("-c").arg(&config);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
        let mut it = Self { program: Other(child), port, _folder: folder };
        let deadline = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if it.program.0.try_wait().expect("it is ours").is_some() {
                return None;
            }
            assert!(Instant::now() < deadline, "nginx does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(it)
    }
}

#[test]
fn a_camera_is_published_and_can_be_read_back_and_comes_back_with_its_server() {
    let Some(file) = asset("clips/street_720p25_high_b3_g50.mp4") else { return };
    let Some(server) = RtmpServer::start() else { return };
    let cameras = Cameras::start(vec![Mount::new("street", Clip::read(&file).expect("a clip").into())]);
    let port = server.port;
    let relay = format!("every = \"4s\"\nrelay = \"rtmp://127.0.0.1:{port}/live/{{id}}\"");
    let lookout = Lookout::start(Config::new().camera_with("street", &cameras.url("street"), &relay).text());
    let state = |it: &Lookout| it.camera("street")["relay"]["state"].as_str().unwrap_or_default().to_owned();
    lookout.wait("publishing", |it| state(it) == "publishing");

    let url = format!("rtmp://127.0.0.1:{port}/live/street");
    let entries = "stream=codec_name,width,height:packet=pts_time,dts_time";
    let seen = ffprobe(&url, 3, entries, &["-select_streams", "v", "-of", "json"]);
    let seen: serde_json::Value = serde_json::from_str(&seen).expect("JSON");
    let stream = &seen["streams"][0];
    assert_eq!(
        (&stream["codec_name"], &stream["width"], &stream["height"]),
        (&"h264".into(), &1280.into(), &720.into())
    );
    let times = |key: &str| -> Vec<f64> {
        let packets = seen["packets"].as_array().expect("packets");
        packets.iter().filter_map(|p| p[key].as_str()?.parse().ok()).collect()
    };
    let (shown, decoded) = (times("pts_time"), times("dts_time"));
    assert!(decoded.len() > 50 && decoded.windows(2).all(|pair| pair[0] < pair[1]), "{decoded:?}");
    assert!(shown.iter().zip(&decoded).all(|(shown, decoded)| shown >= decoded), "{shown:?} {decoded:?}");

    drop(server);
    lookout.wait("a pause", |it| state(it) == "paused");
    let relay = lookout.camera("street")["relay"].clone();
    assert!(relay["fault"].is_string() && relay["next_attempt_at"].is_string(), "{relay}");
    assert_eq!(lookout.camera("street")["lives"], 1, "the camera does not notice");
    let _server = RtmpServer::try_start(port).expect("its port is free again");
    lookout.wait("publishing again", |it| state(it) == "publishing");
    assert_eq!(lookout.post("/api/v1/cameras/street/relay/stop").status, 200);
    lookout.wait("the end of it", |it| it.camera("street")["relay"].is_null());
    // It stays so, whatever becomes of the camera.
    for order in ["stop", "start"] {
        assert_eq!(lookout.post(&format!("/api/v1/cameras/street/{order}")).status, 200);
    }
    lookout.wait_for_state("street", "streaming");
    assert!(lookout.camera("street")["relay"].is_null());
    assert_eq!(lookout.post("/api/v1/cameras/street/relay/start").status, 200);
    lookout.wait("publishing once more", |it| state(it) == "publishing");
}
