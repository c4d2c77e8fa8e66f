//! Augmented batches: what they depend on, and what they keep.

mod samples;

use adact_data::{Augment, Images, Masked};
use samples::*;

const CROP: Augment = Augment::CropFlip { padding: 2 };

/// Ten images of 6 x 5 pixels in colour.
fn images() -> Images {
    Images::new((6, 5, 3), noise(10 * 90), (0..10).collect()).unwrap()
}

fn batch(indices: &[u32], augment: Augment, seed: u64, epoch: u64) -> (Vec<f32>, Vec<i32>) {
    let (mut pixels, mut labels) = (vec![9.0; 7], vec![9; 7]);
    images().batch_augmented(indices, augment, seed, epoch, &mut pixels, &mut labels);
    (pixels, labels)
}

#[test]
fn none_is_the_batch_itself() {
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    images().batch(&[3, 0, 9], &mut pixels, &mut labels);
    assert_eq!(batch(&[3, 0, 9], Augment::None, 1, 2), (pixels, labels));
}

#[test]
fn an_image_moves_by_seed_epoch_and_its_place_alone() {
    let (pixels, labels) = batch(&[3, 0, 9], CROP, 1, 2);
    assert_eq!((pixels.len(), labels), (270, vec![3, 0, 9]));
    let alone = batch(&[9], CROP, 1, 2).0;
    assert_eq!(alone, pixels[180..]);
    let all: Vec<u32> = (0..10).collect();
    assert_eq!(batch(&all, CROP, 1, 2), batch(&all, CROP, 1, 2));
    assert_ne!(batch(&all, CROP, 1, 2).0, batch(&all, CROP, 1, 3).0);
    assert_ne!(batch(&all, CROP, 1, 2).0, batch(&all, CROP, 2, 2).0);
    assert_ne!(batch(&all, CROP, 1, 2).0, batch(&all, Augment::None, 1, 2).0);
}

#[test]
fn images_of_classes_are_never_upside_down() {
    // Rows of one value that rises: with any shift and mirroring, what is not black still rises.
    let rows: Vec<u8> = (0..64).flat_map(|_| (1..=8).flat_map(|row| [row; 8])).collect();
    let images = Images::new((8, 8, 1), rows, vec![0; 64]).unwrap();
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    images.batch_augmented(&(0..64).collect::<Vec<u32>>(), CROP, 0, 0, &mut pixels, &mut labels);
    for image in pixels.chunks(64) {
        let column: Vec<f32> = (0..8).map(|row| image[row * 8 + 4]).filter(|&value| value > -1.0).collect();
        assert!(column.len() >= 6 && column.is_sorted(), "{column:?}");
    }
}

#[test]
fn masks_move_with_their_images() {
    // The class of a pixel is its own value, so it must stay so; outside both are 0.
    let values: Vec<u8> = (0..20 * 30).map(|i| (i % 30 + 1) as u8).collect();
    let set = Masked::new((6, 5, 1), values.clone(), values).unwrap();
    let indices: Vec<u32> = (0..20).collect();
    let (mut pixels, mut targets) = (vec![1.0], vec![1]);
    set.batch_augmented(&indices, CROP, 5, 6, &mut pixels, &mut targets);
    assert_eq!((pixels.len(), targets.len()), (600, 600));
    for (pixel, target) in pixels.iter().zip(&targets) {
        assert_eq!(((pixel * 0.5 + 0.5) * 255.0).round() as i32, *target);
    }
    assert!(targets.contains(&0));
    // Some images are upside down: a column falls.
    let falls = |image: &[i32]| {
        let column: Vec<i32> = (0..6).map(|row| image[row * 5 + 2]).filter(|&class| class > 0).collect();
        column.is_sorted_by(|a, b| a > b)
    };
    let falling = targets.chunks(30).filter(|image| falls(image)).count();
    assert!((4..=16).contains(&falling), "{falling}");
    let (mut plain, mut plain_targets) = (Vec::new(), Vec::new());
    set.batch(&indices, &mut plain, &mut plain_targets);
    set.batch_augmented(&indices, Augment::None, 5, 6, &mut pixels, &mut targets);
    assert_eq!((pixels, targets), (plain, plain_targets));
}

#[test]
fn augmentations_are_read_as_they_are_written() {
    for augment in [Augment::None, Augment::CropFlip { padding: 4 }, Augment::CropFlip { padding: 0 }, CROP] {
        assert_eq!(augment.to_string().parse::<Augment>().unwrap(), augment);
    }
    assert_eq!(Augment::default().to_string(), "none");
    assert_eq!("crop-flip:4".parse::<Augment>().unwrap().to_string(), "crop-flip");
    for text in
        ["", "crop", "None", "none:1", "crop-flip:", "crop-flip:-1", "crop-flip:1025", "crop-flip:4:4"]
    {
        says(text.parse::<Augment>(), "there are `none`, `crop-flip`, and `crop-flip:PADDING`");
    }
}
