//! Flashpack: lay out, pack, write and prove the flash of an ESP32 board.

pub mod cli;
pub mod device;
pub mod engine;
pub mod formats;
pub mod model;
pub mod store;
