//! The intermediate representation: functions as control-flow graphs of assignments and calls, with no word of any source language.
//!
//! What a front end must deliver:
//!
//! * **Transparency.** References, smart pointers, locks, optional and fallible wrappers do not exist here: reading through one is
//!   [`Rvalue::Use`] of the wrapped value. `Ok(x)` is `Success(x)`, `Err(e)` is `Failure(e)`.
//! * **Success and failure are edges.** Whether a fallible value succeeded is asked by [`Cond::Succeeded`]; `?` is a branch on it whose
//!   failing side runs the drops in scope and returns with [`Exit::Failure`]. Whether an optional value is there is [`Cond::Present`].
//! * **Order of the text.** Of the two ways of a branch on a truth, the one that is written first has the smaller number.
//! * **Evaluation order.** Calls stand in the order in which they run; the receiver of a method is argument 0.
//! * **Loops over collections** run at least once (body, then a branch back or out): a program that syncs every element of a list is
//!   read as syncing them, and what an empty list leaves undone was never pending either.
//! * **Nothing invented.** What the front end cannot tell is [`Callee::Unknown`], [`Cond::Unknown`] or [`Rvalue::Opaque`].

use crate::source::{FileId, Span};
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::{SmallVec, smallvec};
use thin_vec::ThinVec;
use ustr::Ustr;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub u32);
        impl $name {
            /// As an index.
            pub fn index(self) -> usize { self.0 as usize }
        }
    };
}
id!(
    /// Names a [`Function`] of a [`Program`].
    FuncId
);
id!(
    /// Names a [`Local`] variable of its function.
    LocalId
);
id!(
    /// Names a [`Block`] of its function.
    BlockId
);
id!(
    /// Names a row of the API tables (`apis::Apis`).
    ApiId
);
id!(
    /// Names a package of a [`Program`].
    PackageId
);

/// Everything one run analyses.
#[derive(Debug, Default)]
pub struct Program {
    /// The functions, by [`FuncId`].
    pub functions: Vec<Function>,
    /// The packages, by [`PackageId`].
    pub packages: Vec<Package>,
    /// Types whose values tell what failed.
    pub failures: FxHashSet<Ustr>,
    /// By file: its folders below the one that holds everything, and its name, for what they tell.
    pub places: FxHashMap<FileId, Ustr>,
}

/// A unit of distribution: functions that are not public are called from nowhere else.
#[derive(Debug, Clone)]
pub struct Package {
    /// Its name.
    pub name: Ustr,
}

/// What a function is to its surroundings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FunctionKind {
    /// A named function or method.
    Named,
    /// A closure or deferred block, called by the function that holds it or by whoever gets it.
    Closure {
        /// The function whose text holds it.
        parent: FuncId,
    },
    /// Runs when a value of [`Function::owner`] goes away.
    Destructor,
    /// The program's entry.
    Main,
}

/// One function.
#[derive(Debug)]
pub struct Function {
    /// Qualified name as users write it: `store::Store::save`; a closure is `store::Store::save::{closure}`.
    pub name: Ustr,
    /// Last segment of the nearest named function: what a person would call it.
    pub short_name: Ustr,
    /// Which package it belongs to.
    pub package: PackageId,
    /// What it is.
    pub kind: FunctionKind,
    /// Type whose method it is, as a qualified name.
    pub owner: Option<Ustr>,
    /// Interface (trait) that the method implements or declares, as a qualified name.
    pub interface: Option<Ustr>,
    /// The file it stands in.
    pub file: FileId,
    /// The whole item.
    pub span: Span,
    /// Its name in the text (for a closure: its head).
    pub name_span: Span,
    /// Documentation comment, empty if none.
    pub docs: String,
    /// Can be called from outside its package.
    pub public: bool,
    /// Its return value tells success from failure.
    pub fallible: bool,
    /// The parameters in order; a method's receiver first; for a closure, local 0 is its environment, whose fields are what it captures.
    pub params: Vec<LocalId>,
    /// All variables and temporaries, by [`LocalId`].
    pub locals: Vec<Local>,
    /// The graph, by [`BlockId`]; block 0 is the entry.
    pub blocks: Vec<Block>,
    /// Parts of it that run as tasks of their own, beside what follows them: started, handed on, and not waited for in here.
    pub tasks: Vec<Span>,
    /// Where it waits for what another thread or task answers: a message, a signal, an end.
    pub waits: Vec<Span>,
    /// Things the front end could not read in here (an unknown macro with a body, a bound that was hit): lowers confidence.
    pub unread: Vec<Span>,
}

impl Function {
    /// Whether it calls `other` itself.
    pub fn calls(&self, other: FuncId) -> bool {
        self.blocks.iter().flat_map(|block| &block.insts).any(|inst| match &inst.kind {
            InstKind::Call(Call { callee: Callee::Functions(functions), .. }) => functions.contains(&other),
            _ => false,
        })
    }
}

/// What is known of the kind of thing a value is. A hint: `Unknown` is always allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ValueKind {
    /// Not known.
    Unknown,
    /// A handle to a file; writes go to the kernel.
    File,
    /// A handle with a user-space write buffer.
    BufferedFile,
    /// A handle whose writes are finished in the background, and lost if it is dropped before that (`tokio::fs::File`).
    AsyncFile,
    /// A temporary file that removes itself unless persisted.
    TempFile,
    /// A writable memory mapping.
    Mapping,
    /// A handle or adaptor that only reads.
    Reader,
    /// A path or file name.
    Path,
    /// Memory that behaves like a file but is none (a byte vector as writer).
    Memory,
    /// A struct or enum of the program that may hold handles.
    Aggregate,
    /// A function value.
    Function,
    /// Something that is known to be none of these (a number, a string, a collection of data).
    Other,
}

/// A variable or temporary.
#[derive(Debug, Clone)]
pub struct Local {
    /// Its name in the text; `None` for temporaries.
    pub name: Option<Ustr>,
    /// What kind of thing it holds, wrappers removed.
    pub kind: ValueKind,
    /// Qualified name of its type with wrappers removed, if known.
    pub type_name: Option<Ustr>,
    /// It leads to something that somebody else owns: nothing ends when it goes away.
    pub lent: bool,
}

/// A step from a place to a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// A named field (tuple fields are `0`, `1`, …; fields of an enum variant are `Variant.name`).
    Field {
        /// The field.
        name: Ustr,
        /// Qualified name of the type that declares it, if known.
        owner: Option<Ustr>,
    },
    /// Some element of a collection.
    Element,
}

/// Where a place starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Base {
    /// A variable.
    Local(LocalId),
    /// A global, by qualified name.
    Global(Ustr),
}

/// A variable, or a part of what it holds.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Place {
    /// Where it starts.
    pub base: Base,
    /// The steps from there.
    pub steps: ThinVec<Step>,
}

impl Place {
    /// The whole of `local`.
    pub fn local(local: LocalId) -> Place {
        Place { base: Base::Local(local), steps: ThinVec::new() }
    }
}

/// A value that is there without computing.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Operand {
    /// What a place holds.
    Place(Place),
    /// A constant, by canonical text: `"MANIFEST"` (with quotes), `0`, `true`, `Mode::Sync` (a variant without data: its qualified name).
    Const(Ustr),
    /// An absent optional value.
    Absent,
    /// A value without content.
    Unit,
}

impl Operand {
    /// The whole of `local`.
    pub fn local(local: LocalId) -> Operand {
        Operand::Place(Place::local(local))
    }
}

/// How an argument is handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Passing {
    /// Given away (or copied).
    Move,
    /// Lent for reading.
    Shared,
    /// Lent for changing.
    Mutable,
}

/// One argument of a call.
#[derive(Debug, Clone)]
pub struct Arg {
    /// The value.
    pub value: Operand,
    /// What kind of thing it is, wrappers removed.
    pub kind: ValueKind,
    /// How it is handed over.
    pub passing: Passing,
}

/// What an assignment computes.
#[derive(Debug, Clone)]
pub enum Rvalue {
    /// The same value.
    Use(Operand),
    /// A successful result that wraps the value.
    Success(Operand),
    /// A failed result that wraps the value.
    Failure(Operand),
    /// A record: a struct, tuple (fields `0`, `1`, …), array (fields `0`, `1`, …) or enum variant with data (fields `Variant.name`).
    Aggregate {
        /// Qualified name of the type; for an enum variant `Enum::Variant`; `None` for tuples and arrays.
        type_name: Option<Ustr>,
        /// The fields that are set.
        fields: Vec<(Ustr, Operand)>,
        /// The record whose other fields are taken over (`..base`).
        base: Option<Operand>,
    },
    /// A function value that captures variables.
    Closure {
        /// Its body.
        function: FuncId,
        /// What it captures, by name.
        captures: Vec<(Ustr, Operand)>,
    },
    /// A named function as a value.
    FunctionValue(SmallVec<[FuncId; 1]>),
    /// A pure operation: equal operands give equal values (`join`, `==`, `+`, `format:{}/{}.tmp`, an external method without effects).
    Op {
        /// Its name.
        op: Ustr,
        /// Its operands.
        args: Vec<Operand>,
    },
    /// Something new each time it is evaluated, about which nothing is known but what it may be made of.
    Opaque(Vec<Operand>),
}

/// Who is called.
#[derive(Debug, Clone)]
pub enum Callee {
    /// Functions of the program. More than one: dynamic or generic dispatch on the receiver.
    Functions(SmallVec<[FuncId; 2]>),
    /// A known function of a library. `certain` is false where only the method's name spoke for it.
    Api {
        /// The row.
        api: ApiId,
        /// Whether the receiver's type was known.
        certain: bool,
    },
    /// A function value.
    Value(Operand),
    /// Somebody else's function, about which nothing is known.
    Unknown,
}

/// A call.
#[derive(Debug, Clone)]
pub struct Call {
    /// Who is called.
    pub callee: Callee,
    /// Last segment of what is called, as written.
    pub name: Ustr,
    /// The arguments; a method's receiver first.
    pub args: Vec<Arg>,
    /// Where the result goes.
    pub result: LocalId,
    /// The result tells success from failure.
    pub fallible: bool,
    /// Nothing is known of what it is called on: its name alone spoke for who is meant.
    pub guessed: bool,
}

/// What an instruction does.
#[derive(Debug, Clone)]
pub enum InstKind {
    /// Puts a value into a place.
    Assign {
        /// Where to.
        place: Place,
        /// What.
        value: Rvalue,
    },
    /// Calls a function.
    Call(Call),
    /// The variable's value goes away here (end of scope, `drop(x)`); not for values that were moved on, nor for what cannot hold a handle.
    /// A type's own destructor is a [`Call`] just before this.
    Drop(LocalId),
}

/// One instruction.
#[derive(Debug, Clone)]
pub struct Inst {
    /// What it does.
    pub kind: InstKind,
    /// Where it stands: for a call the whole call expression.
    pub span: Span,
    /// Where a finding about it points: for a method call from the method's name to the closing parenthesis.
    pub focus: Span,
}

/// A condition that a branch asks.
#[derive(Debug, Clone)]
pub enum Cond {
    /// The fallible value succeeded.
    Succeeded(Operand),
    /// The optional value is there.
    Present(Operand),
    /// The value is the enum variant (qualified name).
    Variant(Operand, Ustr),
    /// The boolean is true. A comparison is an [`Rvalue::Op`] assigned before.
    True(Operand),
    /// Cannot be told.
    Unknown,
}

/// How a function is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Exit {
    /// Success (also: any return of a function that is not fallible).
    Success,
    /// Failure.
    Failure,
    /// As the returned value has it.
    AsValue,
}

/// How a block ends.
#[derive(Debug, Clone)]
pub enum Terminator {
    /// Goes on.
    Goto(BlockId),
    /// Goes one of two ways.
    Branch {
        /// What is asked.
        cond: Cond,
        /// If so.
        then: BlockId,
        /// If not.
        otherwise: BlockId,
        /// The text of the condition, for messages.
        span: Span,
    },
    /// Leaves the function.
    Return {
        /// The value.
        value: Operand,
        /// How.
        exit: Exit,
        /// Where: the returned expression, or the function's closing brace.
        span: Span,
    },
    /// Panics, aborts, or exits: never acknowledges.
    Abort,
    /// Not reached.
    Unreachable,
}

impl Terminator {
    /// The blocks that it leads to, the failing side first, so that the main line comes out in text order.
    pub fn successors(&self) -> SmallVec<[BlockId; 2]> {
        match self {
            Terminator::Goto(target) => smallvec![*target],
            Terminator::Branch { then, otherwise, .. } => smallvec![*otherwise, *then],
            Terminator::Return { .. } | Terminator::Abort | Terminator::Unreachable => SmallVec::new(),
        }
    }
}

/// A run of instructions without branches.
#[derive(Debug, Clone)]
pub struct Block {
    /// What is done.
    pub insts: Vec<Inst>,
    /// How it ends.
    pub end: Terminator,
}
