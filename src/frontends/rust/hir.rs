//! Compact owned syntax: what is kept of a file once the parser's tree is gone.
//!
//! Names are interned, places are byte offsets of the file, parentheses and attributes are gone, code that the configuration
//! leaves out is gone, and the macros that matter have been read.

use std::sync::OnceLock;
use ustr::Ustr;

/// Byte range in the file that holds the item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sp {
    pub lo: u32,
    pub hi: u32,
}

impl Sp {
    pub fn to(self, end: Sp) -> Sp {
        if end.hi >= self.lo { Sp { lo: self.lo, hi: end.hi.max(self.hi) } } else { self }
    }
}

/// One file.
#[derive(Debug, Default)]
pub struct FileHir {
    pub items: Vec<Item>,
    /// Modules that are declared, but left out by the configuration: their files are left out too.
    pub left_out: Vec<LeftOut>,
    /// The whole file is left out (`#![cfg(test)]`).
    pub off: bool,
    /// How many functions are in it.
    pub functions: usize,
}

/// `#[cfg(test)] mod name;`
#[derive(Debug)]
pub struct LeftOut {
    /// Inline modules around it, then its own name.
    pub modules: Vec<Ustr>,
    pub path: Option<String>,
}

#[derive(Debug)]
pub struct Item {
    pub name: Ustr,
    pub kind: ItemKind,
}

#[derive(Debug)]
pub enum ItemKind {
    Mod { path: Option<String>, items: Option<Vec<Item>> },
    Use(Vec<Use>),
    ExternCrate { krate: Ustr },
    Struct { generics: Generics, fields: Fields },
    Enum { generics: Generics, variants: Vec<Variant> },
    Trait { generics: Generics, supers: Vec<Path>, fns: Vec<FnDef>, types: Vec<(Ustr, Vec<Path>)> },
    Impl(Box<Impl>),
    Alias { generics: Generics, ty: Type },
    Fn(Box<FnDef>),
    Const(Box<Global>),
    Static(Box<Global>),
}

#[derive(Debug)]
pub struct Use {
    pub leading: bool,
    pub path: Vec<Ustr>,
    /// `None`: a glob.
    pub alias: Option<Ustr>,
}

#[derive(Debug)]
pub struct Global {
    pub name: Ustr,
    pub ty: Type,
    pub init: Option<Expr>,
}

#[derive(Debug, Default)]
pub struct Generics {
    /// Type parameters in order.
    pub params: Vec<Ustr>,
    /// Const parameters.
    pub consts: Vec<Ustr>,
    /// Bounds, inline and `where`.
    pub bounds: Vec<(Type, Vec<Path>)>,
    /// Defaults of type parameters.
    pub defaults: Vec<(Ustr, Type)>,
}

#[derive(Debug, Default)]
pub struct Fields {
    pub list: Vec<(Ustr, Type)>,
    pub tuple: bool,
}

#[derive(Debug)]
pub struct Variant {
    pub name: Ustr,
    pub fields: Fields,
}

#[derive(Debug)]
pub struct Impl {
    pub generics: Generics,
    pub self_ty: Type,
    pub of: Option<Path>,
    pub fns: Vec<FnDef>,
    pub types: Vec<(Ustr, Type)>,
    pub consts: Vec<Global>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SelfKind {
    None,
    Value,
    Ref,
    Mut,
}

#[derive(Debug)]
pub struct FnDef {
    pub name: Ustr,
    pub span: Sp,
    pub name_span: Sp,
    pub public: bool,
    pub docs: String,
    pub generics: Generics,
    pub receiver: SelfKind,
    pub self_ty: Option<Type>,
    pub params: Vec<(Pat, Type)>,
    pub ret: Option<Type>,
    /// It is an `async fn`.
    pub is_async: bool,
    /// Its body, if it has one. If it is read [`later`](FnDef::later): once it was.
    pub body: OnceLock<Body>,
    /// Where its text starts, behind the opening brace, as a byte of the file; `None` if there is none, or if a macro made it.
    pub body_at: Option<u32>,
    /// Its body is read only if it shows that it is needed.
    pub later: bool,
    /// Items declared inside the body.
    pub inner: Vec<Item>,
}

impl FnDef {
    /// Whether it has a body, read or not.
    pub fn has_body(&self) -> bool {
        self.later || self.body.get().is_some()
    }
}

/// The body of a function.
#[derive(Debug)]
pub struct Body {
    pub block: Block,
    /// Text in it, and in the function's head, that could not be read.
    pub unread: Vec<Sp>,
}

#[derive(Debug, Clone, Default)]
pub struct Path {
    pub leading: bool,
    /// `<T as Trait>::…`: the type, and how many segments belong to the trait.
    pub qself: Option<Box<(Type, usize)>>,
    pub segs: Vec<Seg>,
}

#[derive(Debug, Clone)]
pub struct Seg {
    pub name: Ustr,
    pub args: Vec<Type>,
    pub assoc: Vec<(Ustr, Type)>,
}

impl Path {
    pub fn last(&self) -> Ustr {
        self.segs.last().map_or_else(Ustr::default, |seg| seg.name)
    }

    /// The name, if it is a lone one.
    pub fn single(&self) -> Option<Ustr> {
        (self.segs.len() == 1 && !self.leading && self.qself.is_none()).then(|| self.segs[0].name)
    }
}

#[derive(Debug, Clone)]
pub enum Type {
    Path(Path),
    Ref(bool, Box<Type>),
    Tuple(Vec<Type>),
    /// Slices and arrays.
    Slice(Box<Type>),
    /// `dyn` or `impl`.
    Bounds(Vec<Path>),
    Fn(Vec<Type>, Option<Box<Type>>),
    Never,
    Unknown,
}

#[derive(Debug, Default)]
pub struct Block {
    pub stmts: Vec<Stmt>,
    /// The closing brace.
    pub close: Sp,
    pub label: Option<Ustr>,
}

#[derive(Debug)]
pub enum Stmt {
    Let {
        pat: Pat,
        ty: Option<Type>,
        init: Option<Expr>,
        otherwise: Option<Block>,
    },
    /// With whether a semicolon follows.
    Expr(Expr, bool),
}

#[derive(Debug)]
pub struct Expr {
    pub kind: ExprKind,
    pub span: Sp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnOp {
    Deref,
    Not,
    Neg,
}

/// What a `format!`-like macro is told.
#[derive(Debug)]
pub struct Format {
    /// The literal, with quotes; `None` if it is not a literal.
    pub template: Option<Ustr>,
    /// Positional, named and inline arguments in the order of their appearance.
    pub args: Vec<Expr>,
}

#[derive(Debug)]
pub struct Closure {
    pub params: Vec<(Pat, Option<Type>)>,
    pub ret: Option<Type>,
    pub body: Expr,
    pub head: Sp,
    pub moves: bool,
}

#[derive(Debug)]
pub struct Arm {
    pub pat: Pat,
    pub guard: Option<Expr>,
    pub body: Expr,
}

#[derive(Debug)]
pub struct MethodCall {
    pub recv: Expr,
    pub name: Ustr,
    pub name_span: Sp,
    pub generics: Vec<Type>,
    pub args: Vec<Expr>,
}

#[derive(Debug)]
pub struct StructLit {
    pub path: Path,
    pub fields: Vec<(Ustr, Expr)>,
    pub base: Option<Expr>,
}

#[derive(Debug)]
pub enum ExprKind {
    /// Canonical text, and its type if it is not a number (`str`, `bool`, `char`, `[u8]`).
    Lit(Ustr, &'static str),
    Path(Box<Path>),
    Call(Box<Expr>, Vec<Expr>),
    Method(Box<MethodCall>),
    Field(Box<Expr>, Ustr),
    Index(Box<Expr>, Box<Expr>),
    Unary(UnOp, Box<Expr>),
    Ref(bool, Box<Expr>),
    Cast(Box<Expr>, Box<Type>),
    Binary(&'static str, Box<Expr>, Box<Expr>),
    Assign(Box<Expr>, Box<Expr>),
    AssignOp(&'static str, Box<Expr>, Box<Expr>),
    Try(Box<Expr>),
    Await(Box<Expr>),
    Block(Box<Block>),
    Async(Box<Block>),
    If(Box<Expr>, Box<Block>, Option<Box<Expr>>),
    Let(Box<Pat>, Box<Expr>),
    Match(Box<Expr>, Vec<Arm>),
    While(Option<Ustr>, Box<Expr>, Box<Block>),
    Loop(Option<Ustr>, Box<Block>),
    For(Option<Ustr>, Box<Pat>, Box<Expr>, Box<Block>),
    Break(Option<Ustr>, Option<Box<Expr>>),
    Continue(Option<Ustr>),
    Return(Option<Box<Expr>>),
    Closure(Box<Closure>),
    Tuple(Vec<Expr>),
    Array(Vec<Expr>),
    Repeat(Box<Expr>),
    Struct(Box<StructLit>),
    Range(Option<Box<Expr>>, Option<Box<Expr>>),
    /// `format!`
    Format(Box<Format>),
    /// `write!`, `writeln!` with the macro's name
    Write(Box<Expr>, Box<Format>),
    /// Evaluated for their effects; the value is unit.
    Eval(Vec<Expr>),
    /// `anyhow!(…)` and other macros that make a value of their arguments.
    Make(Ustr, Vec<Expr>),
    Panic(Vec<Expr>),
    /// `bail!(…)`: leaves with a failure.
    Bail(Vec<Expr>),
    Matches(Box<Expr>, Box<Pat>, Option<Box<Expr>>),
    /// Alternatives of which one runs (`select!`): pattern, future, handler.
    Select(Vec<(Pat, Expr, Expr)>),
    /// All run; `true`: fails if one does (`try_join!`).
    Join(Vec<Expr>, bool),
    Unread,
}

#[derive(Debug)]
pub enum Pat {
    Wild,
    /// A name that may also be a constant or unit variant.
    Bind {
        name: Ustr,
        by_ref: bool,
        sub: Option<Box<Pat>>,
    },
    Path(Path),
    Tuple(Vec<Pat>, Option<usize>),
    /// Elements, and where the rest pattern stands.
    Slice(Vec<Pat>),
    TupleStruct(Path, Vec<Pat>, Option<usize>),
    Struct(Path, Vec<(Ustr, Pat)>),
    Or(Vec<Pat>),
    Lit(Ustr),
    /// A range or anything else that asks something we cannot say.
    Test,
}
