//! Makes the answer to each request from what the flash holds.
//!
//! Everything is read through the MMU, where it lies. Here are the answers about the chip and its raw flash; files are
//! looked up in `look_up`, sums made in `proof`. A stream sends its frames as it goes; when something goes wrong in
//! the middle, the frame with the error's number ends it.

mod look_up;
mod proof;

use crate::agent::Action;
use crate::crc::Digests;
use crate::error::Error;
use crate::flash::{Flash, for_each_run, inside, read};
use crate::frame;
use crate::message::{
    HEADER_SIZE, Kind, MAX_DATA, MAX_ENCODED, MAX_PAYLOAD, REPLY, UNKNOWN, Writer,
};
use crate::mmu::{ENTRIES, Hardware, INVALID, Mmu, PAGE_SIZE, Sharing};
use crate::partition_table::{self, DEFAULT_OFFSET, ROW_SIZE};
use crate::reply::{Info, InfoFlags, MapHeader, Peeked, padded};
use crate::request::{MapAction, Request, Width};
use crate::{PROJECT_NAME, PROTOCOL_VERSION, VERSION};

/// Number of the ESP32-C3 in image headers (ESP-IDF, `esp_app_format.h`).
const CHIP_ESP32C3: u16 = 5;
/// Rows of the partition table in one reply.
const ROWS_PER_FRAME: usize = MAX_DATA / ROW_SIZE as usize;

/// What the answers are made with.
#[derive(Debug)]
pub(crate) struct Desk<H> {
    pub(crate) mmu: Mmu<H>,
    digests: Digests,
    reply: Writer,
    encoded: [u8; MAX_ENCODED],
}

/// What an answer came to.
type Answered = Result<Option<Action>, Error>;

impl<H: Hardware> Desk<H> {
    pub(crate) const fn new(mmu: Mmu<H>) -> Self {
        Self {
            mmu,
            digests: Digests::new(),
            reply: Writer::new(),
            encoded: [0; MAX_ENCODED],
        }
    }

    /// Answers one request; `kind` and `sequence` are echoed.
    pub(crate) fn answer(
        &mut self,
        kind: u8,
        sequence: u16,
        request: &Request<'_>,
        send: &mut dyn FnMut(&[u8]),
    ) -> Answered {
        self.reply.begin(kind | REPLY, 0, sequence);
        match *request {
            Request::Info => self.info(),
            Request::Find { place, flags, path } => self.find(&place, flags, path)?,
            Request::Read { offset, size } => return self.read(offset, size, send),
            Request::Restart { into } => {
                self.send(send);
                return Ok(Some(Action::Restart(into)));
            }
            Request::FindMany { place, names } => self.find_many(&place, &names)?,
            Request::List { place, start, path } => self.list(&place, start, path)?,
            Request::Table {
                table_offset,
                start,
            } => self.table(table_offset, start)?,
            Request::Map { action } => self.map(action)?,
            Request::Peek { offset, width } => self.peek(offset, width)?,
            Request::CrcRegion { offset, size } => self.crc_region(offset, size)?,
            Request::CrcFile { place, path } => self.crc_file(&place, path)?,
            Request::Verify { place, path } => self.verify(&place, path)?,
            Request::Digests { offset, size } => return self.sector_digests(offset, size, send),
            Request::SelfTest { offset, size } => self.self_test(offset, size)?,
            Request::SetBaud { baud } => {
                self.send(send);
                return Ok(Some(Action::SetBaud(baud)));
            }
            Request::Bench {
                place,
                count,
                flags,
                path,
            } => self.bench(&place, count, flags, path)?,
        }
        self.send(send);
        Ok(None)
    }

    /// Answers with an error's number.
    pub(crate) fn fail(
        &mut self,
        kind: u8,
        sequence: u16,
        error: Error,
        send: &mut dyn FnMut(&[u8]),
    ) {
        self.reply.begin(kind | REPLY, error.number(), sequence);
        self.send(send);
    }

    fn send(&mut self, send: &mut dyn FnMut(&[u8])) {
        // Both are `Some`: every reply is bounded by `MAX_MESSAGE`, and `encoded` holds that with its frame.
        if let Some(frame) = self
            .reply
            .message()
            .and_then(|message| frame::encode(message, &mut self.encoded))
        {
            send(frame);
        }
    }

    fn info_flags(&self) -> InfoFlags {
        let sliding = if self.mmu.is_sliding() {
            InfoFlags::SLIDING
        } else {
            0
        };
        let shared = if self.mmu.sharing() == Sharing::Shared {
            InfoFlags::SHARED
        } else {
            0
        };
        InfoFlags(sliding | shared)
    }

    fn info(&mut self) {
        let info = Info {
            protocol: PROTOCOL_VERSION,
            chip: CHIP_ESP32C3,
            capabilities: Kind::ALL
                .into_iter()
                .fold(0, |bits, kind| bits | kind.capability()),
            flash_size: self.mmu.size(),
            table_offset: DEFAULT_OFFSET,
            mmu_entries: u16::from(ENTRIES),
            mmu_free: self.mmu.usage().free,
            page_size: PAGE_SIZE,
            max_request: MAX_PAYLOAD as u16,
            flags: self.info_flags(),
            cpu_hz: self.mmu.hardware().cpu_hz(),
            project: padded(PROJECT_NAME),
            version: padded(VERSION),
        };
        info.write(&mut self.reply);
    }

    /// u32 rows in all, u32 number of the first, then 32 bytes a row as stored, the MD5 row included.
    fn table(&mut self, offset: u32, start: u32) -> Result<(), Error> {
        let offset = table_offset(offset);
        self.reply.u32(0);
        self.reply.u32(start);
        let (mut rows, mut sent) = (0_u32, 0_usize);
        while let Some(row) = partition_table::row(&mut self.mmu, offset, rows)? {
            if rows >= start && sent < ROWS_PER_FRAME {
                self.reply.bytes(&row);
                sent = sent.saturating_add(1);
            }
            rows = rows.saturating_add(1);
        }
        if rows == 0 {
            return Err(Error::NoTable);
        }
        self.reply.patch_u32(HEADER_SIZE, rows);
        Ok(())
    }

    fn map(&mut self, action: MapAction) -> Result<(), Error> {
        match action {
            MapAction::Report => {}
            MapAction::All => self.mmu.map_all()?,
            MapAction::Release => self.mmu.release(),
        }
        let usage = self.mmu.usage();
        let header = MapHeader {
            entries: u16::from(ENTRIES),
            free: usage.free,
            own: usage.own,
            flags: self.info_flags(),
        };
        header.write(&mut self.reply);
        for index in 0..ENTRIES {
            let entry = self.mmu.hardware().entry(index);
            let own = if self.mmu.is_own(index) {
                MapHeader::OWN
            } else {
                0
            };
            let invalid = if entry & INVALID == 0 {
                0
            } else {
                MapHeader::INVALID
            };
            self.reply
                .u16((entry as u16 & MapHeader::PAGE) | invalid | own);
        }
        Ok(())
    }

    fn peek(&mut self, offset: u32, width: Width) -> Result<(), Error> {
        let value = match width {
            Width::One => u32::from_le_bytes([read::<1, _>(&mut self.mmu, offset)?[0], 0, 0, 0]),
            Width::Two => u32::from(u16::from_le_bytes(read(&mut self.mmu, offset)?)),
            Width::Four => u32::from_le_bytes(read(&mut self.mmu, offset)?),
        };
        let vaddr = self.mmu.map(offset, width as u32)?.vaddr;
        Peeked {
            offset,
            value,
            vaddr,
        }
        .write(&mut self.reply);
        Ok(())
    }

    /// Starts another frame of the same stream: the header stays, what follows is new.
    fn next_frame(&mut self) {
        self.reply.truncate(HEADER_SIZE);
    }

    /// u32 offset and up to [`MAX_DATA`] bytes a frame; an empty region gives one frame without data.
    fn read(&mut self, offset: u32, size: u32, send: &mut dyn FnMut(&[u8])) -> Answered {
        if !inside(offset, size, self.mmu.size()) {
            return Err(Error::OutOfRange);
        }
        let end = offset.saturating_add(size);
        let mut at = offset;
        loop {
            let len = end.saturating_sub(at).min(MAX_DATA as u32);
            self.next_frame();
            self.reply.u32(at);
            let reply = &mut self.reply;
            for_each_run(&mut self.mmu, at, len, |run| reply.bytes(run))?;
            self.send(send);
            at = at.saturating_add(len);
            if at >= end {
                return Ok(None);
            }
        }
    }
}

/// The table offset that a request means.
fn table_offset(asked: u32) -> u32 {
    if asked == UNKNOWN {
        DEFAULT_OFFSET
    } else {
        asked
    }
}
