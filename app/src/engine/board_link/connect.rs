//! How a port becomes a loader session or an agent: who is there, how the loader is entered, and at which speed.

use std::time::{Duration, Instant};

use super::BoardLink;
use crate::device::agent_session::AgentSession;
use crate::device::error::{DeviceError, OpenFailure};
use crate::device::heard;
use crate::device::practice::Button;
use crate::device::serial::{Answer, OpenPort};
use crate::device::session::{Entry, Go, Session, Speed, is_chips_own_usb};
use crate::engine::event::Event;
use crate::engine::job::Job;
use crate::engine::request::Before;
use crate::model::baud;
use crate::model::cause::Cause;
use crate::model::chip::mac_text;

/// How long a silent port is asked before it is called silent.
const PROBE: Duration = Duration::from_millis(1500);

/// How long a board that answers may fail to become a session before that is the end of it.
const CONNECTING: Duration = Duration::from_secs(25);

/// Who is at the other end of a port.
enum Reached {
    /// A loader, or it is there once it is entered like this.
    Loader(OpenPort, Entry),
    Agent(OpenPort),
}

impl BoardLink {
    /// An agent that is still there answers at once, so it is asked before any reset; else it is loaded.
    pub(super) fn find_or_load_agent(
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

    /// Connects to a loader. Where somebody answers, a connection that fails all the same is tried again: noise on the
    /// line spoils one of them easily, because the whole stub goes over it.
    pub(super) fn connect_loader(
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
            (port, left_by_agent) = (self.open_again()?, false);
        }
    }

    /// Opens a port that was open a moment ago: one that is not there any more has gone.
    fn open_again(&self) -> Result<OpenPort, DeviceError> {
        OpenPort::open(&self.name).map_err(|error| match error {
            DeviceError::Open {
                port,
                failure: OpenFailure::NoSuchPort,
                detail,
            } => DeviceError::Gone {
                port,
                doing: "connecting",
                detail,
            },
            other => other,
        })
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

    fn hold_boot_and_reset(&self) -> bool {
        let board = self.practice.as_ref();
        board
            .map(|board| board.press(Button::BootAndReset))
            .is_some()
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
