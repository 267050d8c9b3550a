//! An open project: its class list, its records, and the label files of its images.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::super::layer::UNLABELLED;
use super::classes::{ClassEdit, ClassEditError, Project, ProjectError};
use super::id_table::IdTable;
use super::label_file::{Content, LabelFile, LabelFileError, Origin, by_color, new_kind};
use super::place::{PROJECT_FILE, Place};
use super::records::{ImageRecord, Records};
use crate::datasets::{TruthError, TruthReader, truths_of};
use crate::labels::{ClassSet, LabelMap, LabelMapError, LabelPng};
use crate::photo::{self, Photo};
use crate::staged_file::StagedFile;

/// The file with the records.
const RECORDS: &str = "state.jsonl";

/// The file that is locked while a program writes.
const LOCK: &str = ".segscope.lock";

/// The folder of label files where the usual one holds files of another program that cannot be edited in place.
const EDITED: &str = "labels-edited";

/// Why a project cannot be opened or changed. The path comes last in each message.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file cannot be read or written.
    #[error("the annotation project cannot be read or written ({0}); check the folder: {path}", path = .1.display())]
    Files(io::Error, PathBuf),
    /// The class list is no project.
    #[error("{0}: {path}", path = .1.display())]
    Project(ProjectError, PathBuf),
    /// Another program is writing.
    #[error("expected no other Segscope at work here, found one; close it, or look without changing: {path}", path = .0.display())]
    Locked(PathBuf),
    /// The class list cannot be changed so.
    #[error(transparent)]
    Edit(#[from] ClassEditError),
    /// A label file cannot be read.
    #[error(transparent)]
    Labels(#[from] LabelFileError),
    /// Label files count classes in another way than by id.
    #[error("expected label files whose values are class ids, found others; the class list of this folder cannot be changed: {path}", path = .0.display())]
    NotPlain(PathBuf),
}

/// An open project.
#[derive(Debug)]
pub struct Store {
    root: PathBuf,
    project: Project,
    /// Text of the class list as it was read or written; `None` where there is no such file.
    text: Option<String>,
    records: Records,
    lock: Option<File>,
}

/// The labels of an image, as they were opened.
#[derive(Debug)]
pub struct OpenedLabels {
    /// The file.
    pub file: LabelFile,
    /// Where they come from.
    pub origin: Origin,
    /// What is known of the image.
    pub record: ImageRecord,
    /// Number of edits that had not been saved, and were made again.
    pub recovered: usize,
    /// What the user should know.
    pub notes: Vec<String>,
}

impl Store {
    /// The folder of the project that an image belongs to.
    pub fn root_of(image: &Path) -> PathBuf {
        Place::of(image).root
    }

    /// Opens the project in a folder. Without a class list there, the project has the classes of `set`.
    ///
    /// # Errors
    /// When a file cannot be read or is no project, or another program is at work there.
    pub fn open(root: &Path, set: &ClassSet, ignored: &[u16]) -> Result<Self, StoreError> {
        let (file, records) = (root.join(PROJECT_FILE), root.join(RECORDS));
        let text = read_if_there(&file)?;
        let project = match &text {
            Some(text) => Project::parse(text).map_err(|why| StoreError::Project(why, file))?,
            None => Project::of_set(set, ignored),
        };
        let mut store = Self {
            records: Records::parse(&read_if_there(&records)?.unwrap_or_default()),
            root: root.to_owned(),
            project,
            text,
            lock: None,
        };
        // A folder that is only looked at gets no lock file.
        if root.join(LOCK).exists() {
            store.lock()?;
        }
        Ok(store)
    }

    /// Takes other classes, in a folder without a class list. Records and the lock stay.
    pub fn follow(&mut self, set: &ClassSet, ignored: &[u16]) {
        if !self.has_class_list() {
            self.project = Project::of_set(set, ignored);
        }
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The class list.
    pub fn project(&self) -> &Project {
        &self.project
    }

    /// Whether the folder has a class list of its own.
    pub fn has_class_list(&self) -> bool {
        self.text.is_some()
    }

    /// What is known of the images.
    pub fn records(&self) -> &Records {
        &self.records
    }

    /// Keeps other programs from writing, until this is dropped.
    ///
    /// # Errors
    /// When another program is at work there, or the lock file cannot be made.
    pub fn lock(&mut self) -> Result<(), StoreError> {
        if self.lock.is_some() {
            return Ok(());
        }
        let path = self.root.join(LOCK);
        let failed = |why| StoreError::Files(why, path.clone());
        fs::create_dir_all(&self.root).map_err(failed)?;
        let file = File::create(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {
                self.lock = Some(file);
                // Another program may have written since these files were read.
                return self.read_again();
            }
            Err(TryLockError::WouldBlock) => return Err(StoreError::Locked(self.root.clone())),
            // Some network drives know no locks; then nothing can be held.
            Err(TryLockError::Error(why)) => log::warn!("cannot lock ({why}): {}", path.display()),
        }
        Ok(())
    }

    /// Reads the files again, in case another program has written them.
    fn read_again(&mut self) -> Result<(), StoreError> {
        let (file, records) = (self.root.join(PROJECT_FILE), self.root.join(RECORDS));
        self.records = Records::parse(&read_if_there(&records)?.unwrap_or_default());
        let text = read_if_there(&file)?;
        if text != self.text
            && let Some(text) = text
        {
            self.project = Project::parse(&text).map_err(|why| StoreError::Project(why, file))?;
            self.text = Some(text);
        }
        Ok(())
    }

    /// Opens the labels of an image of this size. The reader reads those of other programs as these classes.
    ///
    /// # Errors
    /// When a label file cannot be read, or has another size than the image.
    pub fn open_labels(
        &mut self,
        image: &Path,
        size: [usize; 2],
        (classes, reader): (&ClassSet, &TruthReader),
    ) -> Result<OpenedLabels, StoreError> {
        let place = Place::below(self.root.clone(), image, &self.project.labels);
        self.check_name(image, &place)?;
        let mut notes = Vec::new();
        let own = place.labels.is_file() && self.has_class_list();
        let found = match own {
            true => None,
            false => truths_of(&[image.to_owned()], None).pop().flatten(),
        };
        let (place, content, origin) = match found {
            None if own => {
                let mut content = self.read_own(&place.labels, Some(size))?;
                content.foreign = !content
                    .bytes
                    .as_deref()
                    .is_some_and(|bytes| self.wrote(&place.image, bytes));
                (place, content, Origin::Own)
            }
            None => {
                let place = match self.mixes_values(&place, reader) {
                    true => self.edited_place(image),
                    false => place,
                };
                (place, self.blank(size), Origin::New)
            }
            Some(found) => self.take_foreign(place, found, (size, image), (classes, reader), &mut notes)?,
        };
        let (file, recovered, note) = LabelFile::with(place, content)?;
        notes.extend(note);
        let known = self.records.get(&file.place().image).cloned();
        let mut record = known.unwrap_or_else(|| ImageRecord::new(&file.place().image));
        record.size = Some(size);
        Ok(OpenedLabels {
            file,
            origin,
            record,
            recovered,
            notes,
        })
    }

    /// Checks that no other image with the same label file has been annotated.
    fn check_name(&self, image: &Path, place: &Place) -> Result<(), LabelFileError> {
        let same = |record: &&ImageRecord| {
            let other = self.root.join(&record.path);
            let labels = Place::below(self.root.clone(), &other, &self.project.labels).labels;
            record.path != place.image && labels == place.labels && other.is_file()
        };
        match self.records.iter().find(same) {
            Some(other) => {
                let names = format!("{} and {}", other.path, place.image);
                Err(LabelFileError::SameName(names, image.into()))
            }
            None => Ok(()),
        }
    }

    fn blank(&self, [width, height]: [usize; 2]) -> Content {
        Content {
            map: LabelMap {
                width,
                height,
                ids: vec![UNLABELLED; width * height],
            },
            kind: new_kind(&self.project.set(), self.project.unlabelled),
            table: IdTable::Plain {
                unlabelled: self.project.unlabelled,
            },
            bytes: None,
            foreign: false,
        }
    }

    /// Reads a label file of this project, whose values are ids.
    fn read_own(&self, path: &Path, size: Option<[usize; 2]>) -> Result<Content, LabelFileError> {
        let bytes = fs::read(path).map_err(|why| LabelFileError::Read(why, path.into()))?;
        let mut map = LabelMap::from_png(&bytes).map_err(|why| LabelFileError::Map(why, path.into()))?;
        if let Some(size) = size {
            check_size(&map, size, path)?;
        }
        // Only one value stands for unlabelled pixels, so that writing brings every pixel back. Others that are ignored
        // stay as ids of no class.
        let mut unlabelled = None;
        for id in &map.ids {
            if *id == self.project.unlabelled {
                unlabelled = Some(*id);
                break;
            }
            if unlabelled.is_none() && self.project.ignored.contains(id) {
                unlabelled = Some(*id);
            }
        }
        for id in map.ids.iter_mut().filter(|id| Some(**id) == unlabelled) {
            *id = UNLABELLED;
        }
        Ok(Content {
            kind: LabelPng::of(&bytes).unwrap_or_else(|| new_kind(&self.project.set(), self.project.unlabelled)),
            table: IdTable::Plain {
                unlabelled: unlabelled.unwrap_or(self.project.unlabelled),
            },
            map,
            bytes: Some(bytes),
            foreign: false,
        })
    }

    /// Takes a label file of another program: in place if writing brings every pixel back, else as the beginning of a
    /// new file.
    fn take_foreign(
        &mut self,
        place: Place,
        found: PathBuf,
        (size, image): ([usize; 2], &Path),
        (classes, reader): (&ClassSet, &TruthReader),
        notes: &mut Vec<String>,
    ) -> Result<(Place, Content, Origin), StoreError> {
        let bytes = fs::read(&found).map_err(|why| LabelFileError::Read(why, found.clone()))?;
        let map = match LabelMap::from_png(&bytes) {
            Ok(raw) => {
                check_size(&raw, size, &found)?;
                match reader.classes_of(raw.clone(), &found, Some(size)) {
                    Ok(read) if !self.has_class_list() => {
                        let value_of = |class| reader.value_of(class, read.label_ids);
                        let usual = reader.usual_unlabelled();
                        let table = IdTable::of_read(&raw, &read.map, reader.classes(), value_of, usual);
                        if let (Some(table), Some(kind)) = (table, LabelPng::of(&bytes)) {
                            let foreign = !self.wrote(&place.image, &bytes);
                            let content = Content {
                                map: read.map,
                                kind,
                                table,
                                bytes: Some(bytes),
                                foreign,
                            };
                            let origin = if foreign { Origin::Foreign } else { Origin::Own };
                            return Ok((place.with_labels(found), content, origin));
                        }
                        read.map
                    }
                    Ok(read) => self.by_name(read.map, classes, notes),
                    Err(why) => {
                        notes.push(format!("Not taken over: {why}"));
                        self.blank(size).map
                    }
                }
            }
            Err(LabelMapError::Colors(_)) => self.by_color(&found, size, classes, notes)?,
            Err(why) => return Err(LabelFileError::Map(why, found).into()),
        };
        let place = self.new_place(place, image);
        notes.push(format!(
            "{} stays as it is; the labels go to {}",
            found.display(),
            place.labels.display()
        ));
        let content = Content {
            map,
            ..self.blank(size)
        };
        Ok((place, content, Origin::Imported(found)))
    }

    /// Labels with the ids of this project, by the names of classes.
    fn by_name(&self, mut map: LabelMap, classes: &ClassSet, notes: &mut Vec<String>) -> LabelMap {
        let id_of = |name: &str| {
            self.project
                .listed()
                .find(|class| class.name == name)
                .map(|class| class.id)
        };
        let ids: Vec<Option<u16>> = classes.classes.iter().map(|class| id_of(&class.name)).collect();
        let mut lost = 0u64;
        for id in map.ids.iter_mut().filter(|id| **id != UNLABELLED) {
            *id = ids.get(usize::from(*id)).copied().flatten().unwrap_or_else(|| {
                lost += 1;
                UNLABELLED
            });
        }
        if lost > 0 {
            notes.push(format!(
                "{lost} px have a class that this project lacks and are unlabelled"
            ));
        }
        map
    }

    /// Whether this project has written a file with these bytes.
    fn wrote(&self, image: &str, bytes: &[u8]) -> bool {
        let record = self.records.get(image);
        record.is_some_and(|record| record.label_crc == Some(crc32fast::hash(bytes)))
    }

    /// Labels by the colours that the classes have as published.
    fn by_color(
        &self,
        found: &Path,
        size: [usize; 2],
        classes: &ClassSet,
        notes: &mut Vec<String>,
    ) -> Result<LabelMap, LabelFileError> {
        let photo = Photo::open(found).map_err(|why| LabelFileError::Read(io::Error::other(why), found.into()))?;
        let (map, other) = by_color(&photo.rgb, [photo.width, photo.height], classes);
        check_size(&map, size, found)?;
        if other > 0 {
            notes.push(format!("{other} px have the colour of no class and are unlabelled"));
        }
        Ok(self.by_name(map, classes, notes))
    }

    /// A place where no label file of another program lies. Later images of the project go there, too.
    fn new_place(&mut self, place: Place, image: &Path) -> Place {
        if self.has_class_list() || !place.labels.exists() {
            return place;
        }
        self.edited_place(image)
    }

    fn edited_place(&mut self, image: &Path) -> Place {
        self.project.labels = EDITED.into();
        Place::below(self.root.clone(), image, EDITED)
    }

    /// Whether a new label file would lie among others whose values are not ids: with a class list, they would be read
    /// as if they were.
    fn mixes_values(&self, place: &Place, reader: &TruthReader) -> bool {
        let folder = place.labels.parent().unwrap_or(Path::new(""));
        !self.has_class_list()
            && !reader.counts_by_id()
            && photo::images_in(folder).is_ok_and(|found| !found.is_empty())
    }

    /// Writes what is known of an image.
    ///
    /// # Errors
    /// When the file cannot be written, or another program is at work there.
    pub fn set_record(&mut self, record: ImageRecord) -> Result<(), StoreError> {
        if self.records.get(&record.path) == Some(&record) {
            return Ok(());
        }
        self.lock()?;
        let mut records = self.records.clone();
        records.set(record);
        let path = self.root.join(RECORDS);
        StagedFile::replace(&path, records.text().as_bytes()).map_err(|why| StoreError::Files(why, path))?;
        // Only what is on disk counts as written.
        self.records = records;
        Ok(())
    }

    /// Writes the class list, if the file differs.
    ///
    /// # Errors
    /// When the file cannot be written, or another program is at work there.
    pub fn write_classes(&mut self) -> Result<(), StoreError> {
        if self.text.as_ref() == Some(&self.project.text(self.text.as_deref())) {
            return Ok(());
        }
        // The first lock reads the file again, if another program has written it.
        self.lock()?;
        let text = self.project.text(self.text.as_deref());
        let path = self.root.join(PROJECT_FILE);
        StagedFile::replace(&path, text.as_bytes()).map_err(|why| StoreError::Files(why, path))?;
        self.text = Some(text);
        Ok(())
    }

    /// Changes the class list and writes it. Returns the ids before and after of the pixels that must change with it in
    /// all label files; [`Store::end_rewriting`] says that they have. If the program ends before, the next one finds
    /// them in [`Project::rewriting`].
    ///
    /// # Errors
    /// When the class list cannot be changed so, or the file cannot be written. Nothing has changed then.
    pub fn edit_classes(&mut self, edit: &ClassEdit) -> Result<Option<[u16; 2]>, StoreError> {
        self.lock()?;
        let before = self.project.clone();
        self.project.rewriting = self.project.edit(edit)?;
        if let Err(why) = self.write_classes() {
            self.project = before;
            return Err(why);
        }
        Ok(self.project.rewriting)
    }

    /// Notes that all label files have changed with the class list.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn end_rewriting(&mut self) -> Result<(), StoreError> {
        self.project.rewriting = None;
        self.write_classes()
    }

    /// Takes an earlier class list back, and writes it.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn restore_classes(&mut self, project: Project) -> Result<(), StoreError> {
        self.project = project;
        self.write_classes()
    }

    /// Opens a label file of the project by its path.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open_file(&self, labels: &Path) -> Result<LabelFile, StoreError> {
        let place = Place {
            root: self.root.clone(),
            image: String::new(),
            labels: labels.to_owned(),
        };
        let content = self.read_own(labels, None)?;
        Ok(LabelFile::with(place, content)?.0)
    }

    /// The label files of the project, in natural order.
    ///
    /// # Errors
    /// When the folder cannot be listed.
    pub fn label_files(&self) -> Result<Vec<PathBuf>, StoreError> {
        let folder = self.root.join(&self.project.labels);
        if !folder.is_dir() {
            return Ok(Vec::new());
        }
        let is_png = |path: &Path| {
            path.extension()
                .is_some_and(|ending| ending.eq_ignore_ascii_case("png"))
        };
        photo::files_below(&folder, is_png).map_err(|why| StoreError::Files(why, folder))
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        if self.lock.take().is_some() {
            fs::remove_file(self.root.join(LOCK)).ok();
        }
    }
}

fn read_if_there(path: &Path) -> Result<Option<String>, StoreError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(why) => Err(StoreError::Files(why, path.into())),
    }
}

fn check_size(map: &LabelMap, expected: [usize; 2], path: &Path) -> Result<(), LabelFileError> {
    let found = [map.width, map.height];
    match found == expected {
        true => Ok(()),
        false => Err(LabelFileError::Truth(TruthError::Size {
            expected,
            found,
            path: path.into(),
        })),
    }
}
