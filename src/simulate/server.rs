use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use tokio::{
    net::{TcpListener, UdpSocket},
    task::JoinSet,
    time::sleep,
};

use super::{Clip, Counts, Fault, Mount, SimulateError, camera::Camera, connection, player, wire::Udp};

/// Connections beyond this are closed at once.
const MAX_CONNECTIONS: usize = 2048;

/// Simulated cameras behind one address, ready to run.
#[derive(Debug)]
pub struct Simulator {
    listener: TcpListener,
    local: SocketAddr,
    udp: Arc<Udp>,
    cameras: Arc<Cameras>,
}

/// Changes and watches the cameras of a simulator while it runs. Clones control the same ones.
#[derive(Debug, Clone)]
pub struct Control {
    cameras: Arc<Cameras>,
}

impl Simulator {
    /// Listens on `address`; port 0 takes a free one, which [`Self::local_addr`] then names.
    ///
    /// # Errors
    /// When the address is taken or not this machine's, or when two mounts share a name.
    pub async fn bind(address: SocketAddr, mounts: Vec<Mount>) -> Result<Self, SimulateError> {
        let cameras = Arc::new(Cameras::new(mounts)?);
        let cannot = |source| SimulateError::Bind { address, source };
        let listener = TcpListener::bind(address).await.map_err(cannot)?;
        let local = listener.local_addr().map_err(cannot)?;
        let udp = Arc::new(bind_udp(address.ip()).await.map_err(cannot)?);
        Ok(Self { listener, local, udp, cameras })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// The address of a camera, without credentials.
    pub fn url(&self, mount: &str) -> String {
        format!("rtsp://{}/{mount}", self.local)
    }

    /// A handle on its cameras.
    pub fn control(&self) -> Control {
        Control { cameras: self.cameras.clone() }
    }

    /// Plays and serves until `shutdown` resolves; then every connection is closed.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) {
        let mut players = JoinSet::new();
        for camera in &self.cameras.0 {
            players.spawn(player::play(camera.clone()));
        }
        let mut connections = JoinSet::new();
        tokio::pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                accepted = self.listener.accept() => match accepted {
                    Ok((_, peer)) if connections.len() >= MAX_CONNECTIONS => {
                        tracing::warn!(%peer, limit = MAX_CONNECTIONS, "too many connections; closed this one");
                    }
                    Ok((stream, _)) => {
                        connections.spawn(connection::serve(stream, self.cameras.clone(), self.udp.clone()));
                    }
                    Err(error) => {
                        // Out of file descriptors, as a rule: trying again at once would spin.
                        tracing::warn!(%error, "cannot accept a connection");
                        sleep(Duration::from_millis(100)).await;
                    }
                },
                Some(ended) = connections.join_next() => {
                    if let Err(error) = ended {
                        tracing::error!(%error, "a connection's task failed");
                    }
                }
            }
        }
        connections.shutdown().await;
        players.shutdown().await;
    }
}

impl Control {
    /// Makes a camera misbehave, or behave again.
    ///
    /// # Errors
    /// When there is no such camera.
    pub fn set_fault(&self, mount: &str, fault: Option<Fault>) -> Result<(), SimulateError> {
        self.cameras.named(mount).map(|camera| camera.set_fault(fault))
    }

    /// Gives a camera another clip, which it plays from its first unit on, in the same RTP stream.
    ///
    /// # Errors
    /// When there is no such camera.
    pub fn replace_clip(&self, mount: &str, clip: Arc<Clip>) -> Result<(), SimulateError> {
        self.cameras.named(mount).map(|camera| camera.replace_clip(clip))
    }

    /// Stops a camera's media for all its clients; RTSP is still answered.
    ///
    /// # Errors
    /// When there is no such camera.
    pub fn pause(&self, mount: &str) -> Result<(), SimulateError> {
        self.cameras.named(mount)?.paused.send_replace(true);
        Ok(())
    }

    /// Goes on where [`Self::pause`] stopped, without a jump in the timestamps.
    ///
    /// # Errors
    /// When there is no such camera.
    pub fn resume(&self, mount: &str) -> Result<(), SimulateError> {
        self.cameras.named(mount)?.paused.send_replace(false);
        Ok(())
    }

    /// All of a camera's counts at one moment; zeros if there is no such camera.
    pub fn counts(&self, mount: &str) -> Counts {
        self.cameras.named(mount).map(|camera| *camera.counts.borrow()).unwrap_or_default()
    }

    /// Open connections to a camera.
    pub fn connections(&self, mount: &str) -> usize {
        self.counts(mount).connections
    }

    /// Sessions set up on a camera.
    pub fn sessions(&self, mount: &str) -> usize {
        self.counts(mount).sessions
    }

    /// TEARDOWN requests that a camera granted.
    pub fn torn_down(&self, mount: &str) -> u64 {
        self.counts(mount).torn_down
    }

    /// Waits until a camera's counts are as wanted, and returns them. Looks at every change, never at the clock; it is
    /// the caller who sets a deadline.
    ///
    /// # Errors
    /// When there is no such camera.
    pub async fn wait_until(
        &self,
        mount: &str,
        wanted: impl FnMut(&Counts) -> bool + Send,
    ) -> Result<Counts, SimulateError> {
        let camera = self.cameras.named(mount)?;
        let mut counts = camera.counts.subscribe();
        // The sender lives as long as `self`.
        Ok(counts.wait_for(wanted).await.map(|counts| *counts).unwrap_or_default())
    }
}

/// The cameras by their paths.
#[derive(Debug)]
pub(super) struct Cameras(Vec<Arc<Camera>>);

impl Cameras {
    fn new(mounts: Vec<Mount>) -> Result<Self, SimulateError> {
        let mut cameras: Vec<Arc<Camera>> = Vec::with_capacity(mounts.len());
        for mount in mounts {
            let fits = mount.name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/_-.".contains(&byte));
            let taken = cameras.iter().any(|camera| camera.mount.name == mount.name);
            if !fits || taken || mount.name.trim_matches('/') != mount.name || mount.name.is_empty() {
                return Err(SimulateError::MountName(mount.name));
            }
            if mount.clip.units.is_empty() {
                return Err(SimulateError::Empty { clip: mount.name });
            }
            cameras.push(Arc::new(Camera::new(mount)));
        }
        Ok(Self(cameras))
    }

    fn named(&self, name: &str) -> Result<&Arc<Camera>, SimulateError> {
        let camera = self.0.iter().find(|camera| camera.mount.name == name);
        camera.ok_or_else(|| SimulateError::NoSuchMount(name.to_owned()))
    }

    /// The camera whose name is the path or the longest beginning of it.
    pub(super) fn at(&self, path: &str) -> Option<&Arc<Camera>> {
        let path = path.trim_matches('/');
        let is_at = |name: &str| path.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        self.0.iter().filter(|camera| is_at(&camera.mount.name)).max_by_key(|camera| camera.mount.name.len())
    }
}

/// Two neighbouring ports, the lower one even (RFC 3550, section 11).
async fn bind_udp(address: IpAddr) -> io::Result<Udp> {
    const ATTEMPTS: usize = 200;
    for _ in 0..ATTEMPTS {
        let rtp = UdpSocket::bind((address, 0)).await?;
        let port = rtp.local_addr()?.port();
        if port % 2 != 0 || port == u16::MAX - 1 {
            continue;
        }
        if let Ok(rtcp) = UdpSocket::bind((address, port + 1)).await {
            return Ok(Udp { rtp, rtcp, ports: (port, port + 1) });
        }
    }
    Err(io::Error::new(io::ErrorKind::AddrInUse, "no two neighbouring UDP ports are free"))
}
