//! A folder of a thousand images.

use std::fs;
use std::path::Path;

use image::imageops::FilterType;

use super::program::wait_for;
use super::stage::{Stage, in_repository};

const IMAGES: usize = 1000;

/// Limit of the peak memory of segmenting all images, in MiB.
const MAX_MEMORY: usize = 1500;

#[test]
fn a_thousand_images_are_listed_and_segmented_in_bounded_memory() {
    let Some(stage) = Stage::new() else { return };
    let folder = stage.path("images");
    make_images(&folder);
    let out = stage.path("out");
    stage.set_settings(&format!(
        "theme = \"dark\"\n[export]\nformats = [\"labels\"]\nfolder = {:?}\n",
        out.to_str().expect("UTF-8")
    ));
    // A small window is faster to draw with software Vulkan, so that most of the time is spent on the images.
    stage.set_session("[window]\nsize = [900.0, 600.0]\n");
    let mut program = stage.open(&[&folder]);
    program.wait_for_masks("0000.jpg");
    wait_for("all photos in the session", || {
        (stage.session("pictures")?.as_array()?.len() == IMAGES).then_some(())
    });

    // Start has the focus; Shift+Tab moves it to "Export files", Cancel and back to Start.
    for key in ["shift+F5", "shift+Tab", "space", "shift+Tab", "shift+Tab", "Return"] {
        // The canvas must be still before the key: a change of its own would pass for the effect of the key.
        program.settled_middle();
        program.press_and_see(key);
    }
    // The deadline applies to each hundred images, so that slow machines can meet it.
    let labels = out.join("labels");
    for wanted in (100..=IMAGES).step_by(100) {
        wait_for(&format!("label map number {wanted}"), || {
            program.assert_alive();
            (count(&labels) >= wanted).then_some(())
        });
    }
    let peak = program.peak_memory();
    assert!(peak < MAX_MEMORY, "it took {peak} MiB");
    // The window still responds, and the last label map is written.
    program.press("Page_Down");
    program.wait_for_masks("0001.jpg");
    assert!(labels.join("0999.png").is_file());
}

fn count(folder: &Path) -> usize {
    fs::read_dir(folder).map_or(0, |files| {
        let names = files.filter_map(|file| file.ok()?.file_name().into_string().ok());
        names.filter(|name| name.ends_with(".png")).count()
    })
}

/// Writes a thousand small images with ten different contents.
fn make_images(folder: &Path) {
    fs::create_dir(folder).expect("a folder");
    let street = image::open(in_repository("assets/samples/street.jpg")).expect("the sample");
    for i in 0..IMAGES {
        let path = folder.join(format!("{i:04}.jpg"));
        match i.checked_sub(10) {
            None => {
                let part = street.crop_imm(i as u32 * 20, i as u32 * 15, 1100, 825);
                let small = part.resize_exact(320, 240, FilterType::Triangle);
                small.save(&path).expect("a photo");
            }
            Some(_) => fs::hard_link(folder.join(format!("{:04}.jpg", i % 10)), &path).expect("a link"),
        }
    }
}
