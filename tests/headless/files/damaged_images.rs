//! Damaged images and label maps: each is read or refused with an error, without a panic, a hang or unbounded memory.
//!
//! The damage is the same in every run. A failure reports the kind of file and the seed of the damage.

use segscope::labels::LabelMap;
use segscope::photo::Photo;

use super::mutation::{Dice, mutated, samples, with_right_checksums};
use super::survival::{LABEL_MAPS, PER_IMAGE_FORMAT, survive};
use crate::alone::alone;

#[test]
fn damaged_images() {
    if !alone() {
        return;
    }
    let images = samples::images();
    assert_eq!(images.len(), 9, "formats");
    for (i, (kind, sound)) in images.iter().enumerate() {
        let photo = Photo::from_bytes(sound).unwrap_or_else(|e| panic!("{kind}, undamaged: {e}"));
        assert_eq!([photo.width, photo.height], [24, 18], "{kind}, undamaged: size");
        let (kind, sound) = (*kind, sound.clone());
        let donor = images[(i + 1) % images.len()].1.clone();
        survive(kind, PER_IMAGE_FORMAT, move |dice| {
            Photo::from_bytes(&damaged_image(kind, &sound, &donor, dice))
        });
    }
}

#[test]
fn damaged_label_maps() {
    if !alone() {
        return;
    }
    let sound = samples::palette_png();
    let map = LabelMap::from_png(&sound).expect("an undamaged label map");
    assert_eq!([map.width, map.height], [24, 18], "undamaged label map: size");
    let donor = samples::vast_png(300);
    survive("label map PNG", LABEL_MAPS, move |dice| {
        LabelMap::from_png(&damaged_image("label map PNG", &sound, &donor, dice))
    });
}

/// Damages an image; in half of all cases, the checksums of a PNG are corrected afterwards.
fn damaged_image(kind: &str, sound: &[u8], donor: &[u8], dice: &mut Dice) -> Vec<u8> {
    let bytes = mutated(sound, donor, dice);
    if kind.ends_with("PNG") && dice.below(2) == 0 {
        with_right_checksums(bytes)
    } else {
        bytes
    }
}
