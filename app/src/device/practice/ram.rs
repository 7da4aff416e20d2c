//! What a host loads into the chip's RAM with `MEM_BEGIN` and `MEM_DATA`, kept until something is started from it.
//!
//! The board does not run it: it only has to tell whether it is the agent. So the segments are kept as they came.

/// Bytes at an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    pub addr: u32,
    pub bytes: Vec<u8>,
}

/// The segments loaded since the last start or reset.
#[derive(Debug, Default)]
pub struct Ram {
    segments: Vec<Segment>,
    /// Bytes that the segment in hand still announces.
    remaining: Option<u32>,
}

impl Ram {
    /// A new segment of `len` bytes at `addr` begins.
    pub fn begin(&mut self, addr: u32, len: u32) {
        self.segments.push(Segment {
            addr,
            bytes: Vec::new(),
        });
        self.remaining = Some(len);
    }

    /// Bytes that the segment in hand still announces; `None` if none was begun.
    pub fn remaining(&self) -> Option<u32> {
        self.remaining
    }

    /// Bytes loaded so far, over all segments.
    pub fn loaded_len(&self) -> usize {
        self.segments
            .iter()
            .map(|segment| segment.bytes.len())
            .sum()
    }

    /// The next bytes of the segment in hand.
    pub fn append(&mut self, bytes: &[u8]) {
        if let (Some(segment), Some(remaining)) = (self.segments.last_mut(), &mut self.remaining) {
            segment.bytes.extend(bytes);
            *remaining = remaining.saturating_sub(bytes.len() as u32);
        }
    }

    /// The end of loading, without a start.
    pub fn end(&mut self) {
        self.remaining = None;
    }

    /// What was loaded; the memory is empty afterwards.
    pub fn take(&mut self) -> Vec<Segment> {
        self.remaining = None;
        std::mem::take(&mut self.segments)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_segments_as_they_came() {
        let mut ram = Ram::default();
        ram.append(&[9]);
        assert_eq!(ram.remaining(), None);
        ram.begin(0x100, 3);
        ram.append(&[1, 2]);
        assert_eq!(ram.remaining(), Some(1));
        ram.append(&[3]);
        ram.begin(0x200, 1);
        ram.append(&[4]);
        ram.end();
        assert_eq!(ram.loaded_len(), 4);
        let expected = [
            Segment {
                addr: 0x100,
                bytes: vec![1, 2, 3],
            },
            Segment {
                addr: 0x200,
                bytes: vec![4],
            },
        ];
        assert_eq!(ram.take(), expected);
        assert_eq!(ram.take(), []);
    }
}
