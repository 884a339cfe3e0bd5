//! Makes a constant table of the files in a folder. A build script uses this crate.
//!
//! In `build.rs`, for the folder `page` next to `Cargo.toml`:
//!
//! ```no_run
//! fn main() -> std::io::Result<()> {
//!     picoevent_http_files::Folder::new("page").write("site.rs")
//! }
//! ```
//!
//! In the application:
//!
//! ```ignore
//! include!(concat!(env!("OUT_DIR"), "/site.rs"));
//!
//! const ROUTES: &[Route<App>] = &[Route::files("/{*name}", &FILES)];
//! ```
//!
//! A file `index.html` gets the name of its folder: `help/index.html` gets the name `help/`. The file `index.html` in
//! the top folder gets an empty name. Files and folders whose names begin with a full stop are left out. A file is also
//! stored in compressed form (gzip) if this form is at least a tenth shorter than the file. With
//! [`Folder::compressed_only`], a file with a compressed form is stored only in this form.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use flate2::{Compression, GzBuilder};
use picoevent_http::File;

/// A folder of files.
pub struct Folder {
    path: PathBuf,
    cache: String,
    compressed_only: bool,
}

impl Folder {
    /// Makes a `Folder` for a path relative to the package's folder.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), cache: "no-cache".into(), compressed_only: false }
    }

    /// Sets the value of `Cache-Control` for all files. The default is `no-cache`.
    #[must_use]
    pub fn cache(self, value: impl Into<String>) -> Self {
        Self { cache: value.into(), ..self }
    }

    /// Stores only the compressed form of a file that has a compressed form. This saves flash. Clients that do not
    /// accept gzip also get the compressed form. Every browser accepts gzip.
    #[must_use]
    pub fn compressed_only(self) -> Self {
        Self { compressed_only: true, ..self }
    }

    /// Writes Rust source with `static FILES: [picoevent_http::File; …]` to the file `name` in the build script's
    /// output folder. Cargo runs the build script again when the folder of the files changes.
    ///
    /// # Errors
    /// Returns the errors of reading and writing files, and [`io::ErrorKind::NotFound`] outside of a build script.
    pub fn write(&self, name: &str) -> io::Result<()> {
        let variable = |name| {
            let outside = || io::Error::new(io::ErrorKind::NotFound, format!("{name} is not set"));
            env::var_os(name).map(PathBuf::from).ok_or_else(outside)
        };
        let root = variable("CARGO_MANIFEST_DIR")?.join(&self.path);
        println!("cargo:rerun-if-changed={}", root.display());
        self.write_to(&root, &variable("OUT_DIR")?, name)
    }

    /// Writes the Rust source for the files in `root`, and their compressed forms, to the folder `out`.
    fn write_to(&self, root: &Path, out: &Path, name: &str) -> io::Result<()> {
        let mut files = Vec::new();
        collect(root, "", &mut files)?;
        files.sort();
        let mut source = format!(
            "/// The files of a folder.\nstatic FILES: [picoevent_http::File; {}] = [\n",
            files.len()
        );
        for (number, (name, path)) in files.iter().enumerate() {
            let content = fs::read(path)?;
            let zipped = gzip(&content)?;
            let pays = zipped.len() < content.len() / 10 * 9;
            let plain = match pays && self.compressed_only {
                true => "b\"\"".to_owned(),
                false => format!("include_bytes!({:?})", fs::canonicalize(path)?),
            };
            let mut line = format!(
                "    picoevent_http::File::new({name:?}, {:?}, {plain}, {})",
                content_type(path),
                File::tag(&content)
            );
            if pays {
                let path = out.join(format!("{number}.gz"));
                fs::write(&path, zipped)?;
                // Writing to a `String` cannot fail.
                let _ = write!(line, ".gzip(include_bytes!({path:?}))");
            }
            let _ = writeln!(source, "{line}.cache({:?}),", self.cache);
        }
        source.push_str("];\n");
        fs::write(out.join(name), source)
    }
}

/// Adds the names and the paths of the files in `folder` and its subfolders to `files`.
fn collect(folder: &Path, prefix: &str, files: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            let message = format!("the file name {} is not UTF-8", path.display());
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        };
        if name.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            collect(&path, &format!("{prefix}{name}/"), files)?;
        } else {
            let name = if name == "index.html" { "" } else { name };
            files.push((format!("{prefix}{name}"), path));
        }
    }
    Ok(())
}

/// Compresses `content`. The result contains no file name and no time, so the same content always gives the same bytes.
fn gzip(content: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    encoder.write_all(content)?;
    encoder.finish()
}

fn content_type(path: &Path) -> &'static str {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("html" | "htm") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("json") => "application/json",
        Some("txt") => "text/plain; charset=utf-8",
        Some("xml") => "application/xml",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("gif") => "image/gif",
        Some("webp") => "image/webp",
        Some("ico") => "image/x-icon",
        Some("wasm") => "application/wasm",
        Some("woff2") => "font/woff2",
        Some("webmanifest") => "application/manifest+json",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;

    use super::*;

    /// Returns a temporary folder with some files, and the Rust source that is written for these files.
    fn source(folder: Folder) -> (tempfile::TempDir, String) {
        let temp = tempfile::tempdir().unwrap();
        let (root, out) = (temp.path().join("page"), temp.path().join("out"));
        for folder in [&root.join("help"), &out] {
            fs::create_dir_all(folder).unwrap();
        }
        fs::write(root.join("index.html"), "<p>hello</p>".repeat(100)).unwrap();
        fs::write(root.join("dot.png"), b"\x89PNG").unwrap();
        fs::write(root.join(".hidden"), "no").unwrap();
        fs::write(root.join("help/index.html"), "help").unwrap();
        folder.write_to(&root, &out, "site.rs").unwrap();
        let source = fs::read_to_string(out.join("site.rs")).unwrap();
        (temp, source)
    }

    #[test]
    fn files_are_sorted_by_name_and_have_their_types() {
        let (_temp, source) = source(Folder::new("page").cache("max-age=9"));
        let lines: Vec<&str> = source.lines().collect();
        assert_eq!(lines[1], "static FILES: [picoevent_http::File; 3] = [");
        assert!(lines[2].contains("File::new(\"\", \"text/html; charset=utf-8\", include_bytes!("));
        assert!(lines[3].contains("File::new(\"dot.png\", \"image/png\""));
        assert!(lines[4].contains("File::new(\"help/\", \"text/html; charset=utf-8\""));
        assert!(lines[2..5].iter().all(|line| line.ends_with(".cache(\"max-age=9\"),")));
        let tag = File::tag("<p>hello</p>".repeat(100).as_bytes());
        assert!(lines[2].contains(&format!(", {tag})")));
    }

    #[test]
    fn a_file_that_gets_much_shorter_is_compressed() {
        let (temp, with_plain) = source(Folder::new("page"));
        assert_eq!(
            (with_plain.matches(".gzip(").count(), with_plain.matches("b\"\"").count()),
            (1, 0)
        );
        let zipped = fs::read(temp.path().join("out/0.gz")).unwrap();
        let mut content = String::new();
        GzDecoder::new(zipped.as_slice()).read_to_string(&mut content).unwrap();
        assert_eq!(content, "<p>hello</p>".repeat(100));
        let (_temp, one) = source(Folder::new("page").compressed_only());
        assert_eq!(one.matches("b\"\"").count(), 1);
    }

    #[test]
    fn a_missing_folder_is_an_error() {
        let temp = tempfile::tempdir().unwrap();
        let written =
            Folder::new("none").write_to(&temp.path().join("none"), temp.path(), "site.rs");
        assert_eq!(written.map_err(|error| error.kind()), Err(io::ErrorKind::NotFound));
    }
}
