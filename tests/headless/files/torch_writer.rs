//! Writes files as `torch.save` does: pickles of protocol 2 in a zip archive.

use half::{bf16, f16};
use segscope::model::HostTensor;

use super::mutation::samples::TorchArchive;

/// A value to be pickled.
#[derive(Clone)]
pub enum Item {
    Nothing,
    Int(i32),
    Float(f64),
    Text(String),
    List(Vec<Item>),
    Tuple(Vec<Item>),
    Dict(Vec<(Item, Item)>),
    /// `module` and `name`.
    Global(&'static str, &'static str),
    /// A callable and its arguments.
    Call(Box<Item>, Vec<Item>),
    /// A class and the arguments of its `__new__`.
    New(Box<Item>, Vec<Item>),
    /// An object and its state.
    State(Box<Item>, Box<Item>),
    /// An object and the entries that are set in it.
    Filled(Box<Item>, Vec<(Item, Item)>),
    /// A class of storage, the number of elements and their bytes.
    Storage(Box<Item>, usize, Vec<u8>),
}

/// The element type of stored values.
#[derive(Clone, Copy)]
pub enum Stored {
    F16,
    Bf16,
    F32,
    F64,
}

pub fn text(text: &str) -> Item {
    Item::Text(text.into())
}

/// A call of `module.name`.
pub fn call(module: &'static str, name: &'static str, arguments: Vec<Item>) -> Item {
    Item::Call(Box::new(Item::Global(module, name)), arguments)
}

/// An object of the class `module.name`.
pub fn object(module: &'static str, name: &'static str) -> Item {
    Item::New(Box::new(Item::Global(module, name)), Vec::new())
}

/// A dictionary with string keys.
pub fn dict<K: AsRef<str>>(entries: impl IntoIterator<Item = (K, Item)>) -> Item {
    Item::Dict(
        entries
            .into_iter()
            .map(|(key, item)| (text(key.as_ref()), item))
            .collect(),
    )
}

/// An `OrderedDict`, as state dictionaries are.
pub fn ordered_dict<K: AsRef<str>>(entries: impl IntoIterator<Item = (K, Item)>) -> Item {
    let entries = entries.into_iter().map(|(key, item)| (text(key.as_ref()), item));
    let empty = call("collections", "OrderedDict", Vec::new());
    Item::Filled(Box::new(empty), entries.collect())
}

/// A tensor with its values in row-major order.
pub fn tensor(tensor: &HostTensor, stored: Stored) -> Item {
    let values = tensor.values.iter();
    let (class, bytes): (_, Vec<u8>) = match stored {
        Stored::F16 => (
            "HalfStorage",
            values.flat_map(|v| f16::from_f32(*v).to_le_bytes()).collect(),
        ),
        Stored::Bf16 => (
            "BFloat16Storage",
            values.flat_map(|v| bf16::from_f32(*v).to_le_bytes()).collect(),
        ),
        Stored::F32 => ("FloatStorage", values.flat_map(|v| v.to_le_bytes()).collect()),
        Stored::F64 => (
            "DoubleStorage",
            values.flat_map(|v| f64::from(*v).to_le_bytes()).collect(),
        ),
    };
    let storage = Item::Storage(Box::new(Item::Global("torch", class)), tensor.values.len(), bytes);
    rebuilt("_rebuild_tensor_v2", storage, &tensor.shape, Vec::new())
}

/// A call of a PyTorch function that makes a tensor from a storage; `more` are additional arguments.
pub fn rebuilt(function: &'static str, storage: Item, shape: &[usize], more: Vec<Item>) -> Item {
    let sizes = |sizes: &[usize]| Item::Tuple(sizes.iter().map(|size| Item::Int(*size as i32)).collect());
    let mut strides = vec![1; shape.len()];
    for i in (1..shape.len()).rev() {
        strides[i - 1] = strides[i] * shape[i];
    }
    let hooks = call("collections", "OrderedDict", Vec::new());
    let mut arguments = vec![
        storage,
        Item::Int(0),
        sizes(shape),
        sizes(&strides),
        Item::Int(0),
        hooks,
    ];
    arguments.extend(more);
    call("torch._utils", function, arguments)
}

/// The bytes of a `.pth` file with this root object.
pub fn file_of(root: &Item) -> Vec<u8> {
    let mut writer = Writer {
        pickle: b"\x80\x02".to_vec(),
        storages: Vec::new(),
    };
    writer.put(root);
    writer.pickle.push(b'.');
    let mut entries = vec![("archive/data.pkl".to_owned(), writer.pickle)];
    entries.push(("archive/byteorder".into(), b"little".to_vec()));
    let storages = writer.storages.into_iter().enumerate();
    entries.extend(storages.map(|(key, bytes)| (format!("archive/data/{key}"), bytes)));
    entries.push(("archive/version".into(), b"3\n".to_vec()));
    TorchArchive(entries).write()
}

struct Writer {
    pickle: Vec<u8>,
    storages: Vec<Vec<u8>>,
}

impl Writer {
    fn put(&mut self, item: &Item) {
        match item {
            Item::Nothing => self.pickle.push(b'N'),
            Item::Int(value) => {
                self.pickle.push(b'J');
                self.pickle.extend(value.to_le_bytes());
            }
            Item::Float(value) => {
                self.pickle.push(b'G');
                self.pickle.extend(value.to_be_bytes());
            }
            Item::Text(text) => {
                self.pickle.push(b'X');
                self.pickle.extend((text.len() as u32).to_le_bytes());
                self.pickle.extend(text.as_bytes());
            }
            Item::List(items) => {
                self.pickle.extend(b"](");
                self.all(items);
                self.pickle.push(b'e');
            }
            Item::Tuple(items) => self.tuple(items),
            Item::Dict(entries) => {
                self.pickle.push(b'}');
                self.entries(entries);
            }
            Item::Global(module, name) => self.pickle.extend(format!("c{module}\n{name}\n").bytes()),
            Item::Call(callee, arguments) => {
                self.put(callee);
                self.tuple(arguments);
                self.pickle.push(b'R');
            }
            Item::New(class, arguments) => {
                self.put(class);
                self.tuple(arguments);
                self.pickle.push(0x81);
            }
            Item::State(object, state) => {
                self.put(object);
                self.put(state);
                self.pickle.push(b'b');
            }
            Item::Filled(object, entries) => {
                self.put(object);
                self.entries(entries);
            }
            Item::Storage(class, count, bytes) => {
                let key = self.storages.len().to_string();
                self.storages.push(bytes.clone());
                self.pickle.push(b'(');
                self.put(&text("storage"));
                self.put(class);
                self.put(&text(&key));
                self.put(&text("cpu"));
                self.put(&Item::Int(*count as i32));
                self.pickle.extend(b"tQ");
            }
        }
    }

    fn all(&mut self, items: &[Item]) {
        items.iter().for_each(|item| self.put(item));
    }

    fn tuple(&mut self, items: &[Item]) {
        self.pickle.push(b'(');
        self.all(items);
        self.pickle.push(b't');
    }

    fn entries(&mut self, entries: &[(Item, Item)]) {
        self.pickle.push(b'(');
        for (key, item) in entries {
            self.put(key);
            self.put(item);
        }
        self.pickle.push(b'u');
    }
}
