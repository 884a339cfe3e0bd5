//! Keys and values that clients of the console set. With the feature `online` the broker can set keys and values, too.

use heapless::{String, Vec};

/// At most eight keys of at most 16 bytes, with values of at most 64 bytes.
pub(crate) struct Store(Vec<(String<16>, String<64>), 8>);

/// Why a value was not stored.
pub(crate) enum StoreError {
    KeyTooLong,
    ValueTooLong,
    Full,
}

impl Store {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.iter().find(|(stored, _)| *stored == key).map(|(_, value)| value)
    }

    pub(crate) fn set(&mut self, key: &str, value: &str) -> Result<(), StoreError> {
        let key = String::try_from(key).map_err(|_| StoreError::KeyTooLong)?;
        let value = String::try_from(value).map_err(|_| StoreError::ValueTooLong)?;
        if let Some((_, stored)) = self.0.iter_mut().find(|(stored, _)| *stored == key) {
            *stored = value;
            return Ok(());
        }
        self.0.push((key, value)).map_err(|_| StoreError::Full)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }
}
