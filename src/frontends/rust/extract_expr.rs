//! From the parser's tree to [`super::hir`]: types, patterns, statements and expressions.

use super::cfg;
use super::extract::{Extractor, name};
use super::hir::*;
use syn::spanned::Spanned;
use ustr::{Ustr, ustr};

impl Extractor<'_> {
    pub fn ty(&mut self, ty: &syn::Type) -> Type {
        match ty {
            syn::Type::Path(ty) => Type::Path(self.path(&ty.path, ty.qself.as_ref())),
            syn::Type::Reference(ty) => Type::Ref(ty.mutability.is_some(), Box::new(self.ty(&ty.elem))),
            syn::Type::Ptr(ty) => Type::Ref(ty.mutability.is_some(), Box::new(self.ty(&ty.elem))),
            syn::Type::Tuple(ty) => Type::Tuple(ty.elems.iter().map(|elem| self.ty(elem)).collect()),
            syn::Type::Slice(ty) => Type::Slice(Box::new(self.ty(&ty.elem))),
            syn::Type::Array(ty) => Type::Slice(Box::new(self.ty(&ty.elem))),
            syn::Type::Paren(ty) => self.ty(&ty.elem),
            syn::Type::Group(ty) => self.ty(&ty.elem),
            syn::Type::TraitObject(ty) => Type::Bounds(self.bounds(&ty.bounds)),
            syn::Type::ImplTrait(ty) => Type::Bounds(self.bounds(&ty.bounds)),
            syn::Type::BareFn(ty) => {
                let inputs = ty.inputs.iter().map(|input| self.ty(&input.ty)).collect();
                Type::Fn(inputs, self.ret(&ty.output))
            }
            syn::Type::Never(_) => Type::Never,
            _ => Type::Unknown,
        }
    }

    fn ret(&mut self, ret: &syn::ReturnType) -> Option<Box<Type>> {
        match ret {
            syn::ReturnType::Default => None,
            syn::ReturnType::Type(_, ty) => Some(Box::new(self.ty(ty))),
        }
    }

    pub fn bounds<'b>(&mut self, bounds: impl IntoIterator<Item = &'b syn::TypeParamBound>) -> Vec<Path> {
        let traits = bounds.into_iter().filter_map(|bound| match bound {
            syn::TypeParamBound::Trait(bound) if !matches!(bound.modifier, syn::TraitBoundModifier::Maybe(_)) => {
                Some(bound)
            }
            _ => None,
        });
        traits.map(|bound| self.path(&bound.path, None)).collect()
    }

    pub fn path(&mut self, path: &syn::Path, qself: Option<&syn::QSelf>) -> Path {
        let qself = qself.map(|qself| Box::new((self.ty(&qself.ty), qself.position)));
        let segs = path.segments.iter().map(|seg| self.seg(seg)).collect();
        Path { leading: path.leading_colon.is_some(), qself, segs }
    }

    fn seg(&mut self, seg: &syn::PathSegment) -> Seg {
        let mut found = Seg { name: name(&seg.ident), args: Vec::new(), assoc: Vec::new() };
        match &seg.arguments {
            syn::PathArguments::None => {}
            syn::PathArguments::AngleBracketed(args) => self.generic_args(args, &mut found),
            syn::PathArguments::Parenthesized(args) => {
                found.args.push(Type::Tuple(args.inputs.iter().map(|input| self.ty(input)).collect()));
                let output = self.ret(&args.output).map_or(Type::Tuple(Vec::new()), |ty| *ty);
                found.assoc.push((ustr("Output"), output));
            }
        }
        found
    }

    fn generic_args(&mut self, args: &syn::AngleBracketedGenericArguments, found: &mut Seg) {
        for arg in &args.args {
            match arg {
                syn::GenericArgument::Type(ty) => found.args.push(self.ty(ty)),
                syn::GenericArgument::AssocType(assoc) => found.assoc.push((name(&assoc.ident), self.ty(&assoc.ty))),
                syn::GenericArgument::Const(_) => found.args.push(Type::Unknown),
                _ => {}
            }
        }
    }

    pub fn block(&mut self, block: &syn::Block, label: Option<&syn::Label>) -> Block {
        let stmts = self.stmts(&block.stmts);
        Block { stmts, close: self.sp(block.brace_token.span.close()), label: label.map(label_name) }
    }

    pub fn stmts(&mut self, stmts: &[syn::Stmt]) -> Vec<Stmt> {
        let mut found = Vec::with_capacity(stmts.len());
        for stmt in stmts {
            match stmt {
                syn::Stmt::Expr(expr, semi) if self.is_only_taken_away(expr, stmts) => {
                    found.push(Stmt::Expr(self.expr(expr), semi.is_some()));
                }
                _ => self.stmt(stmt, &mut found),
            }
        }
        found
    }

    /// Whether a feature that is on leaves out a statement and puts nothing in its place: the program is more likely the one that has it. What
    /// leaves the block is no statement that others follow.
    fn is_only_taken_away(&self, expr: &syn::Expr, stmts: &[syn::Stmt]) -> bool {
        let attrs = attrs_of(expr);
        let goes_on = match expr {
            syn::Expr::Block(block) => match block.block.stmts.last() {
                Some(syn::Stmt::Expr(last, Some(_))) => {
                    !matches!(last, syn::Expr::Return(_) | syn::Expr::Break(_) | syn::Expr::Continue(_))
                }
                _ => false,
            },
            syn::Expr::If(_) | syn::Expr::MethodCall(_) | syn::Expr::Call(_) | syn::Expr::Try(_) => true,
            _ => false,
        };
        let instead = |stmt: &syn::Stmt| {
            let attrs = match stmt {
                syn::Stmt::Local(local) => &local.attrs,
                syn::Stmt::Expr(expr, _) => attrs_of(expr),
                syn::Stmt::Macro(mac) => &mac.attrs,
                syn::Stmt::Item(_) => return false,
            };
            cfg::is_by_feature(attrs) && !self.off(attrs)
        };
        goes_on && self.off(attrs) && !cfg::left_out_always(attrs, self.options) && !stmts.iter().any(instead)
    }

    fn stmt(&mut self, stmt: &syn::Stmt, out: &mut Vec<Stmt>) {
        match stmt {
            syn::Stmt::Local(local) if !self.off(&local.attrs) => {
                let (pat, ty) = match &local.pat {
                    syn::Pat::Type(pat) => (self.pat(&pat.pat), Some(self.ty(&pat.ty))),
                    pat => (self.pat(pat), None),
                };
                let init = local.init.as_ref().map(|init| self.expr(&init.expr));
                let otherwise =
                    local.init.as_ref().and_then(|init| init.diverge.as_ref()).map(|(_, diverge)| match &**diverge {
                        syn::Expr::Block(block) => self.block(&block.block, None),
                        other => {
                            let expr = self.expr(other);
                            let close = expr.span;
                            Block { stmts: vec![Stmt::Expr(expr, true)], close, label: None }
                        }
                    });
                out.push(Stmt::Let { pat, ty, init, otherwise });
            }
            syn::Stmt::Local(_) => {}
            syn::Stmt::Item(item) => {
                let mut items = Vec::new();
                self.item(item, &mut items);
                self.inner.append(&mut items);
            }
            syn::Stmt::Expr(expr, semi) => {
                if !self.off(attrs_of(expr)) {
                    out.push(Stmt::Expr(self.expr(expr), semi.is_some()));
                }
            }
            syn::Stmt::Macro(stmt) if !self.off(&stmt.attrs) => self.stmt_macro(stmt, out),
            syn::Stmt::Macro(_) => {}
        }
    }

    fn exprs<'e>(&mut self, exprs: impl IntoIterator<Item = &'e syn::Expr>) -> Vec<Expr> {
        exprs
            .into_iter()
            .filter(|expr| !self.off(attrs_of(expr)))
            .collect::<Vec<_>>()
            .into_iter()
            .map(|expr| self.expr(expr))
            .collect()
    }

    fn boxed(&mut self, expr: &syn::Expr) -> Box<Expr> {
        Box::new(self.expr(expr))
    }

    fn maybe(&mut self, expr: Option<&syn::Expr>) -> Option<Box<Expr>> {
        expr.map(|expr| self.boxed(expr))
    }

    fn path_span(&self, path: &syn::Path, qself: Option<&syn::QSelf>) -> Sp {
        let first = match (qself, path.leading_colon, path.segments.first()) {
            (Some(qself), ..) => self.sp(qself.lt_token.span),
            (None, Some(colon), _) => self.sp(colon.spans[0]),
            (None, None, Some(first)) => self.sp(first.ident.span()),
            _ => Sp::default(),
        };
        let last = path.segments.last().map_or(first, |last| match &last.arguments {
            syn::PathArguments::AngleBracketed(args) => self.sp(args.gt_token.span),
            _ => self.sp(last.ident.span()),
        });
        first.to(last)
    }

    pub fn expr(&mut self, expr: &syn::Expr) -> Expr {
        use syn::Expr as E;
        match expr {
            E::Paren(e) => {
                let inner = self.expr(&e.expr);
                Expr { span: self.sp(e.paren_token.span.open()).to(self.sp(e.paren_token.span.close())), ..inner }
            }
            E::Group(e) => self.expr(&e.expr),
            E::Lit(e) => self.literal(&e.lit),
            E::Path(e) => {
                let span = self.path_span(&e.path, e.qself.as_ref());
                Expr { kind: ExprKind::Path(Box::new(self.path(&e.path, e.qself.as_ref()))), span }
            }
            E::Call(e) => {
                let func = self.boxed(&e.func);
                let span = func.span.to(self.sp(e.paren_token.span.close()));
                Expr { kind: ExprKind::Call(func, self.exprs(&e.args)), span }
            }
            E::MethodCall(e) => self.method(e),
            E::Field(e) => {
                let base = self.boxed(&e.base);
                let (field, end) = match &e.member {
                    syn::Member::Named(ident) => (name(ident), ident.span()),
                    syn::Member::Unnamed(index) => (ustr(&index.index.to_string()), index.span),
                };
                let span = base.span.to(self.sp(end));
                Expr { kind: ExprKind::Field(base, field), span }
            }
            E::Index(e) => {
                let base = self.boxed(&e.expr);
                let span = base.span.to(self.sp(e.bracket_token.span.close()));
                Expr { kind: ExprKind::Index(base, self.boxed(&e.index)), span }
            }
            E::Try(e) => {
                let inner = self.boxed(&e.expr);
                let span = inner.span.to(self.sp(e.question_token.span));
                Expr { kind: ExprKind::Try(inner), span }
            }
            E::Await(e) => {
                let inner = self.boxed(&e.base);
                let span = inner.span.to(self.sp(e.await_token.span));
                Expr { kind: ExprKind::Await(inner), span }
            }
            E::Macro(e) => self.expr_macro(&e.mac),
            _ => self.operator(expr),
        }
    }

    fn method(&mut self, e: &syn::ExprMethodCall) -> Expr {
        let recv = self.expr(&e.receiver);
        let name_span = self.sp(e.method.span());
        let span = recv.span.to(self.sp(e.paren_token.span.close()));
        let mut seg = Seg { name: name(&e.method), args: Vec::new(), assoc: Vec::new() };
        if let Some(args) = &e.turbofish {
            self.generic_args(args, &mut seg);
        }
        let call = MethodCall { recv, name: seg.name, name_span, generics: seg.args, args: self.exprs(&e.args) };
        Expr { kind: ExprKind::Method(Box::new(call)), span }
    }

    fn operator(&mut self, expr: &syn::Expr) -> Expr {
        use syn::Expr as E;
        match expr {
            E::Unary(e) => {
                let inner = self.boxed(&e.expr);
                let (op, start) = match &e.op {
                    syn::UnOp::Deref(t) => (UnOp::Deref, t.span),
                    syn::UnOp::Not(t) => (UnOp::Not, t.span),
                    syn::UnOp::Neg(t) => (UnOp::Neg, t.span),
                    _ => return Expr { span: inner.span, kind: ExprKind::Unary(UnOp::Neg, inner) },
                };
                let span = self.sp(start).to(inner.span);
                if let (UnOp::Neg, ExprKind::Lit(text, _)) = (op, &inner.kind) {
                    return Expr { kind: ExprKind::Lit(ustr(&format!("-{text}")), ""), span };
                }
                Expr { kind: ExprKind::Unary(op, inner), span }
            }
            E::Reference(e) => {
                let inner = self.boxed(&e.expr);
                let span = self.sp(e.and_token.span).to(inner.span);
                Expr { kind: ExprKind::Ref(e.mutability.is_some(), inner), span }
            }
            E::RawAddr(e) => {
                let inner = self.boxed(&e.expr);
                let mutable = matches!(e.mutability, syn::PointerMutability::Mut(_));
                Expr { span: inner.span, kind: ExprKind::Ref(mutable, inner) }
            }
            E::Cast(e) => {
                let inner = self.boxed(&e.expr);
                let span = inner.span.to(self.sp(e.as_token.span));
                Expr { kind: ExprKind::Cast(inner, Box::new(self.ty(&e.ty))), span }
            }
            E::Binary(e) => self.binary(e),
            E::Assign(e) => {
                let (left, right) = (self.boxed(&e.left), self.boxed(&e.right));
                let span = left.span.to(right.span);
                Expr { kind: ExprKind::Assign(left, right), span }
            }
            E::Range(e) => {
                let (start, end) = (self.maybe(e.start.as_deref()), self.maybe(e.end.as_deref()));
                let limits = match &e.limits {
                    syn::RangeLimits::HalfOpen(t) => self.sp(t.spans[0]),
                    syn::RangeLimits::Closed(t) => self.sp(t.spans[0]),
                };
                let span = start.as_ref().map_or(limits, |e| e.span).to(end.as_ref().map_or(limits, |e| e.span));
                Expr { kind: ExprKind::Range(start, end), span }
            }
            E::Tuple(e) => {
                let span = self.sp(e.paren_token.span.open()).to(self.sp(e.paren_token.span.close()));
                Expr { kind: ExprKind::Tuple(self.exprs(&e.elems)), span }
            }
            E::Array(e) => {
                let span = self.sp(e.bracket_token.span.open()).to(self.sp(e.bracket_token.span.close()));
                Expr { kind: ExprKind::Array(self.exprs(&e.elems)), span }
            }
            E::Repeat(e) => {
                let span = self.sp(e.bracket_token.span.open()).to(self.sp(e.bracket_token.span.close()));
                Expr { kind: ExprKind::Repeat(self.boxed(&e.expr)), span }
            }
            E::Struct(e) => self.struct_literal(e),
            E::Closure(e) => self.closure(e),
            _ => self.control(expr),
        }
    }

    fn binary(&mut self, e: &syn::ExprBinary) -> Expr {
        use syn::BinOp as B;
        let (left, right) = (self.boxed(&e.left), self.boxed(&e.right));
        let span = left.span.to(right.span);
        let (op, assigns) = match &e.op {
            B::Add(_) => ("+", false),
            B::Sub(_) => ("-", false),
            B::Mul(_) => ("*", false),
            B::Div(_) => ("/", false),
            B::Rem(_) => ("%", false),
            B::And(_) => ("&&", false),
            B::Or(_) => ("||", false),
            B::BitXor(_) => ("^", false),
            B::BitAnd(_) => ("&", false),
            B::BitOr(_) => ("|", false),
            B::Shl(_) => ("<<", false),
            B::Shr(_) => (">>", false),
            B::Eq(_) => ("==", false),
            B::Lt(_) => ("<", false),
            B::Le(_) => ("<=", false),
            B::Ne(_) => ("!=", false),
            B::Ge(_) => (">=", false),
            B::Gt(_) => (">", false),
            B::AddAssign(_) => ("+", true),
            B::SubAssign(_) => ("-", true),
            B::MulAssign(_) => ("*", true),
            B::DivAssign(_) => ("/", true),
            B::RemAssign(_) => ("%", true),
            B::BitXorAssign(_) => ("^", true),
            B::BitAndAssign(_) => ("&", true),
            B::BitOrAssign(_) => ("|", true),
            B::ShlAssign(_) => ("<<", true),
            B::ShrAssign(_) => (">>", true),
            _ => ("?", false),
        };
        let kind = if assigns { ExprKind::AssignOp(op, left, right) } else { ExprKind::Binary(op, left, right) };
        Expr { kind, span }
    }

    fn struct_literal(&mut self, e: &syn::ExprStruct) -> Expr {
        let span = self.path_span(&e.path, e.qself.as_ref()).to(self.sp(e.brace_token.span.close()));
        let mut fields = Vec::new();
        for field in &e.fields {
            if !self.off(&field.attrs) {
                fields.push((member(&field.member), self.expr(&field.expr)));
            }
        }
        let base = e.rest.as_ref().map(|rest| self.expr(rest));
        let lit = StructLit { path: self.path(&e.path, e.qself.as_ref()), fields, base };
        Expr { kind: ExprKind::Struct(Box::new(lit)), span }
    }

    fn closure(&mut self, e: &syn::ExprClosure) -> Expr {
        let start = e.asyncness.map(|t| t.span).or(e.capture.map(|t| t.span)).unwrap_or(e.or1_token.span);
        let head = self.sp(start).to(self.sp(e.or2_token.span));
        let mut params = Vec::new();
        for input in &e.inputs {
            params.push(match input {
                syn::Pat::Type(pat) => (self.pat(&pat.pat), Some(self.ty(&pat.ty))),
                pat => (self.pat(pat), None),
            });
        }
        let ret = self.ret(&e.output).map(|ty| *ty);
        let body = self.expr(&e.body);
        let span = head.to(body.span);
        let closure = Closure { params, ret, body, head, moves: e.capture.is_some() };
        Expr { kind: ExprKind::Closure(Box::new(closure)), span }
    }

    fn control(&mut self, expr: &syn::Expr) -> Expr {
        use syn::Expr as E;
        match expr {
            E::Block(e) => {
                let block = self.block(&e.block, e.label.as_ref());
                let span = self.sp(e.block.brace_token.span.open()).to(block.close);
                Expr { kind: ExprKind::Block(Box::new(block)), span }
            }
            E::Unsafe(e) => {
                let block = self.block(&e.block, None);
                Expr { span: self.sp(e.unsafe_token.span).to(block.close), kind: ExprKind::Block(Box::new(block)) }
            }
            E::Const(e) => {
                let block = self.block(&e.block, None);
                Expr { span: self.sp(e.const_token.span).to(block.close), kind: ExprKind::Block(Box::new(block)) }
            }
            E::TryBlock(e) => {
                let block = self.block(&e.block, None);
                Expr { span: self.sp(e.try_token.span).to(block.close), kind: ExprKind::Async(Box::new(block)) }
            }
            E::Async(e) => {
                let block = self.block(&e.block, None);
                Expr { span: self.sp(e.async_token.span).to(block.close), kind: ExprKind::Async(Box::new(block)) }
            }
            E::If(e) => {
                let cond = self.boxed(&e.cond);
                let then = Box::new(self.block(&e.then_branch, None));
                let otherwise = self.maybe(e.else_branch.as_ref().map(|(_, branch)| &**branch));
                let span = self.sp(e.if_token.span).to(otherwise.as_ref().map_or(then.close, |branch| branch.span));
                Expr { kind: ExprKind::If(cond, then, otherwise), span }
            }
            E::Let(e) => {
                let (pat, inner) = (self.pat(&e.pat), self.boxed(&e.expr));
                let span = self.sp(e.let_token.span).to(inner.span);
                Expr { kind: ExprKind::Let(Box::new(pat), inner), span }
            }
            E::Match(e) => {
                let scrutinee = self.boxed(&e.expr);
                let mut arms = Vec::with_capacity(e.arms.len());
                for arm in &e.arms {
                    if !self.off(&arm.attrs) {
                        let pat = self.pat(&arm.pat);
                        let guard = arm.guard.as_ref().map(|(_, guard)| self.expr(guard));
                        arms.push(Arm { pat, guard, body: self.expr(&arm.body) });
                    }
                }
                let span = self.sp(e.match_token.span).to(self.sp(e.brace_token.span.close()));
                Expr { kind: ExprKind::Match(scrutinee, arms), span }
            }
            E::While(e) => {
                let cond = self.boxed(&e.cond);
                let body = Box::new(self.block(&e.body, None));
                let span = self.sp(e.while_token.span).to(body.close);
                Expr { kind: ExprKind::While(e.label.as_ref().map(label_name), cond, body), span }
            }
            E::Loop(e) => {
                let body = Box::new(self.block(&e.body, None));
                let span = self.sp(e.loop_token.span).to(body.close);
                Expr { kind: ExprKind::Loop(e.label.as_ref().map(label_name), body), span }
            }
            E::ForLoop(e) => {
                let (pat, iter) = (Box::new(self.pat(&e.pat)), self.boxed(&e.expr));
                let body = Box::new(self.block(&e.body, None));
                let span = self.sp(e.for_token.span).to(body.close);
                Expr { kind: ExprKind::For(e.label.as_ref().map(label_name), pat, iter, body), span }
            }
            _ => self.jump(expr),
        }
    }

    fn jump(&mut self, expr: &syn::Expr) -> Expr {
        use syn::Expr as E;
        match expr {
            E::Break(e) => {
                let value = self.maybe(e.expr.as_deref());
                let start = self.sp(e.break_token.span);
                let span = value.as_ref().map_or(start, |value| start.to(value.span));
                Expr { kind: ExprKind::Break(e.label.as_ref().map(lifetime_name), value), span }
            }
            E::Continue(e) => {
                let span = self.sp(e.continue_token.span);
                Expr { kind: ExprKind::Continue(e.label.as_ref().map(lifetime_name)), span }
            }
            E::Return(e) => {
                let value = self.maybe(e.expr.as_deref());
                let start = self.sp(e.return_token.span);
                let span = value.as_ref().map_or(start, |value| start.to(value.span));
                Expr { kind: ExprKind::Return(value), span }
            }
            E::Yield(e) => {
                let value = e.expr.as_ref().map(|value| self.expr(value));
                let span = self.sp(e.yield_token.span);
                Expr { kind: ExprKind::Eval(value.into_iter().collect()), span }
            }
            // `_ = …`: there is nothing to read.
            E::Infer(e) => Expr { kind: ExprKind::Eval(Vec::new()), span: self.sp(e.underscore_token.span) },
            other => {
                let span = self.sp(other.span());
                self.unread.push(span);
                Expr { kind: ExprKind::Unread, span }
            }
        }
    }

    pub fn literal(&mut self, lit: &syn::Lit) -> Expr {
        let span = self.sp(lit.span());
        let (text, ty) = match lit {
            syn::Lit::Str(lit) => (format!("{:?}", lit.value()), "str"),
            syn::Lit::ByteStr(lit) => (format!("b{:?}", String::from_utf8_lossy(&lit.value())), "[u8]"),
            syn::Lit::CStr(lit) => (format!("c{:?}", lit.value()), "CStr"),
            syn::Lit::Byte(lit) => (lit.value().to_string(), "u8"),
            syn::Lit::Char(lit) => (format!("{:?}", lit.value()), "char"),
            syn::Lit::Int(lit) => (lit.base10_digits().to_string(), ""),
            syn::Lit::Float(lit) => (lit.base10_digits().to_string(), ""),
            syn::Lit::Bool(lit) => (lit.value.to_string(), "bool"),
            other => (quote::ToTokens::to_token_stream(other).to_string(), ""),
        };
        Expr { kind: ExprKind::Lit(ustr(&text), ty), span }
    }

    pub fn pat(&mut self, pat: &syn::Pat) -> Pat {
        use syn::Pat as P;
        match pat {
            P::Wild(_) | P::Rest(_) => Pat::Wild,
            P::Ident(pat) => {
                let sub = pat.subpat.as_ref().map(|(_, sub)| Box::new(self.pat(sub)));
                Pat::Bind { name: name(&pat.ident), by_ref: pat.by_ref.is_some(), sub }
            }
            P::Path(pat) => Pat::Path(self.path(&pat.path, pat.qself.as_ref())),
            P::Paren(pat) => self.pat(&pat.pat),
            P::Reference(pat) => self.pat(&pat.pat),
            P::Type(pat) => self.pat(&pat.pat),
            P::Tuple(pat) => {
                let (list, rest) = self.pats(&pat.elems);
                Pat::Tuple(list, rest)
            }
            P::Slice(pat) => Pat::Slice(pat.elems.iter().map(|elem| self.pat(elem)).collect()),
            P::TupleStruct(pat) => {
                let (list, rest) = self.pats(&pat.elems);
                Pat::TupleStruct(self.path(&pat.path, pat.qself.as_ref()), list, rest)
            }
            P::Struct(pat) => {
                let fields = pat.fields.iter().map(|field| (member(&field.member), self.pat(&field.pat))).collect();
                Pat::Struct(self.path(&pat.path, pat.qself.as_ref()), fields)
            }
            P::Or(pat) => Pat::Or(pat.cases.iter().map(|case| self.pat(case)).collect()),
            P::Lit(lit) => match self.literal(&lit.lit).kind {
                ExprKind::Lit(text, _) => Pat::Lit(text),
                _ => Pat::Test,
            },
            _ => Pat::Test,
        }
    }

    fn pats<'p>(&mut self, pats: impl IntoIterator<Item = &'p syn::Pat>) -> (Vec<Pat>, Option<usize>) {
        let (mut list, mut rest) = (Vec::new(), None);
        for pat in pats {
            if let syn::Pat::Rest(_) = pat {
                rest = Some(list.len());
            } else {
                list.push(self.pat(pat));
            }
        }
        (list, rest)
    }
}

fn member(member: &syn::Member) -> Ustr {
    match member {
        syn::Member::Named(ident) => name(ident),
        syn::Member::Unnamed(index) => ustr(&index.index.to_string()),
    }
}

fn label_name(label: &syn::Label) -> Ustr {
    lifetime_name(&label.name)
}

fn lifetime_name(lifetime: &syn::Lifetime) -> Ustr {
    name(&lifetime.ident)
}

/// The expression's own attributes.
fn attrs_of(expr: &syn::Expr) -> &[syn::Attribute] {
    use syn::Expr as E;
    match expr {
        E::Block(e) => &e.attrs,
        E::Unsafe(e) => &e.attrs,
        E::If(e) => &e.attrs,
        E::Match(e) => &e.attrs,
        E::Call(e) => &e.attrs,
        E::MethodCall(e) => &e.attrs,
        E::Macro(e) => &e.attrs,
        E::Return(e) => &e.attrs,
        E::Try(e) => &e.attrs,
        E::ForLoop(e) => &e.attrs,
        E::While(e) => &e.attrs,
        E::Loop(e) => &e.attrs,
        E::Assign(e) => &e.attrs,
        E::Binary(e) => &e.attrs,
        E::Struct(e) => &e.attrs,
        E::Tuple(e) => &e.attrs,
        E::Path(e) => &e.attrs,
        E::Lit(e) => &e.attrs,
        E::Await(e) => &e.attrs,
        _ => &[],
    }
}

/// Whether `cfg!(…)` holds.
pub fn cfg_value(mac: &syn::Macro, options: &super::Options) -> Option<bool> {
    cfg::eval(&mac.parse_body::<syn::Meta>().ok()?, options)
}
