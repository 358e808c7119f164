use bytes::Bytes;

use crate::words::{CameraId, Generation, Moment};

/// A decoded picture and where it comes from.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Which camera, life and moment it shows.
    pub origin: Origin,
    /// The picture.
    pub picture: I420,
    /// The key frame's access unit, where the picture was decoded from it alone:
    /// it is a fraction of the picture's size and can be kept in its stead.
    pub coded: Option<Bytes>,
}

/// Which camera, life and moment a frame shows.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The camera.
    pub camera: CameraId,
    /// The camera's life.
    pub generation: Generation,
    /// Counts the frames that this life published, from 1. Frames of a burst are not published; theirs is the number of
    /// the newest one that is.
    pub sequence: u64,
    /// When its last packet arrived.
    pub captured: Moment,
}

/// Planes of 8-bit YUV 4:2:0, tightly packed: `height` rows of Y, then half as many, half as wide, of U and V.
/// Odd sizes round the chroma planes up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct I420 {
    width: usize,
    height: usize,
    data: Vec<u8>,
}

impl I420 {
    /// Copies planes out of a decoder's buffers, whose rows are `stride` bytes apart.
    ///
    /// # Panics
    /// If a plane is shorter than its size and stride say.
    pub fn from_planes(width: usize, height: usize, planes: [&[u8]; 3], strides: [usize; 3]) -> Self {
        let (cw, ch) = (width.div_ceil(2), height.div_ceil(2));
        let mut data = Vec::with_capacity(width * height + 2 * cw * ch);
        for ((plane, stride), (w, h)) in planes.into_iter().zip(strides).zip([(width, height), (cw, ch), (cw, ch)]) {
            for row in 0..h {
                data.extend_from_slice(&plane[row * stride..row * stride + w]);
            }
        }
        Self { width, height, data }
    }

    /// Takes planes that are packed already; `None` if their length does not fit the size.
    pub fn from_packed(width: usize, height: usize, data: Vec<u8>) -> Option<Self> {
        let chroma = width.div_ceil(2) * height.div_ceil(2);
        (data.len() == width * height + 2 * chroma).then_some(Self { width, height, data })
    }

    /// Pixels in a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Pixels in a row of U or V.
    pub fn chroma_width(&self) -> usize {
        self.width.div_ceil(2)
    }

    /// Rows of U or V.
    pub fn chroma_height(&self) -> usize {
        self.height.div_ceil(2)
    }

    /// What its planes take in memory.
    pub fn bytes(&self) -> usize {
        let (y, u, v) = self.planes();
        y.len() + u.len() + v.len()
    }

    /// The Y, U and V planes.
    pub fn planes(&self) -> (&[u8], &[u8], &[u8]) {
        let chroma = self.chroma_width() * self.chroma_height();
        let (y, uv) = self.data.split_at(self.width * self.height);
        let (u, v) = uv.split_at(chroma);
        (y, u, v)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_is_left_behind_and_odd_sizes_round_up() {
        let y: Vec<u8> = (0..3 * 8).map(|i| if i % 8 < 5 { 1 } else { 99 }).collect();
        let c: Vec<u8> = (0..2 * 4).map(|i| if i % 4 < 3 { 2 } else { 99 }).collect();
        let picture = I420::from_planes(5, 3, [&y, &c, &c], [8, 4, 4]);
        let (y, u, v) = picture.planes();
        assert_eq!((y, u, v), (&[1; 15][..], &[2; 6][..], &[2; 6][..]));
        assert!(I420::from_packed(5, 3, vec![0; 26]).is_none());
        assert!(I420::from_packed(5, 3, vec![0; 27]).is_some());
    }
}
