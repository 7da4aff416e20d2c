//! The board as its users hold it: started, it has a port; stopped or dropped, it is gone. This file starts the one
//! thread that a board has; what the thread does is [`super::event_loop`].

use std::io::{self, PipeWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, SyncSender};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use super::agent_mode::Firmware;
use super::chips;
use super::counters::Counters;
use super::demo_flash;
use super::event_loop::{EventLoop, Order, Shared};
use super::flash::Flash;
use super::flash_file::FlashFile;
use super::machine::Machine;
use super::options::{FlashSource, Options};
use super::ram::{Ram, Segment};
use super::registers::Registers;
use super::silicon::Silicon;
use super::test_access::TestAccess;
use crate::device::agent_image;

const MIB: u32 = 1 << 20;
/// Orders that may wait; each caller waits for its own, so there is at most one per caller.
const ORDER_CAPACITY: usize = 16;

/// The buttons of a development board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Button {
    /// The chip starts what is in flash.
    Reset,
    /// BOOT is held while RESET is pressed: the chip starts its loader.
    BootAndReset,
}

/// A practice board that runs.
#[derive(Debug)]
pub struct Board {
    port: PathBuf,
    shared: Arc<Mutex<Shared>>,
    orders: Orders,
    thread: Option<JoinHandle<io::Result<()>>>,
}

/// The way to tell the thread something: an order, then a byte that wakes it up.
#[derive(Clone, Debug)]
pub(super) struct Orders {
    sender: SyncSender<Order>,
    wake: Arc<PipeWriter>,
}

impl Board {
    /// Starts a board: when this returns, its port can be opened.
    ///
    /// # Errors
    /// A size that no board has, a chip that no practice board can be, a flash file that cannot be used, a link that
    /// cannot be made, or no pseudo-terminal left.
    pub fn start(options: Options) -> io::Result<Self> {
        let (file, bytes) = match &options.flash {
            _ if !options.size.is_power_of_two()
                || !(2 * MIB..=16 * MIB).contains(&options.size) =>
            {
                return Err(invalid(
                    "a practice board has 2, 4, 8 or 16 MB of flash: choose one of them with --size",
                ));
            }
            FlashSource::Memory => (None, vec![0xFF; options.size as usize]),
            FlashSource::File(path) => {
                let (file, bytes) = FlashFile::open(path, options.size)?;
                (Some(file), bytes)
            }
        };
        let faults = &options.faults;
        let row = chips::row(faults.chip.unwrap_or(options.chip)).ok_or_else(|| {
            invalid("a practice board can be an ESP32-C3, an ESP32-S3 or an ESP32-C6")
        })?;
        let blank = bytes.iter().all(|byte| *byte == 0xFF);
        let mut silicon = Silicon {
            row,
            flash: Flash::new(bytes, faults),
            registers: Registers::new(row, options.mac, faults.encrypted),
            ram: Ram::default(),
            secure_download: faults.secure_download,
            encrypted: faults.encrypted,
            secure_boot: faults.secure_boot,
        };
        if blank && options.app_output.is_some() {
            for (offset, contents) in demo_flash::contents(row) {
                silicon.flash.overwrite(offset, &contents);
            }
        }
        let mut machine = Machine::new(
            silicon,
            Counters::new(options.part),
            options.boot,
            firmware(),
        );
        machine.app_output.clone_from(&options.app_output);
        let (sender, receiver) = mpsc::sync_channel(ORDER_CAPACITY);
        let (wakeup, wake) = io::pipe()?;
        let (event_loop, shared) = EventLoop::new(options, machine, file, receiver, wakeup)?;
        let port = event_loop.public_port();
        #[expect(
            clippy::disallowed_methods,
            reason = "the one thread of a board starts here"
        )]
        let thread = thread::Builder::new()
            .name("practice board".into())
            .spawn(move || event_loop.run())?;
        Ok(Self {
            port,
            shared,
            orders: Orders {
                sender,
                wake: Arc::new(wake),
            },
            thread: Some(thread),
        })
    }

    /// The port to open: the link if there is one, else the pseudo-terminal.
    pub fn port(&self) -> &Path {
        &self.port
    }

    /// Presses a button; when this returns the chip has started anew. A real port's control lines press the same two.
    pub fn press(&self, button: Button) {
        let (done, is_done) = mpsc::sync_channel(1);
        let boot_held = button == Button::BootAndReset;
        self.orders.give(Order::Press { boot_held, done });
        // An error means that the board was stopped: then there is nothing to wait for.
        is_done.recv().ok();
    }

    /// Pulls the plug and puts it in again: the chip starts as at its first start, with the flash as it was left. Returns
    /// the port, which may have another name without a link.
    pub fn plug_in_again(&self) -> PathBuf {
        let inside = self.test_access();
        inside.unplug();
        inside.replug();
        let terminal = inside.terminal();
        terminal.unwrap_or_else(|| self.port.clone())
    }

    /// For tests, and for the practice command's report: a look inside. Nothing that drives a board may use it.
    pub fn test_access(&self) -> TestAccess {
        TestAccess::new(Arc::clone(&self.shared), self.orders.clone())
    }

    /// Stops the board and writes its report; a dropped board does the same, without telling what went wrong.
    ///
    /// # Errors
    /// What went wrong with its files while it ran or at the end.
    pub fn stop(mut self) -> io::Result<()> {
        self.join()
    }

    fn join(&mut self) -> io::Result<()> {
        let Some(thread) = self.thread.take() else {
            return Ok(());
        };
        self.orders.give(Order::Stop);
        thread
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("the practice board's thread has panicked")))
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        self.join().ok();
    }
}

impl Orders {
    /// Gives an order. If the thread has ended there is nobody to obey, and nothing to do.
    pub fn give(&self, order: Order) {
        if self.sender.send(order).is_ok() {
            (&*self.wake).write_all(&[0]).ok();
        }
    }
}

/// The agent that comes with the program.
fn firmware() -> Firmware {
    let image = agent_image::bundled();
    let segments = image.segments().map(|segment| Segment {
        addr: segment.addr,
        bytes: segment.bytes.to_vec(),
    });
    Firmware {
        entry: image.entry,
        segments: segments.collect(),
        app_image: agent_image::bundled_app().to_vec(),
    }
}

fn invalid(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, message)
}
