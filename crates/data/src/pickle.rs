//! Python pickles, as far as plain data goes: numbers, text, lists, dictionaries and NumPy arrays of bytes.
//!
//! A pickle is a program for a stack machine, which may import and call anything. Here nothing is called: a call is
//! kept as a value, from which an array's bytes can be taken. Source: the comments of CPython's `pickletools.py`.

use std::collections::HashMap;

use crate::error::Fault;

/// The place of a value in [`Pickle::values`]. Values refer to each other so, because a hostile file can nest them as
/// deep as it likes.
type Id = usize;

enum Value<'a> {
    Integer(i64),
    /// Text or bytes: Python 2 did not tell them apart.
    Bytes(&'a [u8]),
    /// A list or a tuple.
    List(Vec<Id>),
    Dictionary(Vec<(Id, Id)>),
    /// A call that is not made: its arguments, and the state that the result would be given.
    Call {
        arguments: Id,
        state: Option<Id>,
    },
    /// None, a number with a fraction, or a name of a function.
    Other,
}

/// A pickle whose top is a dictionary.
pub(crate) struct Pickle<'a> {
    values: Vec<Value<'a>>,
    top: Id,
}

/// More values than any data set's file has.
const MAX_VALUES: usize = 1 << 20;

impl<'a> Pickle<'a> {
    /// Reads a pickle of the protocols 2 to 5.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, Fault> {
        let mut machine = Machine { rest: bytes, ..Machine::default() };
        while machine.step()? {}
        let top = machine.pop()?;
        let values = machine.values;
        match values[top] {
            Value::Dictionary(_) => Ok(Self { values, top }),
            _ => Err(Fault::corrupt("the pickle holds no dictionary")),
        }
    }

    /// The value of a key of the dictionary.
    pub(crate) fn get(&self, key: &str) -> Option<Id> {
        let Value::Dictionary(pairs) = &self.values[self.top] else { return None };
        let is_key = |id: Id| matches!(self.values[id], Value::Bytes(bytes) if bytes == key.as_bytes());
        pairs.iter().find(|&&(name, _)| is_key(name)).map(|&(_, value)| value)
    }

    /// A list of integers.
    pub(crate) fn integers(&self, id: Id) -> Option<Vec<i64>> {
        let integer = |&id: &Id| match self.values[id] {
            Value::Integer(value) => Some(value),
            _ => None,
        };
        self.list(id)?.iter().map(integer).collect()
    }

    /// The sizes and the values of a NumPy array of unsigned bytes in C order.
    pub(crate) fn array(&self, id: Id) -> Option<(Vec<i64>, &'a [u8])> {
        let Value::Call { state: Some(state), .. } = self.values[id] else { return None };
        // numpy.ndarray.__setstate__: version, sizes, type, whether the order is Fortran's, bytes
        let &[_, sizes, kind, fortran, bytes] = self.list(state)? else { return None };
        let Value::Call { arguments, .. } = self.values[kind] else { return None };
        let Value::Bytes(b"u1") = self.values[*self.list(arguments)?.first()?] else { return None };
        match (&self.values[fortran], &self.values[bytes]) {
            (Value::Integer(0), &Value::Bytes(bytes)) => Some((self.integers(sizes)?, bytes)),
            _ => None,
        }
    }

    fn list(&self, id: Id) -> Option<&[Id]> {
        match &self.values[id] {
            Value::List(items) => Some(items),
            _ => None,
        }
    }
}

#[derive(Default)]
struct Machine<'a> {
    rest: &'a [u8],
    values: Vec<Value<'a>>,
    stack: Vec<Id>,
    /// Heights of the stack.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
}

impl<'a> Machine<'a> {
    /// Runs one instruction; false at the last one.
    fn step(&mut self) -> Result<bool, Fault> {
        let [code] = self.fixed()?;
        match code {
            // PROTO, FRAME
            0x80 => drop(self.take(1)?),
            0x95 => drop(self.take(8)?),
            b'.' => return Ok(false),
            // Numbers: NONE, NEWFALSE, NEWTRUE, BININT1, BININT2, BININT, LONG1, BINFLOAT
            b'N' => self.push(Value::Other)?,
            0x89 => self.push(Value::Integer(0))?,
            0x88 => self.push(Value::Integer(1))?,
            b'K' => {
                let value = u8::from_le_bytes(self.fixed()?);
                self.push(Value::Integer(value.into()))?;
            }
            b'M' => {
                let value = u16::from_le_bytes(self.fixed()?);
                self.push(Value::Integer(value.into()))?;
            }
            b'J' => {
                let value = i32::from_le_bytes(self.fixed()?);
                self.push(Value::Integer(value.into()))?;
            }
            0x8a => {
                let [size] = self.fixed()?;
                let bytes = self.take(size.into())?;
                let negative = bytes.last().is_some_and(|&byte| byte >= 0x80);
                let mut value = [if negative { 0xff } else { 0 }; 8];
                let fits = value.get_mut(..bytes.len());
                fits.ok_or_else(|| Fault::corrupt("the pickle holds a huge integer"))?.copy_from_slice(bytes);
                self.push(Value::Integer(i64::from_le_bytes(value)))?;
            }
            b'G' => {
                self.take(8)?;
                self.push(Value::Other)?;
            }
            // Text and bytes with a size of 1 byte, of 4, and of 8
            b'U' | b'C' | 0x8c => {
                let size = u8::from_le_bytes(self.fixed()?);
                self.bytes(size.into())?;
            }
            b'T' | b'B' | b'X' => {
                let size = u32::from_le_bytes(self.fixed()?);
                self.bytes(size.into())?;
            }
            0x8d | 0x8e | 0x96 => {
                let size = u64::from_le_bytes(self.fixed()?);
                self.bytes(size)?;
            }
            // Lists and tuples: EMPTY_LIST, EMPTY_TUPLE, APPEND, APPENDS, TUPLE, TUPLE1 to TUPLE3
            b']' | b')' => self.push(Value::List(Vec::new()))?,
            b'a' => {
                let item = self.pop()?;
                self.extend(vec![item])?;
            }
            b'e' => {
                let items = self.since_mark()?;
                self.extend(items)?;
            }
            b't' => {
                let items = self.since_mark()?;
                self.push(Value::List(items))?;
            }
            0x85..=0x87 => {
                let count = usize::from(code - 0x84);
                let start = self.stack.len().checked_sub(count).ok_or_else(short)?;
                let items = self.stack.split_off(start);
                self.push(Value::List(items))?;
            }
            // Dictionaries: EMPTY_DICT, SETITEM, SETITEMS
            b'}' => self.push(Value::Dictionary(Vec::new()))?,
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.set(&[key, value])?;
            }
            b'u' => {
                let items = self.since_mark()?;
                self.set(&items)?;
            }
            // Functions and objects: GLOBAL, STACK_GLOBAL, REDUCE and NEWOBJ, BUILD
            b'c' => {
                self.line()?;
                self.line()?;
                self.push(Value::Other)?;
            }
            0x93 => {
                self.pop()?;
                self.pop()?;
                self.push(Value::Other)?;
            }
            b'R' | 0x81 => {
                let arguments = self.pop()?;
                self.pop()?;
                self.push(Value::Call { arguments, state: None })?;
            }
            b'b' => {
                let new = self.pop()?;
                let object = self.top()?;
                match &mut self.values[object] {
                    Value::Call { state, .. } => *state = Some(new),
                    _ => return Err(Fault::corrupt("the pickle gives a state to what is no object")),
                }
            }
            // The stack and the memory: MARK, BINPUT, LONG_BINPUT, MEMOIZE, BINGET, LONG_BINGET
            b'(' => self.marks.push(self.stack.len()),
            b'q' => {
                let key = u8::from_le_bytes(self.fixed()?);
                self.memorise(key.into())?;
            }
            b'r' => {
                let key = u32::from_le_bytes(self.fixed()?);
                self.memorise(key)?;
            }
            0x94 => self.memorise(self.memo.len() as u32)?,
            b'h' => {
                let key = u8::from_le_bytes(self.fixed()?);
                self.recall(key.into())?;
            }
            b'j' => {
                let key = u32::from_le_bytes(self.fixed()?);
                self.recall(key)?;
            }
            other => {
                return Err(Fault::unsupported(format!(
                    "the pickle's instruction {other:#04x} is none that plain data needs"
                )));
            }
        }
        Ok(true)
    }

    fn take(&mut self, size: u64) -> Result<&'a [u8], Fault> {
        let split = usize::try_from(size).ok().and_then(|size| self.rest.split_at_checked(size));
        let (bytes, rest) = split.ok_or_else(|| Fault::corrupt("truncated: the pickle ends early"))?;
        self.rest = rest;
        Ok(bytes)
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N as u64)?);
        Ok(array)
    }

    fn line(&mut self) -> Result<&'a [u8], Fault> {
        let end = self.rest.iter().position(|&byte| byte == b'\n').unwrap_or(self.rest.len());
        self.take(end as u64 + 1)
    }

    fn bytes(&mut self, size: u64) -> Result<(), Fault> {
        let bytes = self.take(size)?;
        self.push(Value::Bytes(bytes))
    }

    fn push(&mut self, value: Value<'a>) -> Result<(), Fault> {
        if self.values.len() == MAX_VALUES {
            return Err(Fault::corrupt("the pickle holds more values than any data set's file has"));
        }
        self.stack.push(self.values.len());
        self.values.push(value);
        Ok(())
    }

    fn top(&self) -> Result<Id, Fault> {
        self.stack.last().copied().ok_or_else(short)
    }

    fn pop(&mut self) -> Result<Id, Fault> {
        self.stack.pop().ok_or_else(short)
    }

    fn since_mark(&mut self) -> Result<Vec<Id>, Fault> {
        let mark = self.marks.pop().filter(|&mark| mark <= self.stack.len()).ok_or_else(short)?;
        Ok(self.stack.split_off(mark))
    }

    fn extend(&mut self, items: Vec<Id>) -> Result<(), Fault> {
        let list = self.top()?;
        match &mut self.values[list] {
            Value::List(list) => list.extend(items),
            _ => return Err(Fault::corrupt("the pickle appends to what is no list")),
        }
        Ok(())
    }

    fn set(&mut self, items: &[Id]) -> Result<(), Fault> {
        let dictionary = self.top()?;
        match &mut self.values[dictionary] {
            Value::Dictionary(pairs) => pairs.extend(items.chunks_exact(2).map(|pair| (pair[0], pair[1]))),
            _ => return Err(Fault::corrupt("the pickle sets items of what is no dictionary")),
        }
        Ok(())
    }

    fn memorise(&mut self, key: u32) -> Result<(), Fault> {
        let id = self.top()?;
        self.memo.insert(key, id);
        Ok(())
    }

    fn recall(&mut self, key: u32) -> Result<(), Fault> {
        let id =
            self.memo.get(&key).ok_or_else(|| Fault::corrupt("the pickle recalls what it never kept"))?;
        self.stack.push(*id);
        Ok(())
    }
}

fn short() -> Fault {
    Fault::corrupt("the pickle takes more from its stack than is there")
}
