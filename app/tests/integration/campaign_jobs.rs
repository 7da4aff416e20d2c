//! The reference jobs of the campaigns: what the board holds before, what it is asked to do, what it must hold then.

use std::sync::Arc;

use flashpack::engine::read::PiecesWanted;
use flashpack::engine::request::Request;
use flashpack::formats::{partition_bin, partition_csv};
use flashpack::model::flash_plan::{FlashPlan, PlannedWrite, Role};
use flashpack::model::partition_table::TableSettings;
use flashpack::model::region::Region;

/// A seeded generator: xorshift with a multiplication (Vigna's xorshift64*).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }

    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(len + 8);
        while bytes.len() < len {
            bytes.extend(self.next().to_le_bytes());
        }
        bytes.truncate(len);
        bytes
    }
}

/// A job: what the board holds before, what it is asked to do, and what it must hold then.
pub struct Job {
    pub before: Vec<(u32, Vec<u8>)>,
    pub request: Request,
    pub after: Vec<(u32, Vec<u8>)>,
    /// The sectors that it may touch.
    pub target: Vec<Region>,
    /// The sector of the partition table that it replaces, as it was: from the first erase on, this must be kept.
    pub old_table: Option<Vec<u8>>,
}

impl Job {
    fn write(before: Vec<(u32, Vec<u8>)>, writes: Vec<PlannedWrite>) -> Self {
        let after = writes
            .iter()
            .map(|write| (write.offset, write.bytes.to_vec()));
        Self {
            before,
            after: after.collect(),
            target: writes
                .iter()
                .map(|write| write.region().sectors())
                .collect(),
            request: Request::Write(Arc::new(FlashPlan::new(writes))),
            old_table: None,
        }
    }

    fn erase(region: Region) -> Self {
        Self {
            before: Vec::new(),
            after: vec![(region.offset, vec![0xFF; region.size as usize])],
            target: vec![region],
            request: Request::Erase(region),
            old_table: None,
        }
    }

    /// Touches nothing.
    fn read(before: Vec<(u32, Vec<u8>)>, regions: Vec<Region>) -> Self {
        let wanted = PiecesWanted {
            regions,
            ..PiecesWanted::default()
        };
        Self {
            before,
            after: Vec::new(),
            target: Vec::new(),
            request: Request::ReadPieces(Arc::new(wanted)),
            old_table: None,
        }
    }
}

fn write(role: Role, target: &str, offset: u32, bytes: &[u8]) -> PlannedWrite {
    PlannedWrite {
        role,
        target: target.into(),
        source: "campaign".into(),
        offset,
        bytes: bytes.to_vec().into(),
        destroys: Vec::new(),
    }
}

/// Where the partition table lies.
pub const TABLE: u32 = 0x8000;
const TABLE_SECTOR: usize = 0x1000;

/// A valid binary table: what every chip needs, an app, `bin`, and what else is said.
fn table(more: &str) -> Vec<u8> {
    let csv = format!(
        "nvs,data,nvs,0x9000,0x4000,\notadata,data,ota,0xd000,0x2000,\n\
         app,app,ota_0,0x10000,0x80000,\nbin,data,0x80,0x100000,0x80000,\n{more}"
    );
    let reading = partition_csv::read(csv.as_bytes(), TableSettings::default(), &|_| None);
    partition_bin::write(&reading.table).expect("these rows fit a table")
}

/// What the reference jobs are, by their numbers.
pub const NAMES: [&str; JOBS as usize] = [
    "write to blank flash",
    "write what differs in some sectors",
    "write that shares its first and last sector",
    "write of text, then otadata",
    "erase",
    "change of the partition table, after data",
    "read in two pieces",
];

/// Reference jobs, one per number from 0.
pub const JOBS: u64 = 7;

pub fn job(number: u64) -> Job {
    let mut random = Random::new(1000 + number);
    let blank = |len: usize| vec![0xFF; len];
    match number {
        // A blank chip.
        0 => Job::write(
            vec![(0x10_0000, blank(0x1_0000))],
            vec![write(Role::Data, "bin", 0x10_0000, &random.bytes(0x1_0000))],
        ),
        // Some sectors of an image changed; long runs of one value, as packs have them.
        1 => {
            let mut old = random.bytes(0x1_0000);
            old[0x6000..0x9000].fill(0xFF);
            old[0xC000..].fill(0);
            let mut new = old.clone();
            for at in [0x10, 0x3FFF, 0x4000, 0x8800, 0xF123] {
                new[at] ^= 0x5A;
            }
            new[0x2000..0x3000].fill(0xFF);
            Job::write(
                vec![(0x11_0000, old)],
                vec![write(Role::Data, "bin", 0x11_0000, &new)],
            )
        }
        // Ends that share their sectors with somebody else.
        2 => Job::write(
            Vec::new(),
            vec![write(Role::Data, "bin", 0x12_0200, &random.bytes(0xEC00))],
        ),
        // Text that packs well, in two places, the second after the first.
        3 => {
            let text: Vec<u8> = (0..0xF000u32)
                .flat_map(|at| format!("{} ", at % 1013).into_bytes())
                .take(0xF000)
                .collect();
            Job::write(
                vec![(0x14_0000, blank(0x4000))],
                vec![
                    write(Role::Data, "bin", 0x14_0000, &text),
                    write(Role::OtaData, "otadata", 0xD000, &random.bytes(0x1000)),
                ],
            )
        }
        // Sectors and a whole block.
        4 => Job::erase(Region::new(0x15_E000, 0x1_4000)),
        // A table with one partition more, after the data of that partition.
        5 => {
            let mut old = table("");
            old.resize(TABLE_SECTOR, 0xFF);
            let new = table("files,data,fat,0x180000,0x40000,\n");
            let writes = vec![
                write(Role::Table, "partition table", TABLE, &new),
                write(Role::Data, "files", 0x18_0000, &random.bytes(0x4000)),
            ];
            Job {
                old_table: Some(old.clone()),
                ..Job::write(vec![(TABLE, old)], writes)
            }
        }
        // Two reads that begin and end anywhere, together 64 KiB; what frames are made of is in them, and blank flash.
        _ => {
            let mut held = random.bytes(0x1_8000);
            held[0x1000..0x1800].fill(0xC0);
            held[0x2000..0x2400].fill(0xDB);
            held[0x8000..0xB000].fill(0xFF);
            Job::read(
                vec![(0x1C_0000, held)],
                vec![
                    Region::new(0x1C_0123, 0x9ABC),
                    Region::new(0x1C_D001, 0x6544),
                ],
            )
        }
    }
}
