//! Calls and objects in a pickle, recorded by name and never executed.

use std::sync::Arc;

use super::known::is_plain;
use super::machine::{MAX_VALUES, Machine, Step, damaged};
use super::{Id, Value};

/// Maximum number of unknown names to report.
const MAX_UNKNOWN: usize = 64;

/// Prefix of the name of a callable that is itself the result of a call.
const RESULT_OF: &str = "the result of ";

impl Machine<'_> {
    /// Pushes a call as a plain value: dictionaries and parameters become their contents, every other call stays a name
    /// with its arguments.
    pub(super) fn call(&mut self, callee: Id, arguments: Id) -> Step<()> {
        let name = self.name_of(callee);
        match &*name {
            "collections.OrderedDict" | "builtins.dict" | "__builtin__.dict" => {
                let entries = self.entries_in(arguments)?;
                return self.push(Value::Dict(entries));
            }
            "collections.defaultdict" => return self.push(Value::Dict(Vec::new())),
            // A trained parameter is the tensor in its first argument.
            "torch._utils._rebuild_parameter" | "torch._utils._rebuild_parameter_with_state" => {
                if let Value::Tuple(items) = &self.values[arguments]
                    && let Some(tensor) = items.first().copied()
                {
                    self.push_again(tensor);
                    return Ok(());
                }
            }
            _ => {}
        }
        self.note(&name);
        self.push(Value::Call(name, arguments))
    }

    /// Pushes the object of a call `cls.__new__(cls, …)`, which is not executed.
    pub(super) fn object_of(&mut self, class: Id) -> Step<()> {
        let name = self.name_of(class);
        self.object(name)
    }

    pub(super) fn object(&mut self, class: Arc<str>) -> Step<()> {
        self.note(&class);
        self.push(if class.contains("OrderedDict") {
            Value::Dict(Vec::new())
        } else {
            Value::Object(class)
        })
    }

    /// The shared copy of a name.
    pub(super) fn intern(&mut self, name: &str) -> Arc<str> {
        if let Some(kept) = self.names.get(name) {
            return kept.clone();
        }
        let name: Arc<str> = name.into();
        self.names.insert(name.clone());
        name
    }

    fn name_of(&mut self, id: Id) -> Arc<str> {
        let name = match &self.values[id] {
            Value::Global(name) => return name.clone(),
            Value::Call(name, _) | Value::Object(name) => name.clone(),
            _ => return self.intern("a value that is not a function"),
        };
        match name.starts_with(RESULT_OF) {
            true => name,
            false => self.intern(&format!("{RESULT_OF}{name}")),
        }
    }

    fn note(&mut self, name: &Arc<str>) {
        if self.unknown.len() < MAX_UNKNOWN && !is_plain(name) {
            self.unknown.insert(name.clone());
        }
    }

    /// The entries of a dictionary made from pairs, as Python 2 writes an `OrderedDict`.
    fn entries_in(&mut self, arguments: Id) -> Step<Vec<(Id, Id)>> {
        let pair = |id: &Id| match &self.values[*id] {
            Value::List(items) | Value::Tuple(items) => match items[..] {
                [key, value] => Some((key, value)),
                _ => None,
            },
            _ => None,
        };
        let first = match &self.values[arguments] {
            Value::Tuple(items) => items.first(),
            _ => None,
        };
        let count = match first.map(|id| &self.values[*id]) {
            Some(Value::List(items) | Value::Tuple(items)) => items.len(),
            Some(Value::Dict(entries)) => entries.len(),
            _ => 0,
        };
        // One long list may be referenced many times.
        if self.copied.saturating_add(count) > MAX_VALUES {
            return damaged(format!("more than {MAX_VALUES} dictionary entries"));
        }
        let entries = match first.map(|id| &self.values[*id]) {
            Some(Value::List(items) | Value::Tuple(items)) => items.iter().filter_map(pair).collect(),
            Some(Value::Dict(entries)) => entries.clone(),
            _ => Vec::new(),
        };
        self.copied += count;
        Ok(entries)
    }
}
