//! UART0 and the USB serial port of the ESP32-C3, polled.
//!
//! Both are listened to until the first frame is answered; from then on that port is the only one. While frames leave and
//! while the agent works, bytes that arrive are kept in a ring, because the hardware holds only 128 (UART) or 64 (USB).
//! Register numbers are those of ESP-IDF's `soc/esp32c3/register/soc/{uart,usb_serial_jtag}_reg.h`.

use core::cell::Cell;

use crate::chip;
use crate::register::Register;

const UART_FIFO: Register = Register(0x6000_0000);
const UART_CLKDIV: Register = Register(0x6000_0014);
const UART_STATUS: Register = Register(0x6000_001C);
const UART_FSM_STATUS: Register = Register(0x6000_006C);
const UART_CLK_CONF: Register = Register(0x6000_0078);
const UART_ID: Register = Register(0x6000_0080);
const USB_EP1: Register = Register(0x6004_3000);
const USB_EP1_CONF: Register = Register(0x6004_3004);

/// `UART_ID`: makes the registers written so far take effect.
const UART_REG_UPDATE: u32 = 1 << 31;
/// Bytes that UART0's transmit FIFO takes before it is full.
const UART_TX_ROOM: u32 = 127;
/// `USB_EP1_CONF`: what was written is sent.
const USB_WR_DONE: u32 = 1;
/// `USB_EP1_CONF`: a byte can be written.
const USB_IN_FREE: u32 = 1 << 1;
/// `USB_EP1_CONF`: a byte can be read.
const USB_OUT_AVAILABLE: u32 = 1 << 2;
/// Nobody reads the USB port when a byte could not be sent for so many milliseconds.
const USB_PATIENCE_MILLIS: u32 = 200;

/// Bytes kept while the agent is busy: several requests of the largest size.
const RING: usize = 4096;

/// Neither is 0, so that "none" is, and [`PORTS`] lies in memory that the loader need not fill.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Port {
    Uart = 1,
    Usb = 2,
}

/// Both ports and what came from the one in use.
pub struct Ports {
    /// The port that was answered.
    active: Cell<Option<Port>>,
    /// The port of the last byte.
    last: Cell<Option<Port>>,
    ring: [Cell<u8>; RING],
    /// Where the oldest byte lies, and how many there are.
    first: Cell<usize>,
    count: Cell<usize>,
}

// SAFETY: the chip has one core and this program runs with interrupts off, so nothing is ever done at the same time.
unsafe impl Sync for Ports {}

pub static PORTS: Ports = Ports {
    active: Cell::new(None),
    last: Cell::new(None),
    ring: [const { Cell::new(0) }; RING],
    first: Cell::new(0),
    count: Cell::new(0),
};

impl Ports {
    /// The next byte and where it came from, if there is one.
    pub fn next(&self) -> Option<(Port, u8)> {
        let Some(port) = self.active.get() else {
            return [Port::Uart, Port::Usb]
                .into_iter()
                .find_map(|port| Some((port, receive(port)?)));
        };
        self.pump();
        let count = self.count.get().checked_sub(1)?;
        let first = self.first.get();
        self.count.set(count);
        self.first.set((first + 1) % RING);
        self.ring.get(first).map(|byte| (port, byte.get()))
    }

    /// Takes what arrived into the ring. When that is full, bytes stay in the hardware: USB then makes the host wait, and a
    /// UART loses some, which the frame's check tells.
    pub fn pump(&self) {
        let Some(port) = self.active.get() else {
            return;
        };
        while self.count.get() < RING {
            let Some(byte) = receive(port) else { return };
            let count = self.count.get();
            if let Some(slot) = self.ring.get((self.first.get() + count) % RING) {
                slot.set(byte);
            }
            self.count.set(count + 1);
        }
    }

    /// Notes where the latest byte came from; `true` when the one before came from elsewhere.
    pub fn changes_to(&self, port: Port) -> bool {
        self.last
            .replace(Some(port))
            .is_some_and(|last| last != port)
    }

    /// Sends a frame, and makes its port the only one from now on.
    pub fn send(&self, port: Port, frame: &[u8]) {
        self.active.set(Some(port));
        match port {
            Port::Uart => {
                for &byte in frame {
                    while (UART_STATUS.read() >> 16) & 0x3FF >= UART_TX_ROOM {
                        self.pump();
                    }
                    UART_FIFO.write(u32::from(byte));
                }
            }
            Port::Usb => self.send_usb(frame),
        }
    }

    fn send_usb(&self, frame: &[u8]) {
        for &byte in frame {
            if !self.wait_for_usb() {
                return;
            }
            USB_EP1.write(u32::from(byte));
        }
        // Sends what is left in the FIFO, and an empty packet behind a full one.
        USB_EP1_CONF.set(USB_WR_DONE);
    }

    fn wait_for_usb(&self) -> bool {
        let start = chip::cycles();
        let patience = chip::cycles_of_millis(USB_PATIENCE_MILLIS);
        while USB_EP1_CONF.read() & USB_IN_FREE == 0 {
            if chip::cycles().wrapping_sub(start) > patience {
                return false;
            }
            self.pump();
        }
        true
    }

    /// Waits until the last byte has left the chip.
    pub fn finish(&self, port: Port) {
        match port {
            Port::Uart => {
                while (UART_STATUS.read() >> 16) & 0x3FF > 0
                    || (UART_FSM_STATUS.read() >> 4) & 0xF != 0
                {}
            }
            Port::Usb => {
                self.wait_for_usb();
                // The host polls every millisecond at the latest; its driver gets the bytes before the port may vanish.
                chip::wait_millis(10);
            }
        }
    }
}

fn receive(port: Port) -> Option<u8> {
    match port {
        Port::Uart => (UART_STATUS.read() & 0x3FF != 0).then(|| UART_FIFO.read() as u8),
        Port::Usb => (USB_EP1_CONF.read() & USB_OUT_AVAILABLE != 0).then(|| USB_EP1.read() as u8),
    }
}

/// Changes the speed of UART0, from whatever clock it has; USB has no speed to change.
pub fn set_baud(port: Port, baud: u32) {
    if port == Port::Usb {
        return;
    }
    let clock_conf = UART_CLK_CONF.read();
    let source = match (clock_conf >> 20) & 3 {
        1 => chip::apb_hz(),
        2 => 17_500_000,
        _ => chip::XTAL_HZ,
    };
    let clock = source / (((clock_conf >> 12) & 0xFF) + 1);
    // Sixteenths of the clock in a bit; the whole part has 12 bits in the register.
    let divider = ((u64::from(clock) << 4) + u64::from(baud / 2)) / u64::from(baud.max(1));
    let divider = u32::try_from(divider).unwrap_or(u32::MAX).clamp(16, 0xFFFF);
    UART_CLKDIV.write((divider >> 4) | ((divider & 0xF) << 20));
    UART_ID.set(UART_REG_UPDATE);
}
