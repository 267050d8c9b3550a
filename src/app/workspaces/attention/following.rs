//! What is chosen goes along when another model comes into use.

use super::{Attention, Shown};
use crate::engine::{Certainty, Token};
use crate::labels::ClassSet;

impl Attention {
    /// Another model is in use: a chosen class stays chosen where that model knows one of its name.
    pub(super) fn follow_classes(&mut self, before: &ClassSet, now: &ClassSet) {
        let place_now = |id: usize| {
            let chosen = before.classes.get(id)?;
            now.classes.iter().position(|class| class.name == chosen.name)
        };
        if let Token::Class(class) = self.token {
            self.token = place_now(class).map_or(Token::Patch(self.patch.unwrap_or(0)), Token::Class);
        }
        if let Shown::Certainty(Certainty::Class(class)) = self.shown {
            let class = place_now(class.into()).and_then(|class| u16::try_from(class).ok());
            self.shown = class.map_or(Shown::Mean, |class| Shown::Certainty(Certainty::Class(class)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chosen_class_goes_by_name() {
        let camvid = crate::datasets::classes_of("camvid").expect("a built-in set");
        let mut other = ClassSet::numbered(2);
        other.classes[1].name = "road".into();
        let mut attention = Attention {
            patch: Some(7),
            // The road.
            token: Token::Class(3),
            shown: Shown::Certainty(Certainty::Class(3)),
            ..Attention::default()
        };
        attention.follow_classes(&camvid, &other);
        assert_eq!(attention.token, Token::Class(1));
        assert_eq!(attention.shown, Shown::Certainty(Certainty::Class(1)));
        attention.follow_classes(&other, &ClassSet::numbered(4));
        assert_eq!(attention.token, Token::Patch(7));
        assert_eq!(attention.shown, Shown::Mean);
    }
}
