//! Files that the terminal reads and writes.

use kiln::error::{Code, Error, Result};
use kiln::weights::manifest::MANIFEST;
use std::io::Write;
use std::path::{Path, PathBuf};

pub fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|e| file_error(path, e))
}

pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    std::fs::File::create(path).and_then(|mut f| f.write_all(bytes)).map_err(|e| file_error(path, e))
}

pub fn file_error(path: &Path, error: std::io::Error) -> Error {
    Error::new(Code::Fetch, format!("{}: {error}.", path.display()), "Check the path.")
}

/// The folder that holds `www/` with Kiln's data: what the person says, or the first place that has it. What is missing from it
/// is told when it is read: most tasks need little or nothing of it.
pub fn root(given: Option<PathBuf>) -> PathBuf {
    let said = given.or_else(|| std::env::var_os("KILN_ROOT").map(PathBuf::from));
    said.unwrap_or_else(|| {
        let installed = std::env::current_exe().ok().and_then(|p| Some(p.parent()?.parent()?.join("share/kiln")));
        let here = std::env::current_dir().unwrap_or_default();
        let above = here.ancestors().map(Path::to_path_buf);
        let built_from = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let mut places = installed.into_iter().chain(above).chain([built_from]);
        places.find(|p| p.join(MANIFEST).is_file()).unwrap_or_else(|| ".".into())
    })
}
