//! Which tables a strategy would merge now; the same for both versions.

use super::{Metadata, Strategy};

/// A merge to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    /// Positions of the tables to merge.
    pub(super) inputs: Vec<usize>,
    /// The level of the result.
    pub(super) level: u32,
}

/// All merges that are due. No table is in two of them.
pub(super) fn plans(strategy: &Strategy, tables: &[Metadata]) -> Vec<Plan> {
    match strategy {
        Strategy::SizeTiered { min_threshold, size_thresholds } => {
            size_tiered(tables, (*min_threshold).max(2), size_thresholds)
        }
        Strategy::Leveled { l0_trigger, level_base_size, fanout, max_levels } => {
            let level_0 = on_level(tables, 0);
            if level_0.len() >= (*l0_trigger).max(1) {
                return vec![with_overlapping(tables, level_0, 1)];
            }
            too_large_level(tables, *level_base_size, *fanout, *max_levels).into_iter().collect()
        }
    }
}

fn size_tiered(tables: &[Metadata], min_threshold: usize, size_thresholds: &[u64]) -> Vec<Plan> {
    let mut buckets = vec![Vec::new(); size_thresholds.len() + 1];
    for (at, table) in tables.iter().enumerate() {
        let bucket = size_thresholds.iter().take_while(|threshold| table.size >= **threshold).count();
        buckets[bucket].push(at);
    }
    buckets.retain(|bucket| bucket.len() >= min_threshold);
    buckets.into_iter().map(|inputs| Plan { inputs, level: 0 }).collect()
}

/// The first level that is too large: its table with the most overlap in the next level, and what it overlaps.
fn too_large_level(tables: &[Metadata], base_size: u64, fanout: u64, max_levels: u32) -> Option<Plan> {
    let mut limit = base_size;
    for level in 1..max_levels.saturating_sub(1) {
        let members = on_level(tables, level);
        let size: u64 = members.iter().map(|at| tables[*at].size).sum();
        if size > limit {
            let merges = members.into_iter().map(|at| with_overlapping(tables, vec![at], level + 1));
            return merges.max_by_key(|plan| plan.inputs.len());
        }
        limit = limit.saturating_mul(fanout);
    }
    None
}

/// The merge of `inputs` and the tables of `level` that they overlap into `level`.
fn with_overlapping(tables: &[Metadata], mut inputs: Vec<usize>, level: u32) -> Plan {
    let overlapping = |at: &usize| inputs.iter().any(|input| overlap(&tables[*input], &tables[*at]));
    let below: Vec<usize> = on_level(tables, level).into_iter().filter(overlapping).collect();
    inputs.extend(below);
    Plan { inputs, level }
}

fn on_level(tables: &[Metadata], level: u32) -> Vec<usize> {
    (0..tables.len()).filter(|at| tables[*at].level == level).collect()
}

/// Whether the key ranges of two tables meet. That of an empty table meets none.
fn overlap(a: &Metadata, b: &Metadata) -> bool {
    match (&a.min, &a.max, &b.min, &b.max) {
        (Some(a_min), Some(a_max), Some(b_min), Some(b_max)) => a_min <= b_max && b_min <= a_max,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(level: u32, size: u64, min: &str, max: &str) -> Metadata {
        let (min, max) = (Some(min.to_owned()), Some(max.to_owned()));
        Metadata { path: "t".into(), min, max, count: 1, size, level, timestamp: 0.0 }
    }

    #[test]
    fn size_tiered_merges_full_buckets_only() {
        let strategy = Strategy::SizeTiered { min_threshold: 2, size_thresholds: vec![10, 100] };
        let sizes = [5, 50, 9, 500, 10];
        let tables: Vec<_> = sizes.iter().map(|size| table(0, *size, "a", "b")).collect();
        let expected = [Plan { inputs: vec![0, 2], level: 0 }, Plan { inputs: vec![1, 4], level: 0 }];
        assert_eq!(plans(&strategy, &tables), expected);
    }

    #[test]
    fn leveled_takes_level_0_with_what_it_overlaps() {
        let tables = [
            table(0, 1, "c", "e"),
            table(1, 1, "a", "b"),
            table(1, 1, "d", "f"),
            table(0, 1, "e", "g"),
            table(1, 1, "h", "z"),
        ];
        let strategy = Strategy::Leveled { l0_trigger: 2, level_base_size: 100, fanout: 10, max_levels: 7 };
        assert_eq!(plans(&strategy, &tables), [Plan { inputs: vec![0, 3, 2], level: 1 }]);
        assert_eq!(plans(&strategy, &tables[..3]), []);
    }

    #[test]
    fn leveled_takes_from_the_first_level_that_is_too_large_the_table_with_most_overlap() {
        let tables = [
            table(1, 5, "a", "c"),
            table(1, 6, "m", "z"),
            table(2, 50, "b", "d"),
            table(2, 30, "n", "o"),
            table(2, 20, "p", "q"),
        ];
        let strategy = |base| Strategy::Leveled { l0_trigger: 2, level_base_size: base, fanout: 9, max_levels: 7 };
        assert_eq!(plans(&strategy(10), &tables), [Plan { inputs: vec![1, 3, 4], level: 2 }]);
        assert_eq!(plans(&strategy(11), &tables), [Plan { inputs: vec![4], level: 3 }]);
        assert_eq!(plans(&strategy(12), &tables), []);
    }
}
