//! In which order the records of a service are tried (RFC 2782). Pure: the random numbers come in from outside.
//!
//! 1. A lower priority comes before a higher one, always.
//! 2. Of one priority each next record is drawn, in proportion to the weights of those that are left; a weight of zero has a small
//!    chance beside others, and an even one among its like.
//! 3. A target of the root, `.`, says that the service is decidedly not there: it is no record.

/// A service's record, its target without the last dot.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Srv {
    pub(super) priority: u16,
    pub(super) weight: u16,
    pub(super) target: String,
    pub(super) port: u16,
}

/// The records in the order in which they are to be tried. `random` gives uniform numbers.
pub(super) fn in_turn(mut records: Vec<Srv>, mut random: impl FnMut() -> u32) -> Vec<Srv> {
    records.retain(|record| !record.target.is_empty());
    // Those of weight zero stand first of their priority: only a draw of exactly zero finds them.
    records.sort();
    let mut turn = Vec::with_capacity(records.len());
    while let Some(first) = records.first() {
        let priority = first.priority;
        let same = records.partition_point(|record| record.priority == priority);
        let at = draw(&records[..same], &mut random);
        turn.push(records.remove(at));
    }
    turn
}

/// One of these, by weight.
fn draw(records: &[Srv], random: &mut impl FnMut() -> u32) -> usize {
    let below = |bound: u64, random: u32| (u64::from(random) * bound) >> 32;
    let total: u64 = records.iter().map(|record| u64::from(record.weight)).sum();
    if total == 0 {
        return below(records.len() as u64, random()) as usize;
    }
    let drawn = below(total + 1, random());
    let mut sum = 0;
    let reached = records.iter().position(|record| {
        sum += u64::from(record.weight);
        sum >= drawn
    });
    reached.unwrap_or(records.len() - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn srv(priority: u16, weight: u16, port: u16) -> Srv {
        let target = "host".to_owned();
        Srv {
            priority,
            weight,
            target,
            port,
        }
    }

    /// A generator with a period long enough for these tests (Knuth's MMIX, its upper half).
    fn random() -> impl FnMut() -> u32 {
        let mut state = 1_u64;
        move || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 32) as u32
        }
    }

    fn ports(records: &[Srv]) -> Vec<u16> {
        records.iter().map(|record| record.port).collect()
    }

    #[test]
    fn a_lower_priority_is_tried_first_whatever_its_weight() {
        let records = vec![srv(20, 65_535, 3), srv(10, 0, 1), srv(10, 1, 2)];
        let mut random = random();
        for _ in 0..100 {
            let mut turn = ports(&in_turn(records.clone(), &mut random));
            assert_eq!(turn.pop(), Some(3));
            turn.sort_unstable();
            assert_eq!(turn, [1, 2]);
        }
    }

    #[test]
    fn records_of_one_priority_are_first_in_proportion_to_their_weights() {
        let records = vec![srv(1, 1_000, 1), srv(1, 3_000, 2), srv(1, 0, 3)];
        let mut first = [0_u32; 4];
        let mut random = random();
        for _ in 0..8_000 {
            let turn = ports(&in_turn(records.clone(), &mut random));
            assert_eq!(turn.len(), 3);
            first[usize::from(turn[0])] += 1;
        }
        assert!(first[1].abs_diff(2_000) < 200, "{first:?}");
        assert!(first[2].abs_diff(6_000) < 200, "{first:?}");
        assert!(first[3] < 40, "{first:?}");
    }

    #[test]
    fn records_without_weights_are_first_equally_often() {
        let records = vec![srv(1, 0, 0), srv(1, 0, 1), srv(1, 0, 2), srv(1, 0, 3)];
        let mut first = [0_u32; 4];
        let mut random = random();
        for _ in 0..8_000 {
            first[usize::from(ports(&in_turn(records.clone(), &mut random))[0])] += 1;
        }
        assert!(first.iter().all(|n| n.abs_diff(2_000) < 200), "{first:?}");
    }

    #[test]
    fn any_draw_is_one_of_the_records() {
        let records = vec![srv(1, 65_535, 1), srv(1, 65_535, 2)];
        assert_eq!(ports(&in_turn(records.clone(), || 0)), [1, 2]);
        assert_eq!(ports(&in_turn(records, || u32::MAX)), [2, 1]);
        assert_eq!(in_turn(Vec::new(), || panic!("nothing to draw")), []);
    }

    #[test]
    fn a_service_that_is_decidedly_not_there_is_no_record() {
        let mut nowhere = srv(0, 0, 0);
        nowhere.target.clear();
        assert_eq!(in_turn(vec![nowhere], random()), []);
    }
}
