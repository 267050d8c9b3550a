//! The worker thread: runs jobs one after another, and continues a batch while no job waits.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use crossbeam_channel::{Receiver, RecvError, Sender, TryRecvError, select};
use rayon::ThreadPool;

use super::batch::Batch;
use super::closing::Closing;
use super::failure::{failure_event, panic_sentence};
use super::job::{Event, Job};
use super::new_settings::NewSettings;
use super::outbox::Outbox;
use super::running_batch::{Outcome, RunningBatch, Stopped};
use super::ticket::Ticket;
use super::workbench::Workbench;
use crate::catalogue;
use crate::export::ExportError;
use crate::runtime::{
    Comparison, EngineSettings, ImageSource, LabelLayer, LabelsJob, Session, cores, find, read_labels,
};

/// Longest side of the photos in a small image of an export, in pixels.
const PREVIEW_SIDE: usize = 480;

/// The state of the worker thread.
pub(super) struct Worker {
    bench: Workbench,
    settings: EngineSettings,
    new_settings: Arc<NewSettings>,
    cores: Option<Arc<ThreadPool>>,
    jobs: Receiver<Job>,
    closing: Closing,
    /// Both ends of the channel that holds one token for each batch result that is being computed or waits for the
    /// window.
    places: (Sender<()>, Receiver<()>),
    batch: Option<RunningBatch>,
}

impl Worker {
    pub(super) fn new(
        settings: EngineSettings,
        new_settings: Arc<NewSettings>,
        jobs: Receiver<Job>,
        outbox: Outbox,
        closing: Closing,
        places: (Sender<()>, Receiver<()>),
    ) -> Self {
        let mut session = Session::new(settings.device, settings.precision);
        session.limit_features(settings.feature_bytes);
        session.limit_models(settings.model_bytes);
        Self {
            bench: Workbench::new(session, outbox, settings.opening, closing.clone()),
            cores: cores::pool(settings.threads),
            settings,
            new_settings,
            jobs,
            closing,
            places,
            batch: None,
        }
    }

    /// Works until the window is closed.
    pub(super) fn work(&mut self) {
        while let Ok(job) = self.next_job() {
            if self.closing.is_closed() {
                return;
            }
            // New settings apply to every job that starts after they were sent.
            if let Some(settings) = self.new_settings.take() {
                self.take_settings(settings);
            }
            match job {
                Some(job) => self.handle(job),
                None => self.advance_batch(),
            }
            self.bench.announce_models();
            self.bench.announce_memory();
        }
    }

    /// Waits for a job; `None` if there is none but there may be new settings, or the batch can continue.
    fn next_job(&mut self) -> Result<Option<Job>, RecvError> {
        let settings = self.new_settings.signal();
        let Some(batch) = &mut self.batch else {
            return select! {
                recv(self.jobs) -> job => job.map(Some),
                recv(settings) -> signal => signal.map(|()| None),
            };
        };
        match self.jobs.try_recv() {
            Ok(job) => return Ok(Some(job)),
            Err(TryRecvError::Disconnected) => return Err(RecvError),
            Err(TryRecvError::Empty) if batch.has_place => return Ok(None),
            Err(TryRecvError::Empty) => {}
        }
        select! {
            recv(self.jobs) -> job => job.map(Some),
            recv(settings) -> signal => signal.map(|()| None),
            send(self.places.0, ()) -> sent => {
                batch.has_place = sent.is_ok();
                Ok(None)
            }
        }
    }

    fn handle(&mut self, job: Job) {
        let failed = failure_event(&job);
        let uses_network = matches!(
            job,
            Job::LoadModel { .. } | Job::Segment { .. } | Job::TraceAttention { .. } | Job::MeasureHeads { .. }
        );
        let done = catch_unwind(AssertUnwindSafe(|| self.on_cores(|worker| worker.run(job))));
        if let Err(panic) = done {
            if uses_network {
                self.bench.start_over();
            }
            self.bench.outbox.send(failed(panic_sentence(&*panic)));
        }
    }

    /// Runs `work` on the pool with the chosen number of threads.
    ///
    /// With a GPU, it stays on this thread: burn gives each thread a separate queue and separate memory on a GPU.
    fn on_cores<R: Send>(&mut self, work: impl FnOnce(&mut Self) -> R + Send) -> R {
        match self.cores.clone() {
            Some(pool) if self.bench.session.is_on_cpu() => pool.install(|| work(self)),
            _ => work(self),
        }
    }

    fn run(&mut self, job: Job) {
        // These jobs have no event for a withdrawn request.
        if let Job::ReadLabels { ticket, .. }
        | Job::Compare { ticket, .. }
        | Job::PlanExport { ticket, .. }
        | Job::PreviewExport { ticket, .. } = &job
            && !ticket.is_wanted()
        {
            return;
        }
        let bench = &mut self.bench;
        match job {
            Job::LoadModel { ticket, source } => bench.load_model(ticket, source),
            Job::CloseModel(id) => {
                self.end_batch_with(id);
                self.bench.session.close(id);
            }
            Job::Find(paths) => bench.outbox.send(Event::FoundFiles(find(paths))),
            Job::ScanModels(folder) => {
                let found = catalogue::present(&folder, catalogue::released());
                bench.outbox.send(Event::ModelsFound(Arc::new(found)));
            }
            Job::OpenImage { ticket, source } => bench.show_photo(ticket, source),
            Job::Segment {
                ticket,
                photo,
                model,
                output,
                settings,
            } => bench.segment(ticket, photo, (model, output), settings),
            Job::TraceAttention { ticket, request } => bench.trace_attention(ticket, request),
            Job::EncodeForTeaching {
                ticket,
                photo,
                encoder,
                short_side,
            } => bench.encode_for_teaching(ticket, &photo, encoder, short_side),
            Job::MeasureHeads { ticket, job } => {
                // Low priority: all other work comes first.
                let waiting = || !self.jobs.is_empty() || self.new_settings.is_waiting();
                bench.measure_heads(ticket, job, &waiting);
            }
            Job::ReadLabels { ticket, job } => bench.outbox.send(Event::Labels {
                ticket,
                labels: labels_of(&job),
            }),
            Job::Compare { ticket, job } => bench.outbox.send(Event::Compared {
                ticket,
                comparison: Comparison::of(&job).map(Arc::new),
            }),
            Job::SegmentAll { ticket, batch } => self.begin_batch(ticket, batch),
            Job::PlanExport { ticket, job } => {
                let (files, warning) = (job.plan(), job.warning());
                let planned = Event::ExportPlanned { ticket, files, warning };
                bench.outbox.send(planned);
            }
            Job::PreviewExport { ticket, job } => match job.preview(PREVIEW_SIDE) {
                Ok(Some(photo)) => bench.outbox.send(Event::ExportPreview { ticket, photo }),
                Ok(None) => {}
                Err(e) => bench.outbox.send(Event::ExportFailed(e.to_string())),
            },
            Job::Export(job) => bench.outbox.send(exported(job.write(), job.folder())),
            Job::Draw { format, job } => bench.outbox.send(match job.draw(format) {
                Ok(rgba) => Event::Drawn { format, rgba },
                // Not logged here: the code that shows it to the user logs it.
                Err(e) => Event::DrawFailed(e.to_string()),
            }),
        }
    }

    fn take_settings(&mut self, settings: EngineSettings) {
        // Not on the thread pool, which the settings may replace.
        let done = catch_unwind(AssertUnwindSafe(|| self.configure(settings)));
        if let Err(panic) = done {
            self.bench.start_over();
            self.bench.outbox.send(Event::DeviceFailed(panic_sentence(&*panic)));
        }
    }

    fn configure(&mut self, settings: EngineSettings) {
        let EngineSettings {
            device,
            precision,
            threads,
            feature_bytes,
            model_bytes,
            opening,
        } = settings;
        self.bench.opening = opening;
        self.bench.session.limit_features(feature_bytes);
        self.bench.session.limit_models(model_bytes);
        if threads != self.settings.threads {
            self.cores = cores::pool(threads);
            self.settings.threads = threads;
        }
        if (device, precision) == (self.settings.device, self.settings.precision) {
            return;
        }
        match self.bench.session.change_device(device, precision) {
            Ok(()) => {
                self.settings.device = device;
                self.settings.precision = precision;
                self.bench.announce_chosen_device();
            }
            Err(e) => self.bench.outbox.send(Event::DeviceFailed(e.to_string())),
        }
    }

    /// Stores a batch to run; ends an unfinished one.
    fn begin_batch(&mut self, ticket: Ticket, batch: Batch) {
        if let Some(old) = self.batch.take() {
            self.end_batch(old, true);
        }
        self.batch = Some(RunningBatch::new(ticket, batch));
    }

    /// Ends the batch if it uses this model.
    fn end_batch_with(&mut self, model: u64) {
        if let Some(batch) = self.batch.take_if(|running| running.uses(model)) {
            self.end_batch(batch, true);
        }
    }

    fn end_batch(&mut self, batch: RunningBatch, cancelled: bool) {
        if batch.has_place {
            self.places.1.try_recv().ok();
        }
        batch.end(cancelled, &self.bench.outbox);
    }

    /// Continues the batch up to the end of an image, or up to the next block when a job arrives.
    fn advance_batch(&mut self) {
        let Some(mut batch) = self.batch.take_if(|batch| batch.has_place) else {
            return;
        };
        if !batch.is_wanted() {
            return self.end_batch(batch, true);
        }
        let Some(source) = batch.next_image(&self.bench.outbox) else {
            return self.end_batch(batch, false);
        };
        let start = Instant::now();
        let attempt = AssertUnwindSafe(|| self.on_cores(|worker| worker.attempt(&mut batch, source)));
        let outcome = catch_unwind(attempt).unwrap_or_else(|panic| {
            self.bench.start_over();
            Err(Stopped::Failed(panic_sentence(&*panic)))
        });
        batch.take(outcome, start.elapsed(), &self.bench.outbox);
        if batch.is_over() {
            self.end_batch(batch, false);
        } else {
            self.batch = Some(batch);
        }
    }

    /// Makes one attempt at the current image.
    fn attempt(&mut self, batch: &mut RunningBatch, source: ImageSource) -> Outcome {
        let Self {
            bench,
            jobs,
            new_settings,
            closing,
            ..
        } = self;
        let waiting = || !jobs.is_empty() || new_settings.is_waiting() || closing.is_closed();
        batch.attempt(bench, source, &waiting)
    }
}

fn labels_of(job: &LabelsJob) -> Result<LabelLayer, String> {
    let map = read_labels(job).map_err(|why| why.to_string())?;
    Ok(LabelLayer::plain(map))
}

/// The event for the outcome of an export to a folder.
fn exported(written: Result<Vec<PathBuf>, ExportError>, folder: &Path) -> Event {
    match written {
        Ok(files) => Event::Exported {
            folder: folder.to_owned(),
            files,
        },
        Err(e) => Event::ExportFailed(e.to_string()),
    }
}
