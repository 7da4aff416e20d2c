//! A session's reading: packets that are acknowledged, and the stub's MD5 over all of them.
//!
//! What arrives damaged is asked again in smaller pieces; every byte that is returned was covered by a digest. Nothing
//! protects the command that says what to read, and that digest is of what was sent: so it is asked besides whether bytes
//! that are not everywhere the same lie where they should.

use std::time::Duration;

use espflash::command::Command;
use md5::{Digest as _, Md5};

use super::error::DeviceError;
use super::exchange::Failure;
use super::loader_error::failed;
use super::session::{Go, Session};
use crate::model::cost::{Part, Work};
use crate::model::region::Region;

/// Bytes of one packet; the stub sends no larger ones.
const PACKET: u32 = 0x1000;
/// Bytes that are compared to recognise a place.
const PAGE: usize = 256;
/// Bytes of the smallest piece that is asked for after errors.
const LEAST_PIECE: u32 = 0x400;
/// Errors without a piece in between before a read fails.
const TRIES: u32 = 12;

impl Session {
    /// Reads a region. `received` hears how many bytes are here and returns whether to go on; stopping leaves the
    /// session usable.
    pub fn read(
        &mut self,
        region: Region,
        received: &mut dyn FnMut(u64) -> Go,
    ) -> Result<Vec<u8>, DeviceError> {
        let mut bytes: Vec<u8> = Vec::with_capacity(region.size as usize);
        let (mut piece, mut errors, mut told) = (region.size, 0, 0);
        while bytes.len() < region.size as usize {
            let done = bytes.len() as u32;
            let open = Region::new(region.offset + done, piece.min(region.size - done));
            // What a failed piece had counted already is not counted back.
            let mut heard = |within: u64| {
                told = (u64::from(done) + within).max(told);
                received(told)
            };
            match self.read_piece(open, &mut heard) {
                Ok(data) => {
                    bytes.extend_from_slice(&data);
                    errors = 0;
                }
                Err(
                    error @ (DeviceError::Cancelled
                    | DeviceError::Gone { .. }
                    | DeviceError::Erased { .. }),
                ) => {
                    return Err(error);
                }
                Err(error) => {
                    errors += 1;
                    if errors >= TRIES || !self.resync()? {
                        return Err(error);
                    }
                    piece = (open.size / 2).max(LEAST_PIECE);
                }
            }
        }
        Ok(bytes)
    }

    fn read_piece(
        &mut self,
        region: Region,
        received: &mut dyn FnMut(u64) -> Go,
    ) -> Result<Vec<u8>, DeviceError> {
        let time = self.patience_for(self.link().carry(u64::from(PACKET)));
        let command = Command::ReadFlash {
            offset: region.offset,
            size: region.size,
            block_size: PACKET,
            max_in_flight: 1,
        };
        self.command(command, time, "reading", region.offset)?;
        let mut bytes = Vec::with_capacity(region.size as usize);
        while bytes.len() < region.size as usize {
            let at = region.offset + bytes.len() as u32;
            let wrong = |port: &str, failure: Failure| failed(port, "reading", at, failure);
            let data = self
                .exchange
                .next_frame(time)
                .map_err(|failure| wrong(&self.port, failure))?;
            bytes.extend_from_slice(&data);
            if bytes.len() > region.size as usize {
                return Err(self.protocol(format!("a packet of {} bytes did not fit", data.len())));
            }
            if received(bytes.len() as u64) == Go::Stop && bytes.len() < region.size as usize {
                // The stub takes any frame that is no acknowledgement for the end of the read.
                self.resync()?;
                return Err(DeviceError::Cancelled);
            }
            self.exchange
                .send_raw(&(bytes.len() as u32).to_le_bytes(), time)
                .map_err(|failure| wrong(&self.port, failure))?;
        }
        let digest = self.read_digest(time, region)?;
        if digest != Md5::digest(&bytes).as_slice() {
            return Err(
                self.protocol("the digest of the read bytes differs from the board's".into())
            );
        }
        self.check_place(region, &bytes)?;
        Ok(bytes)
    }

    /// Whether these bytes are those of the region that was meant. A few of them tell, if there are any that other places
    /// hardly hold; on a line that showed damage all of them are asked about.
    fn check_place(&mut self, region: Region, bytes: &[u8]) -> Result<(), DeviceError> {
        let telling = |page: &&[u8]| page.iter().any(|byte| *byte != page[0]);
        let pages: Vec<Region> = (region.offset..)
            .step_by(PAGE)
            .zip(bytes.chunks_exact(PAGE))
            .filter(|(_, page)| telling(page))
            .map(|(offset, _)| Region::new(offset, PAGE as u32))
            .collect();
        let asked = match (pages.first(), pages.last()) {
            (Some(first), Some(last)) if region.size > PACKET && !self.disturbed => [*first, *last],
            _ => [region, Region::new(region.offset, 0)],
        };
        for part in asked.into_iter().filter(|part| part.size > 0) {
            let start = (part.offset - region.offset) as usize;
            let wanted: [u8; 16] = Md5::digest(&bytes[start..start + part.size as usize]).into();
            // Nothing protects this question either: a *no* is asked for twice.
            if self.md5(part)? != wanted && self.md5(part)? != wanted {
                return Err(self.protocol(format!(
                    "what was read at 0x{:X} came from somewhere else",
                    region.offset
                )));
            }
        }
        Ok(())
    }

    fn read_digest(&mut self, time: Duration, region: Region) -> Result<Vec<u8>, DeviceError> {
        let hashing = Work::md5(u64::from(region.size)).time(Part::SLOW);
        let time = time + self.patience_for(hashing);
        self.exchange
            .next_frame(time)
            .map_err(|failure| failed(&self.port, "reading", region.offset, failure))
    }
}
