//! COCO's run-length code: runs of pixels down each column, the columns from left to right, zeros first.
//!
//! As a list of numbers this is COCO's "uncompressed RLE"; the compressed form is a text of the characters `0` to `o`.
//! Run `i` is written as it is for `i` up to 2, and as the difference to run `i - 2` from there on. A number is cut into
//! groups of 5 bits, low ones first; bit 5 says that more follow, and the last group's bit 4 is the sign.

use std::collections::BTreeMap;

use crate::annotate::UNLABELLED;
use crate::labels::LabelMap;

/// First character of the code, for the group 0.
const FIRST: u8 = 48;
/// In a group: more groups follow.
const MORE: u8 = 0x20;
/// In the last group: the number is negative.
const SIGN: u8 = 0x10;
/// Bits of a group.
const BITS: u32 = 5;
/// Most groups of a number. Runs have 32 bits; writers may add groups that change nothing.
const MOST_GROUPS: u32 = 12;
/// Columns that are turned to rows at a time, so that memory is read along its rows.
const STRIP: usize = 64;

/// The runs of all pixels of a class, column by column. The first run is of other pixels and may be 0; a map without the
/// class has one run.
pub fn runs_of(labels: &LabelMap, class: u16) -> Vec<u32> {
    let [width, height] = [labels.width, labels.height];
    let mut strip = vec![false; STRIP.min(width) * height];
    let mut runs = Vec::new();
    let mut inside = false;
    let mut run = 0;
    for left in (0..width).step_by(STRIP) {
        let columns = STRIP.min(width - left);
        for (y, row) in labels.ids.chunks_exact(width).enumerate() {
            for (x, id) in row.iter().skip(left).take(columns).enumerate() {
                strip[x * height + y] = *id == class;
            }
        }
        for pixel in &strip[..columns * height] {
            if *pixel != inside {
                runs.push(run);
                run = 0;
                inside = *pixel;
            }
            run += 1;
        }
    }
    runs.push(run);
    runs
}

/// The runs of every class of a map, in one pass; unlabelled pixels are of none. Each is what [`runs_of`] gives.
pub fn runs_of_all(labels: &LabelMap) -> BTreeMap<u16, Vec<u32>> {
    let LabelMap { width, height, ids } = labels;
    // For each class its runs so far, and the place after the last one.
    let mut found: BTreeMap<u16, (Vec<u32>, u32)> = BTreeMap::new();
    let mut add = |id: u16, start: u32, end: u32| {
        if id != UNLABELLED {
            let (runs, after) = found.entry(id).or_default();
            runs.extend([start - *after, end - start]);
            *after = end;
        }
    };
    let (mut last, mut start, mut place) = (UNLABELLED, 0, 0);
    for x in 0..*width {
        for y in 0..*height {
            let id = ids[y * width + x];
            if id != last {
                add(last, start, place);
                (last, start) = (id, place);
            }
            place += 1;
        }
    }
    add(last, start, place);
    for (runs, after) in found.values_mut() {
        if *after < place {
            runs.push(place - *after);
        }
    }
    found.into_iter().map(|(id, (runs, _))| (id, runs)).collect()
}

/// The compressed text of runs.
pub fn encode(runs: &[u32]) -> String {
    let mut text = String::with_capacity(runs.len() * 2);
    for (index, run) in runs.iter().enumerate() {
        let before = if index > 2 { runs[index - 2] } else { 0 };
        let mut rest = i64::from(*run) - i64::from(before);
        loop {
            let group = (rest & 0x1f) as u8;
            rest >>= BITS;
            let done = if group & SIGN == 0 { rest == 0 } else { rest == -1 };
            let more = if done { 0 } else { MORE };
            text.push(char::from(FIRST + (group | more)));
            if done {
                break;
            }
        }
    }
    text
}

/// The runs of a compressed text for a mask of `pixels`.
///
/// # Errors
/// When the text has other characters, ends within a number, holds a negative run, or its runs are not of `pixels`. The
/// sentence says what was expected and found.
pub fn decode(text: &str, pixels: u64) -> Result<Vec<u32>, String> {
    let mut runs: Vec<u32> = Vec::new();
    let mut sum = 0_u64;
    let mut bytes = text.bytes();
    while let Some(number) = number(&mut bytes)? {
        let before = if runs.len() > 2 { runs[runs.len() - 2] } else { 0 };
        let run = number + i64::from(before);
        // Empty runs cost memory and are of no pixels.
        if runs.len() as u64 > pixels {
            return Err(format!(
                "expected at most {pixels} runs and one, found more; export the mask again"
            ));
        }
        runs.push(checked(run, &mut sum, pixels)?);
    }
    whole(sum, pixels)?;
    Ok(runs)
}

/// The runs of an uncompressed list for a mask of `pixels`.
///
/// # Errors
/// When the runs are not of `pixels`.
pub fn check(runs: &[u64], pixels: u64) -> Result<Vec<u32>, String> {
    let mut sum = 0;
    let mut run = |run: &u64| checked(i64::try_from(*run).unwrap_or(i64::MAX), &mut sum, pixels);
    let checked_runs = runs.iter().map(&mut run).collect::<Result<_, _>>()?;
    whole(sum, pixels)?;
    Ok(checked_runs)
}

/// Gives the pixels of the one-runs a class.
///
/// # Errors
/// When the runs are not of as many pixels as the map has; then the map is as before.
pub fn paint(runs: &[u32], labels: &mut LabelMap, class: u16) -> Result<(), String> {
    let pixels = labels.ids.len() as u64;
    whole(runs.iter().map(|run| u64::from(*run)).sum(), pixels)?;
    let [width, height] = [labels.width, labels.height];
    // Where the run begins: its column and row.
    let [mut x, mut y] = [0, 0];
    for (index, run) in runs.iter().enumerate() {
        let mut left = *run as usize;
        while left > 0 {
            let here = left.min(height - y);
            if index % 2 == 1 {
                let column = labels.ids.iter_mut().skip(y * width + x).step_by(width);
                column.take(here).for_each(|id| *id = class);
            }
            left -= here;
            y += here;
            if y == height {
                [x, y] = [x + 1, 0];
            }
        }
    }
    Ok(())
}

/// The next number of a text; `None` at its end.
fn number(bytes: &mut impl Iterator<Item = u8>) -> Result<Option<i64>, String> {
    let mut value = 0_i64;
    for group in 0..MOST_GROUPS {
        let Some(byte) = bytes.next() else {
            let cut = "expected more run lengths, found the end of the text within a number; export the mask again";
            return if group == 0 { Ok(None) } else { Err(cut.into()) };
        };
        let bits = byte.checked_sub(FIRST).filter(|bits| *bits < 0x40);
        let Some(bits) = bits else {
            return Err(format!(
                "expected run lengths as characters 0 to o, found the byte {byte}; export the mask again"
            ));
        };
        value |= i64::from(bits & 0x1f) << (BITS * group);
        if bits & MORE == 0 {
            let negative = bits & SIGN != 0;
            return Ok(Some(if negative {
                value - (1 << (BITS * (group + 1)))
            } else {
                value
            }));
        }
    }
    Err("expected run lengths of at most 32 bits, found a longer number; export the mask again".into())
}

/// A run that may follow runs of `sum` pixels.
fn checked(run: i64, sum: &mut u64, pixels: u64) -> Result<u32, String> {
    let Ok(length) = u64::try_from(run) else {
        return Err(format!(
            "expected run lengths of 0 or more, found {run}; export the mask again"
        ));
    };
    *sum = sum.saturating_add(length);
    let fits = u32::try_from(run).ok().filter(|_| *sum <= pixels);
    fits.ok_or_else(|| format!("expected runs of {pixels} pixels, found more ({sum}); export the mask again"))
}

/// Checks that runs are of a whole mask.
fn whole(sum: u64, pixels: u64) -> Result<(), String> {
    match sum == pixels {
        true => Ok(()),
        false => Err(format!(
            "expected runs of {pixels} pixels, found {sum}; export the mask again"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::annotate::UNLABELLED;
    use crate::interchange::sample;

    fn vector() -> LabelMap {
        let mut labels = blank(4, 3);
        for place in [1, 5, 11] {
            labels.ids[place] = 7;
        }
        labels
    }

    fn blank(width: usize, height: usize) -> LabelMap {
        let ids = vec![UNLABELLED; width * height];
        LabelMap { width, height, ids }
    }

    #[test]
    fn the_code_is_that_of_the_reference() {
        let labels = vector();
        let runs = runs_of(&labels, 7);
        assert_eq!(runs, [3, 2, 6, 1]);
        assert_eq!(encode(&runs), "326O");
        assert_eq!(decode("326O", 12).unwrap(), [3, 2, 6, 1]);
        assert_eq!(check(&[3, 2, 6, 1], 12).unwrap(), [3, 2, 6, 1]);
        let mut painted = blank(4, 3);
        paint(&runs, &mut painted, 7).unwrap();
        assert_eq!(painted, labels);
    }

    #[test]
    fn every_map_comes_back() {
        let ids = [1, 3, 9];
        let mut maps = sample::maps(&ids, 60);
        // Wider than a strip.
        let mut wide = blank(3 * STRIP + 5, 7);
        (0..wide.ids.len())
            .filter(|place| place * place % 11 < 4)
            .for_each(|place| wide.ids[place] = 3);
        maps.push(wide);
        for labels in maps {
            let mut back = blank(labels.width, labels.height);
            for class in ids {
                let text = encode(&runs_of(&labels, class));
                paint(&decode(&text, labels.ids.len() as u64).unwrap(), &mut back, class).unwrap();
            }
            assert_eq!(back, labels);
        }
    }

    #[test]
    fn long_runs_have_many_groups() {
        let runs = [0, 400_000_000, 1, 5, 399_999_990, 0];
        let pixels = runs.iter().map(|run| u64::from(*run)).sum();
        assert_eq!(decode(&encode(&runs), pixels).unwrap(), runs);
    }

    #[test]
    fn damaged_texts_are_refused() {
        for text in [
            "",
            "3",
            "326",
            "326OO",
            "326o",
            "32O1",
            "\u{e9}",
            "326O ",
            "/",
            "p",
            "32600",
            "oooooooooooooooo",
        ] {
            assert!(decode(text, 12).is_err(), "{text}");
        }
        assert!(decode("32N", 12).unwrap_err().contains("found -2"));
        assert!(decode("326o", 12).unwrap_err().contains("within a number"));
        let many = "0".repeat(2_000_000);
        assert!(decode(&many, 12).is_err());
        assert!(check(&[u64::MAX, u64::MAX], 12).is_err());
        assert!(check(&[1_000_000_000; 3], 3_000_000_001).is_err());
        assert!(check(&[13], 12).is_err());
        assert!(check(&[], 12).is_err());
    }

    #[test]
    fn wrong_runs_leave_the_map_alone() {
        let mut labels = vector();
        for runs in [&[3, 2, 6][..], &[3, 2, 6, 2], &[u32::MAX, u32::MAX], &[0, 0, 0]] {
            assert!(paint(runs, &mut labels, 1).is_err());
        }
        assert_eq!(labels, vector());
    }
}
