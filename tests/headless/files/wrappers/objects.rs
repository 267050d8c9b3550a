//! Python objects in a file besides the weights.

use super::super::torch_writer::{Item, call, dict, text};

/// Harmless objects, encoded as by PyTorch in pickle protocol 2.
pub fn objects() -> Vec<(&'static str, Item)> {
    let numbers = || Item::List(vec![Item::Int(1), Item::Int(2)]);
    let mut objects = vec![
        ("set", call("__builtin__", "set", vec![numbers()])),
        ("frozenset", call("__builtin__", "frozenset", vec![numbers()])),
        (
            "bytearray",
            call("__builtin__", "bytearray", vec![text("x"), text("latin-1")]),
        ),
        ("bytes", bytes()),
        (
            "complex",
            call("__builtin__", "complex", vec![Item::Float(1.0), Item::Float(2.0)]),
        ),
        (
            "slice",
            call("__builtin__", "slice", vec![Item::Int(1), Item::Int(2), Item::Nothing]),
        ),
        (
            "range",
            call("__builtin__", "xrange", vec![Item::Int(0), Item::Int(2), Item::Int(1)]),
        ),
        (
            "timedelta",
            call("datetime", "timedelta", vec![Item::Int(1), Item::Int(0), Item::Int(0)]),
        ),
        ("datetime", call("datetime", "datetime", vec![bytes()])),
        (
            "namespace",
            Item::State(
                Box::new(call("types", "SimpleNamespace", Vec::new())),
                Box::new(dict([("a", Item::Int(1))])),
            ),
        ),
        ("pure path", call("pathlib", "PurePosixPath", vec![text("x")])),
        ("Windows path", call("pathlib", "WindowsPath", vec![text("x")])),
        (
            "path of Python 3.13",
            call("pathlib._local", "PosixPath", vec![text("x")]),
        ),
        (
            "counter",
            call("collections", "Counter", vec![dict([("a", Item::Int(1))])]),
        ),
        ("deque", call("collections", "deque", vec![numbers(), Item::Int(5)])),
        (
            "old object",
            call(
                "copy_reg",
                "_reconstructor",
                vec![
                    Item::Global("mine", "Config"),
                    Item::Global("__builtin__", "object"),
                    Item::Nothing,
                ],
            ),
        ),
        (
            "partial",
            call("functools", "partial", vec![Item::Global("__builtin__", "max")]),
        ),
        ("class", Item::Global("torch", "float32")),
    ];
    objects.extend(objects_of_numpy());
    objects
}

fn bytes() -> Item {
    call("_codecs", "encode", vec![text("x"), text("latin1")])
}

fn objects_of_numpy() -> [(&'static str, Item); 3] {
    let kind = || {
        let arguments = vec![text("f8"), Item::Int(0), Item::Int(1)];
        Item::State(
            Box::new(call("numpy", "dtype", arguments)),
            Box::new(Item::Tuple(vec![Item::Int(3), text("<"), Item::Nothing])),
        )
    };
    [
        ("data type", kind()),
        (
            "NumPy scalar",
            call("numpy._core.multiarray", "scalar", vec![kind(), bytes()]),
        ),
        (
            "NumPy array",
            call(
                "numpy.core.multiarray",
                "_reconstruct",
                vec![
                    Item::Global("numpy", "ndarray"),
                    Item::Tuple(vec![Item::Int(0)]),
                    bytes(),
                ],
            ),
        ),
    ]
}
