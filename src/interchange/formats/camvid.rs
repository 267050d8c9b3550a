//! `camvid`: RGB PNG files `labels/NAME_L.png` in the colours of `label_colors.txt`, whose lines are `R G B<tab>name`.
//!
//! Black, `Void`, is written for pixels without a class. Where classes share a colour or have black, the later ones get
//! another colour.

use std::path::{Path, PathBuf};

use crate::annotate::UNLABELLED;
use crate::interchange::id_png_writer::{Pixels, PngWriter, distinct_colors};
use crate::interchange::id_pngs::{ColorValues, LabelFile, PngReader, Values, any_file, listed};
use crate::interchange::{
    InterchangeError, LabelClass, LabelClasses, LabelReader, LabelWriter, ReadChoices, WriteChoices, files,
};

/// The file of colours and names.
const NAMES: &str = "label_colors.txt";

/// The folder that masks are written to.
const MASKS: &str = "labels";

/// End of the masks' names in the dataset.
const ENDING: &str = "_L.png";

/// End of the names of folders with masks, in SegNet's arrangement of the dataset.
const FOLDER_ENDING: &str = "annot";

/// The class of pixels without a class.
const VOID: &str = "Void";

/// Names of lines that mean no class: the dataset's and datumaro's.
const WITHOUT_CLASS: [&str; 2] = [VOID, "background"];

/// The dataset's names and colours (label_colors.txt of Brostow et al.).
const DATASET: [(&str, [u8; 3]); 32] = [
    ("Animal", [64, 128, 64]),
    ("Archway", [192, 0, 128]),
    ("Bicyclist", [0, 128, 192]),
    ("Bridge", [0, 128, 64]),
    ("Building", [128, 0, 0]),
    ("Car", [64, 0, 128]),
    ("CartLuggagePram", [64, 0, 192]),
    ("Child", [192, 128, 64]),
    ("Column_Pole", [192, 192, 128]),
    ("Fence", [64, 64, 128]),
    ("LaneMkgsDriv", [128, 0, 192]),
    ("LaneMkgsNonDriv", [192, 0, 64]),
    ("Misc_Text", [128, 128, 64]),
    ("MotorcycleScooter", [192, 0, 192]),
    ("OtherMoving", [128, 64, 64]),
    ("ParkingBlock", [64, 192, 128]),
    ("Pedestrian", [64, 64, 0]),
    ("Road", [128, 64, 128]),
    ("RoadShoulder", [128, 128, 192]),
    ("Sidewalk", [0, 0, 192]),
    ("SignSymbol", [192, 128, 128]),
    ("Sky", [128, 128, 128]),
    ("SUVPickupTruck", [64, 128, 192]),
    ("TrafficCone", [0, 0, 64]),
    ("TrafficLight", [0, 64, 64]),
    ("Train", [192, 64, 128]),
    ("Tree", [128, 128, 0]),
    ("Truck_Bus", [192, 128, 192]),
    ("Tunnel", [64, 0, 64]),
    ("VegetationMisc", [192, 192, 0]),
    (VOID, [0, 0, 0]),
    ("Wall", [64, 192, 0]),
];

/// Opens the folder with `label_colors.txt`, or a folder of masks that has it beside; without it, colours are those of
/// the dataset. Lines named `Void` or `background` mean no class, unless the given classes have one of that name.
///
/// # Errors
/// When the file of colours is damaged, or there are no masks.
pub fn open(path: &Path, choices: &ReadChoices) -> Result<Box<dyn LabelReader>, InterchangeError> {
    let mut remarks = Vec::new();
    let folders = [Some(path), path.parent()].into_iter().flatten();
    let lines = match folders.map(|folder| folder.join(NAMES)).find(|file| file.is_file()) {
        Some(file) => parsed(&file)?,
        None => {
            remarks.push(format!(
                "No {NAMES} lies beside the masks, so colours are those of the dataset."
            ));
            DATASET.map(|(name, color)| (color, name.to_owned())).to_vec()
        }
    };
    let given = choices.classes.as_ref();
    let (mut classes, mut colors) = (LabelClasses::default(), ColorValues::default());
    for (color, name) in lines {
        let is_class =
            !WITHOUT_CLASS.contains(&name.as_str()) || given.is_some_and(|given| given.named(&name).is_some());
        // Two colours of one class are the same class.
        let id = match (is_class, classes.named(&name)) {
            (false, _) => UNLABELLED,
            (true, Some(class)) => class.id,
            (true, None) => {
                let id = classes.len() as u16;
                classes.add(LabelClass { id, name, color });
                id
            }
        };
        colors.add(color, id);
    }
    colors.add([0; 3], UNLABELLED);
    let (classes, values) = Values::named(&classes, given);
    let values = values.with_unlabelled(UNLABELLED);
    PngReader::boxed(masks(path)?, classes, remarks, path, move |file| {
        values.ids(colors.read(file)?, file)
    })
}

/// Files named as masks; if there are none, those in folders named as of masks.
fn masks(path: &Path) -> Result<Vec<LabelFile>, InterchangeError> {
    let folder = path.join(MASKS);
    let folder = if folder.is_dir() { folder.as_path() } else { path };
    let found = listed(folder, ENDING, ".png")?;
    if !found.is_empty() {
        return Ok(found);
    }
    let in_folder = |file: LabelFile| {
        let (mask_folder, name) = file.image.rsplit_once('/')?;
        // trainannot/a.png is of train/a.png.
        let image = format!("{}/{name}", mask_folder.strip_suffix(FOLDER_ENDING)?);
        Some(LabelFile { image, ..file })
    };
    let all = listed(path, ".png", ".png")?;
    let in_folders: Vec<LabelFile> = all.iter().cloned().filter_map(in_folder).collect();
    Ok(if in_folders.is_empty() { all } else { in_folders })
}

/// Colours and names of a file, less than 65 thousand.
fn parsed(path: &Path) -> Result<Vec<([u8; 3], String)>, InterchangeError> {
    let text = files::read_text(path)?;
    let mut lines: Vec<([u8; 3], String)> = Vec::new();
    let mut colors = ColorValues::default();
    for line in text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let Some((color, name)) = parse_line(line) else {
            let text = format!("expected lines such as 128 64 128 road, found {line:?}; correct it");
            return Err(InterchangeError::content(text, path));
        };
        if !colors.add(color, 0) {
            let text = format!("expected a colour for each class, found the one of {line:?} twice; change one");
            return Err(InterchangeError::content(text, path));
        }
        lines.push((color, name.to_owned()));
        if lines.len() >= usize::from(UNLABELLED) {
            let text = format!("expected less than {UNLABELLED} classes, found more; shorten the list");
            return Err(InterchangeError::content(text, path));
        }
    }
    Ok(lines)
}

/// The colour and the name in a line.
fn parse_line(line: &str) -> Option<([u8; 3], &str)> {
    let mut color = [0; 3];
    let mut rest = line;
    for channel in &mut color {
        let (number, after) = rest.split_once(char::is_whitespace)?;
        *channel = number.parse().ok()?;
        rest = after.trim_start();
    }
    Some((color, rest)).filter(|(_, name)| !name.is_empty())
}

/// Writes masks in colours and `label_colors.txt`. A class named `Void` comes back as no class. The file holds names
/// with spaces, but datumaro reads only their first word.
///
/// # Errors
/// When a name cannot be in the file, or the folder cannot be made.
pub fn create(out: &Path, classes: &LabelClasses, _: &WriteChoices) -> Result<Box<dyn LabelWriter>, InterchangeError> {
    files::check_names(classes)?;
    let is_plain = |name: &str| !name.is_empty() && name.trim() == name && !name.contains(['\n', '\r']);
    if let Some(class) = classes.iter().find(|class| !is_plain(&class.name)) {
        let text = format!(
            "expected class names of one line, found {:?}; rename the class",
            class.name
        );
        return Err(InterchangeError::content(text, out));
    }
    let lost: Vec<u16> = classes
        .iter()
        .filter(|class| WITHOUT_CLASS.contains(&class.name.as_str()))
        .map(|class| class.id)
        .collect();
    let written: LabelClasses = classes
        .iter()
        .filter(|class| !lost.contains(&class.id))
        .cloned()
        .collect();
    let mut colors = distinct_colors(&written);
    let mut lines = format!("0 0 0\t{VOID}\n");
    for class in written.iter() {
        if let Some([red, green, blue]) = colors.get(&class.id) {
            lines.push_str(&format!("{red} {green} {blue}\t{}\n", class.name));
        }
    }
    colors.extend(lost.iter().chain([&UNLABELLED]).map(|id| (*id, [0; 3])));
    let file = out.join(NAMES);
    let writer = PngWriter::new(out, place, Pixels::Colors(colors))?.losing(lost);
    Ok(Box::new(
        writer.finishing(move |_| files::replace(&file, lines.as_bytes())),
    ))
}

fn place(out: &Path, name: &str) -> Result<PathBuf, InterchangeError> {
    files::place(&out.join(MASKS), name, ENDING)
}

/// Whether a folder has `label_colors.txt` and PNG files, here or beside it.
pub fn is(path: &Path) -> bool {
    let has_names = [Some(path), path.parent()]
        .into_iter()
        .flatten()
        .any(|folder| folder.join(NAMES).is_file());
    path.is_dir() && has_names && any_file(path, |name| name.ends_with(".png")).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interchange::sample;

    fn put(folder: &Path, name: &str, colors: &[[u8; 3]]) {
        let bytes = files::rgb_png([colors.len(), 1], colors, name).expect("a file");
        files::replace(&folder.join(name), &bytes).expect("written");
    }

    #[test]
    fn maps_come_back_as_they_were() {
        let mut classes = sample::classes();
        for (id, color) in [(5, [0; 3]), (6, [0, 0, 142])] {
            let name = format!("class {id}");
            classes.add(LabelClass { id, name, color });
        }
        assert_eq!(sample::there_and_back(create, open, &classes), 0);
    }

    #[test]
    fn void_comes_back_as_no_class() {
        let mut classes = sample::classes();
        let name = VOID.to_owned();
        classes.add(LabelClass {
            id: 0,
            name,
            color: [0; 3],
        });
        let folder = tempfile::tempdir().expect("a folder");
        let writer = create(folder.path(), &classes, &WriteChoices::default()).expect("a writer");
        let map = crate::labels::LabelMap {
            width: 2,
            height: 1,
            ids: vec![0, 1],
        };
        assert_eq!(writer.kept(&map).ids, [UNLABELLED, 1]);
    }

    #[test]
    fn the_dataset_and_datumaro_are_read() {
        let folder = tempfile::tempdir().expect("a folder");
        put(
            folder.path(),
            "0001TP_006690_L.png",
            &[[128, 64, 128], [0; 3], [64, 192, 0]],
        );
        let mut reader = open(folder.path(), &ReadChoices::default()).expect("a reader");
        assert_eq!(
            (reader.names(), reader.remarks().len()),
            (["0001TP_006690.png".to_owned()].as_slice(), 1)
        );
        let ids = reader.read(0).expect("an image").labels.ids;
        let name = |id: u16| reader.classes().get(id).map(|class| class.name.clone());
        assert_eq!(
            ids.into_iter().map(name).collect::<Vec<_>>(),
            [Some("Road".to_owned()), None, Some("Wall".to_owned())]
        );
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(
            folder.path().join(NAMES),
            "0 0 0 background\n128 64 128\t\tlow road\n1 2 3 low road\n",
        )
        .expect("written");
        put(folder.path(), "trainannot/a.png", &[[0; 3], [128, 64, 128], [1, 2, 3]]);
        put(folder.path(), "train/a.png", &[[9; 3]; 3]);
        assert!(is(folder.path()));
        let mut reader = open(folder.path(), &ReadChoices::default()).expect("a reader");
        assert_eq!(reader.names(), ["train/a.png"]);
        assert_eq!(reader.read(0).expect("an image").labels.ids, [UNLABELLED, 0, 0]);
        put(folder.path(), "trainannot/a.png", &[[0; 3], [128, 64, 129]]);
        assert!(reader.read(0).is_err());
        for damaged in ["128 64 road\n", "1 2 300 road\n", "1 2 3\n", "1 2 3 a\n1 2 3 b\n"] {
            std::fs::write(folder.path().join(NAMES), damaged).expect("written");
            assert!(open(folder.path(), &ReadChoices::default()).is_err(), "{damaged}");
        }
    }
}
