//! Wrappers that programs put around the weights of one small model.

use std::ops::ControlFlow;
use std::path::PathBuf;

use half::{bf16, f16};
use segscope::checkpoint;
use segscope::model::HostTensor;

use super::super::mutation::samples;
use super::super::torch_writer::{Item, Stored, call, dict, object, ordered_dict, rebuilt, tensor, text};
use super::objects::objects;

/// The golden model of Segmenter's authors.
pub fn golden() -> PathBuf {
    samples::golden("rstrudel-mask-p16")
}

/// The tensors of the golden model under their names in the file, with values that both kinds of half precision
/// represent exactly.
pub fn tensors() -> Vec<(String, HostTensor)> {
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

/// The tensors of another model with the same sizes.
fn others() -> Vec<(String, HostTensor)> {
    let mut tensors = tensors();
    for (_, tensor) in &mut tensors {
        tensor.values.iter_mut().for_each(|value| *value *= 0.5);
    }
    tensors
}

pub fn stored(tensors: &[(String, HostTensor)], prefix: &str, how: Stored) -> Vec<(String, Item)> {
    let items = tensors
        .iter()
        .map(|(name, t)| (format!("{prefix}{name}"), tensor(t, how)));
    items.collect()
}

/// A state dictionary whose names have this prefix.
pub fn state(prefix: &str) -> Item {
    ordered_dict(stored(&tensors(), prefix, Stored::F32))
}

pub fn state_with(prefix: &str, more: Vec<(&str, Item)>) -> Item {
    let mut entries = stored(&tensors(), prefix, Stored::F32);
    entries.extend(more.into_iter().map(|(name, item)| (name.to_owned(), item)));
    ordered_dict(entries)
}

pub fn other_state(prefix: &str) -> Item {
    ordered_dict(stored(&others(), prefix, Stored::F32))
}

pub fn filled(shape: &[usize], value: f32) -> Item {
    let values = vec![value; shape.iter().product()];
    let shape = shape.to_vec();
    tensor(&HostTensor { shape, values }, Stored::F32)
}

/// A tensor of 8-bit floating-point values.
pub fn eight_bits(shape: &[usize]) -> Item {
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

/// A wrapper: its name, the root object of the file, the requested key, and words expected in the remarks.
pub type Wrapper = (&'static str, Item, Option<&'static str>, &'static [&'static str]);

/// Wrappers for all places of weights in a file.
pub fn places() -> Vec<Wrapper> {
    [keys(), prefixes(), several_sets()].concat()
}

fn epoch() -> (&'static str, Item) {
    ("epoch", Item::Int(3))
}

fn keys() -> Vec<Wrapper> {
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
    ]
}

fn prefixes() -> Vec<Wrapper> {
    vec![
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
    ]
}

/// Files with more than one set of weights.
fn several_sets() -> Vec<Wrapper> {
    vec![
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

/// The tensors of a part of the network, without the prefix in their names.
fn part(prefix: &str) -> Vec<(String, Item)> {
    let of_part = tensors().into_iter().filter_map(|(name, t)| {
        let rest = name.strip_prefix(prefix)?.to_owned();
        Some((rest, tensor(&t, Stored::F32)))
    });
    of_part.collect()
}

pub fn surplus() -> Vec<Wrapper> {
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

pub fn beside() -> Vec<Wrapper> {
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

pub fn ways_to_store() -> Vec<Wrapper> {
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
