//! Sets of pictures by name: `mnist`, `emoji`, or `sha256:HEX` of pictures that a person brought and that are kept.

use super::Context;
use crate::data::album::{Album, COLOUR, MAX_PICTURES};
use crate::data::emoji::emoji;
use crate::data::idx::{self, Idx};
use crate::data::mnist::{Mnist, SHAPE};
use crate::data::{Pictures, Shape};
use crate::error::{Code, Error, Result};
use crate::poll::Poll;
use crate::ready;
use crate::weights::Library;
use crate::weights::manifest::is_sha256;

/// A set, in the order of `seed`. Its files are asked for by the first batch.
///
/// # Errors
/// `UnknownPictures` for a name that is none.
pub fn open(name: &str, context: &Context, seed: u64) -> Result<Box<dyn Pictures>> {
    shape_of(name)?;
    Ok(match name {
        "mnist" => Box::new(Mnist::new(context.source.clone(), seed)),
        "emoji" => Box::new(emoji(context.source.clone(), seed)),
        kept_name => {
            let (library, name) = (context.library.clone(), kept_name.to_string());
            let arrive =
                move || Ok(kept(&*library, &name, (MAX_PICTURES * COLOUR.len()) as u64)?.map(|set| (set, Vec::new())));
            Box::new(Album::new(Box::new(arrive), Vec::new(), seed))
        }
    })
}

/// The shape of a set's pictures, before any is here.
///
/// # Errors
/// As [`open`].
pub fn shape_of(name: &str) -> Result<Shape> {
    match name {
        "mnist" => Ok(SHAPE),
        "emoji" => Ok(COLOUR),
        _ if name.strip_prefix("sha256:").is_some_and(is_sha256) => Ok(COLOUR),
        _ => Err(unknown(format!("There is no set of pictures {name:?}."))),
    }
}

/// A kept IDX file of at most `most` bytes of pictures, or what is still missing for it.
///
/// # Errors
/// `UnknownPictures` where it is not kept; `BadFile` where it is no IDX file, or larger.
pub fn kept(library: &dyn Library, name: &str, most: u64) -> Result<Poll<Idx>> {
    let files = library.poll(name).map_err(|error| match error.code {
        Code::UnknownModel => unknown("The pictures of this link are not saved here.".into()),
        _ => error,
    })?;
    let files = ready!(files);
    let [file] = &files[..] else { return Err(unknown(format!("{name:?} is not a set of pictures."))) };
    // The header of an IDX file of rank 4 has 20 bytes.
    if file.bytes.len() > most + 20 {
        return Err(Error::bad_file(format!("{} is too large for a set of pictures.", file.name)));
    }
    idx::parse(&file.bytes.take(0, file.bytes.len())?).map(Poll::Ready)
}

pub(super) fn unknown(message: String) -> Error {
    let help = "Choose Digits or Emoji, or add the same pictures again: they are saved only in the browser where you added them.";
    Error::new(Code::UnknownPictures, message, help)
}
