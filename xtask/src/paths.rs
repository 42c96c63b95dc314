//! Where things are.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// The repository. As cargo says when it starts us, not when it built us: a build folder may be shared by several clones,
/// and cargo does not build again for another path.
pub fn root() -> &'static Path {
    static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
        let own = env::var_os("CARGO_MANIFEST_DIR").map_or(PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        own.parent().expect("xtask lies in the repository").to_path_buf()
    });
    &ROOT
}

/// Where cargo builds: `CARGO_TARGET_DIR`, or `target/` in the repository.
pub fn target() -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR").filter(|dir| !dir.is_empty()) {
        Some(dir) => std::path::absolute(&dir).unwrap_or(PathBuf::from(dir)),
        None => root().join("target"),
    }
}

/// Where the pinned tools go when the machine has none at the right version.
pub fn tools() -> PathBuf {
    target().join("tools")
}

/// `PATH` with our own tools first, so that wasm-pack finds them and downloads nothing.
pub fn path_variable() -> std::ffi::OsString {
    let inherited = env::var_os("PATH").unwrap_or_default();
    let all = std::iter::once(tools().join("bin")).chain(env::split_paths(&inherited));
    env::join_paths(all).unwrap_or(inherited)
}

/// The first executable of this name on `path_variable`.
pub fn find(program: &str) -> Option<PathBuf> {
    env::split_paths(&path_variable())
        .map(|dir| dir.join(program).with_extension(env::consts::EXE_EXTENSION))
        .find(|file| file.is_file())
}
