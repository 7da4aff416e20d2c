//! What the window says and does when a job has ended.

use super::action::Action;
use super::board_files;
use super::board_history;
use super::board_job::Job;
use super::board_table::{self, TableWish};
use super::command::Command;
use super::dialogs::review_plan::Review;
use super::failure_report;
use super::listening::Phase;
use super::monitor_actions;
use super::moved_data;
use super::next_board;
use super::packer_actions;
use super::panels::agent::{self, LookUp};
use super::panels::drawer::Tab;
use super::state::{AppState, Notice, ReadInto};
use super::{restoring, resume};
use crate::engine::error::JobError;
use crate::engine::event::{AgentPlanned, Found, Outcome, WriteSummary};
use crate::engine::job_state::Ending;
use crate::engine::request::{FlashChange, PortChoice, Question, Request};
use crate::model::boots::Boots;
use crate::model::flash_plan::AgentInFlash;
use crate::model::number::{hex, human_size};
use crate::model::problem::Severity;

/// Takes in a job that has just ended.
pub fn take_in(state: &mut AppState, job: &Job) {
    for note in &job.state.notes {
        state.note(Severity::Note, note.clone(), None);
    }
    if job.state.slower.is_some() {
        board_history::remember(state, |_| {});
    }
    state.board_changed();
    if !matches!(
        job.request,
        Request::Agent(_) | Request::Read(_) | Request::Verify(_)
    ) {
        state.agent.board_changed();
    }
    ended(state, job);
    moved_data::ask(state);
}

fn ended(state: &mut AppState, job: &Job) {
    if state.moves_wish {
        // Nobody asked for this comparison but the sheet.
        let differing = match &job.state.ending {
            Some(Ending::Finished(Outcome::Compared { differing })) => Some(differing.as_slice()),
            _ => None,
        };
        return moved_data::answered(state, differing);
    }
    match job.state.ending.clone() {
        Some(Ending::Finished(outcome)) => finished(state, job, outcome),
        Some(Ending::Failed(error)) => failed(state, job, error),
        Some(Ending::Cancelled { state: left }) => {
            state.agent.live.stop();
            state.pending_read = None;
            state.table_wish = None;
            resume::not_now(state);
            if matches!(job.request, Request::ReadPieces(_)) && state.file_read.is_none() {
                // It was stopped because its file could not be written, and that has been said.
                return;
            }
            let button = match &job.request {
                Request::Write(_) | Request::ReadPieces(_) => {
                    resume::remember(state, job);
                    ("Resume".to_owned(), Action::Resume)
                }
                request => ("Do it again".to_owned(), again(state, request)),
            };
            let text = format!("{} cancelled. {left}", job.state.name);
            say(state, Severity::Warning, false, text, vec![button]);
        }
        None => {}
    }
}

fn was_written(state: &mut AppState, request: &Request, summary: &WriteSummary) {
    if let Request::Write(plan) = request
        && let Some(change) = &plan.agent
    {
        return agent_was_written(state, change, summary);
    }
    state.steps[1] |= summary.verified;
    state.interrupted = None;
    if let Request::Write(plan) = request
        && summary.verified
    {
        board_history::was_written(state);
        monitor_actions::app_was_written(state);
        state.packing.remember_written(plan);
        state.keep_written();
    }
    let mut buttons = vec![("Look it up".to_owned(), Action::from(Command::LookUp))];
    if let Request::Write(plan) = request
        && next_board::was_written(state, plan)
    {
        let next = Action::from(Command::WriteNextBoard);
        buttons.push((next_board::BUTTON.to_owned(), next));
    }
    buttons.extend(open_monitor(state));
    say(
        state,
        Severity::Note,
        summary.verified,
        written(summary),
        buttons,
    );
}

/// A monitor that runs takes the port back by itself: then it is only shown, if it is not in sight already.
fn open_monitor(state: &AppState) -> Option<(String, Action)> {
    let command = if state.board.listening.phase() == Phase::Off {
        Command::StartMonitor
    } else if state.drawer != Some(Tab::Monitor) {
        Command::ShowMonitor
    } else {
        return None;
    };
    Some(("Open monitor".to_owned(), command.into()))
}

/// Nothing of the project was written, so nothing of it is remembered.
fn agent_was_written(state: &mut AppState, change: &AgentInFlash, summary: &WriteSummary) {
    state.interrupted = None;
    let next = match change {
        AgentInFlash::Install { slot, .. } => {
            format!("The agent is in {slot}, and starts with the board's next reset")
        }
        AgentInFlash::Restore => "What the agent had replaced is back".to_owned(),
    };
    let text = format!("{}. {next}", written(summary));
    let buttons = vec![(
        "Reset board".to_owned(),
        Action::Command(Command::ResetBoard),
    )];
    say(state, Severity::Note, summary.verified, text, buttons);
}

fn finished(state: &mut AppState, job: &Job, outcome: Outcome) {
    match outcome {
        Outcome::Detected(identity) => detected(state, &identity),
        Outcome::Written(summary) => was_written(state, &job.request, &summary),
        Outcome::Compared { differing } => {
            let text = if differing.is_empty() {
                "The board holds exactly this project".to_owned()
            } else {
                let bytes: u64 = differing.iter().map(|region| u64::from(region.size)).sum();
                format!("{} differ on the board", human_size(bytes))
            };
            say(
                state,
                Severity::Note,
                differing.is_empty(),
                text,
                Vec::new(),
            );
        }
        outcome @ Outcome::Read { .. } if matches!(job.request, Request::Agent(_)) => {
            keep_answer(state, job, outcome);
        }
        Outcome::Read { bytes, .. } => {
            if let Some(wish) = state.table_wish.take() {
                board_table::was_read(state, wish, &bytes);
            } else if let Some(pending) = state.pending_read.take() {
                match &pending.into {
                    ReadInto::Offsets => {
                        packer_actions::keep_board(state, &pending.partition, &bytes);
                    }
                    ReadInto::Edit => packer_actions::edit_image(
                        state,
                        &pending.partition,
                        &bytes,
                        &format!("{} on the board", pending.partition),
                    ),
                }
            }
        }
        Outcome::Boots(boots) => say_what_boots(state, &boots),
        Outcome::AgentPlanned(planned) => show_agent_plan(state, &planned),
        Outcome::PiecesRead { .. } => {
            state.interrupted = None;
            board_files::finish(state);
        }
        Outcome::Erased(region) => {
            let text = format!(
                "Erased {} at {}",
                human_size(u64::from(region.size)),
                hex(region.offset)
            );
            say(state, Severity::Note, true, text, Vec::new());
        }
        Outcome::Reset => say(
            state,
            Severity::Note,
            true,
            "The board was reset and runs what is in its flash".into(),
            Vec::new(),
        ),
        Outcome::Found(found) => looked_up(state, job, found),
        Outcome::AgentInfo(info) => {
            let text = format!(
                "Agent: {}, {} of {} MMU entries free",
                info.project, info.mmu_free, info.mmu_entries
            );
            state.note(Severity::Note, text, None);
        }
        outcome @ (Outcome::AgentMap(_) | Outcome::Listed(_) | Outcome::Benched(_)) => {
            keep_answer(state, job, outcome);
        }
        Outcome::FilesCompared(comparison) => {
            // The panel says it where the answer is; the log keeps it.
            state.note(Severity::Note, comparison.sentence(), None);
            keep_answer(state, job, Outcome::FilesCompared(comparison));
        }
        // A monitor is no job of the window: it ends where another begins.
        Outcome::Monitored { .. } | Outcome::FileRead(_) | Outcome::AgentVerified(_) => {}
    }
}

fn looked_up(state: &mut AppState, job: &Job, found: Option<Found>) {
    let Request::Agent(Question::Find { partition, path }) = &job.request else {
        return;
    };
    state.steps[2] |= found.is_some();
    let text = found.as_ref().map_or_else(
        || format!("The board has no {path} in {partition}"),
        |found| {
            format!(
                "The board found {path} at {} in {partition}",
                hex(found.offset)
            )
        },
    );
    state.note(Severity::Note, text, None);
    state.agent.took(LookUp {
        partition: partition.clone(),
        path: path.clone(),
        found,
    });
}

/// What the agent panel keeps.
fn keep_answer(state: &mut AppState, job: &Job, outcome: Outcome) {
    if let Request::Agent(question) = &job.request {
        agent::take_in(state, question, outcome);
    }
}

/// The plan was made by looking at the board; the sheet shows it like any other.
fn show_agent_plan(state: &mut AppState, planned: &AgentPlanned) {
    for warning in &planned.warnings {
        state.tell(Severity::Warning, warning.clone());
    }
    let board = Some(planned.identity.clone());
    let keep = state.board.keep();
    let link = state.board.link();
    state.review = Some(Review::new(planned.plan.clone(), board, keep, link));
}

/// Asked quietly after connecting, and aloud by the command: the log holds the answer either way.
fn say_what_boots(state: &mut AppState, boots: &Boots) {
    let text = format!("Boots {}", boots.sentence());
    if state.table_wish.take().is_some() {
        state.note(Severity::Note, text, None);
    } else {
        say(state, Severity::Note, true, text, Vec::new());
    }
}

fn detected(state: &mut AppState, identity: &crate::model::chip::BoardIdentity) {
    let size = identity.flash_size.map_or_else(
        || "flash size unknown".to_owned(),
        |size| format!("{} of flash", human_size(u64::from(size))),
    );
    let text = format!(
        "Connected: {} on {}, {size}",
        identity.chip, state.board.port
    );
    state.note(Severity::Note, text, None);
    board_history::remember(state, |_| {});
    if resume::go_on(state) {
        return;
    }
    warn_of_another_board(state, identity);
    restoring::offer_old_table(state);
    if next_board::has_come(state) {
        // The sheet asks for the table itself.
        return;
    }
    board_table::learn(state);
}

fn warn_of_another_board(state: &mut AppState, identity: &crate::model::chip::BoardIdentity) {
    let project = state.document.project();
    if identity.chip != project.chip {
        let text = format!(
            "This project is for {}, the board is {}. Choose another board, or change the project's chip in Settings",
            project.chip, identity.chip
        );
        state.tell(Severity::Warning, text);
    } else if let Some(size) = identity
        .flash_size
        .filter(|size| *size < project.flash_size)
    {
        let text = format!(
            "The board has {} of flash, the project needs {}. Make the layout smaller, or choose another board",
            human_size(u64::from(size)),
            human_size(u64::from(project.flash_size))
        );
        state.tell(Severity::Warning, text);
    }
}

/// The sentence at the end of a write.
pub fn written(summary: &WriteSummary) -> String {
    let proven = if summary.verified {
        "Written and verified"
    } else {
        "Written, not verified"
    };
    let secs = match summary.millis {
        0..100 => "less than 0.1 s".to_owned(),
        millis => format!("{:.1} s", millis as f64 / 1000.0),
    };
    if summary.written == 0 {
        return format!(
            "Nothing had to be written: {} were right already ({secs})",
            human_size(summary.unchanged)
        );
    }
    let unchanged = match summary.unchanged {
        0 => String::new(),
        bytes => format!(" ({} unchanged)", human_size(bytes)),
    };
    format!(
        "{proven}, {} in {secs}{unchanged}",
        human_size(summary.written)
    )
}

fn failed(state: &mut AppState, job: &Job, error: JobError) {
    let request = &job.request;
    state.agent.live.stop();
    state.pending_read = None;
    resume::not_now(state);
    let wish = state.table_wish.take();
    let reason = format!("{}. {}", error.message, error.help);
    if wish == Some(TableWish::Know) {
        // Nobody asked for it; the review says that the table is not known, and the log says why.
        board_table::not_known(state, &reason);
        return;
    }
    state.note(Severity::Error, reason, None);
    let goes_on = error.resumable && matches!(request, Request::Write(_) | Request::ReadPieces(_));
    let first = if goes_on {
        resume::remember(state, job);
        ("Resume".to_owned(), Action::Resume)
    } else {
        let action = wish.map_or_else(|| again(state, request), ask_again);
        ("Try again".to_owned(), action)
    };
    state.file_read = None;
    let mut buttons = vec![
        first,
        (
            "Copy report".to_owned(),
            Action::Copy(failure_report::text(state, &error)),
        ),
    ];
    if matches!(request, Request::Detect) && cfg!(unix) && state.board.port != PortChoice::Practice
    {
        buttons.push((
            "Use the practice board".to_owned(),
            Action::ChoosePort(PortChoice::Practice),
        ));
    }
    state.notice = Some(Notice {
        severity: Severity::Error,
        good: false,
        text: error.message.clone(),
        buttons,
        failure: Some(error),
    });
}

/// The monitor ended by itself.
pub fn monitor_failed(state: &mut AppState, error: JobError) {
    state.note(
        Severity::Error,
        format!("{}. {}", error.message, error.help),
        None,
    );
    // A job that has just failed on the same port has said it already.
    if state.notice.is_some() {
        return;
    }
    let buttons = vec![
        (
            "Try again".to_owned(),
            Action::Command(Command::StartMonitor),
        ),
        (
            "Copy report".to_owned(),
            Action::Copy(failure_report::text(state, &error)),
        ),
    ];
    state.notice = Some(Notice {
        severity: Severity::Error,
        good: false,
        text: error.message.clone(),
        buttons,
        failure: Some(error),
    });
}

fn ask_again(wish: TableWish) -> Action {
    Action::Command(match wish {
        TableWish::Compare => Command::CompareTable,
        TableWish::Import | TableWish::Know => Command::ReadTable,
    })
}

fn again(state: &mut AppState, request: &Request) -> Action {
    match request {
        Request::Write(plan) => Action::StartWrite(plan.clone()),
        Request::Agent(Question::Find { partition, path }) => Action::LookUp {
            partition: partition.clone(),
            path: path.clone(),
        },
        Request::Detect if next_board::not_now(state) => Action::Command(Command::WriteNextBoard),
        Request::Detect => Action::Command(Command::Connect),
        Request::Read(_) | Request::ReadPieces(_) => Action::Command(Command::ReadPartition),
        Request::Reset => Action::Command(Command::ResetBoard),
        Request::WhatBoots { .. } => Action::Command(Command::WhatBoots),
        Request::AgentInFlash { change, .. } => Action::Command(match change {
            FlashChange::Install { .. } => Command::InstallAgent,
            FlashChange::Restore => Command::RestoreAgent,
        }),
        Request::Erase(region) => Action::StartErase(*region),
        Request::Agent(question) => Action::AskAgent(question.clone()),
        Request::Verify(_) => Action::Command(Command::Compare),
        Request::Monitor(_) => Action::Command(Command::StartMonitor),
    }
}

pub fn say(
    state: &mut AppState,
    severity: Severity,
    good: bool,
    text: String,
    buttons: Vec<(String, Action)>,
) {
    state.note(severity, text.clone(), None);
    state.notice = Some(Notice {
        severity,
        good,
        text,
        buttons,
        failure: None,
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_write_says_what_was_proven() {
        let summary = WriteSummary {
            written: 20 * 1024,
            unchanged: 912 * 1024,
            verified: true,
            millis: 1234,
        };
        assert_eq!(
            written(&summary),
            "Written and verified, 20 KiB in 1.2 s (912 KiB unchanged)"
        );
        let summary = WriteSummary {
            verified: false,
            ..summary
        };
        assert!(written(&summary).contains("not verified"));
        let nothing = WriteSummary {
            unchanged: 4096,
            verified: true,
            ..WriteSummary::default()
        };
        assert!(written(&nothing).starts_with("Nothing had to be written"));
    }
}
