//! The label layer: a label map that is edited, with undo.

use std::collections::{BTreeMap, VecDeque};

use super::rules::{ClassIds, Rules};
use super::spans::{Bounds, Span};
use super::stroke::{Commit, Stroke, count_changes};
use super::tiles::{Patch, SIDE};
use crate::labels::LabelMap;

/// The id of a pixel without a class, in memory. Files say themselves which value it has there.
pub const UNLABELLED: u16 = u16::MAX;

/// Usual memory for undo, in bytes.
const MEMORY: usize = 256 << 20;

/// A label map that is edited: one class per pixel, or [`UNLABELLED`].
///
/// An edit begins, writes spans of pixels under its rules, and is committed or aborted. Each commit is one step of undo.
/// Nothing costs more than the tiles that it touches.
pub struct Layer {
    map: LabelMap,
    stroke: Option<Stroke>,
    undo: VecDeque<Step>,
    redo: Vec<Step>,
    memory: usize,
}

/// A step of undo or redo.
struct Step {
    name: String,
    /// What its tiles held before (of undo) or after it (of redo).
    tiles: Patch,
}

/// An undone or redone step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turned {
    /// Class before, class after, and the number of pixels.
    pub changed: Vec<(u16, u16, u64)>,
    /// What the tiles hold now.
    pub now: Patch,
}

/// Undo would change pixels of a locked class.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected no locked class among the changed pixels, found {pixels} of class {class}; unlock it first")]
pub struct Locked {
    /// The class.
    pub class: u16,
    /// How many of its pixels would change.
    pub pixels: u64,
}

impl Layer {
    /// A layer without earlier steps.
    pub fn new(map: LabelMap) -> Self {
        Self {
            map,
            stroke: None,
            undo: VecDeque::new(),
            redo: Vec::new(),
            memory: MEMORY,
        }
    }

    /// A layer of unlabelled pixels.
    pub fn empty([width, height]: [usize; 2]) -> Self {
        Self::new(LabelMap {
            width,
            height,
            ids: vec![UNLABELLED; width * height],
        })
    }

    /// The same layer that keeps at most this many bytes for undo, but at least one step.
    #[must_use]
    pub fn with_memory(mut self, bytes: usize) -> Self {
        self.memory = bytes;
        self.limit();
        self
    }

    /// The map, with what the edit in progress has written.
    pub fn map(&self) -> &LabelMap {
        &self.map
    }

    /// Width and height in pixels.
    pub fn size(&self) -> [usize; 2] {
        [self.map.width, self.map.height]
    }

    /// Whether an edit has begun.
    pub fn is_editing(&self) -> bool {
        self.stroke.is_some()
    }

    /// Begins an edit under these rules, at a pixel if it begins at one. One in progress is taken back: callers end it
    /// before.
    pub fn begin(&mut self, rules: Rules, press: Option<[usize; 2]>) {
        self.abort();
        let class = press.and_then(|[x, y]| self.map.get(x, y));
        self.stroke = Some(Stroke::new(rules.pressed_at(class)));
    }

    /// Gives pixels a class, where the rules of the edit allow it. Returns rectangles around the spans with a change, one
    /// for each row of tiles, so that a slanting stroke has no large one around it.
    pub fn write(&mut self, spans: &[Span], class: u16) -> Vec<Bounds> {
        let Some(stroke) = self.stroke.as_mut() else {
            return Vec::new();
        };
        let mut boxes: BTreeMap<usize, Bounds> = BTreeMap::new();
        for span in spans {
            if stroke.write(&mut self.map, span, class) {
                let of_span = Bounds {
                    x: span.x.start..span.x.end.min(self.map.width),
                    y: span.y..span.y + 1,
                };
                let of_row = boxes.entry(span.y / SIDE).or_insert_with(|| of_span.clone());
                *of_row = of_row.clone().around(&of_span);
            }
        }
        boxes.into_values().collect()
    }

    /// Ends the edit. Returns what it has changed, and what the changed tiles hold now. An edit that changed nothing is
    /// no step of undo.
    pub fn commit(&mut self, name: impl FnOnce(&Commit) -> String) -> (Commit, Patch) {
        let Some(stroke) = self.stroke.take() else {
            return Default::default();
        };
        let (commit, before) = stroke.end(&self.map);
        let now = before.now(&self.map);
        if !before.is_empty() {
            self.redo.clear();
            self.undo.push_back(Step {
                name: name(&commit),
                tiles: before,
            });
            self.limit();
        }
        (commit, now)
    }

    /// Takes the edit back. Returns the rectangle that has changed.
    pub fn abort(&mut self) -> Option<Bounds> {
        let stroke = self.stroke.take()?;
        let (commit, before) = stroke.end(&self.map);
        before.write(&mut self.map);
        commit.bounds
    }

    /// The name of the step that undo would take back.
    pub fn undo_name(&self) -> Option<&str> {
        self.undo.back().map(|step| step.name.as_str())
    }

    /// The name of the step that redo would bring back.
    pub fn redo_name(&self) -> Option<&str> {
        self.redo.last().map(|step| step.name.as_str())
    }

    /// Takes the last step back; `None` if there is none.
    ///
    /// # Errors
    /// When that would change a pixel of a locked class. Nothing changes then.
    pub fn undo(&mut self, locked: &ClassIds) -> Result<Option<Turned>, Locked> {
        self.stroke = None;
        let Some(step) = self.undo.back() else {
            return Ok(None);
        };
        self.check(&step.tiles, locked)?;
        let step = self.undo.pop_back();
        Ok(step.map(|step| {
            let (after, turned) = self.turn(step);
            self.redo.push(after);
            turned
        }))
    }

    /// Brings the last undone step back; `None` if there is none.
    ///
    /// # Errors
    /// As [`Layer::undo`].
    pub fn redo(&mut self, locked: &ClassIds) -> Result<Option<Turned>, Locked> {
        self.stroke = None;
        let Some(step) = self.redo.last() else {
            return Ok(None);
        };
        self.check(&step.tiles, locked)?;
        let step = self.redo.pop();
        Ok(step.map(|step| {
            let (before, turned) = self.turn(step);
            self.undo.push_back(before);
            turned
        }))
    }

    /// Exchanges the content of a step's tiles and of the map's.
    fn turn(&mut self, step: Step) -> (Step, Turned) {
        let other = step.tiles.now(&self.map);
        let turned = Turned {
            changed: self.overwrite(&step.tiles),
            now: step.tiles,
        };
        let step = Step {
            name: step.name,
            tiles: other,
        };
        (step, turned)
    }

    /// Writes tiles. Returns class before, class after, and the number of pixels.
    fn overwrite(&mut self, tiles: &Patch) -> Vec<(u16, u16, u64)> {
        let mut counts: BTreeMap<(u16, u16), u64> = BTreeMap::new();
        for (at, runs) in tiles.tiles() {
            let Bounds { x, y } = at.bounds(self.size());
            let rows = y.flat_map(|row| &self.map.ids[row * self.map.width..][x.clone()]);
            count_changes(rows.copied().zip(runs.ids()), &mut counts);
        }
        tiles.write(&mut self.map);
        counts
            .into_iter()
            .map(|((from, to), count)| (from, to, count))
            .collect()
    }

    /// Takes a change of the whole project, in which a class became another one. The steps of undo follow it, so that
    /// none of them brings the class back.
    pub fn take_replaced(&mut self, tiles: &Patch, [from, to]: [u16; 2]) -> Vec<(u16, u16, u64)> {
        for step in self.undo.iter_mut().chain(&mut self.redo) {
            step.tiles = step.tiles.replaced(from, to);
        }
        self.overwrite(tiles)
    }

    /// Takes a change that belongs to no edit, such as one that undid a change of the whole project. The steps of undo
    /// are about what was before it, so they are forgotten.
    pub fn take_outside(&mut self, tiles: &Patch) -> Vec<(u16, u16, u64)> {
        self.undo.clear();
        self.redo.clear();
        self.overwrite(tiles)
    }

    /// Checks that no pixel of a locked class would change.
    fn check(&self, tiles: &Patch, locked: &ClassIds) -> Result<(), Locked> {
        if locked.is_empty() {
            return Ok(());
        }
        let mut found: Option<Locked> = None;
        for (at, runs) in tiles.tiles() {
            let Bounds { x, y } = at.bounds(self.size());
            let mut new = runs.ids();
            for row in y {
                let now = &self.map.ids[row * self.map.width..][x.clone()];
                for (now, new) in now.iter().zip(&mut new) {
                    if *now != new && locked.contains(*now) {
                        let found = found.get_or_insert(Locked { class: *now, pixels: 0 });
                        found.pixels += u64::from(found.class == *now);
                    }
                }
            }
        }
        found.map_or(Ok(()), Err)
    }

    /// Forgets the oldest steps beyond the memory.
    fn limit(&mut self) {
        let mut bytes: usize = self.undo.iter().map(|step| step.tiles.bytes()).sum();
        while bytes > self.memory && self.undo.len() > 1 {
            if let Some(step) = self.undo.pop_front() {
                bytes -= step.tiles.bytes();
            }
        }
    }
}
