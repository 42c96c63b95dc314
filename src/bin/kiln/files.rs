//! Files that the terminal reads and writes.

use kiln::error::{Code, Error, Result};
use std::io::Write;
use std::path::Path;

pub fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|e| file_error(path, e))
}

pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    std::fs::File::create(path).and_then(|mut f| f.write_all(bytes)).map_err(|e| file_error(path, e))
}

pub fn file_error(path: &Path, error: std::io::Error) -> Error {
    Error::new(
        Code::Fetch,
        format!("{}: {error}.", path.display()),
        "Check the path; --root names the folder that holds www/.",
    )
}
