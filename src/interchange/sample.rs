//! Maps that formats lose pixels of: holes, diagonal touches, single pixels, regions on all borders, gaps in the ids.

use std::path::Path;

use super::{
    InterchangeError, LabelClass, LabelClasses, LabelReader, LabelWriter, LabelledImage, ReadChoices, WriteChoices,
};
use crate::annotate::UNLABELLED;
use crate::labels::LabelMap;

/// Classes with gaps in the ids, without id 0, and with names that need escapes.
pub(super) fn classes() -> LabelClasses {
    let class = |(id, name, color): (u16, &str, [u8; 3])| LabelClass {
        id,
        name: name.into(),
        color,
    };
    let listed = [
        (1, "road", [128, 64, 128]),
        (3, "车 & <sky>", [70, 130, 180]),
        (4, "tree \"old\"", [107, 142, 35]),
        (9, "car", [0, 0, 142]),
        (200, "wall, high", [102, 102, 156]),
    ];
    listed.map(class).into_iter().collect()
}

/// Random maps of the classes with these ids, the same in each run.
pub(super) fn maps(ids: &[u16], count: usize) -> Vec<LabelMap> {
    let mut random = fastrand::Rng::with_seed(20);
    (0..count).map(|index| map(ids, index, &mut random)).collect()
}

fn map(ids: &[u16], index: usize, random: &mut fastrand::Rng) -> LabelMap {
    let [width, height] = match index % 5 {
        0 => [1 + random.usize(..4), 1 + random.usize(..4)],
        1 => [64, 48],
        _ => [random.usize(5..40), random.usize(5..40)],
    };
    let any = |random: &mut fastrand::Rng| match random.usize(..=ids.len()) {
        place if place < ids.len() => ids[place],
        _ => UNLABELLED,
    };
    let background = any(random);
    let mut map = LabelMap {
        width,
        height,
        ids: vec![background; width * height],
    };
    match index % 4 {
        // Noise: single pixels and diagonal touches everywhere.
        0 => map.ids.iter_mut().for_each(|id| *id = any(random)),
        // Rectangles over each other, some with holes, some on the borders.
        1 | 2 => {
            for _ in 0..random.usize(1..12) {
                let [left, top] = [random.usize(..width), random.usize(..height)];
                let [right, bottom] = [random.usize(left..width), random.usize(top..height)];
                let id = any(random);
                let hollow = random.bool();
                for y in top..=bottom {
                    for x in left..=right {
                        let edge = x == left || x == right || y == top || y == bottom;
                        if edge || !hollow {
                            map.ids[y * width + x] = id;
                        }
                    }
                }
            }
        }
        // Diagonal stripes, which touch at corners only.
        _ => {
            let [first, second] = [any(random), any(random)];
            for (place, id) in map.ids.iter_mut().enumerate() {
                *id = if (place % width + place / width).is_multiple_of(2) {
                    first
                } else {
                    second
                };
            }
        }
    }
    if let Some(id) = ids.last() {
        // A class in one pixel.
        let place = random.usize(..map.ids.len());
        map.ids[place] = *id;
    }
    map
}

/// What opens files of a format.
type Open = fn(&Path, &ReadChoices) -> Result<Box<dyn LabelReader>, InterchangeError>;

/// What writes files of a format.
type Create = fn(&Path, &LabelClasses, &WriteChoices) -> Result<Box<dyn LabelWriter>, InterchangeError>;

/// Sends 200 maps through a writer and a reader, and checks that what comes back is what the writer has announced.
/// Classes are told by their names, as ids are not part of every format. Returns the number of pixels that were lost.
#[track_caller]
pub(super) fn there_and_back(create: Create, open: Open, classes: &LabelClasses) -> u64 {
    let folder = tempfile::tempdir().expect("a folder");
    let ids: Vec<u16> = classes.iter().map(|class| class.id).collect();
    let maps = maps(&ids, 200);
    let mut writer = create(folder.path(), classes, &WriteChoices::default()).expect("a writer");
    let mut kept = Vec::new();
    for (index, labels) in maps.iter().enumerate() {
        kept.push(writer.kept(labels).into_owned());
        let image = LabelledImage {
            name: format!("p{index}.png"),
            labels: labels.clone(),
        };
        writer.write(&image).expect("written");
    }
    writer.finish().expect("finished");
    let choices = ReadChoices {
        classes: Some(classes.clone()),
        ..ReadChoices::default()
    };
    let mut reader = open(folder.path(), &choices).expect("a reader");
    assert_eq!(reader.names().len(), maps.len());
    let mut lost = 0;
    for index in 0..maps.len() {
        let found = reader.read(index).expect("an image");
        let place: usize = found.name[1..]
            .split('.')
            .next()
            .and_then(|digits| digits.parse().ok())
            .expect("a number");
        let id_of = |id: u16| match id {
            UNLABELLED => UNLABELLED,
            id => {
                let name = &reader.classes().get(id).expect("a class").name;
                classes.named(name).expect("a known name").id
            }
        };
        let ids: Vec<u16> = found.labels.ids.iter().map(|id| id_of(*id)).collect();
        assert_eq!(
            (found.labels.width, found.labels.height),
            (maps[place].width, maps[place].height)
        );
        assert_eq!(ids, kept[place].ids, "map {place}");
        lost += ids.iter().zip(&maps[place].ids).filter(|(a, b)| a != b).count() as u64;
    }
    lost
}
