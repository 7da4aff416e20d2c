//! What went wrong between us and a loader, in our words, at one place: espflash's errors while connecting, and those of
//! our own exchange afterwards. The texts of the layers below stay as the detail.

use std::error::Error as StdError;
use std::io;

use espflash::Error as EspError;

use super::error::DeviceError;
use super::exchange::Failure;
use crate::model::cause::Cause;

/// What a request without a good answer means.
pub(super) fn failed(
    port: &str,
    doing: &'static str,
    offset: u32,
    failure: Failure,
) -> DeviceError {
    let port = port.to_owned();
    match failure {
        Failure::Silent => DeviceError::Timeout {
            port,
            doing,
            offset,
            detail: "no answer came in time".into(),
        },
        Failure::Gone(error) => DeviceError::Gone {
            port,
            doing,
            detail: error.to_string(),
        },
        Failure::Refused(status) => DeviceError::Refused {
            port,
            doing,
            offset,
            status,
        },
        Failure::Damaged(detail) => DeviceError::Protocol { port, detail },
        Failure::Erased => DeviceError::Erased { port, doing },
    }
}

/// What a failed reset by espflash means.
pub(super) fn reset_error(port: &str, error: &EspError) -> DeviceError {
    let (port, detail) = (port.to_owned(), error.to_string());
    if port_is_gone(error) {
        return DeviceError::Gone {
            port,
            doing: "resetting",
            detail,
        };
    }
    DeviceError::Protocol { port, detail }
}

/// What a failed connection means.
pub(super) fn connect_error(port: &str, error: &EspError) -> DeviceError {
    let port = port.to_owned();
    let detail = error.to_string();
    if port_is_gone(error) {
        return DeviceError::Gone {
            port,
            doing: "connecting",
            detail,
        };
    }
    if detail.contains("boot mode") {
        return DeviceError::NoLoader {
            port,
            cause: Cause::RunsProgram,
            text: detail,
        };
    }
    match error {
        EspError::Connection(_) => DeviceError::Silent { port },
        _ => DeviceError::Protocol { port, detail },
    }
}

/// Whether the system, and not the other end, is the cause: espflash keeps its own errors of a connection private, but
/// what the system or serialport said stands in their chain of causes.
fn port_is_gone(error: &EspError) -> bool {
    let (EspError::Connection(inner) | EspError::Flashing(inner)) = error else {
        return false;
    };
    let mut cause: Option<&(dyn StdError + 'static)> = Some(inner.as_ref());
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return is_gone(error.kind());
        }
        if let Some(error) = error.downcast_ref::<serialport::Error>() {
            return match error.kind {
                serialport::ErrorKind::Io(kind) => is_gone(kind),
                _ => true,
            };
        }
        cause = error.source();
    }
    false
}

/// The slip decoder's complaints come as errors of no special kind; a port's do not.
fn is_gone(kind: io::ErrorKind) -> bool {
    !matches!(kind, io::ErrorKind::TimedOut | io::ErrorKind::Other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_and_a_lost_port_are_told_apart() {
        let of = |error: io::Error| connect_error("p", &EspError::from(error));
        assert!(matches!(
            of(io::ErrorKind::TimedOut.into()),
            DeviceError::Silent { .. }
        ));
        assert!(matches!(
            of(io::Error::from_raw_os_error(5)),
            DeviceError::Gone { .. }
        ));
        assert!(matches!(
            of(io::ErrorKind::BrokenPipe.into()),
            DeviceError::Gone { .. }
        ));
        let lost = serialport::Error::new(serialport::ErrorKind::NoDevice, "unplugged");
        assert!(matches!(
            connect_error("p", &EspError::from(lost)),
            DeviceError::Gone { .. }
        ));
    }

    #[test]
    fn an_exchange_that_fails_names_what_was_being_done() {
        let error = failed("p", "writing", 0x1000, Failure::Refused(0xC400));
        assert_eq!(
            error.to_string(),
            "The board on p refused: writing at 0x1000 failed"
        );
        assert!(error.detail().contains("C400"));
        assert!(matches!(
            failed("p", "hashing", 0, Failure::Silent),
            DeviceError::Timeout { .. }
        ));
    }
}
