//! A pickle reader that builds plain data and never runs anything.
//!
//! Only what `torch.save` writes is understood. A pickle that asks Python to *call* something outside a short list of
//! harmless constructors is refused with that name. Values live in one arena and refer to each other by index, so
//! deeply nested or cyclic input can neither overflow the stack nor leak.

mod machine;

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
    Global(String),
    /// What `torch.save` refers to by a persistent id: the tuple that describes a storage.
    Persistent(Id),
    /// A call of a harmless constructor, not carried out: its name and its arguments.
    Call(String, Id),
    /// An object of no interest here.
    Opaque,
}

/// A pickle as plain data.
#[derive(Debug)]
pub(super) struct Pickle {
    values: Vec<Value>,
    root: Id,
}

/// Why a pickle could not be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum PickleError {
    #[error("it asks Python to call {0}, which this program refuses")]
    Refused(String),
    #[error("its pickle is damaged: {0}")]
    Damaged(String),
}

impl Pickle {
    /// Reads a pickle of protocol 0 to 5 and says how many bytes it took; others may follow.
    pub(super) fn read(bytes: &[u8]) -> Result<(Self, usize), PickleError> {
        let (values, root, used) = Machine::new(bytes).run()?;
        Ok((Self { values, root }, used))
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

    /// Entries of a dictionary, also of an `OrderedDict`.
    pub(super) fn entries(&self, id: Id) -> Option<&[(Id, Id)]> {
        match self.value(id) {
            Value::Dict(entries) => Some(entries),
            _ => None,
        }
    }

    /// What every persistent id refers to.
    pub(super) fn persistent(&self) -> impl Iterator<Item = Id> {
        self.values.iter().filter_map(|value| match value {
            Value::Persistent(id) => Some(*id),
            _ => None,
        })
    }

    /// The value under a text key of a dictionary.
    pub(super) fn entry(&self, id: Id, key: &str) -> Option<Id> {
        let entries = self.entries(id)?;
        entries
            .iter()
            .find(|(k, _)| self.text(*k) == Some(key))
            .map(|(_, v)| *v)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_outside_the_list_is_refused_by_name() {
        let error = Pickle::read(b"cposix\nsystem\n(S'true'\ntR.").unwrap_err();
        assert!(matches!(error, PickleError::Refused(name) if name == "posix.system"));
        let error = Pickle::read(b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93\x8c\x011\x85R.").unwrap_err();
        assert!(matches!(error, PickleError::Refused(name) if name == "builtins.eval"));
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
