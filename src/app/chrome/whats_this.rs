//! "What's this?": what a workspace shows, and the terms that it uses, in a few sentences.

use egui::{Popup, RichText, ScrollArea, Ui};

use crate::app::theme::{Icon, Tokens, height, medium, title};
use crate::app::widgets::icon_button;
use crate::app::workspaces::WorkspaceId;

/// Width of the text and its height at most, in points.
const WIDTH: f32 = 360.0;
const HEIGHT: f32 = 420.0;

/// A term with its meaning.
type Term = (&'static str, &'static str);

const PATCH: Term = (
    "Patch",
    "A square of pixels, such as 16 × 16. The network reads each patch as one token, so details smaller than a patch are \
     hard to see for it.",
);
const TOKEN: Term = (
    "Token",
    "What the network computes with: a list of numbers for each patch, and one for the class token.",
);
const LAYER: Term = (
    "Layer, head",
    "Each layer lets every token read from all others. It does so several times at once; each of these is a head.",
);
const QUERY: Term = (
    "Query",
    "The token whose attention is shown: the framed patch, or a class.",
);
const SINK: Term = (
    "Sink patch",
    "A patch that nearly every query attends to, whatever it shows. It says nothing about the photo.",
);
const LOGITS: Term = (
    "Logits",
    "The scores of the classes before they become probabilities. The class with the highest score gives the mask.",
);
const CONFIDENCE: Term = ("Confidence", "The probability of the best class at a pixel.");
const MARGIN: Term = (
    "Margin",
    "How far the best class is ahead of the second. Where it is small, the mask could as well be another.",
);
const STRIDE: Term = (
    "Window, stride",
    "Large photos are read in overlapping squares, the windows. The stride is the distance from one to the next.",
);
const DECODER: Term = (
    "Encoder, decoder",
    "The encoder reads the photo; a decoder turns its tokens into classes. Several decoders can share one encoder.",
);
const AGREE: Term = (
    "Agree",
    "The share of pixels that have the same class as in the reference.",
);
const IOU: Term = (
    "IoU",
    "Intersection over union: the pixels that both the prediction and the ground truth give a class, divided by those \
     that either does. mIoU is its mean over the classes.",
);
const TRUTH: Term = (
    "Ground truth",
    "A label map with the true class of each pixel, drawn by hand. Pixels with an ignored id do not count.",
);
const STEP: Term = (
    "Step, batch",
    "In a step the network learns from a batch of photos. After all steps the learning rate has fallen to its end.",
);
const CROP: Term = ("Crop", "The part of a photo that is used in a step, chosen at random.");

const RULES: Term = (
    "Over",
    "Which pixels a tool may change: any, unlabelled ones, those of some classes, or those of the class where you press. \
     A locked class never changes.",
);
const LABEL_FILE: Term = (
    "Label file",
    "A PNG beside the photos with a class id for each pixel. It is written after every edit.",
);
const SPECK: Term = (
    "Speck",
    "A region of very few pixels, which is often a slip. Clean up gives it the class around it.",
);
const TOOLS: Term = (
    "Tools and keys",
    "B brush, E eraser, P polygon, L lasso, T live wire, F fill, R region of the prediction, W magic wand, C superpixels, \
     I pick a class, H or Space to move. Q selects areas instead of filling them. Digits choose a class, [ and ] the size of the tip, A and D the photo. V hides the labels while it is held.",
);

/// What a workspace shows, and its terms.
fn about(workspace: WorkspaceId) -> (&'static str, &'static [Term]) {
    match workspace {
        "Annotate" => (
            "Makes labels. Start from the prediction, choose a class on the right and paint over what is wrong; or paint \
             everything yourself. Then mark the photo done.",
            &[TOOLS, RULES, LABEL_FILE, SPECK],
        ),
        "Attention" => (
            "Shows what the network looks at. Click or drag on the photo to choose a patch, and see which patches it \
             resembles, reads from, or is read by. All heads shows every layer at once.",
            &[PATCH, TOKEN, LAYER, QUERY, SINK],
        ),
        "Compare" => (
            "Shows the same photo by several models, decoders, patch sizes or label maps. The others are compared with \
             the reference.",
            &[DECODER, PATCH, AGREE, IOU],
        ),
        "Evaluate" => (
            "Compares the model with ground truth. Score all photos to see which classes it knows, which it takes for \
             others, and which photos are the worst.",
            &[TRUTH, IOU, CONFIDENCE],
        ),
        "Train" => (
            "Teaches a network on your own photos and label maps, from pretrained weights. A paused training resumes \
             where it stopped.",
            &[STEP, CROP, PATCH, DECODER, IOU],
        ),
        _ => (
            "Shows the class of every pixel. Point at the photo to read it, click to pin the reading, and use the list \
             to show, hide or recolour classes.",
            &[CONFIDENCE, MARGIN, LOGITS, PATCH, STRIDE, DECODER],
        ),
    }
}

/// Draws the button that opens the text.
pub(super) fn button(ui: &mut Ui, workspace: WorkspaceId) {
    let button = icon_button(ui, Icon::CircleHelp, "What's this?", height::BUTTON, false);
    let button = button.on_hover_text("What this workspace shows, and what its terms mean");
    Popup::menu(&button)
        .close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside)
        .width(WIDTH)
        .show(|ui| {
            ui.set_max_width(WIDTH);
            let (sentence, terms) = about(workspace);
            let color = Tokens::of(ui).second;
            ScrollArea::vertical().max_height(HEIGHT).show(ui, |ui| {
                ui.label(title(workspace));
                ui.label(sentence);
                for (term, meaning) in terms {
                    ui.add_space(8.0);
                    ui.label(medium(*term));
                    ui.label(RichText::new(*meaning).color(color));
                }
            });
        });
}
