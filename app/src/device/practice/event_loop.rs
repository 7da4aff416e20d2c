//! The board's thread: waits for bytes, orders and deadlines, and passes them on. Waiting costs no processor time.
//!
//! A session begins with a byte and ends with a second of silence. Then the port is released, a cut cable is mended,
//! and the report is written.

use std::io::{self, PipeReader, Read as _};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::faults::{Direction, PowerLoss, Replug};
use super::flash_file::{self, FlashFile};
use super::machine::Machine;
use super::options::Options;
use super::pty::{self, Pty};
use super::report::{Report, WireCount};
use super::request::sync_frame;
use super::wire::{Interruption, Wire};
use crate::model::baud::START as START_BAUD;

/// Silence that ends a session.
const SESSION_END: Duration = Duration::from_secs(1);
const READ_LEN: usize = 0x1_0000;

/// What the thread is told from outside. The sender is answered when it is done.
#[derive(Debug)]
pub enum Order {
    Stop,
    Unplug(SyncSender<()>),
    Replug(SyncSender<()>),
    /// RESET is pressed, with BOOT held or not.
    Press {
        boot_held: bool,
        done: SyncSender<()>,
    },
}

/// What the thread and [`super::test_access`] both see.
#[derive(Debug)]
pub struct Shared {
    pub machine: Machine,
    pub to_board: Wire,
    pub from_board: Wire,
    /// The pseudo-terminal of the moment; `None` while the board is unplugged.
    pub port: Option<PathBuf>,
    /// Sessions that have ended.
    pub sessions: u64,
}

impl Shared {
    /// What was counted so far.
    pub fn report(&self) -> Report {
        let counters = &self.machine.counters;
        let named = |(name, value): (&&str, &u64)| ((*name).to_owned(), *value);
        Report {
            wire: WireCount {
                to_board: self.to_board.sent(),
                from_board: self.from_board.sent(),
            },
            flash: self.machine.silicon.flash.counters(),
            commands: counters.commands().iter().map(named).collect(),
            modelled_seconds: counters
                .modelled_seconds()
                .into_iter()
                .map(|(name, seconds)| (name.to_owned(), seconds))
                .collect(),
        }
    }
}

/// Locks what is shared. A panic of another holder leaves nothing half-done that matters here.
pub fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Bytes on their way in one direction, and until when they are held back.
#[derive(Debug, Default)]
struct Queue {
    bytes: Vec<u8>,
    held_until: Option<Instant>,
}

impl Queue {
    fn is_held(&self) -> bool {
        self.held_until.is_some()
    }
}

/// All that the thread owns.
#[derive(Debug)]
pub struct EventLoop {
    options: Options,
    shared: Arc<Mutex<Shared>>,
    file: Option<FlashFile>,
    orders: Receiver<Order>,
    wakeup: PipeReader,
    pty: Option<Pty>,
    replug_at: Option<Instant>,
    /// Sent by the host, not yet through the cable.
    incoming: Queue,
    /// Sent by the chip, not yet through the cable.
    answers: Queue,
    /// Through the cable, not yet taken by the terminal.
    outgoing: Vec<u8>,
    /// Modelled time of the paced link that has been waited for, in seconds.
    paced: f64,
    /// Speed of the chip's serial port, for what is on the line now.
    chip_baud: u32,
    /// When the last byte passed, while a session lasts.
    last_byte: Option<Instant>,
    trouble: io::Result<()>,
}

impl EventLoop {
    /// Plugs the board in.
    pub fn new(
        options: Options,
        machine: Machine,
        file: Option<FlashFile>,
        orders: Receiver<Order>,
        wakeup: PipeReader,
    ) -> io::Result<(Self, Arc<Mutex<Shared>>)> {
        let to_board = Wire::new(Direction::ToBoard, &options.faults);
        let from_board = Wire::new(Direction::FromBoard, &options.faults);
        let shared = Shared {
            machine,
            to_board,
            from_board,
            port: None,
            sessions: 0,
        };
        let shared = Arc::new(Mutex::new(shared));
        let mut event_loop = Self {
            options,
            shared: Arc::clone(&shared),
            file,
            orders,
            wakeup,
            pty: None,
            replug_at: None,
            incoming: Queue::default(),
            answers: Queue::default(),
            outgoing: Vec::new(),
            paced: 0.0,
            chip_baud: START_BAUD,
            last_byte: None,
            trouble: Ok(()),
        };
        event_loop.plug_in()?;
        event_loop.move_bytes()?;
        Ok((event_loop, shared))
    }

    /// What users open: the link if there is one.
    pub fn public_port(&self) -> PathBuf {
        let port = || {
            self.pty
                .as_ref()
                .map(|pty| pty.path().to_owned())
                .unwrap_or_default()
        };
        self.options.link.clone().unwrap_or_else(port)
    }

    /// Runs until it is told to stop, or until its port fails. What went wrong with its files meanwhile is told at the
    /// end: the board goes on without them.
    pub fn run(mut self) -> io::Result<()> {
        let end = loop {
            match self.turn() {
                Ok(Turn::GoOn) => {}
                Ok(Turn::Stop) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        self.end_session();
        if let Some(link) = &self.options.link {
            pty::remove_link(link);
        }
        end.and(self.trouble)
    }

    fn turn(&mut self) -> io::Result<Turn> {
        let events = self.wait()?;
        if events.ordered && self.obey()? == Turn::Stop {
            return Ok(Turn::Stop);
        }
        if events.readable {
            self.take_bytes()?;
        }
        self.pass_deadlines();
        self.move_bytes()?;
        Ok(Turn::GoOn)
    }

    /// Keeps the first thing that goes wrong without stopping the board.
    fn note(&mut self, result: io::Result<()>) {
        if self.trouble.is_ok() {
            self.trouble = result;
        }
    }

    fn wait(&self) -> io::Result<Events> {
        let deadline = self.deadlines().into_iter().flatten().min();
        let timeout = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let timeout = timeout.map(|time| Timespec {
            tv_sec: time.as_secs().try_into().unwrap_or(i64::MAX),
            tv_nsec: time.subsec_nanos().into(),
        });
        let mut wanted = PollFlags::empty();
        wanted.set(PollFlags::IN, !self.incoming.is_held());
        wanted.set(PollFlags::OUT, !self.outgoing.is_empty());
        let mut fds = vec![PollFd::new(&self.wakeup, PollFlags::IN)];
        if let Some(pty) = &self.pty {
            fds.push(PollFd::new(pty, wanted));
        }
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let has = |index: usize, flag| fds.get(index).is_some_and(|fd| fd.revents().contains(flag));
        Ok(Events {
            ordered: has(0, PollFlags::IN),
            readable: has(1, PollFlags::IN),
        })
    }

    fn deadlines(&self) -> [Option<Instant>; 6] {
        [
            self.app_due(),
            self.session_end(),
            lock(&self.shared).machine.watchdog(),
            self.incoming.held_until,
            self.answers.held_until,
            self.replug_at,
        ]
    }

    /// When the app speaks next: as a program on a chip it waits for room in the port.
    fn app_due(&self) -> Option<Instant> {
        let room = self.outgoing.is_empty() && self.answers.bytes.is_empty() && self.pty.is_some();
        room.then(|| lock(&self.shared).machine.app_due()).flatten()
    }

    /// When the session ends if nothing comes. What a fault holds back is still on its way, and keeps it open.
    fn session_end(&self) -> Option<Instant> {
        let last_byte = self.last_byte?;
        let held = self.incoming.is_held() || self.answers.is_held();
        (!held).then(|| last_byte + SESSION_END)
    }

    /// Does what was ordered.
    fn obey(&mut self) -> io::Result<Turn> {
        let mut wakes = [0; 64];
        let _count = self.wakeup.read(&mut wakes)?;
        while let Ok(order) = self.orders.try_recv() {
            let done = match order {
                Order::Stop => return Ok(Turn::Stop),
                Order::Unplug(done) => {
                    self.unplug(Replug::Never);
                    done
                }
                Order::Replug(done) => {
                    self.replug();
                    done
                }
                Order::Press { boot_held, done } => {
                    let loss = lock(&self.shared)
                        .machine
                        .press_reset(boot_held, &mut self.answers.bytes);
                    self.follow(loss);
                    done
                }
            };
            // Whoever ordered may have gone away since.
            done.send(()).ok();
        }
        Ok(Turn::GoOn)
    }

    fn take_bytes(&mut self) -> io::Result<()> {
        let Some(pty) = &self.pty else { return Ok(()) };
        let start = self.incoming.bytes.len();
        self.incoming.bytes.resize(start + READ_LEN, 0);
        let read = pty.read(&mut self.incoming.bytes[start..]);
        self.incoming
            .bytes
            .truncate(start + *read.as_ref().unwrap_or(&0));
        if read? > 0 {
            self.last_byte = Some(Instant::now());
        }
        Ok(())
    }

    fn pass_deadlines(&mut self) {
        let now = Instant::now();
        let is_due = |deadline: Option<Instant>| deadline.is_some_and(|at| at <= now);
        for queue in [&mut self.incoming, &mut self.answers] {
            if is_due(queue.held_until) {
                queue.held_until = None;
            }
        }
        let loss = {
            let machine = &mut lock(&self.shared).machine;
            if is_due(machine.watchdog()) {
                machine.watchdog_due(&mut self.answers.bytes)
            } else {
                None
            }
        };
        self.follow(loss);
        if is_due(self.app_due()) {
            lock(&self.shared)
                .machine
                .let_app_speak(&mut self.answers.bytes);
        }
        if is_due(self.replug_at) {
            self.replug();
        }
        if is_due(self.session_end()) {
            self.end_session();
        }
    }

    /// Moves everything on that nothing holds back: host to chip, chip to host, and the flash to its file.
    fn move_bytes(&mut self) -> io::Result<()> {
        while !self.incoming.bytes.is_empty() && !self.incoming.is_held() && self.pty.is_some() {
            let mut arrived = Vec::new();
            self.mind_speed();
            let (loss, interruption) = {
                let shared = &mut *lock(&self.shared);
                let (taken, interruption) =
                    shared.to_board.carry(&self.incoming.bytes, &mut arrived);
                self.incoming.bytes.drain(..taken);
                let answers = &mut self.answers.bytes;
                (shared.machine.receive(&arrived, answers), interruption)
            };
            self.keep_pace();
            self.send_answers()?;
            self.follow(loss);
            match interruption {
                Some(Interruption::Hold(time)) => {
                    self.incoming.held_until = Some(Instant::now() + time);
                }
                Some(Interruption::Unplug(replug)) => self.unplug(replug),
                Some(Interruption::Cut) => lock(&self.shared).from_board.cut(),
                Some(Interruption::SecondClient(takes)) => self.let_second_client_in(takes),
                None => {}
            }
        }
        self.send_answers()?;
        self.update_file();
        Ok(())
    }

    /// Holds the answers back for as long as the model says that the link and the flash needed.
    fn keep_pace(&mut self) {
        let Some(link) = self.options.pace else {
            return;
        };
        let modelled = lock(&self.shared).machine.counters.modelled_seconds();
        let now = modelled.get(link).copied().unwrap_or_default();
        let time = Duration::try_from_secs_f64(now - self.paced).unwrap_or_default();
        self.paced = now;
        if !time.is_zero() {
            let from = self.answers.held_until.unwrap_or_else(Instant::now);
            self.answers.held_until = Some(from + time);
        }
    }

    fn send_answers(&mut self) -> io::Result<()> {
        while !self.answers.bytes.is_empty() && !self.answers.is_held() {
            self.mind_speed();
            let interruption = {
                let shared = &mut *lock(&self.shared);
                let (taken, interruption) = shared
                    .from_board
                    .carry(&self.answers.bytes, &mut self.outgoing);
                self.answers.bytes.drain(..taken);
                interruption
            };
            self.last_byte = Some(Instant::now());
            match interruption {
                Some(Interruption::Hold(time)) => {
                    self.answers.held_until = Some(Instant::now() + time);
                }
                Some(Interruption::Unplug(replug)) => {
                    self.give_bytes()?;
                    self.unplug(replug);
                }
                Some(Interruption::Cut) => lock(&self.shared).to_board.cut(),
                Some(Interruption::SecondClient(takes)) => self.let_second_client_in(takes),
                None => {}
            }
        }
        self.give_bytes()
    }

    /// Another program on the port: its SYNC reaches the chip in the middle of whatever is under way, and its read takes
    /// the next bytes that the board sends.
    fn let_second_client_in(&mut self, takes: u64) {
        let loss = {
            let shared = &mut *lock(&self.shared);
            shared.from_board.take_away(takes);
            let answers = &mut self.answers.bytes;
            shared.machine.receive(&sync_frame(), answers)
        };
        self.follow(loss);
    }

    /// Damages what goes over the line at a speed that it does not carry, or that only one end has.
    fn mind_speed(&mut self) {
        let Some((limit, rate)) = self.options.faults.limit else {
            return;
        };
        let host = self.pty.as_ref().and_then(Pty::host_baud);
        let shared = &mut *lock(&self.shared);
        // The chip changes its speed when its answer is out.
        if self.answers.bytes.is_empty() {
            self.chip_baud = shared.machine.baud();
        }
        let damage = match host {
            Some(host) if host != self.chip_baud => 1.0,
            _ if self.chip_baud > limit => rate,
            _ => 0.0,
        };
        shared.to_board.set_too_fast(damage);
        shared.from_board.set_too_fast(damage);
    }

    fn give_bytes(&mut self) -> io::Result<()> {
        if let Some(pty) = &self.pty {
            let given = pty.write(&self.outgoing)?;
            self.outgoing.drain(..given);
            if given > 0 {
                self.last_byte = Some(Instant::now());
            }
        }
        Ok(())
    }

    fn update_file(&mut self) {
        let Some(file) = &mut self.file else { return };
        let updated = {
            let flash = &mut lock(&self.shared).machine.silicon.flash;
            let changed = flash.take_changed();
            file.update(flash.bytes(), &changed)
        };
        self.note(updated);
    }

    fn replug(&mut self) {
        if self.pty.is_none() {
            let plugged_in = self.plug_in();
            self.note(plugged_in);
        }
    }

    fn plug_in(&mut self) -> io::Result<()> {
        self.replug_at = None;
        let pty = Pty::open()?;
        if let Some(link) = &self.options.link {
            pty.link_at(link)?;
        }
        let loss = {
            let shared = &mut *lock(&self.shared);
            shared.port = Some(pty.path().to_owned());
            shared.machine.power_on(&mut self.answers.bytes)
        };
        self.pty = Some(pty);
        self.follow(loss);
        Ok(())
    }

    fn follow(&mut self, loss: Option<PowerLoss>) {
        if let Some(PowerLoss::Unplug(replug)) = loss {
            self.unplug(replug);
        }
    }

    /// Closes both ends of the port. The power is gone, and so is everything that was on its way.
    fn unplug(&mut self, replug: Replug) {
        if self.pty.is_none() {
            return;
        }
        // The name goes before the port does: nobody is to find the one that is about to vanish.
        {
            let shared = &mut *lock(&self.shared);
            shared.port = None;
            shared.machine.power_off();
        }
        if let Some(link) = &self.options.link {
            pty::remove_link(link);
        }
        self.pty = None;
        self.incoming = Queue::default();
        self.answers = Queue::default();
        self.replug_at = match replug {
            Replug::After(time) => Some(Instant::now() + time),
            Replug::Never => None,
        };
        self.update_file();
        self.end_session();
    }

    fn end_session(&mut self) {
        self.last_byte = None;
        // Nobody has read it for a second: a real cable would have lost it too.
        self.outgoing.clear();
        let json = {
            let shared = &mut *lock(&self.shared);
            shared.machine.settle();
            shared.to_board.end_session();
            shared.from_board.end_session();
            shared.sessions += 1;
            shared.report().to_json()
        };
        if let Some(pty) = &self.pty {
            let released = pty.release();
            self.note(released);
        }
        if let Some(path) = &self.options.report {
            let replaced = flash_file::replace_report(path, &json);
            self.note(replaced);
        }
    }
}

/// Whether the loop goes round once more.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    GoOn,
    Stop,
}

/// What there is to do.
struct Events {
    ordered: bool,
    readable: bool,
}
