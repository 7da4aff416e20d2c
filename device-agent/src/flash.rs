//! Flash as the readers see it: a size, and runs of bytes that can be read where they lie.
//!
//! On the chip a run ends at the border of an MMU page, because the next page of flash may be mapped anywhere. On the host
//! an image is one run. Nothing is copied except the few bytes that [`read`] is asked for.

use crate::error::Error;

/// Bytes that can be read in place.
pub trait Flash {
    /// Bytes in all.
    fn size(&self) -> u32;

    /// The longest run readable in place from `offset`: at least one byte and at most `len`, less where a page ends.
    /// An empty run is given only for `len` 0.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] when `offset` is not inside, or `offset + len` is past the end.
    fn view(&mut self, offset: u32, len: u32) -> Result<&[u8], Error>;
}

impl<F: Flash + ?Sized> Flash for &mut F {
    fn size(&self) -> u32 {
        (**self).size()
    }

    fn view(&mut self, offset: u32, len: u32) -> Result<&[u8], Error> {
        (**self).view(offset, len)
    }
}

/// An image in the host's memory.
#[derive(Clone, Copy, Debug)]
pub struct Bytes<'a>(pub &'a [u8]);

impl Flash for Bytes<'_> {
    fn size(&self) -> u32 {
        // Nothing that an ESP32 can hold reaches 4 GiB; what is longer is cut, never wrapped.
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }

    fn view(&mut self, offset: u32, len: u32) -> Result<&[u8], Error> {
        let start = offset as usize;
        let end = start.checked_add(len as usize).ok_or(Error::OutOfRange)?;
        self.0.get(start..end).ok_or(Error::OutOfRange)
    }
}

/// Whether `offset..offset + size` lies inside `total` bytes.
pub(crate) fn inside(offset: u32, size: u32, total: u32) -> bool {
    offset.checked_add(size).is_some_and(|end| end <= total)
}

/// Shows `N` bytes to `use_them`: where they lie, or as a copy when a page border parts them.
///
/// # Errors
/// [`Error::OutOfRange`] when they are not all inside, or whatever the flash says.
pub fn with_bytes<const N: usize, T, F: Flash + ?Sized>(
    flash: &mut F,
    offset: u32,
    use_them: impl FnOnce(&[u8; N]) -> T,
) -> Result<T, Error> {
    if let Some(bytes) = flash.view(offset, N as u32)?.first_chunk() {
        return Ok(use_them(bytes));
    }
    let mut bytes = [0; N];
    read_into(flash, offset, &mut bytes)?;
    Ok(use_them(&bytes))
}

/// Copies `N` bytes out of the flash.
///
/// # Errors
/// As [`with_bytes`].
pub fn read<const N: usize, F: Flash + ?Sized>(
    flash: &mut F,
    offset: u32,
) -> Result<[u8; N], Error> {
    with_bytes(flash, offset, |bytes| *bytes)
}

/// Fills `into` from the flash, across page borders.
///
/// # Errors
/// [`Error::OutOfRange`] when they are not all inside, or whatever the flash says.
pub fn read_into<F: Flash + ?Sized>(
    flash: &mut F,
    offset: u32,
    into: &mut [u8],
) -> Result<(), Error> {
    let mut offset = offset;
    let mut rest = into;
    while !rest.is_empty() {
        let run = flash.view(offset, u32::try_from(rest.len()).unwrap_or(u32::MAX))?;
        let len = run.len().min(rest.len());
        if len == 0 {
            return Err(Error::OutOfRange);
        }
        let (now, later) = rest.split_at_mut_checked(len).ok_or(Error::OutOfRange)?;
        for (slot, &byte) in now.iter_mut().zip(run) {
            *slot = byte;
        }
        offset = offset.checked_add(len as u32).ok_or(Error::OutOfRange)?;
        rest = later;
    }
    Ok(())
}

/// Shows every byte of a region in runs, in order.
///
/// # Errors
/// [`Error::OutOfRange`] when it is not all inside (before anything is shown), or whatever the flash says.
pub fn for_each_run<F: Flash + ?Sized>(
    flash: &mut F,
    offset: u32,
    size: u32,
    mut show: impl FnMut(&[u8]),
) -> Result<(), Error> {
    if !inside(offset, size, flash.size()) {
        return Err(Error::OutOfRange);
    }
    let (mut offset, mut left) = (offset, size);
    while left > 0 {
        let run = flash.view(offset, left)?;
        let len = u32::try_from(run.len()).unwrap_or(u32::MAX).min(left);
        if len == 0 {
            return Err(Error::OutOfRange);
        }
        show(run.get(..len as usize).ok_or(Error::OutOfRange)?);
        offset = offset.saturating_add(len);
        left = left.saturating_sub(len);
    }
    Ok(())
}

/// A little-endian word at any offset, also across a page border.
///
/// # Errors
/// As [`read`].
pub fn read_u32<F: Flash + ?Sized>(flash: &mut F, offset: u32) -> Result<u32, Error> {
    Ok(u32::from_le_bytes(read(flash, offset)?))
}
