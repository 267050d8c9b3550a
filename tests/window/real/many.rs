//! A folder of a thousand pictures.

use std::fs;
use std::path::Path;

use image::imageops::FilterType;

use super::program::wait_for;
use super::stage::{Stage, in_repository};

const PICTURES: usize = 1000;

/// Most memory that segmenting all of them may take, in MiB.
const MOST_MEMORY: usize = 1500;

#[test]
fn a_thousand_pictures_are_listed_and_segmented_in_bounded_memory() {
    let Some(stage) = Stage::new() else { return };
    let folder = stage.path("pictures");
    make_pictures(&folder);
    let out = stage.path("out");
    stage.set_settings(&format!(
        "theme = \"dark\"\n[export]\nformats = [\"labels\"]\nfolder = {:?}\n",
        out.to_str().expect("UTF-8")
    ));
    // Vulkan in software draws a small window faster, and the pictures are what is to take time here.
    stage.set_session("[window]\nsize = [900.0, 600.0]\n");
    let mut program = stage.open(&[&folder]);
    program.wait_for_masks("0000.jpg");
    wait_for("all pictures in the session", || {
        (stage.session("pictures")?.as_array()?.len() == PICTURES).then_some(())
    });

    // Start has the focus; backwards from it come "Write files", Close and Start again.
    for key in ["shift+F5", "shift+Tab", "space", "shift+Tab", "shift+Tab", "Return"] {
        program.press_and_see(key);
    }
    // So that the deadline is for a hundred of them, however slow the machine is.
    let labels = out.join("labels");
    for wanted in (100..=PICTURES).step_by(100) {
        wait_for("a hundred label maps more", || {
            program.assert_alive();
            (count(&labels) >= wanted).then_some(())
        });
    }
    let peak = program.peak_memory();
    assert!(peak < MOST_MEMORY, "it took {peak} MiB");
    // A person still gets an answer, and the last one too is there.
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

/// Small pictures, ten of them different, under a thousand names.
fn make_pictures(folder: &Path) {
    fs::create_dir(folder).expect("a folder");
    let street = image::open(in_repository("assets/samples/street.jpg")).expect("the sample");
    for i in 0..PICTURES {
        let path = folder.join(format!("{i:04}.jpg"));
        match i.checked_sub(10) {
            None => {
                let part = street.crop_imm(i as u32 * 20, i as u32 * 15, 1100, 825);
                let small = part.resize_exact(320, 240, FilterType::Triangle);
                small.save(&path).expect("a picture");
            }
            Some(_) => fs::hard_link(folder.join(format!("{:04}.jpg", i % 10)), &path).expect("a link"),
        }
    }
}
