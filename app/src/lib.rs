//! Flashpack: lay out, pack, write and prove the flash of an ESP32 board.
//!
//! The window ([`ui`]) and the command line ([`cli`]) are two front ends of one [`engine`]. The engine works on plain
//! values ([`model`]), reads and writes [`formats`], and reaches boards through [`device`]; [`store`] keeps files.
//! `docs/architecture.md` says which folder may use which, and a test keeps it so.

pub mod caught;
pub mod cli;
pub mod device;
pub mod engine;
pub mod formats;
pub mod model;
pub mod store;
pub mod ui;
