//! A broker that does what a test says, byte by byte.

use bytes::{Buf, BytesMut};
use rumqttc::{
    ConnAck, Connect, ConnectReturnCode, Packet, PubAck, Publish, QoS, SubAck, Subscribe, SubscribeReasonCode,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::*;

pub(super) const PATIENCE: Duration = Duration::from_secs(30);

pub(super) struct Broker(pub(super) TcpListener);

/// One connection at a scripted broker.
pub(super) struct Peer {
    pub(super) stream: TcpStream,
    pub(super) read: BytesMut,
}

impl Broker {
    pub(super) async fn bind() -> (Self, u16) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        (Self(listener), port)
    }

    /// The next connection; nothing has been said.
    pub(super) async fn accept(&self) -> Peer {
        let accepted = timeout(PATIENCE, self.0.accept()).await.expect("somebody connects");
        Peer { stream: accepted.expect("a connection").0, read: BytesMut::new() }
    }

    /// The next connection, welcomed.
    pub(super) async fn welcome(&self) -> Peer {
        let mut peer = self.accept().await;
        peer.greeting().await;
        peer.send(Packet::ConnAck(ConnAck::new(ConnectReturnCode::Success, false))).await;
        peer
    }
}

impl Peer {
    /// The next packet; none at the end of the connection.
    pub(super) async fn packet(&mut self) -> Option<Packet> {
        loop {
            match Packet::read(&mut self.read, 1 << 21) {
                Ok(packet) => return Some(packet),
                Err(rumqttc::mqttbytes::Error::InsufficientBytes(_)) => {}
                Err(error) => panic!("the sink sent nonsense: {error}"),
            }
            let read = timeout(PATIENCE, self.stream.read_buf(&mut self.read)).await.expect("something is sent");
            if !read.is_ok_and(|bytes| bytes > 0) {
                return None;
            }
        }
    }

    pub(super) async fn greeting(&mut self) -> Connect {
        match self.packet().await {
            Some(Packet::Connect(connect)) => connect,
            other => panic!("no greeting: {other:?}"),
        }
    }

    pub(super) async fn send(&mut self, packet: Packet) {
        let mut bytes = BytesMut::new();
        packet.write(&mut bytes, 1 << 21).expect("a sound packet");
        self.raw(&bytes).await;
    }

    /// Whether the sink still listens is no concern of a broker's.
    pub(super) async fn raw(&mut self, mut bytes: &[u8]) {
        while bytes.has_remaining() {
            if self.stream.write_buf(&mut bytes).await.is_err() {
                return;
            }
        }
    }

    pub(super) async fn acknowledge(&mut self, publish: &Publish) {
        self.send(Packet::PubAck(PubAck::new(publish.pkid))).await;
    }

    pub(super) async fn confirm(&mut self, subscribe: &Subscribe) {
        let granted = vec![SubscribeReasonCode::Success(QoS::AtMostOnce); subscribe.filters.len()];
        self.send(Packet::SubAck(SubAck::new(subscribe.pkid, granted))).await;
    }

    /// The next event; what is retained is acknowledged on the way.
    pub(super) async fn event(&mut self) -> Publish {
        loop {
            match self.packet().await.expect("still connected") {
                Packet::Publish(publish) if publish.retain => self.acknowledge(&publish).await,
                Packet::Publish(publish) => return publish,
                Packet::Subscribe(subscribe) => self.confirm(&subscribe).await,
                _ => {}
            }
        }
    }

    /// The next message on a topic with this end; what is retained is acknowledged on the way.
    pub(super) async fn publish_on(&mut self, end: &str) -> Publish {
        loop {
            match self.packet().await.expect("still connected") {
                Packet::Publish(publish) if publish.topic.ends_with(end) => return publish,
                Packet::Publish(publish) if publish.retain => self.acknowledge(&publish).await,
                Packet::Subscribe(subscribe) => self.confirm(&subscribe).await,
                _ => {}
            }
        }
    }

    /// The next subscription; what is retained is acknowledged on the way.
    pub(super) async fn subscription(&mut self) -> Subscribe {
        loop {
            match self.packet().await.expect("still connected") {
                Packet::Subscribe(subscribe) => return subscribe,
                Packet::Publish(publish) if publish.retain => self.acknowledge(&publish).await,
                _ => {}
            }
        }
    }

    /// The next message that is to be kept, acknowledged.
    pub(super) async fn retained(&mut self) -> Publish {
        loop {
            match self.packet().await.expect("still connected") {
                Packet::Publish(publish) if publish.retain => {
                    self.acknowledge(&publish).await;
                    return publish;
                }
                Packet::Subscribe(subscribe) => self.confirm(&subscribe).await,
                _ => {}
            }
        }
    }

    /// Waits for the end of the connection.
    pub(super) async fn until_closed(&mut self) {
        while self.packet().await.is_some() {}
    }
}
