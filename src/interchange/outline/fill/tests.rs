//! What pycocotools 2.0.11, Pillow 13.0 and OpenCV 5.0 fill.

use std::ops::Range;

use super::{coco, coco_within, cv2, pil};

struct Case {
    size: [usize; 2],
    ring: &'static [[f64; 2]],
    coco: &'static str,
    pil: &'static str,
    cv2: &'static str,
}

const CASES: &[Case] = &[
    Case {
        size: [9, 7],
        ring: &[[1.0, 1.0], [7.0, 2.0], [5.0, 6.0], [2.0, 5.0]],
        coco: "......... .###..... .######.. ..####... ..####... ....#.... .........",
        pil: "......... .#....... .#######. ..#####.. ..#####.. ..####... .....#...",
        cv2: "......... .####.... .#######. .######.. ..#####.. ..####... ....##...",
    },
    Case {
        size: [10, 8],
        ring: &[[0.0, 0.0], [9.0, 3.0], [3.0, 7.0], [4.0, 3.0]],
        coco: ".#........ ..###..... ...#####.. ....####.. ....###... ...##..... ...#...... ..........",
        pil: "#......... .###...... ...####... ....###### ....####.. ....###... ...##..... ...#......",
        cv2: "##........ .####..... ...#####.. ....###### ....#####. ...####... ...###.... ...#......",
    },
    Case {
        size: [10, 8],
        ring: &[[0.5, 1.5], [8.25, 0.75], [6.6, 6.4], [4.5, 3.5], [1.2, 6.9]],
        coco: ".......... .#######.. .#######.. .######... .###.##... .##...#... .#........ ..........",
        pil: "........#. #########. ########.. ########.. .###.###.. .##..##... .#....#... ..........",
        cv2: ".....####. #########. ########.. ########.. .###.###.. .##..##... .#....#... ..........",
    },
    Case {
        size: [10, 8],
        ring: &[[1.0, 1.0], [8.0, 6.0], [8.0, 1.0], [1.0, 6.0]],
        coco: ".......... .#.....#.. .##...##.. .###.###.. .##...##.. .#.....#.. .......... ..........",
        pil: ".......... .#......#. .##....##. .########. .########. .##....##. .#......#. ..........",
        cv2: ".......... .#......#. .###..###. .########. .########. .###..###. .#......#. ..........",
    },
    Case {
        size: [8, 6],
        ring: &[[3.0, 2.0], [4.0, 1.0], [7.0, 1.0], [3.0, 2.0], [6.0, 5.0]],
        coco: "........ ...##... ........ ........ ........ ........",
        pil: "........ ....#### ...#.... ....#... .....#.. ......#.",
        cv2: "........ ....#### ...###.. ....#... .....#.. ......#.",
    },
    Case {
        size: [9, 6],
        ring: &[[-3.0, 1.0], [11.0, -2.0], [6.0, 8.0]],
        coco: "######### ######### ######### ########. ..######. ...####..",
        pil: "..####### ######### ######### ######### .######## ..######.",
        cv2: "..####### ######### ######### ######### .#######. ...#####.",
    },
    Case {
        size: [6, 4],
        ring: &[[2.0, 1.0], [2.0, 1.0], [2.0, 1.0]],
        coco: "...... ...... ...... ......",
        pil: "...... ..#... ...... ......",
        cv2: "...... ..#... ...... ......",
    },
    Case {
        size: [7, 5],
        ring: &[[1.0, 2.0], [5.0, 3.0], [5.0, 3.0]],
        coco: "....... ....... ....... ....... .......",
        pil: "....... ....... .####.. ..####. .......",
        cv2: "....... ....... .###... ....##. .......",
    },
];

/// Rows of dots and hashes, with spaces between them.
fn drawn([width, height]: [usize; 2], fill: impl FnOnce(&mut dyn FnMut(usize, Range<usize>))) -> String {
    let mut rows = vec![vec!['.'; width]; height];
    fill(&mut |y, columns| rows[y][columns].fill('#'));
    let rows: Vec<String> = rows.into_iter().map(|row| row.into_iter().collect()).collect();
    rows.join(" ")
}

#[test]
fn the_same_pixels_as_the_three_libraries() {
    for case in CASES {
        let whole = case.ring.iter().map(|point| point.map(|at| at as i32)).collect();
        assert_eq!(
            drawn(case.size, |paint| coco(case.ring, case.size, paint)),
            case.coco,
            "{:?}",
            case.ring
        );
        assert_eq!(
            drawn(case.size, |paint| pil(case.ring, case.size, paint)),
            case.pil,
            "{:?}",
            case.ring
        );
        assert_eq!(
            drawn(case.size, |paint| cv2(&[whole], case.size, paint)),
            case.cv2,
            "{:?}",
            case.ring
        );
    }
}

#[test]
fn far_points_and_no_points_are_no_trouble() {
    let far = [[-1e300, 1e300], [1e300, f64::INFINITY], [f64::NAN, -1e300], [3.0, 2.0]];
    let whole: Vec<[i32; 2]> = far.iter().map(|point| point.map(|at| at as i32)).collect();
    for count in 0..=far.len() {
        drawn([9, 7], |paint| coco(&far[..count], [9, 7], paint));
        drawn([9, 7], |paint| pil(&far[..count], [9, 7], paint));
        drawn([9, 7], |paint| cv2(&[whole[..count].to_vec()], [9, 7], paint));
    }
}

#[test]
fn polygons_with_many_crossings_are_filled_alike() {
    let mut random = fastrand::Rng::with_seed(6);
    for _ in 0..300 {
        let size = [random.usize(1..90), random.usize(1..40)];
        let corner = |random: &mut fastrand::Rng| [random.f64() * 120.0 - 15.0, random.f64() * 60.0 - 10.0];
        let ring: Vec<[f64; 2]> = (0..random.usize(3..40)).map(|_| corner(&mut random)).collect();
        let filled = |most: u64| {
            let mut inside = vec![false; size[0] * size[1]];
            coco_within(most, &ring, size, &mut |y, columns| {
                inside[y * size[0]..][columns].fill(true)
            });
            inside
        };
        assert_eq!(filled(0), filled(u64::MAX), "{ring:?}");
    }
}
