//! A look inside a practice board: for tests, and for the practice command's report. Nothing that drives a board may
//! use it, because a real board has nothing like it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, mpsc};

use super::board::Orders;
use super::event_loop::{Order, Shared, lock};
use super::faults::{Direction, Faults};
use super::report::Report;

/// See the module.
#[derive(Clone, Debug)]
pub struct TestAccess {
    shared: Arc<Mutex<Shared>>,
    orders: Orders,
}

impl TestAccess {
    pub(super) fn new(shared: Arc<Mutex<Shared>>, orders: Orders) -> Self {
        Self { shared, orders }
    }

    /// All contents of the flash.
    pub fn flash(&self) -> Vec<u8> {
        lock(&self.shared).machine.silicon.flash.bytes().to_vec()
    }

    /// Whether the flash holds just these bytes, without copying it.
    pub fn flash_is(&self, expected: &[u8]) -> bool {
        lock(&self.shared).machine.silicon.flash.bytes() == expected
    }

    /// Changes the flash behind the chip's back; nothing is counted.
    pub fn overwrite(&self, offset: u32, bytes: &[u8]) {
        lock(&self.shared)
            .machine
            .silicon
            .flash
            .overwrite(offset, bytes);
    }

    /// What was counted so far.
    pub fn report(&self) -> Report {
        lock(&self.shared).report()
    }

    /// Flash operations so far: the number of the next one.
    pub fn operations(&self) -> u64 {
        lock(&self.shared).machine.silicon.flash.operations()
    }

    /// Sessions that have ended.
    pub fn sessions(&self) -> u64 {
        lock(&self.shared).sessions
    }

    /// What runs on the chip: `loader`, `stub`, `agent`, `flash`, or `off` while it is unplugged.
    pub fn running(&self) -> &'static str {
        lock(&self.shared).machine.running()
    }

    /// The pseudo-terminal of the moment; `None` while the board is unplugged.
    pub fn terminal(&self) -> Option<PathBuf> {
        lock(&self.shared).port.clone()
    }

    /// Adds faults of the flash while the board runs. Operations are still counted from the board's start.
    pub fn add_flash_faults(&self, faults: &Faults) {
        lock(&self.shared).machine.silicon.flash.add_faults(faults);
    }

    /// Adds faults of wire and flash while the board runs; bytes and operations are counted from here, and what noise
    /// and random choices do follows from these faults' seed.
    pub fn add_faults_from_here(&self, faults: &Faults) {
        let shared = &mut *lock(&self.shared);
        shared.to_board.add_faults(Direction::ToBoard, faults);
        shared.from_board.add_faults(Direction::FromBoard, faults);
        shared.machine.silicon.flash.add_faults_from_here(faults);
    }

    /// Nothing goes wrong any more: a cut cable is whole, the flash works, and a board that was unplugged is plugged in.
    pub fn mend(&self) {
        {
            let shared = &mut *lock(&self.shared);
            shared.to_board.mend();
            shared.from_board.mend();
            shared.machine.silicon.flash.mend();
        }
        self.replug();
    }

    /// Switches the board off and on again: what it was doing is over, and its loader starts.
    pub fn power_cycle(&self) {
        self.unplug();
        self.replug();
    }

    /// Unplugs the board; when this returns the port is gone.
    pub fn unplug(&self) {
        self.order(Order::Unplug);
    }

    /// Plugs the board in again; when this returns the port can be opened. Without a link it may have another name.
    pub fn replug(&self) {
        self.order(Order::Replug);
    }

    fn order(&self, order: impl FnOnce(mpsc::SyncSender<()>) -> Order) {
        let (done, is_done) = mpsc::sync_channel(1);
        self.orders.give(order(done));
        // An error means that the board was stopped: then there is nothing to wait for.
        is_done.recv().ok();
    }
}
