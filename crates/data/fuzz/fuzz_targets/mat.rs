#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // As it comes, and as the inside of a compressed element, which a fuzzer does not find by itself.
    let _ = adact_data::svhn::parse(bytes);
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    let packed = std::io::Write::write_all(&mut encoder, bytes).and_then(|()| encoder.finish());
    if let Ok(packed) = packed {
        let mut file = vec![0; 128];
        file[124..].copy_from_slice(b"\x00\x01IM");
        file.extend(15u32.to_le_bytes());
        file.extend((packed.len() as u32).to_le_bytes());
        file.extend(packed);
        let _ = adact_data::svhn::parse(&file);
    }
});
