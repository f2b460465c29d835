//! The closed vocabulary of effects: what a call does to files, told in words that no language or library owns.
//!
//! API models (`rules/apis/*.toml`) name these in kebab case; `flow` gives each its meaning. Operands are named by the
//! row that uses the effect: `on` is the subject (a handle or a path), `to` the second operand. Where an effect speaks of a path and
//! the operand is a handle, the path is meant by which the handle was opened.

use serde::Deserialize;

/// What one call does. A handle leads to a file, a file to the path it was opened by, a path to its directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Opens the existing file or directory at path `on` for reading. Result: a handle that cannot write.
    OpenRead,
    /// Opens the existing file at path `on` for writing, content kept. Result: a handle.
    OpenWrite,
    /// Opens path `on`: created if absent (a pending name), **cut to nothing if present** (a pending truncation). Result: a handle.
    Create,
    /// Creates path `on`, fails if it exists: a pending name. Result: a handle.
    CreateNew,
    /// Opens path `on` for append, created if absent. Result: a handle.
    OpenAppend,
    /// Starts a set of open options. Result: the options, all off.
    OptionsNew,
    /// Sets the option named by the call's own method on options `on` to the value `to`. Result: the options.
    OptionsSet,
    /// Opens path `to` with the options `on`; which effect that is follows from the options set. Result: a handle.
    OptionsOpen,
    /// Opens path `on`; which effect that is follows from the flags `to`: constants joined by `|`, whose last segments (`O_CREAT`, `CREATE`,
    /// `O_TRUNC`, …) are POSIX's, with or without `O_`. Result: a handle.
    OpenFlags,
    /// Creates a temporary file with a name, in directory `on` if given, else in the system's. Result: a handle that knows its path.
    CreateTemp,
    /// Creates a temporary file that takes the place of path `on` once it is persisted (by a row that has no `to`). Result: a handle.
    CreateReplacement,
    /// Creates a temporary file without a name. Result: a handle.
    CreateUnnamed,
    /// Bytes of `to` go to the file behind handle `on`: pending data, or user-buffered data if the handle buffers.
    Write,
    /// As `write`, at a place in the file that the call names: over what is there, if anything is.
    WriteAt,
    /// The place where the file behind handle `on` is written next is set to `to`, counted from the start of the file (`SEEK_SET`, `Start`) or
    /// in another way (any other constant or variant).
    Seek,
    /// As `write`, and what sits in user-space buffers or is on its way in the background is with the kernel when it is done.
    WriteFlushed,
    /// As `write`, but into a user-space buffer whatever the handle is.
    WriteBuffered,
    /// The file at path `on` is created or cut, and filled with `to`, and closed: pending name, truncation and data.
    WriteFile,
    /// Files are made below the directory at path `on`, filled from `to`, and closed: pending data there. Which files is not told.
    WriteTree,
    /// The file at path `to` is created or cut, and filled from path `on`: pending name and data; reads `on`.
    CopyFile,
    /// Content of `on` (handle or path) is read, into `to` if the row has one, else into the result.
    Read,
    /// The file behind handle `on` is cut or extended to the length `to`: pending size; a truncation if `to` is 0 or unknown.
    SetLength,
    /// User-space buffers of handle `on`, and of all handles it is wrapped around, are handed to the kernel. Nothing becomes durable.
    Flush,
    /// Ends the wrapper `on`: what it held goes to the handle it was wrapped around (into that one's buffer, if it buffers too;
    /// else to the kernel). Result: that handle, if it is given back (`BufWriter::into_inner`, an encoder's `finish`).
    Unwrap,
    /// Data (and the size needed to read it) of the file behind `on` becomes durable. If `on` is a directory: its names.
    SyncData,
    /// Data and metadata of the file behind `on` become durable. If `on` is a directory: its names.
    SyncAll,
    /// Flushes the user-space buffers of `on`, then [`Effect::SyncAll`].
    FlushAndSync,
    /// Content and names of the whole file system become durable.
    SyncFileSystem,
    /// Starts write-out or orders it, proves nothing durable (`sync_file_range`, `MS_ASYNC`, `F_BARRIERFSYNC`).
    SyncHint,
    /// [`Effect::SyncData`] of the mapped file behind `on` if the flags `to` have `MS_SYNC` (or `SYNC`), else [`Effect::SyncHint`].
    SyncMapping,
    /// What command `to` says is done with handle `on`: `F_FULLFSYNC` is [`Effect::SyncAll`], `F_BARRIERFSYNC` is [`Effect::SyncHint`],
    /// `F_DUPFD` and its kin are [`Effect::Duplicate`], others [`Effect::Nothing`].
    Control,
    /// The names in the directory at path `on` become durable.
    SyncDirectory,
    /// Path `on` is renamed to path `to`: two pending name changes; the identity of the file moves.
    Rename,
    /// The temporary file behind handle `on` is renamed to path `to` (without `to`: to the path it was created to replace). Result: a
    /// handle, or nothing.
    Persist,
    /// As [`Effect::Persist`] but synced before the rename: content is durable, the name pending.
    PersistSynced,
    /// As [`Effect::PersistSynced`], and the directory is synced after the rename: nothing is left pending.
    PersistDurably,
    /// A second name `to` for the file at path `on`: a pending name.
    Link,
    /// A symbolic link at path `to` that leads to path `on`: a pending name of a small file of its own.
    Symlink,
    /// A socket gets the name `on`, which nothing had: it holds nothing, and whether its name lasts matters to nobody.
    BindSocket,
    /// The name at path `on` is removed: a pending removal.
    Unlink,
    /// The directory at path `on` and all in it is removed.
    RemoveTree,
    /// Directory `on` is made: a pending name.
    MakeDirectory,
    /// Directory `on` and its ancestors are made: pending names.
    MakeDirectories,
    /// Path `on` is replaced by `to`'s content with every sync that takes (content, and names): nothing is left pending.
    ReplaceDurably,
    /// Another handle for the same open file as `on` (`try_clone`, `dup`). Result: a handle.
    Duplicate,
    /// A user-space buffer around handle `on`. Result: a handle that buffers.
    WrapBuffer,
    /// A reading adaptor around handle `on`. Result: a handle that does not buffer writes.
    WrapRead,
    /// The result is `on` itself, as far as files and paths go; where it is a tuple, every part is (a part that is a path: the path of `on`).
    Same,
    /// The path under which the file behind handle `on` is known. Result: a path.
    PathOf,
    /// A path made from the operands by the operation named after the call (or by the row's `op`); equal operands give equal paths.
    PathOp,
    /// Path `on` becomes what [`Effect::PathOp`] would give: the change is made in place (`push` is `join`).
    PathChange,
    /// A writable mapping of the file behind `on`: stores through it are pending data. Result: a handle (the mapping).
    Map,
    /// Calls the function value `on`, once, before the call returns.
    CallArg,
    /// The program or thread ends here, without success.
    Abort,
    /// Nothing that matters to files: known to be harmless.
    Nothing,
}

impl Effect {
    /// Whether the effect asks the disk to make file content durable.
    pub fn is_sync(self) -> bool {
        matches!(
            self,
            Effect::SyncData | Effect::SyncAll | Effect::FlushAndSync | Effect::SyncFileSystem | Effect::SyncDirectory
        )
    }

    /// Whether the effect may make file content durable: as [`Effect::is_sync`], or as its flags or its command say.
    pub fn may_sync(self) -> bool {
        self.is_sync() || matches!(self, Effect::SyncMapping | Effect::Control | Effect::PersistSynced)
    }

    /// Whether it has to do with what a crash can leave. Reading, and what only makes one handle of another, has not.
    pub fn can_matter(self) -> bool {
        !matches!(
            self,
            Effect::Nothing
                | Effect::Same
                | Effect::PathOp
                | Effect::Abort
                | Effect::CallArg
                | Effect::OptionsNew
                | Effect::OptionsSet
                | Effect::WrapRead
                | Effect::Read
                | Effect::Seek
                | Effect::WrapBuffer
                | Effect::Duplicate
                | Effect::PathOf
                | Effect::PathChange
                | Effect::BindSocket
        )
    }

    /// Whether it can change what is on the disk, or which names there are.
    pub fn can_change_files(self) -> bool {
        use Effect::*;
        !self.is_sync()
            && !matches!(
                self,
                OpenRead
                    | OptionsNew
                    | OptionsSet
                    | Seek
                    | Read
                    | Unwrap
                    | SyncHint
                    | Duplicate
                    | WrapBuffer
                    | WrapRead
                    | Same
                    | PathOf
                    | PathOp
                    | PathChange
                    | CallArg
                    | BindSocket
                    | Abort
                    | Nothing
            )
    }

    /// Whether a row with this effect must say what its subject (`on`) is.
    pub fn needs_on(self) -> bool {
        use Effect::*;
        !matches!(self, OptionsNew | CreateTemp | CreateUnnamed | SyncFileSystem | PathOp | Abort | Nothing)
    }

    /// Whether a row with this effect must say what its second operand (`to`) is.
    pub fn needs_to(self) -> bool {
        use Effect::*;
        matches!(
            self,
            OptionsSet | OptionsOpen | OpenFlags | SyncMapping | Control | CopyFile | Rename | Link | Symlink
        )
    }
}
