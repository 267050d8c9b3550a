//! Writes COCO files, annotation by annotation.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{Category, Image};
use crate::interchange::outline::{crack, fill};
use crate::interchange::rle::coco as runs;
use crate::interchange::{InterchangeError, LabelClasses, LabelWriter, LabelledImage, WriteChoices, files};
use crate::labels::LabelMap;
use crate::staged_file::StagedFile;

#[derive(Serialize)]
struct Annotation {
    id: u64,
    image_id: u64,
    category_id: u16,
    iscrowd: u8,
    area: u64,
    bbox: [u32; 4],
    segmentation: Segmentation,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Segmentation {
    Runs { size: [usize; 2], counts: String },
    Polygons(Vec<Vec<u32>>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Runs,
    Polygons,
}

struct Writer {
    file: PathBuf,
    classes: LabelClasses,
    kind: Kind,
    parts: bool,
    images: Vec<Image>,
    /// Annotations as they will stand in the file, in a temporary file.
    annotations: BufWriter<File>,
    count: u64,
}

/// Writes `annotations/instances_default.json` with an annotation for each class of an image, or for each connected part.
///
/// # Errors
/// When the folder cannot be made.
pub fn create_rle(
    out: &Path,
    classes: &LabelClasses,
    choices: &WriteChoices,
) -> Result<Box<dyn LabelWriter>, InterchangeError> {
    create(Kind::Runs, out, classes, choices)
}

/// The same with polygons. A part with holes is one ring with seams.
///
/// # Errors
/// When the folder cannot be made.
pub fn create_polygons(
    out: &Path,
    classes: &LabelClasses,
    choices: &WriteChoices,
) -> Result<Box<dyn LabelWriter>, InterchangeError> {
    create(Kind::Polygons, out, classes, choices)
}

fn create(
    kind: Kind,
    out: &Path,
    classes: &LabelClasses,
    choices: &WriteChoices,
) -> Result<Box<dyn LabelWriter>, InterchangeError> {
    let folder = out.join("annotations");
    fs::create_dir_all(&folder).map_err(InterchangeError::write(&folder))?;
    let annotations = tempfile::tempfile().map_err(InterchangeError::write(&folder))?;
    Ok(Box::new(Writer {
        file: folder.join("instances_default.json"),
        classes: classes.clone(),
        kind,
        parts: choices.parts,
        images: Vec::new(),
        annotations: BufWriter::new(annotations),
        count: 0,
    }))
}

impl Writer {
    /// Writes an annotation behind the others.
    fn add(
        &mut self,
        image_id: u64,
        category_id: u16,
        segmentation: Segmentation,
        area: u64,
        bbox: [u32; 4],
    ) -> io::Result<()> {
        self.count += 1;
        let annotation = Annotation {
            id: self.count,
            image_id,
            category_id,
            iscrowd: 0,
            area,
            bbox,
            segmentation,
        };
        let separator = if self.count == 1 { "" } else { ",\n" };
        self.annotations.write_all(separator.as_bytes())?;
        Ok(serde_json::to_writer(&mut self.annotations, &annotation)?)
    }

    /// The annotations of a class, from its connected parts.
    fn parts_of(&self, labels: &LabelMap, class: u16) -> Vec<Described> {
        let parts = crack::parts(labels, class);
        match self.kind {
            Kind::Runs => parts
                .iter()
                .map(|part| described(&runs_of_part(part, labels), labels))
                .collect(),
            Kind::Polygons => {
                let described = parts.iter().map(|part| {
                    let ring = crack::keyhole(part).into_iter().flatten().collect::<Vec<u32>>();
                    (ring, part.pixels, box_of(&part.outer))
                });
                if self.parts {
                    return described
                        .map(|(ring, area, bbox)| (Segmentation::Polygons(vec![ring]), area, bbox))
                        .collect();
                }
                let (rings, area, bbox) =
                    described.fold((Vec::new(), 0, None), |(mut rings, area, all), (ring, pixels, one)| {
                        rings.push(ring);
                        (rings, area + pixels, Some(all.map_or(one, |all| joined(all, one))))
                    });
                bbox.map(|bbox| (Segmentation::Polygons(rings), area, bbox))
                    .into_iter()
                    .collect()
            }
        }
    }
}

/// An annotation's mask, its pixels, and x, y, width and height of its box.
type Described = (Segmentation, u64, [u32; 4]);

/// The annotation of runs.
fn described(runs: &[u32], labels: &LabelMap) -> Described {
    let (area, bbox) = area_and_box(runs, labels.height);
    let counts = runs::encode(runs);
    let size = [labels.height, labels.width];
    (Segmentation::Runs { size, counts }, area, bbox)
}

/// The runs of one connected part, from the pixels of its box.
fn runs_of_part(part: &crack::Part, labels: &LabelMap) -> Vec<u32> {
    let [left, top, width, height] = box_of(&part.outer).map(|side| side as usize);
    let place = |[x, y]: [u32; 2]| [f64::from(x) - left as f64, f64::from(y) - top as f64];
    let ring: Vec<_> = crack::keyhole(part).into_iter().map(place).collect();
    let mut inside = vec![false; width * height];
    fill::coco(&ring, [width, height], |y, columns| {
        inside[y * width..][columns].fill(true)
    });
    let (mut runs, mut run, mut last) = (Vec::new(), (left * labels.height) as u32, false);
    for x in 0..width {
        run += top as u32;
        for y in 0..height {
            let is_inside = inside[y * width + x];
            if is_inside != last {
                runs.push(run);
                (run, last) = (0, is_inside);
            }
            run += 1;
        }
        let below = (labels.height - top - height) as u32;
        // The column ends, or what follows it is not of the part.
        if last && (below > 0 || top > 0) {
            runs.push(run);
            (run, last) = (0, false);
        }
        run += below;
    }
    if last {
        runs.push(run);
        run = 0;
    }
    run += ((labels.width - left - width) * labels.height) as u32;
    // A mask can end with the image.
    if run > 0 {
        runs.push(run);
    }
    runs
}

/// Number of pixels, and x, y, width and height, of column-major runs.
fn area_and_box(runs: &[u32], height: usize) -> (u64, [u32; 4]) {
    let height = height as u64;
    let (mut place, mut area) = (0_u64, 0_u64);
    let (mut left, mut right, mut top, mut bottom) = (u64::MAX, 0, u64::MAX, 0);
    for (index, run) in runs.iter().enumerate() {
        let run = u64::from(*run);
        if index % 2 == 1 && run > 0 {
            let last = place + run - 1;
            (left, right) = (left.min(place / height), right.max(last / height));
            let over_columns = place / height != last / height;
            top = top.min(if over_columns { 0 } else { place % height });
            bottom = bottom.max(if over_columns { height - 1 } else { last % height });
            area += run;
        }
        place += run;
    }
    if area == 0 {
        return (0, [0; 4]);
    }
    (
        area,
        [left, top, right - left + 1, bottom - top + 1].map(|side| side as u32),
    )
}

/// x, y, width and height of a ring of corners.
fn box_of(ring: &[[u32; 2]]) -> [u32; 4] {
    let low = |axis: usize| ring.iter().map(|corner| corner[axis]).min().unwrap_or(0);
    let high = |axis: usize| ring.iter().map(|corner| corner[axis]).max().unwrap_or(0);
    [low(0), low(1), high(0) - low(0), high(1) - low(1)]
}

/// The box around two boxes.
fn joined(a: [u32; 4], b: [u32; 4]) -> [u32; 4] {
    let [left, top] = [a[0].min(b[0]), a[1].min(b[1])];
    let [right, bottom] = [(a[0] + a[2]).max(b[0] + b[2]), (a[1] + a[3]).max(b[1] + b[3])];
    [left, top, right - left, bottom - top]
}

impl LabelWriter for Writer {
    fn write(&mut self, image: &LabelledImage) -> Result<(), InterchangeError> {
        files::check_ids(image, |id| self.classes.get(id).is_some())?;
        let labels = &image.labels;
        let image_id = self.images.len() as u64 + 1;
        self.images.push(Image {
            id: image_id,
            file_name: image.name.clone(),
            width: labels.width as u64,
            height: labels.height as u64,
        });
        let whole: Vec<(u16, Described)> = match self.kind == Kind::Runs && !self.parts {
            true => {
                let all = runs::runs_of_all(labels).into_iter();
                all.map(|(class, runs)| (class, described(&runs, labels))).collect()
            }
            false => {
                let of = |class: u16| self.parts_of(labels, class).into_iter().map(move |one| (class, one));
                files::used(labels).into_iter().flat_map(of).collect()
            }
        };
        for (class, (segmentation, area, bbox)) in whole {
            self.add(image_id, class, segmentation, area, bbox)
                .map_err(InterchangeError::write(&self.file))?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<(), InterchangeError> {
        let categories: Vec<Category> = self.classes.iter().map(Category::from).collect();
        let failed = InterchangeError::write(&self.file);
        let path = self.file.clone();
        let fill = |temporary: &Path| -> io::Result<()> {
            let mut file = BufWriter::new(File::create(temporary)?);
            file.write_all(b"{\"images\":")?;
            serde_json::to_writer(&mut file, &self.images)?;
            file.write_all(b",\n\"categories\":")?;
            serde_json::to_writer(&mut file, &categories)?;
            file.write_all(b",\n\"annotations\":[")?;
            self.annotations.flush()?;
            let spooled = self.annotations.get_mut();
            spooled.seek(SeekFrom::Start(0))?;
            io::copy(&mut BufReader::new(spooled), &mut file)?;
            file.write_all(b"]}\n")?;
            file.flush()
        };
        let staged = StagedFile::fill(&path, fill).and_then(StagedFile::commit);
        staged.map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interchange::formats::coco::open;
    use crate::interchange::sample;

    #[test]
    fn maps_come_back_from_runs_and_polygons() {
        assert_eq!(sample::there_and_back(create_rle, open, &sample::classes()), 0);
        assert_eq!(sample::there_and_back(create_polygons, open, &sample::classes()), 0);
    }

    #[test]
    fn parts_hold_the_same_pixels() {
        for create in [create_rle, create_polygons] {
            let folder = tempfile::tempdir().expect("a folder");
            let choices = WriteChoices {
                parts: true,
                ..WriteChoices::default()
            };
            let classes = sample::classes();
            let ids: Vec<u16> = classes.iter().map(|class| class.id).collect();
            let mut writer = create(folder.path(), &classes, &choices).expect("a writer");
            let maps = sample::maps(&ids, 20);
            for (index, labels) in maps.iter().enumerate() {
                let name = format!("{index}.png");
                let labels = labels.clone();
                writer.write(&LabelledImage { name, labels }).expect("written");
            }
            writer.finish().expect("finished");
            let mut reader = open(folder.path(), &Default::default()).expect("a reader");
            for (index, labels) in maps.iter().enumerate() {
                assert_eq!(reader.read(index).expect("an image").labels, *labels);
            }
        }
    }

    #[test]
    fn boxes_and_areas_are_those_of_the_pixels() {
        // The mask of rows 0 and 1 in column 1 and of row 2 in column 3.
        assert_eq!(area_and_box(&[3, 2, 6, 1], 3), (3, [1, 0, 3, 3]));
        assert_eq!(area_and_box(&[12], 3), (0, [0; 4]));
        assert_eq!(area_and_box(&[2, 2, 8], 3), (2, [0, 0, 2, 3]));
    }
}
