//! The labels of one image in the window, and what is known of their project.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::annotate::project::{ImageRecord, Origin, Project};
use crate::annotate::{Bounds, Commit, Layer, Patch, Span, UNLABELLED};
use crate::app::action::Request;
use crate::app::gpu::{Gpu, GpuLabels};
use crate::app::workspaces::Ctx;
use crate::engine::{AnnotationRequest, OpenedAnnotation};
use crate::labels::{ClassSet, LabelMap};

/// Rows of pixels that are uploaded together.
const ROWS: usize = 64;

/// Longest time between two edits that counts as work, in seconds.
const LONGEST_PAUSE: u64 = 60;

/// Whether the label file is up to date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Saving {
    Saved,
    Unsaved,
    /// It could not be written, and why.
    Failed {
        message: String,
        /// Whether another program has changed it.
        changed: bool,
    },
}

/// What the last edit did, for the line over the canvas.
#[derive(Clone, Debug)]
pub(super) struct LastEdit {
    pub(super) commit: Commit,
    /// What it was called.
    pub(super) name: String,
    pub(super) at: Instant,
}

/// The labels of an image.
pub(super) struct Sheet {
    /// The name of the image for the thread that writes.
    pub(super) image: PathBuf,
    pub(super) root: PathBuf,
    pub(super) labels: PathBuf,
    pub(super) origin: Origin,
    pub(super) layer: Layer,
    /// Pixels of each class, and of none.
    counts: HashMap<u16, u64>,
    pub(super) record: ImageRecord,
    pub(super) texture: Option<Arc<GpuLabels>>,
    pub(super) saving: Saving,
    /// How long writing the file took.
    pub(super) saved_in: Duration,
    pub(super) last: Option<LastEdit>,
    edited_at: Option<Instant>,
    /// Number of edits so far, with undone and redone ones.
    pub(super) edits: u64,
}

impl Sheet {
    /// The labels as they were opened. `map` is the only owner of them, so that they need not be copied.
    pub(super) fn new(image: PathBuf, opened: OpenedAnnotation, texture: Option<Arc<GpuLabels>>) -> Self {
        Self {
            image,
            root: opened.root,
            labels: opened.labels,
            saving: match opened.recovered > 0 {
                true => Saving::Unsaved,
                false => Saving::Saved,
            },
            origin: opened.origin,
            counts: opened.counts.into_iter().collect(),
            record: opened.record,
            layer: Layer::new(Arc::unwrap_or_clone(opened.map)),
            texture,
            saved_in: Duration::ZERO,
            last: None,
            edited_at: None,
            edits: 0,
        }
    }

    /// Pixels of a class.
    pub(super) fn pixels(&self, id: u16) -> u64 {
        self.counts.get(&id).copied().unwrap_or(0)
    }

    /// Pixels of no class.
    pub(super) fn unlabelled(&self) -> u64 {
        self.pixels(UNLABELLED)
    }

    /// All pixels.
    pub(super) fn all_pixels(&self) -> u64 {
        let [width, height] = self.layer.size();
        (width * height) as u64
    }

    /// Ids of the classes that occur.
    pub(super) fn present(&self) -> impl Iterator<Item = u16> {
        let present = self.counts.iter().filter(|(_, count)| **count > 0);
        present.map(|(id, _)| *id)
    }

    /// Shows a change on the screen.
    pub(super) fn show(&self, gpu: Option<&Gpu>, boxes: &[Bounds]) {
        if let (Some(gpu), Some(texture)) = (gpu, &self.texture) {
            gpu.update_labels(texture, self.layer.map(), boxes);
        }
    }

    fn count(&mut self, changed: &[(u16, u16, u64)]) {
        for (from, to, pixels) in changed {
            let before = self.counts.entry(*from).or_default();
            *before = before.saturating_sub(*pixels);
            *self.counts.entry(*to).or_default() += pixels;
        }
    }

    /// Ends the edit, and hands it to the thread that writes. All of it is on the screen already.
    pub(super) fn commit(&mut self, ctx: &Ctx, name: impl FnOnce(&Commit) -> String) {
        self.end_edit(ctx, name, |record, pixels| record.note_edit(pixels));
    }

    /// Writes spans by class, which may lie all over the photo, and shows them at once instead of one after another.
    pub(super) fn write_all<'s>(&mut self, gpu: Option<&Gpu>, spans: impl IntoIterator<Item = (u16, &'s [Span])>) {
        let mut rows: BTreeMap<usize, Bounds> = BTreeMap::new();
        for (class, spans) in spans {
            for bounds in self.layer.write(spans, class) {
                let row = rows.entry(bounds.y.start / ROWS).or_insert_with(|| bounds.clone());
                *row = row.clone().around(&bounds);
            }
        }
        let boxes: Vec<Bounds> = rows.into_values().collect();
        self.show(gpu, &boxes);
    }

    /// The same for labels that were taken from a prediction.
    pub(super) fn commit_prediction(&mut self, ctx: &Ctx, name: String) {
        self.end_edit(ctx, |_| name, |record, _| record.note_prediction());
    }

    fn end_edit(&mut self, ctx: &Ctx, name: impl FnOnce(&Commit) -> String, note: impl FnOnce(&mut ImageRecord, u64)) {
        let (commit, edit) = self.layer.commit(name);
        let pixels = commit.pixels();
        if pixels > 0 {
            self.count(&commit.changed);
            note(&mut self.record, pixels);
            self.hand_over(ctx, edit);
        }
        if pixels > 0 || commit.protected > 0 {
            self.last = Some(LastEdit {
                name: self.layer.undo_name().unwrap_or_default().to_owned(),
                commit,
                at: Instant::now(),
            });
        }
    }

    /// Takes the edit in progress back.
    pub(super) fn abort(&mut self, gpu: Option<&Gpu>) {
        if let Some(bounds) = self.layer.abort() {
            self.show(gpu, &[bounds]);
        }
    }

    /// Notes an edit that has been made, and hands it to the thread that writes.
    fn hand_over(&mut self, ctx: &Ctx, edit: Patch) {
        self.edits += 1;
        let now = Instant::now();
        let since = self
            .edited_at
            .replace(now)
            .map(|before| now.duration_since(before).as_secs());
        self.record.seconds += since.filter(|since| *since <= LONGEST_PAUSE).unwrap_or(0);
        if !matches!(self.saving, Saving::Failed { changed: true, .. }) {
            self.saving = Saving::Unsaved;
        }
        ctx.request(Request::Annotate(Box::new(AnnotationRequest::Edit {
            image: self.image.clone(),
            edit,
            record: self.record.clone(),
            number: self.edits,
        })));
    }

    /// Undoes or redoes an edit.
    ///
    /// # Errors
    /// Why it cannot be done.
    pub(super) fn turn(&mut self, ctx: &Ctx, project: &Project, back: bool) -> Result<(), String> {
        let locked = locked_of(project);
        let turned = match back {
            true => self.layer.undo(&locked),
            false => self.layer.redo(&locked),
        };
        let turned = turned.map_err(|why| {
            let name = project
                .class(why.class)
                .map_or_else(|| why.class.to_string(), |class| class.name.clone());
            format!(
                "{name} is locked, and {} of its pixels would change; unlock it first",
                why.pixels
            )
        })?;
        if let Some(turned) = turned {
            self.count(&turned.changed);
            self.show(ctx.gpu, &turned.now.boxes(self.layer.size()));
            // What is undone was counted before.
            self.record.note_edit(0);
            self.hand_over(ctx, turned.now);
            self.last = None;
        }
        Ok(())
    }

    /// Takes a change that was made to all label files of the project.
    pub(super) fn take_outside(&mut self, gpu: Option<&Gpu>, edit: &Patch, replaced: Option<[u16; 2]>) {
        let changed = match replaced {
            Some(ids) => self.layer.take_replaced(edit, ids),
            None => self.layer.take_outside(edit),
        };
        self.edits += 1;
        self.count(&changed);
        self.show(gpu, &edit.boxes(self.layer.size()));
        self.last = None;
    }

    /// The labels.
    pub(super) fn map(&self) -> &LabelMap {
        self.layer.map()
    }
}

/// The classes of a project that are locked.
pub(super) fn locked_of(project: &Project) -> crate::annotate::ClassIds {
    let locked = project.listed().filter(|class| class.locked);
    locked.map(|class| class.id).collect()
}

/// A project in the window.
pub(super) struct OpenProject {
    pub(super) project: Project,
    /// The classes by id.
    pub(super) set: ClassSet,
    /// What is known of its images, by their paths below the root.
    pub(super) records: HashMap<String, ImageRecord>,
    /// Whether the last change of the class list can be undone.
    pub(super) undo: bool,
    /// Number of edits of all its sheets when the class list was changed: the next edit ends that undo.
    pub(super) edits: u64,
    /// Whether the folder has a class list of its own. Otherwise it has the classes of the model in use.
    pub(super) has_list: bool,
}

impl OpenProject {
    pub(super) fn new(project: Project, records: Vec<ImageRecord>) -> Self {
        Self {
            set: project.set(),
            project,
            records: records
                .into_iter()
                .map(|record| (record.path.clone(), record))
                .collect(),
            undo: false,
            edits: 0,
            has_list: false,
        }
    }

    pub(super) fn set_project(&mut self, project: Project) {
        self.set = project.set();
        self.project = project;
    }
}
