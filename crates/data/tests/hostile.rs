//! No bytes whatever make a reader panic, or use memory out of proportion to the file.

mod samples;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use adact_data::{LoadOptions, cifar, fer, folder, idx, load_segmentation, load_text, svhn};
use adact_kernels::random::{Purpose, Stream};
use samples::*;

/// The system's allocator, which also notes how much memory is in use, and was at most.
struct Counting;

static USED: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let used = USED.fetch_add(layout.size(), Relaxed) + layout.size();
        PEAK.fetch_max(used, Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        USED.fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The tests measure the memory of the whole process, so they take turns.
static TURN: Mutex<()> = Mutex::new(());

/// A source of small random numbers.
struct Dice(Stream, u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.1 += 1;
        self.0.below(self.1, n as u64) as usize
    }

    fn bytes(&mut self, n: usize) -> Vec<u8> {
        (0..n).map(|_| self.below(256) as u8).collect()
    }

    /// A variation of a valid file: bytes changed, words replaced by extreme ones, pieces cut, doubled or appended.
    fn mutated(&mut self, valid: &[u8]) -> Vec<u8> {
        let mut bytes = valid.to_vec();
        for _ in 0..1 + self.below(3) {
            if bytes.is_empty() {
                return bytes;
            }
            // Headers are short and matter most.
            let near = if self.below(2) == 0 { bytes.len().min(300) } else { bytes.len() };
            let at = self.below(near);
            match self.below(6) {
                0 => bytes[at] = self.below(256) as u8,
                1 => bytes[at] ^= 1 << self.below(8),
                2 => {
                    let word: u32 =
                        [0, 1, 9, 0x7fff_ffff, 0x8000_0000, u32::MAX, 1 << 24, 3_000_000][self.below(8)];
                    let word = if self.below(2) == 0 { word.to_le_bytes() } else { word.to_be_bytes() };
                    bytes.iter_mut().skip(at).zip(word).for_each(|(byte, new)| *byte = new);
                }
                3 => bytes.truncate(at),
                4 => {
                    let count = self.below(40);
                    let new = self.bytes(count);
                    bytes.splice(at..at, new);
                }
                _ => {
                    let end = (at + self.below(64)).min(bytes.len());
                    bytes.drain(at..end);
                }
            }
        }
        bytes
    }
}

/// Makes a file of changed contents.
type Wrap = fn(&[u8]) -> Vec<u8>;

/// Gives a reader random bytes, and variations of valid files: as they are, and wrapped again after the change (so that
/// a compressed file's inside is reached). The memory that it uses stays below `limit(length of the input)`.
fn torment<T>(read: impl Fn(&[u8]) -> T, valid: &[Vec<u8>], wrap: &[Wrap], limit: impl Fn(usize) -> usize) {
    let _turn = TURN.lock();
    let mut dice = Dice(Stream::new(1, Purpose::Synthetic, valid[0].len() as u64), 0);
    let check = |bytes: &[u8]| {
        let before = USED.load(Relaxed);
        PEAK.store(before, Relaxed);
        drop(read(bytes));
        let used = PEAK.load(Relaxed) - before;
        assert!(
            used <= limit(bytes.len()),
            "{used} bytes for a file of {}: {:?}",
            bytes.len(),
            &bytes[..bytes.len().min(200)]
        );
    };
    for _ in 0..500 {
        let length = dice.below(600);
        check(&dice.bytes(length));
    }
    for sample in valid {
        check(sample);
        for length in 0..sample.len().min(400) {
            check(&sample[..length]);
        }
        for _ in 0..2_000 {
            let bytes = dice.mutated(sample);
            check(&bytes);
            wrap.iter().for_each(|wrap| check(&wrap(&bytes)));
        }
    }
}

/// What deflate can expand a file to, copied while a vector grows, and some for the decompressor and for the other tests.
fn inflated(length: usize) -> usize {
    length * 1032 * 3 + (4 << 20)
}

#[test]
fn idx_bears_everything() {
    let read = |bytes: &[u8]| (idx::parse(bytes, 3), idx::parse(bytes, 1));
    torment(read, &[idx_images(2), idx_labels(50), gzip(&idx_images(2))], &[gzip], inflated);
}

#[test]
fn cifar_bears_everything() {
    torment(cifar::parse, &[cifar(2), cifar_pickle(2, "labels")], &[], |length| 3 * length + (4 << 20));
    let archive = |bytes: &[u8]| cifar::parse_archive(bytes);
    let valid = [gunzip(&cifar_archive(1)), cifar_archive(1), gunzip(&cifar_python_archive(1))];
    torment(archive, &valid, &[gzip], inflated);
}

#[test]
fn mat_bears_everything() {
    let packed = Style { compressed: true, ..PLAIN };
    let doubles = Style { class: 6, kind: 9, ..PLAIN };
    // The second variation changes an array inside its compressed element.
    let inside: Wrap = |bytes| {
        let array = zlib(bytes.get(128..).unwrap_or_default());
        [mat_header(PLAIN), vec![15, 0, 0, 0], (array.len() as u32).to_le_bytes().to_vec(), array].concat()
    };
    let big = Style { big_endian: true, ..PLAIN };
    let valid = [svhn(PLAIN, 2), svhn(packed, 2), svhn(doubles, 2), svhn(big, 1)];
    torment(svhn::parse, &valid, &[inside], inflated);
}

#[test]
fn fer_bears_everything() {
    torment(fer::parse, &[fer(2).into_bytes()], &[], |length| 8 * length + (4 << 20));
}

#[test]
fn images_bear_everything() {
    let read = |bytes: &[u8]| (folder::decode(bytes, 8, 3), folder::decode(bytes, 8, 1));
    use image::ImageFormat::{Bmp, Gif, Jpeg, Png, Tiff, WebP};
    let valid = [Png, Jpeg, WebP, Gif, Bmp, Tiff].map(|format| picture(format, 20, 12, [9, 200, 77]));
    // A decoder may reserve what the header promises, up to its limit, and the image is then converted.
    torment(read, &valid, &[], |_| 1 << 30);
}

#[test]
fn masks_bear_everything() {
    let dir = tempfile::tempdir().unwrap();
    for i in 0..3 {
        write(
            dir.path().join(format!("images/{i}.png")),
            picture(image::ImageFormat::Png, 20, 12, [i, 0, 0]),
        );
        write(dir.path().join(format!("masks/{i}.png")), picture(image::ImageFormat::Png, 20, 12, [i, 0, 0]));
    }
    let (root, options) =
        (dir.path().display().to_string(), LoadOptions { side: 8, ..LoadOptions::default() });
    let read = |bytes: &[u8]| {
        write(dir.path().join("masks/1.png"), bytes);
        load_segmentation(&root, None, &options)
    };
    // The decoders of the other formats are tried above.
    use image::ImageFormat::{Gif, Png};
    let valid = [Png, Gif].map(|format| picture(format, 20, 12, [9, 200, 77]));
    valid.iter().for_each(|valid| assert!(read(valid).is_ok()));
    torment(read, &valid, &[], |_| 1 << 30);
}

#[test]
fn texts_bear_everything() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("text.txt");
    let name = file.display().to_string();
    let read = |bytes: &[u8]| {
        write(&file, bytes);
        load_text(&name, None)
    };
    // Two tables over all code points.
    torment(read, &["To be, or not to be: ééé 漢字".repeat(9).into_bytes()], &[], |length| {
        8 * length + (8 << 20)
    });
}
