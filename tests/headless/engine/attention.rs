//! Looking inside: what a pass keeps, and what the reader makes of it.

use std::fs;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use segscope::engine::{
    Answer, Asked, Direction, Event, FigureExport, FigureMaps, FigureStyle, HeadsJob, HeadsOfPicture, InsideReader,
    Inspection, Job, Look, NumberFormat, Output, Part, PhotoSource, Place, Question, Read, Region, Rollout, Settings,
    Token,
};

use segscope::export::{ColorMap, Curve};
use segscope::photo::Photo;

use super::desk::{Desk, PATIENCE, empty_folder};
use crate::bundles::fixture;

fn look(desk: &mut Desk, region: Region) -> Look {
    let photo = desk.open(PhotoSource::Sample);
    let model = desk.model_info();
    Look {
        photo,
        model: model.id,
        output: Output::default(),
        settings: Settings::of(&model.spec.inference),
        region,
    }
}

/// Blocks of the usual model's encoder.
fn depth() -> usize {
    fixture::spec().encoder.layers()
}

fn inspect(desk: &mut Desk, region: Region) -> Arc<Inspection> {
    let look = look(desk, region);
    let asked = Asked::new();
    let ticket = asked.ticket();
    desk.send(Job::LookInside { ticket, look });
    desk.wait_for("an inspection", |event| match event {
        Event::Inside { inspection, .. } => Some(inspection),
        _ => None,
    })
}

#[test]
fn the_whole_picture_is_looked_into_at_once() {
    let mut desk = Desk::with_model();
    let inspection = inspect(&mut desk, Region::Whole);
    let inside = &inspection.inside;
    // 1280x960 at a short side of 384 is 512x384.
    assert_eq!((inside.grid, inside.extra, inside.classes), ([24, 32], 1, 11));
    assert_eq!((inside.encoder.len(), inside.decoder.len()), (depth(), 2));
    let frame = inspection.frame;
    assert_eq!(
        [frame.left, frame.top, frame.right, frame.bottom],
        [0.0, 0.0, 1280.0, 960.0]
    );
    for (place, token, tokens) in [
        (Part::Encoder, Token::Extra(0), 24 * 32 + 1),
        (Part::Encoder, Token::Patch(100), 24 * 32 + 1),
        (Part::Decoder, Token::Class(10), 24 * 32 + 11),
    ] {
        let place = Place { part: place, layer: 1 };
        let rows = inside.rows(place, token, Direction::From).expect("a token");
        assert_eq!((rows.heads(), rows.tokens), (3, tokens));
        for head in 0..3 {
            let sum: f32 = rows.head(head).iter().sum();
            assert!((sum - 1.0).abs() < 1e-4, "{token:?}: {sum}");
        }
    }
    assert!(
        inside
            .rows(
                Place {
                    part: Part::Encoder,
                    layer: depth()
                },
                Token::Extra(0),
                Direction::From
            )
            .is_none()
    );
}

#[test]
fn a_window_is_where_the_plan_puts_it_and_one_too_many_is_a_sentence() {
    let mut desk = Desk::with_model();
    let inspection = inspect(&mut desk, Region::Window(1));
    assert_eq!(inspection.inside.grid, [24, 24]);
    // The second of two windows of 384 pixels on 512x384, in pixels of 1280x960.
    let frame = inspection.frame;
    assert_eq!(
        [frame.left, frame.top, frame.right, frame.bottom],
        [320.0, 0.0, 1280.0, 960.0]
    );
    let look = look(&mut desk, Region::Window(2));
    let asked = Asked::new();
    let ticket = asked.ticket();
    desk.send(Job::LookInside { ticket, look });
    let why = desk.wait_for("a failure", |event| match event {
        Event::LookFailed { message, .. } => message,
        _ => None,
    });
    assert!(why.contains("expected 1 to 2, found 3"), "{why}");
}

#[test]
fn a_look_that_is_dropped_makes_room_for_a_newer_one() {
    let mut desk = Desk::with_model();
    let looks = [look(&mut desk, Region::Whole), look(&mut desk, Region::Window(0))];
    let [old, new] = [Asked::new(), Asked::new()];
    let tickets = [old.ticket(), new.ticket()];
    for (ticket, look) in tickets.iter().cloned().zip(looks) {
        desk.send(Job::LookInside { ticket, look });
    }
    drop(old);
    let mut stopped = None;
    let found = desk.wait_for("the newer one", |event| match event {
        Event::LookFailed { ticket, message: None } => {
            stopped = Some(ticket);
            None
        }
        Event::Inside { ticket, .. } => Some(ticket),
        _ => None,
    });
    assert_eq!((stopped.as_ref(), &found), (Some(&tickets[0]), &tickets[1]));
}

#[test]
fn maps_are_written_with_their_numbers_and_nothing_is_replaced() {
    let mut desk = Desk::with_model();
    let inspection = inspect(&mut desk, Region::Whole);
    let folder = empty_folder();
    let place = Place {
        part: Part::Decoder,
        layer: 0,
    };
    let token = Token::Class(8);
    let rows = inspection.inside.rows(place, token, Direction::From).expect("a token");
    let rows_mean = rows.mean();
    let export = FigureExport {
        maps: FigureMaps::of_rows(
            &inspection,
            (place, token, Direction::From),
            vec![("mean".into(), rows_mean.clone())],
        ),
        classes: inspection.model.classes.clone(),
        inspection,
        style: FigureStyle {
            opacity: 0.5,
            colors: ColorMap::Fire,
            curve: Curve::Log,
            smooth: true,
            own_scale: true,
            zoom: 2,
            caption: true,
            numbers: NumberFormat::Safetensors,
        },
        folder: folder.path().join("figures"),
        overwrite: false,
    };
    desk.send(Job::ExportFigures(export.clone()));
    let files = desk.wait_for("files", |event| match event {
        Event::Exported { files, .. } => Some(files),
        _ => None,
    });
    let names: Vec<_> = files
        .iter()
        .map(|file| file.file_name().expect("a name").to_string_lossy())
        .collect();
    let stem = "street-decoder-layer-1";
    assert_eq!(
        names,
        ["-mean.png", ".safetensors", ".json"].map(|end| format!("{stem}{end}"))
    );
    let picture = Photo::open(&files[0]).expect("a picture");
    let photo = &export.inspection.look.photo.photo;
    // Twice the size, a bar at the right and three lines above.
    assert!(picture.width > 2 * photo.width && picture.height > 2 * photo.height);
    assert!(picture.width < 3 * photo.width && picture.height < 3 * photo.height);
    let bytes = fs::read(&files[1]).expect("numbers");
    let tensors = safetensors::SafeTensors::deserialize(&bytes).expect("tensors");
    let maps = tensors.tensor("maps").expect("the maps");
    let [rows, columns] = export.inspection.inside.grid;
    assert_eq!(maps.shape(), [1, rows, columns]);
    let first = f32::from_le_bytes(maps.data()[..4].try_into().expect("four bytes"));
    assert_eq!(first, rows_mean[0]);
    desk.send(Job::ExportFigures(export));
    let why = desk.wait_for("a refusal", |event| match event {
        Event::ExportFailed(why) => Some(why),
        _ => None,
    });
    assert!(why.contains("street-decoder-layer-1-mean.png"), "{why}");
}

/// The reader's next answer.
fn read(reader: &InsideReader) -> Read {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(read) = reader.poll() {
            return read;
        }
        assert!(Instant::now() < deadline, "no answer");
        thread::park_timeout(Duration::from_millis(50));
    }
}

#[test]
fn the_reader_answers_what_is_wanted_and_nothing_else() {
    let mut desk = Desk::with_model();
    let inspection = inspect(&mut desk, Region::Whole);
    let waiting = thread::current();
    let reader = InsideReader::start(Box::new(move || waiting.unpark())).expect("a thread");
    let place = Place {
        part: Part::Encoder,
        layer: 2,
    };
    let token = Token::Patch(7);
    let questions = vec![
        Question::Rows(place, token, Direction::To),
        Question::Matrix(Part::Decoder, Token::Class(3), Direction::From),
        Question::Rollout(Part::Decoder, Token::Class(3), Rollout::default()),
        Question::Similarity(place, token),
        Question::Colours(place),
        Question::Figures(Part::Encoder),
        Question::Similarity(place, Token::Class(0)),
    ];
    reader.want(&inspection, None, questions.clone());
    for question in questions {
        let read = read(&reader);
        assert_eq!(read.question, question);
        assert!(read.is_of(&inspection, None), "an answer of another inspection");
        match (question, read.answer) {
            (Question::Rows(..), Some(Answer::Rows(rows))) => {
                assert_eq!(Some(rows), inspection.inside.rows(place, token, Direction::To));
            }
            (Question::Matrix(..), Some(Answer::Matrix(layers))) => assert_eq!(layers.len(), 2),
            (Question::Rollout(..), Some(Answer::Tokens(values))) => {
                assert_eq!(values.len(), 24 * 32 + 1);
                let sum: f32 = values.iter().sum();
                assert!((sum - 1.0).abs() < 1e-3, "{sum}");
            }
            (Question::Similarity(_, Token::Class(_)), None) => {}
            (Question::Similarity(..), Some(Answer::Tokens(values))) => {
                assert!((values[8] - 1.0).abs() < 1e-3, "a token is like itself: {}", values[8]);
                assert!(values.iter().all(|v| (-1.001..=1.001).contains(v)));
            }
            (Question::Colours(_), Some(Answer::Colours(colours))) => {
                assert!(colours.iter().flatten().all(|v| (0.0..=1.0).contains(v)));
            }
            (Question::Figures(_), Some(Answer::Figures(figures, _))) => {
                assert_eq!((figures.distance.len(), figures.entropy.len()), (depth(), depth()));
                assert!(figures.entropy.iter().flatten().all(|v| (0.0..=1.0).contains(v)));
            }
            (question, answer) => panic!("{question:?}: {answer:?}"),
        }
    }
    reader.want(
        &inspection,
        None,
        vec![Question::Rollout(Part::Encoder, token, Rollout::default())],
    );
    reader.want(&inspection, None, vec![Question::Similarity(place, token)]);
    // It may have been answered before it was not wanted any more, but nothing comes after what is wanted.
    let answered = std::iter::repeat_with(|| read(&reader).question);
    let before = answered.take_while(|question| !matches!(question, Question::Similarity(..)));
    assert!(before.count() <= 1, "what is not wanted any more");
    reader.forget();
    // The thread lets go of it a moment after it has handed over its last answer.
    let deadline = Instant::now() + PATIENCE;
    while Arc::strong_count(&inspection) > 1 {
        assert!(Instant::now() < deadline, "the reader still holds the inspection");
        thread::park_timeout(Duration::from_millis(5));
    }
}

#[test]
fn heads_are_measured_picture_by_picture_and_stopped_on_request() {
    let mut desk = Desk::with_model();
    let look = look(&mut desk, Region::Whole);
    let measure = |desk: &Desk, asked: &Asked, source: PhotoSource| {
        let job = HeadsJob {
            source,
            model: look.model,
            output: look.output,
            settings: look.settings.clone(),
        };
        let ticket = asked.ticket();
        desk.send(Job::MeasureHeads { ticket, job });
    };
    let answer = |desk: &mut Desk| {
        desk.wait_for("figures", |event| match event {
            Event::HeadsMeasured { ticket, figures } => Some((ticket, figures)),
            _ => None,
        })
    };
    let asked = Asked::new();
    measure(&desk, &asked, PhotoSource::Sample);
    let (answered, figures) = answer(&mut desk);
    assert!(asked.is(&answered));
    let figures = figures.expect("nobody has stopped it").expect("figures");
    let inspection = inspect(&mut desk, Region::Whole);
    assert_eq!(Some(&figures), HeadsOfPicture::of(&inspection.inside, || true).as_ref());
    assert_eq!(HeadsOfPicture::of(&inspection.inside, || false), None);
    let heads = |blocks: &[Vec<f64>]| blocks.iter().map(Vec::len).collect::<Vec<_>>();
    assert_eq!(heads(&figures.encoder.distance), vec![3; depth()]);
    assert_eq!(heads(&figures.decoder.entropy), [3; 2]);

    measure(&desk, &asked, PhotoSource::Path("nowhere.jpg".into()));
    let (_, figures) = answer(&mut desk);
    assert!(
        figures
            .expect("not stopped")
            .expect_err("no picture")
            .contains("nowhere.jpg")
    );

    // Withdrawn before it begins.
    asked.cancel();
    measure(&desk, &asked, PhotoSource::Sample);
    assert!(answer(&mut desk).1.is_none());
}

#[test]
fn measuring_heads_lets_every_other_job_go_first() {
    let mut desk = Desk::with_model();
    let look = look(&mut desk, Region::Whole);
    let asked = Asked::new();
    let measure = |desk: &Desk| {
        let job = HeadsJob {
            source: PhotoSource::Sample,
            model: look.model,
            output: look.output,
            settings: look.settings.clone(),
        };
        let ticket = asked.ticket();
        desk.send(Job::MeasureHeads { ticket, job });
    };
    let figures = |desk: &mut Desk| {
        desk.wait_for("figures", |event| match event {
            Event::HeadsMeasured { figures, .. } => Some(figures),
            _ => None,
        })
    };
    measure(&desk);
    // Reading the picture alone takes longer than until this is in the queue.
    desk.send(Job::Find(Vec::new()));
    assert_eq!(
        figures(&mut desk),
        None,
        "it was interrupted, and nobody has withdrawn it"
    );
    desk.wait_for("the other job", |event| matches!(event, Event::Found(_)).then_some(()));
    measure(&desk);
    assert!(figures(&mut desk).is_some_and(|figures| figures.is_ok()));
}
