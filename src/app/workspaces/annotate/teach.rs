//! Teaching: strokes of a few classes become a decoder that labels the whole photo. Each further stroke improves it.
//!
//! Strokes are no labels: they are kept in a file of their own, and what was learnt becomes labels only on request.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Annotate;
use super::accepting::spans_by_class;
use super::tool::Tool;
use super::veil::{Grid, Veil};
use crate::annotate::UNLABELLED;
use crate::annotate::project::ClassEdit;
use crate::app::action::{Action, Request};
use crate::app::theme::data_color;
use crate::app::workspaces::Ctx;
use crate::engine::{
    AnnotationRequest, Asked, Event, ImageSource, Job, ModelSource, Taught, TaughtModel, TeachRequest, TeacherAnswer,
    TeacherRequest,
};
use crate::labels::{Class, ClassSet};
use crate::teach::{Lesson, LessonImage, LinearDecoder, Stroke, StrokeClass, StrokeFile, Tokens};

/// The model whose encoder reads photos: the smallest patches make the finest labels.
pub(super) const ENCODER: ModelSource = ModelSource::EmbeddedWithPatch(8);

/// Short side in pixels to which photos are reduced for the encoder.
pub(super) const SHORT_SIDE: usize = crate::engine::TEACHING_SHORT_SIDE;

/// Strength of the colours where the decoder is unsure and where it is sure, 0..=1.
const FADED: f32 = 0.2;
const FULL: f32 = 0.7;

/// The strokes on a photo.
#[derive(Default)]
pub(super) struct Page {
    pub(super) strokes: Vec<Stroke>,
    /// Strokes that were taken back, the last one at the end.
    undone: Vec<Stroke>,
    tokens: Option<Arc<Tokens>>,
    /// The pending request for tokens.
    asked: Option<Asked>,
}

/// The state of teaching.
pub(super) struct Teaching {
    pages: HashMap<ImageSource, Page>,
    /// Ids of the classes that were learnt, and the decoder.
    decoder: Option<(Vec<u16>, LinearDecoder)>,
    /// What was learnt of a photo.
    pub(super) taught: Option<(ImageSource, Arc<Taught>)>,
    pub(super) veil: Veil<u64>,
    /// Number of what was learnt last.
    number: u64,
    asked: Option<Asked>,
    saving: Option<Asked>,
    /// Whether labels follow the photo's edges.
    pub(super) edges: bool,
    /// Why nothing was learnt.
    pub(super) failed: Option<String>,
}

impl Default for Teaching {
    fn default() -> Self {
        Self {
            pages: HashMap::new(),
            decoder: None,
            taught: None,
            veil: Veil::default(),
            number: 0,
            asked: None,
            saving: None,
            edges: true,
            failed: None,
        }
    }
}

impl Teaching {
    /// Whether something is being computed.
    pub(super) fn is_working(&self) -> bool {
        self.asked.is_some() || self.pages.values().any(|page| page.asked.is_some())
    }

    pub(super) fn is_saving(&self) -> bool {
        self.saving.is_some()
    }

    /// Number of strokes on all photos, and of photos with strokes.
    pub(super) fn strokes(&self) -> [usize; 2] {
        let counts = self.pages.values().map(|page| page.strokes.len());
        counts.fold([0, 0], |[all, photos], count| {
            [all + count, photos + usize::from(count > 0)]
        })
    }
}

impl Annotate {
    /// The strokes on the photo.
    pub(super) fn page(&self) -> Option<&Page> {
        self.teaching.pages.get(self.current.as_ref()?)
    }

    /// Asks for tokens and reads the strokes of the photo, when teaching begins there.
    pub(super) fn begin_teaching(&mut self, ctx: &Ctx) {
        let (Some(document), Some(sheet)) = (ctx.document(), self.sheet()) else {
            return;
        };
        let source = &document.photo.source;
        let known = self.teaching.pages.contains_key(source);
        if !known {
            let file = stroke_file(&sheet.root, &sheet.record.path);
            let mut page = Page::default();
            if file.is_file() {
                match StrokeFile::open(&file) {
                    Ok(found) => page.strokes = found.strokes,
                    Err(why) => ctx.actions().error(why.to_string()),
                }
            }
            self.teaching.pages.insert(source.clone(), page);
        }
        let Some(page) = self.teaching.pages.get_mut(source) else {
            return;
        };
        if page.tokens.is_none() && page.asked.is_none() {
            let asked = Asked::new();
            ctx.actions().job(Job::EncodeForTeaching {
                ticket: asked.ticket(),
                photo: document.photo.clone(),
                encoder: ENCODER,
                short_side: SHORT_SIDE,
            });
            page.asked = Some(asked);
        }
    }

    /// Adds a stroke, and learns from it.
    pub(super) fn add_stroke(&mut self, ctx: &Ctx, stroke: Stroke) {
        let Some(page) = self
            .current
            .as_ref()
            .and_then(|source| self.teaching.pages.get_mut(source))
        else {
            return;
        };
        page.strokes.push(stroke);
        page.undone.clear();
        self.keep_classes(ctx);
        self.strokes_changed(ctx);
    }

    /// Writes the class list of a folder that has none: strokes are of its classes, and must not follow another model.
    fn keep_classes(&self, ctx: &Ctx) {
        let (Some(sheet), Some(open)) = (self.sheet(), self.project()) else {
            return;
        };
        let class = open.project.class(self.class).filter(|_| !open.has_list);
        if let Some(class) = class {
            let (id, locked) = (class.id, class.locked);
            // An edit that changes nothing.
            ctx.request(Request::Annotate(Box::new(AnnotationRequest::EditClasses {
                image: sheet.image.clone(),
                edit: ClassEdit::Lock { id, locked },
            })));
        }
    }

    /// Whether undo and redo are about strokes now.
    pub(super) fn turns_strokes(&self, back: bool) -> bool {
        self.tool == Tool::Teach
            && self.page().is_some_and(|page| match back {
                true => !page.strokes.is_empty(),
                false => !page.undone.is_empty(),
            })
    }

    /// Takes the last stroke back, or makes it again.
    pub(super) fn turn_stroke(&mut self, ctx: &Ctx, back: bool) {
        let Some(page) = self
            .current
            .as_ref()
            .and_then(|source| self.teaching.pages.get_mut(source))
        else {
            return;
        };
        let (from, to) = match back {
            true => (&mut page.strokes, &mut page.undone),
            false => (&mut page.undone, &mut page.strokes),
        };
        to.extend(from.pop());
        self.strokes_changed(ctx);
    }

    /// Removes all strokes from the photo.
    pub(super) fn clear_strokes(&mut self, ctx: &Ctx) {
        if let Some(page) = self
            .current
            .as_ref()
            .and_then(|source| self.teaching.pages.get_mut(source))
        {
            page.undone = std::mem::take(&mut page.strokes);
            page.undone.reverse();
        }
        self.strokes_changed(ctx);
    }

    fn strokes_changed(&mut self, ctx: &Ctx) {
        self.save_strokes(ctx);
        self.learn(ctx);
    }

    /// Writes the strokes of the photo to their file.
    fn save_strokes(&self, ctx: &Ctx) {
        let (Some(page), Some(sheet), Some(open)) = (self.page(), self.sheet(), self.project()) else {
            return;
        };
        let file = stroke_file(&sheet.root, &sheet.record.path);
        let [width, height] = sheet.layer.size();
        let class = |class: &crate::annotate::project::ProjectClass| StrokeClass {
            id: class.id,
            name: class.name.clone(),
            color: Some(class.color),
            ..StrokeClass::default()
        };
        let content = StrokeFile {
            image: sheet.record.path.clone(),
            width,
            height,
            classes: open.project.classes.iter().map(class).collect(),
            strokes: page.strokes.clone(),
            ..StrokeFile::default()
        };
        let written = match page.strokes.is_empty() {
            true => std::fs::remove_file(&file).or_else(|why| match why.kind() {
                std::io::ErrorKind::NotFound => Ok(()),
                _ => Err(why.to_string()),
            }),
            false => file
                .parent()
                .map_or(Ok(()), std::fs::create_dir_all)
                .map_err(|why| why.to_string())
                .and_then(|()| content.save(&file).map_err(|why| why.to_string())),
        };
        if let Err(why) = written {
            ctx.actions()
                .error(format!("The strokes cannot be saved ({why}): {}", file.display()));
        }
    }

    /// Learns from all strokes, and labels the photo.
    pub(super) fn learn(&mut self, ctx: &Ctx) {
        let (Some(document), Some(open)) = (ctx.document(), self.project()) else {
            return;
        };
        let source = &document.photo.source;
        // A class that was deleted is not learnt.
        let listed: Vec<u16> = open.project.listed().map(|class| class.id).collect();
        let mut classes: Vec<u16> = Vec::new();
        let mut images = Vec::new();
        let mut place = None;
        for (of, page) in &self.teaching.pages {
            let Some(tokens) = &page.tokens else { continue };
            let strokes: Vec<Stroke> = page
                .strokes
                .iter()
                .filter(|stroke| listed.contains(&stroke.class))
                .cloned()
                .collect();
            if strokes.is_empty() && of != source {
                continue;
            }
            if of == source {
                place = Some(images.len());
            }
            classes.extend(strokes.iter().map(|stroke| stroke.class));
            images.push(LessonImage {
                tokens: tokens.clone(),
                strokes,
                accepted: None,
            });
        }
        classes.sort_unstable();
        classes.dedup();
        let Some(place) = place else { return };
        self.teaching.failed = None;
        if classes.is_empty() {
            self.teaching.asked = None;
            self.teaching.taught = None;
            self.teaching.veil.clear();
            return;
        }
        let last = self.teaching.decoder.take().filter(|(known, _)| *known == classes);
        let asked = Asked::new();
        // The request before this one is withdrawn.
        ctx.request(Request::Teach(TeacherRequest::Teach(Box::new(TeachRequest {
            ticket: asked.ticket(),
            lesson: Lesson {
                classes,
                images,
                trained: None,
            },
            last: last.as_ref().map(|(_, decoder)| decoder.clone()),
            photo: document.photo.clone(),
            place,
            edges: self.teaching.edges,
        }))));
        self.teaching.decoder = last;
        self.teaching.asked = Some(asked);
    }

    /// Takes tokens, and learns from strokes that waited for them.
    pub(super) fn take_tokens(&mut self, event: &Event, ctx: &Ctx) {
        let Event::TeachingTokens { ticket, outcome } = event else {
            return;
        };
        let mut pages = self.teaching.pages.values_mut();
        let Some(page) = pages.find(|page| page.asked.as_ref().is_some_and(|asked| asked.is(ticket))) else {
            return;
        };
        page.asked = None;
        match outcome {
            Ok(tokens) => {
                page.tokens = Some(tokens.clone());
                self.learn(ctx);
            }
            Err(message) => self.teaching.failed = Some(message.clone()),
        }
    }

    /// Takes what was learnt or saved.
    pub(super) fn take_taught(&mut self, answer: &TeacherAnswer, ctx: &Ctx) {
        match answer {
            TeacherAnswer::Taught { ticket, outcome } => {
                if self.teaching.asked.take_if(|asked| asked.is(ticket)).is_none() {
                    return;
                }
                let Some(source) = self.current.clone() else { return };
                match outcome {
                    Ok(taught) => {
                        self.teaching.decoder = Some((taught.classes.clone(), taught.decoder.clone()));
                        self.teaching.taught = Some((source, taught.clone()));
                        self.teaching.number += 1;
                    }
                    Err(message) => self.teaching.failed = Some(message.clone()),
                }
            }
            TeacherAnswer::Saved { ticket, outcome } => {
                if self.teaching.saving.take_if(|asked| asked.is(ticket)).is_none() {
                    return;
                }
                match outcome {
                    Ok(path) => {
                        ctx.actions()
                            .info(format!("Saved and opened as a model: {}", path.display()));
                        ctx.send(Action::Find(vec![path.clone()]));
                    }
                    Err(message) => ctx.actions().error(message.clone()),
                }
            }
        }
    }

    /// Shows what was learnt over the photo, fainter where it is unsure.
    pub(super) fn update_taught(&mut self, ui: &egui::Ui) {
        let Some((_, taught)) = self
            .teaching
            .taught
            .as_ref()
            .filter(|(of, _)| Some(of) == self.current.as_ref())
        else {
            return self.teaching.veil.clear();
        };
        if self.tool != Tool::Teach {
            return self.teaching.veil.clear();
        }
        let Some(open) = self.project() else { return };
        if self.teaching.veil.key() == Some(&self.teaching.number) {
            return;
        }
        let labels = &taught.labels;
        let grid = Grid::of([labels.labels.width, labels.labels.height]);
        let color = |point: usize| {
            let pixel = grid.pixel(point);
            let (id, margin) = (labels.labels.ids[pixel], labels.margin[pixel]);
            data_color(open.set.color(id)).gamma_multiply(FADED + (FULL - FADED) * margin)
        };
        let colors = (0..grid.count()).map(color).collect();
        let number = self.teaching.number;
        self.teaching.veil.set(ui.ctx(), number, grid, colors);
    }

    /// Makes labels of what was learnt, as one edit under the writing rules.
    pub(super) fn apply_taught(&mut self, ctx: &Ctx) {
        self.release(ctx);
        if self.changing_classes {
            return;
        }
        let rules = self.rules(ctx, ctx.document().and_then(|document| document.result.as_ref()));
        let Some((_, taught)) = self
            .teaching
            .taught
            .as_ref()
            .filter(|(of, _)| Some(of) == self.current.as_ref())
        else {
            return;
        };
        let spans = spans_by_class(&taught.labels.labels, |_, id| (id != UNLABELLED).then_some(id));
        let Some(sheet) = self.current.as_ref().and_then(|source| self.sheets.get_mut(source)) else {
            return;
        };
        sheet.layer.begin(rules, None);
        sheet.write_all(ctx.gpu, spans.iter().map(|(id, spans)| (*id, spans.as_slice())));
        sheet.commit(ctx, |_| "labels taught by strokes".into());
        self.choose_tool(Tool::Brush, ctx);
    }

    /// Writes the decoder with its encoder as a model beside the project, and opens it.
    pub(super) fn save_taught(&mut self, ctx: &Ctx) {
        let (Some((ids, decoder)), Some(open), Some(sheet)) = (&self.teaching.decoder, self.project(), self.sheet())
        else {
            return;
        };
        let class = |id: &u16| Class {
            name: open.set.label(*id),
            color: open.set.color(*id),
        };
        let [strokes, images] = self.teaching.strokes();
        let model = TaughtModel {
            encoder: ENCODER,
            decoder: decoder.clone(),
            classes: ClassSet {
                name: "taught".into(),
                classes: ids.iter().map(class).collect(),
                guessed: false,
            },
            strokes,
            images,
            short_side: SHORT_SIDE,
            corrects: false,
        };
        let asked = Asked::new();
        ctx.request(Request::Teach(TeacherRequest::Save {
            ticket: asked.ticket(),
            model: Box::new(model),
            path: free_path(&sheet.root),
        }));
        self.teaching.saving = Some(asked);
    }
}

/// The file of the strokes on an image.
fn stroke_file(root: &Path, image: &str) -> PathBuf {
    let mut name = image.to_owned();
    name.push_str(".json");
    root.join("scribbles").join(name)
}

/// A file name for a model that is not taken.
fn free_path(root: &Path) -> PathBuf {
    let name = |number: usize| match number {
        1 => "taught.safetensors".to_owned(),
        number => format!("taught-{number}.safetensors"),
    };
    let mut paths = (1..).map(|number| root.join(name(number)));
    paths.find(|path| !path.exists()).unwrap_or_else(|| root.join(name(1)))
}

impl Annotate {
    /// A stroke of the chosen class through points of the photo, whose corners are places of pixels' edges.
    pub(super) fn stroke_through(&self, points: &[[f64; 2]]) -> Stroke {
        // Whole numbers are the middles of pixels in stroke files.
        let points = points
            .iter()
            .map(|point| point.map(|side| (side - 0.5).round()))
            .collect();
        Stroke::new(self.class, f64::from(self.settings.stroke_width), points)
    }
}
