//! Everything that only reads a tree; the same for both versions.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use super::node::{Entry, Internal, Leaf, Meta, NONE, Node};
use crate::error::{Error, Result};

/// More levels than a tree of 2^32 pages can have; a chain of more is a cycle.
const MAX_HEIGHT: usize = 64;

/// A tree whose pages can be read.
pub(super) trait Pages {
    fn meta(&self) -> Meta;

    fn node(&self, page: u32) -> Result<Node>;

    /// The file to blame.
    fn path(&self) -> &Path;

    fn leaf(&self, page: u32) -> Result<Leaf> {
        match self.node(page)? {
            Node::Leaf(leaf) => Ok(leaf),
            Node::Internal(_) => Err(self.malformed("an internal node where a leaf belongs")),
        }
    }

    fn internal(&self, page: u32) -> Result<Internal> {
        match self.node(page)? {
            Node::Internal(node) => Ok(node),
            Node::Leaf(_) => Err(self.malformed("a leaf where an internal node belongs")),
        }
    }

    fn malformed(&self, what: &'static str) -> Error {
        Error::corrupt(self.path(), 0, what)
    }
}

/// The way from the root to a leaf: each internal page with the index of the child taken.
pub(super) type Ancestors = Vec<(u32, usize)>;

/// The leaf that `key` belongs to, its page, and the way there.
pub(super) fn descend(tree: &impl Pages, key: &str) -> Result<(Ancestors, u32, Leaf)> {
    let mut ancestors = Vec::new();
    let mut page = tree.meta().root;
    while ancestors.len() < MAX_HEIGHT {
        match tree.node(page)? {
            Node::Leaf(leaf) => return Ok((ancestors, page, leaf)),
            Node::Internal(node) => {
                let index = node.child_index(key);
                ancestors.push((page, index));
                page = node.children[index];
            }
        }
    }
    Err(tree.malformed("a cycle among internal nodes"))
}

pub(super) fn get(tree: &impl Pages, key: &str) -> Result<Option<Vec<u8>>> {
    let (_, _, mut leaf) = descend(tree, key)?;
    Ok(leaf.position(key).ok().map(|at| leaf.entries.swap_remove(at).1))
}

/// All entries from `start` up to but without `end`.
pub(super) fn range(tree: &impl Pages, start: &str, end: Option<&str>) -> Result<Vec<Entry>> {
    let (_, _, mut leaf) = descend(tree, start)?;
    let mut found: Vec<Entry> = Vec::new();
    let mut leaves_left = tree.meta().next_free;
    loop {
        for entry in leaf.entries {
            if end.is_some_and(|end| entry.0.as_str() >= end) {
                return Ok(found);
            }
            if found.last().is_some_and(|last| last.0 >= entry.0) {
                return Err(tree.malformed("keys out of order"));
            }
            if entry.0.as_str() >= start {
                found.push(entry);
            }
        }
        if leaf.next == NONE {
            return Ok(found);
        }
        leaves_left = leaves_left.checked_sub(1).ok_or_else(|| tree.malformed("a cycle in the leaf chain"))?;
        leaf = tree.leaf(leaf.next)?;
    }
}

pub(super) fn min_key(tree: &impl Pages) -> Result<Option<String>> {
    let (_, _, mut leaf) = descend(tree, "")?;
    let mut leaves_left = tree.meta().next_free;
    while leaf.entries.is_empty() && leaf.next != NONE && leaves_left > 0 {
        leaves_left -= 1;
        leaf = tree.leaf(leaf.next)?;
    }
    Ok(leaf.entries.into_iter().next().map(|entry| entry.0))
}

/// The last key: that of the rightmost leaf, or if deletions emptied it, of the nearest one to its left that has any.
pub(super) fn max_key(tree: &impl Pages) -> Result<Option<String>> {
    let mut pending = vec![(tree.meta().root, 0)];
    let mut pages_left = tree.meta().next_free;
    while let Some((page, depth)) = pending.pop() {
        pages_left = pages_left.saturating_sub(1);
        if depth > MAX_HEIGHT || pages_left == 0 {
            return Err(tree.malformed("a cycle among internal nodes"));
        }
        match tree.node(page)? {
            Node::Internal(node) => pending.extend(node.children.iter().map(|child| (*child, depth + 1))),
            Node::Leaf(mut leaf) => {
                if let Some((key, _)) = leaf.entries.pop() {
                    return Ok(Some(key));
                }
            }
        }
    }
    Ok(None)
}

/// The nodes reachable from the root, parents before children, left before right, each with its depth.
fn reachable(tree: &impl Pages) -> Result<Vec<(usize, u32, Node)>> {
    let mut nodes = Vec::new();
    let mut seen = BTreeSet::new();
    let mut pending = vec![(0, tree.meta().root)];
    while let Some((depth, page)) = pending.pop() {
        if !seen.insert(page) {
            return Err(tree.malformed("a page that is reachable twice"));
        }
        let node = tree.node(page)?;
        if let Node::Internal(node) = &node {
            pending.extend(node.children.iter().rev().map(|child| (depth + 1, *child)));
        }
        nodes.push((depth, page, node));
    }
    Ok(nodes)
}

/// The number of internal nodes and of leaves.
pub(super) fn count_nodes(tree: &impl Pages) -> Result<(u32, u32)> {
    let nodes = reachable(tree)?;
    let leaves = nodes.iter().filter(|(.., node)| matches!(node, Node::Leaf(_))).count();
    Ok(((nodes.len() - leaves) as u32, leaves as u32))
}

/// One line a node, indented by depth.
pub(super) fn render(tree: &impl Pages) -> Result<String> {
    let mut out = String::new();
    for (depth, page, node) in reachable(tree)? {
        let indent = "  ".repeat(depth);
        let (kind, keys): (_, Vec<&str>) = match &node {
            Node::Leaf(leaf) => ("leaf", leaf.entries.iter().map(|entry| entry.0.as_str()).collect()),
            Node::Internal(node) => ("internal", node.keys.iter().map(String::as_str).collect()),
        };
        let _ = writeln!(out, "{indent}{kind} {page}: {}", keys.join(" "));
    }
    Ok(out)
}

/// Checks that the tree is well formed: keys sorted and within their separators, all leaves at one depth and chained in order, the
/// free list disjoint from the live pages, and as many entries as the meta page says.
pub(super) fn verify(tree: &impl Pages) -> Result<()> {
    let meta = tree.meta();
    let nodes = reachable(tree)?;
    let mut leaves = nodes.iter().filter_map(|(depth, page, node)| match node {
        Node::Leaf(leaf) => Some((*depth, *page, leaf)),
        Node::Internal(_) => None,
    });
    let mut entries = 0;
    let mut last: Option<&str> = None;
    let mut expected_page = None;
    for (depth, page, leaf) in leaves.by_ref() {
        if depth + 1 != meta.height as usize || expected_page.is_some_and(|expected| expected != page) {
            return Err(tree.malformed("a leaf out of place"));
        }
        expected_page = Some(leaf.next);
        for (key, _) in &leaf.entries {
            if last.is_some_and(|last| last >= key.as_str()) {
                return Err(tree.malformed("keys out of order"));
            }
            if descend(tree, key)?.1 != page {
                return Err(tree.malformed("a key outside its separators"));
            }
            last = Some(key);
            entries += 1;
        }
    }
    if expected_page != Some(NONE) || entries != meta.total_keys {
        return Err(tree.malformed("the leaf chain or the number of entries is wrong"));
    }
    let mut taken: BTreeSet<u32> = nodes.iter().map(|(_, page, _)| *page).collect();
    let mut free = meta.free_head;
    while free != NONE {
        if !taken.insert(free) {
            return Err(tree.malformed("a free page that is live, or free twice"));
        }
        free = tree.internal(free)?.children[0];
    }
    if taken.len() + 1 != meta.next_free as usize || taken.contains(&0) {
        return Err(tree.malformed("a page that is neither live nor free"));
    }
    Ok(())
}
