//! Ctrl+C while a job runs: the first asks the job to stop where the board is in a known state, the second ends the
//! program at once. Between jobs Ctrl+C ends the program as everywhere.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use super::failure::Failure;

/// What the signal handlers look at.
#[derive(Debug, Default)]
struct Flags {
    /// Ctrl+C was pressed while a job runs.
    asked: Arc<AtomicBool>,
    /// No job runs.
    idle: Arc<AtomicBool>,
}

/// While this lives, Ctrl+C is a wish to stop.
#[derive(Debug)]
pub struct Interrupt(&'static Flags);

impl Interrupt {
    /// From now on. `place` is the board that a failure names.
    pub fn begin(place: &str) -> Result<Self, Failure> {
        let flags = installed().map_err(|error| {
            Failure::new(
                format!("Cannot listen for Ctrl+C: {error}"),
                place,
                "Try again",
            )
        })?;
        flags.asked.store(false, Ordering::SeqCst);
        flags.idle.store(false, Ordering::SeqCst);
        Ok(Self(flags))
    }

    /// Whether Ctrl+C was pressed.
    pub fn asked(&self) -> bool {
        self.0.asked.load(Ordering::SeqCst)
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        self.0.idle.store(true, Ordering::SeqCst);
    }
}

/// The handlers are installed once, by the first job.
fn installed() -> std::io::Result<&'static Flags> {
    static FLAGS: OnceLock<Flags> = OnceLock::new();
    if let Some(flags) = FLAGS.get() {
        return Ok(flags);
    }
    let flags = FLAGS.get_or_init(Flags::default);
    #[cfg(unix)]
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        use signal_hook::flag;
        // In this order: a second one finds the flag that the first one set.
        flag::register_conditional_default(signal, Arc::clone(&flags.idle))?;
        flag::register_conditional_shutdown(signal, 130, Arc::clone(&flags.asked))?;
        flag::register(signal, Arc::clone(&flags.asked))?;
    }
    Ok(flags)
}
