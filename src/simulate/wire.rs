//! What goes out to one client: answers, media, and what a faulty camera says in their place.

use std::{io, sync::Arc, time::Duration};

use bytes::Bytes;
use rtsp_types::Response;
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpStream, UdpSocket},
    time::{sleep, timeout},
};

use super::{Fault, conversation::Delivery, packetize::Packets};

/// How long a client may leave what it is sent unread before it is dropped.
const WRITE_DEADLINE: Duration = Duration::from_secs(5);

/// Datagrams sent back to back; a key frame sent all at once overflows a receiver's usual buffer of 208 KiB.
const BURST: usize = 32;

/// The two sockets through which all sessions over UDP are served.
#[derive(Debug)]
pub(super) struct Udp {
    pub(super) rtp: UdpSocket,
    pub(super) rtcp: UdpSocket,
    pub(super) ports: (u16, u16),
}

/// A client's connection and the way to its UDP ports.
pub(super) struct Wire {
    pub(super) stream: TcpStream,
    pub(super) udp: Arc<Udp>,
}

impl Wire {
    /// Sends an answer, or what the camera says in its place.
    pub(super) async fn respond(&mut self, fault: Option<Fault>, response: &Response<Vec<u8>>) -> io::Result<()> {
        let bytes = serialize(response);
        match fault {
            Some(Fault::NeverAnswer) => Ok(()),
            Some(Fault::SlowHeaders) => {
                for byte in bytes {
                    self.write(&[byte]).await?;
                    sleep(Duration::from_secs(1)).await;
                }
                Ok(())
            }
            Some(Fault::EndlessHeader) => {
                self.write(b"RTSP/1.0 200 OK\r\nX-Padding: ").await?;
                // Slow and bounded for the sake of the machine that a careless client shares with its test.
                for _ in 0..16_384 {
                    self.write(&[b'a'; 65_536]).await?;
                    sleep(Duration::from_millis(50)).await;
                }
                Ok(())
            }
            Some(Fault::HugeContentLength) => {
                let header = response.header(&rtsp_types::headers::CSEQ).map_or("1", |header| header.as_str());
                let head = format!(
                    "RTSP/1.0 200 OK\r\nCSeq: {header}\r\nContent-Type: application/sdp\r\nContent-Length: 4294967295\r\n\r\nv=0\r\n"
                );
                self.write(head.as_bytes()).await
            }
            Some(Fault::NotRtsp) => {
                let mut noise = [0; 512];
                fastrand::fill(&mut noise);
                // Never '$' or 'R' first: it must not pass for media or for an answer's first letter by chance.
                noise[0] = 0xFF;
                self.write(&noise).await
            }
            _ => self.write(&bytes).await,
        }
    }

    pub(super) async fn send_unit(&mut self, delivery: Delivery, packets: &Packets) -> io::Result<()> {
        match delivery {
            Delivery::Interleaved { rtp, .. } => self.write(&packets.interleaved(rtp)).await,
            Delivery::Udp { rtp, .. } => {
                for (i, datagram) in packets.datagrams().enumerate() {
                    if i > 0 && i % BURST == 0 {
                        sleep(Duration::from_millis(1)).await;
                    }
                    // A datagram that cannot be sent is lost, as on any network.
                    let _ = self.udp.rtp.send_to(datagram, rtp).await;
                }
                Ok(())
            }
        }
    }

    pub(super) async fn send_part(&mut self, delivery: Delivery, packets: &Packets) -> io::Result<()> {
        match delivery {
            Delivery::Interleaved { rtp, .. } => {
                let unit = packets.interleaved(rtp);
                self.write(&unit[..unit.len() / 2]).await
            }
            Delivery::Udp { rtp, .. } => {
                for datagram in packets.datagrams().take(packets.datagrams().len() / 2) {
                    let _ = self.udp.rtp.send_to(datagram, rtp).await;
                }
                Ok(())
            }
        }
    }

    pub(super) async fn send_report(&mut self, delivery: Delivery, report: Bytes) -> io::Result<()> {
        match delivery {
            Delivery::Interleaved { rtcp, .. } => {
                let mut framed =
                    vec![b'$', rtcp, 0, u8::try_from(report.len()).expect("a report has 28 bytes at most")];
                framed.extend_from_slice(&report);
                self.write(&framed).await
            }
            Delivery::Udp { rtcp, .. } => {
                let _ = self.udp.rtcp.send_to(&report, rtcp).await;
                Ok(())
            }
        }
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        timeout(WRITE_DEADLINE, self.stream.write_all(bytes)).await?
    }
}

pub(super) fn serialize(response: &Response<Vec<u8>>) -> Vec<u8> {
    let mut bytes = Vec::new();
    response.write(&mut bytes).expect("writing to memory does not fail");
    bytes
}
