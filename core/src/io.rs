//! With the feature `embedded-io`: its traits, for code that is written against them.

use core::fmt;

use embedded_io::{BufRead, Error, ErrorKind, ErrorType, Read, ReadReady, Write, WriteReady};

use crate::{ConnMut, RingBuffer, WriteError};

/// Why a read or a write of `embedded-io` 0.7 did nothing. The feature `embedded-io` gives its traits to
/// [`RingBuffer`] and [`ConnMut`].
///
/// Nothing waits in a callback, so where the traits would wait, they answer with an error: a read without
/// input with [`IoError::NotReady`], a write without room with [`IoError::Full`]. `Ok(0)` of a read is the end
/// of the stream. `write_all` is all or nothing, and `flush` has nothing to do, since the loop sends what was
/// written.
///
/// The verbs of the same names are the types' own where both are in scope: `conn.write(data)` takes all or
/// nothing, the trait's `write` what fits.
///
/// ```
/// use embedded_io::{Read, Write};
/// use picoevent::{ConnMut, IoError, RingBuffer};
/// # struct App;
/// /// A codec that knows nothing of picoevent.
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
    /// There is no input now ([`ErrorKind::TimedOut`]: the traits have no kind for this).
    NotReady,
    /// There is no room for output now, or, for `write_all`, not enough ([`ErrorKind::WriteZero`]).
    Full,
    /// The sending side is finished, or the connection has failed or ended ([`ErrorKind::NotConnected`]).
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

/// Returns the answer of a write that has taken `amount` of so many bytes.
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
    /// Returns whether there is input, or the end of it.
    fn read_ready(&mut self) -> Result<bool, IoError> {
        Ok(self.input_len() > 0 || self.is_input_over())
    }
}

impl<A> Write for ConnMut<'_, '_, A> {
    fn write(&mut self, data: &[u8]) -> Result<usize, IoError> {
        // Says whether more can be sent.
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
