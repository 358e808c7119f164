use std::{fmt, str::FromStr};

/// A way in which a camera misbehaves. Where a number belongs to it, it counts access units: of the client's session
/// for faults that end something, of the camera's stream for those that recur.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// PLAY succeeds, keep-alives are answered, sender reports come, but no picture does.
    Silence,
    /// The same, after this many units of the session.
    SilenceAfter(u64),
    /// The session description has an audio stream and no video.
    AudioOnly,
    /// The session description says H.265.
    H265,
    /// Beside the pictures AAC is offered, and its SETUP is never answered.
    MuteSound,
    /// Beside the pictures AAC is sent, and every Nth packet of it cannot be read.
    DamagedSound(u64),
    /// What keeps a session alive is never answered, and the session lasts without.
    NoKeepAlive,
    /// The connection is reset (TCP RST) after this many units.
    Reset(u64),
    /// The connection is closed in the middle of the unit after this many.
    MidFrameCut(u64),
    /// The stream ends in order (RTCP BYE, then the connection is closed) after this many units.
    StreamEnd(u64),
    /// The sequence number leaps at every Nth unit.
    SequenceJump(u64),
    /// The timestamp leaps by an hour at every Nth unit.
    TimestampJump(u64),
    /// Before each unit comes an access unit delimiter, marked as if it were a picture.
    MarkedDelimiters,
    /// Every N units the stream comes from a new source, as after a reboot behind a proxy.
    NewSsrc(u64),
    /// Every Nth packet is not sent.
    PacketLoss(u64),
    /// The slices of every Nth unit are random bytes.
    GarbageNal(u64),
    /// IDR pictures are never sent.
    NoKeyFrame,
    /// Every N units the camera changes between its clip and one of 320x240.
    SizeChange(u64),
    /// Every request is answered 401, whatever the password.
    Unauthorized,
    /// Every path is answered 404.
    NotFound,
    /// PLAY is answered 454 (Session Not Found).
    SessionNotFound,
    /// SETUP is answered 453 (Not Enough Bandwidth).
    NotEnoughBandwidth,
    /// SETUP is answered 503 (Service Unavailable), as by cameras whose sessions are all taken.
    TooManySessions,
    /// Answers come at one byte a second.
    SlowHeaders,
    /// Requests are read and never answered.
    NeverAnswer,
    /// The first answer's header never ends.
    EndlessHeader,
    /// The answer announces a body of nearly 4 GiB and does not send it.
    HugeContentLength,
    /// The answer is random bytes.
    NotRtsp,
}

/// Text form, what it stands for, whether and with which default a number belongs to it.
type Form = (&'static str, Kind, &'static str);

enum Kind {
    Plain(Fault),
    Counted(fn(u64) -> Fault, u64),
}

const FORMS: [Form; 28] = [
    ("silence", Kind::Plain(Fault::Silence), "PLAY succeeds, then no media"),
    ("silence-after", Kind::Counted(Fault::SilenceAfter, 50), "no media after N units"),
    ("audio-only", Kind::Plain(Fault::AudioOnly), "offers an audio stream alone"),
    ("h265", Kind::Plain(Fault::H265), "says it sends H.265"),
    ("mute-sound", Kind::Plain(Fault::MuteSound), "offers sound and does not answer who asks for it"),
    ("damaged-sound", Kind::Counted(Fault::DamagedSound, 30), "sends sound, every Nth packet of it unreadable"),
    ("no-keep-alive", Kind::Plain(Fault::NoKeepAlive), "never answers what keeps a session alive"),
    ("reset", Kind::Counted(Fault::Reset, 50), "resets the connection after N units"),
    ("mid-frame-cut", Kind::Counted(Fault::MidFrameCut, 50), "closes in the middle of a picture after N units"),
    ("stream-end", Kind::Counted(Fault::StreamEnd, 50), "ends the stream in order after N units"),
    ("sequence-jump", Kind::Counted(Fault::SequenceJump, 50), "the RTP sequence leaps every N units"),
    ("timestamp-jump", Kind::Counted(Fault::TimestampJump, 50), "the RTP timestamp leaps an hour every N units"),
    ("marked-delimiters", Kind::Plain(Fault::MarkedDelimiters), "marks a delimiter before each picture as one"),
    ("new-ssrc", Kind::Counted(Fault::NewSsrc, 50), "a new RTP source every N units"),
    ("packet-loss", Kind::Counted(Fault::PacketLoss, 100), "every Nth packet is not sent"),
    ("garbage-nal", Kind::Counted(Fault::GarbageNal, 1), "random bytes in place of every Nth picture"),
    ("no-key-frame", Kind::Plain(Fault::NoKeyFrame), "never sends an IDR picture"),
    ("size-change", Kind::Counted(Fault::SizeChange, 50), "changes to 320x240 and back every N units"),
    ("401", Kind::Plain(Fault::Unauthorized), "refuses every password"),
    ("404", Kind::Plain(Fault::NotFound), "knows no path"),
    ("454", Kind::Plain(Fault::SessionNotFound), "answers PLAY with Session Not Found"),
    ("453", Kind::Plain(Fault::NotEnoughBandwidth), "answers SETUP with Not Enough Bandwidth"),
    ("503", Kind::Plain(Fault::TooManySessions), "answers SETUP with Service Unavailable"),
    ("slow-headers", Kind::Plain(Fault::SlowHeaders), "answers at one byte a second"),
    ("never-answer", Kind::Plain(Fault::NeverAnswer), "reads requests and never answers"),
    ("endless-header", Kind::Plain(Fault::EndlessHeader), "answers with a header that never ends"),
    ("huge-content-length", Kind::Plain(Fault::HugeContentLength), "announces a body of nearly 4 GiB"),
    ("not-rtsp", Kind::Plain(Fault::NotRtsp), "answers with random bytes"),
];

impl Fault {
    /// One line for each fault: its text form and what it does, for `--help`.
    pub fn list() -> String {
        let line = |(name, kind, meaning): &Form| {
            let form = match kind {
                Kind::Plain(_) => (*name).to_owned(),
                Kind::Counted(_, default) => format!("{name}[={default}]"),
            };
            format!("  {form:<20} {meaning}")
        };
        FORMS.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

/// Why a text is no fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no fault; the faults are:\n{list}", list = Fault::list())]
pub struct InvalidFault(String);

impl FromStr for Fault {
    type Err = InvalidFault;

    fn from_str(text: &str) -> Result<Self, InvalidFault> {
        let (name, number) = text.split_once('=').map_or((text, None), |(name, number)| (name, Some(number)));
        let invalid = || InvalidFault(text.chars().take(80).collect());
        let (_, kind, _) = FORMS.iter().find(|(form, ..)| *form == name).ok_or_else(invalid)?;
        match (kind, number) {
            (Kind::Plain(fault), None) => Ok(*fault),
            (Kind::Counted(fault, default), None) => Ok(fault(*default)),
            (Kind::Counted(fault, _), Some(number)) => number.parse().map(fault).map_err(|_| invalid()),
            (Kind::Plain(_), Some(_)) => Err(invalid()),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = match *self {
            Self::SilenceAfter(n)
            | Self::DamagedSound(n)
            | Self::Reset(n)
            | Self::MidFrameCut(n)
            | Self::StreamEnd(n)
            | Self::SequenceJump(n)
            | Self::TimestampJump(n)
            | Self::NewSsrc(n)
            | Self::PacketLoss(n)
            | Self::GarbageNal(n)
            | Self::SizeChange(n) => Some(n),
            _ => None,
        };
        let is_self = |kind: &Kind| match kind {
            Kind::Plain(fault) => fault == self,
            Kind::Counted(fault, _) => number.is_some_and(|number| fault(number) == *self),
        };
        let name = FORMS.iter().find(|(_, kind, _)| is_self(kind)).map_or("", |(name, ..)| name);
        f.write_str(name)?;
        number.map_or(Ok(()), |number| write!(f, "={number}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_read_back_from_its_text() {
        for (name, ..) in FORMS {
            let fault: Fault = name.parse().expect(name);
            assert_eq!(fault.to_string().parse(), Ok(fault), "{name}");
            assert!(fault.to_string().starts_with(name), "{fault} for {name}");
        }
        assert_eq!("reset=7".parse(), Ok(Fault::Reset(7)));
    }

    #[test]
    fn the_readme_says_how_many_there_are() {
        assert!(include_str!("../../README.md").contains(&format!("in {} ways", FORMS.len())), "{}", FORMS.len());
    }

    #[test]
    fn a_wrong_fault_is_refused_with_the_list() {
        for wrong in ["resett", "reset=", "reset=x", "silence=3", ""] {
            let error = wrong.parse::<Fault>().expect_err(wrong).to_string();
            assert!(error.contains("garbage-nal[=1]"), "{error}");
        }
    }
}
