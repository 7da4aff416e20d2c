//! SLIP framing as the chip's loaders do it: 0xC0 at both ends, 0xC0 and 0xDB escaped inside.
//!
//! The ROM and the stub differ where frames are empty, and both are copied here as they are. See `docs` of
//! espressif/esptool (serial protocol) for the framing, and `slip.c` of espressif/esp-flasher-stub v1.1 for the stub.

const END: u8 = 0xC0;
const ESCAPE: u8 = 0xDB;
const ESCAPED_END: u8 = 0xDC;
const ESCAPED_ESCAPE: u8 = 0xDD;

/// What a receiver makes of two delimiters with nothing between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmptyFrame {
    /// The second one begins a frame: the ROM. The receiver falls into step by itself after any damage.
    Opens,
    /// The second one ends the empty frame: the stub. After the loss of one delimiter it takes the gaps between
    /// frames for frames, and stays deaf until an odd number of delimiters puts it into step again.
    Closes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Outside,
    Inside,
    Escaping,
}

/// Takes frames out of a stream of bytes.
#[derive(Debug)]
pub struct SlipReceiver {
    state: State,
    empty_frame: EmptyFrame,
    frame: Vec<u8>,
    capacity: usize,
}

impl SlipReceiver {
    /// A receiver outside of any frame, which drops frames of more than `capacity` bytes.
    pub fn new(empty_frame: EmptyFrame, capacity: usize) -> Self {
        Self {
            state: State::Outside,
            empty_frame,
            frame: Vec::new(),
            capacity,
        }
    }

    /// Takes one byte; returns the frame that it completes.
    pub fn receive(&mut self, byte: u8) -> Option<Vec<u8>> {
        match (self.state, byte) {
            (State::Outside, END) => {
                self.frame.clear();
                self.state = State::Inside;
            }
            (State::Outside, _) => {}
            (State::Inside, END) if self.frame.is_empty() => {
                if self.empty_frame == EmptyFrame::Closes {
                    self.state = State::Outside;
                }
            }
            (State::Inside, END) => {
                self.state = State::Outside;
                return Some(std::mem::take(&mut self.frame));
            }
            (State::Inside, ESCAPE) => self.state = State::Escaping,
            (State::Inside, byte) => self.put(byte),
            (State::Escaping, ESCAPED_END) => {
                self.state = State::Inside;
                self.put(END);
            }
            (State::Escaping, ESCAPED_ESCAPE) => {
                self.state = State::Inside;
                self.put(ESCAPE);
            }
            (State::Escaping, _) => self.state = State::Outside,
        }
        None
    }

    fn put(&mut self, byte: u8) {
        if self.frame.len() < self.capacity {
            self.frame.push(byte);
        } else {
            self.state = State::Outside;
        }
    }
}

/// Appends `data` as one frame to `wire`.
pub fn append_frame(wire: &mut Vec<u8>, data: &[u8]) {
    wire.reserve(data.len() + 2);
    wire.push(END);
    for &byte in data {
        match byte {
            END => wire.extend([ESCAPE, ESCAPED_END]),
            ESCAPE => wire.extend([ESCAPE, ESCAPED_ESCAPE]),
            _ => wire.push(byte),
        }
    }
    wire.push(END);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(empty_frame: EmptyFrame, wire: &[u8], expected: &[&[u8]]) {
        let mut receiver = SlipReceiver::new(empty_frame, 4);
        let frames: Vec<_> = wire
            .iter()
            .filter_map(|&byte| receiver.receive(byte))
            .collect();
        assert_eq!(frames, expected, "{empty_frame:?} {wire:02x?}");
    }

    #[test]
    fn frames_come_out_as_they_went_in() {
        let mut wire = Vec::new();
        append_frame(&mut wire, &[1, END, 2]);
        append_frame(&mut wire, &[ESCAPE]);
        assert_eq!(
            wire,
            [
                END,
                1,
                ESCAPE,
                ESCAPED_END,
                2,
                END,
                END,
                ESCAPE,
                ESCAPED_ESCAPE,
                END
            ]
        );
        for empty_frame in [EmptyFrame::Opens, EmptyFrame::Closes] {
            check(empty_frame, &wire, &[&[1, END, 2], &[ESCAPE]]);
        }
    }

    #[test]
    fn noise_between_frames_and_broken_frames_are_dropped() {
        check(
            EmptyFrame::Closes,
            &[9, 9, END, 1, END, 7, END, 2, END],
            &[&[1], &[2]],
        );
        check(EmptyFrame::Closes, &[END, 1, ESCAPE, 5, 6], &[]);
        check(EmptyFrame::Closes, &[END, 1, 2, 3, 4, 5, 6], &[]);
    }

    #[test]
    fn a_lost_delimiter_puts_only_the_stub_out_of_step() {
        let wire = [END, END, 1, END, END, 2, END, END, 3, END];
        check(EmptyFrame::Opens, &wire, &[&[1], &[2], &[3]]);
        check(EmptyFrame::Closes, &wire, &[]);
        // One more delimiter puts it into step again.
        check(
            EmptyFrame::Closes,
            &[END, END, 1, END, END, END, 2, END],
            &[&[2]],
        );
    }
}
