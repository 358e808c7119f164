use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
};

/// A file whose writes go to its end. A trait so that a disk that fills up in the middle of a line can be tested.
pub(super) trait Appended: Read + Write + Seek {
    /// Cuts it to this length.
    fn cut(&mut self, length: u64) -> io::Result<()>;

    /// Returns when it is on disk.
    fn sync(&mut self) -> io::Result<()>;
}

impl Appended for File {
    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

/// How each of our lines begins.
pub(super) const BEGINNING: &[u8] = br#"{"specversion":"1.0","#;
/// A torn line is looked for so far back: no event is longer.
const LOOK_BACK: u64 = 1 << 20;

/// Makes the last line whole. One of ours that a crash tore is removed: it was never said to be told, so its event is
/// told again. What is not ours is kept, and ended.
pub(super) fn mend(file: &mut impl Appended) -> io::Result<()> {
    let length = file.seek(SeekFrom::End(0))?;
    let from = length.saturating_sub(LOOK_BACK);
    if length == 0 || last_byte(file)? == b'\n' {
        return Ok(());
    }
    file.seek(SeekFrom::Start(from))?;
    let mut end = Vec::new();
    file.take(LOOK_BACK).read_to_end(&mut end)?;
    let start = end.iter().rposition(|&byte| byte == b'\n').map(|at| at + 1);
    let line = &end[start.unwrap_or(0)..];
    let is_seen_whole = start.is_some() || from == 0;
    let is_ours = line.starts_with(BEGINNING) || BEGINNING.starts_with(line);
    let lacks_only_its_end = serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok();
    if is_seen_whole && is_ours && !lacks_only_its_end {
        return file.cut(length - line.len() as u64);
    }
    file.write_all(b"\n")
}

fn last_byte(file: &mut impl Appended) -> io::Result<u8> {
    let mut byte = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut byte)?;
    Ok(byte[0])
}

/// Appends a line and sees it onto the disk. If that fails, nothing of it is left, or `mend` will find it.
pub(super) fn write(file: &mut impl Appended, line: &[u8]) -> io::Result<()> {
    let before = file.seek(SeekFrom::End(0))?;
    let written = file.write_all(line).and_then(|()| file.sync());
    if written.is_err() {
        // Should this fail too, the next line begins with mending.
        let _ = file.cut(before).and_then(|()| file.sync());
    }
    written
}
