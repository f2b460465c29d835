//! What a power cut may leave: a directory of files whose unsynced changes survive or not, each on its own.

use std::collections::BTreeMap;

/// Something a program did to the directory.
#[derive(Debug, Clone)]
pub enum Effect {
    /// The content of a file changed.
    Data(usize, Change),
    /// The directory changed.
    Name(NameChange),
    /// A file was synced.
    SyncFile(usize),
    /// The directory was synced.
    SyncDir,
    /// So many operations have been acknowledged.
    Acknowledged(usize),
}

/// A change of a file's content.
#[derive(Debug, Clone)]
pub enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Truncate(usize),
}

/// A change of the directory.
#[derive(Debug, Clone)]
pub enum NameChange {
    Create { name: String, file: usize },
    Rename { from: String, to: String, file: usize },
    Remove { name: String },
}

/// What becomes of a pending change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Lost,
    Kept,
    /// Of a write, the first half arrives.
    Half,
    /// Of a write, only the new length arrives.
    Zeros,
}

/// The content of a directory.
pub type Content = BTreeMap<String, Vec<u8>>;

/// A directory and the files it has or had, with what is not durable yet.
#[derive(Debug, Clone, Default)]
pub struct Disk {
    names: BTreeMap<String, usize>,
    pending_names: Vec<NameChange>,
    files: Vec<(Vec<u8>, Vec<Change>)>,
}

impl Disk {
    /// A directory that is durable as it is.
    pub fn durable(content: &Content) -> Self {
        let names = content.keys().cloned().zip(0..).collect();
        let files = content.values().map(|content| (content.clone(), Vec::new())).collect();
        Self { names, pending_names: Vec::new(), files }
    }

    /// What running programs see: the names with their files, and the lengths of all files there ever were.
    pub fn cached(&self) -> (BTreeMap<String, usize>, Vec<usize>) {
        let mut names = self.names.clone();
        for change in &self.pending_names {
            change_names(&mut names, change);
        }
        let len = |(content, pending): &(Vec<u8>, Vec<Change>)| {
            let mut content = content.clone();
            pending.iter().for_each(|change| change_file(&mut content, change, Fate::Kept));
            content.len()
        };
        (names, self.files.iter().map(len).collect())
    }

    pub fn apply(&mut self, effect: &Effect) {
        match effect {
            Effect::Data(file, change) => self.file(*file).1.push(change.clone()),
            Effect::Name(change) => {
                if let NameChange::Create { file, .. } = change {
                    self.file(*file);
                }
                self.pending_names.push(change.clone());
            }
            Effect::SyncFile(file) => {
                let (content, pending) = self.file(*file);
                for change in pending.drain(..) {
                    change_file(content, &change, Fate::Kept);
                }
            }
            Effect::SyncDir => {
                for change in self.pending_names.drain(..) {
                    change_names(&mut self.names, &change);
                }
            }
            Effect::Acknowledged(_) => {}
        }
    }

    /// The number of changes that may be lost.
    pub fn pending(&self) -> usize {
        self.pending_names.len() + self.files.iter().map(|(_, pending)| pending.len()).sum::<usize>()
    }

    /// What is left if these are the fates of the pending changes.
    pub fn crash(&self, fates: &[Fate]) -> Content {
        let mut fates = fates.iter().copied();
        let mut names = self.names.clone();
        for change in &self.pending_names {
            if fates.next() != Some(Fate::Lost) {
                change_names(&mut names, change);
            }
        }
        let mut files = Vec::new();
        for (content, pending) in &self.files {
            let mut content = content.clone();
            for change in pending {
                change_file(&mut content, change, fates.next().unwrap_or(Fate::Kept));
            }
            files.push(content);
        }
        names.into_iter().map(|(name, file)| (name, files.get(file).cloned().unwrap_or_default())).collect()
    }

    fn file(&mut self, file: usize) -> &mut (Vec<u8>, Vec<Change>) {
        if file >= self.files.len() {
            self.files.resize_with(file + 1, Default::default);
        }
        &mut self.files[file]
    }
}

fn change_file(content: &mut Vec<u8>, change: &Change, fate: Fate) {
    match change {
        _ if fate == Fate::Lost => {}
        Change::Truncate(len) => content.resize(*len, 0),
        Change::Write { offset, bytes } => {
            let bytes = match fate {
                Fate::Half => bytes[..bytes.len() / 2].to_vec(),
                Fate::Zeros => vec![0; bytes.len()],
                _ => bytes.clone(),
            };
            content.resize(content.len().max(offset + bytes.len()), 0);
            content[*offset..offset + bytes.len()].copy_from_slice(&bytes);
        }
    }
}

fn change_names(names: &mut BTreeMap<String, usize>, change: &NameChange) {
    match change {
        NameChange::Create { name, file } => drop(names.insert(name.clone(), *file)),
        NameChange::Rename { from, to, file } => {
            names.remove(from);
            names.insert(to.clone(), *file);
        }
        NameChange::Remove { name } => drop(names.remove(name)),
    }
}

/// Fates worth trying for `pending` changes: nothing survives, everything does, each change alone is lost or kept, and random mixes.
pub fn fates(pending: usize, seed: u64) -> Vec<Vec<Fate>> {
    use Fate::{Half, Kept, Lost, Zeros};
    let mut all = vec![vec![Kept; pending]];
    if pending == 0 {
        return all;
    }
    all.push(vec![Lost; pending]);
    for at in 0..pending {
        for (one, others) in [(Lost, Kept), (Kept, Lost), (Half, Kept), (Half, Lost), (Zeros, Kept), (Zeros, Lost)] {
            let mut fates = vec![others; pending];
            fates[at] = one;
            all.push(fates);
        }
    }
    let mut random = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    for _ in 0..12 {
        let fates = (0..pending).map(|_| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            [Lost, Kept, Kept, Lost, Half, Zeros][(random >> 32) as usize % 6]
        });
        all.push(fates.collect());
    }
    all
}
