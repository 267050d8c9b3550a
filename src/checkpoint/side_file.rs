//! Checks whether a side file, `variant.yml` or a configuration, describes the same model as the tensors.

/// Sizes from the shapes of the tensors.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    /// Width of a token.
    pub(super) width: usize,
    /// Side of a patch in pixels.
    pub(super) patch: usize,
    /// Number of blocks of the encoder.
    pub(super) depth: usize,
    /// Number of output channels of the decoder.
    pub(super) classes: usize,
    /// Number of position embeddings of patches.
    pub(super) positions: usize,
}

impl Sizes {
    /// Refuses more classes than a label map can hold, before names are made for them.
    pub(super) fn checked(self) -> Result<Self, String> {
        match self.classes {
            0..=MAX_CLASSES => Ok(self),
            more => Err(format!("expected at most {MAX_CLASSES} classes, found {more}")),
        }
    }
}

/// Maximum number of classes: ids have 16 bits.
const MAX_CLASSES: usize = 65_535;

/// The same sizes from a side file; `None` for those that it lacks.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct SideFileValues {
    pub(super) width: Option<usize>,
    pub(super) patch: Option<usize>,
    pub(super) depth: Option<usize>,
    pub(super) classes: Option<usize>,
    pub(super) heads: Option<usize>,
    /// Height and width in pixels of the images that the model was trained on.
    pub(super) image: Option<[usize; 2]>,
}

impl SideFileValues {
    /// A clause about the first value that the tensors contradict, with both values.
    pub(super) fn contradiction(&self, tensors: &Sizes) -> Option<String> {
        let numbers = [
            ("patch", self.patch, tensors.patch),
            ("width", self.width, tensors.width),
            ("depth", self.depth, tensors.depth),
            ("number of classes", self.classes, tensors.classes),
        ];
        for (what, said, found) in numbers {
            if let Some(said) = said.filter(|said| *said != found) {
                return Some(format!("{what} {said}, the tensors have {what} {found}"));
            }
        }
        if let (Some([height, width]), Some([rows, columns])) = (self.image, self.grid(tensors.patch)) {
            let positions = rows.saturating_mul(columns);
            if positions != tensors.positions {
                return Some(format!(
                    "images of {width} x {height} pixels are {positions} patches, the tensors have positions for {}",
                    tensors.positions
                ));
            }
        }
        let heads = self.heads.filter(|heads| !tensors.width.is_multiple_of(*heads))?;
        Some(format!(
            "{heads} heads, which do not divide the width {} of the tensors",
            tensors.width
        ))
    }

    /// Rows and columns of the image in patches of `patch` pixels.
    pub(super) fn grid(&self, patch: usize) -> Option<[usize; 2]> {
        let [height, width] = self.image?;
        Some([height.checked_div(patch)?, width.checked_div(patch)?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENSORS: Sizes = Sizes {
        width: 192,
        patch: 16,
        depth: 12,
        classes: 150,
        positions: 1024,
    };

    #[test]
    fn every_contradiction_is_named_with_both_values() {
        let own = SideFileValues {
            width: Some(192),
            patch: Some(16),
            depth: Some(12),
            classes: Some(150),
            heads: Some(3),
            image: Some([512, 512]),
        };
        assert_eq!(own.contradiction(&TENSORS), None);
        assert_eq!(SideFileValues::default().contradiction(&TENSORS), None);
        let halves = SideFileValues {
            image: Some([256, 1031]),
            ..own.clone()
        };
        assert_eq!(halves.contradiction(&TENSORS), None, "16 x 64 patches");
        for (other, named) in [
            (
                SideFileValues {
                    patch: Some(8),
                    ..own.clone()
                },
                "patch 8, the tensors have patch 16",
            ),
            (
                SideFileValues {
                    width: Some(384),
                    ..own.clone()
                },
                "width 384, the tensors have width 192",
            ),
            (
                SideFileValues {
                    depth: Some(24),
                    ..own.clone()
                },
                "depth 24, the tensors have depth 12",
            ),
            (
                SideFileValues {
                    classes: Some(19),
                    ..own.clone()
                },
                "19, the tensors have number of classes 150",
            ),
            (
                SideFileValues {
                    heads: Some(5),
                    ..own.clone()
                },
                "5 heads",
            ),
            (
                SideFileValues {
                    image: Some([640, 640]),
                    ..own.clone()
                },
                "1600 patches, the tensors have positions for 1024",
            ),
        ] {
            let why = other.contradiction(&TENSORS).unwrap_or_default();
            assert!(why.contains(named), "{why}");
        }
    }
}
