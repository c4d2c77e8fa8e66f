//! Small valid files of every format, made by rules of their own rather than by the crate.
#![allow(dead_code)] // each test uses some

use std::fs;
use std::io::{Read, Write};
use std::path::Path;

use adact_kernels::random::{Purpose, Stream};
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};

/// Asserts that a fault is one sentence with the given words.
pub fn says<T: std::fmt::Debug, E: std::fmt::Display>(result: std::result::Result<T, E>, words: &str) {
    match result {
        Ok(value) => panic!("read {value:?} where {words:?} was expected"),
        Err(fault) => {
            let text = fault.to_string();
            assert!(text.contains(words) && !text.contains('\n'), "{text:?} lacks {words:?}");
        }
    }
}

pub fn write(path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) {
    fs::create_dir_all(path.as_ref().parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(bytes).read_to_end(&mut plain).unwrap();
    plain
}

pub fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Bytes that cannot be compressed.
pub fn noise(count: usize) -> Vec<u8> {
    let stream = Stream::new(0, Purpose::Synthetic, 0);
    (0..count as u64).map(|i| stream.bits(i) as u8).collect()
}

pub fn idx(sizes: &[u32], values: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, sizes.len() as u8];
    sizes.iter().for_each(|size| bytes.extend(size.to_be_bytes()));
    bytes.extend(values);
    bytes
}

pub fn idx_images(count: u32) -> Vec<u8> {
    idx(&[count, 28, 28], &noise(count as usize * 784))
}

pub fn idx_labels(count: u32) -> Vec<u8> {
    idx(&[count], &(0..count).map(|i| (i % 10) as u8).collect::<Vec<_>>())
}

pub fn cifar(count: usize) -> Vec<u8> {
    let mut bytes = noise(count * 3073);
    (0..count).for_each(|i| bytes[i * 3073] = (i % 10) as u8);
    bytes
}

/// A file of CIFAR-10's version for Python with the images of [`cifar`], as Python 2 pickled it: `labels`, of the given
/// name, and `data`.
pub fn cifar_pickle(count: usize, labels: &str) -> Vec<u8> {
    let records = cifar(count);
    let text = |text: &[u8]| [&[b'U', text.len() as u8][..], text].concat();
    let integer = |value: usize| [&b"J"[..], &(value as i32).to_le_bytes()].concat();
    let mut bytes = b"\x80\x02}q\x01(".to_vec();
    bytes.extend(
        [text(b"batch_label"), b"q\x02".to_vec(), text(b"training batch 1 of 5"), b"q\x03".to_vec()].concat(),
    );
    bytes.extend([text(labels.as_bytes()), b"q\x04]q\x05(".to_vec()].concat());
    records.chunks(3073).for_each(|record| bytes.extend([b'K', record[0]]));
    bytes.extend(
        [
            &b"e"[..],
            &text(b"data"),
            b"q\x06cnumpy.core.multiarray\n_reconstruct\nq\x07cnumpy\nndarray\nq\x08K\0\x85",
        ]
        .concat(),
    );
    bytes.extend(
        [&text(b"b")[..], b"\x87Rq\x09(K\x01", &integer(count), b"M\x00\x0c\x86cnumpy\ndtype\nq\x0a"]
            .concat(),
    );
    bytes.extend(
        [
            &text(b"u1")[..],
            b"K\0K\x01\x87Rq\x0b(K\x03",
            &text(b"|"),
            b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb\x89T",
        ]
        .concat(),
    );
    bytes.extend((count as u32 * 3072).to_le_bytes());
    records.chunks(3073).for_each(|record| bytes.extend(&record[1..]));
    bytes.extend([&b"tb"[..], &text(b"filenames"), b"](", &text(b"x.png"), b"eu."].concat());
    bytes
}

/// CIFAR-10's archive with `count` images in each file.
pub fn cifar_archive(count: usize) -> Vec<u8> {
    let names =
        (1..=5).map(|i| format!("data_batch_{i}.bin")).chain(["test_batch.bin".into(), "readme.html".into()]);
    archive(names, &cifar(count))
}

/// The archive of the version for Python with `count` images in each file.
pub fn cifar_python_archive(count: usize) -> Vec<u8> {
    let names =
        (1..=5).map(|i| format!("data_batch_{i}")).chain(["test_batch".into(), "batches.meta".into()]);
    archive(names, &cifar_pickle(count, "labels"))
}

/// An archive of files with one content.
pub fn archive(names: impl Iterator<Item = String>, content: &[u8]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for name in names {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        archive.append_data(&mut header, format!("cifar-10-batches/{name}"), content).unwrap();
    }
    gzip(&archive.into_inner().unwrap())
}

pub fn fer_pixels(start: usize) -> String {
    (0..2304).map(|i| ((start + i) % 256).to_string()).collect::<Vec<_>>().join(" ")
}

pub fn fer(rows: usize) -> String {
    let mut text = String::from("emotion,pixels,Usage\n");
    for i in 0..rows {
        let usage = ["Training", "Training", "PublicTest", "PrivateTest"][i % 4];
        text += &format!("{},{},{usage}\n", i % 7, fer_pixels(i));
    }
    text
}

/// How a variable is written into a .mat file.
#[derive(Clone, Copy)]
pub struct Style {
    pub compressed: bool,
    pub big_endian: bool,
    /// MATLAB's class of the array: 6 is double, 9 is uint8.
    pub class: u8,
    /// The type the values are stored as: 2 is u8, 9 is f64.
    pub kind: u32,
}

pub const PLAIN: Style = Style { compressed: false, big_endian: false, class: 9, kind: 2 };

pub fn mat_header(style: Style) -> Vec<u8> {
    let mut bytes = format!("{:124}", "MATLAB 5.0 MAT-file").into_bytes();
    bytes.extend(if style.big_endian { *b"\x01\x00MI" } else { *b"\x00\x01IM" });
    bytes
}

fn word(style: Style, value: u32) -> [u8; 4] {
    if style.big_endian { value.to_be_bytes() } else { value.to_le_bytes() }
}

/// A part of an element: the small format where it fits, as MATLAB does.
fn part(style: Style, kind: u32, data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    if (1..=4).contains(&data.len()) {
        bytes.extend(word(style, ((data.len() as u32) << 16) | kind));
        bytes.extend(data);
        bytes.resize(8, 0);
    } else {
        bytes.extend(word(style, kind));
        bytes.extend(word(style, data.len() as u32));
        bytes.extend(data);
        bytes.resize(bytes.len().next_multiple_of(8), 0);
    }
    bytes
}

pub fn mat_variable(style: Style, name: &str, sizes: &[u32], values: &[u8]) -> Vec<u8> {
    let flags: Vec<u8> = [word(style, u32::from(style.class)), [0; 4]].concat();
    let sizes: Vec<u8> = sizes.iter().flat_map(|&size| word(style, size)).collect();
    let stored: Vec<u8> = match style.kind {
        1 | 2 => values.to_vec(),
        4 => values.iter().flat_map(|&v| order(style, u16::from(v).to_le_bytes())).collect(),
        5 | 6 => values.iter().flat_map(|&v| order(style, u32::from(v).to_le_bytes())).collect(),
        12 | 13 => values.iter().flat_map(|&v| order(style, u64::from(v).to_le_bytes())).collect(),
        3 => values.iter().flat_map(|&v| order(style, i16::from(v).to_le_bytes())).collect(),
        7 => values.iter().flat_map(|&v| order(style, f32::from(v).to_le_bytes())).collect(),
        9 => values.iter().flat_map(|&v| order(style, f64::from(v).to_le_bytes())).collect(),
        other => panic!("no sample with values of type {other}"),
    };
    let parts = [(6, flags), (5, sizes), (1, name.as_bytes().to_vec()), (style.kind, stored)];
    let content: Vec<u8> = parts.iter().flat_map(|(kind, data)| part(style, *kind, data)).collect();
    let mut matrix = [word(style, 14), word(style, content.len() as u32)].concat();
    matrix.extend(content);
    if !style.compressed {
        return matrix;
    }
    let packed = zlib(&matrix);
    [&word(style, 15)[..], &word(style, packed.len() as u32), &packed].concat()
}

fn order<const N: usize>(style: Style, mut bytes: [u8; N]) -> [u8; N] {
    if style.big_endian {
        bytes.reverse();
    }
    bytes
}

/// SVHN's two variables for `count` images; labels 1 to 10.
pub fn svhn(style: Style, count: u32) -> Vec<u8> {
    let x = mat_variable(
        Style { class: 9, kind: 2, ..style },
        "X",
        &[32, 32, 3, count],
        &noise(count as usize * 3072),
    );
    let labels: Vec<u8> = (0..count).map(|i| (i % 10 + 1) as u8).collect();
    let y = mat_variable(style, "y", &[count, 1], &labels);
    [mat_header(style), x, y].concat()
}

/// A picture of one colour.
pub fn picture(format: image::ImageFormat, width: u32, height: u32, colour: [u8; 3]) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image::RgbImage::from_pixel(width, height, image::Rgb(colour)).write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}
