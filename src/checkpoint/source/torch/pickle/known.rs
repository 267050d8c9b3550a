//! Python callables that make plain data and so need no remark.

/// Callables of the standard library, NumPy and PyTorch that make plain values, under their newest names.
const PLAIN: [&str; 60] = [
    "builtins.set",
    "builtins.frozenset",
    "builtins.bytearray",
    "builtins.bytes",
    "builtins.complex",
    "builtins.slice",
    "builtins.range",
    "builtins.xrange",
    "builtins.list",
    "builtins.dict",
    "builtins.tuple",
    "builtins.int",
    "builtins.long",
    "builtins.float",
    "builtins.bool",
    "builtins.str",
    "builtins.unicode",
    "builtins.object",
    "builtins.getattr",
    "builtins.type",
    "copyreg._reconstructor",
    "copyreg.__newobj__",
    "copyreg.__newobj_ex__",
    "collections.OrderedDict",
    "collections.defaultdict",
    "collections.Counter",
    "collections.deque",
    "collections.ChainMap",
    "collections.UserDict",
    "collections.UserList",
    "collections.UserString",
    "datetime.datetime",
    "datetime.date",
    "datetime.time",
    "datetime.timedelta",
    "datetime.timezone",
    "decimal.Decimal",
    "fractions.Fraction",
    "uuid.UUID",
    "zoneinfo.ZoneInfo._unpickle",
    "pathlib.Path",
    "pathlib.PurePath",
    "pathlib.PosixPath",
    "pathlib.WindowsPath",
    "pathlib.PurePosixPath",
    "pathlib.PureWindowsPath",
    "types.SimpleNamespace",
    "argparse.Namespace",
    "functools.partial",
    "array._array_reconstructor",
    "_codecs.encode",
    "_io.BytesIO",
    "re._compile",
    "time.struct_time",
    "numpy.dtype",
    "numpy.ndarray",
    "torch.Size",
    "torch.device",
    "torch.Tensor",
    "torch.nn.parameter.Parameter",
];

/// Prefixes of names whose callables all make plain values.
const PLAIN_BEGINNINGS: [&str; 8] = [
    "numpy.core.multiarray.",
    "numpy.core.numeric.",
    "numpy.dtypes.",
    "numpy.random.",
    "torch._utils._rebuild_",
    "torch._tensor._rebuild_",
    "torch.serialization._get_",
    "ipaddress.",
];

/// Prefixes of modules whose names differ between versions of Python and NumPy; pickles of protocol 2 use Python 2's.
const RENAMED: [(&str, &str); 4] = [
    ("__builtin__.", "builtins."),
    ("copy_reg.", "copyreg."),
    ("pathlib._local.", "pathlib."),
    ("numpy._core.", "numpy.core."),
];

/// Whether a callable makes a plain value.
pub(in crate::checkpoint::source::torch) fn is_plain(name: &str) -> bool {
    let renamed = RENAMED
        .iter()
        .find_map(|(old, new)| Some(format!("{new}{}", name.strip_prefix(old)?)));
    let name = renamed.as_deref().unwrap_or(name);
    PLAIN.contains(&name) || PLAIN_BEGINNINGS.iter().any(|start| name.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::is_plain;

    #[test]
    fn old_and_new_spellings_are_plain_and_commands_are_not() {
        for name in [
            "__builtin__.set",
            "builtins.bytearray",
            "copy_reg._reconstructor",
            "pathlib._local.PosixPath",
            "pathlib.WindowsPath",
            "numpy._core.multiarray.scalar",
            "numpy.core.multiarray._reconstruct",
        ] {
            assert!(is_plain(name), "{name}");
        }
        for name in [
            "posix.system",
            "__builtin__.eval",
            "builtins.exec",
            "mine.set",
            "pathlib",
        ] {
            assert!(!is_plain(name), "{name}");
        }
    }
}
