use std::collections::VecDeque;

use tokio::io::{AsyncRead, AsyncReadExt};

/// The end of what is said, however much that is.
#[derive(Debug, Default)]
pub(super) struct Tail(VecDeque<u8>);

impl Tail {
    /// Characters that are kept.
    pub(super) const CHARACTERS: usize = 300;
    /// No character takes more than four bytes of UTF-8.
    const BYTES: usize = 4 * Self::CHARACTERS;

    /// Reads to the end. Whoever gives up waiting loses nothing that was read.
    pub(super) async fn listen(&mut self, source: Option<&mut (impl AsyncRead + Unpin)>) {
        let Some(source) = source else {
            return;
        };
        let mut buffer = [0; 2048];
        while let Ok(read @ 1..) = source.read(&mut buffer).await {
            self.0.extend(&buffer[..read]);
            let surplus = self.0.len().saturating_sub(Self::BYTES);
            self.0.drain(..surplus);
        }
    }

    /// The last characters, on one line.
    pub(super) fn text(mut self) -> String {
        let text = String::from_utf8_lossy(self.0.make_contiguous());
        let printable: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let words: Vec<&str> = printable.split_whitespace().collect();
        let line = words.join(" ");
        let surplus = line.chars().count().saturating_sub(Self::CHARACTERS);
        line.chars().skip(surplus).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn tail_of(mut said: &[u8]) -> String {
        let mut tail = Tail::default();
        tail.listen(Some(&mut said)).await;
        assert!(tail.0.len() <= Tail::BYTES);
        tail.text()
    }

    #[actix::test]
    async fn the_last_characters_count() {
        assert_eq!(tail_of(b"no such\n\tdevice\x1b \xff\n").await, "no such device \u{fffd}");
        let long = format!("{}{}", "x".repeat(100_000), "é".repeat(299));
        assert_eq!(tail_of(long.as_bytes()).await, format!("x{}", "é".repeat(299)));
        assert_eq!(tail_of(b"").await, "");
    }
}
