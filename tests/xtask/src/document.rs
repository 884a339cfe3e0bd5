//! Tables that commands put into documents, between marks: `<!-- count -->`, `<!-- end of count -->`.

use std::{fs, path::Path};

use anyhow::{Context, Result};

/// Puts `text` between the marks of this name.
///
/// # Errors
/// When the document can not be read or written, or has no such marks.
pub fn put(document: &Path, name: &str, text: &str) -> Result<()> {
    let failed = || format!("cannot write the table {name:?} into {}", document.display());
    let old = fs::read_to_string(document).with_context(failed)?;
    let new = replaced(&old, name, text).context("its marks are missing").with_context(failed)?;
    fs::write(document, new).with_context(failed)
}

fn replaced(old: &str, name: &str, text: &str) -> Option<String> {
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- end of {name} -->"));
    let (before, rest) = old.split_once(&begin)?;
    let (_, behind) = rest.split_once(&end)?;
    Some([before, &begin, text, &end, behind].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_between_the_marks_is_replaced() {
        let old = "# A\n<!-- count -->\nold\n<!-- end of count -->\nB\n";
        let new = replaced(old, "count", "| 7 |\n").unwrap();
        assert_eq!(new, "# A\n<!-- count -->\n| 7 |\n<!-- end of count -->\nB\n");
        assert_eq!(replaced(old, "counts", "new"), None);
    }

    #[test]
    fn a_document_without_the_marks_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let document = folder.path().join("empty.md");
        fs::write(&document, "no marks").unwrap();
        let error = format!("{:#}", put(&document, "count", "").unwrap_err());
        assert!(error.contains("\"count\"") && error.ends_with("its marks are missing"), "{error}");
    }
}
