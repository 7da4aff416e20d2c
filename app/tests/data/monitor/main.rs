#![no_std]
#![no_main]

use core::sync::atomic::{AtomicU32, Ordering};

static READINGS: AtomicU32 = AtomicU32::new(0);

#[defmt::global_logger]
struct Nowhere;

unsafe impl defmt::Logger for Nowhere {
    fn acquire() {}
    unsafe fn flush() {}
    unsafe fn release() {}
    unsafe fn write(bytes: &[u8]) {
        READINGS.store(bytes.len() as u32, Ordering::Relaxed);
    }
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

#[inline(never)]
fn read_sensor(channel: u32) -> u32 {
    let reading = READINGS.load(Ordering::Relaxed) + channel;
    READINGS.store(reading, Ordering::Relaxed);
    defmt::info!("channel {=u32} reads {=u32} of {=str}", channel, reading, "sensor");
    reading
}

#[inline(never)]
fn average(count: u32) -> u32 {
    let mut sum = 0;
    for channel in 0..count {
        sum += read_sensor(channel);
    }
    if count == 0 {
        defmt::error!("no channel to average");
    }
    sum / count.max(1)
}

#[no_mangle]
pub extern "C" fn start() -> ! {
    defmt::warn!("started");
    loop {
        average(READINGS.load(Ordering::Relaxed));
    }
}
