//! `flashpack info`: what a board says of itself, and what it would boot.

use serde::Serialize;

use super::args::BoardOnly;
use super::board::Board;
use super::failure::Failure;
use super::report::Report;
use crate::engine::event::Outcome;
use crate::engine::request::Request;
use crate::model::boots::{AppFacts, Boots};
use crate::model::chip::BoardIdentity;
use crate::model::number::{hex, human_size};

#[derive(Serialize)]
struct Answer<'a> {
    #[serde(flatten)]
    identity: &'a BoardIdentity,
    /// Null where the flash cannot be read.
    boots: Option<&'a Boots>,
}

pub fn run(args: &BoardOnly, report: &mut Report) -> Result<(), Failure> {
    let mut board = Board::open(args.board.which(), args.board.link)?;
    let Outcome::Detected(identity) = board.ask(Request::Detect, report)? else {
        return Err(board.unexpected());
    };
    board.remember(Vec::new(), None);
    let boots = if identity.secure_download == Some(true) {
        None
    } else {
        let request = Request::WhatBoots {
            table_offset: board.table_offset(),
        };
        match board.ask(request, report)? {
            Outcome::Boots(boots) => Some(boots),
            _ => return Err(board.unexpected()),
        }
    };
    let text = describe(&identity, boots.as_ref());
    report.result(
        &Answer {
            identity: &identity,
            boots: boots.as_ref(),
        },
        &text,
    );
    Ok(())
}

/// One line for each thing that is known; what is not known is said to be unknown.
fn describe(identity: &BoardIdentity, boots: Option<&Boots>) -> String {
    let unknown = || "unknown".to_owned();
    let mut rows = vec![
        ("Chip", identity.chip.to_string()),
        (
            "Revision",
            identity
                .revision
                .map_or_else(unknown, |(major, minor)| format!("{major}.{minor}")),
        ),
        ("MAC", identity.mac.clone().unwrap_or_else(unknown)),
        (
            "Flash",
            identity
                .flash_size
                .map_or_else(unknown, |size| human_size(u64::from(size))),
        ),
        ("Flash id", identity.flash_id.map_or_else(unknown, flash_id)),
        ("Security", identity.security()),
        (
            "Security flags",
            identity
                .security_flags
                .map_or_else(unknown, |flags| format!("0x{flags:08X}")),
        ),
        (
            "Flash encryption",
            identity.flash_encrypted.map_or_else(unknown, on_off),
        ),
        (
            "Secure boot",
            identity.secure_boot.map_or_else(unknown, on_off),
        ),
        ("Boots", boots.map_or_else(unknown, Boots::sentence)),
    ];
    for candidate in boots.iter().flat_map(|boots| &boots.order) {
        let app = candidate
            .app
            .as_ref()
            .map_or_else(|| "no app".to_owned(), AppFacts::sentence);
        let place = format!(
            "{} at {}: {app}",
            candidate.partition,
            hex(candidate.region.offset)
        );
        rows.push(("  tries", place));
    }
    let lines: Vec<String> = rows
        .iter()
        .map(|(name, value)| format!("{name:17} {value}\n"))
        .collect();
    lines.concat()
}

/// Maker, then the two bytes of the device, as esptool prints them.
fn flash_id(id: u32) -> String {
    let [maker, kind, capacity, _] = id.to_le_bytes();
    format!("maker 0x{maker:02X}, device 0x{kind:02X}{capacity:02X}")
}

fn on_off(on: bool) -> String {
    if on { "on" } else { "off" }.to_owned()
}
