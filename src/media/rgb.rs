use super::I420;

impl I420 {
    /// Makes planes of packed red, green and blue bytes, as a camera would send the picture: BT.601 with limited range
    /// (Y 16 to 235; ITU-R BT.601-7, section 2.5), chroma the mean of up to four pixels. It is the inverse of what
    /// detection and annotation assume of a camera's picture.
    ///
    /// `None` if `rgb` is not `3 * width * height` bytes long.
    pub fn from_rgb(width: usize, height: usize, rgb: &[u8]) -> Option<Self> {
        if rgb.len() != width.checked_mul(height)?.checked_mul(3)? {
            return None;
        }
        let (pixels, _) = rgb.as_chunks::<3>();
        let (chroma_width, chroma_height) = (width.div_ceil(2), height.div_ceil(2));
        let mut data = Vec::with_capacity(width * height + 2 * chroma_width * chroma_height);
        data.extend(pixels.iter().map(luma));
        let mut blocks = Vec::with_capacity(chroma_width * chroma_height);
        for row in 0..chroma_height {
            let upper = &pixels[2 * row * width..][..width];
            // At an odd edge the last row or column stands for its missing neighbour.
            let lower = &pixels[(2 * row + 1).min(height - 1) * width..][..width];
            let pairs = upper.chunks(2).zip(lower.chunks(2));
            blocks.extend(pairs.map(|(upper, lower)| mean(upper, lower)));
        }
        data.extend(blocks.iter().map(|block| chroma(block, [-37.797, -74.203, 112.0])));
        data.extend(blocks.iter().map(|block| chroma(block, [112.0, -93.786, -18.214])));
        Self::from_packed(width, height, data)
    }
}

fn luma(rgb: &[u8; 3]) -> u8 {
    let [r, g, b] = rgb.map(|c| f32::from(c) / 255.0);
    (16.5 + 65.481 * r + 128.553 * g + 24.966 * b) as u8
}

/// The mean colour of a block, 0 to 1.
fn mean(upper: &[[u8; 3]], lower: &[[u8; 3]]) -> [f32; 3] {
    let count = (upper.len() + lower.len()) as f32;
    let sum = |c: usize| upper.iter().chain(lower).map(|pixel| f32::from(pixel[c])).sum::<f32>();
    [0, 1, 2].map(|c| sum(c) / count / 255.0)
}

fn chroma(block: &[f32; 3], [r, g, b]: [f32; 3]) -> u8 {
    (128.5 + block[0] * r + block[1] * g + block[2] * b) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_corners_of_the_colour_cube_are_those_of_the_standard() {
        // Y, Cb, Cr of ITU-R BT.601 with 8 bits, as test pictures (colour bars at 100 %) have them.
        for (rgb, expected) in [
            ([0, 0, 0], [16, 128, 128]),
            ([255, 255, 255], [235, 128, 128]),
            ([255, 0, 0], [81, 90, 240]),
            ([0, 255, 0], [145, 54, 34]),
            ([0, 0, 255], [41, 240, 110]),
            ([255, 255, 0], [210, 16, 146]),
        ] {
            let picture = I420::from_rgb(2, 2, &rgb.repeat(4)).expect("four pixels");
            let (y, u, v) = picture.planes();
            assert_eq!((y, u, v), (&[expected[0]; 4][..], &[expected[1]][..], &[expected[2]][..]), "{rgb:?}");
        }
    }

    #[test]
    fn chroma_is_the_mean_of_its_block_and_odd_edges_have_blocks_of_their_own() {
        let (red, blue) = ([255, 0, 0], [0, 0, 255]);
        // Three wide, three high: the left block is red and blue, all that is at the odd edges is red.
        let pixels = [[red, blue, red], [blue, red, red], [red, red, red]];
        let picture = I420::from_rgb(3, 3, pixels.as_flattened().as_flattened()).expect("nine pixels");
        let (y, u, v) = picture.planes();
        assert_eq!(y, [81, 41, 81, 41, 81, 81, 81, 81, 81]);
        assert_eq!((u, v), (&[165, 90, 90, 90][..], &[175, 240, 240, 240][..]));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert!(I420::from_rgb(2, 2, &[0; 11]).is_none());
        assert!(I420::from_rgb(usize::MAX, 2, &[]).is_none());
        assert!(I420::from_rgb(0, 0, &[]).is_some_and(|picture| picture.width() == 0));
    }
}
