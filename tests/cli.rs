//! The program from outside: arguments in; files, text and exit codes out.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use segscope::labels::{ClassSet, LabelMap};
use segscope::photo::Photo;
use serde_json::Value;
use tempfile::TempDir;

/// Classes of the embedded model; the label map of the sample picture has void above them.
const CLASSES: u16 = 11;

/// A call of the program that has ended.
struct Ended {
    call: String,
    code: Option<i32>,
    out: String,
    err: String,
}

impl Ended {
    /// The call, which must have ended with this exit code.
    fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "exit code of {self}");
        self
    }

    /// Requires one of the error lines to hold every one of these texts.
    fn complains_of(&self, texts: &[&str]) {
        assert!(
            self.err
                .lines()
                .any(|line| texts.iter().all(|text| line.contains(text))),
            "expected a line with {texts:?} on stderr of {self}"
        );
    }

    /// Requires that stderr does not hold this text.
    fn never_mentions(&self, text: &str) {
        assert!(
            !self.err.contains(text),
            "expected nothing on {text} on stderr of {self}"
        );
    }

    /// The lines of stdout, each a JSON object.
    fn objects(&self) -> Vec<Value> {
        let parsed = self.out.lines().map(|line| {
            let value: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e} in {line:?} of {self}"));
            assert!(value.is_object(), "expected JSON objects on stdout of {self}");
            value
        });
        parsed.collect()
    }

    /// The text after `name` in the table that `info` prints.
    fn row(&self, name: &str) -> &str {
        let start = format!("{name:<12} ");
        let found = self.out.lines().find_map(|line| line.strip_prefix(&start));
        found.unwrap_or_else(|| panic!("expected a line {name:?} on stdout of {self}"))
    }

    /// The lines of stdout from the one on classes on.
    fn class_lines(&self) -> Vec<&str> {
        self.out
            .lines()
            .skip_while(|line| !line.starts_with("classes "))
            .collect()
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self { call, code, out, err } = self;
        write!(
            f,
            "{call}\nexit code: {code:?}\n--- stdout\n{out}\n--- stderr\n{err}\n---"
        )
    }
}

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_segscope"))
}

fn run(command: &mut Command) -> Ended {
    let call = format!("{command:?}");
    let output = command.output().unwrap_or_else(|e| panic!("{call}: {e}"));
    Ended {
        call,
        code: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into(),
        err: String::from_utf8_lossy(&output.stderr).into(),
    }
}

/// `segscope segment` on the CPU.
fn segment(pictures: &[&Path], out: &Path, options: &[&str]) -> Ended {
    let mut command = program();
    command.arg("segment").args(pictures).arg("--out").arg(out);
    run(command.args(["--device", "cpu"]).args(options))
}

fn info(model: &Path) -> Ended {
    run(program().arg("info").arg(model)).expect(0)
}

fn in_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn sample() -> PathBuf {
    in_repository("assets/samples/street.jpg")
}

/// A published folder with a small network.
fn published_folder() -> PathBuf {
    in_repository("tests/golden/rstrudel-mask-p16-distilled")
}

fn empty_folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn bytes(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|e| panic!("{e}: {}", path.display()))
}

fn label_map(path: &Path) -> LabelMap {
    LabelMap::from_png(&bytes(path)).unwrap_or_else(|e| panic!("{e}: {}", path.display()))
}

fn picture(path: &Path) -> Photo {
    Photo::open(path).unwrap_or_else(|e| panic!("{e}"))
}

fn names_in(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{e}: {}", folder.display()));
    entries
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect()
}

/// Share of the pixels with an id below `classes` in `truth` that have the same id in `found`.
fn agreement(found: &LabelMap, truth: &LabelMap, classes: u16) -> f64 {
    assert_eq!(
        [found.width, found.height],
        [truth.width, truth.height],
        "width and height of the label map"
    );
    let known = || found.ids.iter().zip(&truth.ids).filter(|(_, truth)| **truth < classes);
    let same = known().filter(|(found, truth)| found == truth).count();
    let all = known().count();
    assert!(all > 0, "no pixel with a class");
    same as f64 / all as f64
}

fn agreement_with_the_sample(found: &LabelMap) -> f64 {
    let truth = label_map(&in_repository("assets/samples/street-labels.png"));
    agreement(found, &truth, CLASSES)
}

#[test]
fn every_format_of_the_sample_picture_is_written() {
    let folder = empty_folder();
    let out = folder.path();
    segment(
        &[&sample()],
        out,
        &["--formats", "labels,color,overlay,classes,confidence"],
    )
    .expect(0);
    let photo = picture(&sample());
    let size = [photo.width, photo.height];

    let map = label_map(&out.join("labels/street.png"));
    assert_eq!([map.width, map.height], size, "size of the label map");
    let share = agreement_with_the_sample(&map);
    println!("agreement with the rendered labels: {share:.4}");
    assert!(
        share >= 0.8,
        "expected the rendered labels in 80 % of the pixels, found {share:.4}"
    );

    let list: Value = serde_json::from_slice(&bytes(&out.join("classes.json"))).expect("classes.json is JSON");
    let classes = list["classes"].as_array().expect("classes.json has a list of classes");
    assert_eq!(classes.len(), usize::from(CLASSES), "classes in classes.json");
    let colors: Vec<Value> = classes.iter().map(|class| class["color"].clone()).collect();
    let color = picture(&out.join("color/street.png"));
    assert_eq!([color.width, color.height], size, "size of the colour map");
    let pixels = map.ids.iter().zip(color.rgb.as_chunks::<3>().0);
    let seen: BTreeSet<(u16, [u8; 3])> = pixels.map(|(id, rgb)| (*id, *rgb)).collect();
    for (id, rgb) in seen {
        let expected = colors.get(usize::from(id));
        assert_eq!(expected, Some(&serde_json::json!(rgb)), "colour of class {id}");
    }

    let overlay = picture(&out.join("overlay/street.png"));
    assert_eq!([overlay.width, overlay.height], size, "size of the overlay");

    let confidence = label_map(&out.join("confidence/street.png"));
    assert_eq!(
        [confidence.width, confidence.height],
        size,
        "size of the confidence map"
    );
    // The best of 11 classes has at least a probability of 1/11.
    let least = confidence.ids.iter().min().copied().unwrap_or(0);
    assert!(
        least > u16::MAX / (CLASSES + 1),
        "a best class with the probability {least} of 65535"
    );

    let masks = names_in(&out.join("classes/street"));
    let present: BTreeSet<u16> = map.ids.iter().copied().collect();
    assert_eq!(
        masks.len(),
        present.len(),
        "one mask for each of {present:?}, found {masks:?}"
    );
    for id in present {
        let start = format!("{id:03}-");
        let name = masks.iter().find(|name| name.starts_with(&start));
        let name = name.unwrap_or_else(|| panic!("no mask of class {id} in {masks:?}"));
        let mask = label_map(&out.join("classes/street").join(name));
        let same = mask.ids.iter().map(|v| *v != 0).eq(map.ids.iter().map(|i| *i == id));
        assert!(same, "{name} is not where the label map has {id}");
    }
}

#[test]
fn a_folder_with_damaged_pictures_gives_the_good_one_and_a_list_of_the_others() {
    let folder = empty_folder();
    let (pictures, out) = (folder.path().join("in"), folder.path().join("out"));
    fs::create_dir(&pictures).unwrap();
    fs::copy(sample(), pictures.join("good.jpg")).unwrap();
    let whole = bytes(&in_repository("assets/samples/street-labels.png"));
    fs::write(pictures.join("broken.png"), &whole[..whole.len() / 2]).unwrap();
    fs::write(pictures.join("notes.png"), "no picture at all\n").unwrap();
    fs::write(pictures.join("readme.txt"), "not even the name of a picture\n").unwrap();

    let ended = segment(&[&pictures], &out, &["--formats", "labels"]).expect(1);
    ended.complains_of(&["broken.png", "damaged"]);
    ended.complains_of(&["notes.png", "expected a PNG"]);
    ended.complains_of(&["2 of 3 pictures failed"]);
    ended.never_mentions("good.jpg");
    ended.never_mentions("readme.txt");
    assert_eq!(names_in(&out.join("labels")), BTreeSet::from(["good.png".to_owned()]));
}

#[test]
fn a_picture_that_is_missing_is_reported_and_the_next_one_segmented() {
    let folder = empty_folder();
    let missing = folder.path().join("missing.jpg");
    let ended = segment(&[&missing, &sample()], folder.path(), &["--formats", "labels"]).expect(1);
    ended.complains_of(&["missing.jpg", "cannot read the picture"]);
    assert_eq!(
        names_in(&folder.path().join("labels")),
        BTreeSet::from(["street.png".to_owned()])
    );
}

#[test]
fn a_folder_without_pictures_is_a_wrong_call() {
    let folder = empty_folder();
    let pictures = folder.path().join("none");
    fs::create_dir(&pictures).unwrap();
    let ended = segment(&[&pictures], &folder.path().join("out"), &[]).expect(2);
    ended.complains_of(&["expected pictures in the folder", "none"]);
}

#[test]
fn existing_files_are_replaced_only_when_told_so() {
    let folder = empty_folder();
    let out = folder.path();
    let (labels, color) = (out.join("labels/street.png"), out.join("color/street.png"));
    fs::create_dir(out.join("labels")).unwrap();
    fs::write(&labels, "somebody's own work").unwrap();

    let ended = segment(&[&sample()], out, &["--formats", "labels,color"]).expect(1);
    ended.complains_of(&["street.jpg", "expected no such file yet"]);
    assert_eq!(
        bytes(&labels),
        b"somebody's own work",
        "the file that was there: {ended}"
    );
    assert!(!color.exists(), "half an export was written: {ended}");

    segment(&[&sample()], out, &["--formats", "labels,color", "--overwrite"]).expect(0);
    let photo = picture(&sample());
    let map = label_map(&labels);
    assert_eq!([map.width, map.height], [photo.width, photo.height]);
    assert!(color.exists(), "the colour map is missing");
}

#[test]
fn json_has_an_object_with_timings_for_each_picture() {
    let folder = empty_folder();
    let again = folder.path().join("again.jpg");
    let broken = folder.path().join("broken.jpg");
    fs::copy(sample(), &again).unwrap();
    fs::write(&broken, "no picture").unwrap();
    let pictures = [sample(), broken, again];
    let paths: Vec<&Path> = pictures.iter().map(PathBuf::as_path).collect();
    let ended = segment(
        &paths,
        &folder.path().join("out"),
        &["--json", "--formats", "labels,color"],
    );
    let ended = ended.expect(1);
    let objects = ended.objects();
    assert_eq!(objects.len(), 3, "objects on stdout of {ended}");
    for (object, path) in objects.iter().zip(&paths) {
        assert_eq!(
            object["picture"].as_str(),
            path.to_str(),
            "order of the pictures: {ended}"
        );
    }
    assert!(
        objects[1]["error"].is_string(),
        "expected an error for the broken picture: {ended}"
    );
    for object in [&objects[0], &objects[2]] {
        let [encode, decode, labels, total] = ["encode_ms", "decode_ms", "labels_ms", "total_ms"].map(|key| {
            let time = object[key].as_f64();
            time.unwrap_or_else(|| panic!("no number {key} in {object}"))
        });
        assert!(
            encode > 0.0 && decode > 0.0 && labels > 0.0,
            "a stage without time: {object}"
        );
        // Each of the four is rounded to hundredths.
        assert!(
            (encode + decode + labels - total).abs() < 0.025,
            "the total is not the sum: {object}"
        );
        let written: Vec<&str> = object["written"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        assert_eq!(
            written.len(),
            3,
            "expected a label map, a colour map and a class list: {object}"
        );
        for path in written {
            assert!(
                Path::new(path).is_file(),
                "{path} is said to be written, but is not there"
            );
        }
    }
}

#[test]
fn a_model_that_is_none_is_a_wrong_call() {
    let folder = empty_folder();
    let out = folder.path().join("out");
    let text = folder.path().join("model.pth");
    fs::write(&text, "no model at all").unwrap();
    for model in [folder.path().join("missing.safetensors"), text] {
        let ended = segment(&[&sample()], &out, &["--model", &model.display().to_string()]).expect(2);
        ended.complains_of(&["segscope: ", &model.display().to_string()]);
        assert_eq!(ended.err.lines().count(), 1, "expected one sentence on stderr: {ended}");
        assert!(!out.exists(), "something was written: {ended}");
    }
}

#[test]
fn a_setting_out_of_bounds_is_named() {
    let folder = empty_folder();
    let out = folder.path().join("out");
    let cases = [
        ("--window", "8", "window"),
        ("--stride", "0", "stride"),
        ("--scales", "99", "scales"),
        ("--scales", "1,nan", "scales"),
        ("--short-side", "1", "short side"),
    ];
    for (option, value, named) in cases {
        let ended = segment(&[&sample()], &out, &[option, value]).expect(2);
        ended.complains_of(&[&format!("segscope: {named}: expected")]);
        assert!(!out.exists(), "something was written: {ended}");
    }
}

#[test]
fn scales_and_the_mirrored_picture_are_averaged() {
    let folder = empty_folder();
    let (plain, averaged) = (folder.path().join("plain"), folder.path().join("averaged"));
    segment(&[&sample()], &plain, &["--formats", "labels"]).expect(0);
    segment(
        &[&sample()],
        &averaged,
        &["--formats", "labels", "--scales", "0.75,1", "--flip"],
    )
    .expect(0);
    let [plain, averaged] = [plain, averaged].map(|out| label_map(&out.join("labels/street.png")));
    let share = agreement_with_the_sample(&averaged);
    println!("agreement with the rendered labels: {share:.4}");
    assert!(
        share >= 0.8,
        "expected the rendered labels in 80 % of the pixels, found {share:.4}"
    );
    // The passes see other pixels than the plain run, so some labels at the borders of things must differ.
    assert!(plain != averaged, "scales and flip changed nothing");
}

#[test]
fn another_class_set_names_the_classes_of_the_files() {
    let folder = empty_folder();
    let named = |set: &str, options: &[&str]| {
        let out = folder.path().join(set);
        segment(
            &[&sample()],
            &out,
            &[&["--formats", "labels", "--set", set], options].concat(),
        )
        .expect(0);
        let list: Value = serde_json::from_slice(&bytes(&out.join("classes.json"))).expect("JSON");
        (label_map(&out.join("labels/street.png")), list)
    };
    let (plain, camvid) = named("camvid", &[]);
    let (same, numbered) = named("numbered", &[]);
    assert_eq!(camvid["classes"][3]["name"], "road");
    assert_eq!(numbered["classes"][3]["name"], "class 3");
    assert_ne!(camvid["classes"][3]["color"], numbered["classes"][3]["color"]);
    assert!(plain == same, "another name moves no pixel");
}

#[test]
fn a_class_set_of_another_size_is_refused_with_those_that_fit() {
    let folder = empty_folder();
    let out = folder.path().join("out");
    for set in ["cityscapes", "pascal_context_59", "roads"] {
        let ended = segment(&[&sample()], &out, &["--set", set]).expect(2);
        ended.complains_of(&["segscope: set: expected", "11 classes", "(camvid, numbered)", set]);
        assert!(!out.exists(), "something was written: {ended}");
    }
}

#[test]
fn small_pictures_and_normalisation_go_by_the_flags() {
    let folder = empty_folder();
    let small = folder.path().join("small.png");
    let street = image::open(sample()).expect("the sample").thumbnail_exact(160, 120);
    street.save(&small).expect("a picture");
    let labels = |name: &str, options: &[&str]| {
        let out = folder.path().join(name);
        segment(&[&small], &out, &[&["--formats", "labels"], options].concat()).expect(0);
        label_map(&out.join("labels/small.png"))
    };
    let plain = labels("plain", &[]);
    assert!(labels("enlarged", &["--rules", "enlarge"]) == plain);
    assert!(labels("half", &["--normalisation", "0.5"]) == plain);
    assert!(
        labels("shrunk", &["--rules", "shrink"]) != plain,
        "a window of 160 x 120 sees less"
    );
    assert!(labels("imagenet", &["--normalisation", "imagenet"]) != plain);
}

#[test]
fn of_two_pictures_with_one_name_the_second_is_reported() {
    let folder = empty_folder();
    let out = folder.path().join("out");
    let [first, second] = ["first", "second"].map(|name| {
        let parent = folder.path().join(name);
        fs::create_dir(&parent).unwrap();
        fs::copy(sample(), parent.join("street.jpg")).unwrap();
        parent.join("street.jpg")
    });
    let options = ["--formats", "labels", "--overwrite"];
    let ended = segment(&[&first, &second], &out, &options).expect(1);
    ended.complains_of(&[&second.display().to_string(), "same name"]);
    ended.never_mentions(&first.display().to_string());
    assert!(
        out.join("labels/street.png").is_file(),
        "the first picture is missing: {ended}"
    );
}

#[test]
fn info_describes_the_embedded_model() {
    let ended = run(program().arg("info")).expect(0);
    assert_eq!(ended.row("model"), "Seg-T-Mask/16");
    assert_eq!(ended.row("classes"), "11 (camvid)");
    assert_eq!(
        ended.row("rules"),
        "pictures smaller than the window are enlarged to it"
    );
    assert_eq!(ended.row("parameters"), seg_t_mask_16_parameters().to_string());
    let set = ClassSet::known("camvid").expect("a built-in class set");
    let lines = ended.class_lines();
    for (id, class) in set.classes.iter().enumerate() {
        let [r, g, b] = class.color;
        let text = format!("{id}  #{r:02x}{g:02x}{b:02x}  {}", class.name);
        assert!(
            lines.iter().any(|line| line.trim() == text),
            "expected {text:?} on stdout of {ended}"
        );
    }
}

/// Parameters of ViT-Tiny for 384 pixels with a mask transformer for 11 classes, from the layers of the papers.
fn seg_t_mask_16_parameters() -> usize {
    let (dim, patch, classes) = (192, 16, 11);
    let linear = |from: usize, to: usize| from * to + to;
    let norm = |dim: usize| 2 * dim;
    let attention = linear(dim, 3 * dim) + linear(dim, dim);
    let block = 2 * norm(dim) + attention + linear(dim, 4 * dim) + linear(4 * dim, dim);
    let tokens = dim + (24 * 24 + 1) * dim;
    let encoder = linear(3 * patch * patch, dim) + tokens + 12 * block + norm(dim);
    let projections = 2 * dim * dim;
    let decoder = linear(dim, dim) + classes * dim + 2 * block + norm(dim) + projections + norm(classes);
    encoder + decoder
}

#[test]
fn a_bundle_is_the_model_it_was_made_from() {
    let folder = empty_folder();
    let (published, bundle) = (published_folder(), folder.path().join("small.safetensors"));
    let convert = |options: &[&str]| {
        run(program()
            .arg("convert")
            .arg(&published)
            .arg("-o")
            .arg(&bundle)
            .args(options))
    };
    convert(&[]).expect(0);

    let [from, to] = [info(&published), info(&bundle)];
    let rows = [
        "model",
        "parameters",
        "encoder",
        "positions",
        "layer norm",
        "decoder",
        "normalise",
        "window",
        "short side",
    ];
    for name in rows {
        assert_eq!(from.row(name), to.row(name), "{name} of folder and bundle");
    }
    assert_eq!(from.class_lines(), to.class_lines(), "classes of folder and bundle");
    assert_eq!(
        from.row("encoder"),
        "64 wide, 2 blocks, 1 heads, patch 16, distillation token"
    );
    assert_eq!(from.row("window"), "48 pixels, stride 36");

    let before = bytes(&bundle);
    convert(&["--note", "purpose=a test"])
        .expect(2)
        .complains_of(&["--overwrite", "small.safetensors"]);
    assert_eq!(bytes(&bundle), before, "the bundle changed without --overwrite");
    convert(&["--note", "purpose=a test", "--overwrite"]).expect(0);
    assert_eq!(info(&bundle).row("purpose"), "a test");

    let [from, to] = [("folder", &published), ("bundle", &bundle)].map(|(name, model)| {
        let out = folder.path().join(name);
        let model = model.display().to_string();
        segment(&[&sample()], &out, &["--formats", "labels", "--model", &model]).expect(0);
        label_map(&out.join("labels/street.png"))
    });
    // The bundle holds the weights with 16 bits.
    let share = agreement(&to, &from, u16::MAX);
    println!("folder and bundle agree in {share:.4} of the pixels");
    assert!(share >= 0.99, "expected 99 % of the pixels, found {share:.4}");
}

#[test]
fn a_bundle_needs_its_ending() {
    let folder = empty_folder();
    let target = folder.path().join("small.bin");
    let ended = run(program().arg("convert").arg(published_folder()).arg("-o").arg(&target)).expect(2);
    ended.complains_of(&[".safetensors", "small.bin"]);
    assert!(!target.exists(), "something was written: {ended}");
}

#[test]
fn devices_lists_the_cpu_and_what_auto_takes() {
    let ended = run(program().arg("devices")).expect(0);
    let count = |start: &str| ended.out.lines().filter(|line| line.starts_with(start)).count();
    assert_eq!(count("CPU: "), 1, "a line on the CPU on stdout of {ended}");
    assert_eq!(count("auto takes "), 1, "a line on the choice on stdout of {ended}");
}

#[test]
fn bench_prints_its_fields() {
    let object = bench(&[]);
    for (key, value) in [("model", "tiny"), ("decoder", "mask"), ("device", "cpu")] {
        assert_eq!(object[key].as_str(), Some(value), "{key} in {object}");
    }
    for (key, value) in [("patch", 16), ("classes", 5), ("size", 64)] {
        assert_eq!(object[key].as_u64(), Some(value), "{key} in {object}");
    }
    for key in ["encode_ms", "decode_ms", "labels_ms", "total_ms"] {
        assert!(object[key].as_f64().is_some_and(|ms| ms > 0.0), "{key} in {object}");
    }
    let peer = object["peer"].as_str().unwrap_or_default();
    assert!(peer.starts_with("segscope "), "peer in {object}");
    assert!(object["threads"].as_u64().is_some_and(|n| n > 0), "threads in {object}");
    if cfg!(target_os = "linux") {
        let peak = object["peak_rss_mib"].as_u64();
        assert!(peak.is_some_and(|mib| mib > 0), "peak_rss_mib in {object}");
    }
}

#[test]
fn bench_uses_the_threads_it_is_given() {
    let object = bench(&["--threads", "1", "--decoder", "linear"]);
    assert_eq!(object["threads"].as_u64(), Some(1), "threads in {object}");
    assert_eq!(object["decoder"].as_str(), Some("linear"), "decoder in {object}");
}

/// The object that `segscope bench` prints for a small picture.
fn bench(options: &[&str]) -> Value {
    let mut command = program();
    command.args(["bench", "--size", "64", "--model-size", "tiny", "--classes", "5"]);
    command.args(["--runs", "1", "--device", "cpu", "--json"]);
    let ended = run(command.args(options)).expect(0);
    let mut objects = ended.objects();
    assert_eq!(objects.len(), 1, "objects on stdout of {ended}");
    objects.remove(0)
}

#[test]
#[cfg(target_os = "linux")]
fn without_a_display_the_command_line_is_named() {
    let mut command = program();
    for variable in ["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"] {
        command.env_remove(variable);
    }
    let ended = run(&mut command).expect(2);
    ended.complains_of(&["segscope: ", "segscope segment"]);
    assert_eq!(ended.err.lines().count(), 1, "expected one line on stderr: {ended}");
}
