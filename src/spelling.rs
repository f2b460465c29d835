//! "Did you mean": the names nearest to one that is misspelled.

/// Those of `names` that `word` may be meant for, nearest first, three at most; one alone that differs in nothing but `_` for `-` and
/// the case of letters.
pub fn nearest<'n>(word: &str, names: impl IntoIterator<Item = &'n str>) -> Vec<&'n str> {
    let names: Vec<&str> = names.into_iter().collect();
    let plain = word.replace('_', "-").to_lowercase();
    if let Some(name) = names.iter().find(|name| **name == plain) {
        return vec![name];
    }
    let limit = (word.chars().count() / 3).max(2);
    let near = names.into_iter().map(|name| (strsim::osa_distance(word, name), name));
    let mut near: Vec<(usize, &str)> =
        near.filter(|(distance, name)| *distance <= limit || word.len() >= 4 && name.contains(word)).collect();
    near.sort();
    near.dedup();
    near.into_iter().take(3).map(|(_, name)| name).collect()
}

/// `did you mean `a` or `b`?`; `None` if nothing is near.
pub fn did_you_mean<'n>(word: &str, names: impl IntoIterator<Item = &'n str>) -> Option<String> {
    let near: Vec<String> = nearest(word, names).into_iter().map(|name| format!("`{name}`")).collect();
    (!near.is_empty()).then(|| format!("did you mean {}?", near.join(" or ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_near() {
        let names = ["min-level", "min-confidence", "exclude"];
        assert_eq!(did_you_mean("min-levle", names).as_deref(), Some("did you mean `min-level`?"));
        assert_eq!(nearest("confidence", names), ["min-confidence"]);
        assert_eq!(nearest("colour", names), [] as [&str; 0]);
        assert_eq!(nearest("", ["a", "abc"]), ["a"]);
        assert_eq!(nearest("MIN_LEVEL", names), ["min-level"]);
        assert_eq!(nearest("a_b", ["a-c", "a-b", "a-d"]), ["a-b"]);
    }
}
