//! Identifiers that may be used once.

use std::collections::{HashSet, VecDeque};

const MAX_IDS: usize = 20_000;

/// The last identifiers that were seen: so many that each is kept for far longer than what it names is good.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    ids: HashSet<String>,
    order: VecDeque<String>,
}

impl Seen {
    /// True when this identifier was never seen before; it has been then.
    pub(crate) fn first_use(&mut self, id: &str) -> bool {
        if !self.ids.insert(id.to_owned()) {
            return false;
        }
        self.order.push_back(id.to_owned());
        if self.order.len() > MAX_IDS
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_is_good_once_and_memory_is_bounded() {
        let mut seen = Seen::default();
        assert!(seen.first_use("a"));
        assert!(!seen.first_use("a"));
        for number in 0..MAX_IDS {
            assert!(seen.first_use(&number.to_string()));
        }
        assert_eq!((seen.ids.len(), seen.order.len()), (MAX_IDS, MAX_IDS));
    }
}
