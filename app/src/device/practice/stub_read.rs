//! The stub's `READ_FLASH`: one packet in flight, each acknowledged by the number of bytes received, and an MD5 of
//! all of them at the end.

use md5::{Digest as _, Md5};

use super::flash::Flash;
use super::slip;
use super::stub::error;
use crate::model::region::Region;

/// A read under way.
#[derive(Debug)]
pub struct Reading {
    region: Region,
    packet: u32,
    flash_size: u32,
    /// Bytes sent so far.
    sent: u32,
    digest: Md5,
    error: Option<u16>,
}

impl Reading {
    /// A read of `region` in packets of `packet` bytes.
    pub fn new(region: Region, packet: u32, flash_size: u32) -> Self {
        Self {
            region,
            packet,
            flash_size,
            sent: 0,
            digest: Md5::new(),
            error: None,
        }
    }

    /// What went wrong, if the read ended for that.
    pub fn error(&self) -> Option<u16> {
        self.error
    }

    /// Sends the first packet. Returns whether the read is over.
    pub fn start(&mut self, flash: &Flash, wire: &mut Vec<u8>) -> bool {
        if self.region.size == 0 {
            self.end(wire);
            return true;
        }
        self.send_packet(flash, wire)
    }

    /// Takes an acknowledgement. Returns whether the read is over.
    ///
    /// Anything but four bytes ends it with the digest of what was sent. The number in it matters only at the end:
    /// before, one acknowledgement more is one packet more.
    pub fn acknowledge(&mut self, frame: &[u8], flash: &Flash, wire: &mut Vec<u8>) -> bool {
        let Ok(received) = frame.try_into().map(u32::from_le_bytes) else {
            self.end(wire);
            return true;
        };
        if self.sent < self.region.size {
            return self.send_packet(flash, wire);
        }
        let over = received >= self.region.size;
        if over {
            self.end(wire);
        }
        over
    }

    fn send_packet(&mut self, flash: &Flash, wire: &mut Vec<u8>) -> bool {
        let len = self.packet.min(self.region.size - self.sent);
        let offset = self.region.offset.wrapping_add(self.sent);
        if len == 0 || Region::new(offset, len).end() > u64::from(self.flash_size) {
            self.error = Some(error::SPI);
            return true;
        }
        let bytes = flash.read(offset, len as usize);
        self.digest.update(&bytes);
        slip::append_frame(wire, &bytes);
        self.sent += len;
        false
    }

    fn end(&mut self, wire: &mut Vec<u8>) {
        slip::append_frame(wire, &self.digest.finalize_reset());
    }
}

#[cfg(test)]
mod tests {
    use md5::{Digest as _, Md5};

    use super::super::bench::Bench;
    use super::super::request::Command;

    /// The frames after the answer to a read, which must have gone well.
    fn start(bench: &mut Bench, offset: u32, size: u32, packet: u32) -> Vec<Vec<u8>> {
        let words = [offset, size, packet, 64];
        let data: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let mut frames = bench.raw(Command::ReadFlash, 0, &data);
        assert_eq!(frames.remove(0)[8..], [0, 0]);
        frames
    }

    #[test]
    fn one_packet_is_in_flight_and_a_digest_ends_it() {
        let mut bench = Bench::with_stub(&[]);
        let data: Vec<u8> = (0..0x2100u32).map(|at| (at / 7) as u8).collect();
        bench.machine.silicon.flash.overwrite(0x1234, &data);
        let mut frames = start(&mut bench, 0x1234, 0x2100, 0x1000);
        let mut read = Vec::new();
        while read.len() < data.len() {
            assert_eq!(frames.len(), 1);
            read.extend(frames.remove(0));
            frames = bench.frame(&(read.len() as u32).to_le_bytes());
        }
        assert_eq!(read, data);
        assert_eq!(frames, [Md5::digest(&data).to_vec()]);
        assert_eq!(
            bench.ask(Command::ReadReg, &[0]).data,
            [0, 0],
            "it takes commands again"
        );
    }

    #[test]
    fn anything_but_an_acknowledgement_ends_it() {
        let mut bench = Bench::with_stub(&[]);
        start(&mut bench, 0, 0x2000, 0x1000);
        assert_eq!(
            bench.frame(&[1, 2, 3, 4, 5]),
            [Md5::digest([0xFF; 0x1000]).to_vec()]
        );
        assert_eq!(bench.ask(Command::ReadReg, &[0]).data, [0, 0]);
    }

    #[test]
    fn packets_that_are_too_long_and_places_past_the_end_are_told_late() {
        for (offset, packet, status) in [
            (0, 0x1001, [0xC0, 0]),
            (0x20_0000, 0x1000, [0xC4, 0]),
            (0, 0, [0xC4, 0]),
        ] {
            let mut bench = Bench::with_stub(&[]);
            assert!(start(&mut bench, offset, 0x2000, packet).is_empty());
            assert_eq!(
                bench.ask(Command::ReadReg, &[0]).data,
                status,
                "{offset:#x} {packet:#x}"
            );
        }
    }

    #[test]
    fn nothing_to_read_is_a_digest_of_nothing() {
        assert_eq!(
            start(&mut Bench::with_stub(&[]), 0, 0, 0x1000),
            [Md5::digest([]).to_vec()]
        );
    }
}
