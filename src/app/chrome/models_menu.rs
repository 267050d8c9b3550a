//! The list of open models in the Model menu.

use egui::{Align, Button, Layout, Ui, vec2};

use crate::app::action::Action;
use crate::app::state::model_name;
use crate::app::workspaces::Ctx;
use crate::engine::ModelInfo;

/// Width of the list in points.
const WIDTH: f32 = 330.0;

/// Draws the open models with their memory. A click on a model uses it; its button closes it.
pub(super) fn open_models_menu(ui: &mut Ui, ctx: &Ctx) {
    let models = &ctx.state.library.models;
    if models.open().is_empty() {
        return;
    }
    ui.separator();
    ui.set_min_width(WIDTH);
    ui.weak(models_text(ctx));
    for open in models.open() {
        let name = model_name(models.open(), &open.info);
        let row = vec2(WIDTH, ui.spacing().interact_size.y);
        ui.allocate_ui_with_layout(row, Layout::right_to_left(Align::Center), |ui| {
            let close = ui.small_button("Close").accessible_name(format!("Close {name}"));
            if close.on_hover_text("Remove from memory; the file is kept").clicked() {
                ctx.send(Action::CloseModel(open.info.clone()));
            }
            let memory = match open.in_memory {
                true => memory_text(open.info.bytes),
                false => "reloaded when used".into(),
            };
            let used = models.used().is_some_and(|model| model.id == open.info.id);
            let button = Button::selectable(used, name.as_str()).right_text(memory).truncate();
            let button = button.min_size(vec2(ui.available_width(), 0.0));
            if ui
                .add(button)
                .accessible_name(&name)
                .on_hover_text(about(&open.info))
                .clicked()
            {
                ctx.send(Action::UseModel(open.info.clone()));
                ui.close();
            }
        });
    }
}

/// The number of open models, and their memory.
pub(super) fn models_text(ctx: &Ctx) -> String {
    let open = ctx.state.library.models.open();
    let in_memory = open.iter().filter(|model| model.in_memory);
    format!(
        "Open models: {}, {} of {}",
        open.len(),
        memory_text(in_memory.map(|model| model.info.bytes).sum()),
        memory_text(ctx.state.settings.model_memory_mib << 20)
    )
}

/// Source and size of a model, and the remarks on what was assumed or left out when it was opened.
pub(in crate::app) fn about(model: &ModelInfo) -> String {
    let path = model.source.path().map(|path| path.display().to_string());
    let source = path.unwrap_or_else(|| "built into the program".into());
    let millions = model.parameters as f64 / 1e6;
    let (count, data_set) = (model.classes.len(), &model.classes.name);
    let size = format!("{millions:.1} million parameters, {count} classes ({data_set})");
    let lines = [source, size].into_iter().chain(model.remarks.iter().cloned());
    lines.collect::<Vec<_>>().join("\n")
}

/// `23 MiB`, `1.4 GiB`, `4 GiB`.
pub(super) fn memory_text(bytes: usize) -> String {
    let mib = bytes as f64 / f64::from(1 << 20);
    let (value, unit) = match mib < 1023.5 {
        true => (mib.round(), "MiB"),
        false => ((mib / 102.4).round() / 10.0, "GiB"),
    };
    format!("{value} {unit}")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{about, memory_text};
    use crate::app::state::testing::model;
    use crate::model::DecoderKind;

    #[test]
    fn the_remarks_of_a_model_are_listed() {
        let mut open = model(1, "/models/a.pth", &[DecoderKind::Linear]);
        let plain = about(&open.info);
        assert_eq!(plain.lines().count(), 2, "{plain}");
        let remarks = ["the side file is of another model", "2 tensors are not needed"];
        Arc::make_mut(&mut open.info).remarks = remarks.map(String::from).to_vec();
        assert_eq!(about(&open.info), format!("{plain}\n{}\n{}", remarks[0], remarks[1]));
    }

    #[test]
    fn memory_has_a_suitable_unit() {
        for (mib, text) in [
            (0.0, "0 MiB"),
            (22.9, "23 MiB"),
            (1023.0, "1023 MiB"),
            (1024.0, "1 GiB"),
            (1440.0, "1.4 GiB"),
            (4096.0, "4 GiB"),
        ] {
            assert_eq!(memory_text((mib * 1024.0 * 1024.0) as usize), text);
        }
    }
}
