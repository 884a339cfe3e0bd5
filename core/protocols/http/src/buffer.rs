//! Short text that is put together.

use crate::text::copy;

/// Room for `N` bytes of ASCII text. What does not fit is left out, part by part.
pub(crate) struct Buffer<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

impl<const N: usize> Buffer<N> {
    pub(crate) const fn new() -> Self {
        Self { bytes: [0; N], len: 0 }
    }

    pub(crate) fn put(&mut self, text: &[u8]) {
        put(&mut self.bytes, &mut self.len, text);
    }

    pub(crate) fn drop_last(&mut self, amount: usize) {
        self.len = self.len.saturating_sub(amount);
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

/// Adds text to what is held. It is one function for buffers of all sizes.
#[inline(never)]
fn put(bytes: &mut [u8], len: &mut usize, text: &[u8]) {
    let room = bytes.get_mut(*len..);
    if let Some(room) = room.and_then(|room| room.get_mut(..text.len())) {
        copy(room, text);
        *len = len.saturating_add(text.len());
    }
}
