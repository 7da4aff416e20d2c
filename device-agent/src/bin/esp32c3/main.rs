//! The device agent on an ESP32-C3: start-up, then bytes from a port into the agent and frames back.
//!
//! It lies in RAM whoever brought it there: the ROM's loader or the flasher stub, or the second-stage bootloader as an app
//! in flash, which starts it at another entry. It never returns, and leaves by a reset. Interrupts stay off, so nothing
//! runs but the loop below; all that is clever is in the library. Registers are in [`chip`] and [`port`].
#![no_std]
#![no_main]
#![expect(
    unsafe_code,
    reason = "start-up, registers and calls into the ROM; each use says why it is sound"
)]

mod chip;
mod descriptor;
mod port;
mod register;

use core::arch::global_asm;
use core::panic::PanicInfo;

use chip::{Chip, Start};
use device_agent::agent::{Action, Agent};
use device_agent::mmu::Sharing;
use device_agent::request::Into;
use port::{PORTS, Port};

// The loader jumps here with its own stack and with interrupts on. It is not returned to, so nothing is saved.
//
// There are two entries, so that nobody has to guess: a loader uses the first, and the header of the app image names
// the second, two whole instructions later. `a0` is what [`run`] is told.
global_asm!(
    ".section .start, \"ax\"",
    ".global _start",
    ".option push",
    ".option norvc",
    "_start:",
    "li a0, 0",
    "j 4f",
    "li a0, 1",
    ".option pop",
    "4: csrci mstatus, 8", // MIE: the ROM's and the stub's interrupt handlers are of no use here.
    "la sp, _stack_top",
    "la t0, _bss_start",
    "la t1, _bss_end",
    "1: bgeu t0, t1, 2f",
    "sw zero, 0(t0)",
    "addi t0, t0, 4",
    "j 1b",
    "2: call {run}",
    run = sym run,
);

// What the compiler calls to copy and fill memory. Its own library's are larger, and slow between places of different
// alignment, which is what most of the copies here are.
global_asm!(
    ".section .text.memory, \"ax\"",
    ".global memcpy",
    "memcpy:",
    "or t0, a0, a1",
    "or t0, t0, a2",
    "andi t0, t0, 3",
    "mv t1, a0",
    "add a2, a0, a2", // The end of what is written.
    "bnez t0, 2f",
    "1: bgeu t1, a2, 3f",
    "lw t0, 0(a1)",
    "sw t0, 0(t1)",
    "addi a1, a1, 4",
    "addi t1, t1, 4",
    "j 1b",
    "2: bgeu t1, a2, 3f",
    "lbu t0, 0(a1)",
    "sb t0, 0(t1)",
    "addi a1, a1, 1",
    "addi t1, t1, 1",
    "j 2b",
    "3: ret",
    ".global memset",
    "memset:",
    "mv t1, a0",
    "add a2, a0, a2",
    "4: bgeu t1, a2, 5f",
    "sb a1, 0(t1)",
    "addi t1, t1, 1",
    "j 4b",
    "5: ret",
);

/// All zero at first, so that it lies in memory that the loader need not fill.
static mut AGENT: Agent<Chip> = Agent::new(Chip::new(), Sharing::Alone);

extern "C" fn run(in_flash: bool) -> ! {
    let agent = &raw mut AGENT;
    // SAFETY: the only reference to `AGENT` ever made; `run` is entered once, and there are no interrupts.
    let agent = unsafe { &mut *agent };
    let start = if in_flash {
        agent.flash().share();
        Start::App
    } else {
        Start::Loader
    };
    agent.hardware_mut().start(start);
    loop {
        if let Some((port, byte)) = PORTS.next() {
            take(agent, port, byte);
        }
    }
}

fn take(agent: &mut Agent<Chip>, port: Port, byte: u8) {
    if PORTS.changes_to(port) {
        // Half a frame of the other port must not become the beginning of this one's.
        agent.receive(0, &mut |_| {});
    }
    match agent.receive(byte, &mut |frame| PORTS.send(port, frame)) {
        Some(Action::Restart(into)) => {
            PORTS.finish(port);
            chip::restart(into);
        }
        Some(Action::SetBaud(baud)) => {
            PORTS.finish(port);
            port::set_baud(port, baud);
        }
        None => {}
    }
}

/// Cannot be reached from the wire or from flash content; if it is, the loader is the most useful place to be.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    chip::restart(Into::Loader)
}
