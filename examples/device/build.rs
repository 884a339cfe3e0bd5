//! Makes the page a constant.

fn main() -> std::io::Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    picoevent_http_files::Folder::new("page").compressed_only().write("page.rs")
}
