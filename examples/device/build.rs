//! Compresses the files of the web page and writes them into a Rust source as the static `FILES`.

fn main() -> std::io::Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    picoevent_http_files::Folder::new("page").compressed_only().write("page.rs")
}
