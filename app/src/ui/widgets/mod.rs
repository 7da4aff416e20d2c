//! Pieces that draw values and report what was done to them; they know no state of the window.

pub mod boot_buttons;
pub mod command_button;
pub mod flash_map;
pub mod gauge;
pub mod hex_search;
pub mod hex_view;
pub mod icon;
pub mod list_row;
mod map_edge;
mod map_keys;
pub mod map_scale;
pub mod plot;
pub mod segment_paint;
