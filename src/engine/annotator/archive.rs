//! The open projects and label files of the thread, and what is done with them.

mod imports;

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::finding::Find;
use super::importing::Importing;
use super::messages::{AnnotationNews, AnnotationRequest, OpenedAnnotation};
use super::rewritten::Rewritten;
use crate::annotate::Patch;
use crate::annotate::project::{ClassEdit, ImageRecord, LabelFile, Origin, Project, SaveError, Store, StoreError};
use crate::datasets::TruthReader;
use crate::labels::ClassSet;

/// A label file that is open in the window.
struct Open {
    root: PathBuf,
    file: LabelFile,
    origin: Origin,
    record: ImageRecord,
    /// Number of the last edit.
    number: u64,
}

/// The last change of a class list, to be taken back.
struct ClassUndo {
    project: Project,
    /// Label files, and what their tiles held.
    before: Vec<(PathBuf, Patch)>,
}

/// All that is open.
pub(super) struct Archive {
    report: Box<dyn Fn(AnnotationNews) + Send>,
    stores: HashMap<PathBuf, Store>,
    open: HashMap<PathBuf, Open>,
    /// Images whose label files are behind, the oldest first.
    unsaved: VecDeque<PathBuf>,
    undo: HashMap<PathBuf, ClassUndo>,
    /// What is to be found, one of each kind.
    to_find: VecDeque<Find>,
    importing: Option<Importing>,
}

impl Archive {
    pub(super) fn new(report: Box<dyn Fn(AnnotationNews) + Send>) -> Self {
        Self {
            report,
            stores: HashMap::new(),
            open: HashMap::new(),
            unsaved: VecDeque::new(),
            undo: HashMap::new(),
            to_find: VecDeque::new(),
            importing: None,
        }
    }

    /// Does what is asked.
    pub(super) fn serve(&mut self, request: AnnotationRequest) {
        match request {
            AnnotationRequest::Open {
                ticket,
                image,
                size,
                classes,
                colors,
                reader,
            } => {
                let news = match self.open_labels(&image, size, (&classes, &colors), &reader) {
                    Ok(labels) => AnnotationNews::Opened {
                        ticket,
                        labels: Box::new(labels),
                    },
                    Err(why) => AnnotationNews::OpenFailed {
                        ticket,
                        message: why.to_string(),
                    },
                };
                (self.report)(news);
            }
            AnnotationRequest::Edit {
                image,
                edit,
                record,
                number,
            } => self.edit(&image, &edit, record, number),
            AnnotationRequest::Record { image, record } => self.record(&image, record),
            AnnotationRequest::Save { image, over } => {
                self.save(&image, over);
                self.save_record(&image);
            }
            AnnotationRequest::Close { image } => {
                self.save(&image, false);
                // Edits that cannot be saved are only here.
                if self.open.get(&image).is_some_and(|open| !open.file.is_unsaved()) {
                    self.forget(&image);
                }
            }
            AnnotationRequest::Discard { image } => {
                if let Some(mut open) = self.open.remove(&image)
                    && let Err(why) = open.file.discard_journal()
                {
                    self.fail(&image, &why);
                }
                self.forget(&image);
            }
            AnnotationRequest::Find(find) => {
                self.to_find
                    .retain(|other| std::mem::discriminant(other) != std::mem::discriminant(&find));
                self.to_find.push_back(find);
            }
            AnnotationRequest::Import(import) => self.begin_import(*import),
            AnnotationRequest::EditClasses { image, edit } => self.edit_classes(&Store::root_of(&image), &edit),
            AnnotationRequest::UndoClasses { image } => self.undo_classes(&Store::root_of(&image)),
            AnnotationRequest::Count { image, id } => {
                let root = self
                    .open
                    .get(&image)
                    .map_or_else(|| Store::root_of(&image), |open| open.root.clone());
                match self.count(&root, id) {
                    Ok(pixels) => (self.report)(AnnotationNews::Counted { id, pixels }),
                    Err(why) => self.fail_classes(&why),
                }
            }
        }
    }

    /// Writes the next label file that is behind. Returns whether there was one.
    pub(super) fn save_next(&mut self) -> bool {
        let Some(image) = self.unsaved.pop_front() else {
            return false;
        };
        self.save(&image, false);
        true
    }

    /// Finds the next thing that was asked for, which can wait for edits and label files. Returns whether there was one.
    pub(super) fn find_next(&mut self) -> bool {
        let Some(find) = self.to_find.pop_front() else {
            return false;
        };
        let open = &self.open;
        if let Some(found) = find.run(|image| open.get(image).map(|open| open.file.map())) {
            (self.report)(AnnotationNews::Found(found));
        }
        true
    }

    /// Writes everything that is behind, also what could not be written before.
    pub(super) fn save_all(&mut self) {
        let images: Vec<PathBuf> = self.open.keys().cloned().collect();
        for image in images {
            self.save(&image, false);
        }
    }

    fn open_labels(
        &mut self,
        image: &Path,
        size: [usize; 2],
        (classes, colors): (&ClassSet, &[[u8; 3]]),
        reader: &TruthReader,
    ) -> Result<OpenedAnnotation, StoreError> {
        self.save(image, false);
        let root = Store::root_of(image);
        if !self.stores.contains_key(&root) {
            let store = Store::open(&root, &classes.recolored(colors), reader.ignored())?;
            self.stores.insert(root.clone(), store);
        }
        self.finish_rewriting(&root)?;
        // Edits that could not be saved are only here.
        let is_unsaved = |open: &Open| open.file.is_unsaved() && open.file.size() == size;
        if let Some(open) = self.open.get(image).filter(|open| is_unsaved(open)) {
            let Some(store) = self.stores.get(&root) else {
                return Err(StoreError::Locked(root));
            };
            return Ok(told(store, open, 0, Vec::new()));
        }
        self.follow_classes(&root, &classes.recolored(colors), reader);
        let Some(store) = self.stores.get_mut(&root) else {
            return Err(StoreError::Locked(root));
        };
        let opened = store.open_labels(image, size, (classes, reader))?;
        let open = Open {
            root,
            file: opened.file,
            origin: opened.origin,
            record: opened.record,
            number: 0,
        };
        let labels = told(store, &open, opened.recovered, opened.notes);
        if open.file.is_unsaved() {
            self.unsaved.push_back(image.to_owned());
        }
        self.open.insert(image.to_owned(), open);
        Ok(labels)
    }

    /// A folder without a class list follows the model in use. Files that were opened with other classes are closed: the
    /// window opens them again.
    fn follow_classes(&mut self, root: &Path, classes: &ClassSet, reader: &TruthReader) {
        let Some(store) = self.stores.get_mut(root) else { return };
        if store.has_class_list() || store.project().set().has_names_of(classes) {
            return;
        }
        store.follow(classes, reader.ignored());
        let of_root = |open: &Open| open.root == root && !open.file.is_unsaved();
        self.open.retain(|_, open| !of_root(open));
    }

    fn edit(&mut self, image: &Path, edit: &Patch, record: ImageRecord, number: u64) {
        let Some(open) = self.open.get_mut(image) else { return };
        open.record = ImageRecord {
            label_crc: open.record.label_crc,
            ..record
        };
        open.number = number;
        let made = open.file.edit(edit);
        self.undo.remove(&open.root);
        if !self.unsaved.iter().any(|waiting| waiting == image) {
            self.unsaved.push_back(image.to_owned());
        }
        if let Err(why) = made {
            self.fail(image, &why);
        }
    }

    fn record(&mut self, image: &Path, record: ImageRecord) {
        let Some(open) = self.open.get_mut(image) else { return };
        open.record = ImageRecord {
            label_crc: open.record.label_crc,
            ..record
        };
        self.save_record(image);
    }

    /// Writes what is known of an image, if it is not on disk.
    fn save_record(&mut self, image: &Path) {
        let Some(open) = self.open.get(image) else { return };
        let Some(store) = self.stores.get_mut(&open.root) else {
            return;
        };
        match store.set_record(open.record.clone()) {
            Ok(()) if !open.file.is_unsaved() => (self.report)(AnnotationNews::Saved {
                image: image.to_owned(),
                number: open.number,
                took: Duration::ZERO,
                original: None,
                grown: false,
            }),
            Ok(()) => {}
            Err(why) => self.fail_store(image, &why),
        }
    }

    fn forget(&mut self, image: &Path) {
        self.open.remove(image);
        self.unsaved.retain(|waiting| waiting != image);
    }

    /// Writes a label file if it is behind, and the record of the image.
    fn save(&mut self, image: &Path, over: bool) {
        let Some(open) = self.open.get_mut(image).filter(|open| open.file.is_unsaved()) else {
            return;
        };
        let Some(store) = self.stores.get_mut(&open.root) else {
            return;
        };
        let started = Instant::now();
        // A label file in the place of this project needs a class list to say what its ids mean.
        let in_place = !store.has_class_list() && matches!(open.origin, Origin::Foreign | Origin::Own);
        let prepared = match in_place {
            true => Ok(()),
            false => store.write_classes(),
        };
        if let Err(why) = prepared.and_then(|()| store.lock()) {
            return self.fail_store(image, &why);
        }
        match open.file.save(&store.project().set(), over) {
            Ok(Some(saved)) => {
                open.record.label_crc = Some(saved.crc);
                let recorded = store.set_record(open.record.clone());
                (self.report)(AnnotationNews::Saved {
                    image: image.to_owned(),
                    number: open.number,
                    took: started.elapsed(),
                    original: saved.original,
                    grown: saved.grown,
                });
                if let Err(why) = recorded {
                    self.fail_store(image, &why);
                }
            }
            Ok(None) => {}
            Err(why) => self.fail(image, &why),
        }
    }

    fn fail(&self, image: &Path, why: &SaveError) {
        (self.report)(AnnotationNews::SaveFailed {
            image: image.to_owned(),
            message: why.to_string(),
            changed: matches!(why, SaveError::Changed(_)),
        });
    }

    fn fail_store(&self, image: &Path, why: &StoreError) {
        (self.report)(AnnotationNews::SaveFailed {
            image: image.to_owned(),
            message: why.to_string(),
            changed: false,
        });
    }

    fn fail_classes(&self, why: &StoreError) {
        (self.report)(AnnotationNews::ClassesFailed {
            message: why.to_string(),
        });
    }

    fn edit_classes(&mut self, root: &Path, edit: &ClassEdit) {
        if let Err(why) = self.try_edit_classes(root, edit) {
            self.fail_classes(&why);
        }
    }

    fn try_edit_classes(&mut self, root: &Path, edit: &ClassEdit) -> Result<(), StoreError> {
        self.finish_rewriting(root)?;
        while self.save_next() {}
        self.check_files(root, edit)?;
        let Some(store) = self.stores.get_mut(root) else {
            return Ok(());
        };
        let before = store.project().clone();
        let ids = store.edit_classes(edit)?;
        let rewritten = match ids {
            Some(ids) => self.rewrite(root, ids),
            None => Rewritten::default(),
        };
        let undo = ClassUndo {
            project: before,
            before: rewritten.before,
        };
        self.undo.insert(root.to_owned(), undo);
        let ended = self.end_rewriting(root, rewritten.failed);
        self.tell_classes(root, ids, rewritten.edits, rewritten.changed, true);
        ended
    }

    /// Checks before a class edit that all label files can follow it.
    fn check_files(&self, root: &Path, edit: &ClassEdit) -> Result<(), StoreError> {
        let Some(store) = self.stores.get(root) else {
            return Ok(());
        };
        let changes_pixels = matches!(edit, ClassEdit::Delete { .. } | ClassEdit::Renumber { .. });
        let of_root = || self.open.values().filter(|open| open.root == root);
        let folder = root.join(&store.project().labels);
        for open in of_root() {
            let labels = &open.file.place().labels;
            // Label files in another place may be many more than those that are open.
            if !open.file.is_plain() || (changes_pixels && !labels.starts_with(&folder)) {
                return Err(StoreError::NotPlain(labels.clone()));
            }
        }
        if changes_pixels {
            for path in store.label_files()? {
                store.open_file(&path)?;
            }
        }
        Ok(())
    }

    /// Ends a change of all label files that the program did not finish.
    fn finish_rewriting(&mut self, root: &Path) -> Result<(), StoreError> {
        let pending = self.stores.get(root).and_then(|store| store.project().rewriting);
        let Some(ids) = pending else { return Ok(()) };
        let rewritten = self.rewrite(root, ids);
        self.end_rewriting(root, rewritten.failed)
    }

    /// Notes that all label files have followed a class edit, unless one could not: then it is tried again later.
    fn end_rewriting(&mut self, root: &Path, failed: Option<StoreError>) -> Result<(), StoreError> {
        match (failed, self.stores.get_mut(root)) {
            (Some(why), _) => Err(why),
            (None, Some(store)) if store.project().rewriting.is_some() => store.end_rewriting(),
            (None, _) => Ok(()),
        }
    }

    /// Changes pixels of a class in all label files of a project, as far as they can be written.
    fn rewrite(&mut self, root: &Path, ids: [u16; 2]) -> Rewritten {
        let mut done = Rewritten::default();
        let Some(store) = self.stores.get(root) else {
            return done;
        };
        let mut files = store.label_files().unwrap_or_else(|why| {
            done.failed = Some(why);
            Vec::new()
        });
        let mut images: Vec<PathBuf> = Vec::new();
        for (image, open) in self.open.iter_mut().filter(|(_, open)| open.root == root) {
            let labels = open.file.place().labels.clone();
            files.retain(|file| *file != labels);
            let (old, new, pixels) = open.file.replace(ids);
            if pixels > 0 {
                done.note(labels, old, pixels);
                done.edits.push((image.clone(), new));
                images.push(image.clone());
            }
        }
        for image in images {
            self.save(&image, false);
            let behind = self.open.get(&image).filter(|open| open.file.is_unsaved());
            if let Some(open) = behind {
                let why = std::io::Error::other("not saved yet");
                done.failed = Some(StoreError::Files(why, open.file.place().labels.clone()));
            }
        }
        for path in files {
            if let Err(why) = self.rewrite_file(root, &path, ids, &mut done) {
                done.failed = Some(why);
            }
        }
        done
    }

    fn rewrite_file(&self, root: &Path, path: &Path, ids: [u16; 2], done: &mut Rewritten) -> Result<(), StoreError> {
        let Some(store) = self.stores.get(root) else {
            return Ok(());
        };
        let mut file = store.open_file(path)?;
        let (old, _, pixels) = file.replace(ids);
        if pixels > 0 {
            file.save(&store.project().set(), false)
                .map_err(|why| save_failure(&why, path))?;
            done.note(path.to_owned(), old, pixels);
        }
        Ok(())
    }

    fn undo_classes(&mut self, root: &Path) {
        if let Err(why) = self.try_undo_classes(root) {
            self.fail_classes(&why);
        }
    }

    fn try_undo_classes(&mut self, root: &Path) -> Result<(), StoreError> {
        let Some(undo) = self.undo.remove(root) else {
            return Ok(());
        };
        let Some(store) = self.stores.get_mut(root) else {
            return Ok(());
        };
        store.restore_classes(undo.project)?;
        let (mut edits, mut changed, mut failed) = (Vec::new(), [0, 0], None);
        for (path, patch) in undo.before {
            changed[1] += 1;
            let image = self.open.iter().find(|(_, open)| open.file.place().labels == path);
            if let Some(image) = image.map(|(image, _)| image.clone()) {
                if let Some(open) = self.open.get_mut(&image)
                    && let Err(why) = open.file.edit(&patch)
                {
                    failed = Some(save_failure(&why, &path));
                }
                self.save(&image, false);
                edits.push((image, patch));
                continue;
            }
            let Some(store) = self.stores.get(root) else { continue };
            let write = || {
                let mut file = store.open_file(&path)?;
                // The journal has the edit if the label file cannot be written.
                file.edit(&patch).map_err(|why| save_failure(&why, &path))?;
                let saved = file.save(&store.project().set(), false);
                saved.map_err(|why| save_failure(&why, &path))
            };
            if let Err(why) = write() {
                failed = Some(why);
            }
        }
        self.tell_classes(root, None, edits, changed, false);
        failed.map_or(Ok(()), Err)
    }

    fn tell_classes(
        &self,
        root: &Path,
        replaced: Option<[u16; 2]>,
        edits: Vec<(PathBuf, Patch)>,
        changed: [u64; 2],
        undo: bool,
    ) {
        let Some(store) = self.stores.get(root) else { return };
        (self.report)(AnnotationNews::Classes {
            root: root.to_owned(),
            project: store.project().clone(),
            replaced,
            edits,
            changed,
            undo,
        });
    }

    /// The pixels of a class in all label files of a project, and the number of files with at least one.
    fn count(&self, root: &Path, id: u16) -> Result<[u64; 2], StoreError> {
        let Some(store) = self.stores.get(root) else {
            return Ok([0, 0]);
        };
        let mut counts = [0, 0];
        let mut add = |ids: &[u16]| {
            let count = ids.iter().filter(|found| **found == id).count() as u64;
            counts = [counts[0] + count, counts[1] + u64::from(count > 0)];
        };
        let mut files = store.label_files()?;
        for open in self.open.values().filter(|open| open.root == root) {
            files.retain(|file| *file != open.file.place().labels);
            add(&open.file.map().ids);
        }
        for path in files {
            add(&store.open_file(&path)?.map().ids);
        }
        Ok(counts)
    }
}

/// What the window is told of labels that are open.
fn told(store: &Store, open: &Open, recovered: usize, notes: Vec<String>) -> OpenedAnnotation {
    let map = open.file.map();
    OpenedAnnotation {
        root: open.root.clone(),
        labels: open.file.place().labels.clone(),
        origin: open.origin.clone(),
        map: Arc::new(map.clone()),
        counts: counts_of(&map.ids),
        project: store.project().clone(),
        has_class_list: store.has_class_list(),
        record: open.record.clone(),
        records: store.records().iter().cloned().collect(),
        recovered,
        notes,
    }
}

/// Pixels of each id that occurs.
fn counts_of(ids: &[u16]) -> Vec<(u16, u64)> {
    let mut counts = vec![0u64; usize::from(u16::MAX) + 1];
    ids.iter().for_each(|id| counts[usize::from(*id)] += 1);
    (0..=u16::MAX).zip(counts).filter(|(_, count)| *count > 0).collect()
}

/// A label file could not be written while all of a project were changed.
fn save_failure(why: &SaveError, path: &Path) -> StoreError {
    StoreError::Files(std::io::Error::other(why.to_string()), path.to_owned())
}
