//! The table of released checkpoints.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::datasets::{self, DataSet};

/// The table; the comment at its top explains each field and names the sources of the figures.
const TABLE: &str = include_str!("../../assets/models/released.toml");

/// The project that publishes a checkpoint, which also determines the layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Project {
    /// Segmenter's authors.
    #[serde(rename = "rstrudel/segmenter")]
    Segmenter,
    /// mmsegmentation's own training runs of both networks.
    #[serde(rename = "mmsegmentation")]
    Mmsegmentation,
    /// SETR's authors.
    #[serde(rename = "fudan-zvg/SETR")]
    Setr,
}

impl Project {
    /// All projects, in the order of the table.
    pub const ALL: [Self; 3] = [Self::Segmenter, Self::Mmsegmentation, Self::Setr];

    /// Its name, which is also part of the name of its checkpoints' layout.
    pub fn name(self) -> &'static str {
        match self {
            Self::Segmenter => "rstrudel/segmenter",
            Self::Mmsegmentation => "mmsegmentation",
            Self::Setr => "fudan-zvg/SETR",
        }
    }

    /// What its links lead to, and what to download from there.
    pub fn how_to_get(self) -> &'static str {
        match self {
            Self::Segmenter => {
                "Each link is a folder. Put its checkpoint.pth and variant.yml into a separate folder inside your \
                 models folder."
            }
            Self::Mmsegmentation => "Each link is the file itself.",
            Self::Setr => {
                "Each link is a Google Drive page that offers the file, as in the README of \
                 https://github.com/fudan-zvg/SETR."
            }
        }
    }
}

/// One released checkpoint. Figures are those that its project publishes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Released {
    /// Name as in the papers, such as `Seg-T-Mask/16`.
    pub name: String,
    /// The project that publishes it.
    pub project: Project,
    /// Name of the decoder as [`crate::model`] gives it: `Linear`, `Mask`, `Naive`, `PUP` or `MLA`.
    pub decoder: String,
    /// Variant of the encoder: `T`, `S`, `B` or `L`.
    pub variant: String,
    /// Side of a patch in pixels.
    pub patch: usize,
    /// Whether the encoder has a distillation token (DeiT).
    #[serde(default)]
    pub distilled: bool,
    /// Key of the data set, see [`datasets::find`].
    pub data_set: String,
    /// Side of the training crop in pixels.
    pub crop: usize,
    /// How it was trained, if that distinguishes it from others.
    #[serde(default)]
    pub training: Option<String>,
    /// Mean IoU in percent on the validation split, single scale.
    #[serde(default)]
    pub miou: Option<f64>,
    /// The same with several scales and the mirrored image.
    #[serde(default)]
    pub miou_multi_scale: Option<f64>,
    /// Number of parameters in the file.
    #[serde(default)]
    pub parameters: Option<u64>,
    /// Size of the download in 10⁶ bytes, if it was measured.
    #[serde(default)]
    pub measured_megabytes: Option<f64>,
    /// The project's name for it, as used in names of folders and files.
    pub config: String,
    /// The file, the folder that holds its files, or the page that offers it.
    pub url: String,
    /// Name of the file as downloaded, if known.
    #[serde(default)]
    pub file: Option<String>,
    /// Further remarks.
    #[serde(default)]
    pub remarks: Option<String>,
}

/// Size of a download.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Size {
    /// 10⁶ bytes, measured.
    Measured(f64),
    /// 10⁶ bytes, as four bytes per parameter.
    Estimated(f64),
}

impl Size {
    /// In 10⁶ bytes.
    pub fn megabytes(self) -> f64 {
        match self {
            Self::Measured(megabytes) | Self::Estimated(megabytes) => megabytes,
        }
    }
}

/// All released checkpoints, grouped by project.
pub fn released() -> &'static [Released] {
    static ALL: LazyLock<Vec<Released>> = LazyLock::new(|| match parse(TABLE) {
        Ok(all) => all,
        Err(e) => {
            log::error!(target: "segscope", "the table of released models is damaged ({e})");
            Vec::new()
        }
    });
    &ALL
}

fn parse(table: &str) -> Result<Vec<Released>, toml::de::Error> {
    #[derive(Deserialize)]
    struct Table {
        checkpoint: Vec<Released>,
    }
    toml::from_str(table).map(|table: Table| table.checkpoint)
}

impl Released {
    /// Name, data set, project and training, which together are unique.
    pub fn full_name(&self) -> String {
        let training = self
            .training
            .as_ref()
            .map(|text| format!(", {text}"))
            .unwrap_or_default();
        format!(
            "{} on {} ({}{training})",
            self.name,
            self.data_set_title(),
            self.project.name()
        )
    }

    /// Title of the data set.
    pub fn data_set_title(&self) -> &str {
        datasets::find(&self.data_set).map_or(&self.data_set, |set| set.title)
    }

    /// Number of classes of its data set.
    pub fn classes(&self) -> Option<usize> {
        datasets::find(&self.data_set).map(DataSet::len)
    }

    /// Size of the download, if known.
    pub fn size(&self) -> Option<Size> {
        let estimate = || self.parameters.map(|count| Size::Estimated(count as f64 * 4e-6));
        self.measured_megabytes.map(Size::Measured).or_else(estimate)
    }

    /// What to download: the files one by one, or the page that offers them.
    pub fn links(&self) -> Vec<String> {
        match self.project {
            Project::Segmenter => ["checkpoint.pth", "variant.yml"]
                .map(|file| format!("{}{file}", self.url))
                .into(),
            Project::Mmsegmentation | Project::Setr => vec![self.url.clone()],
        }
    }

    /// Both mean IoUs as text: `38.1 / 38.8`, with a hyphen for one that is not published.
    pub fn miou_text(&self) -> String {
        let text = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), percent);
        match (self.miou, self.miou_multi_scale) {
            (None, None) => "-".to_owned(),
            (single, multi) => format!("{} / {}", text(single), text(multi)),
        }
    }

    /// Number of parameters as text: `6.9 M`, or a hyphen.
    pub fn parameters_text(&self) -> String {
        self.parameters
            .map_or_else(|| "-".to_owned(), |count| format!("{:.1} M", count as f64 / 1e6))
    }

    /// Size of the download as text: `27.7 MB`, `~106 MB` for an estimate, or a hyphen.
    pub fn size_text(&self) -> String {
        match self.size() {
            Some(Size::Measured(megabytes)) => format!("{megabytes} MB"),
            Some(Size::Estimated(megabytes)) => format!("~{megabytes:.0} MB"),
            None => "-".to_owned(),
        }
    }
}

/// One or two decimals, as projects publish them.
fn percent(value: f64) -> String {
    let text = format!("{value:.2}");
    text.strip_suffix('0').map_or_else(|| text.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_complete() {
        let all = parse(TABLE).expect("every row parses");
        let of = |project| all.iter().filter(|r| r.project == project).count();
        // Segmenter's README has 9 and issue 41 one more; mmsegmentation has 5 and 7; SETR's README links to 15.
        assert_eq!(Project::ALL.map(of), [10, 12, 15]);
        let mut projects: Vec<Project> = all.iter().map(|r| r.project).collect();
        projects.dedup();
        assert_eq!(projects, Project::ALL, "those of one project together");
    }

    #[test]
    fn every_row_is_plausible() {
        for row in released() {
            let name = row.full_name();
            assert!(row.url.starts_with("https://") && !row.url.contains(' '), "{name}");
            assert!(
                row.classes().is_some() && row.data_set_title() != row.data_set,
                "{name}"
            );
            for miou in [row.miou, row.miou_multi_scale].into_iter().flatten() {
                assert!((20.0..90.0).contains(&miou), "{name}: {miou}");
            }
            if let (Some(single), Some(multi)) = (row.miou, row.miou_multi_scale) {
                assert!(single < multi, "{name}: several scales were better in every paper");
            }
            assert!(
                row.crop.is_multiple_of(row.patch) && (480..=768).contains(&row.crop),
                "{name}"
            );
            let title = match row.project {
                Project::Setr => format!("SETR-{}-{}/{}", row.decoder, row.variant, row.patch),
                _ if row.name.starts_with("SETR") => format!("SETR-{}-{}/{}", row.decoder, row.variant, row.patch),
                _ => {
                    let distilled = if row.distilled { "(DeiT)" } else { "" };
                    let decoder = if row.decoder == "Mask" { "-Mask" } else { "" };
                    format!("Seg-{}{distilled}{decoder}/{}", row.variant, row.patch)
                }
            };
            assert_eq!(row.name, title, "{name}");
            assert_eq!(row.file.is_none(), row.project == Project::Setr, "{name}");
            if row.project == Project::Mmsegmentation {
                assert!(
                    row.url.ends_with(&format!("/{}", row.file.as_deref().unwrap_or("?"))),
                    "{name}"
                );
            }
            if row.project != Project::Setr {
                assert!(row.url.contains(&format!("/{}/", row.config)), "{name}");
            }
        }
    }

    #[test]
    fn no_two_have_the_same_name_or_link() {
        let all = released();
        for (i, row) in all.iter().enumerate() {
            for other in &all[..i] {
                assert_ne!(row.full_name(), other.full_name());
                assert_ne!(row.url, other.url);
            }
        }
    }

    #[test]
    fn parameters_are_those_of_the_layers() {
        // ViT-L/16 for 512 pixels without the patch bias, as in mmsegmentation's SETR: patches, positions with the
        // class token, 24 blocks; then the four stages of PUP's main head and the two of each auxiliary one.
        let (dim, classes) = (1024_u64, 150);
        let block = 2 * 2 * dim + (dim + 1) * 3 * dim + (dim + 1) * dim + (dim + 1) * 4 * dim + (4 * dim + 1) * dim;
        let encoder = 3 * 256 * dim + (32 * 32 + 1) * dim + dim + 24 * block;
        let stage = |from: u64| from * 256 * 9 + 2 * 256;
        let head = |stages: u64| 2 * dim + stage(dim) + (stages - 1) * stage(256) + 256 * classes + classes;
        let pup = encoder + head(4) + 3 * head(2);
        let row = released()
            .iter()
            .find(|r| r.config == "setr_pup_512x512_160k_b16_ade20k");
        // Every released file also has the bias of the patch embedding.
        assert_eq!(row.and_then(|r| r.parameters), Some(pup + dim));
    }

    #[test]
    fn figures_are_written_as_published() {
        let row = |config: &str| released().iter().find(|r| r.config == config).expect("a row");
        let tiny = row("seg_tiny_mask");
        assert_eq!(
            (tiny.miou_text(), tiny.parameters_text(), tiny.size_text()),
            texts("38.1 / 38.8", "6.9 M", "27.7 MB")
        );
        assert_eq!(row("seg_base_mask").miou_text(), "48.5 / 50.0");
        assert_eq!(
            row("setr_pup_vit-large_8x1_768x768_80k_cityscapes").miou_text(),
            "79.21 / 81.02"
        );
        let small = row("seg_small_mask");
        assert_eq!(small.size(), Some(Size::Estimated(26_418_964.0 * 4e-6)));
        assert_eq!(small.size_text(), "~106 MB");
        let naive = row("SETR_Naive_768x768_80k_cityscapes_bs_8");
        assert_eq!(
            (naive.miou_text(), naive.parameters_text(), naive.size_text()),
            texts("77.9 / -", "-", "-")
        );
        assert_eq!(row("seg_large_linear").miou_text(), "-");
        assert_eq!(
            naive.full_name(),
            "SETR-Naive-L/16 on Cityscapes (fudan-zvg/SETR, 80k iterations, batch 8)"
        );
        assert!(tiny.links()[1].ends_with("/ade20k/seg_tiny_mask/variant.yml"));
        assert_eq!(naive.links(), std::slice::from_ref(&naive.url));
    }

    fn texts(miou: &str, parameters: &str, size: &str) -> (String, String, String) {
        (miou.into(), parameters.into(), size.into())
    }
}
