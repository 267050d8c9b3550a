//! Labels from one format to another, image by image, with the loss told before anything is written.

use std::collections::HashMap;
use std::path::Path;

use super::{InterchangeError, LabelReader, LabelWriter, LabelledImage, Mapping, files};
use crate::photo::{Header, images_below};

/// Where labels come from, and what becomes of their classes.
pub struct Source {
    reader: Box<dyn LabelReader>,
    mapping: Mapping,
    /// For each image its name below the image folder, where that is known.
    names: Vec<String>,
    /// For each image its place in the reader.
    places: Vec<usize>,
}

/// Pixels that a format does not keep.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loss {
    /// Pixels of all images.
    pub pixels: u64,
    /// How many of them change.
    pub changed: u64,
    /// Images with changed pixels, and how many each.
    pub images: Vec<(String, u64)>,
}

impl Loss {
    fn add(&mut self, before: &LabelledImage, after: &[u16]) {
        let ids = &before.labels.ids;
        let changed = ids.iter().zip(after).filter(|(a, b)| a != b).count() as u64;
        self.pixels += ids.len() as u64;
        self.changed += changed;
        if changed > 0 {
            self.images.push((before.name.clone(), changed));
        }
    }
}

/// The end of a run before its time, or an error.
pub type Stop = Box<dyn std::error::Error + Send + Sync>;

impl Source {
    /// All labels of a reader, with classes as the mapping says.
    pub fn new(reader: Box<dyn LabelReader>, mapping: Mapping) -> Self {
        let names = reader.names().to_vec();
        Self {
            places: (0..names.len()).collect(),
            reader,
            mapping,
            names,
        }
    }

    /// Names images as they are in a folder: labels of `a.png` belong to `a.jpg` if only that is there.
    ///
    /// # Errors
    /// When the folder cannot be listed, or an image is missing or has two candidates.
    pub fn name_as_in(&mut self, images: &Path) -> Result<(), InterchangeError> {
        let listed = images_below(images).map_err(InterchangeError::read(images))?;
        let mut by_stem: HashMap<String, Vec<String>> = HashMap::new();
        for file in listed {
            let name = files::name_below(images, &file);
            by_stem.entry(stem(&name).to_owned()).or_default().push(name);
        }
        for name in &mut self.names {
            let found = by_stem.get(stem(name)).map(Vec::as_slice).unwrap_or_default();
            match found {
                found if found.contains(name) => {}
                [only] => name.clone_from(only),
                [] => {
                    let text =
                        "expected an image for each label map, found none; check the folder of images (--images)";
                    return Err(InterchangeError::CannotHold(text.into(), name.clone()));
                }
                several => {
                    let text = format!(
                        "expected one image for each label map, found {}; rename them",
                        several.join(", ")
                    );
                    return Err(InterchangeError::CannotHold(text, name.clone()));
                }
            }
        }
        Ok(())
    }

    /// Leaves images out whose names are not wanted.
    pub fn keep(&mut self, wanted: impl Fn(&str) -> bool) {
        let kept = |(name, _): &(String, usize)| wanted(name);
        let images = std::mem::take(&mut self.names)
            .into_iter()
            .zip(std::mem::take(&mut self.places));
        (self.names, self.places) = images.filter(kept).unzip();
    }

    /// Names of the images.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// What becomes of the classes.
    pub fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    /// What the reader wants the user to know.
    pub fn remarks(&self) -> Vec<String> {
        self.reader.remarks()
    }

    /// Labels of an image, with the new classes.
    ///
    /// # Errors
    /// When they are damaged.
    pub fn read(&mut self, index: usize) -> Result<LabelledImage, InterchangeError> {
        let mut image = self.reader.read(self.places[index])?;
        self.mapping.apply(&mut image.labels);
        image.name.clone_from(&self.names[index]);
        Ok(image)
    }

    /// Checks that labels are as large as their images in a folder. `step` is called before each image.
    ///
    /// # Errors
    /// When they are not, or an image cannot be read.
    pub fn check_sizes(&mut self, images: &Path, mut step: impl FnMut(usize) -> Result<(), Stop>) -> Result<(), Stop> {
        for index in 0..self.names.len() {
            step(index)?;
            let LabelledImage { name, labels } = self.read(index)?;
            let path = images.join(files::safe(&name)?);
            let header = Header::read(&path)?;
            let stored = [header.width as usize, header.height as usize];
            let turned = [stored[1], stored[0]];
            let found = [labels.width, labels.height];
            // Files of cameras say how they are turned; labels are upright.
            if found != stored && found != turned {
                let [[width, height], [wide, high]] = [stored, found];
                let text = format!(
                    "expected labels of {width} x {height} pixels, found {wide} x {high}; check that they belong together"
                );
                return Err(InterchangeError::content(text, &path).into());
            }
        }
        Ok(())
    }

    /// What a writer would not keep. Nothing is written.
    ///
    /// # Errors
    /// When labels are damaged, or `step` stops.
    pub fn loss(
        &mut self,
        writer: &dyn LabelWriter,
        mut step: impl FnMut(usize) -> Result<(), Stop>,
    ) -> Result<Loss, Stop> {
        let mut loss = Loss::default();
        for index in 0..self.names.len() {
            step(index)?;
            let image = self.read(index)?;
            loss.add(&image, &writer.kept(&image.labels).ids);
        }
        Ok(loss)
    }

    /// Writes all labels.
    ///
    /// # Errors
    /// When labels are damaged or cannot be written, or `step` stops.
    pub fn write(
        &mut self,
        mut writer: Box<dyn LabelWriter>,
        mut step: impl FnMut(usize) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        for index in 0..self.names.len() {
            step(index)?;
            writer.write(&self.read(index)?)?;
        }
        Ok(writer.finish()?)
    }

    /// Compares all labels with those that another reader gives for the same images, by class names.
    ///
    /// # Errors
    /// When images are missing or have another size, labels are damaged, or `step` stops.
    pub fn compare(
        &mut self,
        written: &mut dyn LabelReader,
        mut step: impl FnMut(usize) -> Result<(), Stop>,
    ) -> Result<Loss, Stop> {
        let names = written.names().to_vec();
        let exact: HashMap<&str, usize> = names.iter().map(String::as_str).zip(0..).collect();
        let places: HashMap<&str, usize> = names.iter().map(|name| stem(name)).zip(0..).collect();
        let ids: HashMap<u16, u16> = {
            let known = |name: &str| self.mapping.classes().named(name).map(|class| class.id);
            written
                .classes()
                .iter()
                .filter_map(|class| Some((class.id, known(&class.name)?)))
                .collect()
        };
        let mut loss = Loss::default();
        for index in 0..self.names.len() {
            step(index)?;
            let image = self.read(index)?;
            let missing = || {
                InterchangeError::CannotHold(
                    "expected the image among those that were written".into(),
                    image.name.clone(),
                )
            };
            let place = exact.get(&*image.name).or_else(|| places.get(stem(&image.name)));
            let place = place.ok_or_else(missing)?;
            let again = written.read(*place)?.labels;
            if [again.width, again.height] != [image.labels.width, image.labels.height] {
                let text = format!(
                    "expected labels of the size that was written, found {} x {}",
                    again.width, again.height
                );
                return Err(InterchangeError::CannotHold(text, image.name).into());
            }
            let after: Vec<u16> = again.ids.iter().map(|id| ids.get(id).copied().unwrap_or(*id)).collect();
            loss.add(&image, &after);
        }
        Ok(loss)
    }
}

/// The name of an image without its suffix.
pub fn stem(name: &str) -> &str {
    let start = name.rfind('/').map_or(0, |slash| slash + 1);
    match name[start..].rfind('.') {
        Some(dot) if dot > 0 => &name[..start + dot],
        _ => name,
    }
}
