//! What a chip says on its serial port: bytes to lines that can be shown, filtered, searched and explained.
//!
//! [`decode`] goes over the bytes once, where they are read: it takes defmt frames out of them and says what an
//! address means. [`scrollback`] turns the rest into lines with colours. Nothing here knows a port, a screen or a
//! clock: times are passed in.

mod addresses;
mod ansi;
pub mod decode;
mod defmt;
pub mod level;
pub mod line;
pub mod outgoing;
pub mod scrollback;
pub mod symbols;
pub mod view;
