//! Nothing but the edit that is being made is lost when the program is killed, whenever that happens.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use segscope::annotate::project::{ClassEdit, ImageState, Store};
use segscope::annotate::{Layer, Patch, Rules, Span};
use segscope::datasets::TruthReader;
use segscope::labels::{ClassSet, LabelMap};

const SIZE: [usize; 2] = [700, 500];

/// Names the folder in which the killed process works.
const FOLDER: &str = "SEGSCOPE_KILLED_IN";

const KILLS: usize = 50;

fn classes() -> ClassSet {
    ClassSet::numbered(9)
}

/// The edit with this number, and the layer after it.
fn edit(layer: &mut Layer, number: usize) -> Patch {
    layer.begin(Rules::default(), None);
    let top = number * 37 % (SIZE[1] - 20);
    let spans = (top..top + 20).map(|y| Span {
        y,
        x: number * 53 % SIZE[0]..SIZE[0],
    });
    layer.write(&spans.collect::<Vec<_>>(), (number % 9) as u16);
    layer.commit(|_| String::new()).1
}

/// Edits, saves, and changes class list and records, until it is killed. It prints the number of each edit that is safe.
#[test]
fn the_killed_process() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let image = Path::new(&folder).join("images/a.jpg");
    let set = classes();
    let mut store = Store::open(&Store::root_of(&image), &set, &[]).expect("a project");
    let mut opened = store
        .open_labels(&image, SIZE, (&set, &TruthReader::new(&set)))
        .expect("labels");
    let mut layer = Layer::new(opened.file.map().clone());
    let mut record = opened.record;
    for number in 0.. {
        let patch = edit(&mut layer, number);
        opened.file.edit(&patch).expect("in the journal");
        println!("edit {number}");
        std::io::stdout().flush().expect("a pipe");
        if number % 3 == 1 {
            store.write_classes().expect("written");
            let saved = opened.file.save(&set, false).expect("saved").expect("edits");
            record.label_crc = Some(saved.crc);
            record.set_state(ImageState::InProgress);
            store.set_record(record.clone()).expect("written");
        }
        if number % 5 == 2 {
            let name = format!("class of edit {number}");
            store.edit_classes(&ClassEdit::Rename { id: 3, name }).expect("edited");
        }
    }
}

/// Runs the process until it has made some edits, kills it after a while, and returns the number of edits that it said
/// are safe.
fn run_and_kill(folder: &Path, edits: usize, wait: Duration) -> usize {
    let mut child = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "annotate::kills::the_killed_process", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .expect("a process");
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let number_of = |line: &str| {
        line.rsplit_once("edit ")
            .and_then(|(_, number)| number.parse::<usize>().ok())
    };
    let mut safe = 0;
    for line in lines.by_ref().map_while(Result::ok) {
        if let Some(number) = number_of(&line) {
            safe = number + 1;
            if safe >= edits {
                break;
            }
        }
    }
    // At a random moment of the next edits.
    std::thread::park_timeout(wait);
    child.kill().expect("a running process");
    child.wait().expect("its end");
    for line in lines.map_while(Result::ok) {
        safe = number_of(&line).map_or(safe, |number| number + 1);
    }
    safe
}

#[test]
fn fifty_kills_lose_at_most_the_open_edit() {
    let mut layer = Layer::empty(SIZE);
    let mut states = vec![layer.map().clone()];
    let mut torn = 0;
    for kill in 0..KILLS {
        let folder = tempfile::tempdir().expect("a folder");
        let image = folder.path().join("images/a.jpg");
        fs::create_dir(folder.path().join("images")).expect("a folder");
        let wait = Duration::from_micros((kill as u64 * 7_919) % 9_000);
        let safe = run_and_kill(folder.path(), 2 + kill % 11, wait);
        while states.len() <= safe + 1 {
            edit(&mut layer, states.len() - 1);
            states.push(layer.map().clone());
        }
        let set = classes();
        let mut store = Store::open(&Store::root_of(&image), &set, &[]).expect("a project that can be read");
        let opened = store
            .open_labels(&image, SIZE, (&set, &TruthReader::new(&set)))
            .expect("labels");
        let found: &LabelMap = opened.file.map();
        assert!(
            found == &states[safe] || found == &states[safe + 1],
            "kill {kill}: after {safe} safe edits, found neither these nor one more ({} recovered, {:?})",
            opened.recovered,
            opened.notes
        );
        torn += usize::from(opened.recovered > 0);
        assert!(opened.notes.is_empty(), "{:?}", opened.notes);
        let label = store.project().set().label(3);
        assert!(label == "class 3" || label.starts_with("class of edit "), "{label}");
    }
    // Otherwise the journal was never needed.
    assert!(torn > KILLS / 10, "{torn} of {KILLS}");
}
