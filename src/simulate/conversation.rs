//! RTSP 1.0 (RFC 2326), a camera's side: which answer a request gets and what follows from it. No sockets here.

use std::net::{IpAddr, SocketAddr};

use rtsp_types::{
    Method, Request, Response, ResponseBuilder, StatusCode, Version, headers,
    headers::{RtpLowerTransport, RtpTransport, Transport, Transports},
};

use super::{
    Fault, Scheme,
    camera::{Camera, Position},
    description::{SOUND_TRACK, TRACK, describe},
};

/// What one connection has said so far. A session lives and ends with its connection, as on most cameras.
#[derive(Debug)]
pub(super) struct Conversation {
    peer: IpAddr,
    local: SocketAddr,
    /// Server ports for RTP and RTCP over UDP.
    udp_ports: (u16, u16),
    nonce: String,
    session: Option<Session>,
}

#[derive(Debug)]
struct Session {
    id: String,
    pictures: Delivery,
    sound: Option<Delivery>,
}

/// Where a session's media goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delivery {
    /// Over the RTSP connection, on these channels.
    Interleaved { rtp: u8, rtcp: u8 },
    /// To these addresses.
    Udp { rtp: SocketAddr, rtcp: SocketAddr },
}

/// What follows from an answer, once it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Consequence {
    Nothing,
    /// A session was set up.
    SetUp,
    /// Media is to be sent there.
    Play {
        pictures: Delivery,
        sound: Option<Delivery>,
    },
    Pause,
    /// The session is over.
    TornDown,
}

type Answer = (Response<Vec<u8>>, Consequence);

impl Conversation {
    pub(super) fn new(peer: IpAddr, local: SocketAddr, udp_ports: (u16, u16)) -> Self {
        Self { peer, local, udp_ports, nonce: format!("{:032x}", fastrand::u128(..)), session: None }
    }

    pub(super) fn has_session(&self) -> bool {
        self.session.is_some()
    }

    pub(super) fn forget_session(&mut self) {
        self.session = None;
    }

    /// Whether a request gets no answer at all.
    pub(super) fn ignores(&self, request: &Request<Vec<u8>>, fault: Option<Fault>) -> bool {
        match (fault, request.method()) {
            (Some(Fault::NoKeepAlive), Method::Options | Method::GetParameter) => self.has_session(),
            (Some(Fault::MuteSound), Method::Setup) => is_for_sound(request),
            _ => false,
        }
    }

    /// Answers a request for a camera; `position` is where the camera's stream stands.
    pub(super) fn answer(&mut self, request: &Request<Vec<u8>>, camera: &Camera, position: Position) -> Answer {
        let fault = camera.fault();
        let refused = match (fault, request.method()) {
            (Some(Fault::NotFound), _) => Some(StatusCode::NotFound),
            (Some(Fault::SessionNotFound), Method::Play) => Some(StatusCode::SessionNotFound),
            (Some(Fault::NotEnoughBandwidth), Method::Setup) => Some(StatusCode::NotEnoughBandwidth),
            (Some(Fault::TooManySessions), Method::Setup) => Some(StatusCode::ServiceUnavailable),
            _ => None,
        };
        if let Some(challenge) = self.challenge(request, camera, fault) {
            camera.count(|counts| counts.unauthorized += 1);
            let response = builder(request, StatusCode::Unauthorized);
            return (response.header(headers::WWW_AUTHENTICATE, challenge).build(Vec::new()), Consequence::Nothing);
        }
        if let Some(status) = refused {
            return refuse(request, status);
        }
        if let (Some(named), Some(session)) = (request.header(&headers::SESSION), &self.session)
            && named.as_str().split(';').next() != Some(&session.id)
        {
            return refuse(request, StatusCode::SessionNotFound);
        }
        match request.method() {
            Method::Options | Method::GetParameter | Method::SetParameter => self.keep_alive(request, camera),
            Method::Describe => self.describe(request, camera, fault),
            Method::Setup => self.set_up(request, camera, position),
            Method::Play => self.play(request, camera, position),
            Method::Pause if self.session.is_some() => (self.granted(request).build(Vec::new()), Consequence::Pause),
            Method::Teardown if self.session.is_some() => {
                let response = self.granted(request).build(Vec::new());
                self.session = None;
                (response, Consequence::TornDown)
            }
            Method::Pause | Method::Teardown => refuse(request, StatusCode::SessionNotFound),
            _ => refuse(request, StatusCode::NotImplemented),
        }
    }

    /// The challenge that a request without the right credentials gets. Cameras ask where something is to be had.
    fn challenge(&self, request: &Request<Vec<u8>>, camera: &Camera, fault: Option<Fault>) -> Option<String> {
        if !matches!(request.method(), Method::Describe | Method::Setup | Method::Play | Method::Pause) {
            return None;
        }
        let credentials = camera.mount.credentials.as_ref();
        let scheme = credentials.map_or(Scheme::Digest, |credentials| credentials.scheme);
        if fault == Some(Fault::Unauthorized) {
            return Some(scheme.challenge(&self.nonce));
        }
        let credentials = credentials?;
        let authorization = request.header(&headers::AUTHORIZATION).map_or("", |header| header.as_str());
        let admitted = credentials.admit(authorization, request.method().into(), &self.nonce);
        (!admitted).then(|| scheme.challenge(&self.nonce))
    }

    fn keep_alive(&self, request: &Request<Vec<u8>>, camera: &Camera) -> Answer {
        if self.session.is_some() {
            camera.count(|counts| counts.kept_alive += 1);
        }
        let response = self.granted(request).header(headers::PUBLIC, PUBLIC);
        (response.build(Vec::new()), Consequence::Nothing)
    }

    fn describe(&self, request: &Request<Vec<u8>>, camera: &Camera, fault: Option<Fault>) -> Answer {
        let description = describe(&camera.clip(), fault, self.local.ip());
        let response = builder(request, StatusCode::Ok)
            .header(headers::CONTENT_BASE, format!("{}/", base(request, camera)))
            .header(headers::CONTENT_TYPE, "application/sdp")
            .build(description.into_bytes());
        (response, Consequence::Nothing)
    }

    fn set_up(&mut self, request: &Request<Vec<u8>>, camera: &Camera, position: Position) -> Answer {
        let Ok(Some(offers)) = request.typed_header::<Transports>() else {
            return refuse(request, StatusCode::BadRequest);
        };
        let usable = offers.iter().find_map(|offer| match offer {
            Transport::Rtp(offer) => Some((self.delivery(offer)?, offer)),
            Transport::Other(_) => None,
        });
        let Some((delivery, offer)) = usable else {
            return refuse(request, StatusCode::UnsupportedTransport);
        };
        let mut granted = RtpTransport { params: headers::RtpTransportParameters::default(), ..offer.clone() };
        granted.params.unicast = true;
        if !is_for_sound(request) {
            granted.params.ssrc = vec![position.ssrc];
        }
        match delivery {
            Delivery::Interleaved { rtp, rtcp } => {
                granted.params.interleaved = Some((rtp, Some(rtcp)));
            }
            Delivery::Udp { rtp, rtcp } => {
                granted.params.client_port = Some((rtp.port(), Some(rtcp.port())));
                granted.params.server_port = Some((self.udp_ports.0, Some(self.udp_ports.1)));
            }
        }
        let session = match (is_for_sound(request), self.session.take()) {
            (true, None) => return refuse(request, StatusCode::MethodNotValidInThisState), // the pictures come first
            (true, Some(session)) => Session { sound: Some(delivery), ..session },
            (false, Some(session)) => Session { pictures: delivery, ..session },
            (false, None) => Session { id: format!("{:016x}", fastrand::u64(..)), pictures: delivery, sound: None },
        };
        let timeout = camera.mount.session_timeout.as_secs().max(1);
        let response = builder(request, StatusCode::Ok)
            .header(headers::SESSION, format!("{};timeout={timeout}", session.id))
            .typed_header(&Transports::from(vec![Transport::Rtp(granted)]))
            .build(Vec::new());
        self.session = Some(session);
        (response, Consequence::SetUp)
    }

    /// Media goes to the client's own address alone, whatever `destination` says: a camera is no amplifier.
    fn delivery(&self, offer: &RtpTransport) -> Option<Delivery> {
        if offer.params.multicast || offer.profile != headers::RtpProfile::Avp {
            return None;
        }
        if offer.lower_transport == Some(RtpLowerTransport::Tcp) {
            let (rtp, rtcp) = offer.params.interleaved.unwrap_or((0, Some(1)));
            return Some(Delivery::Interleaved { rtp, rtcp: rtcp.or_else(|| rtp.checked_add(1))? });
        }
        let (rtp, rtcp) = offer.params.client_port?;
        let rtcp = rtcp.or_else(|| rtp.checked_add(1))?;
        Some(Delivery::Udp { rtp: (self.peer, rtp).into(), rtcp: (self.peer, rtcp).into() })
    }

    fn play(&self, request: &Request<Vec<u8>>, camera: &Camera, position: Position) -> Answer {
        let Some(session) = &self.session else {
            return refuse(request, StatusCode::SessionNotFound);
        };
        let mut info = format!("url={}/{TRACK}", base(request, camera));
        if !camera.mount.start_at_key_frame {
            info += &format!(";seq={};rtptime={}", position.sequence, position.timestamp);
        }
        let response =
            self.granted(request).header(headers::RANGE, "npt=now-").header(headers::RTP_INFO, info).build(Vec::new());
        (response, Consequence::Play { pictures: session.pictures, sound: session.sound })
    }

    fn granted(&self, request: &Request<Vec<u8>>) -> ResponseBuilder {
        let response = builder(request, StatusCode::Ok);
        match &self.session {
            Some(session) => response.header(headers::SESSION, session.id.as_str()),
            None => response,
        }
    }
}

fn is_for_sound(request: &Request<Vec<u8>>) -> bool {
    request.request_uri().is_some_and(|uri| uri.path().ends_with(SOUND_TRACK))
}

const PUBLIC: &str = "OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, TEARDOWN, GET_PARAMETER, SET_PARAMETER";

/// The answer to what no camera stands behind: OPTIONS for the server as a whole, or an unknown path.
pub(super) fn answer_without_camera(request: &Request<Vec<u8>>) -> Response<Vec<u8>> {
    if *request.method() == Method::Options {
        builder(request, StatusCode::Ok).header(headers::PUBLIC, PUBLIC).build(Vec::new())
    } else {
        refuse(request, StatusCode::NotFound).0
    }
}

fn refuse(request: &Request<Vec<u8>>, status: StatusCode) -> Answer {
    (builder(request, status).build(Vec::new()), Consequence::Nothing)
}

fn builder(request: &Request<Vec<u8>>, status: StatusCode) -> ResponseBuilder {
    let response = Response::builder(Version::V1_0, status);
    match request.header(&headers::CSEQ) {
        Some(sequence) => response.header(headers::CSEQ, sequence.as_str()),
        None => response,
    }
}

/// The camera's address as the client wrote it, without what stands behind the camera's name.
fn base(request: &Request<Vec<u8>>, camera: &Camera) -> String {
    let Some(mut url) = request.request_uri().cloned() else {
        return format!("/{}", camera.mount.name);
    };
    url.set_path(&camera.mount.name);
    url.set_query(None);
    // Neither fails for an address with a host, which every rtsp:// address has.
    let _ = (url.set_username(""), url.set_password(None));
    url.to_string().trim_end_matches('/').to_owned()
}
