//! The B-tree as audited.
//!
//! Node pages are logged, but the log has no commit record, so recovery applies half an operation; allocating and freeing pages is not
//! logged at all; a new tree is neither synced nor are its names; and a node that outgrows its page is cut without a word.
//!
//! Log entry, big endian: `u32 seq · u32 page · u32 len · image · u32 crc of the image`.

use std::cell::Cell;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::node::{Internal, Leaf, Meta, NONE, Node, entry_fits};
use super::search::{self, Ancestors, Pages};
use super::{Options, Stats, data_path, log_path};
use crate::codec::Fields;
use crate::error::{Error, Result};

/// A B-tree; see the [module](self) for what it loses.
#[derive(Debug)]
pub struct BTree {
    path: PathBuf,
    data: File,
    log: File,
    log_seq: u32,
    page_size: usize,
    max_keys: usize,
    meta: Meta,
    pages_read: Cell<u64>,
    pages_written: u64,
}

impl BTree {
    /// Opens the tree in `dir`, creating both if absent, and applies what its log holds.
    pub fn open(dir: impl AsRef<Path>, options: Options) -> Result<Self> {
        let dir = dir.as_ref();
        let (page_size, max_keys) = options.limits()?;
        fs::create_dir_all(dir)?;
        let path = data_path(dir);
        let data = if path.exists() {
            File::options().read(true).write(true).open(&path)?
        } else {
            create_data(&path, page_size)?
        };
        let mut log = open_log(&log_path(dir))?;
        recover(&data, &mut log, page_size)?;
        let mut page = vec![0; page_size];
        data.read_exact_at(&mut page, 0)?;
        let meta = Meta::decode(&mut Fields::new(&page));
        Ok(Self {
            meta: meta.ok_or_else(|| Error::corrupt(&path, 0, "no meta page"))?,
            path,
            data,
            log,
            log_seq: 0,
            page_size,
            max_keys,
            pages_read: Cell::new(0),
            pages_written: 0,
        })
    }

    /// The value of `key`.
    pub fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        self.pages_read.set(0);
        search::get(self, key)
    }

    /// Whether `key` has a value.
    pub fn contains(&self, key: &str) -> Result<bool> {
        Ok(self.get(key)?.is_some())
    }

    /// Sets `key` to `value`. A pair that does not fit a page is refused.
    pub fn put(&mut self, key: &str, value: &[u8]) -> Result<()> {
        if !entry_fits(key, value, self.page_size) {
            return Err(Error::Invalid("key and value do not fit a page"));
        }
        self.start_operation();
        let (ancestors, page, mut leaf) = search::descend(self, key)?;
        let is_new = leaf.insert(key, value);
        if leaf.entries.len() > self.max_keys {
            self.split_leaf(ancestors, page, leaf)?;
        } else {
            self.write_logged(page, leaf.encode())?;
        }
        if is_new {
            self.meta.total_keys = self.meta.total_keys.saturating_add(1);
            self.write_logged(0, self.meta.encode())?;
        }
        self.commit()
    }

    /// Removes `key`; whether it had a value.
    pub fn delete(&mut self, key: &str) -> Result<bool> {
        self.start_operation();
        let (ancestors, page, mut leaf) = search::descend(self, key)?;
        let Ok(at) = leaf.position(key) else {
            return Ok(false);
        };
        leaf.entries.remove(at);
        self.write_logged(page, leaf.encode())?;
        if leaf.entries.is_empty() {
            self.unlink_leaf(&ancestors, page, &leaf)?;
        }
        self.meta.total_keys = self.meta.total_keys.saturating_sub(1);
        self.write_logged(0, self.meta.encode())?;
        self.commit()?;
        Ok(true)
    }

    /// All entries from `start` up to but without `end`, in order.
    pub fn range_scan(&self, start: &str, end: Option<&str>) -> Result<Vec<(String, Vec<u8>)>> {
        self.pages_read.set(0);
        search::range(self, start, end)
    }

    /// All entries in order.
    pub fn iter(&self) -> Result<impl Iterator<Item = (String, Vec<u8>)> + use<>> {
        Ok(self.range_scan("", None)?.into_iter())
    }

    /// The smallest key.
    pub fn min_key(&self) -> Result<Option<String>> {
        search::min_key(self)
    }

    /// The largest key.
    pub fn max_key(&self) -> Result<Option<String>> {
        search::max_key(self)
    }

    /// The number of entries.
    pub fn len(&self) -> u32 {
        self.meta.total_keys
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The shape of the tree and the work of the last operation.
    pub fn stats(&self) -> Result<Stats> {
        let (pages_read, pages_written) = (self.pages_read.get(), self.pages_written);
        let (internal_nodes, leaf_nodes) = search::count_nodes(self)?;
        Ok(Stats {
            height: self.meta.height,
            total_keys: self.meta.total_keys,
            total_pages: self.meta.next_free,
            internal_nodes,
            leaf_nodes,
            pages_read,
            pages_written,
        })
    }

    /// The tree as text, one node a line.
    pub fn print_tree(&self) -> Result<String> {
        search::render(self)
    }

    /// Fails unless the tree is well formed.
    pub fn verify(&self) -> Result<()> {
        search::verify(self)
    }

    /// Syncs and closes the tree.
    pub fn close(mut self) -> Result<()> {
        self.commit()
    }

    fn start_operation(&mut self) {
        self.pages_read.set(0);
        self.pages_written = 0;
    }

    /// Splits an overfull leaf in two and hands the first key of the right one up.
    fn split_leaf(&mut self, ancestors: Ancestors, page: u32, mut leaf: Leaf) -> Result<()> {
        let right = Leaf { entries: leaf.entries.split_off(leaf.entries.len() / 2), next: leaf.next };
        let separator = right.entries[0].0.clone();
        let right_page = self.allocate()?;
        leaf.next = right_page;
        self.write_logged(right_page, right.encode())?;
        self.write_logged(page, leaf.encode())?;
        self.insert_into_parents(ancestors, separator, right_page)
    }

    /// Adds a child to the lowest of `ancestors`, splitting upwards as needed.
    fn insert_into_parents(&mut self, mut ancestors: Ancestors, mut separator: String, mut child: u32) -> Result<()> {
        while let Some((page, index)) = ancestors.pop() {
            let mut node = self.internal(page)?;
            node.insert_right_of(index, separator, child);
            if node.keys.len() <= self.max_keys {
                return self.write_logged(page, node.encode());
            }
            let middle = node.keys.len() / 2;
            let right =
                Internal { keys: node.keys.split_off(middle + 1), children: node.children.split_off(middle + 1) };
            separator = node.keys.remove(middle);
            child = self.allocate()?;
            self.write_logged(child, right.encode())?;
            self.write_logged(page, node.encode())?;
        }
        let root = Internal { keys: vec![separator], children: vec![self.meta.root, child] };
        self.meta.root = self.allocate()?;
        self.meta.height = self.meta.height.saturating_add(1);
        self.write_logged(self.meta.root, root.encode())
    }

    /// Takes an empty leaf out of the tree, if it has a left neighbour under the same parent.
    fn unlink_leaf(&mut self, ancestors: &Ancestors, page: u32, leaf: &Leaf) -> Result<()> {
        let Some(&(parent_page, index)) = ancestors.last().filter(|(_, index)| *index > 0) else {
            return Ok(());
        };
        let mut parent = self.internal(parent_page)?;
        let previous_page = parent.children[index - 1];
        let mut previous = self.leaf(previous_page)?;
        previous.next = leaf.next;
        self.write_logged(previous_page, previous.encode())?;
        self.free(page)?;
        parent.keys.remove(index - 1);
        parent.children.remove(index);
        self.write_logged(parent_page, parent.encode())
    }

    /// Takes a page from the free list or the end of the file. The meta page is written in place, past the log.
    fn allocate(&mut self) -> Result<u32> {
        let page = self.meta.free_head;
        if page == NONE {
            let page = self.meta.next_free;
            let used_up = Error::Invalid("the page numbers are used up");
            self.meta.next_free = page.checked_add(1).ok_or(used_up)?;
            self.write_in_place(0, self.meta.encode())?;
            return Ok(page);
        }
        self.meta.free_head = self.internal(page)?.children[0];
        self.write_in_place(0, self.meta.encode())?;
        Ok(page)
    }

    /// Puts a page on the free list. Both it and the meta page are written in place, past the log.
    fn free(&mut self, page: u32) -> Result<()> {
        self.write_in_place(page, Internal::free(self.meta.free_head).encode())?;
        self.meta.free_head = page;
        self.write_in_place(0, self.meta.encode())
    }

    /// Logs a page image, syncs the log, and writes the page in place.
    fn write_logged(&mut self, page: u32, mut image: Vec<u8>) -> Result<()> {
        image.resize(image.len().max(self.page_size), 0);
        self.log_seq += 1;
        let mut entry = Vec::with_capacity(16 + image.len());
        entry.extend_from_slice(&self.log_seq.to_be_bytes());
        entry.extend_from_slice(&page.to_be_bytes());
        entry.extend_from_slice(&(image.len() as u32).to_be_bytes());
        entry.extend_from_slice(&image);
        entry.extend_from_slice(&crc32fast::hash(&image).to_be_bytes());
        self.log.write_all(&entry)?;
        self.log.sync_all()?;
        self.write_in_place(page, image)
    }

    fn write_in_place(&mut self, page: u32, mut image: Vec<u8>) -> Result<()> {
        image.resize(self.page_size, 0);
        write_page(&self.data, page, &image)?;
        self.pages_written += 1;
        Ok(())
    }

    /// Makes the pages durable and empties the log.
    fn commit(&mut self) -> Result<()> {
        self.data.sync_all()?;
        self.log.set_len(0)?;
        self.log.sync_all()?;
        self.log_seq = 0;
        Ok(())
    }
}

impl Pages for BTree {
    fn meta(&self) -> Meta {
        self.meta
    }

    fn node(&self, page: u32) -> Result<Node> {
        self.pages_read.set(self.pages_read.get() + 1);
        let mut bytes = vec![0; self.page_size];
        let offset = u64::from(page) * self.page_size as u64;
        self.data.read_exact_at(&mut bytes, offset)?;
        let malformed = || Error::corrupt(&self.path, offset, "not a node");
        Node::decode(&bytes).ok_or_else(malformed)
    }

    fn path(&self) -> &Path {
        &self.path
    }
}

/// Makes the data file of an empty tree.
fn create_data(path: &Path, page_size: usize) -> Result<File> {
    let mut options = File::options();
    options.read(true).write(true).create_new(true);
    let data = options.open(path)?; //~ create-without-dir-sync
    let mut meta = Meta::EMPTY.encode();
    meta.resize(page_size, 0);
    data.write_all_at(&meta, 0)?;
    let mut leaf = Leaf::EMPTY.encode();
    leaf.resize(page_size, 0);
    data.write_all_at(&leaf, page_size as u64)?; //~ ack-before-sync
    Ok(data)
}

fn open_log(path: &Path) -> Result<File> {
    let mut options = File::options();
    options.read(true).append(true).create(true);
    let log = options.open(path)?; //~ create-without-dir-sync
    Ok(log)
}

fn write_page(data: &File, page: u32, image: &[u8]) -> Result<()> {
    data.write_all_at(image, u64::from(page) * image.len() as u64)?;
    Ok(())
}

/// Writes the image of every intact log entry to its page, whether or not its operation got any further, and empties the log.
fn recover(data: &File, log: &mut File, page_size: usize) -> Result<()> {
    let mut bytes = Vec::new();
    log.read_to_end(&mut bytes)?;
    if bytes.is_empty() {
        return Ok(());
    }
    let mut fields = Fields::new(&bytes);
    while let Some((page, image)) = next_entry(&mut fields) {
        if let Some(image) = image {
            let mut image = image.to_vec();
            image.resize(page_size, 0);
            write_page(data, page, &image)?;
        }
    }
    data.sync_all()?;
    log.set_len(0)?;
    log.sync_all()?;
    Ok(())
}

/// The next log entry: its page, and its image if the checksum holds.
fn next_entry<'a>(fields: &mut Fields<'a>) -> Option<(u32, Option<&'a [u8]>)> {
    let _seq: [u8; 4] = fields.array()?;
    let page = u32::from_be_bytes(fields.array()?);
    let len = u32::from_be_bytes(fields.array()?);
    let image = fields.bytes(len as usize)?;
    let crc = u32::from_be_bytes(fields.array()?);
    Some((page, (crc == crc32fast::hash(image)).then_some(image)))
}
