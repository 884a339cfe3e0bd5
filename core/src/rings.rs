//! The storage of all connections' rings.

/// Input and output bytes, an equal share for each connection.
pub(crate) struct Rings<'s> {
    input: &'s mut [u8],
    output: &'s mut [u8],
    input_len: usize,
    output_len: usize,
}

impl<'s> Rings<'s> {
    /// Makes an input ring and an output ring of these lengths for each connection.
    pub(crate) const fn new(
        input: &'s mut [u8],
        output: &'s mut [u8],
        input_len: usize,
        output_len: usize,
    ) -> Self {
        Self { input, output, input_len, output_len }
    }

    /// Returns `conns` rings of these lengths in a part of the storage; `None` if it is too small.
    #[cfg(feature = "record")]
    pub(crate) fn shortened(self, conns: usize, input: usize, output: usize) -> Option<Self> {
        Some(Self {
            input: self.input.get_mut(..conns.checked_mul(input)?)?,
            output: self.output.get_mut(..conns.checked_mul(output)?)?,
            input_len: input,
            output_len: output,
        })
    }

    /// Returns the size of each input ring in bytes.
    pub(crate) const fn input_len(&self) -> usize {
        self.input_len
    }

    /// Returns the size of each output ring in bytes.
    pub(crate) const fn output_len(&self) -> usize {
        self.output_len
    }

    pub(crate) fn input(&self, index: usize) -> &[u8] {
        share(index, self.input_len).and_then(|range| self.input.get(range)).unwrap_or_default()
    }

    pub(crate) fn input_mut(&mut self, index: usize) -> &mut [u8] {
        let range = share(index, self.input_len);
        range.and_then(|range| self.input.get_mut(range)).unwrap_or_default()
    }

    pub(crate) fn output(&self, index: usize) -> &[u8] {
        share(index, self.output_len).and_then(|range| self.output.get(range)).unwrap_or_default()
    }

    pub(crate) fn output_mut(&mut self, index: usize) -> &mut [u8] {
        let range = share(index, self.output_len);
        range.and_then(|range| self.output.get_mut(range)).unwrap_or_default()
    }

    /// Returns the input of `from` and the output of `to`, which may be the same connection.
    pub(crate) fn input_and_output(&mut self, from: usize, to: usize) -> (&[u8], &mut [u8]) {
        let input = share(from, self.input_len).and_then(|range| self.input.get(range));
        let output = share(to, self.output_len).and_then(|range| self.output.get_mut(range));
        (input.unwrap_or_default(), output.unwrap_or_default())
    }
}

fn share(index: usize, len: usize) -> Option<core::ops::Range<usize>> {
    let start = index.checked_mul(len)?;
    Some(start..start.checked_add(len)?)
}
