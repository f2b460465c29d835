//! Which code is there: `#[cfg]`, `cfg!`, test attributes.

use super::{Options, Platform};
use syn::punctuated::Punctuated;
use syn::{Attribute, Meta, Token};

/// Whether a predicate holds; `None` if it cannot be told. Features are on.
pub fn eval(meta: &Meta, options: &Options) -> Option<bool> {
    eval_with(meta, options, Some(true))
}

/// As [`eval`], with `features` for whether a feature is on; `None`: it may be.
fn eval_with(meta: &Meta, options: &Options, features: Option<bool>) -> Option<bool> {
    let eval = |meta: &Meta, options: &Options| eval_with(meta, options, features);
    match meta {
        Meta::Path(path) => eval_word(&path.get_ident()?.to_string(), options),
        Meta::NameValue(pair) => {
            let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(value), .. }) = &pair.value else { return None };
            eval_pair(&pair.path.get_ident()?.to_string(), &value.value(), options, features)
        }
        Meta::List(list) => {
            let parts = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated).ok()?;
            match list.path.get_ident()?.to_string().as_str() {
                "not" => match parts.first()? {
                    // Code for "not under test" is the program itself, whether or not tests are read too.
                    Meta::Path(path) if path.is_ident("test") => Some(true),
                    inner => eval(inner, options).map(|holds| !holds),
                },
                "all" => {
                    let held: Vec<_> = parts.iter().map(|part| eval(part, options)).collect();
                    if held.contains(&Some(false)) {
                        Some(false)
                    } else {
                        held.iter().all(|part| *part == Some(true)).then_some(true)
                    }
                }
                "any" => {
                    let held: Vec<_> = parts.iter().map(|part| eval(part, options)).collect();
                    if held.contains(&Some(true)) {
                        Some(true)
                    } else {
                        held.iter().all(|part| *part == Some(false)).then_some(false)
                    }
                }
                _ => None,
            }
        }
    }
}

fn eval_word(word: &str, options: &Options) -> Option<bool> {
    match word {
        "test" | "doctest" => Some(options.include_tests),
        "unix" => Some(options.platform != Platform::Windows),
        "windows" => Some(options.platform == Platform::Windows),
        "true" => Some(true),
        "false" | "loom" | "miri" | "fuzzing" | "kani" | "doc" | "docsrs" | "shuttle" | "madsim" | "tarpaulin" => {
            Some(false)
        }
        _ => None,
    }
}

fn eval_pair(key: &str, value: &str, options: &Options, features: Option<bool>) -> Option<bool> {
    match key {
        "feature" => {
            let lower = value.to_ascii_lowercase();
            let testing = ["test", "bench", "fuzz", "mock", "loom", "shuttle", "instrumentation", "failpoint"]
                .iter()
                .any(|word| lower.contains(word));
            if testing { Some(options.include_tests) } else { features }
        }
        "target_os" => Some(match options.platform {
            Platform::Unix => value == "linux",
            Platform::Windows => value == "windows",
            Platform::MacOs => value == "macos",
        }),
        "target_family" => Some(match options.platform {
            Platform::Unix | Platform::MacOs => value == "unix",
            Platform::Windows => value == "windows",
        }),
        "target_vendor" => Some((options.platform == Platform::MacOs) == (value == "apple")),
        "target_arch" => Some(value == "x86_64"),
        "target_pointer_width" => Some(value == "64"),
        "target_endian" => Some(value == "little"),
        "target_env" => Some(value == "gnu"),
        "panic" => Some(value == "unwind"),
        _ => None,
    }
}

/// Whether attributes leave the thing out.
pub fn left_out(attrs: &[Attribute], options: &Options) -> bool {
    left_out_with(attrs, options, Some(true))
}

/// Whether attributes leave the thing out with whatever features.
pub fn left_out_always(attrs: &[Attribute], options: &Options) -> bool {
    left_out_with(attrs, options, None)
}

/// Whether attributes have to do with a feature.
pub fn is_by_feature(attrs: &[Attribute]) -> bool {
    attrs.iter().any(|attr| match &attr.meta {
        Meta::List(list) => list.path.is_ident("cfg") && list.tokens.to_string().contains("feature"),
        _ => false,
    })
}

fn left_out_with(attrs: &[Attribute], options: &Options, features: Option<bool>) -> bool {
    attrs.iter().any(|attr| {
        let path = attr.path();
        if path.is_ident("doc") {
            return false;
        }
        if path.is_ident("cfg") {
            return attr.parse_args::<Meta>().is_ok_and(|meta| eval_with(&meta, options, features) == Some(false));
        }
        !options.include_tests && path.segments.last().is_some_and(|last| is_test_attribute(&last.ident))
    })
}

/// Whether the attributes that end `head` leave out what follows.
pub fn head_left_out(head: &str, options: &Options) -> bool {
    let mut head = head.trim_end();
    while head.ends_with(']') {
        let Some(at) = head.rfind("#[") else { return false };
        let attrs = syn::parse::Parser::parse_str(Attribute::parse_outer, &head[at..]);
        if attrs.is_ok_and(|attrs| left_out(&attrs, options)) {
            return true;
        }
        head = head[..at].trim_end();
    }
    false
}

/// Whether `attributes`, a text of such one after the other, leave out what follows, as `left_out` judges.
pub fn attributes_leave_out(attributes: &str, options: &Options, left_out: fn(&[Attribute], &Options) -> bool) -> bool {
    let attrs = syn::parse::Parser::parse_str(Attribute::parse_outer, attributes);
    let out = attrs.is_ok_and(|attrs| left_out(&attrs, options));
    proc_macro2::extra::invalidate_current_thread_spans();
    out
}

/// Whether an attribute with the word `name` may say something that is asked here, or documents something.
pub fn may_tell(name: &str) -> bool {
    matches!(name, "cfg" | "cfg_attr" | "path" | "doc") || is_test_attribute(name)
}

/// Whether `name` is that of an attribute of tests.
pub fn is_test_attribute<T: PartialEq<str> + ?Sized>(name: &T) -> bool {
    ["test", "bench", "rstest", "test_case", "quickcheck", "proptest", "wasm_bindgen_test", "test_log"]
        .iter()
        .any(|word| *name == **word)
}

/// The value of a `#[path = "…"]`, also inside a `cfg_attr` that holds.
pub fn path_attribute(attrs: &[Attribute], options: &Options) -> Option<String> {
    attrs.iter().find_map(|attr| path_of(&attr.meta, options))
}

fn path_of(meta: &Meta, options: &Options) -> Option<String> {
    match meta {
        Meta::NameValue(pair) if pair.path.is_ident("path") => match &pair.value {
            syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(value), .. }) => Some(value.value()),
            _ => None,
        },
        Meta::List(list) if list.path.is_ident("cfg_attr") => {
            let parts = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated).ok()?;
            let (first, rest) = (parts.first()?, parts.iter().skip(1));
            if eval(first, options) == Some(false) {
                None
            } else {
                rest.into_iter().find_map(|part| path_of(part, options))
            }
        }
        _ => None,
    }
}
