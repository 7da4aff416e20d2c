//! The parts of the window. Each draws from the state and pushes actions; none of them does anything itself.

pub mod agent;
pub mod board;
pub mod boot_slots;
pub mod contents;
pub mod drawer;
pub mod drop_overlay;
pub mod file_list;
pub mod inspector;
pub mod log;
pub mod map;
pub mod map_view;
pub mod monitor;
pub mod notice;
pub mod pack_strip;
pub mod port_picker;
pub mod preview;
pub mod problems;
pub mod seen_file;
pub mod several;
pub mod snippets;
pub mod steps;
pub mod table;
pub mod table_cell;
pub mod top_bar;
