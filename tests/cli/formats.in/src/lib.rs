use std::fs;

pub struct Pages;

impl Pages {
    pub fn save(&self, page: &[u8]) -> std::io::Result<()> {
        fs::write("page.tmp", page)?;
        fs::rename("page.tmp", "page")
    }
}
