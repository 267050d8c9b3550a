//! Finds the tensors in the dictionaries of a pickle, visiting each dictionary once.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};

use super::pickle::{Id, Pickle, Value};
use super::tensor::{Described, TensorEntry, describe};
use super::{Unread, UnreadByName};
use crate::checkpoint::source::count;

/// Maximum depth of nested dictionaries to visit.
const MAX_DEPTH: usize = 4;

/// Maximum number of dictionaries to visit.
const MAX_PLACES: usize = 10_000;

/// Maximum number of tensors in one file; ViT-L with optimizer and averaged weights has fewer than 2,000.
const MAX_TENSORS: usize = 100_000;

/// Maximum length of a name in bytes; no real one is longer.
const LONGEST_NAME: usize = 200;

/// Maximum length of a list to visit, such as `[state_dict, epoch]`.
const LONGEST_LIST: usize = 16;

/// The tensors found in a pickle.
#[derive(Default)]
pub(super) struct TensorWalk {
    pub(super) tensors: BTreeMap<String, TensorEntry>,
    pub(super) unread: UnreadByName,
    /// Name prefixes of the dictionaries that directly hold tensors: empty, or keys with a dot after each.
    pub(super) places: BTreeSet<String>,
}

impl TensorWalk {
    /// Visits all dictionaries of a pickle.
    ///
    /// # Errors
    /// When there are more tensors than any real file has.
    pub(super) fn through(pickle: &Pickle) -> Result<Self, String> {
        let mut walk = Self::default();
        let mut visited = HashSet::from([pickle.root()]);
        let mut waiting = VecDeque::from([(pickle.root(), String::new(), 0)]);
        if let Described::Unread(why) = describe(pickle, pickle.root()) {
            walk.unread.insert(String::new(), why);
        }
        while let Some((place, prefix, depth)) = waiting.pop_front() {
            let mut holds_tensors = false;
            for (key, id) in children(pickle, place) {
                if key.len() > LONGEST_NAME {
                    continue;
                }
                if matches!(pickle.value(id), Value::Dict(_) | Value::List(_) | Value::Tuple(_)) {
                    if depth < MAX_DEPTH && visited.len() < MAX_PLACES && visited.insert(id) {
                        waiting.push_back((id, format!("{prefix}{key}."), depth + 1));
                    }
                } else {
                    holds_tensors |= walk.add(format!("{prefix}{key}"), describe(pickle, id))?;
                }
            }
            if holds_tensors {
                walk.places.insert(prefix);
            }
        }
        Ok(walk)
    }

    /// Adds a value; returns whether it is or may be a tensor.
    fn add(&mut self, name: String, described: Described) -> Result<bool, String> {
        match described {
            Described::Tensor(entry) if count(&entry.shape).is_none() => {
                let why = format!("its shape {:?} is impossible", entry.shape);
                self.unread.insert(name, Unread::because(why));
            }
            Described::Tensor(entry) => {
                // As in Python, a later entry replaces an earlier one of the same key.
                self.unread.remove(&name);
                self.tensors.insert(name, entry);
            }
            Described::Unread(why) => {
                self.tensors.remove(&name);
                self.unread.insert(name, why);
            }
            Described::Other => return Ok(false),
        }
        if self.tensors.len() + self.unread.len() > MAX_TENSORS {
            return Err(format!("it has more than {MAX_TENSORS} tensors"));
        }
        Ok(true)
    }
}

/// The values of a dictionary by text key, or of a short list by index.
fn children(pickle: &Pickle, id: Id) -> Box<dyn Iterator<Item = (Cow<'_, str>, Id)> + '_> {
    if let Some(entries) = pickle.entries(id) {
        let named = move |(key, value): &(Id, Id)| Some((Cow::Borrowed(pickle.text(*key)?), *value));
        return Box::new(entries.iter().filter_map(named));
    }
    let items = pickle.items(id).filter(|items| items.len() <= LONGEST_LIST);
    let items = items.unwrap_or_default().iter().enumerate();
    Box::new(items.map(|(i, value)| (Cow::Owned(i.to_string()), *value)))
}
