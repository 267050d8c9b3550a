//! Tests of the window: its panels, driven through their accessible names and with the real worker on the CPU, and the
//! release binary on a display (`real`).

mod adapter;
mod annotate;
mod attention;
#[path = "../shared/bundles.rs"]
mod bundles;
mod commands;
mod compare;
mod evaluate;
mod export;
mod harness;
mod images;
mod inference_settings;
mod kept;
mod models;
mod models_page;
mod panels;
mod real;
#[path = "../shared/repository.rs"]
mod repository;
mod tasks;
mod turn;
