//! Behaviour of the write-ahead log: one suite over both versions, then what only the corrected one promises.

mod common;

use std::fs;
use std::path::Path;
use std::time::Duration;

use common::{cut, extend, files_with, flip, killed, scratch};
use fsynclint_engines::wal::{Op, Options, Record, SyncMode, audited, corrected};
use fsynclint_engines::{Error, Result};
use proptest::prelude::*;

trait Log: Sized {
    fn open(dir: &Path, options: Options) -> Result<Self>;
    fn append(&self, op: Op, key: &str, value: &str) -> Result<u64>;
    fn append_batch(&self, entries: &[(Op, &str, &str)]) -> Result<u64>;
    fn checkpoint(&self) -> Result<u64>;
    fn truncate(&self, up_to_seq: u64) -> Result<()>;
    fn replay(&self, after_seq: u64) -> Result<Vec<Record>>;
    fn iterate(&self) -> Result<Vec<Record>>;
    fn current_seq_num(&self) -> u64;
    fn close(self) -> Result<()>;
}

macro_rules! impl_log {
    ($log:ty) => {
        impl Log for $log {
            fn open(dir: &Path, options: Options) -> Result<Self> {
                <$log>::open(dir, options)
            }
            fn append(&self, op: Op, key: &str, value: &str) -> Result<u64> {
                self.append(op, key, value)
            }
            fn append_batch(&self, entries: &[(Op, &str, &str)]) -> Result<u64> {
                self.append_batch(entries)
            }
            fn checkpoint(&self) -> Result<u64> {
                self.checkpoint()
            }
            fn truncate(&self, up_to_seq: u64) -> Result<()> {
                self.truncate(up_to_seq)
            }
            fn replay(&self, after_seq: u64) -> Result<Vec<Record>> {
                self.replay(after_seq)
            }
            fn iterate(&self) -> Result<Vec<Record>> {
                self.iterate()
            }
            fn current_seq_num(&self) -> u64 {
                self.current_seq_num()
            }
            fn close(self) -> Result<()> {
                self.close()
            }
        }
    };
}

impl_log!(audited::WriteAheadLog);
impl_log!(corrected::WriteAheadLog);

both_versions! {
    fsynclint_engines::wal::audited::WriteAheadLog,
    fsynclint_engines::wal::corrected::WriteAheadLog;
    numbers_start_at_1_and_a_batch_takes_one_more_for_its_commit,
    empty_log,
    a_killed_process_loses_no_synced_record,
    corrupting_the_last_bytes_loses_only_the_last_record,
    truncate_leaves_what_is_above_the_bound,
    full_segments_are_rotated_and_replayed_in_order,
    iterate_shows_commits_and_replay_does_not,
    replay_after_a_checkpoint_is_empty,
    large_values_round_trip,
    all_modes_write_and_close,
    batch_mode_syncs_every_nth_record,
    any_bytes_give_a_log_or_an_error,
    agrees_with_the_model,
}

fn open<L: Log>(dir: &Path) -> L {
    L::open(dir, Options::default()).unwrap()
}

fn open_small<L: Log>(dir: &Path) -> L {
    let options = Options { max_file_size: 100, ..Options::default() };
    L::open(dir, options).unwrap()
}

fn seqs(records: &[Record]) -> Vec<u64> {
    records.iter().map(|record| record.seq).collect()
}

fn numbers_start_at_1_and_a_batch_takes_one_more_for_its_commit<L: Log>() {
    let dir = scratch();
    let log: L = open(dir.path());
    assert_eq!(log.append(Op::Put, "a", "1").unwrap(), 1);
    assert_eq!(log.append(Op::Delete, "a", "").unwrap(), 2);
    let batch = [(Op::Put, "b", "2"), (Op::Put, "c", "3"), (Op::Delete, "b", "")];
    assert_eq!(log.append_batch(&batch).unwrap(), 6);
    assert_eq!(log.append(Op::Put, "d", "4").unwrap(), 7);
    assert_eq!(log.current_seq_num(), 7);
    let records = log.replay(0).unwrap();
    assert_eq!(seqs(&records), [1, 2, 3, 4, 5, 7]);
    assert_eq!((records[3].key.as_str(), records[3].value.as_str()), ("c", "3"));
}

fn empty_log<L: Log>() {
    let dir = scratch();
    let log: L = open(dir.path());
    assert_eq!(log.replay(0).unwrap(), []);
    assert_eq!(log.iterate().unwrap(), []);
    assert_eq!(log.current_seq_num(), 0);
    log.truncate(7).unwrap();
    assert_eq!(log.append(Op::Put, "a", "").unwrap(), 1);
}

fn a_killed_process_loses_no_synced_record<L: Log>() {
    let dir = scratch();
    let log: L = open(dir.path());
    for key in ["a", "b", "c"] {
        log.append(Op::Put, key, "v").unwrap();
    }
    let left = killed(dir.path());
    let log: L = open(left.path());
    assert_eq!(seqs(&log.replay(0).unwrap()), [1, 2, 3]);
    assert_eq!(log.current_seq_num(), 3);
    assert_eq!(log.append(Op::Put, "d", "v").unwrap(), 4);
}

fn corrupting_the_last_bytes_loses_only_the_last_record<L: Log>() {
    let dir = scratch();
    let log: L = open(dir.path());
    for key in ["a", "b", "c"] {
        log.append(Op::Put, key, "value").unwrap();
    }
    log.close().unwrap();
    let segment = files_with(dir.path(), ".wal").pop().unwrap();
    let len = fs::metadata(&segment).unwrap().len() as usize;
    flip(&segment, len - 2);
    let log: L = open(dir.path());
    assert_eq!(seqs(&log.replay(0).unwrap()), [1, 2]);
}

fn truncate_leaves_what_is_above_the_bound<L: Log>() {
    let dir = scratch();
    let log: L = open(dir.path());
    for key in ["a", "b", "c"] {
        log.append(Op::Put, key, "v").unwrap();
    }
    log.truncate(2).unwrap();
    assert_eq!(seqs(&log.replay(0).unwrap()), [3]);
    assert_eq!(seqs(&log.iterate().unwrap()), [3]);
    log.append(Op::Put, "d", "v").unwrap();
    log.close().unwrap();
    let log: L = open(dir.path());
    assert_eq!(seqs(&log.replay(0).unwrap()), [3, 4]);
}

fn full_segments_are_rotated_and_replayed_in_order<L: Log>() {
    let dir = scratch();
    let log: L = open_small(dir.path());
    for i in 0..20 {
        log.append(Op::Put, &format!("key{i}"), "value").unwrap();
    }
    assert!(files_with(dir.path(), ".wal").len() > 2);
    let expected: Vec<u64> = (1..=20).collect();
    assert_eq!(seqs(&log.replay(0).unwrap()), expected);
    log.truncate(10).unwrap();
    assert_eq!(seqs(&log.replay(0).unwrap()), expected[10..]);
    log.close().unwrap();
    let log: L = open_small(dir.path());
    assert_eq!(seqs(&log.replay(12).unwrap()), expected[12..]);
    assert_eq!(log.append(Op::Put, "more", "").unwrap(), 21);
}

fn iterate_shows_commits_and_replay_does_not<L: Log>() {
    let dir = scratch();
    let log: L = open(dir.path());
    log.append_batch(&[(Op::Put, "a", "1"), (Op::Put, "b", "2")]).unwrap();
    log.append_batch(&[]).unwrap();
    let ops: Vec<Op> = log.iterate().unwrap().iter().map(|record| record.op).collect();
    assert_eq!(ops, [Op::Put, Op::Put, Op::Commit, Op::Commit]);
    assert_eq!(seqs(&log.replay(0).unwrap()), [1, 2]);
}

fn replay_after_a_checkpoint_is_empty<L: Log>() {
    let dir = scratch();
    let log: L = open(dir.path());
    log.append(Op::Put, "a", "1").unwrap();
    let checkpoint = log.checkpoint().unwrap();
    assert_eq!(checkpoint, 2);
    assert_eq!(log.replay(checkpoint).unwrap(), []);
    log.append(Op::Put, "b", "2").unwrap();
    assert_eq!(seqs(&log.replay(checkpoint).unwrap()), [3]);
}

fn large_values_round_trip<L: Log>() {
    let dir = scratch();
    let log: L = open(dir.path());
    let value = "ä".repeat(50_000);
    log.append(Op::Put, "large", &value).unwrap();
    log.close().unwrap();
    let log: L = open(dir.path());
    assert_eq!(log.replay(0).unwrap()[0].value, value);
}

fn all_modes_write_and_close<L: Log>() {
    for sync_mode in [SyncMode::Sync, SyncMode::Batch, SyncMode::None] {
        let dir = scratch();
        let options = Options { sync_mode, ..Options::default() };
        let log = L::open(dir.path(), options.clone()).unwrap();
        for i in 0..150 {
            log.append(Op::Put, &format!("key{i}"), "value").unwrap();
        }
        log.close().unwrap();
        let log = L::open(dir.path(), options).unwrap();
        assert_eq!(log.replay(0).unwrap().len(), 150, "{sync_mode:?}");
    }
}

fn batch_mode_syncs_every_nth_record<L: Log>() {
    let dir = scratch();
    let options = Options {
        sync_mode: SyncMode::Batch,
        batch_sync_count: 4,
        batch_sync_delay: Duration::from_secs(3600),
        ..Options::default()
    };
    let log = L::open(dir.path(), options).unwrap();
    for _ in 0..7 {
        log.append(Op::Put, "k", "v").unwrap();
    }
    let left = killed(dir.path());
    let log: L = open(left.path());
    assert!(log.replay(0).unwrap().len() >= 4);
}

fn any_bytes_give_a_log_or_an_error<L: Log>() {
    proptest!(ProptestConfig::with_cases(64), |(bytes in prop::collection::vec(any::<u8>(), 0..200), valid_start: bool)| {
        let dir = scratch();
        if valid_start {
            let log: L = open(dir.path());
            log.append(Op::Put, "a", "1").unwrap();
            log.close().unwrap();
            extend(&files_with(dir.path(), ".wal")[0], &bytes);
        } else {
            fs::write(dir.path().join("000001.wal"), &bytes).unwrap();
        }
        if let Ok(log) = L::open(dir.path(), Options::default()) {
            let _ = log.replay(0);
            let _ = log.append(Op::Put, "b", "2");
        }
    });
}

#[derive(Debug, Clone)]
enum Step {
    Append(String, String),
    Batch(Vec<(String, String)>),
    Checkpoint,
    /// Keep this many records.
    Truncate(u64),
    Reopen,
    Kill,
}

fn step() -> impl Strategy<Value = Step> {
    let text = || "[a-zé]{0,12}";
    prop_oneof![
        4 => (text(), text()).prop_map(|(key, value)| Step::Append(key, value)),
        2 => prop::collection::vec((text(), text()), 0..4).prop_map(Step::Batch),
        1 => Just(Step::Checkpoint),
        1 => (1_u64..6).prop_map(Step::Truncate),
        1 => Just(Step::Reopen),
        1 => Just(Step::Kill),
    ]
}

fn agrees_with_the_model<L: Log>() {
    proptest!(ProptestConfig::with_cases(48), |(steps in prop::collection::vec(step(), 1..30))| {
        let mut dir = scratch();
        let mut log: L = open_small(dir.path());
        let mut model: Vec<(u64, Op, String)> = Vec::new();
        let mut seq = 0;
        let mut record = |model: &mut Vec<(u64, Op, String)>, op, key: &str| {
            seq += 1;
            model.push((seq, op, key.to_owned()));
            seq
        };
        for step in steps {
            match step {
                Step::Append(key, value) => {
                    let expected = record(&mut model, Op::Put, &key);
                    prop_assert_eq!(log.append(Op::Put, &key, &value).unwrap(), expected);
                }
                Step::Batch(entries) => {
                    for (key, _) in &entries {
                        record(&mut model, Op::Put, key);
                    }
                    let expected = record(&mut model, Op::Commit, "");
                    let entries: Vec<_> = entries.iter().map(|(k, v)| (Op::Put, k.as_str(), v.as_str())).collect();
                    prop_assert_eq!(log.append_batch(&entries).unwrap(), expected);
                }
                Step::Checkpoint => {
                    let expected = record(&mut model, Op::Checkpoint, "");
                    prop_assert_eq!(log.checkpoint().unwrap(), expected);
                }
                Step::Truncate(keep) => {
                    let bound = log.current_seq_num().saturating_sub(keep);
                    log.truncate(bound).unwrap();
                    model.retain(|(seq, ..)| *seq > bound);
                }
                Step::Reopen => {
                    log.close().unwrap();
                    log = open_small(dir.path());
                }
                Step::Kill => {
                    let left = killed(dir.path());
                    drop(log);
                    dir = left;
                    log = open_small(dir.path());
                }
            }
            let found: Vec<_> = log.iterate().unwrap().into_iter().map(|r| (r.seq, r.op, r.key)).collect();
            prop_assert_eq!(&found, &model);
        }
    });
}

mod corrected_only {
    use super::*;
    use corrected::WriteAheadLog;

    #[test]
    fn numbering_continues_after_truncating_everything() {
        let dir = scratch();
        let log: WriteAheadLog = open_small(dir.path());
        for _ in 0..10 {
            log.append(Op::Put, "k", "v").unwrap();
        }
        log.truncate(u64::MAX).unwrap();
        assert_eq!(log.iterate().unwrap(), []);
        log.close().unwrap();
        let log: WriteAheadLog = open_small(dir.path());
        assert_eq!(log.current_seq_num(), 10);
        assert_eq!(log.append(Op::Put, "k", "v").unwrap(), 11);
        assert_eq!(seqs(&log.replay(0).unwrap()), [11]);
    }

    #[test]
    fn a_record_torn_anywhere_is_cut_and_later_records_survive() {
        let source = scratch();
        let log: WriteAheadLog = open(source.path());
        log.append(Op::Put, "a", "1").unwrap();
        let segment = files_with(source.path(), ".wal").pop().unwrap();
        let kept = fs::metadata(&segment).unwrap().len() as usize;
        log.append_batch(&[(Op::Put, "b", "2"), (Op::Put, "c", "3")]).unwrap();
        let whole = fs::read(&segment).unwrap();
        let zeros = vec![0; whole.len()];
        for len in kept..whole.len() {
            for tail in [&[][..], &zeros[..whole.len() - len]] {
                let torn = [&whole[..len], tail].concat();
                if torn == whole {
                    continue;
                }
                let left = killed(source.path());
                let segment = left.path().join(segment.file_name().unwrap());
                fs::write(&segment, torn).unwrap();
                let log: WriteAheadLog = open(left.path());
                assert_eq!(seqs(&log.replay(0).unwrap()), [1], "cut at {len}");
                assert_eq!(log.append(Op::Put, "d", "4").unwrap(), 2);
                drop(log);
                let log: WriteAheadLog = open(left.path());
                assert_eq!(seqs(&log.replay(0).unwrap()), [1, 2], "cut at {len}");
            }
        }
    }

    #[test]
    fn a_hole_in_an_unsynced_window_is_a_torn_tail() {
        let dir = scratch();
        let options = Options { sync_mode: SyncMode::None, ..Options::default() };
        let log = WriteAheadLog::open(dir.path(), options).unwrap();
        log.append(Op::Put, "a", "1").unwrap();
        log.sync().unwrap();
        let segment = files_with(dir.path(), ".wal").pop().unwrap();
        let durable = fs::metadata(&segment).unwrap().len() as usize;
        log.append(Op::Put, "b", "2").unwrap();
        log.append(Op::Put, "c", "3").unwrap();
        drop(log);
        flip(&segment, durable + 5);
        let log: WriteAheadLog = open(dir.path());
        assert_eq!(seqs(&log.replay(0).unwrap()), [1]);
    }

    #[test]
    fn damage_to_a_durable_record_is_an_error_and_nothing_is_cut() {
        for (max_file_size, damaged) in [(1 << 20, 0), (100, 0), (100, 1)] {
            let dir = scratch();
            let options = Options { max_file_size, ..Options::default() };
            let log = WriteAheadLog::open(dir.path(), options.clone()).unwrap();
            for _ in 0..12 {
                log.append(Op::Put, "key", "value").unwrap();
            }
            log.close().unwrap();
            let segment = &files_with(dir.path(), ".wal")[damaged];
            flip(segment, 40);
            let before = fs::read(segment).unwrap();
            assert!(matches!(WriteAheadLog::open(dir.path(), options), Err(Error::Corrupt { .. })));
            assert_eq!(fs::read(segment).unwrap(), before);
        }
    }

    #[test]
    fn a_missing_or_short_sealed_segment_is_an_error() {
        for damage in [|path: &Path| fs::remove_file(path).unwrap(), |path: &Path| cut(path, 1)] {
            for damaged in [0, 1] {
                let dir = scratch();
                let log: WriteAheadLog = open_small(dir.path());
                for _ in 0..12 {
                    log.append(Op::Put, "key", "value").unwrap();
                }
                drop(log);
                damage(&files_with(dir.path(), ".wal")[damaged]);
                assert!(WriteAheadLog::open(dir.path(), Options::default()).is_err());
            }
        }
    }

    #[test]
    fn covered_segments_that_a_crash_brings_back_in_any_order_are_ignored() {
        let dir = scratch();
        let log: WriteAheadLog = open_small(dir.path());
        for _ in 0..12 {
            log.append(Op::Put, "key", "value").unwrap();
        }
        let before = killed(dir.path());
        log.truncate(9).unwrap();
        drop(log);
        let oldest = &files_with(before.path(), ".wal")[0];
        fs::copy(oldest, dir.path().join(oldest.file_name().unwrap())).unwrap();
        let log: WriteAheadLog = open_small(dir.path());
        assert_eq!(seqs(&log.replay(0).unwrap()), [10, 11, 12]);
        assert!(!dir.path().join(oldest.file_name().unwrap()).exists());
    }

    #[test]
    fn truncate_unlinks_covered_segments() {
        let dir = scratch();
        let log: WriteAheadLog = open_small(dir.path());
        for _ in 0..100 {
            log.append(Op::Put, "key", "value").unwrap();
        }
        log.truncate(100).unwrap();
        assert_eq!(files_with(dir.path(), ".wal").len(), 1);
    }

    #[test]
    fn batch_mode_syncs_what_has_waited_too_long() {
        let dir = scratch();
        let options =
            Options { sync_mode: SyncMode::Batch, batch_sync_delay: Duration::from_millis(5), ..Options::default() };
        let log = WriteAheadLog::open(dir.path(), options.clone()).unwrap();
        log.append(Op::Put, "a", "1").unwrap();
        std::thread::sleep(Duration::from_millis(50));
        // A frame says how much was durable before it: all of the first one, if the syncer came.
        let segment = files_with(dir.path(), ".wal").pop().unwrap();
        let durable = fs::metadata(&segment).unwrap().len();
        log.append(Op::Put, "b", "2").unwrap();
        let bytes = fs::read(&segment).unwrap();
        let claimed = &bytes[durable as usize + 9..durable as usize + 17];
        assert_eq!(claimed, durable.to_le_bytes());
        drop(log);
        WriteAheadLog::open(dir.path(), options).unwrap();
    }

    #[test]
    fn leftover_tmp_files_are_removed() {
        let dir = scratch();
        fs::write(dir.path().join("000001.wal.tmp"), b"half").unwrap();
        let log: WriteAheadLog = open(dir.path());
        log.append(Op::Put, "a", "1").unwrap();
        assert_eq!(files_with(dir.path(), ".tmp").len(), 0);
    }

    #[test]
    fn a_second_handle_is_refused() {
        let dir = scratch();
        let _log: WriteAheadLog = open(dir.path());
        let second = WriteAheadLog::open(dir.path(), Options::default());
        assert!(matches!(second, Err(Error::Locked(_))));
    }
}
