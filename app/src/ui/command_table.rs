//! The table of all commands: label, tooltip, shortcut, and place in the menus.

use eframe::egui::{Key, KeyboardShortcut, Modifiers};

use super::command::Command;

/// Where a command stands in the menus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Menu {
    File,
    Edit,
    Table,
    Board,
    View,
    Help,
}

/// A command's row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    pub command: Command,
    pub menu: Menu,
    pub label: &'static str,
    pub tooltip: &'static str,
    pub shortcut: Option<KeyboardShortcut>,
    /// A line above it in the menu.
    pub begins_group: bool,
}

const fn row(menu: Menu, command: Command, label: &'static str, tooltip: &'static str) -> Facts {
    Facts {
        command,
        menu,
        label,
        tooltip,
        shortcut: None,
        begins_group: false,
    }
}

impl Facts {
    const fn keys(self, shortcut: KeyboardShortcut) -> Self {
        Self {
            shortcut: Some(shortcut),
            ..self
        }
    }

    const fn begins_group(self) -> Self {
        Self {
            begins_group: true,
            ..self
        }
    }
}

const fn ctrl(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::COMMAND, key)
}

const fn ctrl_shift(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::COMMAND.plus(Modifiers::SHIFT), key)
}

const fn plain(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::NONE, key)
}

/// Every command, in the order of the menus.
pub const COMMANDS: &[Facts] = &[
    row(
        Menu::File,
        Command::Open,
        "Open…",
        "Open a project, a partition table or an image",
    )
    .keys(ctrl(Key::O)),
    row(
        Menu::File,
        Command::OpenSample,
        "Open the sample",
        "Open the project of the first start, on the practice board",
    ),
    row(Menu::File, Command::Save, "Save", "Save the project")
        .keys(ctrl(Key::S))
        .begins_group(),
    row(
        Menu::File,
        Command::SaveAs,
        "Save as…",
        "Save the project under another name",
    )
    .keys(ctrl_shift(Key::S)),
    row(
        Menu::File,
        Command::ExportImage,
        "Export image…",
        "Save the packed image of the selected partition as a file",
    )
    .keys(ctrl(Key::E))
    .begins_group(),
    row(Menu::File, Command::Quit, "Quit", "Close the window")
        .keys(ctrl(Key::Q))
        .begins_group(),
    row(
        Menu::Edit,
        Command::Undo,
        "Undo",
        "Take the latest edit back",
    )
    .keys(ctrl(Key::Z)),
    row(
        Menu::Edit,
        Command::Redo,
        "Redo",
        "Make the latest undone edit again",
    )
    .keys(ctrl_shift(Key::Z)),
    row(
        Menu::Edit,
        Command::AddPartition,
        "Add partition",
        "Add a partition in the selected free space, or in the largest",
    )
    .keys(ctrl(Key::N))
    .begins_group(),
    row(
        Menu::Edit,
        Command::DuplicatePartition,
        "Duplicate partition",
        "Add another partition of the same type and size",
    )
    .keys(ctrl(Key::D)),
    row(
        Menu::Edit,
        Command::DeletePartition,
        "Delete partition",
        "Remove the selected partition from the table",
    ),
    row(
        Menu::Edit,
        Command::MovePartitionUp,
        "Move partition up",
        "Exchange the selected row with the one above it",
    )
    .keys(KeyboardShortcut::new(Modifiers::ALT, Key::ArrowUp)),
    row(
        Menu::Edit,
        Command::MovePartitionDown,
        "Move partition down",
        "Exchange the selected row with the one below it",
    )
    .keys(KeyboardShortcut::new(Modifiers::ALT, Key::ArrowDown)),
    row(
        Menu::Edit,
        Command::AddFiles,
        "Add files…",
        "Pack files into the selected partition",
    )
    .keys(ctrl(Key::I))
    .begins_group(),
    row(
        Menu::Edit,
        Command::AddFolder,
        "Add folder…",
        "Pack a folder with everything in it into the selected partition",
    )
    .keys(ctrl_shift(Key::I)),
    row(
        Menu::Edit,
        Command::ChooseImage,
        "Choose image…",
        "Write a file as it is into the selected partition",
    ),
    row(
        Menu::Edit,
        Command::RenameFile,
        "Rename file",
        "Give the selected file another name in the image",
    )
    .keys(plain(Key::F2)),
    row(
        Menu::Edit,
        Command::RemoveFile,
        "Remove file",
        "Take the selected file out of the image; the file on disk stays",
    ),
    row(
        Menu::Edit,
        Command::ClearContents,
        "Clear contents",
        "Put nothing into the selected partition: it is left as it is on the board",
    ),
    row(
        Menu::Edit,
        Command::PackAgain,
        "Read files again",
        "Read all files from disk again and pack them",
    )
    .keys(ctrl_shift(Key::R)),
    row(
        Menu::Edit,
        Command::OpenImage,
        "Open image as files…",
        "Take the files out of an image and edit them in the selected partition",
    )
    .begins_group(),
    row(
        Menu::Edit,
        Command::ReadFiles,
        "Edit what the board holds",
        "Read the selected partition from the board and edit its files here",
    ),
    row(
        Menu::Edit,
        Command::ExtractFile,
        "Extract file…",
        "Save the selected file or folder as it is packed; nothing is overwritten",
    ),
    row(
        Menu::Edit,
        Command::ExtractAll,
        "Extract all files…",
        "Save all files of the selected partition into a folder; nothing is overwritten",
    ),
    row(
        Menu::Edit,
        Command::Compact,
        "Compact",
        "Pack the selected partition anew, without the holes that edits left",
    ),
    row(
        Menu::Edit,
        Command::CopyReport,
        "Copy report",
        "Copy name, offset, size, CRC-32, state and wasted bytes of every file",
    ),
    row(
        Menu::Table,
        Command::NewFromTemplate,
        "New from template…",
        "Choose one of the usual tables for this size of flash",
    ),
    row(
        Menu::Table,
        Command::ImportTable,
        "Import table…",
        "Take the table of a CSV, a binary table or a firmware image; contents stay",
    ),
    row(
        Menu::Table,
        Command::ReadTable,
        "Read table from board",
        "Take the table that is on the board; contents stay",
    ),
    row(
        Menu::Table,
        Command::CompareTable,
        "Compare table with board…",
        "Show what this table changes on the board, and which data nothing would find any more",
    ),
    row(
        Menu::Table,
        Command::ExportTableCsv,
        "Export table as CSV…",
        "Save the table as a CSV for ESP-IDF",
    )
    .begins_group(),
    row(
        Menu::Table,
        Command::ExportTableBinary,
        "Export table as binary…",
        "Save the table as it stands in flash, with its MD5",
    ),
    row(
        Menu::Table,
        Command::ExportMap,
        "Export map as picture…",
        "Save the map as an SVG picture for documents",
    ),
    row(
        Menu::Table,
        Command::AddBefore,
        "Add partition before",
        "Add a partition in front of the selected one",
    )
    .begins_group(),
    row(
        Menu::Table,
        Command::AddAfter,
        "Add partition after",
        "Add a partition behind the selected one",
    ),
    row(
        Menu::Table,
        Command::GrowPartition,
        "Grow into free space",
        "Give the selected partition the free space behind it",
    )
    .begins_group(),
    row(
        Menu::Table,
        Command::ShrinkPartition,
        "Shrink to contents",
        "Make the selected partition just large enough for what goes into it",
    ),
    row(
        Menu::Table,
        Command::PinOffset,
        "Pin offset",
        "Write the computed offset into the table, so that edits above do not move the partition",
    ),
    row(
        Menu::Table,
        Command::UnpinOffset,
        "Unpin offset",
        "Empty the offset, so that the partition follows the one above it",
    ),
    row(
        Menu::Table,
        Command::ToggleEncrypted,
        "Set or clear encrypted",
        "Change the flag encrypted of the selected partition",
    ),
    row(
        Menu::Table,
        Command::ToggleReadonly,
        "Set or clear readonly",
        "Change the flag readonly of the selected partition",
    ),
    row(
        Menu::Table,
        Command::ArrangePartitions,
        "Arrange partitions",
        "Put all partitions close together, in their order",
    )
    .begins_group(),
    row(
        Menu::Table,
        Command::SortRows,
        "Sort rows by offset",
        "Put the rows in the order of their offsets",
    ),
    row(
        Menu::Table,
        Command::PushNeighbours,
        "Push neighbours",
        "Whether neighbours give way when a partition is moved or resized, or block; Shift does the other",
    )
    .begins_group(),
    row(
        Menu::Board,
        Command::MainButton,
        "Do the next thing",
        "What the prominent button does: connect, fix, or write",
    ),
    row(
        Menu::Board,
        Command::Connect,
        "Connect",
        "Open the port and ask the chip who it is",
    )
    .begins_group(),
    row(
        Menu::Board,
        Command::Disconnect,
        "Disconnect",
        "Close the port",
    ),
    row(
        Menu::Board,
        Command::RefreshPorts,
        "Look for ports again",
        "List the serial ports again",
    )
    .keys(plain(Key::F6)),
    row(
        Menu::Board,
        Command::Write,
        "Write to board…",
        "Show what would be written, then write only what differs and verify it",
    )
    .keys(ctrl(Key::Enter))
    .begins_group(),
    row(
        Menu::Board,
        Command::WriteAll,
        "Write everything…",
        "Write everything, whether it differs from the board or not",
    )
    .keys(ctrl_shift(Key::Enter)),
    row(
        Menu::Board,
        Command::Compare,
        "Compare with board",
        "Find out what differs, without writing",
    )
    .keys(ctrl(Key::J)),
    row(
        Menu::Board,
        Command::ReadPartition,
        "Read partition to a file…",
        "Read the selected partition from the board",
    )
    .keys(plain(Key::F5)),
    row(
        Menu::Board,
        Command::ResetBoard,
        "Reset board",
        "Leave the loader and start what is in flash",
    )
    .keys(ctrl(Key::R)),
    row(
        Menu::Board,
        Command::Cancel,
        "Cancel",
        "Stop the running job at its next block",
    )
    .keys(ctrl(Key::Period))
    .begins_group(),
    row(
        Menu::Board,
        Command::LookUp,
        "Look a file up…",
        "Ask the chip itself where a file lies",
    )
    .keys(ctrl(Key::L)),
    row(
        Menu::View,
        Command::ShowProblems,
        "Problems",
        "Show what is wrong with this project",
    )
    .keys(ctrl(Key::Num1)),
    row(
        Menu::View,
        Command::ShowBoard,
        "Board",
        "Show the port and what the board says of itself",
    )
    .keys(ctrl(Key::Num2)),
    row(
        Menu::View,
        Command::ShowAgent,
        "Agent",
        "Show the look-up by the chip itself",
    )
    .keys(ctrl(Key::Num3)),
    row(
        Menu::View,
        Command::ShowLog,
        "Log",
        "Show what happened, with command lines",
    )
    .keys(ctrl(Key::Num4)),
    row(
        Menu::View,
        Command::ToggleDrawer,
        "Open or close the drawer",
        "Open or close the drawer at the bottom",
    )
    .keys(ctrl(Key::Backtick)),
    row(
        Menu::View,
        Command::ZoomIn,
        "Zoom map in",
        "Show less of the map, larger; Ctrl with the wheel, or + in the map",
    )
    .begins_group(),
    row(
        Menu::View,
        Command::ZoomOut,
        "Zoom map out",
        "Show more of the map; Ctrl with the wheel, or - in the map",
    ),
    row(
        Menu::View,
        Command::ZoomAll,
        "Show all of the map",
        "Show the map from end to end; 0 in the map",
    ),
    row(
        Menu::View,
        Command::ThemeSystem,
        "Theme of the system",
        "Dark or light as the system says",
    )
    .begins_group(),
    row(
        Menu::View,
        Command::ThemeDark,
        "Dark theme",
        "Light text on dark ground",
    ),
    row(
        Menu::View,
        Command::ThemeLight,
        "Light theme",
        "Dark text on light ground",
    ),
    row(
        Menu::View,
        Command::Settings,
        "Settings…",
        "Theme, port speed, and what is remembered",
    )
    .keys(ctrl(Key::Comma))
    .begins_group(),
    row(
        Menu::Help,
        Command::Palette,
        "Search commands…",
        "Find a command by its name",
    )
    .keys(ctrl(Key::K)),
    row(
        Menu::Help,
        Command::Shortcuts,
        "Keyboard shortcuts",
        "List all shortcuts",
    )
    .keys(plain(Key::F1)),
    row(
        Menu::Help,
        Command::FirstSteps,
        "Show the first steps",
        "Show the three steps of the first start again",
    ),
    row(
        Menu::Help,
        Command::About,
        "About Flashpack",
        "Version and licences",
    )
    .begins_group(),
];
