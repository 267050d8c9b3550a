//! Writes CVAT's XML, image by image.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};

use quick_xml::escape::escape;

use super::FILE;
use crate::interchange::rle::cvat as runs;
use crate::interchange::{InterchangeError, LabelClasses, LabelWriter, LabelledImage, WriteChoices, files};
use crate::staged_file::StagedFile;

struct Writer {
    file: PathBuf,
    classes: LabelClasses,
    count: usize,
    /// Images as they will stand in the file, in a temporary file.
    images: BufWriter<File>,
}

/// Writes `annotations.xml` with a mask for each class of an image. CVAT takes it into a task that has these labels and
/// images of these names.
///
/// # Errors
/// When the folder cannot be made, or two classes have one name.
pub fn create(out: &Path, classes: &LabelClasses, _: &WriteChoices) -> Result<Box<dyn LabelWriter>, InterchangeError> {
    files::check_names(classes)?;
    for class in classes.iter() {
        files::check_printable(&class.name)?;
    }
    fs::create_dir_all(out).map_err(InterchangeError::write(out))?;
    let images = tempfile::tempfile().map_err(InterchangeError::write(out))?;
    Ok(Box::new(Writer {
        file: out.join(FILE),
        classes: classes.clone(),
        count: 0,
        images: BufWriter::new(images),
    }))
}

impl Writer {
    fn image(&mut self, image: &LabelledImage) -> io::Result<()> {
        let LabelledImage { name, labels } = image;
        let (id, name) = (self.count, escape(name));
        let out = &mut self.images;
        writeln!(
            out,
            " <image id=\"{id}\" name=\"{name}\" width=\"{}\" height=\"{}\">",
            labels.width, labels.height
        )?;
        for (class, ([left, top, width, height], runs)) in runs::runs_of_all(labels) {
            let label = self.classes.get(class).map_or("", |class| &class.name);
            let lengths: Vec<String> = runs.iter().map(u32::to_string).collect();
            writeln!(
                out,
                "  <mask label=\"{}\" source=\"file\" occluded=\"0\" rle=\"{}\" left=\"{left}\" top=\"{top}\" \
                 width=\"{width}\" height=\"{height}\" z_order=\"0\"></mask>",
                escape(label),
                lengths.join(", ")
            )?;
        }
        writeln!(out, " </image>")
    }

    fn whole(&mut self, file: &mut impl Write) -> io::Result<()> {
        writeln!(file, "<?xml version=\"1.0\" encoding=\"utf-8\"?>")?;
        writeln!(file, "<annotations>\n <version>1.1</version>\n <meta>\n  <task>")?;
        writeln!(
            file,
            "   <name>labels</name>\n   <size>{}</size>\n   <labels>",
            self.count
        )?;
        for class in self.classes.iter() {
            let [r, g, b] = class.color;
            writeln!(
                file,
                "    <label><name>{}</name><color>#{r:02x}{g:02x}{b:02x}</color><type>any</type><attributes></attributes></label>",
                escape(&class.name)
            )?;
        }
        writeln!(file, "   </labels>\n  </task>\n </meta>")?;
        self.images.flush()?;
        let spooled = self.images.get_mut();
        spooled.seek(SeekFrom::Start(0))?;
        io::copy(&mut BufReader::new(spooled), file)?;
        writeln!(file, "</annotations>")
    }
}

impl LabelWriter for Writer {
    fn write(&mut self, image: &LabelledImage) -> Result<(), InterchangeError> {
        files::check_ids(image, |id| self.classes.get(id).is_some())?;
        files::safe(&image.name)?;
        files::check_printable(&image.name)?;
        self.image(image).map_err(InterchangeError::write(&self.file))?;
        self.count += 1;
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<(), InterchangeError> {
        let path = self.file.clone();
        let fill = |temporary: &Path| -> io::Result<()> {
            let mut file = BufWriter::new(File::create(temporary)?);
            self.whole(&mut file)?;
            file.flush()
        };
        let staged = StagedFile::fill(&path, fill).and_then(StagedFile::commit);
        staged.map_err(InterchangeError::write(&path))
    }
}
