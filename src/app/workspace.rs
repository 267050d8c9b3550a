//! Which of the views of the picture is open.

use super::App;

/// A way of looking at the picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Workspace {
    /// The class masks of the output in use.
    #[default]
    Masks,
    /// What patches and classes look at.
    Attention,
    /// Several outputs and label maps beside each other.
    Compare,
    /// The output in use against ground truth.
    Evaluate,
}

impl App {
    /// Goes to a workspace; what the one before was busy with is stopped.
    pub(super) fn open_workspace(&mut self, workspace: Workspace) {
        if self.workspace == workspace {
            return;
        }
        let before = std::mem::replace(&mut self.workspace, workspace);
        match before {
            Workspace::Masks => {}
            Workspace::Attention => {
                self.stop_looking();
                self.interrupt_averaging();
            }
            Workspace::Compare => self.leave_compare(),
            Workspace::Evaluate => self.leave_evaluate(),
        }
        if workspace == Workspace::Compare {
            self.enter_compare();
        }
    }
}
