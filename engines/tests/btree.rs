//! Behaviour of the B-tree: one suite over both versions, then what only the corrected one promises.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use common::{cut, flip, killed, scratch};
use fsynclint_engines::btree::{Options, Stats, audited, corrected};
use fsynclint_engines::{Error, Result};
use proptest::prelude::*;

type Entry = (String, Vec<u8>);

trait Tree: Sized {
    fn open(dir: &Path, options: Options) -> Result<Self>;
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>>;
    fn contains(&self, key: &str) -> Result<bool>;
    fn put(&mut self, key: &str, value: &[u8]) -> Result<()>;
    fn delete(&mut self, key: &str) -> Result<bool>;
    fn range_scan(&self, start: &str, end: Option<&str>) -> Result<Vec<Entry>>;
    fn entries(&self) -> Vec<Entry>;
    fn min_key(&self) -> Result<Option<String>>;
    fn max_key(&self) -> Result<Option<String>>;
    fn len(&self) -> u32;
    fn stats(&self) -> Result<Stats>;
    fn print_tree(&self) -> Result<String>;
    fn verify(&self) -> Result<()>;
    fn close(self) -> Result<()>;
}

macro_rules! impl_tree {
    ($tree:ty) => {
        impl Tree for $tree {
            fn open(dir: &Path, options: Options) -> Result<Self> {
                <$tree>::open(dir, options)
            }
            fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
                self.get(key)
            }
            fn contains(&self, key: &str) -> Result<bool> {
                self.contains(key)
            }
            fn put(&mut self, key: &str, value: &[u8]) -> Result<()> {
                self.put(key, value)
            }
            fn delete(&mut self, key: &str) -> Result<bool> {
                self.delete(key)
            }
            fn range_scan(&self, start: &str, end: Option<&str>) -> Result<Vec<Entry>> {
                self.range_scan(start, end)
            }
            fn entries(&self) -> Vec<Entry> {
                self.iter().unwrap().collect()
            }
            fn min_key(&self) -> Result<Option<String>> {
                self.min_key()
            }
            fn max_key(&self) -> Result<Option<String>> {
                self.max_key()
            }
            fn len(&self) -> u32 {
                assert_eq!(self.is_empty(), self.len() == 0);
                self.len()
            }
            fn stats(&self) -> Result<Stats> {
                self.stats()
            }
            fn print_tree(&self) -> Result<String> {
                self.print_tree()
            }
            fn verify(&self) -> Result<()> {
                self.verify()
            }
            fn close(self) -> Result<()> {
                self.close()
            }
        }
    };
}

impl_tree!(audited::BTree);
impl_tree!(corrected::BTree);

both_versions! {
    fsynclint_engines::btree::audited::BTree,
    fsynclint_engines::btree::corrected::BTree;
    the_fifth_key_splits_the_root,
    ten_keys_in_order,
    overwriting_keeps_the_length,
    delete_tells_whether_the_key_was_there,
    range_scans_cross_leaves,
    a_thousand_keys,
    a_get_reads_at_most_one_page_a_level_and_one,
    pairs_that_do_not_fit_a_page_are_refused,
    reopening_keeps_everything,
    deleting_all_then_inserting,
    deleting_a_whole_leaf_keeps_scans_right,
    freed_pages_are_used_again,
    a_corrupt_log_entry_never_changes_a_page,
    the_empty_tree,
    any_bytes_give_a_tree_or_an_error,
    agrees_with_the_model,
}

fn small() -> Options {
    Options { max_keys: Some(4), ..Options::default() }
}

fn open<T: Tree>(dir: &Path) -> T {
    T::open(dir, small()).unwrap()
}

fn key(i: u32) -> String {
    format!("key{i:04}")
}

fn filled<T: Tree>(dir: &Path, keys: u32) -> T {
    let mut tree: T = open(dir);
    for i in 0..keys {
        tree.put(&key(i), format!("value{i}").as_bytes()).unwrap();
    }
    tree
}

fn keys_of(entries: &[Entry]) -> Vec<&str> {
    entries.iter().map(|(key, _)| key.as_str()).collect()
}

fn the_fifth_key_splits_the_root<T: Tree>() {
    let dir = scratch();
    let mut tree: T = filled(dir.path(), 4);
    assert_eq!(tree.stats().unwrap().height, 1);
    tree.put("key9999", b"v").unwrap();
    let stats = tree.stats().unwrap();
    assert_eq!((stats.height, stats.internal_nodes, stats.leaf_nodes), (2, 1, 2));
    assert_eq!((stats.total_keys, stats.total_pages), (5, 4));
    assert_eq!(tree.print_tree().unwrap().lines().count(), 3);
}

fn ten_keys_in_order<T: Tree>() {
    let dir = scratch();
    let mut tree: T = open(dir.path());
    for i in [5, 3, 8, 1, 9, 0, 7, 2, 6, 4] {
        tree.put(&key(i), b"v").unwrap();
    }
    assert_eq!(tree.len(), 10);
    let expected: Vec<String> = (0..10).map(key).collect();
    assert_eq!(keys_of(&tree.entries()), expected);
    assert_eq!(tree.min_key().unwrap(), Some(key(0)));
    assert_eq!(tree.max_key().unwrap(), Some(key(9)));
    tree.verify().unwrap();
}

fn overwriting_keeps_the_length<T: Tree>() {
    let dir = scratch();
    let mut tree: T = filled(dir.path(), 7);
    tree.put(&key(3), b"new").unwrap();
    assert_eq!(tree.len(), 7);
    assert_eq!(tree.get(&key(3)).unwrap().as_deref(), Some(&b"new"[..]));
}

fn delete_tells_whether_the_key_was_there<T: Tree>() {
    let dir = scratch();
    let mut tree: T = filled(dir.path(), 7);
    assert!(tree.delete(&key(3)).unwrap());
    assert!(!tree.delete(&key(3)).unwrap());
    assert!(!tree.delete("absent").unwrap());
    assert_eq!(tree.get(&key(3)).unwrap(), None);
    assert!(!tree.contains(&key(3)).unwrap());
    assert!(tree.contains(&key(4)).unwrap());
    assert_eq!(tree.len(), 6);
}

fn range_scans_cross_leaves<T: Tree>() {
    let dir = scratch();
    let tree: T = filled(dir.path(), 30);
    let expected: Vec<String> = (0..30).map(key).collect();
    let bounded = tree.range_scan(&key(5), Some(&key(20))).unwrap();
    assert_eq!(keys_of(&bounded), expected[5..20]);
    assert_eq!(bounded[0].1, b"value5");
    assert_eq!(keys_of(&tree.range_scan(&key(12), None).unwrap()), expected[12..]);
    assert_eq!(tree.range_scan("l", None).unwrap(), []);
    assert_eq!(tree.range_scan(&key(9), Some(&key(9))).unwrap(), []);
}

fn a_thousand_keys<T: Tree>() {
    let dir = scratch();
    let mut tree: T = open(dir.path());
    for i in 0..1000 {
        let i = i * 617 % 1000;
        tree.put(&key(i), &i.to_be_bytes()).unwrap();
    }
    for i in 0..1000 {
        assert_eq!(tree.get(&key(i)).unwrap().unwrap(), i.to_be_bytes());
    }
    let expected: Vec<String> = (0..1000).map(key).collect();
    assert_eq!(keys_of(&tree.entries()), expected);
    tree.verify().unwrap();
}

fn a_get_reads_at_most_one_page_a_level_and_one<T: Tree>() {
    let dir = scratch();
    let tree: T = filled(dir.path(), 300);
    for i in 0..300 {
        tree.get(&key(i)).unwrap();
        let stats = tree.stats().unwrap();
        assert!(stats.height >= 4);
        assert!((1..=u64::from(stats.height) + 1).contains(&stats.pages_read));
    }
}

fn pairs_that_do_not_fit_a_page_are_refused<T: Tree>() {
    let dir = scratch();
    let mut tree: T = open(dir.path());
    let fitting = vec![7; 4096 - 3 - 4 - 2 - 3 - 2];
    tree.put("key", &fitting).unwrap();
    assert_eq!(tree.get("key").unwrap(), Some(fitting.clone()));
    let refused = tree.put("key2", &fitting);
    assert!(matches!(refused, Err(Error::Invalid(_))));
    assert_eq!(tree.len(), 1);
}

fn reopening_keeps_everything<T: Tree>() {
    let dir = scratch();
    let mut tree: T = filled(dir.path(), 100);
    tree.delete(&key(50)).unwrap();
    let left = killed(dir.path());
    tree.close().unwrap();
    for dir in [dir.path(), left.path()] {
        let tree: T = open(dir);
        assert_eq!(tree.len(), 99);
        assert_eq!(tree.get(&key(99)).unwrap().unwrap(), b"value99");
        assert_eq!(tree.get(&key(50)).unwrap(), None);
        tree.verify().unwrap();
    }
}

fn deleting_all_then_inserting<T: Tree>() {
    let dir = scratch();
    let mut tree: T = filled(dir.path(), 60);
    for i in 0..60 {
        assert!(tree.delete(&key(i)).unwrap());
        tree.verify().unwrap();
    }
    assert_eq!(tree.len(), 0);
    assert_eq!(tree.entries(), []);
    assert_eq!((tree.min_key().unwrap(), tree.max_key().unwrap()), (None, None));
    for i in (0..60).rev() {
        tree.put(&key(i), b"again").unwrap();
    }
    assert_eq!(tree.entries().len(), 60);
    tree.verify().unwrap();
}

fn deleting_a_whole_leaf_keeps_scans_right<T: Tree>() {
    let dir = scratch();
    let mut tree: T = filled(dir.path(), 20);
    for i in 4..12 {
        tree.delete(&key(i)).unwrap();
    }
    let expected: Vec<String> = (0..4).chain(12..20).map(key).collect();
    assert_eq!(keys_of(&tree.entries()), expected);
    assert_eq!(keys_of(&tree.range_scan(&key(6), None).unwrap()), expected[4..]);
    tree.verify().unwrap();
}

fn freed_pages_are_used_again<T: Tree>() {
    let dir = scratch();
    let mut tree: T = filled(dir.path(), 100);
    let before = tree.stats().unwrap().total_pages;
    for _ in 0..5 {
        for i in 20..80 {
            tree.delete(&key(i)).unwrap();
        }
        for i in 20..80 {
            tree.put(&key(i), b"v").unwrap();
        }
    }
    assert!(tree.stats().unwrap().total_pages < before + before / 2);
    tree.verify().unwrap();
}

fn a_corrupt_log_entry_never_changes_a_page<T: Tree>() {
    let dir = scratch();
    filled::<T>(dir.path(), 10).close().unwrap();
    let before = fs::read(dir.path().join("btree.dat")).unwrap();
    let mut entry = Vec::new();
    for field in [1_u32, 1, 4096] {
        entry.extend_from_slice(&field.to_be_bytes());
    }
    entry.extend_from_slice(&[0x55; 4096 + 4]);
    fs::write(dir.path().join("btree.wal"), entry).unwrap();
    let tree: T = open(dir.path());
    assert_eq!(tree.entries().len(), 10);
    assert_eq!(fs::read(dir.path().join("btree.dat")).unwrap(), before);
}

fn the_empty_tree<T: Tree>() {
    let dir = scratch();
    let tree: T = open(dir.path());
    assert_eq!(tree.get("a").unwrap(), None);
    assert_eq!(tree.len(), 0);
    assert_eq!((tree.min_key().unwrap(), tree.max_key().unwrap()), (None, None));
    assert_eq!(tree.range_scan("", None).unwrap(), []);
    assert_eq!(tree.entries(), []);
    tree.verify().unwrap();
}

fn any_bytes_give_a_tree_or_an_error<T: Tree>() {
    let bytes = || prop::collection::vec(any::<u8>(), 0..600);
    proptest!(ProptestConfig::with_cases(64), |(log in bytes(), page in bytes(), at in 0_usize..3, whole: bool)| {
        let dir = scratch();
        let options = Options { page_size: 256, max_keys: Some(4) };
        let mut tree = T::open(dir.path(), options.clone()).unwrap();
        for i in 0..9 {
            tree.put(&key(i), b"v").unwrap();
        }
        tree.close().unwrap();
        let data = dir.path().join("btree.dat");
        let mut damaged = fs::read(&data).unwrap();
        if whole {
            damaged = page;
        } else {
            for (byte, noise) in damaged[at * 256..].iter_mut().zip(&page) {
                *byte = *noise;
            }
        }
        fs::write(&data, damaged).unwrap();
        fs::write(dir.path().join("btree.wal"), log).unwrap();
        if let Ok(mut tree) = T::open(dir.path(), options) {
            let _ = tree.range_scan("", None);
            let _ = tree.max_key();
            let _ = tree.put("key0004x", b"v");
            let _ = tree.delete("key0003");
            let _ = tree.verify();
        }
    });
}

#[derive(Debug, Clone)]
enum Step {
    Put(u8, u8),
    Delete(u8),
    Reopen,
    Kill,
}

fn agrees_with_the_model<T: Tree>() {
    let step = prop_oneof![
        10 => (0_u8..60, any::<u8>()).prop_map(|(key, value)| Step::Put(key, value)),
        8 => (0_u8..60).prop_map(Step::Delete),
        1 => Just(Step::Reopen),
        1 => Just(Step::Kill),
    ];
    proptest!(ProptestConfig::with_cases(32), |(steps in prop::collection::vec(step, 1..120))| {
        let mut dir = scratch();
        let mut tree: T = open(dir.path());
        let mut model: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        for step in steps {
            match step {
                Step::Put(i, value) => {
                    tree.put(&key(i.into()), &[value]).unwrap();
                    model.insert(key(i.into()), vec![value]);
                }
                Step::Delete(i) => {
                    let existed = model.remove(&key(i.into())).is_some();
                    prop_assert_eq!(tree.delete(&key(i.into())).unwrap(), existed);
                }
                Step::Reopen => {
                    tree.close().unwrap();
                    tree = open(dir.path());
                }
                Step::Kill => {
                    let left = killed(dir.path());
                    drop(tree);
                    dir = left;
                    tree = open(dir.path());
                }
            }
        }
        tree.verify().unwrap();
        prop_assert_eq!(tree.len() as usize, model.len());
        prop_assert_eq!(tree.min_key().unwrap(), model.keys().next().cloned());
        prop_assert_eq!(tree.max_key().unwrap(), model.keys().next_back().cloned());
        prop_assert_eq!(tree.range_scan(&key(20), Some(&key(40))).unwrap(),
            model.range(key(20)..key(40)).map(|(k, v)| (k.clone(), v.clone())).collect::<Vec<_>>());
        prop_assert_eq!(tree.entries(), model.into_iter().collect::<Vec<_>>());
    });
}

mod corrected_only {
    use super::*;
    use corrected::BTree;

    #[test]
    fn pairs_of_any_fitting_size_round_trip() {
        proptest!(ProptestConfig::with_cases(48), |(sizes in prop::collection::vec((1_usize..90, 0_usize..110), 1..60))| {
            let dir = scratch();
            let options = Options { page_size: 128, max_keys: None };
            let mut tree = BTree::open(dir.path(), options).unwrap();
            let mut model = BTreeMap::new();
            for (i, (key_len, value_len)) in sizes.into_iter().enumerate() {
                let key = format!("{:0key_len$}", i * 7919 % 1000);
                let value = vec![i as u8; value_len];
                match tree.put(&key, &value) {
                    Ok(()) => { model.insert(key, value); }
                    Err(Error::Invalid(_)) => prop_assert!(3 + 4 + 2 + key.len() + 4 + value.len() > 128),
                    Err(error) => return Err(TestCaseError::fail(error.to_string())),
                }
                tree.verify().unwrap();
            }
            prop_assert_eq!(tree.iter().unwrap().collect::<BTreeMap<_, _>>(), model);
        });
    }

    #[test]
    fn another_page_size_is_refused() {
        let dir = scratch();
        open::<BTree>(dir.path()).close().unwrap();
        let options = Options { page_size: 1024, ..Options::default() };
        assert!(matches!(BTree::open(dir.path(), options), Err(Error::Invalid(_))));
    }

    #[test]
    fn a_short_or_missing_data_file_is_an_error() {
        let dir = scratch();
        filled::<BTree>(dir.path(), 20).close().unwrap();
        let data = dir.path().join("btree.dat");
        cut(&data, 4096);
        assert!(matches!(BTree::open(dir.path(), small()), Err(Error::Corrupt { .. })));
        fs::remove_file(data).unwrap();
        fs::write(dir.path().join("btree.wal"), b"something").unwrap();
        assert!(matches!(BTree::open(dir.path(), small()), Err(Error::Corrupt { .. })));
    }

    #[test]
    fn a_damaged_meta_page_is_an_error() {
        let dir = scratch();
        filled::<BTree>(dir.path(), 20).close().unwrap();
        flip(&dir.path().join("btree.dat"), 15);
        assert!(matches!(BTree::open(dir.path(), small()), Err(Error::Corrupt { .. })));
    }

    #[test]
    fn a_half_made_tree_is_made_anew() {
        let dir = scratch();
        fs::write(dir.path().join("btree.dat.tmp"), b"half").unwrap();
        let mut tree: BTree = open(dir.path());
        tree.put("a", b"1").unwrap();
        assert!(!dir.path().join("btree.dat.tmp").exists());
    }

    #[test]
    fn a_second_handle_is_refused() {
        let dir = scratch();
        let _tree: BTree = open(dir.path());
        assert!(matches!(BTree::open(dir.path(), small()), Err(Error::Locked(_))));
    }
}
