//! The window: egui is named only here.
//!
//! Panels draw from [`state::AppState`] and push [`action::Action`]s; [`run_command`] is the only place where an action
//! takes effect, once per frame. What is done to a board is done by the engine; what is kept on disk, by the store.
//! [`app`] is where to start reading.

pub mod action;
pub mod app;
pub mod board_files;
pub mod board_history;
pub mod board_job;
pub mod board_link;
pub mod board_memory;
pub mod board_table;
pub mod boot_slot;
pub mod command;
pub mod comparison;
pub mod content_edit;
pub mod derived;
pub mod dialogs;
pub mod document;
pub mod environment;
pub mod failure_report;
pub mod file_dialog;
pub mod files;
pub mod job_ending;
pub mod kept_against;
pub mod layout;
pub mod listening;
pub mod log;
pub mod monitor_actions;
pub mod moved_data;
pub mod name_advice;
pub mod next_board;
pub mod packer_actions;
pub mod packing;
pub mod packing_paths;
pub mod palette;
pub mod panels;
pub mod restoring;
pub mod resume;
pub mod run_command;
pub mod selection;
pub mod several;
pub mod state;
pub mod table_files;
pub mod table_ops;
pub mod table_row_ops;
pub mod text;
pub mod theme;
pub mod theme_ansi;
pub mod widgets;
pub mod window;

pub use window::run;
