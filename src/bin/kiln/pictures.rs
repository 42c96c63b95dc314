//! `kiln pictures`: a person's pictures as a data set.

use crate::darkroom::Darkroom;
use crate::files::{file_error, write};
use indicatif::ProgressBar;
use kiln::error::Result;
use kiln::weights::import_pictures::{Fit, Offered, import};
use kiln::weights::{Bytes, DiskFile};
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// Writes the set, and says what was left out of it.
///
/// # Errors
/// `Fetch` where an input is missing, `BadFile` where there are too few pictures.
pub async fn run(inputs: &[PathBuf], side: u32, out: &Path) -> Result<()> {
    let mut files = Vec::new();
    for input in inputs {
        let kind = std::fs::metadata(input).map_err(|e| file_error(input, e))?;
        let name = input.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        if kind.is_dir() { folder(input, "", &mut files)? } else { files.push(offer(input.clone(), name, kind.len())) }
    }
    let darkroom = Darkroom(ProgressBar::new(0));
    let taken = import(files, Fit::Square(side), &darkroom).await?;
    darkroom.0.finish_and_clear();
    let Some((set, taken)) = taken else { return Ok(()) };
    write(out, &set)?;
    for left_out in &taken.left_out {
        eprintln!("left out: {}: {}", left_out.name, left_out.text);
    }
    let more = taken.left_out_in_all as usize - taken.left_out.len();
    if more > 0 {
        eprintln!("left out: {more} more");
    }
    println!("{} pictures of {side} x {side} in {}", taken.count, out.display());
    println!("sha256:{}", taken.sha256);
    println!("kiln train \"dcgan?data=sha256:{}\" --pictures {} ...", taken.sha256, out.display());
    Ok(())
}

fn offer(path: PathBuf, name: String, bytes: u64) -> Offered {
    // Opened one at a time: a system has a limit on open files.
    let open = move || DiskFile::open(&path).map(|file| Rc::new(file) as Rc<dyn Bytes>);
    Offered { name, bytes, open: Box::new(open) }
}

/// The files below a folder, in the order of their names; links to folders are not followed.
fn folder(path: &Path, before: &str, files: &mut Vec<Offered>) -> Result<()> {
    let entries = std::fs::read_dir(path).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
    let mut entries = entries.map_err(|e| file_error(path, e))?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let name = format!("{before}{}", entry.file_name().to_string_lossy());
        let kind = entry.file_type().map_err(|e| file_error(path, e))?;
        if kind.is_dir() {
            folder(&entry.path(), &format!("{name}/"), files)?;
        } else if let Ok(kind) = std::fs::metadata(entry.path())
            && kind.is_file()
        {
            files.push(offer(entry.path(), name, kind.len()));
        }
    }
    Ok(())
}
