//! Replies: what the agent answers, field by field.
//!
//! Each type writes its fields and reads them back; what follows the fields it knows is ignored, so that a newer agent may
//! append. Streams (read, digests, and the pages of a list) send one of these per frame; bytes of flash, digests and rows
//! of the table need no type of their own.

mod info;
mod look_up;
mod proof;

pub use info::{Info, InfoFlags, MapHeader, Peeked, padded};
pub use look_up::{CrcSource, Found, FoundFlags, Listed, ListedFlags, Spot};
pub use proof::{Benched, Cycles, FileSum, RegionSums, SelfTested, Verified};
