//! The worker behind the window: jobs in, events out, and what happens to a run that nobody waits for any more; and the
//! threads beside it.

mod attention;
mod batch;
mod compare;
mod configure;
mod desk;
mod file_watch;
mod find;
mod jobs;
mod models;
mod thumbnails;
mod training;
