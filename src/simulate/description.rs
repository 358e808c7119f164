use std::net::IpAddr;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use sdp_types::{Connection, Media, MediaType, Origin, Session, TransportProto};

use super::{Clip, Fault, packetize::PAYLOAD_TYPE, sound};

/// The control path of the one stream.
pub(super) const TRACK: &str = "track1";
/// That of the sound, where some is offered.
pub(super) const SOUND_TRACK: &str = "track2";

/// The session description (RFC 8866) of a camera that plays `clip`, with the parameters of RFC 6184, section 8.2.1.
pub(super) fn describe(clip: &Clip, fault: Option<Fault>, address: IpAddr) -> String {
    let mut session = Session::new(Origin::with_ip_addr(1, 1, address), "simulated camera");
    session.connection =
        Some(Connection::from_ip_addr(if address.is_ipv4() { [0, 0, 0, 0].into() } else { IpAddr::from([0_u16; 8]) }));
    session.add_attribute_with_value("control", "*");
    session.add_attribute_with_value("range", "npt=now-");
    let mut media = match fault {
        Some(Fault::AudioOnly) => {
            let mut media = Media::new(MediaType::Audio, 0, TransportProto::RtpAvp, "0");
            media.add_attribute_with_value("rtpmap", "0 PCMU/8000");
            media
        }
        Some(Fault::H265) => {
            let mut media = Media::new(MediaType::Video, 0, TransportProto::RtpAvp, PAYLOAD_TYPE);
            media.add_attribute_with_value("rtpmap", format!("{PAYLOAD_TYPE} H265/90000"));
            media
        }
        _ => video(clip),
    };
    media.add_attribute_with_value("control", TRACK);
    session.add_media(media);
    if matches!(fault, Some(Fault::MuteSound | Fault::DamagedSound(_))) {
        let mut media = sound::describe();
        media.add_attribute_with_value("control", SOUND_TRACK);
        session.add_media(media);
    }
    session.to_string()
}

fn video(clip: &Clip) -> Media {
    let mut media = Media::new(MediaType::Video, 0, TransportProto::RtpAvp, PAYLOAD_TYPE);
    media.add_attribute_with_value("rtpmap", format!("{PAYLOAD_TYPE} H264/90000"));
    let profile: String = clip.sps.iter().skip(1).take(3).map(|byte| format!("{byte:02X}")).collect();
    let (sps, pps) = (BASE64_STANDARD.encode(&clip.sps), BASE64_STANDARD.encode(&clip.pps));
    let parameters = format!("packetization-mode=1;profile-level-id={profile};sprop-parameter-sets={sps},{pps}");
    media.add_attribute_with_value("fmtp", format!("{PAYLOAD_TYPE} {parameters}"));
    media.add_attribute_with_value("framerate", format!("{:.3}", clip.fps));
    media.add_attribute_with_value("framesize", format!("{PAYLOAD_TYPE} {}-{}", clip.width, clip.height));
    media
}
