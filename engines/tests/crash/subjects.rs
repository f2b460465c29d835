//! The engines as the crash tests see them: a fixed workload and a model of it.

use std::collections::BTreeMap;
use std::path::Path;

use fsynclint_engines::{Result, btree, hash_index, hash_table, lsm, sstable, wal};

/// What a store shows to its user.
pub type View = BTreeMap<String, String>;

/// One operation of a workload.
#[derive(Debug, Clone)]
pub enum Op {
    Put(String, String),
    Delete(String),
    /// Some puts at once, or a checkpoint if there are none; only the log knows it.
    Batch(Vec<String>),
    /// Compact, merge, or truncate.
    Compact,
}

/// An engine in one version.
pub trait Subject: Sized {
    fn open(dir: &Path) -> Result<Self>;
    fn apply(&mut self, op: &Op) -> Result<()>;
    fn view(&self) -> Result<View>;

    fn workload() -> Vec<Op> {
        key_value_workload()
    }

    fn model(ops: &[Op]) -> View {
        key_value_model(ops)
    }
}

/// Overwrites, deletes, re-used keys and compactions, enough to rotate, flush, split and free.
fn key_value_workload() -> Vec<Op> {
    let mut ops = Vec::new();
    for i in 0..30 {
        ops.push(Op::Put(format!("k{:02}", i * 7 % 12), format!("value {i}")));
        if i % 4 == 3 {
            ops.push(Op::Delete(format!("k{:02}", i * 5 % 12)));
        }
        if i % 10 == 8 {
            ops.push(Op::Compact);
        }
    }
    ops.extend((3..9).map(|i| Op::Delete(format!("k{i:02}"))));
    ops.extend((4..8).map(|i| Op::Put(format!("k{i:02}"), "again".to_owned())));
    ops
}

fn key_value_model(ops: &[Op]) -> View {
    let mut view = View::new();
    for op in ops {
        match op {
            Op::Put(key, value) => drop(view.insert(key.clone(), value.clone())),
            Op::Delete(key) => drop(view.remove(key)),
            Op::Batch(_) | Op::Compact => {}
        }
    }
    view
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8_lossy(&bytes).into_owned()
}

/// How many records the log keeps when it is truncated.
const KEPT: u64 = 4;

macro_rules! subject_wal {
    ($version:ident) => {
        impl Subject for wal::$version::WriteAheadLog {
            fn open(dir: &Path) -> Result<Self> {
                Self::open(dir, wal::Options { max_file_size: 300, ..wal::Options::default() })
            }

            fn apply(&mut self, op: &Op) -> Result<()> {
                match op {
                    Op::Put(key, value) => drop(self.append(wal::Op::Put, key, value)?),
                    Op::Delete(key) => drop(self.append(wal::Op::Delete, key, "")?),
                    Op::Batch(keys) if keys.is_empty() => drop(self.checkpoint()?),
                    Op::Batch(keys) => {
                        let entries: Vec<_> = keys.iter().map(|key| (wal::Op::Put, key.as_str(), "")).collect();
                        self.append_batch(&entries)?;
                    }
                    Op::Compact => self.truncate(self.current_seq_num().saturating_sub(KEPT))?,
                }
                Ok(())
            }

            fn view(&self) -> Result<View> {
                let records = self.iterate()?.into_iter();
                let mut view: View = records
                    .map(|record| {
                        (format!("{:05}", record.seq), format!("{:?} {} {}", record.op, record.key, record.value))
                    })
                    .collect();
                view.insert("current".to_owned(), self.current_seq_num().to_string());
                Ok(view)
            }

            fn workload() -> Vec<Op> {
                let mut ops = key_value_workload();
                for at in [5, 12, 23, 33] {
                    ops.insert(at, Op::Batch((0..3).map(|i| format!("batch {at} {i}")).collect()));
                    ops.insert(at + 3, Op::Batch(Vec::new()));
                }
                ops
            }

            fn model(ops: &[Op]) -> View {
                let mut records = BTreeMap::new();
                let mut seq = 0;
                let mut add = |records: &mut BTreeMap<u64, String>, record: String| {
                    seq += 1;
                    records.insert(seq, record);
                };
                for op in ops {
                    match op {
                        Op::Put(key, value) => add(&mut records, format!("Put {key} {value}")),
                        Op::Delete(key) => add(&mut records, format!("Delete {key} ")),
                        Op::Batch(keys) if keys.is_empty() => add(&mut records, "Checkpoint  ".to_owned()),
                        Op::Batch(keys) => {
                            keys.iter().for_each(|key| add(&mut records, format!("Put {key} ")));
                            add(&mut records, "Commit  ".to_owned());
                        }
                        Op::Compact => {
                            let last = records.keys().next_back().copied().unwrap_or(0);
                            records.retain(|seq, _| *seq + KEPT > last);
                        }
                    }
                }
                let mut view: View = records.into_iter().map(|(seq, record)| (format!("{seq:05}"), record)).collect();
                view.insert("current".to_owned(), seq.to_string());
                view
            }
        }
    };
}

subject_wal!(audited);
subject_wal!(corrected);

macro_rules! subjects {
    ($version:ident) => {
        impl Subject for btree::$version::BTree {
            fn open(dir: &Path) -> Result<Self> {
                Self::open(dir, btree::Options { page_size: 128, max_keys: Some(3) })
            }

            fn apply(&mut self, op: &Op) -> Result<()> {
                match op {
                    Op::Put(key, value) => self.put(key, value.as_bytes()),
                    Op::Delete(key) => self.delete(key).map(drop),
                    Op::Batch(_) | Op::Compact => Ok(()),
                }
            }

            fn view(&self) -> Result<View> {
                self.verify()?;
                Ok(self.iter()?.map(|(key, value)| (key, text(value))).collect())
            }
        }

        impl Subject for hash_index::$version::HashIndex {
            fn open(dir: &Path) -> Result<Self> {
                Self::open(dir, hash_index::Options { max_file_size: 150, ..hash_index::Options::default() })
            }

            fn apply(&mut self, op: &Op) -> Result<()> {
                match op {
                    Op::Put(key, value) => self.put(key, value),
                    Op::Delete(key) => self.delete(key),
                    Op::Compact => self.compact(),
                    Op::Batch(_) => Ok(()),
                }
            }

            fn view(&self) -> Result<View> {
                let value = |key: String| Ok((key.clone(), self.get(&key)?.unwrap_or_default()));
                self.keys().into_iter().map(value).collect()
            }
        }

        impl Subject for lsm::$version::LsmTree {
            fn open(dir: &Path) -> Result<Self> {
                let options = lsm::Options { memtable_threshold: 4, sparse_index_interval: 2, compaction_threshold: 3 };
                Self::open(dir, options)
            }

            fn apply(&mut self, op: &Op) -> Result<()> {
                match op {
                    Op::Put(key, value) => self.put(key, value),
                    Op::Delete(key) => self.delete(key),
                    Op::Compact => self.compact(),
                    Op::Batch(_) => Ok(()),
                }
            }

            fn view(&self) -> Result<View> {
                Ok(self.range_scan("", "z")?.into_iter().collect())
            }
        }

        impl Subject for hash_table::$version::HashTable {
            fn open(dir: &Path) -> Result<Self> {
                Self::open(dir, hash_table::Options { max_segment_size: 120, auto_compact_threshold: 4 })
            }

            fn apply(&mut self, op: &Op) -> Result<()> {
                match op {
                    Op::Put(key, value) => self.put(key, value.as_bytes()).map(drop),
                    Op::Delete(key) => self.delete(key).map(drop),
                    Op::Compact => {
                        self.create_hint_files()?;
                        self.compact()?;
                        self.create_hint_files()
                    }
                    Op::Batch(_) => Ok(()),
                }
            }

            fn view(&self) -> Result<View> {
                self.iter().map(|pair| pair.map(|(key, value)| (key, text(value)))).collect()
            }
        }

        impl Subject for Tables<sstable::$version::CompactionManager> {
            fn open(dir: &Path) -> Result<Self> {
                let strategy =
                    sstable::Strategy::Leveled { l0_trigger: 3, level_base_size: 300, fanout: 2, max_levels: 4 };
                let manager = sstable::$version::CompactionManager::open(dir, strategy)?;
                let scans = manager.get_sstables().into_iter().map(|table| table.scan());
                let newest = scans.collect::<Result<Vec<_>>>()?.into_iter().flatten();
                let clock = newest.map(|entry| entry.timestamp as u64).max().unwrap_or(0);
                Ok(Self { dir: dir.to_owned(), manager, clock })
            }

            /// Each change is a table of its own.
            fn apply(&mut self, op: &Op) -> Result<()> {
                let (key, value) = match op {
                    Op::Put(key, value) => (key, Some(value.as_bytes())),
                    Op::Delete(key) => (key, None),
                    Op::Compact => return self.manager.run_compaction().map(drop),
                    Op::Batch(_) => return Ok(()),
                };
                self.clock += 1;
                let path = self.dir.join(format!("t{}.sst", self.clock));
                let mut writer = sstable::$version::Writer::new(&path, 2)?;
                writer.add(key, value, self.clock as f64)?;
                writer.finish()?;
                self.manager.add_sstable(sstable::$version::Reader::open(&path)?)
            }

            fn view(&self) -> Result<View> {
                let scans = self.manager.get_sstables().into_iter().map(|table| table.scan());
                let mut entries: Vec<_> = scans.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect();
                entries.sort_by(|a, b| a.timestamp.total_cmp(&b.timestamp));
                let newest: BTreeMap<_, _> = entries.into_iter().map(|entry| (entry.key, entry.value)).collect();
                Ok(newest.into_iter().filter_map(|(key, value)| Some((key, text(value?)))).collect())
            }
        }
    };
}

subjects!(audited);
subjects!(corrected);

/// A set of tables, used as a key-value store.
pub struct Tables<M> {
    dir: std::path::PathBuf,
    manager: M,
    clock: u64,
}
