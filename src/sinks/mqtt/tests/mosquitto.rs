//! A real broker in a process of its own, somebody who listens there, and a gate on the way to it.

use std::{
    net::{IpAddr, Ipv4Addr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use rumqttc::{AsyncClient, Event, MqttOptions, Packet, Publish, QoS};
use tokio::net;

use super::*;
use crate::{left_out::left_out, sinks::tests::until};

const PROGRAM: &str = "/usr/sbin/mosquitto";

/// mosquitto on a port of this machine, without persistence: what it retained is forgotten when it stops.
pub(super) struct Broker {
    pub(super) port: u16,
    child: Option<Child>,
    folder: tempfile::TempDir,
}

impl Broker {
    /// A broker that lets everybody in; `None`, and said, where mosquitto is not installed.
    pub(super) fn start() -> Option<Self> {
        Self::with(|_| "allow_anonymous true\n".into())
    }

    /// A broker with more settings, which may name files in the folder that they are given.
    pub(super) fn with(settings: impl Fn(&Path) -> String) -> Option<Self> {
        if !Path::new(PROGRAM).exists() {
            left_out("mosquitto is not installed");
            return None;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let more = settings(folder.path());
        for _ in 0..10 {
            // Somebody may take the port before mosquitto does: then another one.
            let port = free_port();
            let settings = format!("listener {port} 127.0.0.1\npersistence false\nuser root\nlog_type none\n{more}");
            std::fs::write(folder.path().join("mosquitto.conf"), settings).expect("a file");
            if let Some(child) = spawn(&folder.path().join("mosquitto.conf"), port) {
                return Some(Self { port, child: Some(child), folder });
            }
        }
        panic!("mosquitto does not start");
    }

    /// Ends it like a power cut.
    pub(super) fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("it runs");
            child.wait().expect("it ended");
        }
    }

    /// Starts it again on its port.
    pub(super) fn start_again(&mut self) {
        self.child = spawn(&self.folder.path().join("mosquitto.conf"), self.port);
        assert!(self.child.is_some(), "mosquitto does not start again");
    }

    pub(super) fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.stop();
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    listener.local_addr().expect("bound").port()
}

/// Starts mosquitto and waits until it listens.
fn spawn(config: &Path, port: u16) -> Option<Child> {
    let mut command = Command::new(PROGRAM);
    command.arg("-c").arg(config).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().expect("mosquitto is there");
    for _ in 0..3000 {
        if child.try_wait().expect("a child").is_some() {
            return None;
        }
        if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Some(child);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().expect("it runs");
    None
}

/// Somebody who listens at the broker.
pub(super) struct Observer {
    pub(super) client: AsyncClient,
    heard: Arc<Mutex<Vec<Publish>>>,
    task: JoinHandle<()>,
}

impl Observer {
    /// Listens to `filter`; from now on nothing is missed.
    pub(super) async fn listen(port: u16, filter: &str) -> Self {
        let id = format!("observer-{}", fastrand::u64(..));
        let mut options = MqttOptions::new(id, "127.0.0.1", port);
        options.set_max_packet_size(1 << 22, 1 << 22);
        let (client, mut event_loop) = AsyncClient::new(options, 64);
        client.subscribe(filter, QoS::AtLeastOnce).await.expect("queued");
        let heard: Arc<Mutex<Vec<Publish>>> = Arc::default();
        let (listens, mut listening) = watch::channel(false);
        let task = tokio::spawn({
            let heard = Arc::clone(&heard);
            async move {
                while let Ok(event) = event_loop.poll().await {
                    match event {
                        Event::Incoming(Packet::SubAck(_)) => _ = listens.send_replace(true),
                        Event::Incoming(Packet::Publish(message)) => heard.lock().push(message),
                        _ => {}
                    }
                }
            }
        });
        timeout(Duration::from_secs(30), listening.wait_for(|listens| *listens))
            .await
            .expect("in time")
            .expect("heard");
        Self { client, heard, task }
    }

    /// Everything that was heard on `topic`.
    pub(super) fn on(&self, topic: &str) -> Vec<Publish> {
        self.heard.lock().iter().filter(|message| message.topic == topic).cloned().collect()
    }

    /// Everything that was heard.
    pub(super) fn all(&self) -> Vec<Publish> {
        self.heard.lock().clone()
    }

    /// The newest text on `topic`.
    pub(super) fn newest(&self, topic: &str) -> Option<String> {
        let newest = self.on(topic).pop()?;
        Some(String::from_utf8_lossy(&newest.payload).into_owned())
    }

    /// Waits until the newest text on `topic` is `text`.
    pub(super) async fn hears(&self, topic: &str, text: &str) {
        until(&format!("{topic} = {text}"), || self.newest(topic).as_deref() == Some(text)).await;
    }

    pub(super) async fn say(&self, topic: &str, text: &str) {
        self.client.publish(topic, QoS::AtLeastOnce, false, text).await.expect("queued");
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A way to the broker that can be cut, and stays cut until it is opened.
pub(super) struct Gate {
    pub(super) port: u16,
    open: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Gate {
    pub(super) async fn before(broker: u16) -> Self {
        Self::at(Ipv4Addr::LOCALHOST.into(), broker).await.expect("a port")
    }

    /// At another address of this machine, if it has that.
    pub(super) async fn at(address: IpAddr, broker: u16) -> Option<Self> {
        let listener = net::TcpListener::bind((address, 0)).await.ok()?;
        let port = listener.local_addr().expect("bound").port();
        let open = watch::Sender::new(true);
        let task = tokio::spawn({
            let open = open.clone();
            async move {
                while let Ok((mut near, _)) = listener.accept().await {
                    let mut open = open.subscribe();
                    if !*open.borrow_and_update() {
                        continue;
                    }
                    tokio::spawn(async move {
                        if let Ok(mut far) = net::TcpStream::connect((Ipv4Addr::LOCALHOST, broker)).await {
                            tokio::select! {
                                _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                                _ = open.wait_for(|open| !*open) => {}
                            }
                        }
                    });
                }
            }
        });
        Some(Self { port, open, task })
    }

    pub(super) fn cut(&self) {
        self.open.send_replace(false);
    }

    pub(super) fn open(&self) {
        self.open.send_replace(true);
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.task.abort();
    }
}
