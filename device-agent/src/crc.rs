//! CRC-32 as zlib computes it and CRC-32C (Castagnoli), over bytes in hand.
//!
//! [`crc32`] takes the four bits at a time from a table of 64 bytes and serves frames and other short things. [`Digests`]
//! computes both sums over a sector at once with tables of 1 KiB for each of four bytes; on the chip it lies in RAM that
//! the loader need not fill, so the tables are made at the first use.

/// Reflected polynomial of zlib's CRC-32 (0x04C11DB7).
const ZLIB: u32 = 0xEDB8_8320;
/// Reflected polynomial of CRC-32C (0x1EDC6F41).
const CASTAGNOLI: u32 = 0x82F6_3B78;

/// One step of eight bits for `byte` in the lowest place.
const fn shift(mut value: u32, polynomial: u32, bits: u32) -> u32 {
    let mut bit = 0;
    while bit < bits {
        value = if value & 1 == 1 {
            (value >> 1) ^ polynomial
        } else {
            value >> 1
        };
        bit = bit.wrapping_add(1);
    }
    value
}

const fn nibbles() -> [u32; 16] {
    let mut table = [0; 16];
    let mut index = 0_u32;
    // `while` and a pattern, because constants cannot iterate or index without a check.
    let mut rest: &mut [u32] = &mut table;
    while let [first, others @ ..] = rest {
        *first = shift(index, ZLIB, 4);
        index = index.wrapping_add(1);
        rest = others;
    }
    table
}

static NIBBLES: [u32; 16] = nibbles();

/// A CRC-32 (zlib) that is being computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crc32(u32);

impl Crc32 {
    /// Of no bytes yet.
    pub const fn new() -> Self {
        Self(u32::MAX)
    }

    /// Takes more bytes in.
    pub fn update(&mut self, bytes: &[u8]) {
        let mut value = self.0;
        for &byte in bytes {
            value ^= u32::from(byte);
            value = (value >> 4) ^ nibble(value);
            value = (value >> 4) ^ nibble(value);
        }
        self.0 = value;
    }

    /// The sum of all bytes so far.
    pub const fn value(self) -> u32 {
        !self.0
    }
}

impl Default for Crc32 {
    fn default() -> Self {
        Self::new()
    }
}

fn nibble(value: u32) -> u32 {
    NIBBLES.get((value & 15) as usize).copied().unwrap_or(0)
}

/// CRC-32 (zlib) of `bytes`; of `123456789` it is 0xCBF43926.
pub fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = Crc32::new();
    crc.update(bytes);
    crc.value()
}

/// Four tables of one polynomial: `slices[k][b]` is byte `b` followed by `k` zero bytes.
type Slices = [[u32; 256]; 4];

/// Computes both sums at a few cycles a byte. 8 KiB.
#[derive(Debug)]
pub struct Digests {
    ready: bool,
    zlib: Slices,
    castagnoli: Slices,
}

/// Both sums of one run of bytes, while they are being computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sums {
    zlib: u32,
    castagnoli: u32,
}

impl Sums {
    /// Of no bytes yet.
    pub const fn new() -> Self {
        Self {
            zlib: u32::MAX,
            castagnoli: u32::MAX,
        }
    }

    /// CRC-32 as zlib computes it.
    pub const fn zlib(self) -> u32 {
        !self.zlib
    }

    /// CRC-32C; of `123456789` it is 0xE3069283.
    pub const fn castagnoli(self) -> u32 {
        !self.castagnoli
    }
}

impl Default for Sums {
    fn default() -> Self {
        Self::new()
    }
}

impl Digests {
    /// All zero: the tables are made at the first use.
    pub const fn new() -> Self {
        Self {
            ready: false,
            zlib: [[0; 256]; 4],
            castagnoli: [[0; 256]; 4],
        }
    }

    /// Takes `bytes` into both sums.
    pub fn update(&mut self, sums: &mut Sums, bytes: &[u8]) {
        self.prepare();
        let (words, rest) = bytes.as_chunks::<4>();
        let (mut zlib, mut castagnoli) = (sums.zlib, sums.castagnoli);
        for word in words {
            let word = u32::from_le_bytes(*word);
            zlib = step(&self.zlib, zlib ^ word);
            castagnoli = step(&self.castagnoli, castagnoli ^ word);
        }
        *sums = Sums {
            zlib: run(&self.zlib, zlib, rest),
            castagnoli: run(&self.castagnoli, castagnoli, rest),
        };
    }

    /// Takes `bytes` into zlib's sum alone, at half the cost.
    pub fn update_zlib(&mut self, sums: &mut Sums, bytes: &[u8]) {
        self.prepare();
        sums.zlib = run(&self.zlib, sums.zlib, bytes);
    }

    fn prepare(&mut self) {
        if !self.ready {
            fill(&mut self.zlib, ZLIB);
            fill(&mut self.castagnoli, CASTAGNOLI);
            self.ready = true;
        }
    }
}

impl Default for Digests {
    fn default() -> Self {
        Self::new()
    }
}

/// Takes bytes into one sum.
fn run(slices: &Slices, mut value: u32, bytes: &[u8]) -> u32 {
    let (words, rest) = bytes.as_chunks::<4>();
    for word in words {
        value = step(slices, value ^ u32::from_le_bytes(*word));
    }
    for &byte in rest {
        value = (value >> 8) ^ entry(&slices[0], value ^ u32::from(byte));
    }
    value
}

/// Four bytes at once: the lowest has three more bytes behind it, the highest none.
#[expect(
    clippy::inline_always,
    reason = "called for every word of flash; optimizing for size would not inline it"
)]
#[inline(always)]
fn step(slices: &Slices, value: u32) -> u32 {
    let [none, one, two, three] = slices;
    entry(three, value)
        ^ entry(two, value >> 8)
        ^ entry(one, value >> 16)
        ^ entry(none, value >> 24)
}

#[expect(clippy::inline_always, reason = "as above")]
#[inline(always)]
fn entry(table: &[u32; 256], value: u32) -> u32 {
    // The mask makes the index provably small, so no check is left in the code.
    table.get((value & 0xFF) as usize).copied().unwrap_or(0)
}

fn fill(slices: &mut Slices, polynomial: u32) {
    let [none, one, two, three] = slices;
    for (byte, slot) in (0_u32..).zip(none.iter_mut()) {
        *slot = shift(byte, polynomial, 8);
    }
    for (byte, ((one, two), three)) in (0_u32..).zip(one.iter_mut().zip(two).zip(three)) {
        *one = follow(none, entry(none, byte));
        *two = follow(none, *one);
        *three = follow(none, *two);
    }
}

fn follow(table: &[u32; 256], value: u32) -> u32 {
    (value >> 8) ^ entry(table, value)
}
