//! What a file is, judged by how it begins: for messages about a file that is not what its name says.

/// What begins with these bytes, with its article (`an HTML page`); nothing where it is not known.
///
/// 512 bytes are enough. PNG and the like are here as well: a picture may lie where another format is expected.
pub(crate) fn kind(bytes: &[u8]) -> Option<&'static str> {
    let begins = |marks: &[(&[u8], &'static str)]| {
        marks.iter().find(|(mark, _)| bytes.starts_with(mark)).map(|&(_, kind)| kind)
    };
    if bytes.len() >= 16 && bytes.iter().take(512).all(|&byte| byte == 0) {
        return Some("nothing but zero bytes");
    }
    if bytes.get(257..262) == Some(b"ustar") {
        return Some("a tar archive (unpack it)");
    }
    begins(BEGINNINGS).or_else(|| riff(bytes)).or_else(|| media(bytes)).or_else(|| text(bytes))
}

/// `: it is an HTML page`, or nothing: the end of a sentence about what the bytes should have been.
pub(crate) fn instead(bytes: &[u8]) -> String {
    kind(bytes).map_or_else(String::new, |kind| format!(": it is {kind}"))
}

const BEGINNINGS: &[(&[u8], &str)] = &[
    // archives and compressed data
    (b"\x1f\x8b", "gzip-compressed data (unpack it)"),
    (b"PK\x03\x04", "a ZIP archive (unpack it)"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive (unpack it)"),
    (b"Rar!\x1a\x07", "a RAR archive (unpack it)"),
    (b"BZh", "bzip2-compressed data (unpack it)"),
    (b"\xfd7zXZ\0", "xz-compressed data (unpack it)"),
    (b"\x28\xb5\x2f\xfd", "zstd-compressed data (unpack it)"),
    // data
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"MATLAB 5.0", "a MATLAB file"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x80\x02", "a Python pickle"),
    (b"\x80\x03", "a Python pickle"),
    (b"\x80\x04", "a Python pickle"),
    (b"\x80\x05", "a Python pickle"),
    (b"PAR1", "a Parquet file"),
    (b"SQLite format 3", "an SQLite data base"),
    (b"version https://git-lfs.", "a Git LFS pointer (run `git lfs pull`)"),
    // pictures that are read ...
    (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"II*\0", "a TIFF picture"),
    (b"MM\0*", "a TIFF picture"),
    // ... and that are not
    (b"\xff\x0a", "a JPEG XL picture (convert it)"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL picture (convert it)"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 picture (convert it)"),
    (b"8BPS", "a Photoshop picture (convert it)"),
    (b"\0\0\x01\0", "an icon"),
    (b"qoif", "a QOI picture (convert it)"),
    (b"\x76\x2f\x31\x01", "an OpenEXR picture (convert it)"),
    (b"DDS ", "a DDS picture (convert it)"),
    (b"%PDF", "a PDF document"),
];

fn riff(bytes: &[u8]) -> Option<&'static str> {
    match (bytes.get(..4)?, bytes.get(8..12)?) {
        (b"RIFF", b"WEBP") => Some("a WebP picture"),
        (b"RIFF", b"AVI ") => Some("an AVI video"),
        _ => None,
    }
}

/// The family of MP4 and HEIF: a box `ftyp` with the main brand, then the others that fit as well.
fn media(bytes: &[u8]) -> Option<&'static str> {
    if bytes.get(4..8)? != b"ftyp" {
        return None;
    }
    let size = bytes[..4].iter().fold(0, |size, &byte| size << 8 | usize::from(byte));
    let brands = &bytes[8..size.clamp(8, bytes.len())];
    let has = |wanted: &[&[u8]]| brands.chunks(4).any(|brand| wanted.contains(&brand));
    Some(if has(&[b"avif", b"avis"]) {
        "an AVIF picture (convert it)"
    } else if has(&[b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"]) {
        "a HEIC picture (convert it)"
    } else {
        "a video"
    })
}

fn text(bytes: &[u8]) -> Option<&'static str> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    let begins =
        |mark: &str| bytes.get(..mark.len()).is_some_and(|b| b.eq_ignore_ascii_case(mark.as_bytes()));
    let marks = [
        ("<!doctype html", "an HTML page"),
        ("<html", "an HTML page"),
        ("<svg", "an SVG drawing (convert it)"),
        ("<?xml", "an XML document"),
        ("{\"", "JSON text"),
    ];
    marks.into_iter().find(|(mark, _)| begins(mark)).map(|(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_apart_by_their_first_bytes() {
        let tar = [&[b'x'; 257][..], b"ustar\0"].concat();
        for (bytes, expected) in [
            (&b"<!DOCTYPE html><html>"[..], Some("an HTML page")),
            (b"\xef\xbb\xbf\r\n<HTML>", Some("an HTML page")),
            (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", Some("a HEIC picture (convert it)")),
            (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf", Some("an AVIF picture (convert it)")),
            (b"\0\0\0\x14ftypisom\0\0\0\0mp41", Some("a video")),
            (b"RIFF\x24\0\0\0WEBPVP8 ", Some("a WebP picture")),
            (&tar, Some("a tar archive (unpack it)")),
            (&[0; 100], Some("nothing but zero bytes")),
            (b"emotion,pixels,Usage\n", None),
            (b"", None),
            (b"\xff\xff\xff\xffftyp", Some("a video")),
        ] {
            assert_eq!(kind(bytes), expected, "{bytes:?}");
        }
    }
}
