//! Keys that choose decoders.

use super::program::wait_for;
use super::stage::Stage;
use crate::bundles::{five_decoders, save};

#[test]
fn a_key_chooses_the_decoder_and_the_next_start_restores_it() {
    let Some(stage) = Stage::new() else { return };
    let image = stage.street("street.jpg");
    let model = save(&five_decoders(), 1, &stage.path("five.safetensors"));
    let decoder = || stage.session("decoder");
    let mut program = stage.start(&["--model".as_ref(), model.as_os_str(), image.as_os_str()]);
    program.wait_for_masks("street.jpg");
    for (key, name) in [("5", "mla"), ("2", "mask"), ("4", "pup")] {
        program.press(key);
        wait_for(name, || (decoder() == Some(name.into())).then_some(()));
        program.wait_for_masks("street.jpg");
    }
    program.kill();
    let mut program = stage.start::<&str>(&[]);
    program.wait_for_masks("street.jpg");
    program.press("F5");
    program.wait_for_masks("street.jpg");
    assert_eq!(decoder(), Some("pup".into()));
}
