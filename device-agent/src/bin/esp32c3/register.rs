//! Reads and writes registers of the chip by address.

/// A peripheral's register.
#[derive(Clone, Copy)]
pub struct Register(pub u32);

impl Register {
    pub fn read(self) -> u32 {
        // SAFETY: every `Register` in this program is an aligned peripheral register of the ESP32-C3; none overlaps memory.
        unsafe { (self.0 as *const u32).read_volatile() }
    }

    pub fn write(self, value: u32) {
        // SAFETY: as above; what is written changes the peripheral, never memory that Rust knows of.
        unsafe { (self.0 as *mut u32).write_volatile(value) }
    }

    pub fn set(self, bits: u32) {
        self.write(self.read() | bits);
    }

    pub fn clear(self, bits: u32) {
        self.write(self.read() & !bits);
    }
}
