//! A checkpoint is one safetensors file: weights under `generator.` or `discriminator.`, Adam's moments under
//! `optimizer.`, curves under `history.`, and everything else (link, step, random streams) as JSON in its metadata.

use crate::error::{Code, Error, Result};
use crate::nn::engine::{f16, to_f16};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::collections::{BTreeMap, HashMap};

/// One tensor of f32, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedTensor {
    pub name: String,
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

/// The tensors and texts of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Checkpoint {
    pub tensors: Vec<NamedTensor>,
    pub texts: BTreeMap<String, String>,
}

/// Whether a tensor of this name is only needed for training.
pub(super) fn of_training(name: &str) -> bool {
    name.starts_with("optimizer.") || name.starts_with("history.")
}

/// The first part of the names of averages of weights, before the name of the weights.
pub const AVERAGE: &str = "ema.";

fn of_average(tensor: &NamedTensor) -> bool {
    tensor.name.starts_with(AVERAGE)
}

/// The only entry of the metadata of the file: all texts as a JSON object. The crate writes several entries in random order, but the
/// same run must give the same bytes.
const TEXTS: &str = "kiln";

impl Checkpoint {
    pub fn push(&mut self, name: impl Into<String>, shape: &[usize], values: Vec<f32>) {
        self.tensors.push(NamedTensor { name: name.into(), shape: shape.to_vec(), values });
    }

    /// A tensor by name, which must have this shape.
    ///
    /// # Errors
    /// `BadFile` where it is missing, `ShapeMismatch` where its shape differs.
    pub fn tensor(&self, name: &str, shape: &[usize]) -> Result<&[f32]> {
        let entry = self.find(name).ok_or_else(|| Error::bad_file(format!("The file has no tensor {name:?}.")))?;
        if entry.shape != shape {
            return Err(Error::new(
                Code::ShapeMismatch,
                format!("The tensor {name:?} is {:?} in the file and {shape:?} in the model.", entry.shape),
                "Open the link that the file was saved from, or choose another file.",
            ));
        }
        Ok(&entry.values)
    }

    /// [`Self::tensor`], of finite numbers.
    ///
    /// # Errors
    /// As there, and `BadFile` where one is not finite.
    pub fn finite(&self, name: &str, shape: &[usize]) -> Result<&[f32]> {
        let values = self.tensor(name, shape)?;
        match values.iter().all(|v| v.is_finite()) {
            true => Ok(values),
            false => Err(Error::bad_file(format!("The tensor {name:?} holds a number that is not finite."))),
        }
    }

    pub fn find(&self, name: &str) -> Option<&NamedTensor> {
        self.tensors.iter().find(|t| t.name == name)
    }

    /// Keeps only the weights that samples are drawn from: without optimizer and curves, and with the averages of weights in the place
    /// of the last ones, the file is smaller.
    pub fn keep_weights_alone(&mut self) {
        let (averages, mut weights): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.tensors).into_iter().filter(|t| !of_training(&t.name)).partition(of_average);
        for average in averages {
            if let Some(weight) = weights.iter_mut().find(|t| average.name.strip_prefix(AVERAGE) == Some(&t.name)) {
                weight.values = average.values;
            }
        }
        self.tensors = weights;
        self.texts.retain(|key, _| !key.starts_with(AVERAGE));
    }

    /// Whether there are only weights. A full checkpoint has curves, which may be empty.
    pub fn is_weights_alone(&self) -> bool {
        !self.tensors.iter().any(|t| of_training(&t.name))
    }

    /// A text of the metadata.
    ///
    /// # Errors
    /// `BadFile` where it is missing or cannot be read as `T`.
    pub fn text<T: std::str::FromStr>(&self, key: &str) -> Result<T> {
        let text = self.texts.get(key).and_then(|t| t.parse().ok());
        text.ok_or_else(|| Error::bad_file(format!("The file does not say its {key}: it is not a checkpoint of Kiln.")))
    }

    /// A number of steps or the like. A billion is the limit, so that counters do not overflow.
    ///
    /// # Errors
    /// `BadFile` where it is missing, not a number or larger than that.
    pub fn count(&self, key: &str) -> Result<u32> {
        match self.text(key)? {
            n @ 0..=1_000_000_000 => Ok(n),
            n => Err(Error::bad_file(format!("The file's {key} is {n}: no run is that long."))),
        }
    }

    pub fn set_text(&mut self, key: &str, value: impl ToString) {
        self.texts.insert(key.into(), value.to_string());
    }

    /// The file. The same run gives the same bytes.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        self.write(Dtype::F32, |v| v.to_le_bytes().into())
    }

    /// The file with numbers of 16 bits: half as large, and less exact.
    pub fn to_half_bytes(&self) -> Result<Vec<u8>> {
        self.write(Dtype::F16, |v| to_f16(v).to_le_bytes().into())
    }

    fn write(&self, dtype: Dtype, encode: impl Fn(f32) -> Vec<u8>) -> Result<Vec<u8>> {
        let bytes: Vec<Vec<u8>> =
            self.tensors.iter().map(|t| t.values.iter().flat_map(|v| encode(*v)).collect()).collect();
        let views: std::result::Result<Vec<_>, _> = self
            .tensors
            .iter()
            .zip(&bytes)
            .map(|(t, b)| TensorView::new(dtype, t.shape.clone(), b).map(|view| (t.name.as_str(), view)))
            .collect();
        let texts = serde_json::to_string(&self.texts).map_err(Error::internal)?;
        let metadata = HashMap::from([(TEXTS.to_string(), texts)]);
        safetensors::serialize(views.map_err(Error::internal)?, Some(metadata)).map_err(Error::internal)
    }

    /// Reads a file of tensors of 32 or 16 bits; every size is checked against the file before anything is allocated.
    ///
    /// # Errors
    /// `BadFile` for any other file.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let bad = |e: safetensors::SafeTensorError| Error::bad_file(format!("The file cannot be read: {e}."));
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(bad)?;
        let file = SafeTensors::deserialize(bytes).map_err(bad)?;
        let mut tensors = Vec::new();
        for (name, view) in file.iter() {
            let data = view.data();
            let values = match view.dtype() {
                Dtype::F32 => data.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect(),
                Dtype::F16 => data.chunks_exact(2).map(|b| f16(u16::from_le_bytes([b[0], b[1]]))).collect(),
                dtype => {
                    return Err(Error::bad_file(format!("The tensor {name:?} is {dtype:?}, not F32 or F16.")));
                }
            };
            tensors.push(NamedTensor { name: name.into(), shape: view.shape().to_vec(), values });
        }
        let texts = metadata.metadata().as_ref().and_then(|m| m.get(TEXTS));
        Ok(Self { tensors, texts: texts.and_then(|t| serde_json::from_str(t).ok()).unwrap_or_default() })
    }
}
