//! Behaviour of the SSTables and their compaction: one suite over both versions, then what only the corrected one promises.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use common::{cut, extend, files_with, flip, killed, scratch};
use fsynclint_engines::sstable::{Entry, Metadata, Strategy as Compaction, audited, corrected};
use fsynclint_engines::{Error, Result};
use proptest::prelude::*;

/// One version of the engine.
trait Version {
    type Table;
    type Manager;

    /// Writes a table with an index entry for every second entry.
    fn write(path: &Path, entries: &[Entry]) -> Result<Metadata>;
    fn open(path: &Path) -> Result<Self::Table>;
    fn get(table: &Self::Table, key: &str) -> Result<Option<Entry>>;
    fn scan(table: &Self::Table) -> Result<Vec<Entry>>;
    fn range_scan(table: &Self::Table, start: &str, end: &str) -> Result<Vec<Entry>>;
    fn metadata(table: &Self::Table) -> Metadata;
    fn merge(tables: &[&Self::Table], out: &Path, remove_tombstones: bool) -> Result<Self::Table>;
    fn manager(dir: &Path, strategy: Compaction) -> Result<Self::Manager>;
    fn add(manager: &mut Self::Manager, table: Self::Table) -> Result<()>;
    fn tables(manager: &Self::Manager) -> Vec<Arc<Self::Table>>;
    fn needs_compaction(manager: &Self::Manager) -> bool;
    fn run_compaction(manager: &mut Self::Manager) -> Result<Vec<Arc<Self::Table>>>;
}

macro_rules! impl_version {
    ($version:ident, $module:ident) => {
        struct $version;

        impl Version for $version {
            type Table = $module::Reader;
            type Manager = $module::CompactionManager;

            fn write(path: &Path, entries: &[Entry]) -> Result<Metadata> {
                let mut writer = $module::Writer::new(path, 2)?;
                for entry in entries {
                    writer.add(&entry.key, entry.value.as_deref(), entry.timestamp)?;
                }
                writer.finish()
            }
            fn open(path: &Path) -> Result<Self::Table> {
                $module::Reader::open(path)
            }
            fn get(table: &Self::Table, key: &str) -> Result<Option<Entry>> {
                table.get(key)
            }
            fn scan(table: &Self::Table) -> Result<Vec<Entry>> {
                table.scan()
            }
            fn range_scan(table: &Self::Table, start: &str, end: &str) -> Result<Vec<Entry>> {
                table.range_scan(start, end)
            }
            fn metadata(table: &Self::Table) -> Metadata {
                assert_eq!(table.level(), table.metadata().level);
                table.metadata().clone()
            }
            fn merge(tables: &[&Self::Table], out: &Path, remove_tombstones: bool) -> Result<Self::Table> {
                $module::merge(tables, out, remove_tombstones)
            }
            fn manager(dir: &Path, strategy: Compaction) -> Result<Self::Manager> {
                $module::CompactionManager::open(dir, strategy)
            }
            fn add(manager: &mut Self::Manager, table: Self::Table) -> Result<()> {
                manager.add_sstable(table)
            }
            fn tables(manager: &Self::Manager) -> Vec<Arc<Self::Table>> {
                manager.get_sstables()
            }
            fn needs_compaction(manager: &Self::Manager) -> bool {
                manager.needs_compaction()
            }
            fn run_compaction(manager: &mut Self::Manager) -> Result<Vec<Arc<Self::Table>>> {
                manager.run_compaction()
            }
        }
    };
}

impl_version!(Audited, audited);
impl_version!(Corrected, corrected);

both_versions! {
    crate::Audited,
    crate::Corrected;
    five_entries_with_metadata,
    get_inside_and_outside_the_range,
    range_scans_include_start_and_exclude_end,
    tombstones_read_back_as_such,
    merging_two_tables_takes_the_newer_timestamp,
    merging_removes_tombstones_if_asked,
    merging_five_tables_takes_the_newest,
    size_tiered_compaction_merges_three_tables,
    leveled_compaction_gives_a_level_1_table,
    empty_and_single_entry_tables,
    merging_only_tombstones_gives_an_empty_table,
    any_bytes_give_a_table_or_an_error,
    a_table_holds_what_was_written,
    merging_agrees_with_the_model,
    compaction_leaves_the_merged_view_unchanged,
}

fn entry(key: &str, value: &str, timestamp: f64) -> Entry {
    Entry { key: key.to_owned(), value: Some(value.as_bytes().to_vec()), timestamp }
}

fn tombstone(key: &str, timestamp: f64) -> Entry {
    Entry { key: key.to_owned(), value: None, timestamp }
}

/// Entries `a` to `e`.
fn five() -> Vec<Entry> {
    ["a", "b", "c", "d", "e"].iter().map(|key| entry(key, &format!("value of {key}"), 1.0)).collect()
}

fn table<V: Version>(dir: &Path, name: &str, entries: &[Entry]) -> V::Table {
    let path = dir.join(name);
    V::write(&path, entries).unwrap();
    V::open(&path).unwrap()
}

fn five_entries_with_metadata<V: Version>() {
    let dir = scratch();
    let path = dir.path().join("t.sst");
    let written = V::write(&path, &five()).unwrap();
    let table = V::open(&path).unwrap();
    assert_eq!(V::scan(&table).unwrap(), five());
    for metadata in [written, V::metadata(&table)] {
        assert_eq!(metadata.path, path);
        assert_eq!((metadata.min.as_deref(), metadata.max.as_deref()), (Some("a"), Some("e")));
        assert_eq!((metadata.count, metadata.level), (5, 0));
        assert_eq!(metadata.size, fs::metadata(&path).unwrap().len());
        assert!(metadata.timestamp > 1e9);
    }
}

fn get_inside_and_outside_the_range<V: Version>() {
    let dir = scratch();
    let table = table::<V>(dir.path(), "t.sst", &five());
    for expected in five() {
        assert_eq!(V::get(&table, &expected.key).unwrap(), Some(expected));
    }
    for absent in ["", "A", "bb", "dd", "f"] {
        assert_eq!(V::get(&table, absent).unwrap(), None);
    }
}

fn range_scans_include_start_and_exclude_end<V: Version>() {
    let dir = scratch();
    let table = table::<V>(dir.path(), "t.sst", &five());
    assert_eq!(V::range_scan(&table, "b", "d").unwrap(), five()[1..3]);
    assert_eq!(V::range_scan(&table, "", "bb").unwrap(), five()[..2]);
    assert_eq!(V::range_scan(&table, "dd", "z").unwrap(), five()[4..]);
    assert_eq!(V::range_scan(&table, "x", "z").unwrap(), []);
    assert_eq!(V::range_scan(&table, "c", "c").unwrap(), []);
}

fn tombstones_read_back_as_such<V: Version>() {
    let dir = scratch();
    let entries = [entry("a", "", 1.0), tombstone("b", 2.0), entry("c", "3", 3.0)];
    let table = table::<V>(dir.path(), "t.sst", &entries);
    assert_eq!(V::get(&table, "b").unwrap(), Some(tombstone("b", 2.0)));
    assert_eq!(V::scan(&table).unwrap(), entries);
    assert_eq!(V::metadata(&table).count, 3);
}

fn merging_two_tables_takes_the_newer_timestamp<V: Version>() {
    let dir = scratch();
    let old =
        table::<V>(dir.path(), "old.sst", &[entry("a", "old", 5.0), entry("b", "new", 7.0), entry("c", "c", 1.0)]);
    let new =
        table::<V>(dir.path(), "new.sst", &[entry("a", "new", 6.0), entry("b", "old", 6.0), entry("d", "d", 1.0)]);
    let merged = V::merge(&[&old, &new], &dir.path().join("out.sst"), false).unwrap();
    let expected = [entry("a", "new", 6.0), entry("b", "new", 7.0), entry("c", "c", 1.0), entry("d", "d", 1.0)];
    assert_eq!(V::scan(&merged).unwrap(), expected);
    let first = table::<V>(dir.path(), "first.sst", &[entry("a", "first", 6.0)]);
    let merged = V::merge(&[&first, &new], &dir.path().join("tie.sst"), false).unwrap();
    assert_eq!(V::get(&merged, "a").unwrap(), Some(entry("a", "first", 6.0)));
}

fn merging_removes_tombstones_if_asked<V: Version>() {
    let dir = scratch();
    let values = table::<V>(dir.path(), "values.sst", &five());
    let deletes = table::<V>(dir.path(), "deletes.sst", &[tombstone("b", 2.0), tombstone("d", 0.5)]);
    let kept = V::merge(&[&values, &deletes], &dir.path().join("kept.sst"), false).unwrap();
    assert_eq!(V::get(&kept, "b").unwrap(), Some(tombstone("b", 2.0)));
    assert_eq!(V::metadata(&kept).count, 5);
    let removed = V::merge(&[&values, &deletes], &dir.path().join("removed.sst"), true).unwrap();
    let keys: Vec<String> = V::scan(&removed).unwrap().into_iter().map(|entry| entry.key).collect();
    assert_eq!(keys, ["a", "c", "d", "e"]);
}

fn merging_five_tables_takes_the_newest<V: Version>() {
    let dir = scratch();
    let tables: Vec<V::Table> = (0..5)
        .map(|i| {
            let entries: Vec<Entry> =
                ["x", "y", "z"].iter().map(|key| entry(key, &i.to_string(), f64::from(i))).collect();
            table::<V>(dir.path(), &format!("{i}.sst"), &entries)
        })
        .collect();
    let merged = V::merge(&tables.iter().collect::<Vec<_>>(), &dir.path().join("out.sst"), false).unwrap();
    assert_eq!(V::scan(&merged).unwrap(), [entry("x", "4", 4.0), entry("y", "4", 4.0), entry("z", "4", 4.0)]);
}

/// Adds tables of five entries each, all keys different.
fn add_fives<V: Version>(manager: &mut V::Manager, dir: &Path, tables: u32) {
    for i in 0..tables {
        let entries: Vec<Entry> = (0..5).map(|j| entry(&format!("{j}-{i}"), "v", f64::from(i))).collect();
        V::add(manager, table::<V>(dir, &format!("t{i}.sst"), &entries)).unwrap();
    }
}

fn size_tiered_compaction_merges_three_tables<V: Version>() {
    let dir = scratch();
    let strategy = Compaction::SizeTiered { min_threshold: 2, size_thresholds: vec![1_000_000] };
    let mut manager = V::manager(dir.path(), strategy).unwrap();
    assert!(!V::needs_compaction(&manager));
    assert_eq!(V::run_compaction(&mut manager).unwrap().len(), 0);
    add_fives::<V>(&mut manager, dir.path(), 3);
    assert!(V::needs_compaction(&manager));
    let merged = V::run_compaction(&mut manager).unwrap();
    assert_eq!(merged.len(), 1);
    assert_eq!(V::metadata(&merged[0]).count, 15);
    assert_eq!(V::tables(&manager).len(), 1);
    assert!(!V::needs_compaction(&manager));
}

fn leveled_compaction_gives_a_level_1_table<V: Version>() {
    let dir = scratch();
    let strategy = Compaction::Leveled { l0_trigger: 2, level_base_size: 10_000_000, fanout: 10, max_levels: 7 };
    let mut manager = V::manager(dir.path(), strategy).unwrap();
    add_fives::<V>(&mut manager, dir.path(), 2);
    let merged = V::run_compaction(&mut manager).unwrap();
    assert_eq!(V::metadata(&merged[0]).level, 1);
    assert_eq!(V::metadata(&V::tables(&manager)[0]).level, 1);
    assert_eq!(V::metadata(&merged[0]).count, 10);
    assert!(!V::needs_compaction(&manager));
}

fn empty_and_single_entry_tables<V: Version>() {
    let dir = scratch();
    let empty = table::<V>(dir.path(), "empty.sst", &[]);
    assert_eq!(V::scan(&empty).unwrap(), []);
    assert_eq!(V::get(&empty, "a").unwrap(), None);
    assert_eq!(V::range_scan(&empty, "", "z").unwrap(), []);
    assert_eq!((V::metadata(&empty).count, V::metadata(&empty).min), (0, None));
    let single = table::<V>(dir.path(), "single.sst", &[entry("k", "v", 1.0)]);
    assert_eq!(V::scan(&single).unwrap(), [entry("k", "v", 1.0)]);
    assert_eq!(V::metadata(&single).min, V::metadata(&single).max);
    let merged = V::merge(&[&empty, &single], &dir.path().join("out.sst"), false).unwrap();
    assert_eq!(V::scan(&merged).unwrap().len(), 1);
}

fn merging_only_tombstones_gives_an_empty_table<V: Version>() {
    let dir = scratch();
    let a = table::<V>(dir.path(), "a.sst", &[tombstone("x", 1.0)]);
    let b = table::<V>(dir.path(), "b.sst", &[tombstone("y", 1.0)]);
    let merged = V::merge(&[&a, &b], &dir.path().join("out.sst"), true).unwrap();
    assert_eq!(V::scan(&merged).unwrap(), []);
    assert_eq!(V::metadata(&merged).count, 0);
}

fn any_bytes_give_a_table_or_an_error<V: Version>() {
    let bytes = prop::collection::vec(any::<u8>(), 0..60);
    proptest!(ProptestConfig::with_cases(128), |(bytes in bytes, at: prop::sample::Index, how in 0..4)| {
        let dir = scratch();
        let path = dir.path().join("t.sst");
        V::write(&path, &five()).unwrap();
        let mut content = fs::read(&path).unwrap();
        let start = at.index(content.len());
        match how {
            0 => content.clone_from(&bytes),
            1 => content.extend_from_slice(&bytes),
            2 => content.truncate(start),
            _ => content[start..].iter_mut().zip(&bytes).for_each(|(byte, noise)| *byte = *noise),
        }
        fs::write(&path, content).unwrap();
        if let Ok(table) = V::open(&path) {
            let _ = V::get(&table, "c");
            let _ = V::range_scan(&table, "b", "d");
            let _ = V::merge(&[&table], &dir.path().join("out.sst"), false);
        }
    });
}

type Versions = BTreeMap<String, (Option<Vec<u8>>, u32)>;

fn versions() -> impl Strategy<Value = Versions> {
    let value = prop::option::of(prop::collection::vec(any::<u8>(), 0..20));
    prop::collection::btree_map("[a-h]{1,2}", (value, 0_u32..1000), 0..20)
}

/// The entries of a table; no two tables share a timestamp.
fn entries(versions: &Versions, table: usize) -> Vec<Entry> {
    let entry = |(key, (value, timestamp)): (&String, &(Option<Vec<u8>>, u32))| Entry {
        key: key.clone(),
        value: value.clone(),
        timestamp: f64::from(timestamp * 100) + table as f64,
    };
    versions.iter().map(entry).collect()
}

/// Of each key the entry with the highest timestamp.
fn newest(tables: impl IntoIterator<Item = Vec<Entry>>) -> Vec<Entry> {
    let mut newest: BTreeMap<String, Entry> = BTreeMap::new();
    for entry in tables.into_iter().flatten() {
        let known = newest.get(&entry.key);
        if known.is_none_or(|known| known.timestamp < entry.timestamp) {
            newest.insert(entry.key.clone(), entry);
        }
    }
    newest.into_values().collect()
}

fn a_table_holds_what_was_written<V: Version>() {
    proptest!(ProptestConfig::with_cases(48), |(versions in versions(), start in "[a-h]{0,2}", end in "[a-h]{0,2}")| {
        let dir = scratch();
        let entries = entries(&versions, 0);
        let table = table::<V>(dir.path(), "t.sst", &entries);
        prop_assert_eq!(V::scan(&table).unwrap(), entries.clone());
        for entry in &entries {
            prop_assert_eq!(V::get(&table, &entry.key).unwrap(), Some(entry.clone()));
        }
        let mut range = entries;
        range.retain(|entry| entry.key >= start && entry.key < end);
        prop_assert_eq!(V::range_scan(&table, &start, &end).unwrap(), range);
    });
}

fn merging_agrees_with_the_model<V: Version>() {
    let tables = prop::collection::vec(versions(), 1..6);
    proptest!(ProptestConfig::with_cases(48), |(tables in tables, remove_tombstones: bool)| {
        let dir = scratch();
        let contents: Vec<Vec<Entry>> = tables.iter().enumerate().map(|(i, versions)| entries(versions, i)).collect();
        let readers: Vec<V::Table> = contents
            .iter()
            .enumerate()
            .map(|(i, content)| table::<V>(dir.path(), &format!("{i}.sst"), content))
            .collect();
        let out = dir.path().join("out.sst");
        let merged = V::merge(&readers.iter().collect::<Vec<_>>(), &out, remove_tombstones).unwrap();
        let mut expected = newest(contents);
        expected.retain(|entry| entry.value.is_some() || !remove_tombstones);
        prop_assert_eq!(V::scan(&merged).unwrap(), expected);
    });
}

fn compaction_leaves_the_merged_view_unchanged<V: Version>() {
    let strategy = prop_oneof![
        Just(Compaction::SizeTiered { min_threshold: 3, size_thresholds: vec![200, 400] }),
        Just(Compaction::Leveled { l0_trigger: 2, level_base_size: 300, fanout: 2, max_levels: 4 }),
    ];
    let tables = prop::collection::vec(versions(), 1..12);
    proptest!(ProptestConfig::with_cases(32), |(strategy in strategy, tables in tables)| {
        let dir = scratch();
        let mut manager = V::manager(dir.path(), strategy).unwrap();
        let mut contents = Vec::new();
        for (i, versions) in tables.iter().enumerate() {
            let content = entries(versions, i);
            V::add(&mut manager, table::<V>(dir.path(), &format!("t{i}.sst"), &content)).unwrap();
            contents.push(content);
            let due = V::needs_compaction(&manager);
            prop_assert_eq!(V::run_compaction(&mut manager).unwrap().is_empty(), !due);
            let found = V::tables(&manager).iter().map(|table| V::scan(table).unwrap()).collect::<Vec<_>>();
            prop_assert_eq!(newest(found), newest(contents.clone()));
        }
    });
}

/// The known fault: a table that a crash cut short is read as an empty one.
#[test]
fn the_audited_version_takes_an_unfinished_table_for_an_empty_one() {
    let dir = scratch();
    let path = dir.path().join("t.sst");
    let mut writer = audited::Writer::new(&path, 64).unwrap();
    writer.add("a", Some(&[7; 20_000]), 1.0).unwrap();
    drop(writer);
    let table = audited::Reader::open(&path).unwrap();
    assert_eq!(table.get("a").unwrap(), None);
}

mod corrected_only {
    use super::*;
    use corrected::{CompactionManager, Reader, Writer};

    fn strategy() -> Compaction {
        Compaction::Leveled { l0_trigger: 2, level_base_size: 1 << 20, fanout: 10, max_levels: 7 }
    }

    fn open(dir: &Path) -> CompactionManager {
        CompactionManager::open(dir, strategy()).unwrap()
    }

    /// What a manager finds after a process was killed that had `tables` tables added and `compact` been called.
    fn managed(dir: &Path, tables: u32, compact: bool) -> CompactionManager {
        let mut manager = open(dir);
        add_fives::<Corrected>(&mut manager, dir, tables);
        if compact {
            manager.run_compaction().unwrap();
        }
        manager
    }

    fn described(manager: &CompactionManager) -> Vec<(String, u32, u64)> {
        let describe = |table: &Arc<Reader>| {
            let metadata = table.metadata();
            let name = metadata.path.file_name().unwrap().to_string_lossy().into_owned();
            (name, metadata.level, metadata.count)
        };
        manager.get_sstables().iter().map(describe).collect()
    }

    #[test]
    fn a_manager_reopened_finds_the_same_tables_and_levels() {
        let dir = scratch();
        let mut manager = managed(dir.path(), 3, true);
        manager.add_sstable(table::<Corrected>(dir.path(), "later.sst", &five())).unwrap();
        let before = described(&manager);
        assert_eq!(before.len(), 2);
        assert_eq!((before[0].1, before[1].1), (1, 0));
        let left = killed(dir.path());
        assert_eq!(described(&open(left.path())), before);
        manager.close().unwrap();
        assert_eq!(described(&open(dir.path())), before);
    }

    #[test]
    fn compaction_unlinks_its_inputs_once_nobody_reads_them() {
        let dir = scratch();
        let mut manager = managed(dir.path(), 2, false);
        let held = manager.get_sstables();
        manager.run_compaction().unwrap();
        assert_eq!(files_with(dir.path(), ".sst").len(), 3);
        assert_eq!(held[0].scan().unwrap().len(), 5);
        drop(held);
        manager.run_compaction().unwrap();
        assert_eq!(files_with(dir.path(), ".sst").len(), 1);
    }

    /// The inputs of a compaction are there again, as after a crash before the unlinks; or the old manifest is, as before the switch.
    #[test]
    fn after_a_crash_the_tables_are_those_before_or_after_the_compaction() {
        for switched in [false, true] {
            let dir = scratch();
            let mut manager = managed(dir.path(), 3, false);
            let before = described(&manager);
            let old = killed(dir.path());
            manager.run_compaction().unwrap();
            let after = described(&manager);
            drop(manager);
            for path in common::files(old.path()) {
                let name = path.file_name().unwrap().to_owned();
                if !(switched && name == "MANIFEST") {
                    fs::copy(&path, dir.path().join(name)).unwrap();
                }
            }
            let mut manager = open(dir.path());
            assert_eq!(described(&manager), if switched { after } else { before });
            assert_eq!(files_with(dir.path(), ".sst").len(), manager.get_sstables().len());
            manager.add_sstable(table::<Corrected>(dir.path(), "later.sst", &five())).unwrap();
            drop(manager);
            let all: u64 = described(&open(dir.path())).iter().map(|(.., count)| count).sum();
            assert_eq!(all, 20);
        }
    }

    #[test]
    fn a_table_is_invisible_until_finished_and_leaves_nothing_if_dropped() {
        let dir = scratch();
        let path = dir.path().join("t.sst");
        let mut writer = Writer::new(&path, 64).unwrap();
        writer.add("a", Some(b"1"), 1.0).unwrap();
        assert!(!path.exists());
        drop(writer);
        assert_eq!(common::files(dir.path()).len(), 0);
    }

    #[test]
    fn keys_out_of_order_are_refused() {
        let dir = scratch();
        let mut writer = Writer::new(dir.path().join("t.sst"), 64).unwrap();
        writer.add("b", None, 1.0).unwrap();
        for key in ["a", "b"] {
            assert!(matches!(writer.add(key, None, 1.0), Err(Error::Invalid(_))));
        }
    }

    #[test]
    fn every_prefix_and_every_flipped_byte_of_a_table_is_an_error() {
        let dir = scratch();
        let path = dir.path().join("t.sst");
        Corrected::write(&path, &five()).unwrap();
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() {
            fs::write(&path, &whole[..at]).unwrap();
            assert!(Reader::open(&path).is_err(), "prefix of {at} bytes");
            fs::write(&path, &whole).unwrap();
            flip(&path, at);
            let read = Reader::open(&path).and_then(|table| table.scan());
            assert!(matches!(read, Err(Error::Corrupt { .. })), "flipped byte {at}");
        }
        fs::write(&path, vec![0; whole.len()]).unwrap();
        assert!(Reader::open(&path).is_err());
    }

    #[test]
    fn a_listed_table_that_is_missing_short_or_another_is_an_error() {
        let damages = [
            |path: &Path| fs::remove_file(path).unwrap(),
            |path: &Path| cut(path, 1),
            |path: &Path| extend(path, b"more"),
            |path: &Path| drop(Corrected::write(path, &five()[1..]).unwrap()),
        ];
        for damage in damages {
            let dir = scratch();
            drop(managed(dir.path(), 1, false));
            damage(&dir.path().join("t0.sst"));
            assert!(CompactionManager::open(dir.path(), strategy()).is_err());
        }
        let dir = scratch();
        drop(managed(dir.path(), 1, false));
        flip(&dir.path().join("MANIFEST"), 14);
        assert!(CompactionManager::open(dir.path(), strategy()).is_err());
    }

    #[test]
    fn files_that_the_manifest_does_not_list_are_removed() {
        let dir = scratch();
        drop(managed(dir.path(), 1, false));
        let before = common::files(dir.path());
        for garbage in ["compact_0_1.sst", "compact_0_2.sst.tmp"] {
            fs::copy(dir.path().join("t0.sst"), dir.path().join(garbage)).unwrap();
        }
        drop(open(dir.path()));
        assert_eq!(common::files(dir.path()), before);
    }

    #[test]
    fn tables_written_before_the_first_manifest_are_left_alone() {
        let dir = scratch();
        let early = table::<Corrected>(dir.path(), "early.sst", &five());
        let mut manager = open(dir.path());
        manager.add_sstable(early).unwrap();
        assert_eq!(manager.get_sstables().len(), 1);
    }

    #[test]
    fn foreign_and_known_tables_are_refused() {
        let (dir, elsewhere) = (scratch(), scratch());
        let mut manager = managed(dir.path(), 1, false);
        let foreign = table::<Corrected>(elsewhere.path(), "t.sst", &five());
        assert!(matches!(manager.add_sstable(foreign), Err(Error::Invalid(_))));
        let known = Reader::open(dir.path().join("t0.sst")).unwrap();
        assert!(matches!(manager.add_sstable(known), Err(Error::Invalid(_))));
    }

    #[test]
    fn a_second_manager_is_refused() {
        let dir = scratch();
        let _manager = open(dir.path());
        let second = CompactionManager::open(dir.path(), strategy());
        assert!(matches!(second, Err(Error::Locked(_))));
    }
}
