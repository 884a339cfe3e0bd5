//! The output of a connection: bytes in its ring, and static pieces between them. A static piece is one slice that was
//! passed to `write_static`.

use std::collections::VecDeque;

/// A part of the output. A back end gets one part at a time.
#[derive(Debug)]
enum Part {
    Ring(Vec<u8>),
    Static(&'static [u8]),
}

impl Part {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Ring(bytes) => bytes,
            Self::Static(bytes) => bytes,
        }
    }

    /// Returns the number of bytes that the part takes in the ring.
    fn held(&self) -> usize {
        if let Self::Ring(bytes) = self { bytes.len() } else { 1 }
    }
}

/// Output that is not sent yet.
#[derive(Debug, Default)]
pub struct Output(VecDeque<Part>);

impl Output {
    pub fn extend<'b>(&mut self, bytes: impl IntoIterator<Item = &'b u8>) {
        let mut bytes: Vec<u8> = bytes.into_iter().copied().collect();
        match self.0.back_mut() {
            Some(Part::Ring(held)) => held.append(&mut bytes),
            _ if bytes.is_empty() => {}
            _ => self.0.push_back(Part::Ring(bytes)),
        }
    }

    pub fn push_static(&mut self, bytes: &'static [u8]) {
        if !bytes.is_empty() {
            self.0.push_back(Part::Static(bytes));
        }
    }

    /// Returns the number of unsent bytes.
    pub fn len(&self) -> usize {
        self.0.iter().map(|part| part.bytes().len()).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the number of bytes that are in use in the ring.
    pub fn held(&self) -> usize {
        self.0.iter().map(Part::held).sum()
    }

    /// Returns the number of static pieces.
    pub fn static_slices(&self) -> usize {
        self.0.iter().filter(|part| matches!(part, Part::Static(_))).count()
    }

    /// Returns the part that a back end gets.
    pub fn part(&self) -> &[u8] {
        self.0.front().map_or(&[], Part::bytes)
    }

    /// Removes `amount` bytes that a back end has reported as sent.
    pub fn sent(&mut self, amount: usize) {
        let amount = amount.min(self.part().len());
        match self.0.front_mut() {
            Some(Part::Ring(bytes)) => drop(bytes.drain(..amount)),
            Some(Part::Static(bytes)) => *bytes = &bytes[amount..],
            None => {}
        }
        if self.part().is_empty() {
            self.0.pop_front();
        }
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }
}
