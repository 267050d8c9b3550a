//! Import of labels of another program into a project, one image whenever no edit and no label file waits.

use std::collections::HashMap;
use std::path::Path;

use super::{Archive, ClassUndo, save_failure};
use crate::annotate::project::{ClassEdit, Project, Store, StoreError};
use crate::annotate::{Patch, UNLABELLED};
use crate::engine::annotator::importing::{Import, Importing, keep_locked};
use crate::engine::annotator::messages::AnnotationNews;
use crate::engine::annotator::rewritten::Rewritten;
use crate::interchange::{Format, ReadChoices, Unpacked, below_images, stem};

impl Archive {
    /// Opens the labels, and adds the classes that the project lacks.
    pub(super) fn begin_import(&mut self, asked: Import) {
        match self.opened_import(asked) {
            Ok(importing) => self.importing = Some(importing),
            Err(why) => (self.report)(AnnotationNews::ImportFailed {
                message: why.to_string(),
            }),
        }
    }

    fn opened_import(&mut self, asked: Import) -> Result<Importing, Box<dyn std::error::Error>> {
        let root = Store::root_of(&asked.image);
        self.finish_rewriting(&root)?;
        while self.save_next() {}
        let unpacked = Unpacked::open(&asked.from)?;
        let format = Format::of(unpacked.path()).ok_or_else(|| {
            let path = asked.from.display();
            format!("Expected labels in a known format, found none; choose the folder or file that the program wrote: {path}")
        })?;
        let reader = format.open(unpacked.path(), &ReadChoices::default())?;
        let store = self
            .stores
            .get_mut(&root)
            .ok_or("expected an open project, found none; open a photo first")?;
        store.write_classes()?;
        store.lock()?;
        let project = store.project().clone();
        let (mut ids, mut added) = (HashMap::new(), 0);
        for class in reader.classes().iter() {
            let by_name = |project: &Project| {
                project
                    .listed()
                    .find(|known| known.name == class.name)
                    .map(|known| known.id)
            };
            if by_name(store.project()).is_none() {
                let (name, color) = (class.name.clone(), class.color);
                store.edit_classes(&ClassEdit::Add { name, color })?;
                added += 1;
            }
            ids.insert(class.id, by_name(store.project()).unwrap_or(UNLABELLED));
        }
        let mut images = HashMap::new();
        for image in asked.images.iter().filter(|image| Store::root_of(image) == root) {
            let below = image
                .strip_prefix(&root)
                .unwrap_or(image)
                .to_string_lossy()
                .replace('\\', "/");
            let name = stem(below_images(&below)).to_owned();
            // Formats that keep no folders name files alone.
            let alone = name.rsplit('/').next().unwrap_or_default().to_owned();
            images.entry(name.clone()).or_insert_with(|| Some(image.clone()));
            if alone != name {
                images
                    .entry(alone)
                    .and_modify(|known| *known = None)
                    .or_insert_with(|| Some(image.clone()));
            }
        }
        Ok(Importing {
            root,
            reader,
            _unpacked: unpacked,
            title: format.title,
            ids,
            added,
            images,
            index: 0,
            project,
            done: Rewritten::default(),
            taken: 0,
            missing: Vec::new(),
            asked,
        })
    }

    /// Imports the labels of the next image. Returns whether there was something to do.
    pub(in crate::engine::annotator) fn import_next(&mut self) -> bool {
        let Some(mut importing) = self.importing.take() else {
            return false;
        };
        let names = importing.reader.names();
        let Some(name) = names.get(importing.index).cloned() else {
            self.end_import(importing);
            return true;
        };
        let count = names.len();
        (self.report)(AnnotationNews::Importing {
            done: importing.index,
            count,
        });
        let own = stem(&name);
        let alone = own.rsplit('/').next().unwrap_or_default();
        let image = importing
            .images
            .get(own)
            .or_else(|| importing.images.get(alone))
            .cloned()
            .flatten();
        match image {
            None => importing.missing.push(name),
            Some(image) => {
                if let Err(why) = self.import_image(&mut importing, &image) {
                    importing.done.failed = Some(why);
                    self.end_import(importing);
                    return true;
                }
                importing.taken += 1;
            }
        }
        importing.index += 1;
        self.importing = Some(importing);
        true
    }

    fn import_image(&mut self, importing: &mut Importing, image: &Path) -> Result<(), StoreError> {
        let mut labels = importing.labels_for(image)?;
        let size = [labels.width, labels.height];
        let Some(store) = self.stores.get_mut(&importing.root) else {
            return Err(StoreError::Locked(importing.root.clone()));
        };
        let project = store.project().clone();
        if let Some(open) = self.open.get_mut(image) {
            keep_locked(&mut labels, open.file.map(), &project);
            let (before, after, pixels) = Patch::difference(open.file.map(), &labels);
            let path = open.file.place().labels.clone();
            open.file.edit(&after).map_err(|why| save_failure(&why, &path))?;
            open.record.note_edit(pixels);
            if pixels > 0 {
                importing.done.note(path, before, pixels);
                importing.done.edits.push((image.to_owned(), after));
            }
            self.save(image, false);
            return Ok(());
        }
        let opened = store.open_labels(image, size, (&importing.asked.classes, &importing.asked.reader))?;
        let (mut file, mut record) = (opened.file, opened.record);
        keep_locked(&mut labels, file.map(), &project);
        let (before, after, pixels) = Patch::difference(file.map(), &labels);
        let path = file.place().labels.clone();
        file.edit(&after).map_err(|why| save_failure(&why, &path))?;
        let saved = file
            .save(&project.set(), false)
            .map_err(|why| save_failure(&why, &path))?;
        record.note_edit(pixels);
        record.label_crc = saved.map(|saved| saved.crc).or(record.label_crc);
        store.set_record(record)?;
        if pixels > 0 {
            importing.done.note(path, before, pixels);
        }
        Ok(())
    }

    /// Tells what was imported. All of it can be undone as one change of the class list.
    fn end_import(&mut self, importing: Importing) {
        let Importing {
            root, project, done, ..
        } = &importing;
        let message = importing.message();
        let undo = ClassUndo {
            project: project.clone(),
            before: done.before.clone(),
        };
        self.undo.insert(root.clone(), undo);
        self.tell_classes(root, None, done.edits.clone(), done.changed, true);
        let records = self
            .stores
            .get(root)
            .map(|store| store.records().iter().cloned().collect());
        (self.report)(AnnotationNews::Imported {
            root: root.clone(),
            records: records.unwrap_or_default(),
            message,
            complete: done.failed.is_none() && importing.missing.is_empty(),
        });
    }
}
