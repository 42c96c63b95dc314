//! A safetensors file of any bytes: its tensors lie inside it, one after the other.
#![no_main]

use kiln::weights::SafetensorsHeader;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(shard) = SafetensorsHeader::read(&bytes.to_vec()) {
        let mut end = None;
        for tensor in &shard.tensors {
            assert!(end.is_none_or(|end| end == tensor.at));
            end = Some(tensor.at + tensor.bytes);
        }
        assert!(end.is_none_or(|end| end == bytes.len() as u64));
    }
});
