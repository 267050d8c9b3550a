//! From prediction to label: what the model says becomes labels only here, when the user asks for it.

use std::collections::BTreeMap;

use super::Annotate;
use super::sheet::Sheet;
use crate::annotate::project::Project;
use crate::annotate::{ClassIds, Over, Rules, Span, UNLABELLED};
use crate::app::workspaces::Ctx;
use crate::engine::Segmented;
use crate::labels::{ClassSet, LabelMap};

/// Which part of the prediction is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// All of it.
    All,
    /// Where there are no labels yet.
    Unlabelled,
    /// One class, by its id in the project.
    Class(u16),
}

impl Annotate {
    /// Whether there is a prediction to take.
    pub(super) fn can_take(&self, ctx: &Ctx) -> bool {
        self.sheet().is_some() && result_of(ctx).is_some()
    }

    /// Takes the prediction, or a part of it, as one edit. Locked classes stay.
    pub(super) fn take_prediction(&mut self, taken: Taken, ctx: &Ctx) {
        self.release(ctx);
        if self.changing_classes {
            return;
        }
        let (Some(result), Some(open)) = (result_of(ctx), self.project()) else {
            return;
        };
        let ids = ids_by_name(&result.model.classes, &open.project);
        let foreign = foreign_to(result, &ids);
        let least = (self.least_confidence * 65535.0).round() as u16;
        let labels = &result.prediction.labels;
        let mut spans = spans_by_class(&labels.map, |at, class| {
            let sure = labels.confidence.get(at).is_none_or(|confidence| *confidence >= least);
            ids.get(usize::from(class)).copied().flatten().filter(|_| sure)
        });
        if let Taken::Class(wanted) = taken {
            spans.retain(|id, _| *id == wanted);
        }
        let rules = Rules {
            over: match taken {
                Taken::Unlabelled => Over::Unlabelled,
                Taken::All | Taken::Class(_) => Over::Any,
            },
            locked: super::sheet::locked_of(&open.project),
            ..Rules::default()
        };
        let title = result.model.output_title(ctx.state.library.models.output());
        let Some(sheet) = self.sheet_mut() else { return };
        let was_empty = sheet.unlabelled() == sheet.all_pixels();
        sheet.layer.begin(rules, None);
        sheet.write_all(ctx.gpu, spans.iter().map(|(id, spans)| (*id, spans.as_slice())));
        if was_empty && taken != Taken::Unlabelled {
            sheet.record.base = Some(title.clone());
        }
        sheet.commit_prediction(ctx, format!("labels from {title}"));
        if !foreign.is_empty() {
            let names = foreign.join(", ");
            ctx.actions()
                .info(format!("Not taken, because this project has no such class: {names}"));
        }
    }

    /// The sheet of the same size and project that was used before this one.
    pub(super) fn previous_sheet(&self) -> Option<&Sheet> {
        let now = self.sheet()?;
        let before = self
            .order
            .iter()
            .rev()
            .filter(|source| Some(*source) != self.current.as_ref());
        let mut sheets = before.filter_map(|source| self.sheets.get(source));
        sheets.find(|sheet| sheet.root == now.root && sheet.layer.size() == now.layer.size())
    }

    /// Takes the labels of the photo that was annotated before, where there are none.
    pub(super) fn copy_previous(&mut self, ctx: &Ctx) {
        self.release(ctx);
        let Some(previous) = self.previous_sheet().filter(|_| !self.changing_classes) else {
            return;
        };
        let spans = spans_by_class(previous.map(), |_, id| (id != UNLABELLED).then_some(id));
        let name = previous
            .image
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let rules = Rules {
            over: Over::Unlabelled,
            ..Rules::default()
        };
        let Some(sheet) = self.sheet_mut() else { return };
        sheet.layer.begin(rules, None);
        sheet.write_all(ctx.gpu, spans.iter().map(|(id, spans)| (*id, spans.as_slice())));
        sheet.commit(ctx, |_| format!("labels of {name}"));
    }

    /// Takes all labels away, but those of locked classes.
    pub(super) fn clear_labels(&mut self, ctx: &Ctx) {
        self.release(ctx);
        if self.changing_classes {
            return;
        }
        let rules = Rules {
            locked: self
                .project()
                .map(|open| super::sheet::locked_of(&open.project))
                .unwrap_or_default(),
            ..Rules::default()
        };
        let Some(sheet) = self.sheet_mut() else { return };
        let [width, height] = sheet.layer.size();
        let spans: Vec<Span> = (0..height).map(|y| Span { y, x: 0..width }).collect();
        sheet.layer.begin(rules, None);
        sheet.write_all(ctx.gpu, [(UNLABELLED, spans.as_slice())]);
        sheet.commit(ctx, |_| "clear all labels".into());
    }
}

/// The result of the photo on the canvas.
pub(super) fn result_of<'a>(ctx: &Ctx<'a>) -> Option<&'a Segmented> {
    ctx.document()?.result.as_ref()
}

/// The id in a project of each class of a model, by name.
pub(super) fn ids_by_name(classes: &ClassSet, project: &Project) -> Vec<Option<u16>> {
    let id_of = |name: &str| project.listed().find(|class| class.name == name).map(|class| class.id);
    classes.classes.iter().map(|class| id_of(&class.name)).collect()
}

/// Names of the classes in a result that a project lacks.
fn foreign_to(result: &Segmented, ids: &[Option<u16>]) -> Vec<String> {
    let present = result.counts.iter().enumerate().filter(|(_, count)| **count > 0);
    let foreign = present.filter(|(class, _)| ids.get(*class).copied().flatten().is_none());
    foreign
        .map(|(class, _)| result.model.classes.label(class as u16))
        .collect()
}

/// The pixels of a map as spans, by the class that each is taken as; pixels without one are left out.
pub(super) fn spans_by_class(map: &LabelMap, taken: impl Fn(usize, u16) -> Option<u16>) -> BTreeMap<u16, Vec<Span>> {
    let mut spans: BTreeMap<u16, Vec<Span>> = BTreeMap::new();
    for y in 0..map.height {
        let row = y * map.width;
        let mut x = 0;
        while x < map.width {
            let start = x;
            let id = taken(row + x, map.ids[row + x]);
            while x < map.width && taken(row + x, map.ids[row + x]) == id {
                x += 1;
            }
            if let Some(id) = id {
                spans.entry(id).or_default().push(Span { y, x: start..x });
            }
        }
    }
    spans
}

/// All ids of a set, for rules.
pub(super) fn with_id(ids: &ClassIds, id: u16, on: bool) -> ClassIds {
    let mut ids = ids.clone();
    match on {
        true => ids.insert(id),
        false => ids.remove(id),
    }
    ids
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_taken_by_name_and_only_where_wanted() {
        let model = ClassSet::numbered(4);
        let mut project = Project::of_set(&ClassSet::numbered(3), &[]);
        let edit = crate::annotate::project::ClassEdit::Renumber { id: 2, to: 7 };
        project.edit(&edit).expect("renumbered");
        assert_eq!(ids_by_name(&model, &project), [Some(0), Some(1), Some(7), None]);
        let map = LabelMap {
            width: 4,
            height: 2,
            ids: vec![0, 0, 2, 3, 1, 2, 2, 2],
        };
        let ids = ids_by_name(&model, &project);
        let spans = spans_by_class(&map, |at, class| ids[usize::from(class)].filter(|_| at != 6));
        assert_eq!(spans[&0], [Span { y: 0, x: 0..2 }]);
        assert_eq!(
            spans[&7],
            [Span { y: 0, x: 2..3 }, Span { y: 1, x: 1..2 }, Span { y: 1, x: 3..4 }]
        );
        assert_eq!(spans.len(), 3);
    }
}
