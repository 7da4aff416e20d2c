//! One port and what is open on it. Jobs ask for the loader or the agent and get it, whatever was there before.

mod connect;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::error::Stop;
use super::event::Stage;
use super::job::Job;
use super::proven::Proven;
use super::request::{After, LinkOptions, PortChoice};
use super::surroundings::{BorrowedBoard, Surroundings};
use crate::device::agent_session::AgentSession;
use crate::device::error::DeviceError;
use crate::device::practice::Button;
use crate::device::serial::{OpenPort, START_BAUD, usb_info};
use crate::device::session::{Session, is_chips_own_usb};
use crate::device::text_port::TextPort;
use crate::model::chip::BoardIdentity;
use crate::model::cost::Link;
use crate::model::keep::Keep;
use crate::model::partition_table::TableSettings;

/// The port of one worker.
pub(super) struct BoardLink {
    name: String,
    options: LinkOptions,
    /// The speed that was asked for; that of `options` is what the line is known to carry.
    wanted_baud: u32,
    /// Keeps the board inside this process alive; it is reached by its port like any other.
    practice: Option<BorrowedBoard>,
    keep: Arc<dyn Keep>,
    state: State,
    proven: Proven,
    /// Sessions with a loader so far: where the number differs, the chip may have run its program in between.
    sessions: u32,
    /// Whether the line changed bytes in the job of the moment.
    disturbed: bool,
    /// Whether the job of the moment has begun to send what changes the flash.
    changing: bool,
    /// Whether the open session was found alive in the job of the moment.
    alive: bool,
    /// The MAC address of the board that the job of the moment began with: it goes on with no other one.
    board_of_job: Option<String>,
    /// What a chip in secure download mode said of itself, when it was the last to be connected to.
    secured: Option<BoardIdentity>,
    /// Where the agent looks for the partition table.
    table_offset: Arc<AtomicU32>,
}

enum State {
    Closed,
    Loader(Box<Session>),
    Agent(Box<AgentSession>),
    /// Open, with the program of the board at its other end.
    Text(Box<OpenPort>),
}

impl BoardLink {
    /// A link that is not open yet; a practice board is plugged in here.
    pub(super) fn new(
        choice: &PortChoice,
        options: LinkOptions,
        around: &Surroundings,
    ) -> std::io::Result<Self> {
        let (name, practice) = match choice {
            PortChoice::Path(path) => (path.display().to_string(), None),
            PortChoice::Practice => {
                let (port, board) = around.practice().borrow()?;
                (port.display().to_string(), Some(board))
            }
        };
        Ok(Self {
            name,
            wanted_baud: options.baud,
            options,
            practice,
            keep: Arc::clone(around.keep()),
            state: State::Closed,
            proven: Proven::default(),
            sessions: 0,
            disturbed: false,
            changing: false,
            alive: false,
            board_of_job: None,
            secured: None,
            table_offset: Arc::new(AtomicU32::new(TableSettings::default().table_offset)),
        })
    }

    /// Where the agent looks for the partition table; set by whoever holds the worker.
    pub(super) fn table_offset(&self) -> Arc<AtomicU32> {
        Arc::clone(&self.table_offset)
    }

    /// A job begins: until its end, only one board answers to it.
    pub(super) fn begin_job(&mut self) {
        self.alive = false;
        self.disturbed = false;
        self.changing = false;
        self.board_of_job = match &mut self.state {
            State::Loader(session) => session.identify().ok().and_then(|identity| identity.mac),
            State::Closed | State::Agent(_) | State::Text(_) => None,
        };
    }

    /// Forgets whatever is open; the next job connects anew.
    pub(super) fn close(&mut self) {
        if let State::Loader(session) = &self.state {
            self.disturbed |= session.is_disturbed();
        }
        self.state = State::Closed;
        self.proven.clear();
    }

    /// Finds the stub again after an error. If that fails everything is forgotten, and the next job or step connects anew.
    /// What is known of the flash is dropped in any case: at an error nothing tells what became of the board.
    ///
    /// # Errors
    /// When it answers that it has erased all of its flash.
    pub(super) fn recover(&mut self) -> Result<bool, DeviceError> {
        self.proven.clear();
        let found = match &mut self.state {
            State::Loader(session) => session.resync(),
            State::Closed | State::Agent(_) | State::Text(_) => Ok(false),
        };
        match found {
            Ok(true) => Ok(true),
            Err(error @ DeviceError::Erased { .. }) => Err(error),
            Ok(false) | Err(_) => {
                self.close();
                Ok(false)
            }
        }
    }

    /// The speed that the next connection is made with.
    pub(super) fn set_baud(&mut self, baud: u32) {
        self.options.baud = baud;
        self.close();
    }

    /// The loader session, opened or regained from the agent if need be.
    pub(super) fn loader(&mut self, job: &mut Job<'_>) -> Result<&mut Session, Stop> {
        self.loader_and_proven(job).map(|(session, _)| session)
    }

    /// The loader session and what it has proven.
    pub(super) fn loader_and_proven(
        &mut self,
        job: &mut Job<'_>,
    ) -> Result<(&mut Session, &mut Proven), Stop> {
        if let State::Loader(session) = &mut self.state
            && !self.alive
            && !session.is_there()
        {
            // Whoever reset the board may have let it change its flash: nothing that was proven counts any more.
            self.state = State::Closed;
            self.proven.clear();
        }
        self.alive = true;
        if !matches!(self.state, State::Loader(_)) {
            job.stage(Stage::Connecting);
            self.proven.clear();
            let mut session = match std::mem::replace(&mut self.state, State::Closed) {
                State::Agent(agent) => {
                    let port = agent.restart_into_loader()?;
                    self.connect_loader(port, true, job)?
                }
                State::Text(port) => self.connect_loader(at_start_baud(*port)?, false, job)?,
                _ => self.connect_loader(OpenPort::open(&self.name)?, false, job)?,
            };
            self.sessions += 1;
            if self.disturbed {
                // The line is the same one.
                session.mark_disturbed();
            }
            self.state = State::Loader(Box::new(session));
        }
        match &mut self.state {
            State::Loader(session) => Ok((session, &mut self.proven)),
            _ => Err(DeviceError::Silent {
                port: self.name.clone(),
            }
            .into()),
        }
    }

    /// The agent, loaded into the chip's RAM if it is not there.
    pub(super) fn agent(&mut self, job: &mut Job<'_>) -> Result<&mut AgentSession, Stop> {
        if !matches!(self.state, State::Agent(_)) {
            job.stage(Stage::Connecting);
            let agent = match std::mem::replace(&mut self.state, State::Closed) {
                State::Loader(session) => AgentSession::load(*session)?,
                State::Text(port) => self.find_or_load_agent(at_start_baud(*port)?, job)?,
                _ => self.find_or_load_agent(OpenPort::open(&self.name)?, job)?,
            };
            self.state = State::Agent(Box::new(agent));
        }
        match &mut self.state {
            State::Agent(agent) => {
                agent.look_for_table_at(self.table_offset.load(Ordering::Relaxed));
                Ok(agent)
            }
            _ => Err(DeviceError::Silent {
                port: self.name.clone(),
            }
            .into()),
        }
    }

    /// What a chip in secure download mode said of itself, if the last connection failed for that.
    pub(super) fn take_secured(&mut self) -> Option<BoardIdentity> {
        self.secured.take()
    }

    /// The safe place for bytes that a job is about to erase.
    pub(super) fn keep(&self) -> Arc<dyn Keep> {
        Arc::clone(&self.keep)
    }

    /// Whether the agent is not to be asked for digests.
    pub(super) fn is_stub_only(&self) -> bool {
        self.options.stub_only
    }

    /// Bits per second of the port once it is connected.
    pub(super) fn baud(&self) -> u32 {
        self.options.baud
    }

    /// What carries the bytes.
    pub(super) fn kind(&self) -> Link {
        let usb = match &self.state {
            State::Loader(session) => return session.link(),
            State::Text(port) => port.usb.clone(),
            State::Closed | State::Agent(_) => usb_info(&self.name),
        };
        if is_chips_own_usb(&usb) {
            Link::Usb
        } else {
            Link::Uart(self.options.baud.max(1))
        }
    }

    /// Whether a loader session is open already.
    pub(super) fn has_loader(&self) -> bool {
        matches!(self.state, State::Loader(_))
    }

    /// The MAC address of the board that the job of the moment works on, once it is known.
    pub(super) fn mac_of_job(&self) -> Option<&str> {
        self.board_of_job.as_deref()
    }

    /// The number of the loader session. Another one than before: the chip may have run its program meanwhile.
    pub(super) fn session_number(&self) -> u32 {
        self.sessions
    }

    /// From here on the job of the moment sends what changes the flash.
    pub(super) fn set_changing(&mut self) {
        self.changing = true;
    }

    /// Whether the job of the moment may have changed the flash by what it sent.
    pub(super) fn is_changing(&self) -> bool {
        self.changing
    }

    /// What the open session has proven.
    pub(super) fn proven(&self) -> &Proven {
        &self.proven
    }

    /// The port as the program on the board uses it. A loader or an agent is left for what is in flash, with the port
    /// kept open, so that its first words are heard.
    pub(super) fn text_port(&mut self, baud: u32, job: &mut Job<'_>) -> Result<TextPort, Stop> {
        job.stage(Stage::Connecting);
        self.proven.clear();
        let watchdog = self.options.after == After::WatchdogReset;
        let port = match std::mem::replace(&mut self.state, State::Closed) {
            State::Loader(session) => session.reset_and_listen(watchdog)?,
            State::Agent(agent) => agent.restart_and_listen()?,
            State::Text(port) => *port,
            State::Closed => OpenPort::open(&self.name)?,
        };
        Ok(TextPort::new(port, baud)?)
    }

    /// Opens the port anew, without touching the board.
    pub(super) fn open_text_port(&self, baud: u32) -> Result<TextPort, DeviceError> {
        TextPort::new(OpenPort::open(&self.name)?, baud)
    }

    /// Keeps a port that was listened to open for the next job.
    pub(super) fn keep_port(&mut self, port: TextPort) {
        self.state = State::Text(Box::new(port.into_port()));
    }

    /// Presses RESET on a practice board, whose port has no control lines to do it; false if there is none.
    pub(super) fn press_reset(&self) -> bool {
        let board = self.practice.as_ref();
        board.map(|board| board.press(Button::Reset)).is_some()
    }

    /// Resets the board into what it holds in flash.
    pub(super) fn reset(&mut self, job: &mut Job<'_>) -> Result<(), Stop> {
        let watchdog = self.options.after == After::WatchdogReset;
        match std::mem::replace(&mut self.state, State::Closed) {
            State::Agent(agent) => agent.restart_into_flash()?,
            State::Loader(session) => drop(session.reset(watchdog)?),
            State::Text(port) if port.control_lines => {
                let mut port = TextPort::new(*port, START_BAUD)?;
                port.reset()?;
                self.keep_port(port);
            }
            State::Closed | State::Text(_) => {
                self.loader(job)?;
                return self.reset(job);
            }
        }
        Ok(())
    }

    /// Leaves the board as the options say, at the end of a command line.
    pub(super) fn leave(&mut self) {
        let after = self.options.after;
        let left = match std::mem::replace(&mut self.state, State::Closed) {
            State::Closed | State::Text(_) => Ok(()),
            State::Loader(mut session) => match after {
                After::NoReset => {
                    session.back_to_start_baud();
                    Ok(())
                }
                After::HardReset if !session.has_control_lines() => {
                    session.back_to_start_baud();
                    Ok(())
                }
                After::HardReset => session.reset(false).map(drop),
                After::WatchdogReset => session.reset(true).map(drop),
            },
            State::Agent(agent) => match after {
                After::NoReset => Ok(()),
                After::HardReset => agent.leave(),
                After::WatchdogReset => agent.restart_into_flash(),
            },
        };
        // The work is done and proven; a board that is unplugged now is no failure of the job.
        left.ok();
    }
}

/// A port that was listened to, at the speed at which loaders start.
fn at_start_baud(port: OpenPort) -> Result<OpenPort, DeviceError> {
    TextPort::new(port, START_BAUD).map(TextPort::into_port)
}
