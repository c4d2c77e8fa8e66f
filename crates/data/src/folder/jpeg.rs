//! Whether a JPEG file is whole. The decoder paints what is missing grey, as browsers do, and says nothing.

const END: u8 = 0xd9;

/// Whether the file goes on to its end mark.
///
/// Segments are jumped over by their length, since a preview inside one has an end mark of its own. In the coded data
/// between them every byte 0xff is followed by 0, so that any other byte after 0xff is a mark.
pub(super) fn is_whole(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let Some(at) = rest.windows(2).position(|pair| pair[0] == 0xff && !matches!(pair[1], 0 | 0xff)) {
        let mark = rest[at + 1];
        rest = &rest[at + 2..];
        // The beginning (0xd8), restarts and 0x01 stand alone; other marks begin a segment.
        if mark == END {
            return true;
        } else if !matches!(mark, 0x01 | 0xd0..=0xd8) {
            let Some(&[high, low]) = rest.first_chunk() else { return false };
            let Some(next) = rest.get(usize::from(u16::from_be_bytes([high, low]))..) else { return false };
            rest = next;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_end_mark_of_the_picture_itself_counts() {
        let start = b"\xff\xd8\xff\xe1\x00\x06\xff\xd8\xff\xd9";
        let scan = b"\xff\xda\x00\x03\x01\x11\xff\x00\x22\xff\xd0\x33";
        let whole = [&start[..], scan, b"\xff\xff\xd9trailing"].concat();
        assert!(is_whole(&whole));
        for length in 0..whole.len() - b"\xd9trailing".len() {
            assert!(!is_whole(&whole[..length]), "{length}");
        }
    }
}
