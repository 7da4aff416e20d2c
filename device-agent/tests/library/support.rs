//! A chip to run the agent on, images to put into its flash, and a host's end of the wire.

use device_agent::agent::{Action, Agent};
use device_agent::crc::crc32;
use device_agent::frame::{self, Decoder};
use device_agent::message::{MAX_DECODED, MAX_ENCODED, ReplyHeader, Writer};
use device_agent::mmu::{ENTRIES, Hardware, INVALID, PAGE_MASK, PAGE_SIZE, Sharing};
use device_agent::request::{Place, Request};

pub const KIB: usize = 1024;
pub const MIB: usize = 1024 * KIB;
/// Where the support's table puts the partition `bin`.
pub const BIN_OFFSET: u32 = 0x10_0000;

/// A chip whose cache shows an entry as it was at its last invalidation: what a chip without coherence does at worst.
pub struct FakeChip {
    pub flash: Vec<u8>,
    pub entries: [u32; ENTRIES as usize],
    /// The flash page that the cache holds of each entry.
    cached: [Option<u8>; ENTRIES as usize],
    pub rom_works: bool,
    pub time: std::cell::Cell<u32>,
    garbage: Vec<u8>,
}

impl FakeChip {
    pub fn new(flash: Vec<u8>) -> Self {
        Self {
            flash,
            entries: [INVALID; ENTRIES as usize],
            cached: [None; ENTRIES as usize],
            rom_works: true,
            time: std::cell::Cell::new(0),
            garbage: vec![0xEE; PAGE_SIZE as usize],
        }
    }
}

impl Hardware for FakeChip {
    fn flash_size(&self) -> u32 {
        self.flash.len() as u32
    }

    fn entry(&self, index: u8) -> u32 {
        self.entries[usize::from(index)]
    }

    fn set_entry(&mut self, index: u8, value: u32) {
        self.entries[usize::from(index)] = value;
    }

    fn invalidate(&mut self, index: u8) {
        let value = self.entries[usize::from(index)];
        self.cached[usize::from(index)] =
            (value & INVALID == 0).then_some((value & PAGE_MASK) as u8);
    }

    fn page(&self, index: u8) -> &[u8] {
        self.time.set(self.time.get().wrapping_add(7));
        let Some(page) = self.cached[usize::from(index)] else {
            return &self.garbage;
        };
        let start = usize::from(page) * PAGE_SIZE as usize;
        let end = (start + PAGE_SIZE as usize).min(self.flash.len());
        self.flash.get(start..end).unwrap_or(&self.garbage)
    }

    fn rom_read(&mut self, offset: u32, into: &mut [u8]) -> bool {
        let start = offset as usize;
        if let Some(bytes) = self.flash.get(start..start + into.len()) {
            into.copy_from_slice(bytes);
            return self.rom_works;
        }
        false
    }

    fn cycles(&self) -> u32 {
        self.time.get()
    }
}

/// What is in an image.
pub enum Node {
    File(Vec<u8>),
    Folder(Vec<(&'static str, Node)>),
}

/// An image with index and check records, written straight from the format's description (DESIGN §3.2).
pub fn image(nodes: &[(&str, Node)]) -> Vec<u8> {
    let files: Vec<(String, Vec<u8>)> = nodes
        .iter()
        .map(|(name, node)| ((*name).to_owned(), bytes_of(node)))
        .collect();
    indexed(&files)
}

fn bytes_of(node: &Node) -> Vec<u8> {
    match node {
        Node::File(bytes) => bytes.clone(),
        Node::Folder(nodes) => {
            let files: Vec<(String, Vec<u8>)> = nodes
                .iter()
                .map(|(name, node)| ((*name).to_owned(), bytes_of(node)))
                .collect();
            indexed(&files)
        }
    }
}

/// An image of plain files, sorted, with 8 spare entries.
pub fn indexed(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut files = files.to_vec();
    files.sort_by_key(|(name, _)| stored(name));
    let index_at = 16 * (1 + files.len() + 8);
    let mut image = vec![0xFF; index_at + 32];
    put_entry(&mut image, 0, index_at, 32, "!");
    for (slot, (name, bytes)) in files.iter().enumerate() {
        image.resize(image.len().next_multiple_of(16), 0xFF);
        let at = image.len();
        put_entry(&mut image, slot + 1, at, bytes.len(), name);
        image.extend(bytes);
        image.resize(image.len().next_multiple_of(4), 0xFF);
        image.extend(crc32(bytes).to_le_bytes());
        image.extend((bytes.len() as u32).to_le_bytes());
    }
    image.resize(image.len().next_multiple_of(16), 0xFF);
    seal(&mut image, index_at, files.len());
    image
}

/// Writes the index anew, so that its sum fits the directory as it is now.
pub fn seal(image: &mut [u8], index_at: usize, entries: usize) {
    let sum = crc32(&image[..index_at]);
    let mut index = b"FPB1\x01\0\x03\0".to_vec();
    index.extend((entries as u32).to_le_bytes());
    index.extend(sum.to_le_bytes());
    index.extend([0; 16]);
    image[index_at..index_at + 32].copy_from_slice(&index);
}

/// An image as the seed's `bin_pack.py` writes it: no index, files in the order given.
pub fn plain(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut image = vec![0xFF; 16 * (files.len() + 1)];
    for (slot, (name, bytes)) in files.iter().enumerate() {
        let at = image.len();
        put_entry(&mut image, slot, at, bytes.len(), name);
        image.extend(*bytes);
        image.resize(image.len().next_multiple_of(16), 0xFF);
    }
    image
}

pub fn put_entry(image: &mut [u8], slot: usize, offset: usize, size: usize, name: &str) {
    let entry = &mut image[16 * slot..16 * slot + 16];
    entry[..4].copy_from_slice(&(offset as u32).to_le_bytes());
    entry[4..8].copy_from_slice(&(size as u32).to_le_bytes());
    entry[8..].copy_from_slice(&stored(name));
}

pub fn stored(name: &str) -> [u8; 8] {
    let mut bytes = [0; 8];
    bytes[..name.len()].copy_from_slice(name.as_bytes());
    bytes
}

/// Flash with a table at 0x8000 that has `bin` (all behind 1 MiB) and `other` (64 KiB in the middle of nowhere).
pub fn flash(size: usize, image: &[u8]) -> Vec<u8> {
    let mut flash = vec![0xFF; size];
    let room = size as u32 - BIN_OFFSET;
    for (number, (label, offset, len)) in [
        ("nvs", 0x9000, 0x6000),
        ("bin", BIN_OFFSET, room),
        ("other", 0xF_0000, 0x1_0000),
    ]
    .iter()
    .enumerate()
    {
        let row = &mut flash[0x8000 + 32 * number..0x8000 + 32 * (number + 1)];
        row[..4].copy_from_slice(&[0xAA, 0x50, 1, 6]);
        row[4..8].copy_from_slice(&u32::to_le_bytes(*offset));
        row[8..12].copy_from_slice(&u32::to_le_bytes(*len));
        row[12..28].fill(0);
        row[12..12 + label.len()].copy_from_slice(label.as_bytes());
        row[28..].fill(0);
    }
    flash[0x8060..0x8070].copy_from_slice(b"\xEB\xEB\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    flash[BIN_OFFSET as usize..BIN_OFFSET as usize + image.len()].copy_from_slice(image);
    flash
}

/// The partition `bin` by the table at its usual place.
pub fn place() -> Place {
    Place::new(0x8000, b"bin").unwrap()
}

/// A host's end: asks, and gives the replies.
pub struct Host {
    pub agent: Agent<FakeChip>,
    pub sequence: u16,
    pub action: Option<Action>,
}

impl Host {
    pub fn new(flash: Vec<u8>) -> Self {
        Self::on(FakeChip::new(flash), Sharing::Alone)
    }

    pub fn on(chip: FakeChip, sharing: Sharing) -> Self {
        Self {
            agent: Agent::new(chip, sharing),
            sequence: 0,
            action: None,
        }
    }

    /// Every reply to one request: status and fields.
    pub fn ask(
        &mut self,
        request: &Request<'_>,
    ) -> Vec<(Result<(), device_agent::error::Error>, Vec<u8>)> {
        self.sequence = self.sequence.wrapping_add(1);
        let mut writer = Writer::new();
        request.write(self.sequence, &mut writer);
        let mut encoded = [0; MAX_ENCODED];
        let frame = frame::encode(writer.message().unwrap(), &mut encoded)
            .unwrap()
            .to_vec();
        let (kind, sequence) = (request.kind().number(), self.sequence);
        self.feed(&frame)
            .into_iter()
            .map(|message| {
                let (header, fields) = ReplyHeader::parse(&message).unwrap();
                assert_eq!((header.kind, header.sequence), (kind, sequence));
                (header.status, fields.to_vec())
            })
            .collect()
    }

    /// The one reply to a request; panics with the agent's error.
    pub fn one(&mut self, request: &Request<'_>) -> Vec<u8> {
        let mut replies = self.ask(request);
        assert_eq!(replies.len(), 1);
        let (status, fields) = replies.remove(0);
        status.unwrap();
        fields
    }

    /// The error that a request is refused with.
    pub fn refusal(&mut self, request: &Request<'_>) -> device_agent::error::Error {
        let replies = self.ask(request);
        replies.last().unwrap().0.unwrap_err()
    }

    /// Sends raw bytes and gives the messages that came back.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut messages = Vec::new();
        let mut decoder = Decoder::<MAX_DECODED>::new();
        for &byte in bytes {
            let action = self.agent.receive(byte, &mut |frame| {
                for &byte in frame {
                    if let Some(message) = decoder.push(byte) {
                        messages.push(message.to_vec());
                    }
                }
            });
            self.action = action.or(self.action);
        }
        messages
    }
}

/// Numbers that only look random: the same for the same seed (xorshift64*).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32) as u32
    }

    pub fn below(&mut self, bound: u32) -> u32 {
        self.next() % bound
    }

    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next() as u8).collect()
    }
}
