//! The journal: edits that are not in the label file yet. Each is on disk before the label file is written again, so
//! that nothing but the stroke being drawn is lost when the program or the machine stops.
//!
//! The file begins with a header: what it is, the size of the map, and the CRC-32 of the label file that the edits belong
//! to. Records follow: their length, their CRC-32, and the content. One that is incomplete ends the journal. Before a
//! label file is replaced, the CRC-32 of the new one is recorded, because the program may stop before the journal is
//! removed. A record of an edit holds what its tiles contain after it, so that applying one twice changes nothing.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use super::super::tiles::{Patch, Runs, TileAt};
use crate::labels::LabelMap;

/// What the file begins with; the last byte is the version.
const MAGIC: &[u8; 8] = b"segedit\x01";
const HEADER: usize = MAGIC.len() + 4 * 4;

/// Kinds of records.
const EDIT: u8 = 1;
const SAVING: u8 = 2;

/// The CRC-32 that stands for no label file.
const NO_FILE: u32 = 0;

/// The journal of a label file.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    /// Open while there are edits.
    file: Option<File>,
}

/// What a journal holds.
#[derive(Debug)]
pub(super) struct Recovered {
    /// The edits, in their order.
    pub(super) edits: Vec<Patch>,
    size: [usize; 2],
    /// The label files that the edits belong to.
    bases: Vec<u32>,
    /// Length of the file up to the last complete record.
    length: u64,
}

/// What lies in the place of a journal.
#[derive(Debug)]
pub(super) enum Found {
    /// No file, or one without a complete edit.
    Nothing,
    /// Edits that are not in the label file, or not known to be.
    Edits(Recovered),
    /// A file that is no journal.
    Damaged,
}

impl Recovered {
    /// Whether the edits belong to a map of this size that was read from a file with this CRC-32, or from none.
    pub(super) fn belong_to(&self, size: [usize; 2], crc: Option<u32>) -> bool {
        self.size == size && self.bases.contains(&crc.unwrap_or(NO_FILE))
    }

    /// Makes the edits again.
    pub(super) fn apply(&self, map: &mut LabelMap) {
        for edit in &self.edits {
            edit.write(map);
        }
    }
}

impl Journal {
    /// The journal at a path, which need not exist.
    pub(super) fn at(path: PathBuf) -> Self {
        Self { path, file: None }
    }

    /// What it holds.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn read(&self) -> io::Result<Found> {
        let bytes = match fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
            Err(why) => return Err(why),
        };
        Ok(match parse(&bytes) {
            Some(found) if found.edits.is_empty() => Found::Nothing,
            Some(found) => Found::Edits(found),
            // The program ended while it wrote the header.
            None if bytes.len() < HEADER => Found::Nothing,
            None => Found::Damaged,
        })
    }

    /// Adds an edit of a map of this size, whose label file has this CRC-32.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn add(&mut self, edit: &Patch, size: [usize; 2], base: Option<u32>) -> io::Result<()> {
        if self.file.is_none() {
            if let Some(folder) = self.path.parent() {
                fs::create_dir_all(folder)?;
            }
            let mut file = File::create(&self.path)?;
            let mut header = MAGIC.to_vec();
            for value in [size[0] as u32, size[1] as u32, base.unwrap_or(NO_FILE)] {
                header.extend(value.to_le_bytes());
            }
            header.extend(crc32fast::hash(&header).to_le_bytes());
            file.write_all(&header)?;
            self.file = Some(file);
        }
        let mut content = vec![EDIT];
        content.extend((edit.0.len() as u32).to_le_bytes());
        for (at, runs) in edit.tiles() {
            content.extend(at.row.to_le_bytes());
            content.extend(at.column.to_le_bytes());
            content.extend((runs.0.len() as u32).to_le_bytes());
            for (id, length) in &runs.0 {
                content.extend(id.to_le_bytes());
                content.extend(length.to_le_bytes());
            }
        }
        self.write(&content)
    }

    /// Records that the label file is about to be replaced by one with this CRC-32.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn note_saving(&mut self, crc: u32) -> io::Result<()> {
        if self.file.is_none() {
            return Ok(());
        }
        let mut content = vec![SAVING];
        content.extend(crc.to_le_bytes());
        self.write(&content)
    }

    fn write(&mut self, content: &[u8]) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let mut record = (content.len() as u32).to_le_bytes().to_vec();
        record.extend(crc32fast::hash(content).to_le_bytes());
        record.extend(content);
        let end = file.stream_position()?;
        let written = file.write_all(&record).and_then(|()| file.sync_data());
        if written.is_err() {
            // What follows a torn record would not be read.
            file.set_len(end)?;
            file.seek(io::SeekFrom::Start(end))?;
        }
        written
    }

    /// Removes it, because the label file holds its edits.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub(super) fn remove(&mut self) -> io::Result<()> {
        self.file = None;
        match fs::remove_file(&self.path) {
            Err(why) if why.kind() != io::ErrorKind::NotFound => Err(why),
            _ => Ok(()),
        }
    }

    /// Appends to the journal that lies there, after its edits have been made again.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub(super) fn resume(&mut self, recovered: &Recovered) -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).open(&self.path)?;
        file.set_len(recovered.length)?;
        file.seek(io::SeekFrom::End(0))?;
        self.file = Some(file);
        Ok(())
    }

    /// Puts it aside, because its edits belong to another label file. Returns where it lies then.
    ///
    /// # Errors
    /// When it cannot be renamed.
    pub(super) fn put_aside(&mut self) -> io::Result<PathBuf> {
        self.file = None;
        let aside = (1..)
            .map(|number| self.path.with_extension(format!("journal.{number}")))
            .find(|path| !path.exists())
            .unwrap_or_else(|| self.path.with_extension("journal.old"));
        fs::rename(&self.path, &aside)?;
        Ok(aside)
    }

    /// Where it lies.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// Reads little-endian numbers from the front of a slice.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (front, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(front)
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes(self.take(2)?.try_into().ok()?))
    }
}

fn parse(bytes: &[u8]) -> Option<Recovered> {
    let header = bytes.get(..HEADER)?;
    let mut reader = Reader(header.strip_prefix(MAGIC)?);
    let [width, height, base, check] = [reader.u32()?, reader.u32()?, reader.u32()?, reader.u32()?];
    if crc32fast::hash(&header[..HEADER - 4]) != check {
        return None;
    }
    let mut found = Recovered {
        edits: Vec::new(),
        size: [width as usize, height as usize],
        bases: vec![base],
        length: HEADER as u64,
    };
    let mut records = Reader(&bytes[HEADER..]);
    while let Some(content) = next_record(&mut records) {
        match content.split_first() {
            Some((&EDIT, edit)) => found.edits.push(edit_of(edit)?),
            Some((&SAVING, crc)) => found.bases.push(Reader(crc).u32()?),
            _ => break,
        }
        found.length = (bytes.len() - records.0.len()) as u64;
    }
    Some(found)
}

/// The content of the next record; `None` at the end, or where the rest is incomplete.
fn next_record<'a>(records: &mut Reader<'a>) -> Option<&'a [u8]> {
    let (length, check) = (records.u32()?, records.u32()?);
    let content = records.take(length as usize)?;
    (crc32fast::hash(content) == check).then_some(content)
}

fn edit_of(content: &[u8]) -> Option<Patch> {
    let mut reader = Reader(content);
    let mut edit = Patch::default();
    for _ in 0..reader.u32()? {
        let at = TileAt {
            row: reader.u32()?,
            column: reader.u32()?,
        };
        let count = reader.u32()?;
        let runs: Option<Vec<_>> = (0..count).map(|_| Some((reader.u16()?, reader.u16()?))).collect();
        edit.insert(at, Runs(runs?));
    }
    Some(edit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::annotate::{Layer, Rules, Span};

    const SIZE: [usize; 2] = [100, 80];

    /// Edits of a layer, and the map after each.
    fn edits(count: usize) -> Vec<(Patch, LabelMap)> {
        let mut layer = Layer::empty(SIZE);
        let edit = |i: usize| {
            layer.begin(Rules::default(), None);
            layer.write(
                &[Span {
                    y: i * 7 % SIZE[1],
                    x: i..70 + i,
                }],
                i as u16,
            );
            let (_, patch) = layer.commit(|_| String::new());
            (patch, layer.map().clone())
        };
        (0..count).map(edit).collect()
    }

    #[test]
    fn every_complete_edit_is_recovered_wherever_the_file_ends() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a/b.journal");
        let mut journal = Journal::at(path.clone());
        let edits_in = |journal: &Journal| match journal.read().expect("readable") {
            Found::Edits(found) => Some(found),
            Found::Nothing | Found::Damaged => None,
        };
        assert!(edits_in(&journal).is_none());
        let edits = edits(5);
        let mut ends = Vec::new();
        for (patch, _) in &edits {
            journal.add(patch, SIZE, None).expect("written");
            ends.push(fs::metadata(&path).expect("a file").len() as usize);
        }
        let bytes = fs::read(&path).expect("a file");
        for end in 0..=bytes.len() {
            fs::write(&path, &bytes[..end]).expect("a file");
            let complete = ends.iter().filter(|e| **e <= end).count();
            let found = edits_in(&journal);
            assert_eq!(found.as_ref().map_or(0, |found| found.edits.len()), complete, "{end}");
            if let Some(found) = found {
                let mut map = Layer::empty(SIZE).map().clone();
                found.apply(&mut map);
                assert!(map == edits[complete - 1].1 && found.belong_to(SIZE, None));
                // The label file may hold some of them already.
                let mut later = edits[complete / 2].1.clone();
                found.apply(&mut later);
                assert!(later == edits[complete - 1].1);
            }
        }
        // A damaged record ends the journal.
        let mut damaged = bytes.clone();
        damaged[ends[2] + 20] ^= 1;
        fs::write(&path, &damaged).expect("a file");
        assert_eq!(edits_in(&journal).map(|found| found.edits.len()), Some(3));
        // What is added after it is read, too.
        let mut journal = Journal::at(path.clone());
        journal.resume(&edits_in(&journal).expect("edits")).expect("opened");
        journal.add(&edits[4].0, SIZE, None).expect("written");
        assert_eq!(edits_in(&journal).map(|found| found.edits.len()), Some(4));
        fs::write(&path, "something else that is longer than a header").expect("a file");
        assert!(matches!(journal.read(), Ok(Found::Damaged)));
        journal.remove().expect("removed");
        assert!(!path.exists());
    }

    #[test]
    fn a_journal_belongs_to_the_files_that_it_names() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut journal = Journal::at(folder.path().join("a.journal"));
        let (patch, _) = edits(1).swap_remove(0);
        journal.add(&patch, SIZE, Some(7)).expect("written");
        journal.note_saving(9).expect("written");
        let Ok(Found::Edits(found)) = journal.read() else {
            panic!("an edit")
        };
        assert!(found.belong_to(SIZE, Some(7)) && found.belong_to(SIZE, Some(9)));
        assert!(!found.belong_to(SIZE, Some(8)) && !found.belong_to(SIZE, None));
        assert!(!found.belong_to([80, 100], Some(7)));
        let aside = journal.put_aside().expect("renamed");
        assert!(aside.exists() && !journal.path().exists());
    }
}
