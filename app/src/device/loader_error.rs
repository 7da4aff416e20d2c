//! espflash's errors in our words, at one place. Its own texts stay as the detail.

use std::io;

use espflash::Error as EspError;

use super::error::DeviceError;

/// What a failed command means.
pub(super) fn device_error(
    port: &str,
    doing: &'static str,
    offset: u32,
    error: &EspError,
) -> DeviceError {
    let port = port.to_owned();
    let detail = error.to_string();
    match kind(error) {
        Kind::Timeout => DeviceError::Timeout {
            port,
            doing,
            offset,
            detail,
        },
        Kind::PortGone => DeviceError::Gone {
            port,
            doing,
            detail,
        },
        Kind::Refused => DeviceError::Refused {
            port,
            doing,
            offset,
            detail,
        },
        Kind::Other => DeviceError::Protocol { port, detail },
    }
}

/// What a failed connection means.
pub(super) fn connect_error(port: &str, error: &EspError) -> DeviceError {
    let port = port.to_owned();
    let detail = error.to_string();
    match kind(error) {
        Kind::PortGone => DeviceError::Gone {
            port,
            doing: "connecting",
            detail,
        },
        _ if detail.contains("boot mode") => DeviceError::RunsProgram { port, text: detail },
        _ if matches!(error, EspError::Connection(_)) => DeviceError::Silent { port },
        _ => DeviceError::Protocol { port, detail },
    }
}

enum Kind {
    Timeout,
    PortGone,
    Refused,
    Other,
}

/// espflash boxes what its port said: an I/O error, one of serialport, one of the frame decoder, or an error of its own
/// that it keeps private. The first two are asked for; of the others only the `Debug` names can be.
fn kind(error: &EspError) -> Kind {
    let (EspError::Connection(inner) | EspError::Flashing(inner)) = error else {
        return if matches!(error, EspError::RomError(_)) {
            Kind::Refused
        } else {
            Kind::Other
        };
    };
    if let Some(error) = inner.downcast_ref::<io::Error>() {
        return io_kind(error.kind());
    }
    if let Some(error) = inner.downcast_ref::<serialport::Error>() {
        return match error.kind {
            serialport::ErrorKind::Io(kind) => io_kind(kind),
            _ => Kind::PortGone,
        };
    }
    let name = format!("{inner:?}");
    if name.contains("TimedOut")
        || name.starts_with("Timeout")
        || name.starts_with("ConnectionFailed")
    {
        Kind::Timeout
    } else if ["Serial", "DeviceNotFound", "ReadError"]
        .iter()
        .any(|start| name.starts_with(start))
    {
        Kind::PortGone
    } else {
        Kind::Other
    }
}

fn io_kind(kind: io::ErrorKind) -> Kind {
    if kind == io::ErrorKind::TimedOut {
        Kind::Timeout
    } else {
        Kind::PortGone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_and_a_lost_port_are_told_apart() {
        let timeout = EspError::from(io::Error::from(io::ErrorKind::TimedOut));
        assert!(matches!(
            device_error("p", "reading", 0, &timeout),
            DeviceError::Timeout { .. }
        ));
        let gone = EspError::from(io::Error::from_raw_os_error(5));
        assert!(matches!(
            device_error("p", "reading", 0, &gone),
            DeviceError::Gone { .. }
        ));
        let pipe = EspError::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert!(matches!(
            device_error("p", "reading", 0, &pipe),
            DeviceError::Gone { .. }
        ));
    }
}
