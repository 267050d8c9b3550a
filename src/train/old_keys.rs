//! Former keys of `train.toml`.
//!
//! Files with them are still read, and trainings that were started with them resume.

use toml::{Table, Value};

use super::plan::TrainPlan;

/// Former and present path of each renamed key, below `[training]`.
const RENAMED: [(&[&str], &[&str]); 9] = [
    (&["batch"], &["batch-size"]),
    (&["decoder-rate"], &["decoder-lr-multiplier"]),
    (&["clip"], &["clip-norm"]),
    (&["average"], &["ema-decay"]),
    (&["averaging"], &["loss-reduction"]),
    (&["dropping", "path"], &["drop-path"]),
    (&["dropping", "decoder"], &["dropout"]),
    (&["schedule", "base"], &["schedule", "lr"]),
    (&["schedule", "floor"], &["schedule", "min-lr"]),
];

/// The plan with present keys. Where a file has both names of a key, the former one stays and is refused as unknown.
pub(super) fn with_present_keys(mut plan: Table) -> Table {
    let Some(training) = plan.get_mut("training").and_then(Value::as_table_mut) else {
        return plan;
    };
    for (former, present) in RENAMED {
        if find(training, present).is_some() {
            continue;
        }
        if let Some(value) = take(training, former) {
            put(training, present, value);
        }
    }
    if training
        .get("dropping")
        .and_then(Value::as_table)
        .is_some_and(Table::is_empty)
    {
        training.remove("dropping");
    }
    plan
}

/// The identity of a training ([`super::Prepared::identity`]) as the program writes it now. Text that cannot be read is
/// unchanged, because it belongs to another training.
pub(super) fn present_identity(identity: &str) -> String {
    let Some(text) = TrainPlan::read(identity).ok().and_then(|plan| plan.text().ok()) else {
        return identity.to_owned();
    };
    let comments = identity.lines().filter(|line| line.starts_with('#'));
    comments.fold(text, |text, line| text + line + "\n")
}

fn find<'a>(table: &'a Table, path: &[&str]) -> Option<&'a Value> {
    let (last, folders) = path.split_last()?;
    let mut table = table;
    for folder in folders {
        table = table.get(*folder)?.as_table()?;
    }
    table.get(*last)
}

fn take(table: &mut Table, path: &[&str]) -> Option<Value> {
    let (last, folders) = path.split_last()?;
    let mut table = table;
    for folder in folders {
        table = table.get_mut(*folder)?.as_table_mut()?;
    }
    table.remove(*last)
}

/// Inserts a value at a path, of which only the last key may be new.
fn put(table: &mut Table, path: &[&str], value: Value) {
    let Some((last, folders)) = path.split_last() else {
        return;
    };
    let mut table = table;
    for folder in folders {
        let Some(below) = table.get_mut(*folder).and_then(Value::as_table_mut) else {
            return;
        };
        table = below;
    }
    table.insert((*last).to_owned(), value);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A plan as a build with the former keys wrote it.
    const FORMER: &str = r#"
init = "vit.npz"
set = "camvid"
decoders = ["mask"]
patch = 16
channels = 256
auxiliary = false

[data]
images = ["images"]
labels = ["labels"]

[validation]
images = []
labels = []

[training]
batch = 4
accumulate = 2
seed = 7
validate-every = 50
decoder-rate = 10.0
layer-decay = 0.75
clip = 0.5
average = 0.5
averaging = "all"

[training.dropping]
path = 0.25
decoder = 0.125

[training.optimiser]
name = "sgd"
momentum = 0.9
nesterov = true
weight_decay = 0.5

[training.schedule]
base = 0.001
floor = 0.0001
power = 0.9
iterations = 300

[training.augmentation]
crop = 96
short-side = 128
scales = [0.5, 2.0]
flip = true
distort = false
"#;

    #[test]
    fn former_keys_are_read_and_present_keys_written() {
        let plan = TrainPlan::read(FORMER).expect("a plan");
        let training = &plan.training;
        assert_eq!((training.batch_size, training.accumulate, training.seed), (4, 2, 7));
        assert_eq!((training.decoder_lr_multiplier, training.layer_decay), (10.0, 0.75));
        assert_eq!((training.clip_norm, training.ema_decay), (Some(0.5), Some(0.5)));
        assert_eq!((training.drop_path, training.dropout), (0.25, 0.125));
        assert_eq!((training.schedule.lr, training.schedule.min_lr), (1e-3, 1e-4));
        let text = plan.text().expect("a text");
        for key in [
            "batch-size = 4",
            "decoder-lr-multiplier = 10.0",
            "clip-norm = 0.5",
            "ema-decay = 0.5",
            "loss-reduction = \"all\"",
            "drop-path = 0.25",
            "dropout = 0.125",
            "weight-decay = 0.5",
            "lr = 0.001",
            "min-lr = 0.0001",
        ] {
            assert!(text.lines().any(|line| line == key), "{key}: {text}");
        }
        assert!(!text.contains("dropping") && !text.contains("averaging"), "{text}");
        assert_eq!(TrainPlan::read(&text).expect("the same plan"), plan);
    }

    #[test]
    fn both_names_of_a_key_are_refused() {
        let both = FORMER.replace("clip = 0.5", "clip = 0.5\nclip-norm = 1.0");
        let why = TrainPlan::read(&both).expect_err("two norms").to_string();
        assert!(why.contains("clip"), "{why}");
    }

    #[test]
    fn a_training_with_former_keys_resumes() {
        let comments = "# validation 0\n# classes sky, road, None\n";
        let now = TrainPlan::read(FORMER).expect("a plan").text().expect("a text") + comments;
        assert_eq!(present_identity(&format!("{FORMER}{comments}")), now);
        assert_eq!(present_identity(&now), now);
        assert_eq!(present_identity("no plan"), "no plan");
    }
}
