//! The window's state without a window, for tests: its requests are collected here, and the tests answer them.

use std::sync::Arc;

use crossbeam_channel::Receiver;

use super::{AppState, OpenWorkspace};
use crate::app::action::{Action, Actions, Request};
use crate::app::command::CommandStates;
use crate::app::gpu::Upload;
use crate::app::settings::{SavedSession, Settings};
use crate::app::workspaces::{Ctx, News, Workspace};
use crate::engine::{
    AnnotationRequest, BatchState, Event, ImageSource, InferenceConfig, Job, ModelInfo, ModelSource, OpenImage,
    OpenModel, Output, Prediction, ScoreRequest, Segmented, Ticket,
};
use crate::labels::{ClassSet, LabelMap};
use crate::model::{DecoderKind, Precision, Variant, published};
use crate::photo::Photo;
use crate::segment::{Labels, Timings};

/// Width and height of the images in these tests, in pixels.
pub(in crate::app) const SIDE: usize = 4;

/// A state, and its requests that are not answered yet.
pub(in crate::app) struct Bench {
    pub(in crate::app) state: AppState,
    inbox: Receiver<Action>,
    commands: CommandStates,
    pub(in crate::app) jobs: Vec<Job>,
    pub(in crate::app) uploads: Vec<Upload>,
    pub(in crate::app) scores: Vec<ScoreRequest>,
    pub(in crate::app) annotations: Vec<AnnotationRequest>,
    photos: u64,
}

impl Bench {
    /// A state with nothing open and no graphics device.
    pub(in crate::app) fn new() -> Self {
        let (actions, inbox) = Actions::new();
        let workspace = OpenWorkspace {
            id: "Masks",
            shows_output: true,
        };
        Self {
            state: AppState::new(Settings::default(), SavedSession::default(), workspace, false, actions),
            inbox,
            commands: CommandStates::default(),
            jobs: Vec::new(),
            uploads: Vec::new(),
            scores: Vec::new(),
            annotations: Vec::new(),
            photos: 0,
        }
    }

    /// A state with a model in use and images of these names; the first is on the canvas with its result.
    pub(in crate::app) fn with_images(names: &[&str]) -> Self {
        let mut bench = Self::new();
        bench.use_model(model(1, "/models/a", &[DecoderKind::Mask, DecoderKind::Linear]));
        bench.state.open_images(names.iter().map(|name| source(name)).collect());
        bench.settle(&mut []);
        bench.answer_photo();
        bench.answer_run(0);
        bench
    }

    /// Opens a model and uses it.
    pub(in crate::app) fn use_model(&mut self, model: OpenModel) {
        self.state.open_model(model.info.source.clone());
        self.settle(&mut []);
        let ticket = self.take_job(|job| match job {
            Job::LoadModel { ticket, .. } => Some(ticket.clone()),
            _ => None,
        });
        let mut open = self.state.library.models.open().to_vec();
        open.push(model.clone());
        self.state.take_open_models(open);
        self.state.take_model(&ticket, model.info);
        self.settle(&mut []);
    }

    /// The context for a workspace.
    pub(in crate::app) fn ctx(&self) -> Ctx<'_> {
        Ctx {
            state: &self.state,
            gpu: None,
            commands: &self.commands,
        }
    }

    /// All actions since the last call.
    pub(in crate::app) fn actions(&self) -> Vec<Action> {
        self.inbox.try_iter().collect()
    }

    /// The messages to the user since the last call. Panics if there are other actions.
    pub(in crate::app) fn messages(&self) -> Vec<String> {
        let text = |action| match action {
            Action::Toast(toast) => toast.full_text(),
            _ => panic!("expected messages only"),
        };
        self.inbox.try_iter().map(text).collect()
    }

    /// Opens a workspace.
    pub(in crate::app) fn open(&mut self, workspace: &mut dyn Workspace) {
        self.state.workspace = OpenWorkspace {
            id: workspace.id(),
            shows_output: workspace.shows_output(),
        };
        workspace.enter(&self.ctx());
        self.frame(workspace);
    }

    /// Runs one frame: updates a workspace, and carries out the actions.
    pub(in crate::app) fn frame(&mut self, workspace: &mut dyn Workspace) {
        workspace.update(&self.ctx());
        self.settle(&mut [workspace]);
    }

    /// Carries out actions on the state, passes news to the workspaces, and collects requests.
    pub(in crate::app) fn settle(&mut self, workspaces: &mut [&mut dyn Workspace]) {
        while let Ok(action) = self.inbox.try_recv() {
            match action {
                Action::Tell(news) => self.tell(&news, workspaces),
                Action::Request(Request::Send(job)) => self.jobs.push(*job),
                Action::Request(Request::Upload(upload)) => self.uploads.push(upload),
                Action::Request(Request::Score(request)) => self.scores.push(request),
                Action::Request(Request::Annotate(request)) => self.annotations.push(*request),
                Action::Run(photo, key) => self.state.run(photo, key),
                Action::StopRun => self.state.cancel(),
                Action::Resume => self.state.resume(),
                Action::SegmentImages {
                    images,
                    write,
                    for_scores,
                } => self.state.segment_images(images, write, for_scores),
                Action::OpenNextModel => self.state.open_next_model(),
                _ => {}
            }
        }
    }

    /// Passes news to workspaces.
    pub(in crate::app) fn tell(&self, news: &News, workspaces: &mut [&mut dyn Workspace]) {
        for workspace in workspaces {
            workspace.on_news(news, &self.ctx());
        }
    }

    /// Removes and returns the first sent job that `pick` accepts.
    pub(in crate::app) fn take_job<T>(&mut self, pick: impl Fn(&Job) -> Option<T>) -> T {
        let found = self.jobs.iter().position(|job| pick(job).is_some());
        let job = self.jobs.remove(found.expect("a job of this kind"));
        pick(&job).expect("the job that pick has accepted")
    }

    /// The number of sent jobs of a kind that were not taken, whether they are still wanted or not.
    pub(in crate::app) fn count(&self, is: impl Fn(&Job) -> bool) -> usize {
        self.jobs.iter().filter(|job| is(job)).count()
    }

    /// The image that the engine is asked to read.
    pub(in crate::app) fn asked_photo(&mut self) -> (Ticket, ImageSource) {
        self.take_job(|job| match job {
            Job::OpenImage { ticket, source } => Some((ticket.clone(), source.clone())),
            _ => None,
        })
    }

    /// Answers the request to read an image.
    pub(in crate::app) fn answer_photo(&mut self) -> OpenImage {
        let (ticket, source) = self.asked_photo();
        let photo = self.photo(source);
        self.state.take_photo(&ticket, photo.clone());
        self.settle(&mut []);
        photo
    }

    /// An image that has been read.
    pub(in crate::app) fn photo(&mut self, source: ImageSource) -> OpenImage {
        self.photos += 1;
        OpenImage {
            id: self.photos,
            source,
            photo: Arc::new(Photo::new(SIDE, SIDE, vec![0; SIDE * SIDE * 3])),
        }
    }

    /// The requested run: its ticket, and its result if every pixel has this class.
    pub(in crate::app) fn asked_run(&mut self, class: u16) -> (Ticket, Segmented) {
        let (ticket, photo, id, output) = self.take_job(|job| match job {
            Job::Segment {
                ticket,
                photo,
                model,
                output,
                ..
            } => Some((ticket.clone(), photo.clone(), *model, *output)),
            _ => None,
        });
        let model = self.state.library.models.with_id(id).expect("an open model");
        (ticket, segmented(photo, model, output, class))
    }

    /// Answers the requested run.
    pub(in crate::app) fn answer_run(&mut self, class: u16) -> Segmented {
        let (ticket, result) = self.asked_run(class);
        self.state.take_result(&ticket, result.clone());
        self.settle(&mut []);
        result
    }

    /// The requested run over all images: its ticket and inference settings.
    pub(in crate::app) fn asked_batch(&mut self) -> (Ticket, InferenceConfig) {
        self.take_job(|job| match job {
            Job::SegmentAll { ticket, batch } => Some((ticket.clone(), batch.settings.clone()?)),
            _ => None,
        })
    }

    /// Reports an image of a run over all images as done, with this class in every pixel.
    pub(in crate::app) fn answer_batch_image(&mut self, ticket: &Ticket, index: usize, class: u16) {
        let models = &self.state.library.models;
        let (model, output) = (models.used().expect("a model").clone(), models.output());
        let batch = self.state.jobs.batch.as_ref().expect("a batch");
        let source = batch.sources[index].clone();
        let photo = self.photo(source);
        let done = BatchState::Done {
            result: segmented(photo, &model, output, class),
            files: Vec::new(),
        };
        self.state.take_batch_image(ticket, index, done);
    }

    /// Passes an event of the engine to a workspace.
    pub(in crate::app) fn engine(&self, event: Event, workspace: &mut dyn Workspace) {
        self.tell(&News::Engine(event), &mut [workspace]);
    }
}

/// The source of an image of this name.
pub(in crate::app) fn source(name: &str) -> ImageSource {
    ImageSource::Path(format!("/photos/{name}").into())
}

/// An open model with a tiny encoder and these decoders.
pub(in crate::app) fn model(id: u64, file: &str, decoders: &[DecoderKind]) -> OpenModel {
    let spec = published(Variant::Tiny, 16, decoders, 11, 64);
    let info = ModelInfo {
        id,
        title: spec.title(),
        source: ModelSource::Path(file.into()),
        classes: ClassSet::numbered(11),
        own_classes: ClassSet::numbered(11),
        parameters: 1,
        bytes: 4,
        precision: Precision::F32,
        zero_is_ignored: None,
        remarks: Vec::new(),
        spec,
    };
    OpenModel {
        info: Arc::new(info),
        in_memory: true,
    }
}

/// A result in which every pixel has this class.
pub(in crate::app) fn segmented(photo: OpenImage, model: &Arc<ModelInfo>, output: Output, class: u16) -> Segmented {
    let prediction = Prediction {
        labels: Labels {
            map: map_of(class),
            confidence: vec![u16::MAX; SIDE * SIDE],
            margin: vec![u16::MAX; SIDE * SIDE],
        },
        fields: Vec::new(),
        timings: Timings::default(),
    };
    Segmented::new(photo, model.clone(), output, prediction)
}

/// A label map in which every pixel has this class.
pub(in crate::app) fn map_of(class: u16) -> LabelMap {
    LabelMap {
        width: SIDE,
        height: SIDE,
        ids: vec![class; SIDE * SIDE],
    }
}
