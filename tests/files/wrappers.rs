//! One small model in every wrapper that programs put around weights: keys, prefixes, objects beside it, types of values.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use half::{bf16, f16};
use segscope::checkpoint::{self, Checkpoint, CheckpointError};
use segscope::engine::{DeviceChoice, ModelSource, Output, Session, Settings, Task};
use segscope::labels::LabelMap;
use segscope::model::{HostTensor, Weights};
use segscope::photo::Photo;

use crate::torch_writer::{Item, Stored, call, dict, file_of, object, ordered_dict, rebuilt, tensor, text};

type Named = Vec<(String, HostTensor)>;

/// The golden model of Segmenter's authors.
fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/rstrudel-mask-p16")
}

/// Its tensors under the names of the file, with values that half precision of both kinds holds exactly.
fn tensors() -> Named {
    let opened = checkpoint::open(&golden(), &mut |_| ControlFlow::Continue(())).expect("the golden model");
    let exact = |value: &f32| {
        let short = bf16::from_f32(*value).to_f32();
        match f16::from_f32(short).to_f32() == short {
            true => short,
            false => 0.0,
        }
    };
    let tensors = opened.weights.iter().map(|(name, tensor)| {
        let values = tensor.values.iter().map(exact).collect();
        let shape = tensor.shape.clone();
        (name.replace("decoders.mask.", "decoder."), HostTensor { shape, values })
    });
    tensors.collect()
}

/// Another model of the same sizes.
fn others() -> Named {
    let mut tensors = tensors();
    for (_, tensor) in &mut tensors {
        tensor.values.iter_mut().for_each(|value| *value *= 0.5);
    }
    tensors
}

fn stored(tensors: &Named, prefix: &str, how: Stored) -> Vec<(String, Item)> {
    let items = tensors
        .iter()
        .map(|(name, t)| (format!("{prefix}{name}"), tensor(t, how)));
    items.collect()
}

/// A state dictionary with this before its names.
fn state(prefix: &str) -> Item {
    ordered_dict(stored(&tensors(), prefix, Stored::F32))
}

fn state_with(prefix: &str, more: Vec<(&str, Item)>) -> Item {
    let mut entries = stored(&tensors(), prefix, Stored::F32);
    entries.extend(more.into_iter().map(|(name, item)| (name.to_owned(), item)));
    ordered_dict(entries)
}

fn other_state(prefix: &str) -> Item {
    ordered_dict(stored(&others(), prefix, Stored::F32))
}

fn filled(shape: &[usize], value: f32) -> Item {
    let values = vec![value; shape.iter().product()];
    let shape = shape.to_vec();
    tensor(&HostTensor { shape, values }, Stored::F32)
}

/// A tensor of eight-bit floating-point values.
fn eight_bits(shape: &[usize]) -> Item {
    let count = shape.iter().product();
    let class = Item::Global("torch.storage", "UntypedStorage");
    let storage = Item::Storage(Box::new(class), count, vec![0; count]);
    let kind = Item::Global("torch", "float8_e4m3fn");
    rebuilt("_rebuild_tensor_v3", storage, shape, vec![kind, Item::Nothing])
}

fn complex(shape: &[usize]) -> Item {
    let count = shape.iter().product();
    let class = Item::Global("torch", "ComplexFloatStorage");
    let storage = Item::Storage(Box::new(class), count, vec![0; 8 * count]);
    rebuilt("_rebuild_tensor_v2", storage, shape, Vec::new())
}

/// Writes the file and the side file of Segmenter's authors into a folder of their own.
fn written(folder: &Path, name: &str, root: &Item) -> PathBuf {
    let folder = folder.join(name.replace(|c: char| !c.is_ascii_alphanumeric(), "-"));
    fs::create_dir_all(&folder).expect("a folder");
    fs::copy(golden().join("variant.yml"), folder.join("variant.yml")).expect("a side file");
    let path = folder.join("checkpoint.pth");
    fs::write(&path, file_of(root)).expect("room for it");
    path
}

/// What a wrapper is called, the file in it, the key that is asked for, and words that are said when it is opened.
type Wrapper = (&'static str, Item, Option<&'static str>, &'static [&'static str]);

fn places() -> Vec<Wrapper> {
    let epoch = || ("epoch", Item::Int(3));
    vec![
        ("state_dict", dict([("state_dict", state(""))]), None, &[]),
        (
            "model_state_dict",
            dict([("model_state_dict", state("")), epoch()]),
            None,
            &[],
        ),
        ("key net", dict([("net", state(""))]), None, &["net"]),
        ("key network", dict([("network", state(""))]), None, &["network"]),
        ("key module", dict([("module", state("")), epoch()]), None, &["module"]),
        ("key params", dict([("params", state(""))]), None, &["params"]),
        ("key weights", dict([("weights", state(""))]), None, &["weights"]),
        ("key ema", dict([("ema", state("module."))]), None, &["ema", "module."]),
        (
            "key state_dict_ema",
            dict([("state_dict_ema", state(""))]),
            None,
            &["state_dict_ema"],
        ),
        ("an unusual key", dict([("my_net_v2", state(""))]), None, &["my_net_v2"]),
        ("on its own", state(""), None, &[]),
        ("on its own, parallel", state("module."), None, &["module."]),
        ("parallel", dict([("model", state("module."))]), None, &["module."]),
        (
            "compiled",
            dict([("model", state("_orig_mod."))]),
            None,
            &["_orig_mod."],
        ),
        (
            "parallel and compiled",
            dict([("model", state("module._orig_mod."))]),
            None,
            &["module._orig_mod."],
        ),
        ("Lightning", dict([("state_dict", state("model."))]), None, &["model."]),
        (
            "Lightning, parallel",
            dict([("state_dict", state("model.module."))]),
            None,
            &["model.module."],
        ),
        (
            "nested",
            dict([("model", dict([("state_dict", state(""))])), epoch()]),
            None,
            &["model.state_dict"],
        ),
        ("a list", Item::List(vec![state(""), Item::Int(5)]), None, &[]),
        (
            "a dictionary for each part",
            dict([
                ("encoder", ordered_dict(part("encoder."))),
                ("decoder", ordered_dict(part("decoder."))),
            ]),
            None,
            &[],
        ),
        (
            "plain and averaged",
            dict([("model", state("")), ("model_ema", other_state(""))]),
            None,
            &["2 sets", "model, model_ema", "--weights"],
        ),
        (
            "averaged on request",
            dict([("model", other_state("")), ("model_ema", state("module."))]),
            Some("model_ema"),
            &["2 sets", "module."],
        ),
        (
            "student and teacher",
            dict([("state_dict", {
                let mut both = stored(&tensors(), "student.", Stored::F32);
                both.extend(stored(&others(), "teacher.", Stored::F32));
                ordered_dict(both)
            })]),
            None,
            &["state_dict.student", "state_dict.teacher", "student."],
        ),
        (
            "outermost on request",
            {
                let mut entries = stored(&tensors(), "", Stored::F32);
                entries.push(("ema".into(), other_state("")));
                dict(entries)
            },
            Some("."),
            &["2 sets"],
        ),
    ]
}

/// The tensors of a part without its name.
fn part(prefix: &str) -> Vec<(String, Item)> {
    let of_part = tensors().into_iter().filter_map(|(name, t)| {
        let rest = name.strip_prefix(prefix)?.to_owned();
        Some((rest, tensor(&t, Stored::F32)))
    });
    of_part.collect()
}

fn surplus() -> Vec<Wrapper> {
    vec![
        (
            "a loss beside the network",
            dict([(
                "state_dict",
                state_with("model.", vec![("criterion.weight", filled(&[4], 1.0))]),
            )]),
            None,
            &["criterion.weight"],
        ),
        (
            "normalisation of the data",
            dict([(
                "model",
                state_with("", vec![("data_preprocessor.mean", filled(&[3, 1, 1], 1.0))]),
            )]),
            None,
            &["left out 1 tensor that nothing needs", "data_preprocessor.mean"],
        ),
        (
            "a profiler's counters",
            dict([(
                "model",
                state_with(
                    "",
                    vec![
                        ("total_ops", filled(&[1], 0.0)),
                        ("encoder.blocks.0.attn.total_params", filled(&[1], 0.0)),
                    ],
                ),
            )]),
            None,
            &["total_ops", "encoder.blocks.0.attn.total_params"],
        ),
        (
            "a tensor in the encoder",
            dict([("model", state_with("", vec![("encoder.extra", filled(&[2, 3], 0.0))]))]),
            None,
            &["no place", "encoder.extra"],
        ),
        (
            "eight bits",
            dict([("model", state("")), ("extra", eight_bits(&[2]))]),
            None,
            &[],
        ),
        (
            "eight bits among the weights",
            dict([("model", state_with("", vec![("scale", eight_bits(&[2]))]))]),
            None,
            &[],
        ),
        (
            "complex numbers",
            dict([("model", state("")), ("extra", complex(&[2]))]),
            None,
            &[],
        ),
        (
            "an empty tensor",
            dict([("model", state_with("", vec![("queue", filled(&[0], 0.0))]))]),
            None,
            &[],
        ),
        (
            "a quantised tensor",
            dict([
                ("model", state("")),
                ("extra", call("torch._utils", "_rebuild_qtensor", vec![Item::Nothing])),
            ]),
            None,
            &[],
        ),
    ]
}

/// Harmless objects beside the weights, as PyTorch's protocol 2 spells them.
fn objects() -> Vec<(&'static str, Item)> {
    let numbers = || Item::List(vec![Item::Int(1), Item::Int(2)]);
    let bytes = || call("_codecs", "encode", vec![text("x"), text("latin1")]);
    let kind = || {
        let arguments = vec![text("f8"), Item::Int(0), Item::Int(1)];
        Item::State(
            Box::new(call("numpy", "dtype", arguments)),
            Box::new(Item::Tuple(vec![Item::Int(3), text("<"), Item::Nothing])),
        )
    };
    vec![
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
        ("class", Item::Global("torch", "float32")),
    ]
}

fn beside() -> Vec<Wrapper> {
    let with = |item: Item| dict([("model", state("")), ("extra", item)]);
    let mut wrappers: Vec<Wrapper> = objects()
        .into_iter()
        .map(|(name, item)| -> Wrapper { (name, with(item), None, &[]) })
        .collect();
    wrappers.extend([
        (
            "an enum",
            with(call("mine.options", "Mode", vec![Item::Int(1)])),
            None,
            &["mine.options.Mode", "nothing was run"][..],
        ),
        (
            "an object of an own class",
            with(Item::State(
                Box::new(object("mine", "History")),
                Box::new(dict([("a", Item::Int(1))])),
            )),
            None,
            &["mine.History", "nothing was run"][..],
        ),
        (
            "a command",
            with(call("posix", "system", vec![text("true")])),
            None,
            &["posix.system", "nothing was run"][..],
        ),
    ]);
    wrappers
}

fn ways_to_store() -> Vec<Wrapper> {
    let all = tensors();
    let model = |entries: Vec<(String, Item)>| dict([("model", ordered_dict(entries))]);
    let each = |wrap: &dyn Fn(&HostTensor) -> Item| -> Vec<(String, Item)> {
        all.iter().map(|(name, t)| (name.clone(), wrap(t))).collect()
    };
    let pairs = each(&|t| tensor(t, Stored::F32))
        .into_iter()
        .map(|(name, item)| Item::List(vec![text(&name), item]));
    let pairs = call("collections", "OrderedDict", vec![Item::List(pairs.collect())]);
    let own_class = Item::Filled(
        Box::new(object("mine", "StateDict")),
        each(&|t| tensor(t, Stored::F32))
            .into_iter()
            .map(|(name, item)| (text(&name), item))
            .collect(),
    );
    let hooks = || call("collections", "OrderedDict", Vec::new());
    vec![
        ("float16", model(stored(&all, "", Stored::F16)), None, &[]),
        ("bfloat16", model(stored(&all, "", Stored::Bf16)), None, &[]),
        ("float64", model(stored(&all, "", Stored::F64)), None, &[]),
        (
            "parameters",
            model(each(&|t| {
                let inner = tensor(t, Stored::F32);
                call("torch._utils", "_rebuild_parameter", vec![inner, Item::Int(1), hooks()])
            })),
            None,
            &[],
        ),
        (
            "tensors with attributes",
            model(each(&|t| {
                let Item::Call(function, arguments) = tensor(t, Stored::F32) else {
                    panic!("a tensor is a call")
                };
                let class = Item::Global("torch", "Tensor");
                let arguments = vec![*function, class, Item::Tuple(arguments), dict([("a", Item::Int(1))])];
                call("torch._tensor", "_rebuild_from_type_v2", arguments)
            })),
            None,
            &[],
        ),
        ("pairs, as Python 2 writes them", dict([("model", pairs)]), None, &[]),
        (
            "a dictionary of an own class",
            dict([("model", own_class)]),
            None,
            &["mine.StateDict"],
        ),
    ]
}

fn photo() -> Photo {
    let (width, height) = (90, 58);
    let mut state = 7u32;
    let rgb = (0..3 * width * height).map(|i| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((i / 600 * 40) as u8).wrapping_add((state >> 26) as u8)
    });
    Photo {
        width,
        height,
        rgb: rgb.collect(),
    }
}

/// The label map of a picture, by a session of its own.
fn labels(path: &Path, key: Option<&str>) -> LabelMap {
    let source = match key {
        Some(key) => ModelSource::Weights(path.into(), key.into()),
        None => ModelSource::Path(path.into()),
    };
    let mut session = Session::new(DeviceChoice::Cpu);
    let model = session
        .load(source, &mut |_| ControlFlow::Continue(()))
        .unwrap_or_else(|e| panic!("{e}"));
    let (photo, settings) = (photo(), Settings::of(&model.spec.inference));
    let task = Task {
        model: model.id,
        output: Output::default(),
        photo: &photo,
        photo_id: 0,
        settings: &settings,
    };
    let prediction = session
        .segment(&task, &mut |_| ControlFlow::Continue(()))
        .unwrap_or_else(|e| panic!("{e}"));
    prediction.labels.map
}

fn open(path: &Path, key: Option<&str>) -> Result<Checkpoint, CheckpointError> {
    checkpoint::open_with(path, key, &mut |_| ControlFlow::Continue(()))
}

fn is_same(one: &Weights, other: &Weights) -> bool {
    one.iter().eq(other.iter())
}

#[test]
fn every_wrapper_around_a_model_gives_its_label_map() {
    let place = tempfile::tempdir().expect("a folder");
    let plain = written(place.path(), "plain", &dict([("model", state(""))]));
    let expected = labels(&plain, None);
    let weights = open(&plain, None).expect("the plain file").weights;
    assert_eq!(open(&plain, None).expect("the plain file").remarks, [""; 0]);
    assert!(
        expected.ids.iter().any(|id| *id != expected.ids[0]),
        "a picture of one class shows little"
    );
    let wrappers = [places(), surplus(), beside(), ways_to_store()].concat();
    assert!(wrappers.len() > 50, "{} wrappers", wrappers.len());
    for (name, root, key, said) in wrappers {
        let path = written(place.path(), name, &root);
        let opened = open(&path, key).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(is_same(&opened.weights, &weights), "{name}: other weights");
        let remarks = opened.remarks.join("; ");
        for word in said {
            assert!(
                remarks.contains(word),
                "{name}: expected {word} in the remarks: {remarks}"
            );
        }
        assert!(
            !said.is_empty() || !remarks.contains("Python"),
            "{name}: nothing to say of plain values: {remarks}"
        );
        assert!(labels(&path, key) == expected, "{name}: another label map");
    }
}

fn refusal(name: &str, root: &Item, key: Option<&str>) -> CheckpointError {
    let place = tempfile::tempdir().expect("a folder");
    match open(&written(place.path(), name, root), key) {
        Ok(opened) => panic!("{name} was opened as {}", opened.spec.title()),
        Err(why) => why,
    }
}

/// The model with one tensor in place of another.
fn with_in_place(name: &str, item: Item) -> Item {
    let entries = stored(&tensors(), "", Stored::F32)
        .into_iter()
        .map(|(old, kept)| if old == name { (old, item.clone()) } else { (old, kept) });
    dict([("model", ordered_dict(entries.collect::<Vec<_>>()))])
}

#[test]
fn a_needed_tensor_that_hangs_on_a_call_refuses_the_file() {
    let command = || call("posix", "system", vec![text("true")]);
    let hanging = rebuilt("_rebuild_tensor_v2", command(), &[64], Vec::new());
    for (name, item) in [
        ("encoder.norm.bias", command()),
        ("encoder.norm.bias", hanging),
        ("encoder.patch_embed.proj.weight", command()),
        ("encoder.blocks.2.mlp.fc1.bias", command()),
    ] {
        let why = refusal(name, &with_in_place(name, item), None);
        assert!(matches!(why, CheckpointError::Refused { .. }), "{name}: {why}");
        assert!(why.to_string().contains("posix.system"), "{name}: {why}");
    }
}

#[test]
fn a_needed_tensor_of_a_type_that_is_not_read_is_told_with_its_type() {
    let why = refusal(
        "eight bits",
        &with_in_place("encoder.norm.bias", eight_bits(&[64])),
        None,
    )
    .to_string();
    assert!(
        why.contains("encoder.norm.bias") && why.contains("float8_e4m3fn"),
        "{why}"
    );
    // A whole block of it is no shallower network.
    let entries = tensors().into_iter().map(|(name, t)| {
        let item = match name.starts_with("encoder.blocks.2.") {
            true => eight_bits(&t.shape),
            false => tensor(&t, Stored::F32),
        };
        (name, item)
    });
    let why = refusal("a block", &dict([("model", ordered_dict(entries))]), None).to_string();
    assert!(
        why.contains("encoder.blocks.2.") && why.contains("float8_e4m3fn"),
        "{why}"
    );
}

#[test]
fn one_more_tensor_inside_a_block_is_another_network() {
    let more = vec![("encoder.blocks.0.ls1.gamma", filled(&[64], 0.1))];
    let why = refusal("layer scale", &dict([("model", state_with("", more))]), None).to_string();
    assert!(why.contains("unexpected: encoder.blocks.0.ls1.gamma [64]"), "{why}");
    // A block more would be one that nobody uses, so it is counted.
    let more = vec![("encoder.blocks.3.norm1.weight", filled(&[64], 0.1))];
    let why = refusal("a block more", &dict([("model", state_with("", more))]), None).to_string();
    assert!(why.contains("missing: encoder.blocks.3.norm1.bias [64]"), "{why}");
}

#[test]
fn a_key_that_is_not_there_is_answered_with_those_that_are() {
    let root = dict([("model", state("")), ("model_ema", other_state(""))]);
    let why = refusal("two sets", &root, Some("teacher")).to_string();
    assert!(
        why.contains("found teacher") && why.contains("model, model_ema"),
        "{why}"
    );
}

#[test]
fn a_whole_network_as_an_object_is_told_how_to_save_it() {
    let why = refusal("an object", &object("mine", "Net"), None).to_string();
    assert!(why.contains("mine.Net") && why.contains("state_dict()"), "{why}");
}

#[test]
fn values_that_differ_from_their_checksum_are_damaged() {
    let place = tempfile::tempdir().expect("a folder");
    let path = written(place.path(), "sound", &dict([("model", state(""))]));
    let mut bytes = fs::read(&path).expect("the file");
    let (_, cls) = tensors()
        .into_iter()
        .find(|(name, _)| name == "encoder.cls_token")
        .expect("a token");
    let values: Vec<u8> = cls.values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let at = bytes
        .windows(values.len())
        .position(|part| part == values)
        .expect("its values");
    bytes[at + 3] ^= 8;
    fs::write(&path, &bytes).expect("room for it");
    let why = open(&path, None).expect_err("a refusal").to_string();
    assert!(why.contains("encoder.cls_token") && why.contains("checksum"), "{why}");
}

#[test]
fn a_bundle_that_differs_from_its_checksum_is_damaged() {
    let place = tempfile::tempdir().expect("a folder");
    let path = place.path().join("model.safetensors");
    let opened = open(&golden(), None).expect("the golden model");
    checkpoint::save_bundle(&opened, &path).expect("a bundle");
    let sound = fs::read(&path).expect("the bundle");
    open(&path, None).expect("a sound bundle");
    let mut damaged = sound.clone();
    let last = damaged.len() - 2;
    damaged[last] ^= 1;
    fs::write(&path, &damaged).expect("room for it");
    let why = open(&path, None).expect_err("a refusal").to_string();
    assert!(why.contains("damaged: its checksum differs"), "{why}");
    // A rule in the header is covered, too.
    let text = b"\\\"stride\\\":48";
    let at = sound
        .windows(text.len())
        .position(|part| part == text)
        .expect("the stride");
    let mut damaged = sound.clone();
    damaged[at + text.len() - 1] = b'7';
    fs::write(&path, &damaged).expect("room for it");
    let why = open(&path, None).expect_err("a refusal").to_string();
    assert!(why.contains("damaged: its checksum differs"), "{why}");
    // Bundles of earlier versions have none.
    let key = b"segscope.checksum";
    let at = sound
        .windows(key.len())
        .position(|part| part == key)
        .expect("the checksum");
    let mut old = sound;
    old[at..at + key.len()].copy_from_slice(b"segscope.whatever");
    fs::write(&path, &old).expect("room for it");
    let opened_again = open(&path, None).expect("a bundle without a checksum");
    assert_eq!(opened_again.spec, opened.spec);
}
