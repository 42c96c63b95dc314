//! Models that are kept, found without the network: a file, or all files of a repository.

use super::bytes::ModelFile;
use super::download::find;
use super::download_error::DownloadError;
use super::io::{Kept, Store};
use super::manifest::{Manifest, Plan, Repository, Wanted};
use crate::error::Error;
use std::collections::BTreeSet;
use std::rc::Rc;

/// The file that tells what a repository contains.
pub const CONFIG: &str = "config.json";

/// The files of a repository besides its configuration.
pub struct RepositoryLayout {
    /// Files, and whether they are required.
    pub beside: &'static [(&'static str, bool)],
    pub weights: &'static str,
    /// The index of weights in several files.
    pub index: &'static str,
}

/// As saved by `transformers`.
const TEXT: RepositoryLayout = RepositoryLayout {
    beside: &[("tokenizer.json", true), ("tokenizer_config.json", false), ("generation_config.json", false)],
    weights: "model.safetensors",
    index: "model.safetensors.index.json",
};

/// As saved by `diffusers`.
const AUTOENCODER: RepositoryLayout = RepositoryLayout {
    beside: &[],
    weights: "diffusion_pytorch_model.safetensors",
    index: "diffusion_pytorch_model.safetensors.index.json",
};

/// The largest JSON file that is read; an index or a configuration is far smaller.
const LARGEST_JSON: u64 = 1 << 24;

/// A complete file in a store.
#[derive(Clone, Copy)]
pub struct Found<'a> {
    store: &'a dyn Store,
    kept: &'a Kept,
}

impl Found<'_> {
    pub async fn open(&self) -> Result<ModelFile, DownloadError> {
        let bytes = self.store.open(&self.kept.key).await?;
        Ok(ModelFile { name: self.kept.label.name.clone(), bytes })
    }
}

/// The contents of the stores at a moment.
pub struct KeptModels<'a> {
    stores: &'a [Rc<dyn Store>],
    lists: Vec<Vec<Kept>>,
}

impl<'a> KeptModels<'a> {
    /// # Errors
    /// `Failed` where a store fails.
    pub async fn of(stores: &'a [Rc<dyn Store>]) -> Result<Self, DownloadError> {
        let mut lists = Vec::new();
        for store in stores {
            lists.push(store.list().await?);
        }
        Ok(Self { stores, lists })
    }

    /// A complete file, from the first store that has it.
    pub fn find(&self, wanted: &Wanted) -> Option<Found<'_>> {
        let mut each = self.stores.iter().zip(&self.lists);
        each.find_map(|(store, list)| Some(Found { store: &**store, kept: find(list, wanted)? }))
    }

    /// All files of a repository, where all are kept.
    ///
    /// # Errors
    /// `Failed` where its index is damaged, or a store fails.
    pub async fn repository(&self, repository: &Repository) -> Result<Option<Vec<Found<'_>>>, DownloadError> {
        let find = |path: &str| self.find(&repository.file(path));
        let Some(config) = find(CONFIG) else { return Ok(None) };
        let layout = layout(&config.open().await?);
        let beside = layout.beside.iter().filter(|(path, needed)| *needed || find(path).is_some());
        let mut paths: Vec<String> = beside.map(|(path, _)| path.to_string()).collect();
        match find(layout.index) {
            Some(index) => {
                paths.push(layout.index.into());
                paths.extend(shards(&index.open().await?)?);
            }
            None => paths.push(layout.weights.into()),
        }
        let files: Option<Vec<Found>> = paths.iter().map(|path| find(path)).collect();
        Ok(files.map(|files| [vec![config], files].concat()))
    }

    /// Names of the repositories, and folders in them, whose files are all kept.
    pub async fn repositories(&self) -> Vec<String> {
        let sources: BTreeSet<&String> = self.lists.iter().flatten().flat_map(|kept| &kept.label.sources).collect();
        let mut names = Vec::new();
        for name in sources.into_iter().filter_map(|source| source.strip_suffix(CONFIG)?.strip_suffix('/')) {
            let Ok(Plan::Repository(repository)) = Manifest::default().plan(name, &[]) else { continue };
            // A repository with a damaged index is not listed.
            if let Ok(Some(_)) = self.repository(&repository).await {
                names.push(name.into());
            }
        }
        names
    }
}

/// The layout that belongs to a configuration: that of an autoencoder if it says so, else that of a language model.
pub fn layout(config: &ModelFile) -> &'static RepositoryLayout {
    let class = json(config).and_then(|config| Some(config.get("_class_name")?.as_str()?.to_string()));
    match class.as_deref() {
        Some("AutoencoderKL" | "AutoencoderTiny") => &AUTOENCODER,
        _ => &TEXT,
    }
}

/// A JSON file of limited size; `None` for anything else.
fn json(file: &ModelFile) -> Option<serde_json::Value> {
    let size = Some(file.bytes.len()).filter(|&n| n <= LARGEST_JSON)?;
    serde_json::from_slice(&file.bytes.take(0, size).ok()?).ok()
}

/// The names of the shards in an index.
pub fn shards(index: &ModelFile) -> Result<Vec<String>, DownloadError> {
    let bad =
        || DownloadError::Failed(Error::bad_file(format!("{} is not an index of safetensors files.", index.name)));
    let index = json(index).ok_or_else(bad)?;
    let map = index.get("weight_map").and_then(serde_json::Value::as_object).ok_or_else(bad)?;
    let names: Option<BTreeSet<&str>> = map.values().map(serde_json::Value::as_str).collect();
    let names = names.ok_or_else(bad)?;
    // They become parts of URLs.
    let plain = |name: &&str| {
        name.ends_with(".safetensors") && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
    };
    if names.is_empty() || !names.iter().all(plain) {
        return Err(bad());
    }
    Ok(names.into_iter().map(String::from).collect())
}
