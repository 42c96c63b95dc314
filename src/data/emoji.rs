//! Noto's emoji at 32 x 32 over white, with the group of each as its class; their licence stands beside them.

use super::album::Album;
use super::idx::{self, Idx};
use super::{Source, Waiting};
use crate::error::Error;
use std::rc::Rc;

/// The groups, in the order of the labels.
pub const GROUPS: [&str; 9] =
    ["smileys", "people", "animals", "food", "travel", "activities", "objects", "symbols", "flags"];
const SHARDS: usize = 4;
const FOLDER: &str = "www/data/emoji";

/// The set, in the order of `seed`.
pub fn emoji(source: Rc<dyn Source>, seed: u64) -> Album {
    let names = (0..SHARDS).map(|i| format!("{FOLDER}/emoji-{i:02}.idx.gz"));
    let mut files: Vec<(String, Option<Idx>)> =
        names.chain([format!("{FOLDER}/labels.idx.gz")]).map(|name| (name, None)).collect();
    let arrive = move || {
        let mut waiting: Option<Waiting> = None;
        for (path, file) in files.iter_mut().filter(|(_, file)| file.is_none()) {
            match source.poll(path) {
                Some(bytes) => *file = Some(idx::parse(&bytes?)?),
                None => {
                    let (done, total) = source.progress(path);
                    let first = waiting.get_or_insert(Waiting { path: path.clone(), done: 0.0, total: 0.0 });
                    (first.done, first.total) = (first.done + done, first.total + total);
                }
            }
        }
        if let Some(waiting) = waiting {
            return Ok(Err(waiting));
        }
        let mut parts = files.iter_mut().filter_map(|(_, file)| file.take());
        let mut set = parts.next().ok_or_else(|| Error::internal("The emoji are missing."))?;
        for shard in parts.by_ref().take(SHARDS - 1) {
            if shard.dims.get(1..) != set.dims.get(1..) {
                return Err(Error::bad_file(format!("An emoji file has dimensions {:?}.", shard.dims)));
            }
            set.dims[0] += shard.dims[0];
            set.bytes.extend(shard.bytes);
        }
        Ok(Ok((set, parts.next().map(|labels| labels.bytes).unwrap_or_default())))
    };
    Album::new(Box::new(arrive), GROUPS.map(String::from).to_vec(), seed)
}
