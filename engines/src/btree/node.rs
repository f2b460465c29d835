//! What a page holds, and its bytes.
//!
//! Big endian. Every node: `u8 type (0 internal, 1 leaf) · u16 n`. Leaf: `u32 next leaf`, then n times `u16 len · key · u16 len · value`.
//! Internal: `u32 child`, then n times `u16 len · key · u32 child`; the child after a key holds what is not below that key. A free page is
//! an internal node without keys whose child is the next free page.

use crate::codec::Fields;

/// "No page": the end of the leaf chain and of the free list.
pub(super) const NONE: u32 = u32::MAX;

/// What the meta page says about the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Meta {
    pub(super) root: u32,
    pub(super) height: u32,
    pub(super) total_keys: u32,
    /// The first page that was never allocated.
    pub(super) next_free: u32,
    /// The first page of the free list.
    pub(super) free_head: u32,
}

impl Meta {
    /// An empty tree: page 0 is the meta page, page 1 an empty leaf.
    pub(super) const EMPTY: Self = Self { root: 1, height: 1, total_keys: 0, next_free: 2, free_head: NONE };

    pub(super) fn encode(&self) -> Vec<u8> {
        let fields = [self.root, self.height, self.total_keys, self.next_free, self.free_head];
        fields.iter().flat_map(|field| field.to_be_bytes()).collect()
    }

    pub(super) fn decode(fields: &mut Fields<'_>) -> Option<Self> {
        let mut next = || fields.array().map(u32::from_be_bytes);
        Some(Self { root: next()?, height: next()?, total_keys: next()?, next_free: next()?, free_head: next()? })
    }
}

/// An entry of a leaf.
pub(super) type Entry = (String, Vec<u8>);

/// A leaf: entries in key order and the leaf to the right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Leaf {
    pub(super) next: u32,
    pub(super) entries: Vec<Entry>,
}

/// An internal node: one child more than keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Internal {
    pub(super) keys: Vec<String>,
    pub(super) children: Vec<u32>,
}

/// Any node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    Leaf(Leaf),
    Internal(Internal),
}

const HEADER_LEN: usize = 1 + 2 + 4;

/// Whether a leaf with just this entry fits a page, and lengths fit their fields.
pub(super) fn entry_fits(key: &str, value: &[u8], page_size: usize) -> bool {
    let fields = [key.len(), value.len()];
    fields.iter().all(|len| *len <= usize::from(u16::MAX)) && HEADER_LEN + 2 + key.len() + 2 + value.len() <= page_size
}

impl Leaf {
    pub(super) const EMPTY: Self = Self { next: NONE, entries: Vec::new() };

    /// Sets `key` to `value`; whether the key is new.
    pub(super) fn insert(&mut self, key: &str, value: &[u8]) -> bool {
        match self.position(key) {
            Ok(at) => {
                self.entries[at].1 = value.to_vec();
                false
            }
            Err(at) => {
                self.entries.insert(at, (key.to_owned(), value.to_vec()));
                true
            }
        }
    }

    pub(super) fn position(&self, key: &str) -> Result<usize, usize> {
        self.entries.binary_search_by(|(found, _)| found.as_str().cmp(key))
    }

    pub(super) fn encoded_len(&self) -> usize {
        let entry_len = |(key, value): &Entry| 2 + key.len() + 2 + value.len();
        HEADER_LEN + self.entries.iter().map(entry_len).sum::<usize>()
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = vec![1];
        out.extend_from_slice(&(self.entries.len() as u16).to_be_bytes());
        out.extend_from_slice(&self.next.to_be_bytes());
        for (key, value) in &self.entries {
            put_u16_sized(&mut out, key.as_bytes());
            put_u16_sized(&mut out, value);
        }
        out
    }
}

impl Internal {
    /// A page of the free list.
    pub(super) fn free(next: u32) -> Self {
        Self { keys: Vec::new(), children: vec![next] }
    }

    /// Which child `key` belongs to.
    pub(super) fn child_index(&self, key: &str) -> usize {
        self.keys.partition_point(|separator| separator.as_str() <= key)
    }

    /// Adds `child`, which holds what is not below `key`, right of the child at `index`.
    pub(super) fn insert_right_of(&mut self, index: usize, key: String, child: u32) {
        self.keys.insert(index, key);
        self.children.insert(index + 1, child);
    }

    pub(super) fn encoded_len(&self) -> usize {
        HEADER_LEN + self.keys.iter().map(|key| 2 + key.len() + 4).sum::<usize>()
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = vec![0];
        out.extend_from_slice(&(self.keys.len() as u16).to_be_bytes());
        out.extend_from_slice(&self.children[0].to_be_bytes());
        for (key, child) in self.keys.iter().zip(&self.children[1..]) {
            put_u16_sized(&mut out, key.as_bytes());
            out.extend_from_slice(&child.to_be_bytes());
        }
        out
    }
}

impl Node {
    /// The node that a page holds, or `None` if it holds none.
    pub(super) fn decode(page: &[u8]) -> Option<Self> {
        let mut fields = Fields::new(page);
        let [kind] = fields.array()?;
        let n = u16::from_be_bytes(fields.array()?);
        let link = u32::from_be_bytes(fields.array()?);
        match kind {
            0 => {
                let mut node = Internal::free(link);
                for _ in 0..n {
                    node.keys.push(string(&mut fields)?);
                    node.children.push(u32::from_be_bytes(fields.array()?));
                }
                Some(Self::Internal(node))
            }
            1 => {
                let mut entries = Vec::new();
                for _ in 0..n {
                    let key = string(&mut fields)?;
                    let value = u16_sized(&mut fields)?.to_vec();
                    entries.push((key, value));
                }
                Some(Self::Leaf(Leaf { next: link, entries }))
            }
            _ => None,
        }
    }
}

fn put_u16_sized(out: &mut Vec<u8>, bytes: &[u8]) {
    debug_assert!(bytes.len() <= usize::from(u16::MAX));
    out.extend_from_slice(&(bytes.len() as u16).to_be_bytes());
    out.extend_from_slice(bytes);
}

fn u16_sized<'a>(fields: &mut Fields<'a>) -> Option<&'a [u8]> {
    let len = u16::from_be_bytes(fields.array()?);
    fields.bytes(usize::from(len))
}

fn string(fields: &mut Fields<'_>) -> Option<String> {
    String::from_utf8(u16_sized(fields)?.to_vec()).ok()
}
