//! Attention traces: recording them, reading them and measuring heads.

use std::fs;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use segscope::engine::{
    Asked, Direction, Event, Export, FigureContents, FigureExport, FigureMaps, FigureStyle, HeadsJob, HeadsOfImage,
    ImageSource, InferenceConfig, Job, LayerId, NetworkPart, NumberFormat, Output, Region, Rollout, Token, TraceAnswer,
    TraceQuestion, TraceReader, TraceReading, TraceRequest, TracedImage,
};

use segscope::export::{ColorMap, Curve};
use segscope::photo::Photo;

use super::harness::{Harness, PATIENCE, empty_folder};
use crate::bundles::fixture;

fn request(harness: &mut Harness, region: Region) -> TraceRequest {
    let photo = harness.open(ImageSource::Sample);
    let model = harness.model_info();
    TraceRequest {
        photo,
        model: model.id,
        output: Output::default(),
        settings: InferenceConfig::of(&model.spec.inference),
        region,
    }
}

/// Number of blocks of the fixture model's encoder.
fn depth() -> usize {
    fixture::spec().encoder.layers()
}

fn inspect(harness: &mut Harness, region: Region) -> Arc<TracedImage> {
    let request = request(harness, region);
    let asked = Asked::new();
    let ticket = asked.ticket();
    harness.send(Job::TraceAttention { ticket, request });
    harness.wait_for("an inspection", |event| match event {
        Event::Traced { traced, .. } => Some(traced),
        _ => None,
    })
}

#[test]
fn the_whole_image_is_traced_in_one_pass() {
    let mut harness = Harness::with_model();
    let traced = inspect(&mut harness, Region::Whole);
    let trace = &traced.trace;
    // 1280x960 pixels, reduced to a short side of 384, are 512x384.
    assert_eq!((trace.grid, trace.extra, trace.classes), ([24, 32], 1, 11));
    assert_eq!((trace.encoder.len(), trace.decoder.len()), (depth(), 2));
    let frame = traced.frame;
    assert_eq!(
        [frame.left, frame.top, frame.right, frame.bottom],
        [0.0, 0.0, 1280.0, 960.0]
    );
    for (place, token, tokens) in [
        (NetworkPart::Encoder, Token::Extra(0), 24 * 32 + 1),
        (NetworkPart::Encoder, Token::Patch(100), 24 * 32 + 1),
        (NetworkPart::Decoder, Token::Class(10), 24 * 32 + 11),
    ] {
        let place = LayerId { part: place, layer: 1 };
        let rows = trace.rows(place, token, Direction::From).expect("a token");
        assert_eq!((rows.heads(), rows.tokens), (3, tokens));
        for head in 0..3 {
            let sum: f32 = rows.head(head).iter().sum();
            assert!((sum - 1.0).abs() < 1e-4, "{token:?}: {sum}");
        }
    }
    assert!(
        trace
            .rows(
                LayerId {
                    part: NetworkPart::Encoder,
                    layer: depth()
                },
                Token::Extra(0),
                Direction::From
            )
            .is_none()
    );
}

#[test]
fn a_window_is_traced_at_its_planned_position_and_a_missing_one_is_an_error() {
    let mut harness = Harness::with_model();
    let traced = inspect(&mut harness, Region::Window(1));
    assert_eq!(traced.trace.grid, [24, 24]);
    // The second of two windows of 384 pixels on 512x384, in pixels of 1280x960.
    let frame = traced.frame;
    assert_eq!(
        [frame.left, frame.top, frame.right, frame.bottom],
        [320.0, 0.0, 1280.0, 960.0]
    );
    let request = request(&mut harness, Region::Window(2));
    let asked = Asked::new();
    let ticket = asked.ticket();
    harness.send(Job::TraceAttention { ticket, request });
    let why = harness.wait_for("a failure", |event| match event {
        Event::TraceFailed { message, .. } => message,
        _ => None,
    });
    assert!(why.contains("expected 1 to 2, found 3"), "{why}");
}

#[test]
fn a_dropped_trace_request_is_replaced_by_a_newer_one() {
    let mut harness = Harness::with_model();
    let looks = [
        request(&mut harness, Region::Whole),
        request(&mut harness, Region::Window(0)),
    ];
    let [old, new] = [Asked::new(), Asked::new()];
    let tickets = [old.ticket(), new.ticket()];
    for (ticket, request) in tickets.iter().cloned().zip(looks) {
        harness.send(Job::TraceAttention { ticket, request });
    }
    drop(old);
    let mut stopped = None;
    let found = harness.wait_for("the newer one", |event| match event {
        Event::TraceFailed { ticket, message: None } => {
            stopped = Some(ticket);
            None
        }
        Event::Traced { ticket, .. } => Some(ticket),
        _ => None,
    });
    assert_eq!((stopped.as_ref(), &found), (Some(&tickets[0]), &tickets[1]));
}

/// The map of one class in the decoder, to be written to a folder.
fn class_map(traced: Arc<TracedImage>, folder: &std::path::Path) -> FigureExport {
    let place = LayerId {
        part: NetworkPart::Decoder,
        layer: 0,
    };
    let token = Token::Class(8);
    let rows = traced.trace.rows(place, token, Direction::From).expect("a token");
    FigureExport {
        maps: FigureMaps::of_rows(
            &traced,
            (place, token, Direction::From),
            vec![("mean".into(), rows.mean()), ("max".into(), rows.most())],
        ),
        classes: traced.model.classes.clone(),
        traced,
        style: FigureStyle {
            opacity: 0.5,
            ground: segscope::export::Ground::Plain,
            colors: ColorMap::Fire,
            curve: Curve::Log,
            smooth: true,
            own_scale: true,
            zoom: 2,
            caption: true,
            format: segscope::export::FigureFormat::Png,
            numbers: NumberFormat::Safetensors,
        },
        contents: FigureContents::ALL,
        folder: folder.join("figures"),
        overwrite: false,
    }
}

#[test]
fn maps_are_exported_with_their_numbers_and_never_overwritten() {
    let mut harness = Harness::with_model();
    let traced = inspect(&mut harness, Region::Whole);
    let folder = empty_folder();
    let export = class_map(traced, folder.path());
    harness.send(Job::Export(Export::Figures(export.clone())));
    let files = harness.wait_for("files", |event| match event {
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
        ["-mean.png", "-max.png", ".safetensors", ".json"].map(|end| format!("{stem}{end}"))
    );
    let image = Photo::open(&files[0]).expect("an image");
    let photo = &export.traced.request.photo.photo;
    // Twice the size, plus a colour bar at the right and three lines of text above.
    assert!(image.width > 2 * photo.width && image.height > 2 * photo.height);
    assert!(image.width < 3 * photo.width && image.height < 3 * photo.height);
    let bytes = fs::read(&files[2]).expect("numbers");
    let tensors = safetensors::SafeTensors::deserialize(&bytes).expect("tensors");
    let maps = tensors.tensor("maps").expect("the maps");
    let [rows, columns] = export.traced.trace.grid;
    assert_eq!(maps.shape(), [2, rows, columns]);
    let first = f32::from_le_bytes(maps.data()[..4].try_into().expect("four bytes"));
    let place = LayerId {
        part: NetworkPart::Decoder,
        layer: 0,
    };
    let token = Token::Class(8);
    let of_class = export
        .traced
        .trace
        .rows(place, token, Direction::From)
        .expect("a token");
    assert_eq!(first, of_class.mean()[0]);
    harness.send(Job::Export(Export::Figures(export)));
    let why = harness.wait_for("a refusal", |event| match event {
        Event::ExportFailed(why) => Some(why),
        _ => None,
    });
    assert!(why.contains("street-decoder-layer-1-mean.png"), "{why}");
}

#[test]
fn one_map_is_shown_small_and_written_alone() {
    let mut harness = Harness::with_model();
    let traced = inspect(&mut harness, Region::Whole);
    let folder = empty_folder();
    let export = class_map(traced, folder.path());
    let photo = export.traced.request.photo.photo.clone();
    let asked = Asked::new();
    harness.send(Job::PreviewExport {
        ticket: asked.ticket(),
        job: Export::Figures(export.clone()),
    });
    let small = harness.wait_for("a small image", |event| match event {
        Event::ExportPreview { ticket, photo } if asked.is(&ticket) => Some(photo),
        _ => None,
    });
    assert!(
        small.width < 2 * photo.width && small.width > 0,
        "smaller than the figure"
    );
    // Only the map on the screen.
    let one = FigureExport {
        contents: FigureContents {
            shown: true,
            others: false,
            values: false,
        },
        folder: folder.path().join("one"),
        ..export.clone()
    };
    let asked = Asked::new();
    harness.send(Job::PlanExport {
        ticket: asked.ticket(),
        job: Export::Figures(one.clone()),
    });
    let planned = harness.wait_for("a plan", |event| match event {
        Event::ExportPlanned { files, .. } => Some(files),
        _ => None,
    });
    harness.send(Job::Export(Export::Figures(one)));
    let written = harness.wait_for("a file", |event| match event {
        Event::Exported { files, .. } => Some(files),
        _ => None,
    });
    let planned: Vec<_> = planned.into_iter().map(|file| file.path).collect();
    assert_eq!(planned, written);
    assert_eq!(written.len(), 1);
}

/// The next reading of the reader.
fn read(reader: &TraceReader) -> TraceReading {
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
fn the_reader_answers_only_current_questions() {
    let mut harness = Harness::with_model();
    let traced = inspect(&mut harness, Region::Whole);
    let waiting = thread::current();
    let reader = TraceReader::start(Box::new(move || waiting.unpark())).expect("a thread");
    let place = LayerId {
        part: NetworkPart::Encoder,
        layer: 2,
    };
    let token = Token::Patch(7);
    let questions = vec![
        TraceQuestion::Rows(place, token, Direction::To),
        TraceQuestion::Matrix(NetworkPart::Decoder, Token::Class(3), Direction::From),
        TraceQuestion::Rollout(NetworkPart::Decoder, Token::Class(3), Rollout::default()),
        TraceQuestion::Similarity(place, token),
        TraceQuestion::Colours(place),
        TraceQuestion::Figures(NetworkPart::Encoder),
        TraceQuestion::Similarity(place, Token::Class(0)),
    ];
    reader.want(&traced, None, questions.clone());
    for question in questions {
        let read = read(&reader);
        assert_eq!(read.question, question);
        assert!(read.is_of(&traced, None), "a reading of another trace");
        match (question, read.answer) {
            (TraceQuestion::Rows(..), Some(TraceAnswer::Rows(rows))) => {
                assert_eq!(Some(rows), traced.trace.rows(place, token, Direction::To));
            }
            (TraceQuestion::Matrix(..), Some(TraceAnswer::Matrix(layers))) => assert_eq!(layers.len(), 2),
            (TraceQuestion::Rollout(..), Some(TraceAnswer::Tokens(values))) => {
                assert_eq!(values.len(), 24 * 32 + 1);
                let sum: f32 = values.iter().sum();
                assert!((sum - 1.0).abs() < 1e-3, "{sum}");
            }
            (TraceQuestion::Similarity(_, Token::Class(_)), None) => {}
            (TraceQuestion::Similarity(..), Some(TraceAnswer::Tokens(values))) => {
                assert!(
                    (values[8] - 1.0).abs() < 1e-3,
                    "a token is similar to itself: {}",
                    values[8]
                );
                assert!(values.iter().all(|v| (-1.001..=1.001).contains(v)));
            }
            (TraceQuestion::Colours(_), Some(TraceAnswer::Colours(colours))) => {
                assert!(colours.iter().flatten().all(|v| (0.0..=1.0).contains(v)));
            }
            (TraceQuestion::Figures(_), Some(TraceAnswer::Figures(figures, _))) => {
                assert_eq!((figures.distance.len(), figures.entropy.len()), (depth(), depth()));
                assert!(figures.entropy.iter().flatten().all(|v| (0.0..=1.0).contains(v)));
            }
            (question, answer) => panic!("{question:?}: {answer:?}"),
        }
    }
    reader.want(
        &traced,
        None,
        vec![TraceQuestion::Rollout(NetworkPart::Encoder, token, Rollout::default())],
    );
    reader.want(&traced, None, vec![TraceQuestion::Similarity(place, token)]);
    // A question may have been answered before it was replaced, but no answer follows that of the current one.
    let answered = std::iter::repeat_with(|| read(&reader).question);
    let before = answered.take_while(|question| !matches!(question, TraceQuestion::Similarity(..)));
    assert!(before.count() <= 1, "answers to replaced questions");
    reader.forget();
    // The thread drops the trace shortly after it has sent its last reading.
    let deadline = Instant::now() + PATIENCE;
    while Arc::strong_count(&traced) > 1 {
        assert!(Instant::now() < deadline, "the reader still holds the trace");
        thread::park_timeout(Duration::from_millis(5));
    }
}

#[test]
fn heads_are_measured_image_by_image_until_cancelled() {
    let mut harness = Harness::with_model();
    let request = request(&mut harness, Region::Whole);
    let measure = |harness: &Harness, asked: &Asked, source: ImageSource| {
        let job = HeadsJob {
            source,
            model: request.model,
            output: request.output,
            settings: request.settings.clone(),
        };
        let ticket = asked.ticket();
        harness.send(Job::MeasureHeads { ticket, job });
    };
    let answer = |harness: &mut Harness| {
        harness.wait_for("figures", |event| match event {
            Event::HeadsMeasured { ticket, figures } => Some((ticket, figures)),
            _ => None,
        })
    };
    let asked = Asked::new();
    measure(&harness, &asked, ImageSource::Sample);
    let (answered, figures) = answer(&mut harness);
    assert!(asked.is(&answered));
    let figures = figures.expect("it was not cancelled").expect("figures");
    let traced = inspect(&mut harness, Region::Whole);
    assert_eq!(Some(&figures), HeadsOfImage::of(&traced.trace, || true).as_ref());
    assert_eq!(HeadsOfImage::of(&traced.trace, || false), None);
    let heads = |blocks: &[Vec<f64>]| blocks.iter().map(Vec::len).collect::<Vec<_>>();
    assert_eq!(heads(&figures.encoder.distance), vec![3; depth()]);
    assert_eq!(heads(&figures.decoder.entropy), [3; 2]);

    measure(&harness, &asked, ImageSource::Path("nowhere.jpg".into()));
    let (_, figures) = answer(&mut harness);
    assert!(
        figures
            .expect("not stopped")
            .expect_err("no image")
            .contains("nowhere.jpg")
    );

    // Cancelled before it starts.
    asked.cancel();
    measure(&harness, &asked, ImageSource::Sample);
    assert!(answer(&mut harness).1.is_none());
}

#[test]
fn measuring_heads_yields_to_every_other_job() {
    let mut harness = Harness::with_model();
    let request = request(&mut harness, Region::Whole);
    let asked = Asked::new();
    let measure = |harness: &Harness| {
        let job = HeadsJob {
            source: ImageSource::Sample,
            model: request.model,
            output: request.output,
            settings: request.settings.clone(),
        };
        let ticket = asked.ticket();
        harness.send(Job::MeasureHeads { ticket, job });
    };
    let figures = |harness: &mut Harness| {
        harness.wait_for("figures", |event| match event {
            Event::HeadsMeasured { figures, .. } => Some(figures),
            _ => None,
        })
    };
    measure(&harness);
    // Reading the image alone takes longer than queueing this job.
    harness.send(Job::Find(Vec::new()));
    assert_eq!(figures(&mut harness), None, "it was interrupted but not cancelled");
    harness.wait_for("the other job", |event| {
        matches!(event, Event::FoundFiles(_)).then_some(())
    });
    measure(&harness);
    assert!(figures(&mut harness).is_some_and(|figures| figures.is_ok()));
}
