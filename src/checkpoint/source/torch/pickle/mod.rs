//! A pickle reader that builds plain data and never runs anything.
//!
//! It understands only what `torch.save` writes. What a pickle asks Python to *call* is recorded as a name and its
//! arguments: plain data beside such a call can be used, a tensor that depends on it cannot. Values live in one arena
//! and refer to each other by index, so deeply nested or cyclic input can neither overflow the stack nor leak.

mod calls;
mod known;
mod machine;

use std::collections::BTreeSet;
use std::sync::Arc;

pub(super) use known::is_plain;
use machine::Machine;

/// Index of a [`Value`] in its [`Pickle`].
pub(super) type Id = usize;

/// One unpickled value.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Nothing,
    Bool(bool),
    Int(i64),
    Float,
    Text(String),
    List(Vec<Id>),
    Tuple(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    /// `module.name`.
    Global(Arc<str>),
    /// A persistent id of `torch.save`: the tuple that describes a storage.
    Persistent(Id),
    /// A call that was not executed: its name and its arguments.
    Call(Arc<str>, Id),
    /// An object of the class of this name, without its contents.
    Object(Arc<str>),
    /// An object that is not needed.
    Opaque,
}

/// A pickle as plain data.
#[derive(Debug)]
pub(super) struct Pickle {
    values: Vec<Value>,
    root: Id,
    unknown: BTreeSet<Arc<str>>,
}

/// Why a pickle could not be read.
#[derive(Debug, thiserror::Error)]
#[error("its pickle is damaged: {0}")]
pub(super) struct PickleError(String);

impl Pickle {
    /// Reads a pickle of protocol 0 to 5; returns it and its length in bytes, because others may follow.
    pub(super) fn read(bytes: &[u8]) -> Result<(Self, usize), PickleError> {
        let ran = Machine::new(bytes).run()?;
        let pickle = Self {
            values: ran.values,
            root: ran.root,
            unknown: ran.unknown,
        };
        Ok((pickle, ran.used))
    }

    /// Names of the calls in the pickle that do not make plain values.
    pub(super) fn unknown_calls(&self) -> impl Iterator<Item = &str> {
        self.unknown.iter().map(|name| &**name)
    }

    /// The outermost value.
    pub(super) fn root(&self) -> Id {
        self.root
    }

    pub(super) fn value(&self, id: Id) -> &Value {
        &self.values[id]
    }

    pub(super) fn text(&self, id: Id) -> Option<&str> {
        match self.value(id) {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn int(&self, id: Id) -> Option<i64> {
        match self.value(id) {
            Value::Int(value) => Some(*value),
            _ => None,
        }
    }

    pub(super) fn flag(&self, id: Id) -> Option<bool> {
        match self.value(id) {
            Value::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// Elements of a tuple or list.
    pub(super) fn items(&self, id: Id) -> Option<&[Id]> {
        match self.value(id) {
            Value::Tuple(items) | Value::List(items) => Some(items),
            _ => None,
        }
    }

    /// Entries of a dictionary or an `OrderedDict`.
    pub(super) fn entries(&self, id: Id) -> Option<&[(Id, Id)]> {
        match self.value(id) {
            Value::Dict(entries) => Some(entries),
            _ => None,
        }
    }

    /// The tuples that persistent ids refer to.
    pub(super) fn persistent(&self) -> impl Iterator<Item = Id> {
        self.values.iter().filter_map(|value| match value {
            Value::Persistent(id) => Some(*id),
            _ => None,
        })
    }

    /// The value under a text key of a dictionary; the last one counts, as in Python.
    pub(super) fn entry(&self, id: Id, key: &str) -> Option<Id> {
        let entries = self.entries(id)?;
        entries
            .iter()
            .rev()
            .find(|(k, _)| self.text(*k) == Some(key))
            .map(|(_, v)| *v)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Pickle {
        Pickle::read(bytes).unwrap().0
    }

    fn unknown(pickle: &Pickle) -> Vec<&str> {
        pickle.unknown_calls().collect()
    }

    #[test]
    fn a_call_outside_the_list_is_kept_by_name() {
        let pickle = read(b"cposix\nsystem\n(S'true'\ntR.");
        assert!(matches!(pickle.value(pickle.root()), Value::Call(name, _) if &**name == "posix.system"));
        assert_eq!(unknown(&pickle), ["posix.system"]);
        let pickle = read(b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93\x8c\x011\x85R.");
        assert_eq!(unknown(&pickle), ["builtins.eval"]);
        // An instance of protocol 0, and a call of a call's result.
        assert_eq!(unknown(&read(b"(imine\nThing\n.")), ["mine.Thing"]);
        let pickle = read(b"\x80\x02c__builtin__\ngetattr\n)R)R.");
        assert_eq!(unknown(&pickle), ["the result of __builtin__.getattr"]);
    }

    #[test]
    fn plain_values_of_protocol_2_are_not_unknown() {
        let pickle = read(b"\x80\x02c__builtin__\nset\n](K\x01K\x02e\x85R.");
        assert_eq!(unknown(&pickle), [""; 0]);
    }

    #[test]
    fn dictionaries_of_pairs_and_of_unknown_classes_have_entries() {
        let pickle = read(b"\x80\x02ccollections\nOrderedDict\n]](U\x01aK\x05ea\x85R.");
        let five = pickle.entry(pickle.root(), "a").and_then(|id| pickle.int(id));
        assert_eq!(five, Some(5));
        let pickle = read(b"\x80\x02cmine\nConfig\n)\x81U\x01aK\x05s.");
        let five = pickle.entry(pickle.root(), "a").and_then(|id| pickle.int(id));
        assert_eq!(five, Some(5));
    }

    #[test]
    fn one_list_in_many_dictionaries_is_refused() {
        // A list of 4,000 pairs, and 2,000 dictionaries of it: 8 million entries.
        let mut bytes = b"\x80\x02ccollections\nOrderedDict\nq\x00]q\x01(".to_vec();
        for _ in 0..4_000 {
            bytes.extend(b"](K\x01K\x02e");
        }
        bytes.extend(b"e\x85q\x02");
        for _ in 0..2_000 {
            bytes.extend(b"h\x00h\x02R");
        }
        bytes.push(b'.');
        assert!(Pickle::read(&bytes).is_err());
    }

    #[test]
    fn a_million_nested_tuples_do_not_overflow_the_stack() {
        let mut bytes = b"N".to_vec();
        bytes.extend(std::iter::repeat_n(0x85, 1_000_000));
        bytes.push(b'.');
        assert!(Pickle::read(&bytes).is_ok());
    }

    #[test]
    fn numbers_keep_their_sign() {
        let (pickle, _) = Pickle::read(b"\x80\x02(J\xff\xff\xff\xffK\x05\x8a\x02\x00\x80\x8a\x00t.").unwrap();
        let items = pickle.items(pickle.root()).unwrap();
        let ints: Vec<_> = items.iter().map(|id| pickle.int(*id).unwrap()).collect();
        assert_eq!(ints, [-1, 5, -32768, 0]);
    }
}
