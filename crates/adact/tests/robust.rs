//! Whatever bytes a network's files hold, reading them returns; and what is accepted can be used.

#[path = "common/files.rs"]
mod files;

use std::path::Path;

use adact::STATE_FILE;
use adact::random::{Purpose, Stream};
use serde_json::{Value, json};

/// How many inputs each test tries; `ADACT_FUZZ_INPUTS` asks for more.
fn inputs() -> u64 {
    std::env::var("ADACT_FUZZ_INPUTS").ok().and_then(|n| n.parse().ok()).unwrap_or(1000)
}

/// Counts upwards through a stream of random numbers.
struct Dice(Stream, u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.1 += 1;
        self.0.below(self.1, n.max(1) as u64) as usize
    }

    fn pick<T: Clone>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())].clone()
    }
}

/// A safetensors file without the length of its header.
#[derive(Clone)]
struct File {
    header: Value,
    values: Vec<u8>,
}

impl File {
    fn read(path: &Path) -> Self {
        let bytes = std::fs::read(path).unwrap();
        let (length, rest) = bytes.split_at(8);
        let (header, values) = rest.split_at(u64::from_le_bytes(length.try_into().unwrap()) as usize);
        Self { header: serde_json::from_slice(header).unwrap(), values: values.to_vec() }
    }

    fn bytes(&self) -> Vec<u8> {
        let header = self.header.to_string();
        [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &self.values].concat()
    }

    /// Changes the header (names, types, shapes, places), the text of the metadata or the values.
    fn change(&mut self, dice: &mut Dice) {
        let Some(header) = self.header.as_object_mut().filter(|header| !header.is_empty()) else { return };
        match dice.below(8) {
            0 => {
                let at = dice.below(self.values.len());
                self.values[at] = dice.pick(&[0, 0x7f, 0x80, 0xff]);
            }
            1 => {
                let name = header.keys().nth(dice.below(header.len())).unwrap().clone();
                let value = header.remove(&name).unwrap();
                let names = [
                    "fc.bias",
                    "conv.0.weight",
                    "act.1.w",
                    "module.fc.bias",
                    "module._orig_mod.conv.1.weight",
                    "net.fc.bias",
                    "norm.0.num_batches_tracked",
                    "first_moment.fc.bias",
                    "second_moment.x",
                    "\n",
                ];
                if dice.below(2) == 0 {
                    header.insert(dice.pick(&names).into(), value);
                }
            }
            2 | 3 => change_value(&mut self.header, dice),
            _ => {
                let Some(text) = header.get_mut("__metadata__").and_then(|m| m.get_mut("adact")) else {
                    return;
                };
                let Some(mut inner) = text.as_str().and_then(|t| serde_json::from_str(t).ok()) else {
                    return;
                };
                change_value(&mut inner, dice);
                *text = json!(inner.to_string());
            }
        }
    }
}

/// Replaces one value somewhere by another that nobody expects.
fn change_value(value: &mut Value, dice: &mut Dice) {
    let inner: Vec<&mut Value> = match value {
        Value::Array(list) => list.iter_mut().collect(),
        Value::Object(map) => map.values_mut().collect(),
        _ => Vec::new(),
    };
    if !inner.is_empty() && dice.below(12) > 0 {
        let at = dice.below(inner.len());
        return change_value(inner.into_iter().nth(at).unwrap(), dice);
    }
    let integers = [0, 1, 2, 3, 4, 5, 7, 1 << 20, 1 << 32, (1 << 53) + 1, u64::MAX / 2, u64::MAX];
    let numbers = [0.0, -1.0, 0.1, 0.3, 1e308, 5e-324, 1e-9];
    let strings =
        ["", "mish", "gelu", "adact", "F16", "F32", "F64", "I64", "BF16", "F8_E4M3", "line\nbreak\u{0}"];
    let others = [json!(null), json!([]), json!([1, 2]), json!([2, 2, 1]), json!({}), json!(true)];
    *value = match dice.below(8) {
        0 => dice.pick(&others),
        1..5 if !value.is_string() => json!(dice.pick(&integers)),
        5..7 if !value.is_string() => json!(dice.pick(&numbers)),
        _ => json!(dice.pick(&strings)),
    };
}

/// Changes bytes: flips, cuts, removes, inserts.
fn change_bytes(bytes: &mut Vec<u8>, dice: &mut Dice) {
    let at = dice.below(bytes.len());
    match dice.below(4) {
        0 if !bytes.is_empty() => bytes[at] ^= 1 << dice.below(8),
        1 => bytes.truncate(at),
        2 => drop(bytes.drain(at..(at + dice.below(20)).min(bytes.len()))),
        _ => bytes.insert(at, dice.below(256) as u8),
    }
}

/// Gives a reader bytes, and files that differ from valid ones in a few places: from the folder's own and others of
/// its kind.
fn torment(file: &str, others: &[&str], check: fn(&Path) -> bool) {
    let folder = tempfile::tempdir().unwrap();
    files::write_valid(folder.path());
    let path = folder.path().join(file);
    let valid: Vec<File> =
        [file].iter().chain(others).map(|name| File::read(&folder.path().join(name))).collect();
    for file in &valid {
        std::fs::write(&path, file.bytes()).unwrap();
        assert!(check(folder.path()));
    }
    let mut accepted = 0;
    for input in 0..inputs() {
        let mut dice = Dice(Stream::new(input, Purpose::Synthetic, 98), 0);
        let mut file = dice.pick(&valid);
        let header = dice.below(4) > 0;
        let changes = 1 + dice.below(3);
        if header {
            (0..changes).for_each(|_| file.change(&mut dice));
        }
        let mut bytes = file.bytes();
        if !header {
            (0..changes).for_each(|_| change_bytes(&mut bytes, &mut dice));
        }
        std::fs::write(&path, &bytes).unwrap();
        accepted += u64::from(check(folder.path()));
    }
    assert!(accepted > 0 && accepted < inputs(), "{accepted} of {} accepted", inputs());
}

#[test]
fn weights_return_whatever_the_bytes() {
    let foreign = files::FOREIGN_FILES.map(|(name, _, _)| name);
    torment(files::WEIGHTS_FILE, &foreign, files::check_weights);
}

#[test]
fn states_return_whatever_the_bytes() {
    torment(STATE_FILE, &[], files::check_state);
}
