//! The B-tree, crash-safe.
//!
//! * An operation collects the images of all pages it changes, the meta page and free pages included, in memory. They go to the log
//!   together with a commit record in one write, and the log is synced, before any page of `btree.dat` is touched. Then the pages are
//!   written and synced, and only then is the log emptied.
//! * Recovery syncs the log, applies its complete batches in order, stops at the first incomplete one, syncs the pages, and
//!   empties the log. It can be interrupted and repeated at will.
//! * Log frames are salted anew after every truncation, so that stale ones are never taken for fresh ones.
//! * A new `btree.dat` is built as `*.tmp`, synced, renamed, and its directory synced.
//! * Nodes are split by bytes as well as by keys, so that an image always fits its page.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::node::{Internal, Leaf, Meta, NONE, Node, entry_fits};
use super::search::{self, Ancestors, Pages};
use super::{Options, Stats, data_path, log_path};
use crate::codec::Fields;
use crate::durable::{self, DirLock};
use crate::error::{Error, Result};
use crate::files;
use crate::frame::{self, FILE_HEADER_LEN};

const DATA_MAGIC: [u8; 8] = *b"BTREDAT1";
const LOG_MAGIC: [u8; 8] = *b"BTRELOG1";

/// A B-tree. When a method returns `Ok` its effect survives a power cut; when a crash interrupts it, it happened wholly or not at all.
#[derive(Debug)]
pub struct BTree {
    path: PathBuf,
    data: File,
    /// Empty between operations.
    log: File,
    /// What makes the frames of this log differ from those it held before.
    salt: u64,
    page_size: usize,
    max_keys: usize,
    meta: Meta,
    /// The pages that the operation under way changes.
    changed: BTreeMap<u32, Vec<u8>>,
    pages_read: Cell<u64>,
    pages_written: u64,
    /// Set while a write is under way, so that one that fails leaves it set.
    poisoned: bool,
    _lock: DirLock,
}

impl BTree {
    /// Opens the tree in `dir`, creating both if absent, and finishes what its log holds. The page size of a tree never changes.
    pub fn open(dir: impl AsRef<Path>, options: Options) -> Result<Self> {
        let dir = dir.as_ref();
        let (page_size, max_keys) = options.limits()?;
        durable::create_dir_durably(dir)?;
        let lock = DirLock::acquire(dir)?;
        for leftover in files::with_suffix(dir, &[".tmp"])? {
            fs::remove_file(leftover)?;
        }
        let path = data_path(dir);
        if !path.exists() {
            create_data(dir, page_size)?;
        }
        let data = File::options().read(true).write(true).open(&path)?;
        let mut log = open_log(dir)?;
        recover(&path, &data, &mut log, page_size)?;
        let meta = read_meta(&path, &data, page_size)?;
        Ok(Self {
            path,
            data,
            log,
            salt: new_salt(),
            page_size,
            max_keys,
            meta,
            changed: BTreeMap::new(),
            pages_read: Cell::new(0),
            pages_written: 0,
            poisoned: false,
            _lock: lock,
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
        let is_separator = Internal { keys: vec![key.to_owned()], children: vec![NONE; 2] };
        if !entry_fits(key, value, self.page_size) || is_separator.encoded_len() > self.page_size {
            return Err(Error::Invalid("key and value do not fit a page"));
        }
        self.start_operation()?;
        let before = self.meta;
        let collected = self.collect_put(key, value);
        self.finish_operation(before, collected)
    }

    /// Removes `key`; whether it had a value.
    pub fn delete(&mut self, key: &str) -> Result<bool> {
        self.start_operation()?;
        let before = self.meta;
        let collected = self.collect_delete(key);
        self.finish_operation(before, collected)
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

    /// Closes the tree. Every operation was durable when it returned; this reports whether the tree is still sound.
    pub fn close(self) -> Result<()> {
        self.refuse_if_poisoned()
    }

    fn refuse_if_poisoned(&self) -> Result<()> {
        if self.poisoned { Err(Error::Poisoned) } else { Ok(()) }
    }

    fn start_operation(&mut self) -> Result<()> {
        self.refuse_if_poisoned()?;
        self.changed.clear();
        self.pages_read.set(0);
        self.pages_written = 0;
        Ok(())
    }

    /// Commits what an operation collected, or forgets it if it failed before anything was written.
    fn finish_operation<T>(&mut self, before: Meta, collected: Result<T>) -> Result<T> {
        match collected {
            Ok(outcome) => {
                self.commit()?;
                Ok(outcome)
            }
            Err(error) => {
                self.changed.clear();
                self.meta = before;
                Err(error)
            }
        }
    }

    /// Makes all changed pages durable, all or none.
    fn commit(&mut self) -> Result<()> {
        if self.changed.is_empty() {
            return Ok(());
        }
        let batch = self.encode_batch()?;
        self.poisoned = true;
        self.log.write_all(&batch)?;
        self.log.sync_all()?;
        for (page, image) in &self.changed {
            write_page(&self.data, *page, image)?;
        }
        self.data.sync_all()?;
        self.log.set_len(0)?;
        self.log.sync_all()?;
        self.poisoned = false;
        self.pages_written = self.changed.len() as u64;
        self.changed.clear();
        self.salt = new_salt();
        Ok(())
    }

    /// The log header, a frame for each changed page, and the commit frame.
    fn encode_batch(&self) -> Result<Vec<u8>> {
        let mut out = frame::file_header(LOG_MAGIC, self.salt);
        for (page, image) in &self.changed {
            let mut payload = page.to_be_bytes().to_vec();
            payload.extend_from_slice(image);
            let offset = out.len() as u64;
            frame::encode(&mut out, self.salt, offset, 0, &payload)?;
        }
        let count = (self.changed.len() as u32).to_be_bytes();
        let offset = out.len() as u64;
        frame::encode(&mut out, self.salt, offset, 0, &count)?;
        Ok(out)
    }

    fn collect_put(&mut self, key: &str, value: &[u8]) -> Result<()> {
        let (ancestors, page, mut leaf) = search::descend(self, key)?;
        if leaf.insert(key, value) {
            self.meta.total_keys = self.meta.total_keys.saturating_add(1);
        }
        let mut leaves = self.split_leaf(leaf);
        let mut promoted = Vec::new();
        // Right to left, so that each leaf knows the page of the next one.
        while let Some(mut leaf) = leaves.pop() {
            let is_leftmost = leaves.is_empty();
            let leaf_page = if is_leftmost { page } else { self.allocate()? };
            if let Some((_, right_page)) = promoted.first() {
                leaf.next = *right_page;
            }
            if !is_leftmost {
                promoted.insert(0, (leaf.entries[0].0.clone(), leaf_page));
            }
            self.change(leaf_page, leaf.encode());
        }
        self.insert_into_parents(ancestors, promoted)?;
        self.change_meta();
        Ok(())
    }

    /// The leaf, cut into as many as it takes to keep within both limits; one entry always fits.
    fn split_leaf(&self, mut leaf: Leaf) -> Vec<Leaf> {
        let fits = leaf.entries.len() <= self.max_keys && leaf.encoded_len() <= self.page_size;
        if fits || leaf.entries.len() < 2 {
            return vec![leaf];
        }
        let right = Leaf { entries: leaf.entries.split_off(leaf.entries.len() / 2), next: leaf.next };
        let mut leaves = self.split_leaf(leaf);
        leaves.extend(self.split_leaf(right));
        leaves
    }

    /// Adds `promoted` children to the lowest of `ancestors`, splitting upwards as needed.
    fn insert_into_parents(&mut self, mut ancestors: Ancestors, mut promoted: Vec<(String, u32)>) -> Result<()> {
        while !promoted.is_empty() {
            let (page, mut index, mut node) = match ancestors.pop() {
                Some((page, index)) => (page, index, self.internal(page)?),
                None => self.grow()?,
            };
            for (separator, child) in promoted.drain(..) {
                node.insert_right_of(index, separator, child);
                index += 1;
            }
            let (left, rest) = self.split_internal(node);
            self.change(page, left.encode());
            for (separator, right) in rest {
                let right_page = self.allocate()?;
                self.change(right_page, right.encode());
                promoted.push((separator, right_page));
            }
        }
        Ok(())
    }

    /// Puts a new root, without keys yet, above the present one.
    fn grow(&mut self) -> Result<(u32, usize, Internal)> {
        let root = Internal { keys: Vec::new(), children: vec![self.meta.root] };
        self.meta.root = self.allocate()?;
        self.meta.height = self.meta.height.saturating_add(1);
        Ok((self.meta.root, 0, root))
    }

    /// The node, cut into as many as it takes to keep within both limits: the leftmost, and the others with their separators.
    fn split_internal(&self, mut node: Internal) -> (Internal, Vec<(String, Internal)>) {
        let fits = node.keys.len() <= self.max_keys && node.encoded_len() <= self.page_size;
        if fits || node.keys.len() < 2 {
            return (node, Vec::new());
        }
        let middle = node.keys.len() / 2;
        let right = Internal { keys: node.keys.split_off(middle + 1), children: node.children.split_off(middle + 1) };
        let separator = node.keys.remove(middle);
        let (left, mut rest) = self.split_internal(node);
        let (right, right_rest) = self.split_internal(right);
        rest.push((separator, right));
        rest.extend(right_rest);
        (left, rest)
    }

    fn collect_delete(&mut self, key: &str) -> Result<bool> {
        let (ancestors, page, mut leaf) = search::descend(self, key)?;
        let Ok(at) = leaf.position(key) else {
            return Ok(false);
        };
        leaf.entries.remove(at);
        self.change(page, leaf.encode());
        if leaf.entries.is_empty() {
            self.unlink_leaf(&ancestors, page, &leaf)?;
        }
        self.meta.total_keys = self.meta.total_keys.saturating_sub(1);
        self.change_meta();
        Ok(true)
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
        self.change(previous_page, previous.encode());
        self.free(page);
        parent.keys.remove(index - 1);
        parent.children.remove(index);
        self.change(parent_page, parent.encode());
        Ok(())
    }

    /// Takes a page from the free list or the end of the file.
    fn allocate(&mut self) -> Result<u32> {
        let page = self.meta.free_head;
        if page == NONE {
            let page = self.meta.next_free;
            let used_up = Error::Invalid("the page numbers are used up");
            self.meta.next_free = page.checked_add(1).ok_or(used_up)?;
            return Ok(page);
        }
        self.meta.free_head = self.internal(page)?.children[0];
        Ok(page)
    }

    /// Puts a page on the free list.
    fn free(&mut self, page: u32) {
        self.change(page, Internal::free(self.meta.free_head).encode());
        self.meta.free_head = page;
    }

    /// Notes the new image of a page; nothing is written before the commit.
    fn change(&mut self, page: u32, mut image: Vec<u8>) {
        debug_assert!(image.len() <= self.page_size, "nodes are split by bytes");
        image.resize(self.page_size, 0);
        self.changed.insert(page, image);
    }

    fn change_meta(&mut self) {
        let image = encode_meta(&self.meta, self.page_size);
        self.change(0, image);
    }
}

impl Pages for BTree {
    fn meta(&self) -> Meta {
        self.meta
    }

    /// The node as the operation under way sees it.
    fn node(&self, page: u32) -> Result<Node> {
        let offset = u64::from(page) * self.page_size as u64;
        let malformed = || Error::corrupt(&self.path, offset, "not a node");
        if let Some(image) = self.changed.get(&page) {
            return Node::decode(image).ok_or_else(malformed);
        }
        self.pages_read.set(self.pages_read.get() + 1);
        let mut bytes = vec![0; self.page_size];
        self.data.read_exact_at(&mut bytes, offset)?;
        Node::decode(&bytes).ok_or_else(malformed)
    }

    fn path(&self) -> &Path {
        &self.path
    }
}

/// A number that no earlier log of this tree is likely to have used.
fn new_salt() -> u64 {
    RandomState::new().hash_one(0_u8)
}

/// The meta page: magic, page size, the tree's fields, crc, zeros.
fn encode_meta(meta: &Meta, page_size: usize) -> Vec<u8> {
    let mut page = DATA_MAGIC.to_vec();
    page.extend_from_slice(&(page_size as u32).to_be_bytes());
    page.extend_from_slice(&meta.encode());
    let crc = crc32fast::hash(&page);
    page.extend_from_slice(&crc.to_be_bytes());
    page.resize(page_size, 0);
    page
}

/// The length of a meta page without its zeros.
const META_LEN: usize = 8 + 4 + 5 * 4 + 4;

/// The page size and the fields that a meta page holds, or `None` if it is not intact.
fn decode_meta(page: &[u8]) -> Option<(usize, Meta)> {
    let mut fields = Fields::new(page.get(..META_LEN)?);
    if fields.array()? != DATA_MAGIC {
        return None;
    }
    let page_size = u32::from_be_bytes(fields.array()?) as usize;
    let meta = Meta::decode(&mut fields)?;
    let crc = u32::from_be_bytes(fields.array()?);
    (crc == crc32fast::hash(&page[..META_LEN - 4])).then_some((page_size, meta))
}

/// Makes the durable data file of an empty tree.
fn create_data(dir: &Path, page_size: usize) -> Result<()> {
    let log = fs::metadata(log_path(dir));
    if log.is_ok_and(|log| log.len() > 0) {
        return Err(Error::corrupt(&data_path(dir), 0, "the data file is gone, its log is not"));
    }
    let mut leaf = Leaf::EMPTY.encode();
    leaf.resize(page_size, 0);
    let path = data_path(dir);
    let tmp = durable::tmp_path(&path);
    let mut data = File::create(&tmp)?;
    data.write_all(&encode_meta(&Meta::EMPTY, page_size))?;
    data.write_all(&leaf)?;
    data.sync_all()?;
    fs::rename(&tmp, &path)?;
    durable::sync_dir(dir)?;
    Ok(())
}

/// Opens the log, creating it if absent. Its name and that of the data file are durable on return, whoever made them.
fn open_log(dir: &Path) -> io::Result<File> {
    let mut options = File::options();
    let log = options.read(true).append(true).create(true).open(log_path(dir))?;
    durable::sync_dir(dir)?;
    Ok(log)
}

fn write_page(data: &File, page: u32, image: &[u8]) -> io::Result<()> {
    data.write_all_at(image, u64::from(page) * image.len() as u64)
}

/// Applies the complete batches of the log, up to the first that is not, and empties the log.
fn recover(path: &Path, data: &File, log: &mut File, page_size: usize) -> Result<()> {
    let mut bytes = Vec::new();
    log.read_to_end(&mut bytes)?;
    let batches = complete_batches(&bytes);
    if !batches.is_empty() {
        // The writer may have died before this sync. Pages must not be touched while their log can still vanish.
        log.sync_all()?;
        for (page, image) in batches {
            if image.len() != page_size {
                return Err(Error::corrupt(path, 0, "the tree has another page size"));
            }
            write_page(data, page, image)?;
        }
        data.sync_all()?;
    }
    log.set_len(0)?;
    log.sync_all()?;
    Ok(())
}

/// The page images of all complete batches, in order.
fn complete_batches(log: &[u8]) -> Vec<(u32, &[u8])> {
    let Some(salt) = frame::check_file_header(Path::new(""), log, LOG_MAGIC).ok() else {
        return Vec::new();
    };
    let mut images = Vec::new();
    let mut complete = 0;
    let (frames, _) = frame::scan(log, salt, FILE_HEADER_LEN);
    for frame in frames {
        let Some((number, image)) = frame.payload.split_first_chunk() else {
            break;
        };
        let number = u32::from_be_bytes(*number);
        if !image.is_empty() {
            images.push((number, image));
        } else if number as usize == images.len() - complete {
            complete = images.len();
        } else {
            break;
        }
    }
    images.truncate(complete);
    images
}

/// The meta page of a tree whose log is empty, checked.
fn read_meta(path: &Path, data: &File, page_size: usize) -> Result<Meta> {
    let mut page = Vec::new();
    data.take(META_LEN as u64).read_to_end(&mut page)?;
    let (found_page_size, meta) = decode_meta(&page).ok_or_else(|| Error::corrupt(path, 0, "no intact meta page"))?;
    if found_page_size != page_size {
        return Err(Error::Invalid("the tree was made with another page size"));
    }
    let len = data.metadata()?.len();
    if len < u64::from(meta.next_free) * page_size as u64 {
        return Err(Error::corrupt(path, len, "pages are missing"));
    }
    Ok(meta)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A small tree, and the log and pages of an operation that is about to split its root.
    fn interrupted(dir: &Path) -> (Vec<u8>, BTreeMap<u32, Vec<u8>>) {
        let mut tree = open(dir);
        for key in ["b", "c", "d", "e"] {
            tree.put(key, key.as_bytes()).unwrap();
        }
        tree.start_operation().unwrap();
        tree.collect_put("a", b"a").unwrap();
        assert!(tree.changed.len() >= 4, "two leaves, a root, the meta page");
        (tree.encode_batch().unwrap(), tree.changed.clone())
    }

    fn open(dir: &Path) -> BTree {
        let options = Options { page_size: 128, max_keys: Some(4) };
        BTree::open(dir, options).unwrap()
    }

    fn keys(dir: &Path) -> String {
        let mut tree = open(dir);
        tree.verify().unwrap();
        let keys = tree.iter().unwrap().map(|(key, _)| key).collect();
        tree.put("z", b"").unwrap();
        tree.delete("z").unwrap();
        tree.verify().unwrap();
        keys
    }

    #[test]
    fn a_torn_or_damaged_log_changes_no_page() {
        let dir = crate::scratch::dir();
        let (log, _) = interrupted(dir.path());
        for len in 0..log.len() {
            for tail in [0, log.len() - len] {
                let mut torn = log[..len].to_vec();
                torn.resize(len + tail, 0);
                if torn != log {
                    fs::write(log_path(dir.path()), torn).unwrap();
                    assert_eq!(keys(dir.path()), "bcde", "{len} bytes and {tail} zeros");
                }
            }
            let mut damaged = log.clone();
            damaged[len] ^= 0x10;
            fs::write(log_path(dir.path()), damaged).unwrap();
            assert_eq!(keys(dir.path()), "bcde", "damage at {len}");
        }
    }

    #[test]
    fn a_complete_log_heals_pages_written_torn_or_not_at_all() {
        let dir = crate::scratch::dir();
        let (log, pages) = interrupted(dir.path());
        let before = fs::read(data_path(dir.path())).unwrap();
        let cases = 3_usize.pow(pages.len() as u32);
        for case in 0..cases {
            let data = File::create(data_path(dir.path())).unwrap();
            data.write_all_at(&before, 0).unwrap();
            let mut digits = case;
            for (page, image) in &pages {
                let written = image.len() * (digits % 3) / 2;
                digits /= 3;
                let offset = u64::from(*page) * image.len() as u64;
                data.write_all_at(&image[..written], offset).unwrap();
            }
            fs::write(log_path(dir.path()), &log).unwrap();
            assert_eq!(keys(dir.path()), "abcde", "case {case}");
        }
    }
}
