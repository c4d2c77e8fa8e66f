//! MATLAB's version 5 .mat files, as far as arrays of small numbers go: SVHN format 2 stores its images so.
//!
//! A file is 128 bytes of header, then elements: a tag (type and size, u32 each) and data, padded to 8 bytes. Up to 4
//! bytes of data may sit inside the tag (the small format). An array is an element of elements: flags, sizes, name,
//! values. Usually each array is compressed (zlib) as a whole. Source: MathWorks, "MAT-File Format" (R2024b), chapter 1.

use std::io::{self, Read};

use flate2::read::ZlibDecoder;

use crate::error::Fault;
use crate::sniff;
use crate::source::{broken, check_promise};

/// An array of numbers that are all integers from 0 to 255, whatever type they are stored as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Array {
    /// The variable's name.
    pub name: String,
    /// The sizes, fastest first (column-major).
    pub sizes: Vec<usize>,
    /// As many values as the product of the sizes.
    pub values: Vec<u8>,
}

const HEADER: usize = 128;
const HDF5: &[u8] = b"\x89HDF\r\n\x1a\n";
const MI_MATRIX: u32 = 14;
const MI_COMPRESSED: u32 = 15;

/// Reads the arrays with the names `wanted`, in that order; other variables are passed over.
pub fn parse<const N: usize>(bytes: &[u8], wanted: [&str; N]) -> Result<[Array; N], Fault> {
    if bytes.starts_with(HDF5) || bytes.get(512..520) == Some(HDF5) || bytes.starts_with(b"MATLAB 7.3") {
        return Err(Fault::unsupported(
            "a version 7.3 .mat file (HDF5), which is not read: save it again with MATLAB's `-v7`",
        ));
    }
    let big_endian = match bytes.get(124..HEADER) {
        Some([_, 1, b'I', b'M']) => false,
        Some([1, _, b'M', b'I']) => true,
        Some(_) => {
            let what = sniff::kind(bytes).map(|kind| format!("it is {kind}"));
            let what = what.unwrap_or_else(|| "its header lacks the mark `IM`".into());
            return Err(Fault::corrupt(format!("not a MATLAB version 5 file: {what}")));
        }
        None => {
            return Err(Fault::corrupt(format!(
                "truncated: a .mat file has a header of 128 bytes, not {}{}",
                bytes.len(),
                sniff::instead(bytes)
            )));
        }
    };
    let mut found: [Option<Array>; N] = [const { None }; N];
    let mut names = Vec::new();
    let mut rest = &bytes[HEADER..];
    while !rest.is_empty() {
        let mut element =
            Element { reader: rest, left: rest.len() as u64, compressed: rest.len(), big_endian };
        let (kind, size) = element.long_tag()?;
        let Some((data, _)) = usize::try_from(size).ok().and_then(|size| rest[8..].split_at_checked(size))
        else {
            return Err(Fault::corrupt(format!(
                "truncated: an element of {size} bytes has {}",
                rest.len() - 8
            )));
        };
        let variable = match kind {
            MI_COMPRESSED => compressed(data, big_endian, &wanted)?,
            MI_MATRIX => {
                Element { reader: data, left: size, compressed: data.len(), big_endian }.array(&wanted)?
            }
            _ => None,
        };
        if let Some(variable) = variable {
            if let Some(i) = wanted.iter().position(|&name| name == variable.name) {
                found[i] = Some(variable);
            } else if names.len() < 8 {
                names.push(variable.name);
            }
        }
        // Compressed elements are not padded.
        let padded = if kind == MI_COMPRESSED { data.len() } else { data.len().next_multiple_of(8) };
        rest = rest[8..].get(padded..).unwrap_or_default();
    }
    if let Some(i) = found.iter().position(Option::is_none) {
        let holds = if names.is_empty() { "none other".into() } else { format!("`{}`", names.join("`, `")) };
        return Err(Fault::corrupt(format!("no variable `{}` in the file, it holds {holds}", wanted[i])));
    }
    Ok(found.map(|array| array.unwrap_or(Array { name: String::new(), sizes: vec![], values: vec![] })))
}

/// The array inside a compressed element.
fn compressed(data: &[u8], big_endian: bool, wanted: &[&str]) -> Result<Option<Array>, Fault> {
    let mut outer = Element { reader: ZlibDecoder::new(data), left: 8, compressed: data.len(), big_endian };
    let (kind, size) = outer.long_tag()?;
    if kind != MI_MATRIX {
        return Ok(None);
    }
    let mut inner = Element { reader: outer.reader, left: size, ..outer };
    let array = inner.array(wanted)?;
    if array.as_ref().is_some_and(|array| wanted.contains(&array.name.as_str())) {
        // Reading to the end also checks zlib's own checksum.
        let tail =
            io::copy(&mut inner.reader.take(16), &mut io::sink()).map_err(|e| broken("an array", &e))?;
        if tail > 8 {
            return Err(Fault::corrupt("a compressed element goes on after its array"));
        }
    }
    Ok(array)
}

/// A reader inside an element that has `left` bytes to come.
struct Element<R> {
    reader: R,
    left: u64,
    /// Bytes of the file that the element lies in: they bound what it can hold.
    compressed: usize,
    big_endian: bool,
}

impl<R: Read> Element<R> {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), Fault> {
        self.left = self
            .left
            .checked_sub(bytes.len() as u64)
            .ok_or_else(|| Fault::corrupt("truncated: an element ends before its parts do"))?;
        self.reader.read_exact(bytes).map_err(|e| broken("an array", &e))
    }

    fn u32(&mut self) -> Result<u32, Fault> {
        let mut bytes = [0; 4];
        self.fill(&mut bytes)?;
        Ok(if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    fn long_tag(&mut self) -> Result<(u32, u64), Fault> {
        Ok((self.u32()?, u64::from(self.u32()?)))
    }

    /// The type and the size of the next part, and how many bytes of padding follow it.
    fn tag(&mut self) -> Result<(u32, u64, u64), Fault> {
        let first = self.u32()?;
        match (first & 0xffff, u64::from(first >> 16)) {
            (_, 0) => {
                let size = u64::from(self.u32()?);
                Ok((first, size, size.next_multiple_of(8) - size))
            }
            (kind, size @ 1..=4) => Ok((kind, size, 4 - size)),
            (_, size) => Err(Fault::corrupt(format!("a small element of {size} bytes"))),
        }
    }

    /// A short part as bytes.
    fn short(&mut self, what: &str, limit: u64) -> Result<Vec<u8>, Fault> {
        let (_, size, padding) = self.tag()?;
        if size > limit {
            return Err(Fault::corrupt(format!("an array's {what} take {size} bytes")));
        }
        let mut bytes = vec![0; (size + padding) as usize];
        self.fill(&mut bytes)?;
        bytes.truncate(size as usize);
        Ok(bytes)
    }

    /// The array in this element; without values if its name is not wanted.
    fn array(&mut self, wanted: &[&str]) -> Result<Option<Array>, Fault> {
        let flags = self.short("flags", 8)?;
        let sizes = self.short("sizes", 128)?;
        let name = String::from_utf8_lossy(&self.short("name", 256)?).into_owned();
        if !wanted.contains(&name.as_str()) {
            return Ok(Some(Array { name, sizes: vec![], values: vec![] }));
        }
        let word = |b: &[u8]| {
            let bytes = [b[0], b[1], b[2], b[3]];
            if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
        };
        let flags = flags.get(..4).map_or(0, word);
        // Classes 6 to 15 are the plain numbers; flag 0x800 marks complex ones.
        if !(6..=15).contains(&(flags & 0xff)) || flags & 0x800 != 0 {
            return Err(Fault::unsupported(format!("the variable `{name}` is not an array of real numbers")));
        }
        let sizes: Vec<usize> = sizes.chunks_exact(4).map(|b| word(b) as usize).collect();
        let count = sizes.iter().try_fold(1u64, |n, &size| n.checked_mul(size as u64));
        let (kind, size, _) = self.tag()?;
        let width = Number::of(kind)
            .ok_or_else(|| Fault::corrupt(format!("the values of `{name}` have the unknown type {kind}")))?
            .width() as u64;
        if count.is_none_or(|count| count.checked_mul(width) != Some(size)) || size > self.left.max(4) {
            return Err(Fault::corrupt(format!("`{name}` of sizes {sizes:?} has {size} bytes of values")));
        }
        check_promise(size, self.compressed, &format!("`{name}`"))?;
        let values = self.values(&name, kind, size)?;
        Ok(Some(Array { name, sizes, values }))
    }

    /// `size` bytes of numbers, read in pieces, so that no more memory is used than there are values.
    fn values(&mut self, name: &str, kind: u32, size: u64) -> Result<Vec<u8>, Fault> {
        let Some(number) = Number::of(kind) else { return Ok(vec![]) };
        let mut values = Vec::with_capacity(size as usize / number.width());
        let mut buffer = [0; 1 << 14];
        let mut left = size as usize;
        while left > 0 {
            let piece = &mut buffer[..left.min(1 << 14)];
            self.fill(piece)?;
            left -= piece.len();
            if number == Number::U8 {
                values.extend_from_slice(piece);
                continue;
            }
            for bytes in piece.chunks_exact(number.width()) {
                let value = number.value(bytes, self.big_endian);
                if value.fract() != 0.0 || !(0.0..=255.0).contains(&value) {
                    return Err(Fault::corrupt(format!(
                        "`{name}` holds {value}, not an integer from 0 to 255"
                    )));
                }
                values.push(value as u8);
            }
        }
        Ok(values)
    }
}

/// How numbers are stored.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Number {
    I8,
    U8,
    I16,
    U16,
    I32,
    U32,
    F32,
    F64,
    I64,
    U64,
}

impl Number {
    fn of(kind: u32) -> Option<Self> {
        Some(match kind {
            1 => Self::I8,
            2 => Self::U8,
            3 => Self::I16,
            4 => Self::U16,
            5 => Self::I32,
            6 => Self::U32,
            7 => Self::F32,
            9 => Self::F64,
            12 => Self::I64,
            13 => Self::U64,
            _ => return None,
        })
    }

    fn width(self) -> usize {
        match self {
            Self::I8 | Self::U8 => 1,
            Self::I16 | Self::U16 => 2,
            Self::I32 | Self::U32 | Self::F32 => 4,
            Self::F64 | Self::I64 | Self::U64 => 8,
        }
    }

    /// One number from its [`width`](Self::width) bytes.
    fn value(self, bytes: &[u8], big_endian: bool) -> f64 {
        let mut little = [0; 8];
        little[..bytes.len()].copy_from_slice(bytes);
        if big_endian {
            little[..bytes.len()].reverse();
        }
        let [a, b, c, d, ..] = little;
        match self {
            Self::I8 => f64::from(a as i8),
            Self::U8 => f64::from(a),
            Self::I16 => f64::from(i16::from_le_bytes([a, b])),
            Self::U16 => f64::from(u16::from_le_bytes([a, b])),
            Self::I32 => f64::from(i32::from_le_bytes([a, b, c, d])),
            Self::U32 => f64::from(u32::from_le_bytes([a, b, c, d])),
            Self::F32 => f64::from(f32::from_le_bytes([a, b, c, d])),
            Self::F64 => f64::from_le_bytes(little),
            // Rounding does not bring large ones into the range of a byte.
            Self::I64 => i64::from_le_bytes(little) as f64,
            Self::U64 => u64::from_le_bytes(little) as f64,
        }
    }
}
