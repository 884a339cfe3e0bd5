//! Implements the traits of `embedded-io`, with the feature `embedded-io`.

use core::fmt;

use embedded_io::{BufRead, Error, ErrorKind, ErrorType, Read, ReadReady, Write, WriteReady};

use crate::{ConnMut, RingBuffer, WriteError};

/// Why a read or a write of `embedded-io` 0.7 did nothing. With the feature `embedded-io`, [`RingBuffer`] and
/// [`ConnMut`] implement the traits of that crate.
///
/// A callback must not block, so a call that would block returns an error: [`IoError::NotReady`] for a read
/// without input, [`IoError::Full`] for a write without room. A read returns `Ok(0)` at the end of the stream.
/// `write_all` writes all or nothing. `flush` does nothing, because the loop sends the written bytes.
///
/// If a type's own method and a trait's method have the same name, a method call uses the type's own method:
/// `conn.write(data)` writes all or nothing. The trait's `write` writes as many bytes as fit.
///
/// ```
/// use embedded_io::{Read, Write};
/// use picoevent::{ConnMut, IoError, RingBuffer};
/// # struct App;
/// /// A codec that does not depend on picoevent.
/// fn answer<T: Read + Write>(stream: &mut T) -> Result<(), T::Error> {
///     let mut byte = [0; 1];
///     while Read::read(stream, &mut byte)? > 0 {
///         stream.write_all(&[byte[0].to_ascii_uppercase()])?;
///     }
///     Ok(())
/// }
///
/// fn readable(_: &mut App, conn: &mut ConnMut<App>) {
///     if answer(conn) != Err(IoError::NotReady) {
///         conn.close();
///     }
/// }
/// # let _ = readable;
///
/// let mut memory = [0; 4];
/// let mut ring = RingBuffer::new(&mut memory);
/// assert_eq!(Write::write(&mut ring, b"abcdef"), Ok(4));
/// assert_eq!(Write::write(&mut ring, b"ef"), Err(IoError::Full));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum IoError {
    /// There is no input now. The kind of this error is [`ErrorKind::TimedOut`], because [`ErrorKind`] has no variant
    /// for a read that would block.
    NotReady,
    /// There is no room for output now. For `write_all`, there is not enough room for all bytes. The kind of this error
    /// is [`ErrorKind::WriteZero`].
    Full,
    /// The sending side is finished, or the connection has failed or ended. The kind of this error is
    /// [`ErrorKind::NotConnected`].
    Finished,
}

impl fmt::Display for IoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotReady => "there is no input now",
            Self::Full => "the ring has no room",
            Self::Finished => "the connection's sending side is finished",
        })
    }
}

impl core::error::Error for IoError {}

impl Error for IoError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotReady => ErrorKind::TimedOut,
            Self::Full => ErrorKind::WriteZero,
            Self::Finished => ErrorKind::NotConnected,
        }
    }
}

impl From<WriteError> for IoError {
    fn from(error: WriteError) -> Self {
        if error == WriteError::Finished { Self::Finished } else { Self::Full }
    }
}

/// Returns the result of a write of `wanted` bytes, of which `amount` bytes were written.
fn written(amount: usize, wanted: usize) -> Result<usize, IoError> {
    if amount == 0 && wanted > 0 { Err(IoError::Full) } else { Ok(amount) }
}

impl ErrorType for RingBuffer<'_> {
    type Error = IoError;
}

impl Read for RingBuffer<'_> {
    fn read(&mut self, target: &mut [u8]) -> Result<usize, IoError> {
        if self.is_empty() && !target.is_empty() {
            return Err(IoError::NotReady);
        }
        Ok(RingBuffer::read(self, target))
    }
}

impl BufRead for RingBuffer<'_> {
    fn fill_buf(&mut self) -> Result<&[u8], IoError> {
        let (first, _) = self.peek();
        if first.is_empty() { Err(IoError::NotReady) } else { Ok(first) }
    }

    fn consume(&mut self, amount: usize) {
        RingBuffer::consume(self, amount);
    }
}

impl ReadReady for RingBuffer<'_> {
    fn read_ready(&mut self) -> Result<bool, IoError> {
        Ok(!self.is_empty())
    }
}

impl Write for RingBuffer<'_> {
    fn write(&mut self, data: &[u8]) -> Result<usize, IoError> {
        written(self.write_some(data), data.len())
    }

    fn flush(&mut self) -> Result<(), IoError> {
        Ok(())
    }

    fn write_all(&mut self, data: &[u8]) -> Result<(), IoError> {
        Ok(RingBuffer::write(self, data)?)
    }
}

impl WriteReady for RingBuffer<'_> {
    fn write_ready(&mut self) -> Result<bool, IoError> {
        Ok(self.room() > 0)
    }
}

impl<A> ErrorType for ConnMut<'_, '_, A> {
    type Error = IoError;
}

impl<A> Read for ConnMut<'_, '_, A> {
    fn read(&mut self, target: &mut [u8]) -> Result<usize, IoError> {
        if !self.read_ready()? && !target.is_empty() {
            return Err(IoError::NotReady);
        }
        Ok(ConnMut::read(self, target))
    }
}

impl<A> BufRead for ConnMut<'_, '_, A> {
    fn fill_buf(&mut self) -> Result<&[u8], IoError> {
        if self.read_ready()? { Ok(self.peek().0) } else { Err(IoError::NotReady) }
    }

    fn consume(&mut self, amount: usize) {
        ConnMut::consume(self, amount);
    }
}

impl<A> ReadReady for ConnMut<'_, '_, A> {
    /// Returns whether there is input, or the input has ended.
    fn read_ready(&mut self) -> Result<bool, IoError> {
        Ok(self.input_len() > 0 || self.is_input_over())
    }
}

impl<A> Write for ConnMut<'_, '_, A> {
    fn write(&mut self, data: &[u8]) -> Result<usize, IoError> {
        // This empty write returns an error if nothing more can be sent. `write_some` returns only zero in this case.
        ConnMut::write(self, &[])?;
        written(self.write_some(data), data.len())
    }

    fn flush(&mut self) -> Result<(), IoError> {
        Ok(())
    }

    fn write_all(&mut self, data: &[u8]) -> Result<(), IoError> {
        Ok(ConnMut::write(self, data)?)
    }
}

impl<A> WriteReady for ConnMut<'_, '_, A> {
    fn write_ready(&mut self) -> Result<bool, IoError> {
        Ok(self.room() > 0)
    }
}
