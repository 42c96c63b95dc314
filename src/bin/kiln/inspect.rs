//! `kiln inspect`: what a model file's header says, fit for a terminal whatever it says.

use kiln::error::{Error, Result};
use kiln::weights::{Bytes, DiskFile, Gguf, SafetensorsHeader, Value, quoted};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

/// Items of a list that are shown.
const SHOWN: usize = 6;

/// Prints the header of a GGUF or safetensors file.
///
/// # Errors
/// `Fetch` where it cannot be opened, `BadFile` where it is neither, or damaged.
pub fn run(path: &Path) -> Result<()> {
    let text = describe(&DiskFile::open(path)?)?;
    // A reader that has seen enough (`| head`) is no error.
    let _ = std::io::Write::write_all(&mut std::io::stdout(), text.as_bytes());
    Ok(())
}

/// The header as text: metadata, a line for each tensor, sums.
pub fn describe(file: &dyn Bytes) -> Result<String> {
    if Gguf::is_one(file) { gguf(file) } else { safetensors(file) }
}

/// A tensor's line: name, number format, shape, bytes.
type Row<'a> = (&'a str, String, &'a [usize], u64);

fn gguf(file: &dyn Bytes) -> Result<String> {
    let gguf = Gguf::read(file)?;
    let mut out = format!("GGUF version {}, {} bytes\n\n{} keys\n", gguf.version, file.len(), gguf.metadata.len());
    for (key, value) in &gguf.metadata {
        writeln!(out, "  {}: {}", bare(key), shown(value)).map_err(Error::internal)?;
    }
    let rows = gguf.tensors.iter().map(|t| (t.name.as_str(), t.ggml_type.name.into(), &t.shape[..], t.bytes));
    table(out, &rows.collect::<Vec<_>>())
}

fn safetensors(file: &dyn Bytes) -> Result<String> {
    let shard = SafetensorsHeader::read(file)?;
    let mut out = format!("safetensors, {} bytes\n\n{} keys\n", file.len(), shard.metadata.len());
    for (key, value) in &shard.metadata {
        writeln!(out, "  {}: {}", bare(key), quoted(value)).map_err(Error::internal)?;
    }
    let rows = shard.tensors.iter().map(|t| (t.name.as_str(), format!("{:?}", t.dtype), &t.shape[..], t.bytes));
    table(out, &rows.collect::<Vec<_>>())
}

fn table(mut out: String, rows: &[Row<'_>]) -> Result<String> {
    let mut sums: BTreeMap<&str, (usize, u64)> = BTreeMap::new();
    writeln!(out, "\n{} tensors", rows.len()).map_err(Error::internal)?;
    for (name, kind, shape, bytes) in rows {
        writeln!(out, "  {kind:8} {:18} {bytes:>12} bytes  {}", format!("{shape:?}"), bare(name))
            .map_err(Error::internal)?;
        let sum = sums.entry(kind).or_default();
        *sum = (sum.0 + 1, sum.1 + bytes);
    }
    let weights = |shape: &[usize]| shape.iter().fold(1u64, |n, &dim| n.saturating_mul(dim as u64));
    let total = rows.iter().fold(0u64, |n, row| n.saturating_add(weights(row.2)));
    let bytes: u64 = rows.iter().map(|row| row.3).sum();
    writeln!(out, "\n{total} weights in {bytes} bytes").map_err(Error::internal)?;
    for (kind, (count, bytes)) in sums {
        writeln!(out, "  {kind:8} {count:>6} tensors {bytes:>14} bytes").map_err(Error::internal)?;
    }
    Ok(out)
}

/// A name, in quotes only where it needs them.
fn bare(name: &str) -> String {
    let plain = name.len() < 100 && !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic());
    if plain { name.into() } else { quoted(name) }
}

fn shown(value: &Value) -> String {
    let list = |count: usize, what: &str, items: Vec<String>| {
        let more = if count > items.len() { ", ..." } else { "" };
        format!("{count} {what}: {}{more}", items.join(", "))
    };
    match value {
        Value::Unsigned(n) => n.to_string(),
        Value::Signed(n) => n.to_string(),
        Value::Float(x) if f64::from(*x as f32) == *x => format!("{:?}", *x as f32),
        Value::Float(x) => format!("{x:?}"),
        Value::Flag(flag) => flag.to_string(),
        Value::Text(text) => quoted(text),
        Value::Texts(texts) => list(texts.len(), "texts", texts.iter().take(SHOWN).map(quoted).collect()),
        Value::Numbers(n) => list(n.len(), "numbers", n.iter().take(SHOWN).map(|v| shown(&v)).collect()),
    }
}
