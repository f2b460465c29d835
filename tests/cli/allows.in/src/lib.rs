use std::fs;

pub fn save(page: &[u8]) -> std::io::Result<()> {
    fs::write("page.tmp", page)?;
    // fsynclint: allow(rename-before-sync) reason="pages are fetched again"
    fs::rename("page.tmp", "page")
}

pub fn keep(page: &[u8]) -> std::io::Result<()> {
    fs::write("kept.tmp", page)?;
    // fsynclint: allow(rename-before-sink)
    fs::rename("kept.tmp", "kept")
}

// fsynclint: allow(delete-before-sync) reason="a scratch file"
pub fn nothing() {}
