//! What a corrected engine promises when a mutating call returns `Ok`.

/// When written records are synced. This is the guarantee the caller bought, not a hint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SyncPolicy {
    /// Every acknowledged write is durable.
    #[default]
    Always,
    /// All but the last `n` acknowledged writes are durable.
    EveryN(u32),
    /// Acknowledged writes are durable after the next explicit `sync`, rotation or `close`. A power cut before that
    /// loses them; it never damages older ones.
    Never,
}

impl SyncPolicy {
    /// Whether a sync is due once `unsynced` writes have piled up.
    pub(crate) fn is_due(self, unsynced: u32) -> bool {
        match self {
            Self::Always => true,
            Self::EveryN(n) => unsynced >= n,
            Self::Never => false,
        }
    }
}
