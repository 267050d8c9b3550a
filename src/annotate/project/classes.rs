//! The class list of a project, and how it is edited.

use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, value};

use super::super::layer::UNLABELLED;
use super::place::LABELS;
use crate::labels::{Class, ClassSet};

/// The newest form of the file that this program knows.
const SCHEMA: i64 = 1;

/// Largest number of classes, with deleted ones.
const MAX_CLASSES: usize = 1024;

/// What a new file begins with.
const HEADING: &str = "# Classes of this annotation project. Ids are what label files hold: they stay as they are when classes are\n\
                       # moved, renamed or deleted. The order here is the order in the window.\n";

/// A class of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectClass {
    /// What label files hold.
    pub id: u16,
    /// Its name.
    pub name: String,
    /// sRGB colour.
    pub color: [u8; 3],
    /// The digit that chooses it.
    pub key: Option<char>,
    /// Whether its pixels never change.
    pub locked: bool,
    /// Whether it was deleted; its id is never used again.
    pub deleted: bool,
}

/// The class list of a project, and where its labels lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// Its name.
    pub name: String,
    /// The folder of label files below the root.
    pub labels: String,
    /// The value of unlabelled pixels in label files that are made here.
    pub unlabelled: u16,
    /// Values that are read as unlabelled, besides that.
    pub ignored: Vec<u16>,
    /// The classes, in the order of the list; deleted ones too.
    pub classes: Vec<ProjectClass>,
    /// The ids before and after of pixels that are being changed in all label files, until all have been written.
    pub rewriting: Option<[u16; 2]>,
}

/// Why a file is no project.
#[derive(Debug, thiserror::Error)]
#[error("expected the classes of an annotation project (schema 1, [[classes]] with name and color), found {0}")]
pub struct ProjectError(String);

/// A change of the class list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClassEdit {
    /// Adds a class at the end.
    Add {
        /// Its name.
        name: String,
        /// sRGB colour.
        color: [u8; 3],
    },
    /// Renames a class.
    Rename {
        /// The class.
        id: u16,
        /// Its new name.
        name: String,
    },
    /// Changes the colour of a class.
    Recolor {
        /// The class.
        id: u16,
        /// sRGB colour.
        color: [u8; 3],
    },
    /// Gives a class a digit, or takes it away. Another class with the digit loses it.
    SetKey {
        /// The class.
        id: u16,
        /// The digit.
        key: Option<char>,
    },
    /// Locks or unlocks a class.
    Lock {
        /// The class.
        id: u16,
        /// Whether its pixels never change.
        locked: bool,
    },
    /// Moves a class to another place in the list.
    Move {
        /// The class.
        id: u16,
        /// Its place among the listed classes, from 0.
        to: usize,
    },
    /// Deletes a class. Its pixels get another class, or none.
    Delete {
        /// The class.
        id: u16,
        /// What its pixels get; [`UNLABELLED`] for no class.
        into: u16,
    },
    /// Gives a class another id, which no class has had.
    Renumber {
        /// The class.
        id: u16,
        /// Its new id.
        to: u16,
    },
}

/// Why the class list cannot be changed so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClassEditError {
    /// There is no such class.
    #[error("expected a class of this project, found id {0}")]
    Unknown(u16),
    /// The class is locked.
    #[error("expected an unlocked class, found {0}, which is locked; unlock it first")]
    Locked(String),
    /// The name is empty or taken.
    #[error("expected a new name, found {0:?}; choose another one")]
    Name(String),
    /// The id is or was that of a class.
    #[error("expected an id that no class has had, found {0}")]
    Taken(u16),
    /// There is no room for a class.
    #[error("expected at most {MAX_CLASSES} classes, with deleted ones")]
    Full,
}

impl Project {
    /// A project with the classes of a set.
    pub fn of_set(set: &ClassSet, ignored: &[u16]) -> Self {
        let unlabelled = if set.len() > 255 { UNLABELLED } else { 255 };
        let class = |(id, class): (usize, &Class)| ProjectClass {
            id: id as u16,
            name: class.name.clone(),
            color: class.color,
            key: usual_key(id),
            locked: false,
            deleted: false,
        };
        Self {
            name: set.name.clone(),
            labels: LABELS.into(),
            unlabelled,
            // A value cannot stand for a class and for none.
            ignored: ignored
                .iter()
                .copied()
                .filter(|id| *id != unlabelled && usize::from(*id) >= set.len())
                .collect(),
            classes: set.classes.iter().enumerate().map(class).collect(),
            rewriting: None,
        }
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// When it is no project, or that of a newer version.
    pub fn parse(text: &str) -> Result<Self, ProjectError> {
        let document: DocumentMut = text
            .parse()
            .map_err(|why: toml_edit::TomlError| ProjectError(why.message().to_owned()))?;
        let schema = document.get("schema").and_then(Item::as_integer).unwrap_or(SCHEMA);
        if schema != SCHEMA {
            return Err(ProjectError(format!("schema {schema}, that of a newer version")));
        }
        let text_of = |key: &str, usual: &str| {
            let text = document.get(key).and_then(Item::as_str).unwrap_or(usual);
            text.to_owned()
        };
        let empty = ArrayOfTables::new();
        let tables = document
            .get("classes")
            .and_then(Item::as_array_of_tables)
            .unwrap_or(&empty);
        if tables.is_empty() || tables.len() > MAX_CLASSES {
            return Err(ProjectError(format!("{} classes", tables.len())));
        }
        let usual = ClassSet::numbered(tables.len());
        let mut classes: Vec<ProjectClass> = Vec::new();
        for (place, table) in tables.iter().enumerate() {
            let class = class_of(table, place, usual.color(place as u16))?;
            if classes.iter().any(|other| other.id == class.id) {
                return Err(ProjectError(format!("two classes with id {}", class.id)));
            }
            classes.push(class);
        }
        let most = classes.iter().map(|class| class.id).max().unwrap_or(0);
        let usual_value = if most >= 255 { UNLABELLED } else { 255 };
        let unlabelled = document.get("unlabelled").and_then(Item::as_integer);
        let unlabelled = unlabelled.and_then(|id| u16::try_from(id).ok()).unwrap_or(usual_value);
        if classes.iter().any(|class| class.id == unlabelled) {
            return Err(ProjectError(format!(
                "class id {unlabelled}, which stands for unlabelled pixels"
            )));
        }
        let rewriting = document.get("rewriting").and_then(Item::as_array);
        let mut ids = rewriting
            .into_iter()
            .flatten()
            .map(|id| u16::try_from(id.as_integer()?).ok());
        let rewriting = ids.next().flatten().zip(ids.next().flatten());
        let ignored = document.get("ignore").and_then(Item::as_array).into_iter().flatten();
        let ignored = ignored.filter_map(|id| u16::try_from(id.as_integer()?).ok());
        Ok(Self {
            name: text_of("name", "project"),
            labels: text_of("labels", LABELS),
            unlabelled,
            ignored: ignored
                .filter(|id| *id != unlabelled && classes.iter().all(|class| class.id != *id))
                .collect(),
            classes,
            rewriting: rewriting.map(|(from, to)| [from, to]),
        })
    }

    /// The text of the file. Comments and what is unknown in the earlier text stay.
    pub fn text(&self, earlier: Option<&str>) -> String {
        let earlier = earlier.and_then(|text| text.parse::<DocumentMut>().ok());
        let is_new = earlier.is_none();
        let mut document = earlier.unwrap_or_default();
        let mut tables: Vec<Table> = document
            .get("classes")
            .and_then(Item::as_array_of_tables)
            .map(|tables| tables.iter().cloned().collect())
            .unwrap_or_default();
        document["schema"] = value(SCHEMA);
        document["name"] = value(&self.name);
        if self.labels != LABELS || document.contains_key("labels") {
            document["labels"] = value(&self.labels);
        }
        document["unlabelled"] = value(i64::from(self.unlabelled));
        if !self.ignored.is_empty() {
            document["ignore"] = value(
                self.ignored
                    .iter()
                    .map(|id| i64::from(*id))
                    .collect::<toml_edit::Array>(),
            );
        }
        match self.rewriting {
            Some(ids) => document["rewriting"] = value(ids.into_iter().map(i64::from).collect::<toml_edit::Array>()),
            None => drop(document.remove("rewriting")),
        }
        let mut written = ArrayOfTables::new();
        for class in &self.classes {
            let id_of = |(place, table): (usize, &Table)| {
                let id = table.get("id").and_then(Item::as_integer);
                id.unwrap_or(place as i64)
            };
            let known = tables
                .iter()
                .enumerate()
                .position(|entry| id_of(entry) == i64::from(class.id));
            // The places of the others stay, because a class without an id has its place as one.
            let mut table = known.map_or_else(Table::new, |place| tables[place].clone());
            write_class(&mut table, class);
            table.set_position(None);
            written.push(table);
        }
        tables.clear();
        document["classes"] = Item::ArrayOfTables(written);
        let text = document.to_string();
        if is_new { format!("{HEADING}{text}") } else { text }
    }

    /// The classes by id. Ids without a class, and deleted classes, have a name that says so.
    pub fn set(&self) -> ClassSet {
        let count = self
            .classes
            .iter()
            .map(|class| usize::from(class.id) + 1)
            .max()
            .unwrap_or(0);
        let mut set = ClassSet::numbered(count);
        set.name.clone_from(&self.name);
        for class in &self.classes {
            let name = match class.deleted {
                true => format!("{} (deleted)", class.name),
                false => class.name.clone(),
            };
            set.classes[usize::from(class.id)] = Class {
                name,
                color: class.color,
            };
        }
        set
    }

    /// A class by its id, unless it is deleted.
    pub fn class(&self, id: u16) -> Option<&ProjectClass> {
        self.listed().find(|class| class.id == id)
    }

    /// The classes that are not deleted, in the order of the list.
    pub fn listed(&self) -> impl Iterator<Item = &ProjectClass> {
        self.classes.iter().filter(|class| !class.deleted)
    }

    /// Changes the class list. Returns the ids before and after of the pixels that must change with it, if any.
    ///
    /// # Errors
    /// When the list cannot be changed so; it is unchanged then.
    pub fn edit(&mut self, edit: &ClassEdit) -> Result<Option<[u16; 2]>, ClassEditError> {
        match edit {
            ClassEdit::Add { name, color } => {
                let name = self.free_name(name, None)?;
                let id = self.next_id()?;
                let digits = self.listed().filter_map(|class| class.key).collect::<Vec<_>>();
                self.classes.push(ProjectClass {
                    id,
                    name,
                    color: *color,
                    key: "1234567890".chars().find(|key| !digits.contains(key)),
                    locked: false,
                    deleted: false,
                });
            }
            ClassEdit::Rename { id, name } => {
                let name = self.free_name(name, Some(*id))?;
                self.known(*id)?.name = name;
            }
            ClassEdit::Recolor { id, color } => self.known(*id)?.color = *color,
            ClassEdit::SetKey { id, key } => {
                self.known(*id)?;
                for class in &mut self.classes {
                    if class.id == *id {
                        class.key = *key;
                    } else if key.is_some() && class.key == *key {
                        class.key = None;
                    }
                }
            }
            ClassEdit::Lock { id, locked } => self.known(*id)?.locked = *locked,
            ClassEdit::Move { id, to } => self.reorder(*id, *to)?,
            ClassEdit::Delete { id, into } => {
                if *into == *id || (*into != UNLABELLED && self.class(*into).is_none()) {
                    return Err(ClassEditError::Unknown(*into));
                }
                if let Some(locked) = self.class(*into).filter(|class| class.locked) {
                    return Err(ClassEditError::Locked(locked.name.clone()));
                }
                let class = self.unlocked(*id)?;
                (class.deleted, class.key) = (true, None);
                return Ok(Some([*id, *into]));
            }
            ClassEdit::Renumber { id, to } => {
                let taken = self.classes.iter().any(|class| class.id == *to);
                if taken || *to == self.unlabelled || *to == UNLABELLED || self.ignored.contains(to) {
                    return Err(ClassEditError::Taken(*to));
                }
                let class = self.unlocked(*id)?;
                // What is left of the class keeps its old id from being used again.
                let tombstone = ProjectClass {
                    deleted: true,
                    key: None,
                    ..class.clone()
                };
                class.id = *to;
                self.classes.push(tombstone);
                return Ok(Some([*id, *to]));
            }
        }
        Ok(None)
    }

    fn known(&mut self, id: u16) -> Result<&mut ProjectClass, ClassEditError> {
        let class = self.classes.iter_mut().find(|class| class.id == id && !class.deleted);
        class.ok_or(ClassEditError::Unknown(id))
    }

    fn unlocked(&mut self, id: u16) -> Result<&mut ProjectClass, ClassEditError> {
        let class = self.known(id)?;
        match class.locked {
            true => Err(ClassEditError::Locked(class.name.clone())),
            false => Ok(class),
        }
    }

    /// A name without spaces around it that no other class has.
    fn free_name(&self, name: &str, of: Option<u16>) -> Result<String, ClassEditError> {
        let name = name.trim();
        let taken = self.listed().any(|class| class.name == name && Some(class.id) != of);
        match name.is_empty() || taken {
            true => Err(ClassEditError::Name(name.into())),
            false => Ok(name.into()),
        }
    }

    /// The smallest id that no class has or has had.
    fn next_id(&self) -> Result<u16, ClassEditError> {
        if self.classes.len() >= MAX_CLASSES {
            return Err(ClassEditError::Full);
        }
        let used = |id: &u16| {
            self.classes.iter().any(|class| class.id == *id) || *id == self.unlabelled || self.ignored.contains(id)
        };
        (0..UNLABELLED).find(|id| !used(id)).ok_or(ClassEditError::Full)
    }

    fn reorder(&mut self, id: u16, to: usize) -> Result<(), ClassEditError> {
        self.known(id)?;
        let order: Vec<u16> = self
            .listed()
            .map(|class| class.id)
            .filter(|other| *other != id)
            .collect();
        // The class that it will stand before; the end if there is none.
        let before = order.get(to).copied();
        let Some(place) = self.classes.iter().position(|class| class.id == id) else {
            return Err(ClassEditError::Unknown(id));
        };
        let class = self.classes.remove(place);
        let place = before.and_then(|before| self.classes.iter().position(|class| class.id == before));
        self.classes.insert(place.unwrap_or(self.classes.len()), class);
        Ok(())
    }
}

/// The digit of a class at the beginning: 1 to 9, then 0.
fn usual_key(place: usize) -> Option<char> {
    "1234567890".chars().nth(place)
}

fn class_of(table: &Table, place: usize, usual: [u8; 3]) -> Result<ProjectClass, ProjectError> {
    let name = table.get("name").and_then(Item::as_str);
    let name = name.ok_or_else(|| ProjectError(format!("a class without a name, at place {place}")))?;
    let id = match table.get("id").map(Item::as_integer) {
        None => Some(place as u16),
        Some(id) => id.and_then(|id| u16::try_from(id).ok()),
    };
    let id = id.filter(|id| *id != UNLABELLED);
    let id = id.ok_or_else(|| ProjectError(format!("an id of {name} that is not one of 0 to 65534")))?;
    let color = match table.get("color").map(Item::as_str) {
        None => Some(usual),
        Some(text) => text.and_then(color_of),
    };
    let color = color.ok_or_else(|| ProjectError(format!("a color of {name} that is not like #804080")))?;
    let flag = |key: &str| table.get(key).and_then(Item::as_bool).unwrap_or(false);
    let key = table
        .get("key")
        .and_then(Item::as_str)
        .and_then(|key| key.chars().next());
    Ok(ProjectClass {
        id,
        name: name.into(),
        color,
        key: key.filter(char::is_ascii_digit),
        locked: flag("locked"),
        deleted: flag("deleted"),
    })
}

fn write_class(table: &mut Table, class: &ProjectClass) {
    let [r, g, b] = class.color;
    table["id"] = value(i64::from(class.id));
    table["name"] = value(&class.name);
    table["color"] = value(format!("#{r:02x}{g:02x}{b:02x}"));
    let mut set = |key: &str, written: Option<toml_edit::Value>| match written {
        Some(written) => table[key] = value(written),
        None => drop(table.remove(key)),
    };
    set("key", class.key.map(|key| key.to_string().into()));
    set("locked", class.locked.then(|| true.into()));
    set("deleted", class.deleted.then(|| true.into()));
}

/// Reads a colour such as `#804080`.
fn color_of(text: &str) -> Option<[u8; 3]> {
    let digits = text
        .strip_prefix('#')
        .filter(|text| text.len() == 6 && text.is_ascii())?;
    let value = u32::from_str_radix(digits, 16).ok()?;
    let [_, r, g, b] = value.to_be_bytes();
    Some([r, g, b])
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# mine\nschema = 1\nname = \"street\"\nunlabelled = 255\nowner = \"me\"\n\n\
                        [[classes]] # the first\nname = \"road\"\ncolor = \"#804080\"\nwidth = 3\n\n\
                        [[classes]]\nid = 4\nname = \"car\"\ncolor = \"#0000ff\"\nkey = \"7\"\nlocked = true\n\n\
                        [[classes]]\nid = 2\nname = \"sky\"\n";

    fn names(project: &Project) -> Vec<(u16, &str)> {
        project.listed().map(|class| (class.id, class.name.as_str())).collect()
    }

    #[test]
    fn a_project_is_read_and_written_without_losing_what_is_not_known() {
        let mut project = Project::parse(TEXT).expect("a project");
        assert_eq!(names(&project), [(0, "road"), (4, "car"), (2, "sky")]);
        assert_eq!(project.set().label(4), "car");
        project.edit(&ClassEdit::Move { id: 2, to: 0 }).expect("moved");
        project
            .edit(&ClassEdit::Rename {
                id: 0,
                name: "street".into(),
            })
            .expect("renamed");
        let text = project.text(Some(TEXT));
        for part in [
            "# mine",
            "owner = \"me\"",
            "# the first",
            "width = 3",
            "locked = true",
            "name = \"street\"",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert_eq!(Project::parse(&text).expect("a project"), project);
        let fresh = Project::of_set(&ClassSet::numbered(3), &[]);
        let text = fresh.text(None);
        assert!(text.starts_with("# Classes"));
        assert_eq!(Project::parse(&text).expect("a project"), fresh);
    }

    #[test]
    fn what_is_no_project_is_refused_with_a_reason() {
        let why = |text: &str| Project::parse(text).expect_err("no project").to_string();
        assert!(why("schema = 2\n[[classes]]\nname=\"a\"").contains("schema 2"));
        assert!(why("name = \"a\"").contains("0 classes"));
        assert!(why("[[classes]]\nname=\"a\"\n[[classes]]\nid=0\nname=\"b\"").contains("two classes with id 0"));
        assert!(why("unlabelled = 0\n[[classes]]\nname=\"a\"").contains("stands for unlabelled"));
        assert!(why("[[classes]]\nname=\"a\"\ncolor=\"red\"").contains("color of a"));
        assert!(why("[[classes]").contains("found"));
    }

    #[test]
    fn ids_stay_when_classes_move_and_never_come_back() {
        let mut project = Project::parse(TEXT).expect("a project");
        let set = project.set();
        assert_eq!(project.edit(&ClassEdit::Move { id: 0, to: 2 }), Ok(None));
        assert_eq!(names(&project), [(4, "car"), (2, "sky"), (0, "road")]);
        assert_eq!(project.set(), set, "ids and names by id are the same");
        let delete = ClassEdit::Delete {
            id: 2,
            into: UNLABELLED,
        };
        assert_eq!(project.edit(&delete), Ok(Some([2, UNLABELLED])));
        assert_eq!(project.class(2), None);
        let add = |name: &str| ClassEdit::Add {
            name: name.into(),
            color: [1, 2, 3],
        };
        for (name, id) in [("a", 1), ("b", 3), ("c", 5)] {
            project.edit(&add(name)).expect("added");
            assert_eq!(project.class(id).map(|class| class.name.as_str()), Some(name));
        }
        let reread = Project::parse(&project.text(Some(TEXT))).expect("a project");
        assert_eq!(reread, project);
        let refused = [
            (delete, ClassEditError::Unknown(2)),
            (
                ClassEdit::Delete { id: 4, into: 0 },
                ClassEditError::Locked("car".into()),
            ),
            (
                ClassEdit::Delete { id: 0, into: 4 },
                ClassEditError::Locked("car".into()),
            ),
            (ClassEdit::Delete { id: 0, into: 0 }, ClassEditError::Unknown(0)),
            (ClassEdit::Renumber { id: 0, to: 2 }, ClassEditError::Taken(2)),
            (add(" b "), ClassEditError::Name("b".into())),
            (add("  "), ClassEditError::Name(String::new())),
        ];
        for (edit, why) in refused {
            assert_eq!(project.edit(&edit), Err(why));
        }
        assert_eq!(reread, project, "a refused edit changes nothing");
        assert_eq!(project.edit(&ClassEdit::Renumber { id: 0, to: 9 }), Ok(Some([0, 9])));
        assert_eq!(
            project.edit(&ClassEdit::Renumber { id: 9, to: 0 }),
            Err(ClassEditError::Taken(0))
        );
    }

    #[test]
    fn a_digit_belongs_to_one_class() {
        let mut project = Project::of_set(&ClassSet::numbered(12), &[]);
        assert_eq!(project.class(9).and_then(|class| class.key), Some('0'));
        assert_eq!(project.class(10).and_then(|class| class.key), None);
        project
            .edit(&ClassEdit::SetKey { id: 11, key: Some('1') })
            .expect("set");
        assert_eq!(project.class(0).and_then(|class| class.key), None);
        assert_eq!(project.class(11).and_then(|class| class.key), Some('1'));
    }
}
