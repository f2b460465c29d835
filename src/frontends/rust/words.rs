//! What the names of std's methods say: sets of words.

use rustc_hash::FxHashSet;
use std::sync::LazyLock;

/// A set of names.
pub struct Words(LazyLock<FxHashSet<&'static str>>);

impl Words {
    pub fn has(&self, name: &str) -> bool {
        self.0.contains(name)
    }

    pub fn iter(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().copied()
    }
}

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident: $text:literal)*) => {
        $($(#[$doc])* pub static $name: Words = Words(LazyLock::new(|| $text.split_whitespace().collect()));)*
    };
}

words! {
    /// Iterators: the closure makes the elements of what comes out.
    MAPPING: "map flat_map filter_map map_while then and_then map_ok scan try_filter_map map_with map_init"
    /// Iterators and collections: the closure is asked about each element, which stays what it is.
    SELECTING: "filter inspect take_while skip_while retain retain_mut sort_by_key partition sort_by sort_unstable_by_key
        sort_unstable_by dedup_by_key sorted_by_key sorted_by"
    /// Iterators: ends of a chain.
    CONSUMING: "collect sum max min count last chunks buffer_unordered buffered try_collect unzip product"
    /// Anything: gives an iterator.
    ITERATING: "iter iter_mut into_iter par_iter into_par_iter drain values values_mut into_values keys chars bytes lines split
        components ancestors"
    /// Collections: the last argument becomes an element.
    PUTTING: "push push_back push_front insert entry_insert extend append extend_from_slice put"
    /// Collections: gives an element.
    TAKING: "get get_mut first first_mut last last_mut pop pop_back pop_front front back front_mut back_mut remove swap_remove
        next next_back peek peek_mut nth recv try_recv remove_entry first_key_value last_key_value min max join_next get_many"
    /// Of these, those that only lend it.
    BORROWING: "get get_mut first first_mut last last_mut front back front_mut back_mut peek peek_mut"
    /// Collections and iterators: the same elements, seen another way.
    COLLECTING: "iter iter_mut into_iter par_iter par_iter_mut into_par_iter drain rev skip take step_by chain sorted values
        values_mut into_values by_ref peekable collect collect_vec chunks windows as_slice as_mut_slice range range_mut buffered
        buffer_unordered fuse copied cloned to_vec unique flatten dedup"
    /// Wrappers of unknown libraries: gives what is wrapped.
    UNWRAPPING: "into_inner inner inner_mut get_mut get_ref as_inner as_inner_mut into_writer"
    /// Method names that say nothing about whose they are.
    COMMON: "new get set len is_empty clone iter iter_mut into_iter next push pop insert remove map and_then unwrap expect write
        read flush close open create run start stop send recv lock borrow borrow_mut as_ref as_mut into from default fmt eq cmp
        hash to_string name path id key value data size contains extend clear drop poll call apply update parse build take
        replace join spawn wait load store add delete find filter first last as_str as_bytes to_vec seek count min max abs
        split trim execute init handle process finish deref sum any all inner into_inner get_mut get_ref entry drain retain sort
        swap fetch_add with reset copy append begin end shutdown put from_str to_owned ok err merge state"
    /// Methods with effects on files whose names others have too: they count where a handle is near.
    VAGUE: "write read flush close open create copy sync commit truncate with_capacity copy_from_slice from_path append_path
        extract unpack fill serialize write_record write_u8 write_u16 write_u32 write_u64 link make_mut finish persist insert
        append extend put push send write_fmt write_str write_vectored write_buf seek shutdown into_inner new"
    /// Methods that are asked to leave nothing undone: whether they do is of interest, too, where they do nothing.
    SETTLING: "flush commit checkpoint persist sync sync_all sync_data fsync close finish save"
    /// Channels, signals, threads: waits for what another one answers.
    WAITING: "recv blocking_recv recv_timeout recv_deadline recv_async join wait wait_while wait_timeout wait_timeout_while wait_for
        notified changed rendezvous"
    /// Types of handles whose names others have too.
    VAGUE_TYPES: "Encoder Decoder Builder Writer Framed FramedWrite FramedRead Dir Serializer Compat Sink Archive"
    /// Functions of libraries that give back their argument.
    PASSING: "identity into as_ref as_mut pin black_box into_iter iter clone from_iter block_on block_in_place spawn spawn_local
        spawn_blocking timeout join_all try_join_all scope drop_guard from_ref from_mut ready instrument addr_of addr_of_mut
        to_owned Reverse Wrapping unconstrained run_in_context"
    /// Functions of libraries that give something else each time.
    IMPURE: "next next_back pop pop_front pop_back recv try_recv recv_timeout recv_async now random gen gen_range sample new_v4
        now_v7 fetch_add fetch_sub load swap compare_exchange read read_line read_exact drain take poll elapsed wait sleep lock
        try_lock send try_send remove insert push replace next_u64 next_u32 fill var args id temp_name generate alphanumeric
        notified acquire try_acquire accept connect"
}

/// Sets that together hold the methods of std and its like.
pub static ALL: [&Words; 12] = [
    &MAPPING,
    &SELECTING,
    &CONSUMING,
    &ITERATING,
    &PUTTING,
    &TAKING,
    &BORROWING,
    &COLLECTING,
    &UNWRAPPING,
    &COMMON,
    &PASSING,
    &IMPURE,
];
