//! Damaged pictures and label maps: each is read, or refused with a sentence; never a panic, a hang or memory without bound.
//!
//! The damage is the same on every run. A failure names the kind of file and the seed of the damage.

use segscope::labels::LabelMap;
use segscope::photo::Photo;

use super::mutation::{Dice, mutated, samples, with_right_checksums};
use super::survival::{LABEL_MAPS, PER_PICTURE_FORMAT, survive};
use crate::alone::alone;

#[test]
fn damaged_pictures() {
    if !alone() {
        return;
    }
    let pictures = samples::pictures();
    assert_eq!(pictures.len(), 9, "formats");
    for (i, (kind, sound)) in pictures.iter().enumerate() {
        let photo = Photo::from_bytes(sound).unwrap_or_else(|e| panic!("{kind}, undamaged: {e}"));
        assert_eq!([photo.width, photo.height], [24, 18], "{kind}, undamaged: size");
        let (kind, sound) = (*kind, sound.clone());
        let donor = pictures[(i + 1) % pictures.len()].1.clone();
        survive(kind, PER_PICTURE_FORMAT, move |dice| {
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

/// Damage that a PNG's checksums betray in one half of all cases only.
fn damaged_image(kind: &str, sound: &[u8], donor: &[u8], dice: &mut Dice) -> Vec<u8> {
    let bytes = mutated(sound, donor, dice);
    if kind.ends_with("PNG") && dice.below(2) == 0 {
        with_right_checksums(bytes)
    } else {
        bytes
    }
}
