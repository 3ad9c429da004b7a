//! A vector whose own memory is taken after that of its elements.
//!
//! glibc's allocator keeps small pieces that were freed apart, ready to be given again, until somebody asks for 1 KiB or more:
//! then it joins them all, and must cut them anew. A list of strings is such a case. Decoded into memory for the whole list,
//! its strings are cut from what was joined for it; decoded in parts of less than 1 KiB, they take the pieces of the last
//! message, and what is joined afterwards is little. Measured for 49 structs of five allocations each: 5.0 microseconds
//! to make and drop them, in place of 7.4.
//!
//! Only for elements that have memory of their own, and between 1 and 32 KiB of them: beyond that, copying costs more.

/// What is being filled.
pub(super) struct Parts<T> {
    /// All of the same size.
    full: Vec<Vec<T>>,
    open: Vec<T>,
    /// How many elements a part has; no number of elements when there is to be one part only.
    part: usize,
}

impl<T> Parts<T> {
    /// The most bytes that are taken from pieces kept apart.
    const PART: usize = 1008;
    const MOST: usize = 32 * Self::PART;

    #[inline]
    pub(super) fn with_capacity(capacity: usize) -> Self {
        let bytes = capacity.saturating_mul(size_of::<T>());
        let part = match Self::PART.checked_div(size_of::<T>()) {
            Some(part @ 2..)
                if std::mem::needs_drop::<T>() && (Self::PART..=Self::MOST).contains(&bytes) =>
            {
                part
            }
            _ => usize::MAX,
        };
        Self {
            full: Vec::new(),
            open: Vec::with_capacity(capacity.min(part)),
            part,
        }
    }

    #[inline]
    pub(super) fn push(&mut self, item: T) {
        if self.open.len() == self.part {
            let full = std::mem::replace(&mut self.open, Vec::with_capacity(self.part));
            self.full.push(full);
        }
        self.open.push(item);
    }

    #[inline]
    pub(super) fn into_vec(self) -> Vec<T> {
        if self.full.is_empty() {
            return self.open;
        }
        self.joined()
    }

    fn joined(mut self) -> Vec<T> {
        let mut all = Vec::with_capacity(self.full.len() * self.part + self.open.len());
        for part in &mut self.full {
            all.append(part);
        }
        all.append(&mut self.open);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_elements_come_out_in_their_order_whatever_was_expected() {
        for len in [0, 1, 41, 42, 43, 84, 85, 1000, 5000] {
            for capacity in [0, 4, len, 2 * len, 100] {
                let mut parts = Parts::with_capacity(capacity);
                let items: Vec<String> = (0..len).map(|item| item.to_string()).collect();
                for item in &items {
                    parts.push(item.clone());
                }
                let all = parts.into_vec();
                assert_eq!(all, items);
                let parted = (1008..=32 * 1008).contains(&(24 * capacity));
                assert!(!parted || len <= 42 || all.capacity() == len);
            }
        }
    }

    #[test]
    fn elements_without_memory_of_their_own_and_large_ones_are_not_parted() {
        let mut numbers = Parts::with_capacity(1000);
        (0..1000u64).for_each(|number| numbers.push(number));
        assert!(numbers.full.is_empty());
        let mut large = Parts::with_capacity(10);
        (0..10).for_each(|_| large.push([const { String::new() }; 30]));
        assert!(large.full.is_empty());
        let mut nothing = Parts::with_capacity(usize::MAX);
        nothing.push(());
        assert_eq!(nothing.into_vec().len(), 1);
    }
}
