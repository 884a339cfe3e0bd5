//! The values that clients have set.

use heapless::{String, Vec};

const KEY: usize = 16;
const VALUE: usize = 64;
const ENTRIES: usize = 8;

/// Values by key, in the order in which the keys were first set.
#[derive(Default)]
pub struct Store(Vec<(String<KEY>, String<VALUE>), ENTRIES>);

/// The reason why a value was not set.
#[derive(Clone, Copy)]
pub enum SetError {
    /// The key has more than 16 bytes.
    KeyTooLong,
    /// The value has more than 64 bytes.
    ValueTooLong,
    /// There are already eight other keys.
    Full,
}

impl Store {
    /// Returns the value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.iter().find(|(known, _)| *known == key).map(|(_, value)| value)
    }

    /// Sets the value of a key.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), SetError> {
        let key = String::try_from(key).map_err(|_| SetError::KeyTooLong)?;
        let value = String::try_from(value).map_err(|_| SetError::ValueTooLong)?;
        match self.0.iter_mut().find(|(known, _)| *known == key) {
            Some((_, old)) => *old = value,
            None => self.0.push((key, value)).map_err(|_| SetError::Full)?,
        }
        Ok(())
    }

    /// Returns each key with its value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Returns the number of keys.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}
