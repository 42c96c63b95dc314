//! The models that Kiln knows, and what the name of a model means: `www/weights/models.json`, and the forms of a name.

use crate::error::{Code, Error, Result};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// The path of the manifest.
pub const MANIFEST: &str = "www/weights/models.json";

/// `www/weights/models.json`.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Manifest {
    /// Base URLs of model hubs: `{endpoint}/{owner}/{name}/resolve/main/{file}`.
    pub endpoints: Vec<String>,
    pub models: Vec<Model>,
}

/// A model of the manifest. The page reads its `kind`, too: of which kind of models it is a choice.
#[derive(Debug, Clone, Deserialize)]
pub struct Model {
    /// Its name in links.
    pub id: String,
    pub title: String,
    pub licence: String,
    /// The page of its authors.
    pub source: String,
    pub files: Vec<Listed>,
}

/// A file of the manifest.
#[derive(Debug, Clone, Deserialize)]
pub struct Listed {
    pub name: String,
    /// Its size and its SHA-256 in lower-case hexadecimal, where they are known. Without a hash it is not verified.
    pub bytes: Option<u64>,
    pub sha256: Option<String>,
    /// `owner/name/file` on the hub.
    pub hub: String,
    /// Mirrors that are not hubs, which are tried last.
    #[serde(default)]
    pub urls: Vec<String>,
}

/// A file to download.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    pub name: String,
    /// Its source, whichever mirror serves it: `hub:owner/name/file` or a URL. Kept files are found by it.
    pub source: String,
    /// Its SHA-256, where that is known.
    pub sha256: Option<String>,
    /// Its size, where that is known.
    pub bytes: Option<u64>,
    /// Mirrors, in this order.
    pub urls: Vec<String>,
}

impl Wanted {
    /// The name under which it is stored while it is downloaded.
    pub fn key(&self) -> String {
        self.sha256.clone().unwrap_or_else(|| hex(&Sha256::digest(&self.source)))
    }
}

/// The files that the name of a model means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan {
    Files(Vec<Wanted>),
    /// A repository of the hub, in safetensors; its files are found while it is downloaded.
    Repository(Repository),
    /// Files that are kept, by SHA-256.
    Kept(Vec<String>),
}

/// A repository of the hub, or a folder in one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// `owner/name`.
    pub name: String,
    /// Ends in a slash, or is empty.
    folder: String,
    endpoints: Vec<String>,
}

impl Repository {
    /// One of its files.
    pub fn file(&self, path: &str) -> Wanted {
        let Self { name, folder, .. } = self;
        let url = |endpoint: &String| format!("{}/{name}/resolve/main/{folder}{path}", endpoint.trim_end_matches('/'));
        Wanted {
            name: last(path).into(),
            source: format!("hub:{name}/{folder}{path}"),
            sha256: None,
            bytes: None,
            urls: self.endpoints.iter().map(url).collect(),
        }
    }
}

impl Manifest {
    /// # Errors
    /// `BadFile` where it is not a manifest.
    pub fn parse(text: &[u8]) -> Result<Self> {
        serde_json::from_slice(text).map_err(|e| Error::bad_file(format!("{MANIFEST} cannot be read: {e}.")))
    }

    /// The files of `model`; `own` are endpoints that are tried before those of the manifest.
    ///
    /// # Errors
    /// `UnknownModel` where the name means nothing.
    pub fn plan(&self, model: &str, own: &[String]) -> Result<Plan> {
        let endpoints: Vec<String> = own.iter().chain(&self.endpoints).cloned().collect();
        if let Some(listed) = self.models.iter().find(|m| m.id == model) {
            let wanted = |file: &Listed| {
                let (name, path) = repository(&file.hub).ok_or_else(|| unknown(&file.hub))?;
                let mut wanted = Repository { name, folder: String::new(), endpoints: endpoints.clone() }.file(&path);
                wanted.urls.extend(file.urls.iter().cloned());
                Ok(Wanted { name: file.name.clone(), sha256: file.sha256.clone(), bytes: file.bytes, ..wanted })
            };
            return Ok(Plan::Files(listed.files.iter().map(wanted).collect::<Result<_>>()?));
        }
        if let Some(path) = model.strip_prefix("hub:") {
            let (name, path) = repository(path).ok_or_else(|| unknown(model))?;
            // Every file that Kiln reads has an ending.
            let is_file = last(&path).contains('.');
            let folder = if is_file || path.is_empty() { String::new() } else { format!("{path}/") };
            let repository = Repository { name, folder, endpoints };
            return Ok(match is_file {
                true => Plan::Files(vec![repository.file(&path)]),
                false => Plan::Repository(repository),
            });
        }
        if let Some(hashes) = model.strip_prefix("sha256:") {
            let hashes: Vec<String> = hashes.split(',').map(str::to_ascii_lowercase).collect();
            let all = hashes.iter().all(|h| is_sha256(h));
            return if all { Ok(Plan::Kept(hashes)) } else { Err(unknown(model)) };
        }
        url(model).map(|wanted| Plan::Files(vec![wanted])).ok_or_else(|| unknown(model))
    }
}

/// A URL as a file to download. One with a user name or password is refused: no credentials are sent.
fn url(text: &str) -> Option<Wanted> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    let path = rest.split(['?', '#']).next()?;
    let (authority, path) = path.split_once('/')?;
    let whole = !authority.is_empty() && !authority.contains('@') && !last(path).is_empty();
    let source = text.split('#').next()?.to_string();
    whole.then(|| Wanted {
        name: last(path).into(),
        source: source.clone(),
        sha256: None,
        bytes: None,
        urls: vec![source],
    })
}

/// `owner/name` and the path behind it, from `owner/name[/path]`.
fn repository(text: &str) -> Option<(String, String)> {
    let plain = |part: &&str| {
        let mut chars = part.chars();
        part.chars().any(|c| c != '.') && chars.all(|c| c.is_ascii_alphanumeric() || "._-+".contains(c))
    };
    let parts: Vec<&str> = text.split('/').collect();
    (parts.len() >= 2 && parts.iter().all(plain)).then(|| (parts[..2].join("/"), parts[2..].join("/")))
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn unknown(model: &str) -> Error {
    Error::new(
        Code::UnknownModel,
        format!("The model {model:?} is unknown."),
        "Choose one from the list, or give hub:owner/name, hub:owner/name/file, a URL, or drop the file on the page.",
    )
}

/// Whether it is a SHA-256 in lower-case hexadecimal, which is also safe as a file name.
pub fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
