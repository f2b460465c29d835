//! The pages of the rules as files of the user's cache, for the links of diagnostics: an editor opens them, without a network, and they
//! are those of this very version.

use crate::checks::registry::{self, RuleInfo};
use lsp_types::Uri;
use rustc_hash::{FxHashMap, FxHasher};
use std::fs::File;
use std::hash::{Hash, Hasher};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Pages that were written.
#[derive(Debug)]
pub struct Pages {
    folder: Option<PathBuf>,
    links: FxHashMap<&'static str, Option<Uri>>,
}

impl Pages {
    /// Below `cache`; without one there are no links.
    pub fn new(cache: Option<PathBuf>) -> Pages {
        Pages { folder: cache.map(|cache| cache.join("fsynclint").join("rules")), links: FxHashMap::default() }
    }

    /// Where the page of the rule called `id` is. `None` if it cannot be written.
    pub fn link(&mut self, id: &str) -> Option<Uri> {
        let rule = registry::find(id)?;
        let folder = self.folder.as_deref()?;
        self.links.entry(rule.id).or_insert_with(|| super::documents::uri(&write(folder, rule).ok()?)).clone()
    }
}

/// Writes the page of `rule` if it is not there. Its folder is named after its content: what is there is never changed, and programs
/// of several versions do not fight for it.
fn write(folder: &Path, rule: &RuleInfo) -> std::io::Result<PathBuf> {
    let mut hasher = FxHasher::default();
    rule.page.hash(&mut hasher);
    let folder = folder.join(format!("{:016x}", hasher.finish()));
    let path = folder.join(format!("{}.md", rule.id));
    if !path.is_file() {
        std::fs::create_dir_all(&folder)?;
        let unfinished = folder.join(format!("{}.{}", rule.id, std::process::id()));
        let mut file = File::create(&unfinished)?;
        file.write_all(rule.page.as_bytes())?;
        file.sync_all()?;
        // fsynclint: allow(rename-without-dir-sync) reason="a cache: a page that is gone is written again"
        std::fs::rename(&unfinished, &path)?;
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_to_its_page() {
        let cache = tempfile::tempdir().unwrap();
        let mut pages = Pages::new(Some(cache.path().to_path_buf()));
        for rule in registry::RULES {
            let link = pages.link(rule.id).unwrap();
            let path = super::super::documents::path(&link).unwrap();
            assert!(path.ends_with(format!("{}.md", rule.id)));
            assert_eq!(std::fs::read_to_string(path).unwrap(), rule.page);
        }
        assert_eq!(pages.link("no-such-rule"), None);
    }

    #[test]
    fn no_cache_no_link() {
        let cache = tempfile::tempdir().unwrap();
        let file = cache.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert_eq!(Pages::new(Some(file)).link("rename-before-sync"), None);
        assert_eq!(Pages::new(None).link("rename-before-sync"), None);
    }
}
