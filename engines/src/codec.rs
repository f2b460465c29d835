//! Reading fields out of bytes that may hold anything.

/// A cursor over a record. Every read is checked against what is left, so a length from disk never sizes an allocation.
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The next `len` bytes, or `None` if there are fewer.
    pub(crate) fn bytes(&mut self, len: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(head)
    }

    /// The next `N` bytes: `u32::from_le_bytes(fields.array()?)`.
    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*head)
    }

    /// A byte string with its little-endian `u32` length before it.
    pub(crate) fn sized_bytes(&mut self) -> Option<&'a [u8]> {
        let len = u32::from_le_bytes(self.array()?);
        self.bytes(len as usize)
    }

    /// UTF-8 with its little-endian `u32` length before it.
    pub(crate) fn sized_string(&mut self) -> Option<String> {
        String::from_utf8(self.sized_bytes()?.to_vec()).ok()
    }

    /// All that is left.
    pub(crate) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    pub(crate) fn len(&self) -> usize {
        self.rest.len()
    }
}

/// Appends `bytes` with a little-endian `u32` length before them. The caller has checked the length.
pub(crate) fn put_sized(out: &mut Vec<u8>, bytes: &[u8]) {
    debug_assert!(u32::try_from(bytes.len()).is_ok());
    out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    out.extend_from_slice(bytes);
}
