//! The layer against a plain model, and every tool against every rule.

use std::sync::Arc;

use super::tools::{Alike, Brush, Cells, Tip, all_like, edge_path, grown, holes, inside, region, smoothed};
use super::*;
use crate::labels::LabelMap;
use crate::photo::Photo;

/// Random numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % most.max(1)
    }

    fn place(&mut self, [width, height]: [usize; 2]) -> [f64; 2] {
        [
            self.below(width * 10) as f64 / 10.0,
            self.below(height * 10) as f64 / 10.0,
        ]
    }
}

const SIZE: [usize; 2] = [150, 130];

/// A map of stripes and unlabelled rows.
fn striped() -> LabelMap {
    let ids = (0..SIZE[0] * SIZE[1]).map(|at| match at / SIZE[0] {
        y if y % 40 > 35 => UNLABELLED,
        _ => (at % SIZE[0] / 30) as u16,
    });
    LabelMap {
        width: SIZE[0],
        height: SIZE[1],
        ids: ids.collect(),
    }
}

/// The spans of a random edit.
fn random_spans(dice: &mut Dice, map: &LabelMap) -> Vec<Span> {
    let at = dice.place(SIZE);
    let pixel = at.map(|v| v as usize);
    match dice.below(5) {
        0 | 1 => {
            let brush = Brush {
                tip: if dice.below(2) == 0 { Tip::Round } else { Tip::Square },
                size: 1 + dice.below(30) as u32,
            };
            brush.path(brush.settled(at), brush.settled(dice.place(SIZE)), SIZE)
        }
        2 => inside(&[at, dice.place(SIZE), dice.place(SIZE), dice.place(SIZE)], SIZE),
        3 => {
            let mut area = region(map, pixel);
            area.extend(holes(&area, SIZE, 20));
            area
        }
        _ => all_like(map, pixel),
    }
}

#[test]
fn a_thousand_edits_with_undo_and_redo_equal_a_plain_model() {
    let mut dice = Dice(5);
    let mut layer = Layer::new(striped());
    let mut states = vec![striped()];
    let mut now: usize = 0;
    for step in 0..1000 {
        match dice.below(10) {
            0..=1 => {
                let turned = layer.undo(&ClassIds::default()).expect("nothing is locked");
                assert_eq!(turned.is_some(), now > 0);
                now = now.saturating_sub(1);
            }
            2 => {
                let turned = layer.redo(&ClassIds::default()).expect("nothing is locked");
                assert_eq!(turned.is_some(), now + 1 < states.len());
                now = (now + 1).min(states.len() - 1);
            }
            3 => {
                layer.begin(Rules::default(), None);
                for _ in 0..3 {
                    let spans = random_spans(&mut dice, layer.map());
                    layer.write(&spans, dice.below(6) as u16);
                }
                layer.abort();
            }
            _ => {
                let locked: ClassIds = [dice.below(6) as u16].into_iter().collect();
                let rules = Rules {
                    locked: if dice.below(2) == 0 {
                        locked
                    } else {
                        ClassIds::default()
                    },
                    ..Rules::default()
                };
                layer.begin(rules.clone(), None);
                let mut expected = states[now].clone();
                let mut decided = vec![false; expected.ids.len()];
                let class = if dice.below(8) == 0 {
                    UNLABELLED
                } else {
                    dice.below(6) as u16
                };
                for _ in 0..1 + dice.below(4) {
                    let spans = random_spans(&mut dice, layer.map());
                    layer.write(&spans, class);
                    for span in &spans {
                        for x in span.x.clone() {
                            let at = span.y * SIZE[0] + x;
                            let old = expected.ids[at];
                            if !std::mem::replace(&mut decided[at], true) && rules.allow(old, at, SIZE[0]) {
                                expected.ids[at] = class;
                            }
                        }
                    }
                }
                let (commit, patch) = layer.commit(|_| format!("step {step}"));
                let before = &states[now];
                let changed = before.ids.iter().zip(&expected.ids).filter(|(a, b)| a != b).count();
                assert_eq!(commit.pixels(), changed as u64);
                assert_eq!(commit.bounds.is_some(), changed > 0);
                // What the commit hands out makes the map of before into that of now.
                let mut rebuilt = before.clone();
                patch.write(&mut rebuilt);
                assert_eq!(rebuilt, expected, "step {step}");
                if changed > 0 {
                    states.truncate(now + 1);
                    states.push(expected);
                    now += 1;
                }
            }
        }
        assert!(layer.map() == &states[now], "step {step}");
    }
    assert!(states.len() > 20);
}

#[test]
fn undo_keeps_to_its_memory_and_names_its_steps() {
    let mut layer = Layer::empty(SIZE).with_memory(400);
    for i in 0..50 {
        layer.begin(Rules::default(), None);
        layer.write(&[Span { y: i, x: 0..SIZE[0] }], i as u16);
        layer.commit(|commit| format!("row {i}, {} px", commit.pixels()));
    }
    assert_eq!(layer.undo_name(), Some("row 49, 150 px"));
    let mut undone = 0;
    while layer.undo(&ClassIds::default()).expect("nothing is locked").is_some() {
        undone += 1;
    }
    assert!((1..20).contains(&undone), "{undone}");
    assert_eq!(layer.undo_name(), None);
    assert!(layer.redo_name().is_some());
}

#[test]
fn an_edit_that_changes_nothing_is_no_step() {
    let mut layer = Layer::new(striped());
    let class = layer.map().ids[0];
    layer.begin(Rules::default(), None);
    assert_eq!(layer.write(&[Span { y: 0, x: 0..10 }], class), []);
    let (commit, patch) = layer.commit(|_| "nothing".into());
    assert_eq!((commit.pixels(), patch.bounds(SIZE)), (0, None));
    assert_eq!(layer.undo_name(), None);
}

#[test]
fn undo_refuses_to_change_a_locked_class() {
    let mut layer = Layer::new(striped());
    layer.begin(Rules::default(), None);
    layer.write(&[Span { y: 0, x: 0..60 }], 4);
    layer.commit(|_| "stroke".into());
    let before = layer.map().clone();
    let locked: ClassIds = [4].into_iter().collect();
    assert_eq!(layer.undo(&locked), Err(Locked { class: 4, pixels: 60 }));
    assert!(layer.map() == &before);
    assert!(layer.undo(&ClassIds::default()).expect("unlocked").is_some());
    assert!(layer.map() == &striped());
    // The stroke would write over class 0 again.
    let locked: ClassIds = [0].into_iter().collect();
    assert_eq!(layer.redo(&locked), Err(Locked { class: 0, pixels: 30 }));
}

/// Every tool, as spans at the middle of the map.
fn every_tool() -> Vec<(&'static str, Vec<Span>)> {
    let map = striped();
    let brush = |tip| Brush { tip, size: 70 };
    let path = |tip| brush(tip).path([20.0, 20.0], [120.0, 100.0], SIZE);
    let grey = (0..SIZE[0] * SIZE[1]).flat_map(|at| [(at % SIZE[0]) as u8; 3]);
    let photo = Photo::new(SIZE[0], SIZE[1], grey.collect());
    let cells = Cells::of(&photo, 30, &[]);
    vec![
        ("round brush", path(Tip::Round)),
        ("square brush", path(Tip::Square)),
        (
            "polygon",
            inside(&[[5.0, 5.0], [145.0, 9.0], [140.0, 120.0], [2.0, 110.0]], SIZE),
        ),
        ("region", region(&map, [70, 60])),
        ("fill of all", all_like(&map, [70, 60])),
        (
            "magic wand",
            Alike::by_color(&photo, [70, 60], 60).map_or_else(Vec::new, |alike| alike.connected(SIZE, [70, 60])),
        ),
        (
            "live wire",
            inside(&edge_path(&photo, [10.0, 10.0], [140.0, 100.0]), SIZE),
        ),
        ("superpixels", (0..4).flat_map(|cell| cells.spans(cell)).collect()),
        ("grow", grown(&map, 1, 9).remove(&1).unwrap_or_default()),
        ("smooth", smoothed(&map, 4).into_values().flatten().collect()),
        ("whole rows", (0..SIZE[1]).map(|y| Span { y, x: 0..SIZE[0] }).collect()),
    ]
}

/// Every rule alone, and all of them together.
fn every_rule() -> Vec<(&'static str, Rules)> {
    let ramp: Vec<u16> = (0..SIZE[0] * SIZE[1]).map(|at| (at * 3) as u16).collect();
    let grey = (0..SIZE[0] * SIZE[1]).flat_map(|at| [(at % 251) as u8; 3]);
    let photo = Arc::new(Photo::new(SIZE[0], SIZE[1], grey.collect()));
    let over = |over| Rules {
        over,
        ..Rules::default()
    };
    let locked = Rules {
        locked: [1, 3].into_iter().collect(),
        ..Rules::default()
    };
    let selection = Rules {
        selection: Some(Arc::new(Selection::of(
            SIZE,
            &inside(&[[30.0, 20.0], [120.0, 30.0], [60.0, 115.0]], SIZE),
        ))),
        ..Rules::default()
    };
    let unsure = Rules {
        unsure: Some(Unsure {
            below: 30_000,
            confidence: Arc::new(ramp),
        }),
        ..Rules::default()
    };
    let brightness = Rules {
        brightness: Some(BrightnessRange {
            range: [40, 180],
            photo,
        }),
        ..Rules::default()
    };
    let all = Rules {
        over: Over::Classes([1, 2, 3].into_iter().collect()),
        locked: locked.locked.clone(),
        selection: selection.selection.clone(),
        unsure: unsure.unsure.clone(),
        brightness: brightness.brightness.clone(),
    };
    vec![
        ("any", over(Over::Any)),
        ("unlabelled", over(Over::Unlabelled)),
        (
            "chosen classes",
            over(Over::Classes([0, 2, UNLABELLED].into_iter().collect())),
        ),
        ("class under the press", over(Over::UnderPress)),
        ("locked", locked),
        ("selection", selection),
        ("unsure", unsure),
        ("brightness", brightness),
        ("all", all),
    ]
}

#[test]
fn every_tool_obeys_every_rule() {
    for (tool, spans) in every_tool() {
        for (rule, rules) in every_rule() {
            let mut layer = Layer::new(striped());
            let press = [70, 60];
            layer.begin(rules.clone(), Some(press));
            layer.write(&spans, 9);
            let (commit, _) = layer.commit(|_| tool.into());
            let rules = rules.pressed_at(striped().get(press[0], press[1]));
            let mut marked = vec![false; SIZE[0] * SIZE[1]];
            for span in &spans {
                marked[span.y * SIZE[0]..][span.x.clone()].fill(true);
            }
            let before = striped();
            let mut protected = 0;
            for (at, marked) in marked.iter().enumerate() {
                let allowed = rules.allow(before.ids[at], at, SIZE[0]);
                protected += u64::from(*marked && !allowed);
                let expected = if *marked && allowed { 9 } else { before.ids[at] };
                assert_eq!(layer.map().ids[at], expected, "{tool} under {rule} at {at}");
            }
            assert_eq!(commit.protected, protected, "{tool} under {rule}");
            let erased = commit
                .changed
                .iter()
                .all(|(from, to, _)| *to == 9 && rules.locked.contains(*from));
            assert!(commit.changed.is_empty() || !erased, "a locked class survives {tool}");
        }
    }
}
