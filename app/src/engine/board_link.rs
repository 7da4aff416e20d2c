//! One port and what is open on it. Jobs ask for the loader or the agent and get it, whatever was there before.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::error::Stop;
use super::event::{Event, Stage};
use super::job::Job;
use super::proven::Proven;
use super::request::{After, Before, LinkOptions, PortChoice};
use super::surroundings::{BorrowedBoard, Surroundings};
use crate::device::agent_session::AgentSession;
use crate::device::error::DeviceError;
use crate::device::heard;
use crate::device::practice::Button;
use crate::device::serial::{Answer, OpenPort, START_BAUD, usb_info};
use crate::device::session::{Entry, Go, Session, Speed, is_chips_own_usb};
use crate::device::text_port::TextPort;
use crate::model::baud;
use crate::model::cause::Cause;
use crate::model::chip::{BoardIdentity, mac_text};
use crate::model::cost::Link;
use crate::model::keep::Keep;
use crate::model::partition_table::TableSettings;

/// How long a silent port is asked before it is called silent.
const PROBE: Duration = Duration::from_millis(1500);

/// How long a board that answers may fail to become a session before that is the end of it.
const CONNECTING: Duration = Duration::from_secs(25);

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
    /// Whether the job of the moment was about to change the flash.
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

/// Who is at the other end of a port.
enum Reached {
    /// A loader, or it is there once it is entered like this.
    Loader(OpenPort, Entry),
    Agent(OpenPort),
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
    pub(super) fn recover(&mut self) -> bool {
        self.proven.clear();
        let found = match &mut self.state {
            State::Loader(session) => session.resync(),
            State::Closed | State::Agent(_) | State::Text(_) => Ok(false),
        };
        let found = matches!(found, Ok(true));
        if !found {
            self.close();
        }
        found
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

    /// An agent that is still there answers at once, so it is asked before any reset; else it is loaded.
    fn find_or_load_agent(
        &mut self,
        mut port: OpenPort,
        job: &mut Job<'_>,
    ) -> Result<AgentSession, DeviceError> {
        if port.answers_as_agent() {
            return Ok(AgentSession::adopt(port));
        }
        loop {
            let can_reset = self.can_reset(port.control_lines);
            let (reached, entry) = match self.reach_any(port, false)? {
                // It was on its way, as on a board that was just reset and holds it in flash.
                Reached::Agent(port) => return Ok(AgentSession::adopt(port)),
                Reached::Loader(port, entry) => (port, entry),
            };
            match AgentSession::load_cold(reached, entry, self.options.baud) {
                Err(error) if can_reset && may_be_speed(&error) && self.take_lower_speed(job) => {}
                loaded => {
                    self.say_if_slower(job);
                    return loaded;
                }
            }
            port = OpenPort::open(&self.name)?;
        }
    }

    /// Whether a board that cannot be understood any more can be brought back.
    fn can_reset(&self, control_lines: bool) -> bool {
        let by_lines = control_lines && self.options.before != Before::NoReset;
        by_lines || self.practice.is_some()
    }

    /// Takes the next lower speed from now on; false if there is none.
    fn take_lower_speed(&mut self, job: &mut Job<'_>) -> bool {
        let Some(lower) = baud::next_lower(self.options.baud) else {
            return false;
        };
        job.note(format!(
            "The line to {} does not carry {} baud; trying {lower}",
            self.name, self.options.baud
        ));
        self.options.baud = lower;
        true
    }

    /// Tells whoever remembers the speed of this board.
    fn say_if_slower(&mut self, job: &mut Job<'_>) {
        if self.options.baud < self.wanted_baud {
            self.wanted_baud = self.options.baud;
            job.send(Event::Slower(self.options.baud));
        }
    }

    /// Brings a session to the speed that was asked for, or to the next lower one that the line carries. Whether it can
    /// be used: if not, the board has to be reset first.
    fn speed_up(&mut self, session: &mut Session, job: &mut Job<'_>) -> Result<bool, DeviceError> {
        let can_reset = self.can_reset(session.has_control_lines());
        while self.options.baud > session.baud() {
            let tried = self.options.baud;
            match session.change_baud(tried, can_reset)? {
                Speed::Carried => break,
                Speed::NotCarried => {
                    self.take_lower_speed(job);
                }
                Speed::Lost if can_reset => {
                    self.take_lower_speed(job);
                    return Ok(false);
                }
                Speed::Lost => {
                    self.options.baud = baud::next_lower(tried).unwrap_or(baud::START);
                    self.say_if_slower(job);
                    return Err(DeviceError::TooFast {
                        port: self.name.clone(),
                        baud: tried,
                        lower: self.options.baud,
                    });
                }
            }
        }
        self.say_if_slower(job);
        Ok(true)
    }

    /// What a chip in secure download mode said of itself, if the last connection failed for that.
    pub(super) fn take_secured(&mut self) -> Option<BoardIdentity> {
        self.secured.take()
    }

    /// Connects to a loader. Where somebody answers, a connection that fails all the same is tried again: noise on the
    /// line spoils one of them easily, because the whole stub goes over it.
    fn connect_loader(
        &mut self,
        port: OpenPort,
        left_by_agent: bool,
        job: &mut Job<'_>,
    ) -> Result<Session, DeviceError> {
        self.secured = None;
        let began = Instant::now();
        let (mut port, mut left_by_agent) = (port, left_by_agent);
        loop {
            let (reached, entry) = self.reach(port, left_by_agent)?;
            let answered = matches!(entry, Entry::AlreadyThere { .. });
            match Session::connect(reached, entry, self.scale()) {
                Ok(mut session) => {
                    self.check_board(&mut session)?;
                    if self.speed_up(&mut session, job)? {
                        return Ok(session);
                    }
                }
                Err(DeviceError::SecureDownload { port, identity }) => {
                    self.secured = identity.as_deref().cloned();
                    return Err(DeviceError::SecureDownload { port, identity });
                }
                Err(error) => {
                    if !answered
                        || !is_passing(&error)
                        || began.elapsed() > CONNECTING
                        || job.go() == Go::Stop
                    {
                        return Err(error);
                    }
                    self.disturbed = true;
                    job.note("The connection was disturbed; trying again");
                }
            }
            (port, left_by_agent) = (OpenPort::open(&self.name)?, false);
        }
    }

    /// What multiplies every time limit.
    fn scale(&self) -> f64 {
        f64::from(self.options.patience_percent) / 100.0
    }

    /// Decides how the loader is entered. An agent is sent back into it.
    fn reach(&self, port: OpenPort, left_by_agent: bool) -> Result<(OpenPort, Entry), DeviceError> {
        let port = match self.reach_any(port, left_by_agent)? {
            Reached::Loader(port, entry) => return Ok((port, entry)),
            Reached::Agent(port) => AgentSession::adopt(port).restart_into_loader()?,
        };
        match self.reach_any(port, true)? {
            Reached::Loader(port, entry) => Ok((port, entry)),
            Reached::Agent(_) => Err(self.no_loader(&[])),
        }
    }

    /// The same without a word about who is there: without control lines whoever answers is asked.
    fn reach_any(&self, mut port: OpenPort, left_by_agent: bool) -> Result<Reached, DeviceError> {
        let usb = is_chips_own_usb(&port.usb);
        match self.options.before {
            _ if left_by_agent => {}
            Before::Auto if port.control_lines && usb => {
                return Ok(Reached::Loader(port, Entry::Usb));
            }
            Before::Auto if port.control_lines => {
                return Ok(Reached::Loader(port, Entry::ControlLines));
            }
            Before::DefaultReset => return Ok(Reached::Loader(port, Entry::ControlLines)),
            Before::UsbReset => return Ok(Reached::Loader(port, Entry::Usb)),
            Before::Auto | Before::NoReset => {}
        }
        let probe = PROBE.mul_f64(self.scale());
        let mut answer = port.probe(probe)?;
        if matches!(answer, Answer::Other(_)) && self.hold_boot_and_reset() {
            answer = port.probe(probe)?;
        }
        match answer {
            Answer::Loader { stub } => Ok(Reached::Loader(port, Entry::AlreadyThere { stub })),
            Answer::Agent => Ok(Reached::Agent(port)),
            Answer::Other(heard) => Err(self.no_loader(&heard)),
        }
    }

    /// What the other end has, as far as its words tell.
    fn no_loader(&self, heard: &[u8]) -> DeviceError {
        let port = self.name.clone();
        match heard::diagnose(heard) {
            Cause::Silent => DeviceError::Silent { port },
            cause => DeviceError::NoLoader {
                port,
                cause,
                text: heard::readable(heard),
            },
        }
    }

    /// Whether it is a board of the wanted chip, the wanted board, and the one that this job began with.
    fn check_board(&mut self, session: &mut Session) -> Result<(), DeviceError> {
        if let (Some(wanted), Some(found)) = (self.options.chip, session.chip())
            && wanted != found
        {
            let port = self.name.clone();
            return Err(DeviceError::WrongChip {
                port,
                found,
                wanted,
            });
        }
        let Some(found) = session.identify()?.mac else {
            return Ok(());
        };
        let wanted = self.options.mac.map(mac_text);
        let wanted = wanted.or_else(|| self.board_of_job.clone());
        match wanted {
            Some(wanted) if !wanted.eq_ignore_ascii_case(&found) => Err(DeviceError::OtherBoard {
                port: self.name.clone(),
                found,
                wanted,
            }),
            _ => {
                self.board_of_job = Some(found);
                Ok(())
            }
        }
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

    /// From here on the job of the moment changes the flash.
    pub(super) fn set_changing(&mut self) {
        self.changing = true;
    }

    /// Whether the job of the moment may have changed the flash.
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

    fn hold_boot_and_reset(&self) -> bool {
        let board = self.practice.as_ref();
        board
            .map(|board| board.press(Button::BootAndReset))
            .is_some()
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

/// Whether a line that does not carry the speed may have spoiled this.
fn may_be_speed(error: &DeviceError) -> bool {
    let conversation = matches!(
        error,
        DeviceError::Timeout { .. } | DeviceError::Refused { .. } | DeviceError::Agent { .. }
    );
    conversation || is_passing(error)
}

/// Whether noise may have spoiled this, so that another try can end better.
fn is_passing(error: &DeviceError) -> bool {
    matches!(
        error,
        DeviceError::Silent { .. } | DeviceError::Protocol { .. }
    )
}

/// A port that was listened to, at the speed at which loaders start.
fn at_start_baud(port: OpenPort) -> Result<OpenPort, DeviceError> {
    TextPort::new(port, START_BAUD).map(TextPort::into_port)
}
