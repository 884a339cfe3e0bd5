//! A list of events in the order they were added, with a head of two bytes: the events of one
//! source, of all signals, of the network, or the watchers.
//!
//! ```text
//!  first ─▶ event 3 ─▶ event 0 ─▶ event 8
//!              └── previous of the first: the last ──▲
//! ```
//!
//! The link of the first event names the last event. So the head of the list does not store the last event. This saves
//! memory, because each source has such a list. O(1) to join and to leave.

use super::EventSlot;
use crate::queue::{Id, Link, Links};
use crate::table::Table;

/// The head of a list.
#[derive(Clone, Copy)]
pub(crate) struct Waiting {
    pub(crate) first: Id,
}

/// The links of these lists.
pub(crate) struct InterestLinks<'t, 's, A>(pub(crate) &'t mut Table<'s, EventSlot<A>>);

impl<A> Links for InterestLinks<'_, '_, A> {
    fn link(&mut self, id: Id) -> Option<&mut Link> {
        self.0.slot_mut(id.slot()).map(|slot| &mut slot.waiting)
    }
}

impl Waiting {
    pub(crate) const NONE: Self = Self { first: Id::NONE };

    pub(crate) const fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// Appends an event that is on no such list.
    pub(crate) fn push(&mut self, links: &mut impl Links, id: Id) {
        let last = match links.link(self.first) {
            Some(first) => core::mem::replace(&mut first.previous, id),
            None => {
                self.first = id;
                id
            }
        };
        if let Some(link) = links.link(id) {
            *link = Link { next: Id::NONE, previous: last };
        }
        if last != id
            && let Some(link) = links.link(last)
        {
            link.next = id;
        }
    }

    /// Takes out an event that is on this list.
    pub(crate) fn remove(&mut self, links: &mut impl Links, id: Id) {
        let Some(&mut Link { next, previous }) = links.link(id) else { return };
        if self.first == id {
            self.first = next;
        } else if let Some(link) = links.link(previous) {
            link.next = next;
        }
        // The next event's link names the previous event. If there is no next event, the first event's
        // link names the new last event.
        let names = if next.is_none() { self.first } else { next };
        if let Some(link) = links.link(names) {
            link.previous = previous;
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::vec::Vec;

    struct Plain(Vec<Link>);

    impl Links for Plain {
        fn link(&mut self, id: Id) -> Option<&mut Link> {
            self.0.get_mut(id.index())
        }
    }

    fn members(list: Waiting, links: &Plain) -> Vec<u16> {
        let mut members = Vec::new();
        let mut at = list.first;
        while let Some(link) = links.0.get(at.index()) {
            members.push(at.slot());
            at = link.next;
        }
        members
    }

    /// Removes two members in every order, and adds one of them again.
    #[test]
    fn members_stay_in_order_when_any_two_leave() {
        for first in 0..4 {
            for second in (0..4).filter(|second| *second != first) {
                let (mut list, mut links) = (Waiting::NONE, Plain(std::vec![Link::EMPTY; 4]));
                (0..4).for_each(|index| list.push(&mut links, Id::at(index)));
                let mut expected: Vec<u16> = (0..4).collect();
                for leaving in [first, second] {
                    list.remove(&mut links, Id::at(leaving));
                    expected.retain(|index| *index != leaving);
                    assert_eq!(members(list, &links), expected);
                }
                list.push(&mut links, Id::at(first));
                expected.push(first);
                assert_eq!(members(list, &links), expected);
                for leaving in expected {
                    list.remove(&mut links, Id::at(leaving));
                }
                assert!(list.is_empty());
            }
        }
    }
}
