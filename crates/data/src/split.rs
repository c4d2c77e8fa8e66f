//! Splits and orders, each a pure function of a seed.

use adact_kernels::random::{Purpose, Stream};

/// Splits the images with these labels in two: `(rest, part)`, where `part` has `fraction` of each class (rounded to
/// the nearest number of images). Both are in increasing order; a class never falls wholly into `part` unless
/// `fraction` is 1.
///
/// ```
/// let labels = [0, 0, 0, 0, 0, 1, 1, 1, 1, 1];
/// let (train, test) = adact_data::split::stratified(&labels, 0.2, 7);
/// assert_eq!((train.len(), test.len()), (8, 2));
/// assert_eq!((labels[test[0] as usize], labels[test[1] as usize]), (0, 1));
/// ```
pub fn stratified(labels: &[u8], fraction: f64, seed: u64) -> (Vec<u32>, Vec<u32>) {
    let fraction = fraction.clamp(0.0, 1.0);
    let mut in_part = vec![false; labels.len()];
    for class in 0..=u8::MAX {
        let members: Vec<usize> = (0..labels.len()).filter(|&i| labels[i] == class).collect();
        let mut count = (members.len() as f64 * fraction).round() as usize;
        if fraction < 1.0 {
            count = count.min(members.len().saturating_sub(1));
        }
        let order = Stream::new(seed, Purpose::Split, u64::from(class)).permutation(members.len());
        for &i in &order[..count] {
            in_part[members[i as usize]] = true;
        }
    }
    let (part, rest) = (0..labels.len() as u32).partition(|&i| in_part[i as usize]);
    (rest, part)
}

/// `n` of the images with these labels, the same share of each class, drawn with a seed; in increasing order. Every class
/// has an image before a class has its second.
///
/// ```
/// let labels = [0, 0, 0, 0, 0, 0, 1, 1, 1];
/// let part = adact_data::split::spread(&labels, 3, 7);
/// assert_eq!(part.iter().filter(|&&i| labels[i as usize] == 1).count(), 1);
/// ```
pub fn spread(labels: &[u8], n: usize, seed: u64) -> Vec<u32> {
    // Each class in an order of its own; the images are then taken by the share of their class that goes before them.
    let mut ranked: Vec<(f64, u8, u32)> = Vec::with_capacity(labels.len());
    for class in 0..=u8::MAX {
        let members: Vec<u32> = (0..labels.len() as u32).filter(|&i| labels[i as usize] == class).collect();
        let order = Stream::new(seed, Purpose::Split, u64::from(class)).permutation(members.len());
        let share = |rank: usize| rank as f64 / members.len() as f64;
        ranked.extend(order.iter().enumerate().map(|(rank, &i)| (share(rank), class, members[i as usize])));
    }
    ranked.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut part: Vec<u32> = ranked.iter().take(n).map(|&(.., i)| i).collect();
    part.sort_unstable();
    part
}

/// The order of `n` images in an epoch.
pub fn shuffled(n: usize, seed: u64, epoch: u64) -> Vec<u32> {
    Stream::new(seed, Purpose::Shuffle, epoch).permutation(n)
}

/// A sentence about a split, for a data set's note.
pub(crate) fn note(options: &crate::LoadOptions) -> String {
    let test = options.test_fraction * 100.0;
    format!(", split {:.0}/{test:.0} by class with seed {}", 100.0 - test, options.split_seed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_image_is_in_one_part_and_classes_keep_their_share() {
        let labels: Vec<u8> = (0..1000).map(|i| if i % 10 == 0 { 3 } else { 1 }).collect();
        let (rest, part) = stratified(&labels, 0.2, 1);
        let mut all: Vec<u32> = rest.iter().chain(&part).copied().collect();
        all.sort_unstable();
        assert_eq!(all, (0..1000).collect::<Vec<u32>>());
        assert_eq!(part.iter().filter(|&&i| labels[i as usize] == 3).count(), 20);
        assert_eq!(part.len(), 200);
        assert!(part.is_sorted() && rest.is_sorted());
    }

    #[test]
    fn any_number_is_spread_over_the_classes_by_their_size() {
        // 600, 300 and 100 images, class by class.
        let labels: Vec<u8> = (0..1000).map(|i| [0, 0, 0, 0, 0, 0, 1, 1, 1, 2][i / 100]).collect();
        for (n, expected) in [(3, [1, 1, 1]), (10, [6, 3, 1]), (200, [120, 60, 20]), (2000, [600, 300, 100])]
        {
            let part = spread(&labels, n, 5);
            let counts = [0, 1, 2].map(|class| part.iter().filter(|&&i| labels[i as usize] == class).count());
            assert_eq!((counts, part.is_sorted()), (expected, true), "{n}");
        }
        assert_eq!(spread(&labels, 30, 5), spread(&labels, 30, 5));
        assert_ne!(spread(&labels, 30, 5), spread(&labels, 30, 6));
        assert_eq!(spread(&[], 3, 0), [0; 0]);
    }

    #[test]
    fn the_seed_decides() {
        let labels = vec![0; 100];
        assert_eq!(stratified(&labels, 0.2, 1), stratified(&labels, 0.2, 1));
        assert_ne!(stratified(&labels, 0.2, 1), stratified(&labels, 0.2, 2));
        assert_eq!(shuffled(100, 1, 4), shuffled(100, 1, 4));
        assert_ne!(shuffled(100, 1, 4), shuffled(100, 1, 5));
        assert_ne!(shuffled(100, 1, 4), shuffled(100, 2, 4));
    }

    #[test]
    fn small_classes_and_extreme_fractions_are_safe() {
        assert_eq!(stratified(&[], 0.2, 0), (vec![], vec![]));
        assert_eq!(stratified(&[5], 0.9, 0), (vec![0], vec![]));
        assert_eq!(stratified(&[5], 1.0, 0), (vec![], vec![0]));
        assert_eq!(stratified(&[5, 6], f64::NAN, 0), (vec![0, 1], vec![]));
    }
}
