//! The operations of a pickle, protocols 0 to 5 (documented in CPython's `pickletools`).

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::{Id, PickleError, Value};

/// Maximum number of values in one pickle; ViT-L with optimizer state has fewer than 20,000.
pub(super) const MAX_VALUES: usize = 4_000_000;

/// Maximum number of characters kept of a module's or class's name; no real one is longer.
const LONGEST_NAME: usize = 120;

/// A stack machine over the bytes of one pickle.
pub(super) struct Machine<'a> {
    input: &'a [u8],
    at: usize,
    pub(super) values: Vec<Value>,
    stack: Vec<Id>,
    marks: Vec<usize>,
    memo: HashMap<u64, Id>,
    /// Names of callables, each stored only once.
    pub(super) names: HashSet<Arc<str>>,
    /// Names of calls in the pickle that do not make plain values.
    pub(super) unknown: BTreeSet<Arc<str>>,
    /// Number of dictionary entries that were copied from another value.
    pub(super) copied: usize,
}

/// The values of a pickle.
pub(super) struct PickleResult {
    pub(super) values: Vec<Value>,
    pub(super) root: Id,
    /// Number of bytes read.
    pub(super) used: usize,
    pub(super) unknown: BTreeSet<Arc<str>>,
}

pub(super) type Step<T> = Result<T, PickleError>;

pub(super) fn damaged<T>(what: impl Into<String>) -> Step<T> {
    Err(PickleError(what.into()))
}

impl<'a> Machine<'a> {
    pub(super) fn new(input: &'a [u8]) -> Self {
        Self {
            input,
            at: 0,
            values: Vec::new(),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
            names: HashSet::new(),
            unknown: BTreeSet::new(),
            copied: 0,
        }
    }

    /// Runs to the end of the first pickle.
    pub(super) fn run(mut self) -> Step<PickleResult> {
        loop {
            let code = self.byte()?;
            if code == b'.' {
                let root = self.pop()?;
                return Ok(PickleResult {
                    values: self.values,
                    root,
                    used: self.at,
                    unknown: self.unknown,
                });
            }
            self.step(code)?;
        }
    }

    #[expect(clippy::too_many_lines, reason = "a table with a line or two for each code")]
    fn step(&mut self, code: u8) -> Step<()> {
        match code {
            0x80 => drop(self.bytes(1)?),
            0x95 => drop(self.bytes(8)?),
            b'(' => self.marks.push(self.stack.len()),
            b'0' => drop(self.pop()?),
            b'1' => drop(self.pop_mark()?),
            b'2' => {
                let top = self.top()?;
                self.stack.push(top);
            }
            b'N' => self.push(Value::Nothing)?,
            0x88 | 0x89 => self.push(Value::Bool(code == 0x88))?,
            b'I' => self.decimal_int()?,
            b'L' => {
                let line = self.line()?;
                let value = line.trim_end_matches('L').parse().unwrap_or(0);
                self.push(Value::Int(value))?;
            }
            b'J' => {
                let value = self.little(4)? as u32 as i32;
                self.push(Value::Int(value.into()))?;
            }
            b'K' | b'M' => {
                let value = self.little(if code == b'K' { 1 } else { 2 })?;
                self.push(Value::Int(value as i64))?;
            }
            0x8a => {
                let length = self.little(1)?;
                self.long(length)?;
            }
            0x8b => {
                let length = self.little(4)?;
                self.long(length)?;
            }
            b'F' => {
                self.line()?;
                self.push(Value::Float)?;
            }
            b'G' => {
                self.bytes(8)?;
                self.push(Value::Float)?;
            }
            b'S' | b'V' => {
                let line = self.line()?;
                self.push(Value::Text(line.trim_matches(['\'', '"']).to_owned()))?;
            }
            b'U' | 0x8c => self.counted_text(1)?,
            b'T' | b'X' => self.counted_text(4)?,
            0x8d => self.counted_text(8)?,
            b'C' => self.skip_bytes(1)?,
            b'B' => self.skip_bytes(4)?,
            0x8e | 0x96 => self.skip_bytes(8)?,
            b']' | 0x8f => self.push(Value::List(Vec::new()))?,
            b')' => self.push(Value::Tuple(Vec::new()))?,
            b'}' => self.push(Value::Dict(Vec::new()))?,
            b'a' => {
                let item = self.pop()?;
                self.extend_list(&[item])?;
            }
            b'e' | 0x90 => {
                let items = self.pop_mark()?;
                self.extend_list(&items)?;
            }
            b'l' => {
                let items = self.pop_mark()?;
                self.push(Value::List(items))?;
            }
            b't' | 0x91 => {
                let items = self.pop_mark()?;
                self.push(Value::Tuple(items))?;
            }
            0x85..=0x87 => {
                let count = usize::from(code - 0x84);
                let items = self.pop_many(count)?;
                self.push(Value::Tuple(items))?;
            }
            b'd' => {
                let items = self.pop_mark()?;
                self.push(Value::Dict(Vec::new()))?;
                self.extend_dict(&items)?;
            }
            b's' => {
                let items = self.pop_many(2)?;
                self.extend_dict(&items)?;
            }
            b'u' => {
                let items = self.pop_mark()?;
                self.extend_dict(&items)?;
            }
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                self.global(&module, &name)?;
            }
            0x93 => {
                let parts = self.pop_many(2)?;
                let text = |id: Id| match &self.values[id] {
                    Value::Text(text) => Ok(text.chars().take(LONGEST_NAME).collect::<String>()),
                    _ => damaged("a global without a name"),
                };
                let (module, name) = (text(parts[0])?, text(parts[1])?);
                self.global(&module, &name)?;
            }
            b'R' => {
                let parts = self.pop_many(2)?;
                self.call(parts[0], parts[1])?;
            }
            0x81 => {
                let parts = self.pop_many(2)?;
                self.object_of(parts[0])?;
            }
            0x92 => {
                let parts = self.pop_many(3)?;
                self.object_of(parts[0])?;
            }
            b'i' => {
                let (module, name) = (self.line()?, self.line()?);
                self.pop_mark()?;
                let name = self.full_name(&module, &name);
                self.object(name)?;
            }
            b'o' => match self.pop_mark()?.first() {
                Some(class) => self.object_of(*class)?,
                None => return damaged("an object without a class"),
            },
            // The state of an object, which no recorded object needs.
            b'b' => drop(self.pop()?),
            b'p' => {
                let line = self.line()?;
                self.memoize_at(line.parse().unwrap_or(u64::MAX))?;
            }
            b'q' | b'r' => {
                let key = self.little(if code == b'q' { 1 } else { 4 })?;
                self.memoize_at(key)?;
            }
            0x94 => self.memoize_at(self.memo.len() as u64)?,
            b'g' => {
                let line = self.line()?;
                self.recall(line.parse().unwrap_or(u64::MAX))?;
            }
            b'h' | b'j' => {
                let key = self.little(if code == b'h' { 1 } else { 4 })?;
                self.recall(key)?;
            }
            b'Q' => {
                let id = self.pop()?;
                self.push(Value::Persistent(id))?;
            }
            b'P' => {
                self.line()?;
                self.push(Value::Opaque)?;
            }
            // Codes of an extension registry, which the file does not contain.
            0x82..=0x84 => {
                self.bytes(1 << (code - 0x82))?;
                self.push(Value::Opaque)?;
            }
            // A buffer outside the pickle, and a mark that it is read-only.
            0x97 => self.push(Value::Opaque)?,
            0x98 => {}
            other => return damaged(format!("unknown operation 0x{other:02x} at byte {}", self.at - 1)),
        }
        Ok(())
    }

    fn bytes(&mut self, count: usize) -> Step<&[u8]> {
        match self.at.checked_add(count).and_then(|end| self.input.get(self.at..end)) {
            Some(bytes) => {
                self.at += count;
                Ok(bytes)
            }
            None => damaged("it ends too early"),
        }
    }

    fn byte(&mut self) -> Step<u8> {
        Ok(self.bytes(1)?[0])
    }

    fn little(&mut self, count: usize) -> Step<u64> {
        let bytes = self.bytes(count)?;
        Ok(bytes.iter().rev().fold(0, |value, b| value << 8 | u64::from(*b)))
    }

    fn line(&mut self) -> Step<String> {
        let rest = &self.input[self.at..];
        let Some(length) = rest.iter().position(|b| *b == b'\n') else {
            return damaged("a line without an end");
        };
        let line = String::from_utf8_lossy(&rest[..length])
            .trim_end_matches('\r')
            .to_owned();
        self.at += length + 1;
        Ok(line)
    }

    fn decimal_int(&mut self) -> Step<()> {
        let line = self.line()?;
        let value = match line.as_str() {
            "00" | "01" => Value::Bool(line == "01"),
            other => Value::Int(other.parse().unwrap_or(0)),
        };
        self.push(value)
    }

    /// Reads a two's complement integer. One that does not fit in 64 bits cannot be a size or count and becomes 0.
    fn long(&mut self, length: u64) -> Step<()> {
        let bytes = self.bytes(usize::try_from(length).unwrap_or(usize::MAX))?;
        let negative = bytes.last().is_some_and(|b| b & 0x80 != 0);
        let value = if bytes.len() > 8 {
            0
        } else {
            let start = if negative { -1i64 } else { 0 };
            bytes.iter().rev().fold(start, |value, b| value << 8 | i64::from(*b))
        };
        self.push(Value::Int(value))
    }

    fn counted_text(&mut self, width: usize) -> Step<()> {
        let length = usize::try_from(self.little(width)?).unwrap_or(usize::MAX);
        let text = String::from_utf8_lossy(self.bytes(length)?).into_owned();
        self.push(Value::Text(text))
    }

    fn skip_bytes(&mut self, width: usize) -> Step<()> {
        let length = usize::try_from(self.little(width)?).unwrap_or(usize::MAX);
        self.bytes(length)?;
        self.push(Value::Opaque)
    }

    pub(super) fn push(&mut self, value: Value) -> Step<()> {
        if self.values.len() >= MAX_VALUES {
            return damaged(format!("more than {MAX_VALUES} values"));
        }
        self.stack.push(self.values.len());
        self.values.push(value);
        Ok(())
    }

    /// Pushes an existing value again.
    pub(super) fn push_again(&mut self, id: Id) {
        self.stack.push(id);
    }

    fn global(&mut self, module: &str, name: &str) -> Step<()> {
        let name = self.full_name(module, name);
        self.push(Value::Global(name))
    }

    fn full_name(&mut self, module: &str, name: &str) -> Arc<str> {
        let full = format!("{module}.{name}");
        let full: String = full.chars().take(2 * LONGEST_NAME).collect();
        self.intern(&full)
    }

    fn top(&self) -> Step<Id> {
        match self.stack.last() {
            Some(id) => Ok(*id),
            None => damaged("it takes a value from an empty stack"),
        }
    }

    fn pop(&mut self) -> Step<Id> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    fn pop_many(&mut self, count: usize) -> Step<Vec<Id>> {
        match self.stack.len().checked_sub(count) {
            Some(start) => Ok(self.stack.split_off(start)),
            None => damaged("it takes a value from an empty stack"),
        }
    }

    fn pop_mark(&mut self) -> Step<Vec<Id>> {
        match self.marks.pop() {
            Some(mark) if mark <= self.stack.len() => Ok(self.stack.split_off(mark)),
            _ => damaged("it takes values back to a mark that was never set"),
        }
    }

    fn extend_list(&mut self, items: &[Id]) -> Step<()> {
        let top = self.top()?;
        // Anything else is a list-like object, whose items are not needed.
        if let Value::List(list) = &mut self.values[top] {
            list.extend_from_slice(items);
        }
        Ok(())
    }

    fn extend_dict(&mut self, items: &[Id]) -> Step<()> {
        let top = self.top()?;
        if !items.len().is_multiple_of(2) {
            return damaged("a dictionary key without a value");
        }
        // An object that takes entries is an instance of a dictionary subclass.
        if matches!(self.values[top], Value::Object(_)) {
            self.values[top] = Value::Dict(Vec::new());
        }
        if let Value::Dict(dict) = &mut self.values[top] {
            dict.extend(items.chunks_exact(2).map(|pair| (pair[0], pair[1])));
        }
        Ok(())
    }

    fn memoize_at(&mut self, key: u64) -> Step<()> {
        let top = self.top()?;
        self.memo.insert(key, top);
        Ok(())
    }

    fn recall(&mut self, key: u64) -> Step<()> {
        match self.memo.get(&key) {
            Some(id) => {
                self.stack.push(*id);
                Ok(())
            }
            None => damaged(format!("it recalls value {key}, which was never stored")),
        }
    }
}
