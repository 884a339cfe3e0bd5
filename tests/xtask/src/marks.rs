//! The parts of documents that commands write.
//!
//! ```text
//! <!-- count -->
//! what a command puts here
//! <!-- end of count -->
//! ```
//!
//! A command replaces the text between its two marks, and nothing else.

use std::{fs, path::Path};

use anyhow::{Context, Result, anyhow};

/// Writes `content`, which ends with a line feed, between the marks `name` of a document.
///
/// # Errors
/// If the document cannot be read or written, or has no such marks.
pub fn write_down(document: &Path, name: &str, content: &str) -> Result<()> {
    let failed = || format!("cannot write {name} into {}", document.display());
    let text = fs::read_to_string(document).with_context(failed)?;
    let replaced = replaced(&text, name, content);
    let [before, behind] = marks(name);
    let missing = || anyhow!("it needs the lines {} and {behind}", before.trim_end());
    let text = replaced.ok_or_else(missing).with_context(failed)?;
    fs::write(document, text).with_context(failed)
}

fn replaced(text: &str, name: &str, content: &str) -> Option<String> {
    let [first, last] = marks(name);
    let (before, rest) = text.split_once(&first)?;
    let (_, behind) = rest.split_once(&last)?;
    Some([before, &first, content, &last, behind].concat())
}

fn marks(name: &str) -> [String; 2] {
    [format!("<!-- {name} -->\n"), format!("<!-- end of {name} -->")]
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# A\n<!-- count -->\nold\n<!-- end of count -->\nB\n";

    #[test]
    fn only_the_text_between_the_marks_is_replaced() {
        let text = replaced(TEXT, "count", "new\n").unwrap();
        assert_eq!(text, "# A\n<!-- count -->\nnew\n<!-- end of count -->\nB\n");
        assert_eq!(replaced(&text, "counts", "newer\n"), None);
    }

    #[test]
    fn a_document_without_the_marks_is_unchanged_and_the_error_names_them() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), TEXT).unwrap();
        let error = write_down(file.path(), "bench W1", "new\n").unwrap_err();
        let said = format!("{error:#}");
        assert!(
            said.ends_with("the lines <!-- bench W1 --> and <!-- end of bench W1 -->"),
            "{said}"
        );
        assert_eq!(fs::read_to_string(file.path()).unwrap(), TEXT);
    }
}
