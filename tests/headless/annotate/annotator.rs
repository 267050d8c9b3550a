//! The thread that writes label files, as the window uses it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use segscope::annotate::project::{ClassEdit, ImageRecord, ImageState, Origin, Project};
use segscope::annotate::{Layer, Patch, Rules, Span, UNLABELLED};
use segscope::datasets::TruthReader;
use segscope::engine::{AnnotationNews, AnnotationRequest, Annotator, Asked, Import, OpenedAnnotation};
use segscope::labels::{ClassSet, LabelMap};

const DEADLINE: Duration = Duration::from_secs(60);
const SIZE: [usize; 2] = [120, 80];

type ChangedClasses = (Project, Option<[u16; 2]>, Vec<(PathBuf, Patch)>, [u64; 2]);

/// The thread with a folder of images.
struct Bench {
    annotator: Annotator,
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("images")).expect("a folder");
        Self {
            annotator: Annotator::start(Box::new(|| {})).expect("a thread"),
            folder,
        }
    }

    fn image(&self, name: &str) -> PathBuf {
        self.folder.path().join("images").join(format!("{name}.jpg"))
    }

    fn labels(&self, name: &str) -> LabelMap {
        let path = self.folder.path().join("labels").join(format!("{name}.png"));
        LabelMap::open(&path).expect("a label map")
    }

    fn next(&self) -> AnnotationNews {
        let start = Instant::now();
        loop {
            if let Some(news) = self.annotator.poll() {
                return news;
            }
            assert!(start.elapsed() < DEADLINE, "no news");
            std::thread::park_timeout(Duration::from_millis(2));
        }
    }

    fn open(&self, image: &Path) -> OpenedAnnotation {
        let set = ClassSet::numbered(5);
        let asked = Asked::new();
        self.annotator.ask(AnnotationRequest::Open {
            ticket: asked.ticket(),
            image: image.to_owned(),
            size: SIZE,
            reader: Box::new(TruthReader::new(&set)),
            colors: set.classes.iter().map(|class| class.color).collect(),
            classes: set,
        });
        loop {
            match self.next() {
                AnnotationNews::Opened { ticket, labels } if asked.is(&ticket) => return *labels,
                AnnotationNews::OpenFailed { message, .. } => panic!("{message}"),
                _ => {}
            }
        }
    }

    /// Gives rows of an image a class, and waits until they are saved.
    fn paint(&self, image: &Path, layer: &mut Layer, rows: std::ops::Range<usize>, class: u16) {
        let edit = stroke(layer, rows, class);
        let mut record = ImageRecord::new(format!(
            "images/{}",
            image.file_name().expect("a name").to_string_lossy()
        ));
        record.note_edit(1);
        self.annotator.ask(AnnotationRequest::Edit {
            image: image.to_owned(),
            edit,
            record,
            number: 1,
        });
        self.wait_until_saved(image);
    }

    /// Counts the pixels of a class in all label files.
    fn count(&self, image: &Path, wanted: u16) -> [u64; 2] {
        self.annotator.ask(AnnotationRequest::Count {
            image: image.to_owned(),
            id: wanted,
        });
        loop {
            if let AnnotationNews::Counted { id, pixels } = self.next()
                && id == wanted
            {
                return pixels;
            }
        }
    }

    /// Waits for a change of the class list that can be undone: the list, the replaced ids, the edits of open images,
    /// and how much has changed.
    fn changed_classes(&self) -> ChangedClasses {
        loop {
            match self.next() {
                AnnotationNews::Classes {
                    project,
                    replaced,
                    edits,
                    changed,
                    undo: true,
                    ..
                } => return (project, replaced, edits, changed),
                AnnotationNews::ClassesFailed { message } => panic!("{message}"),
                _ => {}
            }
        }
    }

    fn wait_until_saved(&self, image: &Path) {
        loop {
            match self.next() {
                AnnotationNews::Saved { image: saved, .. } if saved == image => return,
                AnnotationNews::SaveFailed { message, .. } => panic!("{message}"),
                _ => {}
            }
        }
    }
}

fn stroke(layer: &mut Layer, rows: std::ops::Range<usize>, class: u16) -> Patch {
    layer.begin(Rules::default(), None);
    let spans: Vec<Span> = rows.map(|y| Span { y, x: 0..SIZE[0] }).collect();
    layer.write(&spans, class);
    layer.commit(|_| String::new()).1
}

fn layer_of(labels: &OpenedAnnotation) -> Layer {
    Layer::new(LabelMap::clone(&labels.map))
}

#[test]
fn strokes_are_saved_at_once_with_class_list_and_record() {
    let bench = Bench::new();
    let image = bench.image("a");
    let labels = bench.open(&image);
    assert_eq!((&labels.origin, labels.record.state), (&Origin::New, ImageState::New));
    assert!(!labels.labels.exists(), "nothing is written before the first edit");
    let mut layer = layer_of(&labels);
    bench.paint(&image, &mut layer, 3..9, 2);
    let mut expected = layer.map().clone();
    expected
        .ids
        .iter_mut()
        .filter(|id| **id == UNLABELLED)
        .for_each(|id| *id = 255);
    assert!(bench.labels("a") == expected);
    let folder = bench.folder.path();
    for name in ["project.toml", "state.jsonl"] {
        assert!(folder.join(name).is_file(), "{name}");
    }
    let state = fs::read_to_string(folder.join("state.jsonl")).expect("records");
    assert!(
        state.contains("\"state\":\"in_progress\"") && state.contains("label_crc"),
        "{state}"
    );
    let again = bench.open(&image);
    assert!(again.origin == Origin::Own && Arc::unwrap_or_clone(again.map) == *layer.map());
}

#[test]
fn all_edits_are_saved_when_the_thread_ends() {
    let bench = Bench::new();
    let image = bench.image("a");
    let mut layer = layer_of(&bench.open(&image));
    for i in 0..20 {
        let edit = stroke(&mut layer, i..i + 3, (i % 5) as u16);
        let record = ImageRecord::new("images/a.jpg");
        bench.annotator.ask(AnnotationRequest::Edit {
            image: image.clone(),
            edit,
            record,
            number: 1,
        });
    }
    let Bench { annotator, folder } = bench;
    drop(annotator);
    let written = LabelMap::open(&folder.path().join("labels/a.png")).expect("a label map");
    let same = |(written, id): (&u16, &u16)| *written == if *id == UNLABELLED { 255 } else { *id };
    assert!(written.ids.iter().zip(&layer.map().ids).all(same));
    let hidden = fs::read_dir(folder.path().join("labels/.journal")).expect("a folder");
    assert_eq!(hidden.count(), 0, "the journal is removed");
}

#[test]
fn another_program_s_change_is_told_and_nothing_is_lost() {
    let bench = Bench::new();
    let image = bench.image("a");
    let mut layer = layer_of(&bench.open(&image));
    bench.paint(&image, &mut layer, 3..9, 2);
    let path = bench.folder.path().join("labels/a.png");
    let mine = fs::read(&path).expect("a file");
    let other = {
        let mut layer = Layer::new(layer.map().clone());
        stroke(&mut layer, 40..50, 4);
        let ids: Vec<u16> = layer.map().ids.iter().map(|id| (*id).min(255)).collect();
        let kind = segscope::labels::LabelPng::of(&mine).expect("a label map");
        kind.encode(SIZE, &ids).expect("a PNG")
    };
    fs::write(&path, &other).expect("a file");
    let edit = stroke(&mut layer, 20..22, 1);
    bench.annotator.ask(AnnotationRequest::Edit {
        image: image.clone(),
        edit,
        record: ImageRecord::new("images/a.jpg"),
        number: 1,
    });
    loop {
        if let AnnotationNews::SaveFailed { changed, message, .. } = bench.next() {
            assert!(changed && message.ends_with("a.png"), "{message}");
            break;
        }
    }
    assert_eq!(fs::read(&path).expect("a file"), other);
    bench.annotator.ask(AnnotationRequest::Save {
        image: image.clone(),
        over: true,
    });
    bench.wait_until_saved(&image);
    let map = bench.labels("a");
    assert_eq!((map.get(0, 20), map.get(0, 45)), (Some(1), Some(255)));
}

/// Pixels of each class in a file.
fn counts(map: &LabelMap) -> Vec<u64> {
    map.counts(6)
}

#[test]
fn merging_changes_exactly_the_counted_pixels_and_can_be_undone() {
    let bench = Bench::new();
    let names = ["a", "b", "c"];
    let mut layers = Vec::new();
    for (i, name) in names.into_iter().enumerate() {
        let image = bench.image(name);
        let mut layer = layer_of(&bench.open(&image));
        bench.paint(&image, &mut layer, 0..10 + i, 1);
        bench.paint(&image, &mut layer, 20..25 + i, 3);
        layers.push(layer);
    }
    // One of them is not open.
    bench.annotator.ask(AnnotationRequest::Close {
        image: bench.image("c"),
    });
    let before: Vec<LabelMap> = names.iter().map(|name| bench.labels(name)).collect();
    let image = bench.image("a");
    let pixels = bench.count(&image, 3);
    assert_eq!(pixels, [18 * SIZE[0] as u64, 3]);
    let edit = ClassEdit::Delete { id: 3, into: 1 };
    bench.annotator.ask(AnnotationRequest::EditClasses {
        image: image.clone(),
        edit,
    });
    let (project, replaced, edits, changed) = bench.changed_classes();
    assert_eq!((replaced, changed), (Some([3, 1]), pixels));
    assert!(project.class(3).is_none() && project.rewriting.is_none());
    assert_eq!(edits.len(), 2, "the open ones are told");
    for (before, name) in before.iter().zip(names) {
        let now = bench.labels(name);
        let merged = before.ids.iter().map(|id| if *id == 3 { 1 } else { *id });
        assert!(now.ids.iter().copied().eq(merged), "{name}");
        assert_eq!(counts(&now)[3], 0);
    }
    // Steps of undo do not bring the class back.
    for (image, patch) in &edits {
        let place = names
            .iter()
            .position(|name| bench.image(name) == *image)
            .expect("one of them");
        layers[place].take_replaced(patch, [3, 1]);
        layers[place].undo(&Default::default()).expect("nothing is locked");
        assert!(!layers[place].map().ids.contains(&3));
        layers[place].redo(&Default::default()).expect("nothing is locked");
        assert!(!layers[place].map().ids.contains(&3));
    }
    bench
        .annotator
        .ask(AnnotationRequest::UndoClasses { image: image.clone() });
    loop {
        match bench.next() {
            AnnotationNews::Classes {
                project, undo: false, ..
            } => {
                assert!(project.class(3).is_some());
                break;
            }
            AnnotationNews::ClassesFailed { message } => panic!("{message}"),
            _ => {}
        }
    }
    for (before, name) in before.iter().zip(names) {
        assert!(&bench.labels(name) == before, "{name}");
    }
    // A second undo has nothing to take back.
    bench.annotator.ask(AnnotationRequest::UndoClasses { image });
}

#[test]
fn a_class_that_is_locked_is_not_merged() {
    let bench = Bench::new();
    let image = bench.image("a");
    let mut layer = layer_of(&bench.open(&image));
    bench.paint(&image, &mut layer, 0..10, 1);
    for (edit, told) in [
        (ClassEdit::Lock { id: 1, locked: true }, None),
        (ClassEdit::Delete { id: 1, into: 2 }, Some("locked")),
        (ClassEdit::Delete { id: 2, into: 1 }, Some("locked")),
    ] {
        bench.annotator.ask(AnnotationRequest::EditClasses {
            image: image.clone(),
            edit,
        });
        let message = loop {
            match bench.next() {
                AnnotationNews::Classes { .. } => break None,
                AnnotationNews::ClassesFailed { message } => break Some(message),
                _ => {}
            }
        };
        assert_eq!(message.is_some(), told.is_some(), "{message:?}");
        assert!(told.is_none_or(|told| message.is_some_and(|message| message.contains(told))));
    }
    assert_eq!(counts(&bench.labels("a"))[1], 10 * SIZE[0] as u64);
}

/// Labels of CVAT: rows 0 to 9 of the image are of a class that the project has, row 10 of a new one.
fn cvat(folder: &Path) -> PathBuf {
    let mask = |label: &str, top: usize, height: usize| {
        format!(
            "<mask label=\"{label}\" rle=\"0, {}\" left=\"0\" top=\"{top}\" width=\"120\" height=\"{height}\"></mask>",
            120 * height
        )
    };
    let labels: String = ["class 2", "kerb"]
        .map(|name| format!("<label><name>{name}</name></label>"))
        .concat();
    let shapes = mask("class 2", 0, 10) + &mask("kerb", 10, 1);
    let image = |name: &str| format!("<image id=\"0\" name=\"{name}\" width=\"120\" height=\"80\">{shapes}</image>");
    let images = image("a.jpg") + &image("elsewhere.jpg") + &image("b.jpg");
    let path = folder.join("annotations.xml");
    let text = format!("<annotations><meta><task><labels>{labels}</labels></task></meta>{images}</annotations>");
    fs::write(&path, text).expect("written");
    path
}

#[test]
fn labels_of_another_program_are_imported_as_one_change_that_can_be_undone() {
    let bench = Bench::new();
    let images = ["a", "b"].map(|name| bench.image(name));
    for image in &images {
        let pixels = vec![90; SIZE[0] * SIZE[1] * 3];
        let photo = segscope::photo::Photo::new(SIZE[0], SIZE[1], pixels);
        fs::write(image, encoded(&photo)).expect("written");
    }
    let opened = bench.open(&images[0]);
    let mut layer = layer_of(&opened);
    bench.paint(&images[0], &mut layer, 0..80, 3);
    bench.annotator.ask(AnnotationRequest::EditClasses {
        image: images[0].clone(),
        edit: ClassEdit::Lock { id: 3, locked: true },
    });
    bench.changed_classes();
    let set = ClassSet::numbered(5);
    let import = |from: PathBuf| {
        bench.annotator.ask(AnnotationRequest::Import(Box::new(Import {
            image: images[0].clone(),
            images: images.to_vec(),
            from,
            reader: Box::new(TruthReader::new(&set)),
            classes: set.clone(),
        })));
    };
    import(cvat(bench.folder.path()));
    let (project, _, edits, changed) = bench.changed_classes();
    let kerb = project
        .listed()
        .find(|class| class.name == "kerb")
        .expect("a new class")
        .id;
    // Rows of the locked class stay.
    assert_eq!(changed, [11 * 120, 1]);
    assert!(
        edits.iter().all(|(_, edit)| *edit == Patch::default()),
        "nothing in the open image changed"
    );
    let message = loop {
        if let AnnotationNews::Imported { message, complete, .. } = bench.next() {
            assert!(!complete, "an image is missing");
            break message;
        }
    };
    for part in ["2 photos", "CVAT", "1 class added", "elsewhere.jpg"] {
        assert!(message.contains(part), "{part} in {message}");
    }
    let found = counts(&bench.labels("b"));
    assert_eq!((found[2], found[usize::from(kerb)]), (10 * 120, 120));
    bench.annotator.ask(AnnotationRequest::UndoClasses {
        image: images[0].clone(),
    });
    let project = loop {
        if let AnnotationNews::Classes {
            project, undo: false, ..
        } = bench.next()
        {
            break project;
        }
    };
    assert!(project.listed().all(|class| class.name != "kerb"));
    assert_eq!(counts(&bench.labels("b"))[2], 0);
    import(bench.folder.path().join("images"));
    loop {
        match bench.next() {
            AnnotationNews::ImportFailed { message } => break assert!(message.contains("known format"), "{message}"),
            AnnotationNews::Imported { message, .. } => panic!("{message}"),
            _ => {}
        }
    }
}

/// A PNG with these pixels.
fn encoded(photo: &segscope::photo::Photo) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, photo.width as u32, photo.height as u32);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().expect("a header");
    writer.write_image_data(&photo.rgb).expect("pixels");
    writer.finish().expect("an end");
    bytes
}
