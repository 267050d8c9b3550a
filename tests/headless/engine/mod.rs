//! The engine behind the window: jobs, events and cancelled runs of its worker, and its other threads.

mod attention;
mod batch;
mod compare;
mod configure;
mod file_watch;
mod find;
mod harness;
mod jobs;
mod models;
mod thumbnails;
mod training;
