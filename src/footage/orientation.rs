//! How a photo is to be turned before it is looked at: phones save what the sensor saw, and how they were held.

/// The tag of the orientation, and the type of its value: 16 bits (Exif 2.32, section 4.6.4, A).
const TAG: u16 = 0x0112;
const SHORT: u16 = 3;

/// The orientation in an EXIF block: 1 (upright) to 8; 1 where none is said.
pub(super) fn orientation(exif: &[u8]) -> u8 {
    find(exif).filter(|said| (1..=8).contains(said)).unwrap_or(1)
}

/// Walks the first directory of the TIFF structure (TIFF 6.0, section 2).
fn find(exif: &[u8]) -> Option<u8> {
    let big = match exif.get(..4)? {
        b"MM\0*" => true,
        b"II*\0" => false,
        _ => return None,
    };
    let short = |at: usize| {
        let bytes: [u8; 2] = exif.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    };
    let long = |at: usize| {
        let bytes: [u8; 4] = exif.get(at..at.checked_add(4)?)?.try_into().ok()?;
        usize::try_from(if big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }).ok()
    };
    let directory = long(4)?;
    let entries = usize::from(short(directory)?);
    let entry = (0..entries).map(|i| directory + 2 + 12 * i).find(|&at| short(at) == Some(TAG))?;
    (short(entry + 2)? == SHORT).then_some(())?;
    u8::try_from(short(entry + 8)?).ok()
}

/// Turns packed RGB pixels as the orientation asks; returns the new width, height and pixels.
pub(super) fn upright(orientation: u8, width: usize, height: usize, rgb: Vec<u8>) -> (usize, usize, Vec<u8>) {
    let (right, bottom) = (width.saturating_sub(1), height.saturating_sub(1));
    // Where the pixel at column x and row y of the upright picture comes from (Exif 2.32, orientation, figure).
    let source: fn(usize, usize, usize, usize) -> (usize, usize) = match orientation {
        2 => |x, y, right, _| (right - x, y),
        3 => |x, y, right, bottom| (right - x, bottom - y),
        4 => |x, y, _, bottom| (x, bottom - y),
        5 => |x, y, _, _| (y, x),
        6 => |x, y, _, bottom| (y, bottom - x),
        7 => |x, y, right, bottom| (right - y, bottom - x),
        8 => |x, y, right, _| (right - y, x),
        _ => return (width, height, rgb),
    };
    let (new_width, new_height) = if orientation >= 5 { (height, width) } else { (width, height) };
    let mut turned = Vec::with_capacity(rgb.len());
    for y in 0..new_height {
        for x in 0..new_width {
            let (from_x, from_y) = source(x, y, right, bottom);
            turned.extend_from_slice(&rgb[3 * (from_y * width + from_x)..][..3]);
        }
    }
    (new_width, new_height, turned)
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// An EXIF block that says how the camera was held.
    pub(in crate::footage) fn exif(orientation: u16) -> Vec<u8> {
        let mut bytes = b"II*\0\x08\0\0\0\x02\0".to_vec();
        for (tag, value) in [(0x010fu16, 7u16), (TAG, orientation)] {
            bytes.extend(tag.to_le_bytes());
            bytes.extend(SHORT.to_le_bytes());
            bytes.extend(1u32.to_le_bytes());
            bytes.extend(value.to_le_bytes());
            bytes.extend([0, 0]);
        }
        bytes
    }

    #[test]
    fn it_is_read_in_both_byte_orders() {
        assert_eq!(orientation(&exif(6)), 6);
        assert_eq!(orientation(b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x08\0\0"), 8);
        assert_eq!(orientation(&exif(9)), 1, "there are eight");
        assert_eq!(orientation(b""), 1);
    }

    #[test]
    fn each_of_the_eight_shows_the_same_picture() {
        // What is seen: a b c / d e f. What is stored, by orientation, three bytes a letter.
        for (orientation, width, stored) in [
            (1, 3, "abcdef"),
            (2, 3, "cbafed"),
            (3, 3, "fedcba"),
            (4, 3, "defabc"),
            (5, 2, "adbecf"),
            (6, 2, "cfbead"),
            (7, 2, "fcebda"),
            (8, 2, "daebfc"),
        ] {
            let rgb: Vec<u8> = stored.bytes().flat_map(|letter| [letter; 3]).collect();
            let (width, height, turned) = upright(orientation, width, 6 / width, rgb);
            let seen: Vec<u8> = turned.iter().step_by(3).copied().collect();
            assert_eq!((width, height, seen.as_slice()), (3, 2, &b"abcdef"[..]), "{orientation}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..64), big: bool) {
            let begin: &[u8] = if big { b"MM\0*" } else { b"II*\0" };
            prop_assert!((1..=8).contains(&orientation(&[begin, &bytes].concat())));
        }
    }
}
