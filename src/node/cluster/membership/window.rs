//! Which numbers of one sender have come already: the greatest, and those just below it. Pure.

/// Numbers below the greatest that are still told apart. Datagrams of one sender overtake each other
/// by a few places; what is later than this is taken for a replay.
pub const WINDOW_NUMBERS: u64 = 128;

/// What has come of one sender.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Window {
    greatest: u64,
    /// Bit `n` is the number `greatest - n`.
    seen: u128,
}

impl Window {
    /// Takes a number once. Senders count from 1.
    pub fn take(&mut self, number: u64) -> bool {
        if number > self.greatest {
            let by = number - self.greatest;
            self.seen = if by < WINDOW_NUMBERS {
                self.seen << by
            } else {
                0
            };
            self.seen |= 1;
            self.greatest = number;
            return true;
        }
        let behind = self.greatest - number;
        if number == 0 || behind >= WINDOW_NUMBERS || self.seen >> behind & 1 == 1 {
            return false;
        }
        self.seen |= 1 << behind;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_number_is_taken_once_in_whatever_order_they_come() {
        let mut window = Window::default();
        for number in [3, 1, 2, 130, 4] {
            assert!(window.take(number), "{number}");
            assert!(!window.take(number), "{number} again");
        }
        assert!(!window.take(0), "nobody counts from 0");
    }

    #[test]
    fn what_is_128_behind_is_too_late() {
        let mut window = Window::default();
        assert!(window.take(1000));
        assert!(!window.take(1000 - WINDOW_NUMBERS));
        assert!(window.take(1001 - WINDOW_NUMBERS));
        assert!(window.take(u64::MAX) && !window.take(1000));
    }

    proptest! {
        #[test]
        fn it_never_takes_one_twice_and_never_refuses_a_new_one_that_is_near(
            numbers in prop::collection::vec(1_u64..400, 1..300)
        ) {
            let (mut window, mut taken, mut greatest) = (Window::default(), BTreeSet::new(), 0);
            for number in numbers {
                let near = number + WINDOW_NUMBERS > greatest;
                prop_assert_eq!(window.take(number), near && taken.insert(number));
                greatest = greatest.max(number);
            }
        }
    }
}
