//! The record of the corrected key-value logs: `u8 flags · u32 key_len · key · value`, little endian, inside a [frame](crate::frame).

use crate::codec::{Fields, put_sized};
use crate::error::{Error, Result};

const TOMBSTONE: u8 = 1;

/// A key that got a value, or lost it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Record<'a> {
    pub(crate) key: &'a str,
    /// `None` is a tombstone.
    pub(crate) value: Option<&'a [u8]>,
}

impl<'a> Record<'a> {
    pub(crate) fn encode(&self) -> Result<Vec<u8>> {
        if u32::try_from(self.key.len()).is_err() {
            return Err(Error::Invalid("a key is limited to 4 GiB"));
        }
        let value = self.value.unwrap_or_default();
        let mut out = Vec::with_capacity(5 + self.key.len() + value.len());
        out.push(if self.value.is_none() { TOMBSTONE } else { 0 });
        put_sized(&mut out, self.key.as_bytes());
        out.extend_from_slice(value);
        Ok(out)
    }

    pub(crate) fn decode(payload: &'a [u8]) -> Option<Self> {
        let mut fields = Fields::new(payload);
        let [flags] = fields.array()?;
        let key = std::str::from_utf8(fields.sized_bytes()?).ok()?;
        let value = fields.rest();
        match flags {
            0 => Some(Self { key, value: Some(value) }),
            TOMBSTONE if value.is_empty() => Some(Self { key, value: None }),
            _ => None,
        }
    }
}
