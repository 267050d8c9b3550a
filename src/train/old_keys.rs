//! Former keys of `train.toml`.
//!
//! Files with them are still read, and trainings that were started with them resume.

use toml::{Table, Value};

use super::plan::TrainPlan;

/// Former and present name of each renamed key of `[training]`, with the table before it where it is in one.
const RENAMED: [(&str, &str); 9] = [
    ("batch", "batch-size"),
    ("decoder-rate", "decoder-lr-multiplier"),
    ("clip", "clip-norm"),
    ("average", "ema-decay"),
    ("averaging", "loss-reduction"),
    ("dropping.path", "drop-path"),
    ("dropping.decoder", "dropout"),
    ("schedule.base", "schedule.lr"),
    ("schedule.floor", "schedule.min-lr"),
];

/// Gives a plan its present keys, and returns whether it had former ones. Where a file has both names of a key, the
/// former one stays and is refused as unknown.
pub(super) fn rename_keys(plan: &mut Table) -> bool {
    let Some(training) = plan.get_mut("training").and_then(Value::as_table_mut) else {
        return false;
    };
    let mut renamed = false;
    for (former, present) in RENAMED {
        if place(training, present).is_some_and(|(table, key)| table.contains_key(key)) {
            continue;
        }
        let Some(value) = place(training, former).and_then(|(table, key)| table.remove(key)) else {
            continue;
        };
        if let Some((table, key)) = place(training, present) {
            table.insert(key.to_owned(), value);
        }
        renamed = true;
    }
    let dropping = training.get("dropping").and_then(Value::as_table);
    if dropping.is_some_and(Table::is_empty) {
        training.remove("dropping");
        renamed = true;
    }
    renamed
}

/// The table in which a key is, if there is such a table, and the key's name there.
fn place<'a>(training: &'a mut Table, key: &'a str) -> Option<(&'a mut Table, &'a str)> {
    match key.split_once('.') {
        Some((table, key)) => Some((training.get_mut(table)?.as_table_mut()?, key)),
        None => Some((training, key)),
    }
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
