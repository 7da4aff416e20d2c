//! Does the work: connect, read, write, verify, erase, ask the agent, pack.
//!
//! A job starts from an immutable [`request::Request`], runs on the one thread of its port ([`worker`]), reports
//! [`event::Event`]s and ends in exactly one way. Neither a window nor a terminal is known here: a front end is woken
//! by a plain callback and folds the events with [`job_state`].

pub mod agent_replaced;
pub mod backup;
pub mod boot_choice;
pub mod cancel;
pub mod compare_files;
pub mod compress;
pub mod destroyed;
pub mod diff;
pub mod elf;
pub mod error;
pub mod event;
pub mod guard;
pub mod job_state;
pub mod monitor;
pub mod monitor_input;
pub mod moves;
pub mod pack;
pub mod packer;
pub mod plan;
pub mod plan_view;
pub mod port_watch;
pub mod ports;
pub mod read;
pub mod request;
pub mod several;
pub mod surroundings;
pub mod table_change;
mod watch;
pub mod worker;

mod agent_digests;
mod agent_in_flash;
mod agent_map;
mod ask_agent;
mod bench_agent;
mod board_link;
mod detect;
mod erase;
mod flash_fault;
mod guard_job;
mod interruption;
mod job;
mod load;
mod memory;
mod neighbours;
mod pace;
mod pack_other;
mod proven;
mod scan;
mod sector_cost;
mod send;
mod stray;
mod stray_kept;
mod stray_watch;
mod what_boots;
mod whole;
mod write;
