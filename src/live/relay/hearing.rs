use std::time::Instant;

use rml_rtmp::chunk_io::ChunkDeserializer;

use super::{RelayFault, publication::protocol};

/// What a server may say. A server answers in a few hundred bytes and acknowledges in sixteen, while the library takes
/// messages of 16 MiB and reads what is nested in them by recursion: some ten thousand levels end the process.
pub(super) struct Hearing {
    chunks: ChunkDeserializer,
    began: Instant,
    heard: usize,
}

impl Hearing {
    /// In all: so much at first, and so much more each second.
    const AT_FIRST: usize = 8 << 10;
    const A_SECOND: usize = 64;
    /// In one message: less than a thousand levels of five bytes.
    const MESSAGE: usize = 4 << 10;
    /// The type of the message that says how long chunks are from now on (Adobe's RTMP 1.0, section 5.4.1).
    const SET_CHUNK_SIZE: u8 = 1;

    /// Nothing was heard.
    pub(super) fn new() -> Self {
        Self { chunks: ChunkDeserializer::new(), began: Instant::now(), heard: 0 }
    }

    /// Whether this may be taken in, behind all that was.
    pub(super) fn check(&mut self, mut bytes: &[u8]) -> Result<(), RelayFault> {
        let too_much = || Err(RelayFault::Protocol("it says more than a server has to say".into()));
        self.heard = self.heard.saturating_add(bytes.len());
        let since = usize::try_from(self.began.elapsed().as_secs()).unwrap_or(usize::MAX);
        if self.heard > Self::AT_FIRST.saturating_add(since.saturating_mul(Self::A_SECOND)) {
            return too_much();
        }
        while let Some(message) = self.chunks.get_next_message(bytes).map_err(protocol)? {
            bytes = &[];
            if message.data.len() > Self::MESSAGE {
                return too_much();
            }
            if let (Self::SET_CHUNK_SIZE, Some(size)) = (message.type_id, message.data.first_chunk()) {
                let size = u32::from_be_bytes(*size) & 0x7fff_ffff;
                self.chunks.set_max_chunk_size(size as usize).map_err(protocol)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message in one chunk.
    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let [_, a, b, c] = (body.len() as u32).to_be_bytes();
        [&[3, 0, 0, 0, a, b, c, kind, 0, 0, 0, 0], body].concat()
    }

    #[test]
    fn messages_that_a_server_never_needs_are_not_taken_in() {
        let chunks_of = message(Hearing::SET_CHUNK_SIZE, &0xffffu32.to_be_bytes());
        let mut hearing = Hearing::new();
        hearing.check(&chunks_of).expect("what every server says");
        hearing.check(&message(20, &[0; 1000])).expect("an answer");
        // However it is cut.
        let (first, rest) = (message(20, &[10; 4097]), &mut Hearing::new());
        rest.check(&chunks_of).expect("what every server says");
        let taken = first.chunks(700).map(|piece| rest.check(piece)).take_while(Result::is_ok).count();
        assert_eq!(taken, 5, "the sixth piece makes it whole");
    }

    #[test]
    fn nor_is_more_than_it_needs_in_all() {
        let mut hearing = Hearing::new();
        hearing.check(&message(Hearing::SET_CHUNK_SIZE, &0xffffu32.to_be_bytes())).expect("what every server says");
        let taken = (0..).take_while(|_| hearing.check(&message(20, &[0; 1000])).is_ok()).count();
        assert!((7..20).contains(&taken), "{taken}");
    }
}
