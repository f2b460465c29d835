//! Behaviour of the log-structured hash table: one suite over both versions, then what only the corrected one promises.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use common::{cut, extend, files_with, flip, killed, scratch};
use fsynclint_engines::hash_table::{Options, SegmentInfo, audited, corrected};
use fsynclint_engines::{Error, Result, SyncPolicy};
use proptest::prelude::*;

trait Table: Sized {
    fn open(dir: &Path, options: Options) -> Result<Self>;
    fn put(&mut self, key: &str, value: &[u8]) -> Result<u64>;
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>>;
    fn delete(&mut self, key: &str) -> Result<bool>;
    fn contains(&self, key: &str) -> bool;
    fn keys(&self) -> Vec<String>;
    fn len(&self) -> usize;
    fn pairs(&self) -> Result<BTreeMap<String, Vec<u8>>>;
    fn compact(&mut self) -> Result<u64>;
    fn create_hint_files(&mut self) -> Result<()>;
    fn rebuild_index(&mut self) -> Result<()>;
    fn segments(&self) -> Result<Vec<SegmentInfo>>;
    fn total_disk_usage(&self) -> Result<u64>;
    fn num_segments(&self) -> Result<usize>;
    fn close(self) -> Result<()>;
}

macro_rules! impl_table {
    ($table:ty) => {
        impl Table for $table {
            fn open(dir: &Path, options: Options) -> Result<Self> {
                <$table>::open(dir, options)
            }
            fn put(&mut self, key: &str, value: &[u8]) -> Result<u64> {
                self.put(key, value)
            }
            fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
                self.get(key)
            }
            fn delete(&mut self, key: &str) -> Result<bool> {
                self.delete(key)
            }
            fn contains(&self, key: &str) -> bool {
                self.contains(key)
            }
            fn keys(&self) -> Vec<String> {
                self.keys()
            }
            fn len(&self) -> usize {
                assert_eq!(self.is_empty(), self.len() == 0);
                self.len()
            }
            fn pairs(&self) -> Result<BTreeMap<String, Vec<u8>>> {
                self.iter().collect()
            }
            fn compact(&mut self) -> Result<u64> {
                self.compact()
            }
            fn create_hint_files(&mut self) -> Result<()> {
                self.create_hint_files()
            }
            fn rebuild_index(&mut self) -> Result<()> {
                self.rebuild_index()
            }
            fn segments(&self) -> Result<Vec<SegmentInfo>> {
                self.segments()
            }
            fn total_disk_usage(&self) -> Result<u64> {
                self.total_disk_usage()
            }
            fn num_segments(&self) -> Result<usize> {
                self.num_segments()
            }
            fn close(self) -> Result<()> {
                self.close()
            }
        }
    };
}

impl_table!(audited::HashTable);
impl_table!(corrected::HashTable);

both_versions! {
    fsynclint_engines::hash_table::audited::HashTable,
    fsynclint_engines::hash_table::corrected::HashTable;
    put_get_update,
    delete_tells_whether_the_key_was_there,
    a_full_segment_is_rotated,
    compaction_reports_stale_records_and_lowers_disk_usage,
    reopening_keeps_keys_over_many_segments,
    hints_then_reopening_gives_the_same_values,
    a_flipped_payload_byte_is_reported,
    iteration_gives_the_live_pairs,
    ten_thousand_keys_half_overwritten,
    automatic_compaction_bounds_the_segments,
    a_partial_record_at_the_end_is_ignored,
    rebuilding_the_index_changes_nothing,
    segments_tell_their_sizes_and_records,
    any_bytes_give_a_table_or_an_error,
    agrees_with_the_model,
}

/// A few records fill a segment, and they are compacted only when asked.
fn small() -> Options {
    Options { max_segment_size: 100, auto_compact_threshold: 1000 }
}

fn open<T: Table>(dir: &Path) -> T {
    T::open(dir, small()).unwrap()
}

fn key(i: usize) -> String {
    format!("key{i:05}")
}

fn filled<T: Table>(dir: &Path, keys: usize) -> T {
    let mut table: T = open(dir);
    for i in 0..keys {
        table.put(&key(i), format!("value{i}").as_bytes()).unwrap();
    }
    table
}

fn put_get_update<T: Table>() {
    let dir = scratch();
    let mut table = T::open(dir.path(), Options::default()).unwrap();
    assert_eq!(table.get("a").unwrap(), None);
    let first = table.put("a", &[0, 159, 146, 150]).unwrap();
    let second = table.put("b", b"").unwrap();
    assert!(second > first);
    assert_eq!(table.get("a").unwrap().unwrap(), [0, 159, 146, 150]);
    assert_eq!(table.get("b").unwrap().unwrap(), b"");
    table.put("a", b"new").unwrap();
    assert_eq!(table.get("a").unwrap().unwrap(), b"new");
    assert_eq!(table.len(), 2);
}

fn delete_tells_whether_the_key_was_there<T: Table>() {
    let dir = scratch();
    let mut table: T = filled(dir.path(), 5);
    assert!(table.delete(&key(2)).unwrap());
    assert!(!table.delete(&key(2)).unwrap());
    assert!(!table.contains(&key(2)) && table.contains(&key(3)));
    assert_eq!(table.get(&key(2)).unwrap(), None);
    let left = killed(dir.path());
    let table: T = open(left.path());
    assert!(!table.contains(&key(2)));
    assert_eq!(table.len(), 4);
}

fn a_full_segment_is_rotated<T: Table>() {
    let dir = scratch();
    let table: T = filled(dir.path(), 20);
    assert!(table.num_segments().unwrap() >= 2);
    for i in 0..20 {
        assert_eq!(table.get(&key(i)).unwrap().unwrap(), format!("value{i}").as_bytes());
    }
}

fn compaction_reports_stale_records_and_lowers_disk_usage<T: Table>() {
    let dir = scratch();
    let mut table: T = filled(dir.path(), 20);
    for i in 0..10 {
        table.put(&key(i), b"new").unwrap();
    }
    for i in 20..40 {
        table.put(&key(i), b"filler").unwrap();
    }
    let before = table.pairs().unwrap();
    let usage = table.total_disk_usage().unwrap();
    assert!(table.compact().unwrap() >= 10);
    assert_eq!(table.pairs().unwrap(), before);
    assert!(table.total_disk_usage().unwrap() < usage);
    assert_eq!(table.num_segments().unwrap(), 2);
    assert_eq!(table.compact().unwrap(), 0);
    table.close().unwrap();
    assert_eq!(open::<T>(dir.path()).pairs().unwrap(), before);
}

fn reopening_keeps_keys_over_many_segments<T: Table>() {
    let dir = scratch();
    let mut table: T = filled(dir.path(), 25);
    for i in 0..3 {
        table.delete(&key(i)).unwrap();
    }
    table.close().unwrap();
    let table: T = open(dir.path());
    assert_eq!(table.len(), 22);
    assert_eq!(table.get(&key(24)).unwrap().unwrap(), b"value24");
    assert!(table.num_segments().unwrap() > 5);
}

fn hints_then_reopening_gives_the_same_values<T: Table>() {
    let dir = scratch();
    let mut table: T = filled(dir.path(), 25);
    table.create_hint_files().unwrap();
    let before = table.pairs().unwrap();
    let segments = table.num_segments().unwrap();
    assert_eq!(files_with(dir.path(), ".hint").len(), segments - 1);
    table.close().unwrap();
    assert_eq!(open::<T>(dir.path()).pairs().unwrap(), before);
}

fn a_flipped_payload_byte_is_reported<T: Table>() {
    let dir = scratch();
    let mut table: T = filled(dir.path(), 3);
    table.put("last", b"value").unwrap();
    let segment = files_with(dir.path(), ".dat").pop().unwrap();
    let len = fs::metadata(&segment).unwrap().len() as usize;
    flip(&segment, len - 1);
    assert!(matches!(table.get("last"), Err(Error::Corrupt { .. })));
    assert_eq!(table.get(&key(0)).unwrap().unwrap(), b"value0");
}

fn iteration_gives_the_live_pairs<T: Table>() {
    let dir = scratch();
    let mut table: T = filled(dir.path(), 6);
    table.delete(&key(1)).unwrap();
    table.put(&key(2), b"new").unwrap();
    let mut keys = table.keys();
    keys.sort();
    assert_eq!(keys, [key(0), key(2), key(3), key(4), key(5)]);
    let pairs = table.pairs().unwrap();
    assert_eq!(pairs.len(), 5);
    assert_eq!(pairs[&key(2)], b"new");
}

fn ten_thousand_keys_half_overwritten<T: Table>() {
    let dir = scratch();
    let options = Options { max_segment_size: 64 << 10, ..Options::default() };
    let mut table = T::open(dir.path(), options.clone()).unwrap();
    for i in 0..10_000 {
        table.put(&key(i), b"old").unwrap();
    }
    for i in 0..5_000 {
        table.put(&key(i * 2), b"new").unwrap();
    }
    table.compact().unwrap();
    let check = |table: &T| {
        assert_eq!(table.len(), 10_000);
        for i in 0..10_000 {
            let expected = if i % 2 == 0 { b"new" } else { b"old" };
            assert_eq!(table.get(&key(i)).unwrap().unwrap(), expected);
        }
    };
    check(&table);
    table.close().unwrap();
    check(&T::open(dir.path(), options).unwrap());
}

fn automatic_compaction_bounds_the_segments<T: Table>() {
    let dir = scratch();
    let options = Options { max_segment_size: 50, auto_compact_threshold: 3 };
    let mut table = T::open(dir.path(), options.clone()).unwrap();
    for i in 0..60 {
        table.put(&key(i), b"value").unwrap();
        assert!(table.num_segments().unwrap() <= 5);
    }
    assert_eq!(table.len(), 60);
    table.close().unwrap();
    assert_eq!(T::open(dir.path(), options).unwrap().pairs().unwrap().len(), 60);
}

fn a_partial_record_at_the_end_is_ignored<T: Table>() {
    let dir = scratch();
    let mut table = T::open(dir.path(), Options::default()).unwrap();
    for i in 0..3 {
        table.put(&key(i), b"value").unwrap();
    }
    table.close().unwrap();
    let segment = files_with(dir.path(), ".dat").pop().unwrap();
    cut(&segment, 4);
    let table: T = open(dir.path());
    assert_eq!(table.len(), 2);
    assert_eq!(table.get(&key(1)).unwrap().unwrap(), b"value");
}

fn rebuilding_the_index_changes_nothing<T: Table>() {
    let dir = scratch();
    let mut table: T = filled(dir.path(), 25);
    table.delete(&key(0)).unwrap();
    table.create_hint_files().unwrap();
    let before = (table.pairs().unwrap(), table.segments().unwrap());
    table.rebuild_index().unwrap();
    assert_eq!((table.pairs().unwrap(), table.segments().unwrap()), before);
}

fn segments_tell_their_sizes_and_records<T: Table>() {
    let dir = scratch();
    let mut table: T = filled(dir.path(), 25);
    table.delete(&key(0)).unwrap();
    let segments = table.segments().unwrap();
    assert_eq!(segments.len(), table.num_segments().unwrap());
    assert_eq!(segments.iter().map(|segment| segment.records).sum::<u64>(), 26);
    for segment in &segments {
        assert_eq!(fs::metadata(&segment.path).unwrap().len(), segment.size);
    }
    let active: Vec<bool> = segments.iter().map(|segment| segment.active).collect();
    assert_eq!(active.iter().position(|active| *active), Some(segments.len() - 1));
    assert!(segments.windows(2).all(|pair| pair[0].id < pair[1].id));
}

fn any_bytes_give_a_table_or_an_error<T: Table>() {
    let bytes = prop::collection::vec(any::<u8>(), 0..100);
    proptest!(ProptestConfig::with_cases(64), |(bytes in bytes, at: prop::sample::Index, how in 0..3)| {
        let dir = scratch();
        let mut table: T = filled(dir.path(), 20);
        table.create_hint_files().unwrap();
        drop(table);
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
        if let Ok(mut table) = T::open(dir.path(), small()) {
            for key in table.keys() {
                let _ = table.get(&key);
            }
            let _ = table.put("a", b"1");
            let _ = table.compact();
            let _ = table.rebuild_index();
        }
    });
}

#[derive(Debug, Clone)]
enum Step {
    Put(usize, Vec<u8>),
    Delete(usize),
    Compact,
    Reopen,
    Kill,
}

fn agrees_with_the_model<T: Table>() {
    let step = prop_oneof![
        12 => (0_usize..20, prop::collection::vec(any::<u8>(), 0..30)).prop_map(|(key, value)| Step::Put(key, value)),
        5 => (0_usize..20).prop_map(Step::Delete),
        1 => Just(Step::Compact),
        1 => Just(Step::Reopen),
        1 => Just(Step::Kill),
    ];
    let options = || Options { max_segment_size: 100, auto_compact_threshold: 6 };
    proptest!(ProptestConfig::with_cases(48), |(steps in prop::collection::vec(step, 1..80))| {
        let mut dir = scratch();
        let mut table = T::open(dir.path(), options()).unwrap();
        let mut model = BTreeMap::new();
        for step in steps {
            match step {
                Step::Put(i, value) => {
                    table.put(&key(i), &value).unwrap();
                    model.insert(key(i), value);
                }
                Step::Delete(i) => {
                    let existed = model.remove(&key(i)).is_some();
                    prop_assert_eq!(table.delete(&key(i)).unwrap(), existed);
                }
                Step::Compact => {
                    table.compact().unwrap();
                }
                Step::Reopen => {
                    table.close().unwrap();
                    table = T::open(dir.path(), options()).unwrap();
                }
                Step::Kill => {
                    let left = killed(dir.path());
                    drop(table);
                    dir = left;
                    table = T::open(dir.path(), options()).unwrap();
                }
            }
            prop_assert_eq!(&table.pairs().unwrap(), &model);
        }
    });
}

mod corrected_only {
    use super::*;
    use corrected::HashTable;

    fn is_corrupt(dir: &Path) -> bool {
        matches!(HashTable::open(dir, small()), Err(Error::Corrupt { .. }))
    }

    #[test]
    fn after_a_partial_record_new_puts_survive_another_reopening() {
        let source = scratch();
        let mut table = HashTable::open(source.path(), Options::default()).unwrap();
        table.put("a", b"1").unwrap();
        let segment = files_with(source.path(), ".dat").pop().unwrap();
        let kept = fs::metadata(&segment).unwrap().len() as usize;
        table.delete("a").unwrap();
        let whole = fs::read(&segment).unwrap();
        for len in kept..whole.len() {
            for zeros in [0, whole.len() - len] {
                let left = killed(source.path());
                let mut torn = whole[..len].to_vec();
                torn.resize(len + zeros, 0);
                fs::write(left.path().join(segment.file_name().unwrap()), torn).unwrap();
                let mut table: HashTable = open(left.path());
                assert_eq!(table.get("a").unwrap().unwrap(), b"1", "cut at {len}");
                table.put("b", b"2").unwrap();
                drop(table);
                let table: HashTable = open(left.path());
                assert_eq!(table.pairs().unwrap().len(), 2, "cut at {len}");
            }
        }
    }

    #[test]
    fn the_tombstone_of_the_audited_version_is_a_value() {
        let dir = scratch();
        let mut table: HashTable = open(dir.path());
        table.put("a", b"__BITCASK_TOMBSTONE__").unwrap();
        drop(table);
        let table: HashTable = open(dir.path());
        assert_eq!(table.get("a").unwrap().unwrap(), b"__BITCASK_TOMBSTONE__");
    }

    #[test]
    fn damaged_short_or_missing_frozen_segments_are_errors() {
        let damages =
            [|path: &Path| flip(path, 60), |path: &Path| cut(path, 1), |path: &Path| fs::remove_file(path).unwrap()];
        for damage in damages {
            let dir = scratch();
            drop(filled::<HashTable>(dir.path(), 30));
            damage(&dir.path().join("segment_000000.dat"));
            assert!(HashTable::open(dir.path(), small()).is_err());
        }
    }

    #[test]
    fn a_damaged_or_missing_manifest_is_an_error() {
        let dir = scratch();
        drop(filled::<HashTable>(dir.path(), 30));
        let manifest = dir.path().join("MANIFEST");
        flip(&manifest, 20);
        assert!(is_corrupt(dir.path()));
        fs::remove_file(&manifest).unwrap();
        assert!(is_corrupt(dir.path()));
    }

    /// Any mix of the hints of two calls, as after a crash between two rewrites, and damaged ones besides.
    #[test]
    fn no_mix_of_hints_brings_a_deleted_key_back() {
        let dir = scratch();
        let mut table: HashTable = filled(dir.path(), 12);
        table.create_hint_files().unwrap();
        let old_hints = killed(dir.path());
        for i in 0..6 {
            table.delete(&key(i)).unwrap();
        }
        for i in 20..26 {
            table.put(&key(i), b"filler").unwrap();
        }
        table.create_hint_files().unwrap();
        let expected = table.pairs().unwrap();
        drop(table);
        let hints = files_with(dir.path(), ".hint");
        for mix in 0..1_u32 << hints.len().min(8) {
            let left = killed(dir.path());
            for (i, hint) in hints.iter().enumerate() {
                let name = hint.file_name().unwrap();
                let old = old_hints.path().join(name);
                match mix >> (i % 8) & 1 {
                    1 if old.exists() => drop(fs::copy(old, left.path().join(name)).unwrap()),
                    1 => flip(&left.path().join(name), 15),
                    _ => {}
                }
            }
            assert_eq!(open::<HashTable>(left.path()).pairs().unwrap(), expected, "mix {mix:b}");
        }
    }

    #[test]
    fn a_compaction_meets_a_bad_record_and_aborts() {
        let dir = scratch();
        let mut table: HashTable = filled(dir.path(), 30);
        let inputs = files_with(dir.path(), ".dat");
        flip(&inputs[0], 60);
        assert!(matches!(table.compact(), Err(Error::Corrupt { .. })));
        assert!(inputs.iter().all(|path| path.exists()));
        assert_eq!(table.get(&key(29)).unwrap().unwrap(), b"value29");
        table.put("more", b"v").unwrap();
    }

    #[test]
    fn what_the_manifest_does_not_list_is_removed() {
        let dir = scratch();
        drop(filled::<HashTable>(dir.path(), 30));
        let before = common::files(dir.path());
        for garbage in ["segment_000900.dat", "segment_000900.hint", "segment_000901.dat.tmp"] {
            fs::copy(&before[2], dir.path().join(garbage)).unwrap();
        }
        let table: HashTable = open(dir.path());
        assert_eq!(table.len(), 30);
        assert_eq!(common::files(dir.path()), before);
    }

    /// The inputs of a compaction are there again, as after a crash before the unlinks; or the old manifest is, as before the switch.
    #[test]
    fn a_crash_before_or_after_the_manifest_switch_loses_and_resurrects_nothing() {
        for switched in [false, true] {
            let dir = scratch();
            let mut table: HashTable = filled(dir.path(), 40);
            for i in 0..10 {
                table.delete(&key(i)).unwrap();
            }
            let before = table.pairs().unwrap();
            let old = killed(dir.path());
            table.compact().unwrap();
            drop(table);
            for path in common::files(old.path()) {
                let name = path.file_name().unwrap().to_owned();
                if !(switched && name == "MANIFEST") {
                    fs::copy(&path, dir.path().join(name)).unwrap();
                }
            }
            let mut table: HashTable = open(dir.path());
            assert_eq!(table.pairs().unwrap(), before);
            table.put("later", b"v").unwrap();
            table.compact().unwrap();
            drop(table);
            let table: HashTable = open(dir.path());
            assert_eq!(table.get("later").unwrap().unwrap(), b"v");
            assert_eq!(table.len(), before.len() + 1);
        }
    }

    #[test]
    fn relaxed_policies_lose_at_most_their_window() {
        let dir = scratch();
        let mut table = HashTable::open_with(dir.path(), Options::default(), SyncPolicy::Never).unwrap();
        table.put("a", b"1").unwrap();
        table.sync().unwrap();
        let segment = files_with(dir.path(), ".dat").pop().unwrap();
        let durable = fs::metadata(&segment).unwrap().len() as usize;
        table.put("b", b"2").unwrap();
        table.put("c", b"3").unwrap();
        drop(table);
        flip(&segment, durable + 2);
        let table: HashTable = open(dir.path());
        assert_eq!(table.keys(), ["a"]);
    }

    #[test]
    fn a_second_handle_is_refused() {
        let dir = scratch();
        let _table: HashTable = open(dir.path());
        assert!(matches!(HashTable::open(dir.path(), small()), Err(Error::Locked(_))));
    }
}
