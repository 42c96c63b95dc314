//! Noto's emoji at 32 x 32 over white, with the group of each as its class; their licence stands beside them.

use super::Source;
use super::album::Album;
use super::captions::Captions;
use super::idx::{self, Idx};
use crate::error::{Error, Result};
use crate::poll::{Poll, Progress};
use crate::ready;
use std::rc::Rc;

/// The groups, in the order of the labels.
pub const GROUPS: [&str; 9] =
    ["smileys", "people", "animals", "food", "travel", "activities", "objects", "symbols", "flags"];
/// Pictures in the set.
const COUNT: usize = 1906;
/// Numbers that tell a network of a group and of words in English and Chinese, see [`Captions`].
pub const FEATURES: usize = 2306;
const SHARDS: usize = 4;
const FOLDER: &str = "www/data/emoji";

/// The set, in the order of `seed`.
pub fn emoji(source: Rc<dyn Source>, seed: u64) -> Album {
    let names = (0..SHARDS).map(|i| format!("{FOLDER}/emoji-{i:02}.idx.gz"));
    let mut files: Vec<(String, Option<Idx>)> =
        names.chain([format!("{FOLDER}/labels.idx.gz")]).map(|name| (name, None)).collect();
    let arrive = move || {
        // All of them come at the same time.
        let mut pending: Option<Progress> = None;
        for (path, file) in files.iter_mut().filter(|(_, file)| file.is_none()) {
            match source.poll(path)? {
                Poll::Ready(bytes) => *file = Some(idx::parse(&bytes)?),
                Poll::Pending(one) => {
                    let all = pending.get_or_insert(Progress::download(path.clone(), 0.0, 0.0));
                    (all.done, all.total) = (all.done + one.done, all.total + one.total);
                }
            }
        }
        if let Some(pending) = pending {
            return Ok(pending.into());
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
        Ok(Poll::Ready((set, parts.next().map(|labels| labels.bytes).unwrap_or_default())))
    };
    Album::new(Box::new(arrive), GROUPS.map(String::from).to_vec(), seed)
}

/// The captions of the set, from CLDR (see its licence beside them), or what is still missing for them.
///
/// # Errors
/// `Fetch`, `BadFile`.
pub fn captions(source: &dyn Source) -> Result<Poll<Captions>> {
    let bytes = ready!(source.poll(&format!("{FOLDER}/captions.json"))?);
    let captions = Captions::parse(&bytes, COUNT, GROUPS.len())?;
    match captions.features() {
        FEATURES => Ok(Poll::Ready(captions)),
        n => Err(Error::bad_file(format!("The captions have {n} groups and words, not {FEATURES}."))),
    }
}
