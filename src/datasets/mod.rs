//! Built-in data sets: their classes, ignored ids, file names and image sizes.
//!
//! Also the only reader of ground truth, and the only code that pairs images with label maps.

mod beside;
mod list;
mod matching;
mod naming;
mod pairs;
mod palette_file;
mod predictions;
mod reader;
mod rules;
mod set_file;
mod survey;
mod table;
#[cfg(test)]
mod testing;

pub use beside::{is_project_label, truth_by_example, truths_of};
pub use matching::is_image_folder;
pub use naming::NameRule;
pub use pairs::{Pair, PairError, Pairs, digest, pairs, pairs_of_list};
pub use palette_file::{PaletteFileError, palette_of_file};
pub use predictions::{BeyondClasses, PredictionReader};
pub use reader::{TruthChoices, TruthError, TruthMap, TruthReader};
pub use rules::{NO_CLASS, TruthRules};
pub use set_file::{SetFile, SetFileError};
pub use survey::Survey;
pub use table::{
    ALL, DataSet, Submission, Tester, by_count, classes_of, find, find_by_mmseg_name, fits, fitting, for_model, keys,
    title,
};
