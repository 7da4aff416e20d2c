//! The port: a pseudo-terminal whose other end any serial program can open.
//!
//! The board keeps a descriptor of that other end too: so the port stays up while nobody has it open, stays raw, and
//! a program that was killed does not leave it locked. Dropping a [`Pty`] makes the port vanish.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::pty::OpenptFlags;
use rustix::termios::{self, OptionalActions};

/// Both ends of a pseudo-terminal.
#[derive(Debug)]
pub struct Pty {
    /// The board's end; never blocks.
    master: OwnedFd,
    /// The end that programs open.
    slave: OwnedFd,
    path: PathBuf,
}

impl Pty {
    /// A new pair.
    pub fn open() -> io::Result<Self> {
        let master = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
        rustix::io::fcntl_setfd(&master, rustix::io::FdFlags::CLOEXEC)?;
        rustix::pty::grantpt(&master)?;
        rustix::pty::unlockpt(&master)?;
        let name = rustix::pty::ptsname(&master, Vec::new())?;
        let path = PathBuf::from(std::ffi::OsString::from_vec(name.into_bytes()));
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let slave = rustix::fs::open(&path, flags, Mode::empty())?;
        let status = rustix::fs::fcntl_getfl(&master)?;
        rustix::fs::fcntl_setfl(&master, status | OFlags::NONBLOCK)?;
        let pty = Self {
            master,
            slave,
            path,
        };
        pty.make_raw()?;
        Ok(pty)
    }

    /// What programs open.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes what programs wrote; 0 if there is nothing.
    pub fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        or_nothing(rustix::io::read(&self.master, buffer))
    }

    /// Gives bytes to programs; returns how many fitted.
    pub fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        or_nothing(rustix::io::write(&self.master, bytes))
    }

    /// Frees the port of a lock that a program left behind, and makes it raw again.
    pub fn release(&self) -> io::Result<()> {
        termios::ioctl_tiocnxcl(&self.slave)?;
        self.make_raw()
    }

    /// The speed that the program at the other end has set, in bits per second; `None` where the system does not tell.
    pub fn host_baud(&self) -> Option<u32> {
        let settings = termios::tcgetattr(&self.slave).ok()?;
        Some(settings.output_speed())
    }

    /// Points a symbolic link at the port; an older link there is replaced, anything else is left alone.
    pub fn link_at(&self, link: &Path) -> io::Result<()> {
        match rustix::fs::readlink(link, Vec::new()) {
            Ok(_) => rustix::fs::unlink(link)?,
            Err(rustix::io::Errno::NOENT) => {}
            Err(_) => {
                let message = format!(
                    "{} is in the way of the link to the port: choose another --link",
                    link.display()
                );
                return Err(io::Error::new(io::ErrorKind::AlreadyExists, message));
            }
        }
        Ok(rustix::fs::symlink(&self.path, link)?)
    }

    fn make_raw(&self) -> io::Result<()> {
        let mut settings = termios::tcgetattr(&self.slave)?;
        settings.make_raw();
        Ok(termios::tcsetattr(
            &self.slave,
            OptionalActions::Now,
            &settings,
        )?)
    }
}

/// Takes the link away again, if it is still one.
pub fn remove_link(link: &Path) {
    if rustix::fs::readlink(link, Vec::new()).is_ok() {
        // Somebody else may have removed it in between: then it is gone, which is what was wanted.
        rustix::fs::unlink(link).ok();
    }
}

impl AsFd for Pty {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.master.as_fd()
    }
}

fn or_nothing(result: rustix::io::Result<usize>) -> io::Result<usize> {
    match result {
        Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => Ok(0),
        other => Ok(other?),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use super::*;

    #[test]
    fn every_byte_passes_both_ways() {
        let pty = Pty::open().unwrap();
        let mut port = std::fs::File::options()
            .read(true)
            .write(true)
            .open(pty.path())
            .unwrap();
        let all: Vec<u8> = (0..=255).collect();
        port.write_all(&all).unwrap();
        let mut buffer = [0; 300];
        assert_eq!(pty.read(&mut buffer).unwrap(), 256);
        assert_eq!(buffer[..256], all);
        assert_eq!(pty.read(&mut buffer).unwrap(), 0);
        assert_eq!(pty.write(&all).unwrap(), 256);
        let mut back = [0; 256];
        port.read_exact(&mut back).unwrap();
        assert_eq!(back[..], all);
    }

    #[test]
    fn a_lock_that_was_left_behind_is_released() {
        let pty = Pty::open().unwrap();
        termios::ioctl_tiocexcl(&pty.slave).unwrap();
        pty.release().unwrap();
        std::fs::File::open(pty.path()).unwrap();
    }

    #[test]
    fn the_link_follows_the_port_and_spares_other_files() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("board");
        let first = Pty::open().unwrap();
        first.link_at(&link).unwrap();
        let second = Pty::open().unwrap();
        second.link_at(&link).unwrap();
        assert_eq!(std::fs::read_link(&link).unwrap(), second.path());
        remove_link(&link);
        assert!(!link.exists());
        std::fs::write(&link, "mine").unwrap();
        let error = first.link_at(&link).unwrap_err();
        assert!(error.to_string().contains("--link"), "{error}");
        remove_link(&link);
        assert_eq!(std::fs::read_to_string(&link).unwrap(), "mine");
    }
}
