//! Which ports there are, for front ends (which do not know the hardware edge).

use crate::device::port_list;
pub use crate::device::port_list::ListedPort;

use super::error::JobError;
use super::request::PortChoice;

/// The serial ports of this machine, recommended ones first. The practice board is not among them: it is made, not
/// found.
pub fn list() -> Result<Vec<ListedPort>, JobError> {
    port_list::list().map_err(JobError::from)
}

/// Whether a port is there now, without opening it; the practice board of this program always is.
pub fn is_there(port: &PortChoice) -> bool {
    match port {
        PortChoice::Practice => true,
        PortChoice::Path(path) if cfg!(unix) => path.exists(),
        PortChoice::Path(path) => {
            list().is_ok_and(|ports| ports.iter().any(|port| port.path == *path))
        }
    }
}

/// Whether this system can run a practice board: it needs a pseudo-terminal.
pub const fn practice_is_possible() -> bool {
    cfg!(unix)
}
