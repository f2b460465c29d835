//! Behaviour of the hash-index store: one suite over both versions, then what only the corrected one promises.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use common::{cut, extend, files_with, flip, killed, scratch};
use fsynclint_engines::hash_index::{Options, audited, corrected};
use fsynclint_engines::{Error, Result};
use proptest::prelude::*;

trait Store: Sized {
    fn open(dir: &Path, options: Options) -> Result<Self>;
    fn put(&mut self, key: &str, value: &str) -> Result<()>;
    fn get(&self, key: &str) -> Result<Option<String>>;
    fn delete(&mut self, key: &str) -> Result<()>;
    fn keys(&self) -> Vec<String>;
    fn len(&self) -> usize;
    fn contains(&self, key: &str) -> bool;
    fn compact(&mut self) -> Result<()>;
    fn close(self) -> Result<()>;
}

macro_rules! impl_store {
    ($store:ty) => {
        impl Store for $store {
            fn open(dir: &Path, options: Options) -> Result<Self> {
                <$store>::open(dir, options)
            }
            fn put(&mut self, key: &str, value: &str) -> Result<()> {
                self.put(key, value)
            }
            fn get(&self, key: &str) -> Result<Option<String>> {
                self.get(key)
            }
            fn delete(&mut self, key: &str) -> Result<()> {
                self.delete(key)
            }
            fn keys(&self) -> Vec<String> {
                self.keys()
            }
            fn len(&self) -> usize {
                assert_eq!(self.is_empty(), self.len() == 0);
                self.len()
            }
            fn contains(&self, key: &str) -> bool {
                self.contains(key)
            }
            fn compact(&mut self) -> Result<()> {
                self.compact()
            }
            fn close(self) -> Result<()> {
                self.close()
            }
        }
    };
}

impl_store!(audited::HashIndex);
impl_store!(corrected::HashIndex);

both_versions! {
    fsynclint_engines::hash_index::audited::HashIndex,
    fsynclint_engines::hash_index::corrected::HashIndex;
    put_get_overwrite_delete,
    full_files_are_rotated_and_stay_readable,
    compaction_keeps_the_latest_values_and_drops_deleted_keys,
    compaction_leaves_hints_that_a_reopened_store_reads,
    reopening_without_hints_gives_the_same,
    a_deleted_key_stays_deleted_after_reopening,
    ten_thousand_keys_half_overwritten,
    deleting_an_absent_key_is_fine,
    put_after_delete,
    compacting_only_the_active_file_does_nothing,
    writes_and_a_second_compaction_after_a_compaction,
    works_without_syncs,
    any_bytes_give_a_store_or_an_error,
    agrees_with_the_model,
}

fn small() -> Options {
    Options { max_file_size: 256, ..Options::default() }
}

fn open<S: Store>(dir: &Path) -> S {
    S::open(dir, small()).unwrap()
}

fn key(i: usize) -> String {
    format!("key{i:05}")
}

fn filled<S: Store>(dir: &Path, keys: usize) -> S {
    let mut store: S = open(dir);
    for i in 0..keys {
        store.put(&key(i), &format!("value{i}")).unwrap();
    }
    store
}

fn content(store: &impl Store) -> BTreeMap<String, String> {
    store.keys().into_iter().map(|key| (key.clone(), store.get(&key).unwrap().unwrap())).collect()
}

fn put_get_overwrite_delete<S: Store>() {
    let dir = scratch();
    let mut store = S::open(dir.path(), Options::default()).unwrap();
    assert_eq!(store.get("a").unwrap(), None);
    store.put("a", "1").unwrap();
    store.put("b", "zwei ✓").unwrap();
    store.put("a", "3").unwrap();
    assert_eq!(store.get("a").unwrap().as_deref(), Some("3"));
    assert_eq!(store.get("b").unwrap().as_deref(), Some("zwei ✓"));
    assert_eq!(store.len(), 2);
    store.delete("a").unwrap();
    assert_eq!(store.get("a").unwrap(), None);
    assert!(!store.contains("a") && store.contains("b"));
    assert_eq!(store.keys(), ["b"]);
    assert_eq!(store.len(), 1);
}

fn full_files_are_rotated_and_stay_readable<S: Store>() {
    let dir = scratch();
    let store: S = filled(dir.path(), 100);
    assert!(files_with(dir.path(), ".data").len() > 5);
    for i in 0..100 {
        assert_eq!(store.get(&key(i)).unwrap(), Some(format!("value{i}")));
    }
}

fn compaction_keeps_the_latest_values_and_drops_deleted_keys<S: Store>() {
    let dir = scratch();
    let mut store: S = filled(dir.path(), 60);
    for i in 0..30 {
        store.put(&key(i), "new").unwrap();
    }
    for i in 20..40 {
        store.delete(&key(i)).unwrap();
    }
    let before = content(&store);
    let usage = common::disk_usage(dir.path());
    store.compact().unwrap();
    assert_eq!(store.len(), 40);
    assert_eq!(content(&store), before);
    assert!(common::disk_usage(dir.path()) < usage);
    assert_eq!(store.get(&key(5)).unwrap().as_deref(), Some("new"));
    assert_eq!(store.get(&key(25)).unwrap(), None);
}

fn compaction_leaves_hints_that_a_reopened_store_reads<S: Store>() {
    let dir = scratch();
    let mut store: S = filled(dir.path(), 60);
    store.compact().unwrap();
    let before = content(&store);
    store.close().unwrap();
    assert!(!files_with(dir.path(), ".hint").is_empty());
    let store: S = open(dir.path());
    assert_eq!(content(&store), before);
}

fn reopening_without_hints_gives_the_same<S: Store>() {
    let dir = scratch();
    let mut store: S = filled(dir.path(), 60);
    store.delete(&key(7)).unwrap();
    store.compact().unwrap();
    let before = content(&store);
    store.close().unwrap();
    for hint in files_with(dir.path(), ".hint") {
        fs::remove_file(hint).unwrap();
    }
    let store: S = open(dir.path());
    assert_eq!(content(&store), before);
    assert_eq!(store.len(), 59);
}

fn a_deleted_key_stays_deleted_after_reopening<S: Store>() {
    let dir = scratch();
    let mut store: S = filled(dir.path(), 20);
    store.delete(&key(3)).unwrap();
    let left = killed(dir.path());
    let store: S = open(left.path());
    assert_eq!(store.get(&key(3)).unwrap(), None);
    assert_eq!(store.len(), 19);
}

fn ten_thousand_keys_half_overwritten<S: Store>() {
    let dir = scratch();
    let options = Options { max_file_size: 64 << 10, ..Options::default() };
    let mut store = S::open(dir.path(), options.clone()).unwrap();
    for i in 0..10_000 {
        store.put(&key(i), "old").unwrap();
    }
    for i in 0..5_000 {
        store.put(&key(i * 2), "new").unwrap();
    }
    let check = |store: &S| {
        assert_eq!(store.len(), 10_000);
        for i in 0..10_000 {
            let expected = if i % 2 == 0 { "new" } else { "old" };
            assert_eq!(store.get(&key(i)).unwrap().as_deref(), Some(expected));
        }
    };
    check(&store);
    store.compact().unwrap();
    check(&store);
    store.close().unwrap();
    check(&S::open(dir.path(), options).unwrap());
}

fn deleting_an_absent_key_is_fine<S: Store>() {
    let dir = scratch();
    let mut store: S = open(dir.path());
    store.delete("absent").unwrap();
    store.put("a", "1").unwrap();
    store.delete("absent").unwrap();
    assert_eq!(store.keys(), ["a"]);
}

fn put_after_delete<S: Store>() {
    let dir = scratch();
    let mut store: S = open(dir.path());
    store.put("a", "1").unwrap();
    store.delete("a").unwrap();
    store.put("a", "2").unwrap();
    store.close().unwrap();
    let store: S = open(dir.path());
    assert_eq!(store.get("a").unwrap().as_deref(), Some("2"));
}

fn compacting_only_the_active_file_does_nothing<S: Store>() {
    let dir = scratch();
    let mut store: S = filled(dir.path(), 3);
    let before = common::files(dir.path());
    store.compact().unwrap();
    assert_eq!(common::files(dir.path()), before);
    assert_eq!(store.len(), 3);
}

fn writes_and_a_second_compaction_after_a_compaction<S: Store>() {
    let dir = scratch();
    let mut store: S = filled(dir.path(), 50);
    for round in 0..3 {
        store.compact().unwrap();
        for i in 0..30 {
            store.put(&key(i), &format!("round{round}")).unwrap();
        }
        store.delete(&key(40 + round)).unwrap();
    }
    store.compact().unwrap();
    let before = content(&store);
    assert_eq!(before.len(), 47);
    assert_eq!(before[&key(10)], "round2");
    let left = killed(dir.path());
    let store: S = open(left.path());
    assert_eq!(content(&store), before);
}

fn works_without_syncs<S: Store>() {
    let dir = scratch();
    let options = Options { max_file_size: 256, sync_writes: false };
    let mut store = S::open(dir.path(), options.clone()).unwrap();
    for i in 0..50 {
        store.put(&key(i), "v").unwrap();
    }
    store.compact().unwrap();
    store.close().unwrap();
    assert_eq!(S::open(dir.path(), options).unwrap().len(), 50);
}

fn any_bytes_give_a_store_or_an_error<S: Store>() {
    let bytes = prop::collection::vec(any::<u8>(), 0..100);
    proptest!(ProptestConfig::with_cases(64), |(bytes in bytes, at: prop::sample::Index, how in 0..3)| {
        let dir = scratch();
        let mut store: S = filled(dir.path(), 20);
        store.compact().unwrap();
        store.close().unwrap();
        let files = common::files(dir.path());
        let path = at.get(&files);
        match how {
            0 => fs::write(path, &bytes).unwrap(),
            1 => extend(path, &bytes),
            _ => {
                let mut content = fs::read(path).unwrap();
                let start = at.index(content.len() + 1);
                for (byte, noise) in content[start..].iter_mut().zip(&bytes) {
                    *byte = *noise;
                }
                fs::write(path, content).unwrap();
            }
        }
        if let Ok(mut store) = S::open(dir.path(), small()) {
            for key in store.keys() {
                let _ = store.get(&key);
            }
            let _ = store.put("a", "1");
            let _ = store.compact();
        }
    });
}

#[derive(Debug, Clone)]
enum Step {
    Put(usize, String),
    Delete(usize),
    Compact,
    Reopen,
    Kill,
}

fn agrees_with_the_model<S: Store>() {
    let step = prop_oneof![
        10 => (0_usize..20, "[a-z]{1,30}").prop_map(|(key, value)| Step::Put(key, value)),
        5 => (0_usize..20).prop_map(Step::Delete),
        1 => Just(Step::Compact),
        1 => Just(Step::Reopen),
        1 => Just(Step::Kill),
    ];
    proptest!(ProptestConfig::with_cases(48), |(steps in prop::collection::vec(step, 1..80))| {
        let mut dir = scratch();
        let mut store: S = open(dir.path());
        let mut model = BTreeMap::new();
        for step in steps {
            match step {
                Step::Put(i, value) => {
                    store.put(&key(i), &value).unwrap();
                    model.insert(key(i), value);
                }
                Step::Delete(i) => {
                    store.delete(&key(i)).unwrap();
                    model.remove(&key(i));
                }
                Step::Compact => store.compact().unwrap(),
                Step::Reopen => {
                    store.close().unwrap();
                    store = open(dir.path());
                }
                Step::Kill => {
                    let left = killed(dir.path());
                    drop(store);
                    dir = left;
                    store = open(dir.path());
                }
            }
            prop_assert_eq!(&content(&store), &model);
        }
    });
}

mod corrected_only {
    use super::*;
    use corrected::HashIndex;

    fn is_corrupt(dir: &Path) -> bool {
        matches!(HashIndex::open(dir, small()), Err(Error::Corrupt { .. }))
    }

    fn newest_data(dir: &Path) -> std::path::PathBuf {
        let number = |path: &std::path::PathBuf| path.file_stem().unwrap().to_str().unwrap().parse::<u64>().unwrap();
        files_with(dir, ".data").into_iter().max_by_key(number).unwrap()
    }

    #[test]
    fn a_record_torn_anywhere_is_cut_and_later_records_survive() {
        let source = scratch();
        let mut store = HashIndex::open(source.path(), Options::default()).unwrap();
        store.put("a", "1").unwrap();
        let kept = fs::metadata(newest_data(source.path())).unwrap().len() as usize;
        store.put("a", "22").unwrap();
        let whole = fs::read(newest_data(source.path())).unwrap();
        for len in kept..whole.len() {
            for zeros in [0, whole.len() - len] {
                let left = killed(source.path());
                let mut torn = whole[..len].to_vec();
                torn.resize(len + zeros, 0);
                fs::write(newest_data(left.path()), torn).unwrap();
                let mut store: HashIndex = open(left.path());
                assert_eq!(store.get("a").unwrap().as_deref(), Some("1"), "cut at {len}");
                store.put("b", "3").unwrap();
                drop(store);
                let store: HashIndex = open(left.path());
                assert_eq!(content(&store).len(), 2, "cut at {len}");
            }
        }
    }

    #[test]
    fn empty_values_are_values() {
        let dir = scratch();
        let mut store: HashIndex = open(dir.path());
        store.put("a", "").unwrap();
        drop(store);
        assert_eq!(open::<HashIndex>(dir.path()).get("a").unwrap().as_deref(), Some(""));
    }

    #[test]
    fn damaged_short_or_missing_sealed_files_are_errors() {
        let damages =
            [|path: &Path| flip(path, 60), |path: &Path| cut(path, 1), |path: &Path| fs::remove_file(path).unwrap()];
        for damage in damages {
            let dir = scratch();
            drop(filled::<HashIndex>(dir.path(), 30));
            damage(&dir.path().join("0.data"));
            assert!(HashIndex::open(dir.path(), small()).is_err());
        }
    }

    #[test]
    fn a_damaged_or_missing_manifest_is_an_error() {
        let dir = scratch();
        drop(filled::<HashIndex>(dir.path(), 30));
        let manifest = dir.path().join("MANIFEST");
        flip(&manifest, 20);
        assert!(is_corrupt(dir.path()));
        fs::remove_file(&manifest).unwrap();
        assert!(is_corrupt(dir.path()));
    }

    #[test]
    fn damage_to_a_durable_record_of_the_active_file_is_an_error() {
        let dir = scratch();
        let mut store = HashIndex::open(dir.path(), Options::default()).unwrap();
        for i in 0..3 {
            store.put(&key(i), "v").unwrap();
        }
        drop(store);
        flip(&dir.path().join("0.data"), 40);
        assert!(is_corrupt(dir.path()));
    }

    #[test]
    fn a_damaged_hint_is_ignored() {
        let dir = scratch();
        let mut store: HashIndex = filled(dir.path(), 60);
        store.compact().unwrap();
        let before = content(&store);
        drop(store);
        for hint in files_with(dir.path(), ".hint") {
            let len = fs::metadata(&hint).unwrap().len() as usize;
            flip(&hint, len / 2);
        }
        assert_eq!(content(&open::<HashIndex>(dir.path())), before);
    }

    #[test]
    fn a_compaction_meets_a_bad_live_record_and_aborts() {
        let dir = scratch();
        let mut store: HashIndex = filled(dir.path(), 30);
        let inputs = files_with(dir.path(), ".data");
        flip(&dir.path().join("0.data"), 60);
        assert!(matches!(store.compact(), Err(Error::Corrupt { .. })));
        assert!(inputs.iter().all(|path| path.exists()));
        assert_eq!(store.get(&key(29)).unwrap().as_deref(), Some("value29"));
        store.put("more", "v").unwrap();
    }

    #[test]
    fn what_the_manifest_does_not_list_is_removed() {
        let dir = scratch();
        let mut store: HashIndex = filled(dir.path(), 30);
        store.delete(&key(0)).unwrap();
        let before = content(&store);
        drop(store);
        let first = dir.path().join("0.data");
        for garbage in ["900.data", "900.hint", "901.data.tmp", "MANIFEST.tmp"] {
            fs::copy(&first, dir.path().join(garbage)).unwrap();
        }
        let store: HashIndex = open(dir.path());
        assert_eq!(content(&store), before);
        assert!(common::files(dir.path()).iter().all(|path| !path.to_string_lossy().contains("90")));
        assert!(!dir.path().join("MANIFEST.tmp").exists());
    }

    /// The inputs of a compaction are there again, as after a crash before the unlinks; or the old manifest is, as before the switch.
    #[test]
    fn a_crash_before_or_after_the_manifest_switch_loses_and_resurrects_nothing() {
        for switched in [false, true] {
            let dir = scratch();
            let mut store: HashIndex = filled(dir.path(), 40);
            for i in 0..10 {
                store.delete(&key(i)).unwrap();
            }
            let before = content(&store);
            let old = killed(dir.path());
            store.compact().unwrap();
            drop(store);
            for path in common::files(old.path()) {
                let name = path.file_name().unwrap().to_owned();
                if !(switched && name == "MANIFEST") {
                    fs::copy(&path, dir.path().join(name)).unwrap();
                }
            }
            let mut store: HashIndex = open(dir.path());
            assert_eq!(content(&store), before);
            store.put("later", "v").unwrap();
            store.compact().unwrap();
            drop(store);
            let store: HashIndex = open(dir.path());
            assert_eq!(store.get("later").unwrap().as_deref(), Some("v"));
            assert_eq!(store.len(), before.len() + 1);
        }
    }

    #[test]
    fn a_half_made_store_is_made_anew() {
        let dir = scratch();
        drop(open::<HashIndex>(dir.path()));
        fs::remove_file(dir.path().join("MANIFEST")).unwrap();
        let mut store: HashIndex = open(dir.path());
        store.put("a", "1").unwrap();
    }

    #[test]
    fn a_second_handle_is_refused() {
        let dir = scratch();
        let _store: HashIndex = open(dir.path());
        assert!(matches!(HashIndex::open(dir.path(), small()), Err(Error::Locked(_))));
    }
}
