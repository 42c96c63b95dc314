//! Pretrained autoencoders against diffusers, and their files when they are not as they should be.

#[path = "common/files.rs"]
mod files;
#[path = "common/autoencoder.rs"]
mod golden;
#[allow(dead_code)]
#[path = "../src/bin/kiln/inspect.rs"]
mod inspect;
#[path = "common/measure.rs"]
mod measure;

use burn::tensor::Device;
use golden::{Case, every_model_gives_the_numbers_of_diffusers, file, kl, load, old, tiny, whole};
use kiln::compare::relative_error;
use kiln::data::Shape;
use kiln::error::{Code, Error};
use kiln::generate::TiledPass;
use kiln::weights::{Autoencoder, ModelFile};
use measure::{BESIDES, TIMES, measured};
use serde_json::{Value, json};

fn cpu() -> Device {
    Device::flex()
}

#[test]
fn encoders_and_decoders_give_the_numbers_of_diffusers() {
    let worst = pollster::block_on(every_model_gives_the_numbers_of_diffusers(&cpu(), 1e-4));
    println!("the largest difference, of the largest number: {worst:e}");
}

/// Where four tiles meet, diffusers weights them otherwise: those places are held to something looser.
#[test]
fn tiles_are_blended_as_diffusers_blends_them() {
    for (case, factor) in [(tiny(), 8), (kl(), 4), (old(), 1)] {
        for (input, output) in [("wide", "wide_encoded"), ("wide_latent", "wide_decoded")] {
            let (ours, theirs, shape) = pollster::block_on(case.compared(&cpu(), input, output));
            let side = if output == "wide_encoded" { case.tile / factor } else { case.tile };
            let blended = |i: usize| i >= side - side / 4 && i % (side - side / 4) < side / 4;
            let corner = |i: usize| blended(i % shape.width) && blended(i / shape.width % shape.height);
            let outside = |values: &[f32]| -> Vec<f32> {
                values.iter().enumerate().filter(|(i, _)| !corner(*i)).map(|(_, v)| *v).collect()
            };
            let (off, all) = (relative_error(&outside(&ours), &outside(&theirs)), relative_error(&ours, &theirs));
            println!("{} {output}: {off:e}, with corners {all:e}", case.name);
            assert!(off <= 1e-4, "{} {output}: {off:e}", case.name);
            assert!(all <= 0.15, "{} {output}: {all:e}", case.name);
        }
    }
}

#[test]
fn memory_for_a_large_picture_is_that_of_a_tile() {
    let case = kl();
    let mut model = load(&case.files, &cpu()).expect("it opens");
    model.architecture.tile = 64;
    let peak = |side: usize| {
        let shape = Shape { channels: 3, height: side, width: side };
        let input = vec![0.1; shape.len()];
        let passage = TiledPass::encode(&model.architecture, input, shape);
        let ((latent, of), encoding, _) = measured(|| pollster::block_on(whole(passage, &model.encoder, &cpu())));
        // The mean alone.
        let (n, of) = (latent.len() / 2, Shape { channels: of.channels / 2, ..of });
        let passage = TiledPass::decode(&model.architecture, latent[..n].to_vec(), of);
        let ((picture, _), decoding, _) = measured(|| pollster::block_on(whole(passage, &model.decoder, &cpu())));
        (encoding, decoding, 4 * picture.len())
    };
    let (small, large) = (peak(64), peak(384));
    println!("encoding, decoding, bytes of the picture: {small:?} in one tile, {large:?} in many");
    // Beside a tile there is what comes out, and room for it to grow.
    assert!(large.0 <= small.0 + large.2 + BESIDES, "{} bytes against {}", large.0, small.0);
    assert!(large.1 <= small.1 + 2 * large.2 + BESIDES, "{} bytes against {}", large.1, small.1);
}

/// A safetensors file, taken apart: its header, and its data.
fn apart(model: &ModelFile) -> (Value, Vec<u8>) {
    let bytes = model.bytes.take(0, model.bytes.len()).expect("it reads");
    let n = u64::from_le_bytes(bytes[..8].try_into().expect("a length")) as usize;
    (serde_json::from_slice(&bytes[8..8 + n]).expect("a header"), bytes[8 + n..].to_vec())
}

fn together(header: &Value, data: &[u8]) -> ModelFile {
    file("diffusion_pytorch_model.safetensors", &files::safetensors(&header.to_string(), data))
}

/// The weights of a case alone, changed.
fn changed(case: &Case, change: impl FnOnce(&mut Value, &mut Vec<u8>)) -> Vec<ModelFile> {
    let (mut header, mut data) = apart(case.files.last().expect("weights"));
    change(&mut header, &mut data);
    let mut files = case.files.clone();
    files.pop();
    files.push(together(&header, &data));
    files
}

/// Opens and loads with little memory; says what was wrong.
fn opened(files: &[ModelFile]) -> Result<(), Error> {
    let size: usize = files.iter().map(|f| f.bytes.len() as usize).sum();
    let (model, bytes, took) = measured(|| Autoencoder::open(files));
    assert!(bytes <= TIMES * size + BESIDES, "{bytes} bytes were taken to open {size}");
    assert!(took < measure::PATIENCE, "it took {took:?}");
    model.and_then(|_| load(files, &cpu()).map(|_| ()))
}

#[test]
fn files_that_are_not_the_models_are_refused_and_say_why() {
    type Lie = fn(&mut Value, &mut Vec<u8>);
    let lies: [(&str, Code, &str, Lie); 9] = [
        ("a tensor is missing", Code::BadFile, "encoder.layers.1.conv.2.bias", |h, _| {
            rename(h, "encoder.layers.1.conv.2.bias", "x.bias");
        }),
        ("a tensor is left", Code::Unsupported, "more", |h, d| {
            let end = d.len();
            h["more"] = json!({ "dtype": "F32", "shape": [1], "data_offsets": [end, end + 4] });
            d.extend([0; 4]);
        }),
        ("a shape is turned", Code::ShapeMismatch, "encoder.layers.0.weight", |h, _| {
            h["encoder.layers.0.weight"]["shape"] = json!([8, 3, 9, 1]);
        }),
        ("a shape is of another size", Code::BadFile, "encoder.layers.0.weight", |h, _| {
            h["encoder.layers.0.weight"]["shape"] = json!([1u64 << 60, 3, 3, 3]);
        }),
        ("a width is nothing", Code::BadFile, "does not match its size", |h, _| {
            h["encoder.layers.0.weight"]["shape"] = json!([0, 3, 3, 3]);
        }),
        ("whole numbers", Code::Unsupported, "I32", |h, _| h["encoder.layers.0.weight"]["dtype"] = json!("I32")),
        ("the data ends", Code::BadFile, "does not match its tensors", |_, d| d.truncate(1000)),
        ("another network", Code::Unsupported, "complete AutoencoderTiny", |h, _| {
            rename(h, "encoder.layers.0.weight", "first_stage_model.encoder.conv_in.weight");
        }),
        ("one side is longer", Code::BadFile, "do not match", |h, _| {
            rename(h, "decoder.layers.4.weight", "decoder.layers.99.weight");
        }),
    ];
    for (lie, code, says, change) in lies {
        let error = opened(&changed(&tiny(), change)).expect_err(lie);
        assert!(error.code == code && error.message.contains(says), "{lie}: {error:?}");
    }
    let (mut header, data) = apart(&tiny().files[1]);
    header["encoder.layers.0.weight"]["shape"] = json!([0, 1u64 << 62, 3, 3]);
    assert!(opened(&[together(&header, &data)]).is_err());
}

fn rename(header: &mut Value, old: &str, new: &str) {
    let entry = header.as_object_mut().and_then(|h| h.remove(old)).expect("a tensor of that name");
    header[new] = entry;
}

#[test]
fn every_cut_of_a_file_is_an_error_and_no_panic() {
    let case = tiny();
    let weights = case.files[1].bytes.take(0, case.files[1].bytes.len()).expect("it reads");
    for end in (0..weights.len()).step_by(997) {
        let mut files = case.files.clone();
        files[1] = file("diffusion_pytorch_model.safetensors", &weights[..end]);
        assert_eq!(opened(&files).expect_err("it is cut").code, Code::BadFile);
    }
}

#[test]
fn config_json_is_believed_only_so_far() {
    for (text, code) in [
        (json!({ "_class_name": "UNet2DConditionModel" }), Code::Unsupported),
        (json!({ "norm_num_groups": 4, "act_fn": "gelu" }), Code::Unsupported),
        (json!({ "norm_num_groups": 0 }), Code::BadFile),
        (json!({ "norm_num_groups": 5 }), Code::BadFile),
        (json!({ "norm_num_groups": 4, "scaling_factor": 0 }), Code::BadFile),
        (json!({ "norm_num_groups": 4, "shift_factor": 1e30 }), Code::BadFile),
        (json!({ "norm_num_groups": -1 }), Code::BadFile),
        (json!([]), Code::BadFile),
        (json!({ "norm_num_groups": 4, "upsample_fn": "bilinear" }), Code::Unsupported),
    ] {
        let mut files = kl().files;
        files[0] = file("config.json", text.to_string().as_bytes());
        assert_eq!(opened(&files).expect_err("it is refused").code, code, "{text}");
    }
}

#[test]
fn without_config_json_a_model_opens_where_its_norms_have_32_groups() {
    let model = Autoencoder::open(&old().files).expect("it opens");
    assert_eq!((model.architecture.scale, model.architecture.factor, model.architecture.latent), (0.18215, 1, 4));
    let error = opened(&kl().files[1..]).expect_err("8 channels");
    assert!(error.help.contains("config.json"), "{error}");
    let model = Autoencoder::open(&kl().files).expect("it opens");
    assert_eq!((model.architecture.scale, model.architecture.shift), (0.25, 0.5));
}

#[test]
fn shards_with_their_index_are_one_model() {
    let case = tiny();
    let (header, data) = apart(&case.files[1]);
    let mut map = serde_json::Map::new();
    let mut part = |side: &str| {
        let (mut part, mut bytes) = (json!({}), Vec::new());
        for (name, entry) in header.as_object().expect("tensors").iter().filter(|(name, _)| name.starts_with(side)) {
            let offset = |i: usize| entry["data_offsets"][i].as_u64().expect("an offset") as usize;
            let from = bytes.len();
            bytes.extend(&data[offset(0)..offset(1)]);
            part[name] = json!({ "dtype": "F32", "shape": entry["shape"], "data_offsets": [from, bytes.len()] });
            map.insert(name.clone(), json!(format!("{side}.safetensors")));
        }
        file(&format!("{side}.safetensors"), &files::safetensors(&part.to_string(), &bytes))
    };
    let mut files = vec![part("encoder"), part("decoder")];
    let index = json!({ "weight_map": map }).to_string();
    files.push(file("diffusion_pytorch_model.safetensors.index.json", index.as_bytes()));
    let sharded = Case { files, ..tiny() };
    let (ours, theirs, _) = pollster::block_on(sharded.compared(&cpu(), "latent", "decoded"));
    assert!(relative_error(&ours, &theirs) < 1e-4);
    assert_eq!(opened(&sharded.files[1..]).expect_err("half is missing").code, Code::BadFile);
}

#[test]
fn bf16_is_read_as_the_numbers_that_it_stands_for() {
    let halved = |bits: bool| {
        changed(&tiny(), |header, data| {
            let kept: Vec<u8> = match bits {
                true => data.as_chunks::<4>().0.iter().flat_map(|b| [b[2], b[3]]).collect(),
                false => data.as_chunks::<4>().0.iter().flat_map(|b| [0, 0, b[2], b[3]]).collect(),
            };
            *data = kept;
            for entry in header.as_object_mut().into_iter().flat_map(|h| h.values_mut()).filter(|_| bits) {
                let offset = |i: usize| entry["data_offsets"][i].as_u64().expect("an offset") / 2;
                let offsets = [offset(0), offset(1)];
                (entry["dtype"], entry["data_offsets"]) = (json!("BF16"), json!(offsets));
            }
        })
    };
    let decoded = |files| {
        let case = Case { files, ..tiny() };
        pollster::block_on(case.compared(&cpu(), "latent", "decoded")).0
    };
    assert_eq!(decoded(halved(true)), decoded(halved(false)));
}
