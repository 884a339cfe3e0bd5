//! A list of events in the order in which they were added. The head of the list takes two bytes. Each source has one
//! list. There is also one list for all signals, one for network changes, and one for each kind of watcher.
//!
//! ```text
//!  first ─▶ event 3 ─▶ event 0 ─▶ event 8
//!              └── previous of the first: the last ──▲
//! ```
//!
//! In the link of the first event, the field `previous` refers to the last event. So the head of the list does not need
//! to store the last event. This saves two bytes for each source. Adding and removing an event is O(1).

use super::EventSlot;
use crate::queue::{Id, Link, Links};
use crate::table::Table;

/// The head of a list.
#[derive(Clone, Copy)]
pub(crate) struct EventList {
    pub(crate) first: Id,
}

/// Access to the links of these lists. The links are in the slots of the event table.
pub(crate) struct EventLinks<'t, 's, A>(pub(crate) &'t mut Table<'s, EventSlot<A>>);

impl<A> Links for EventLinks<'_, '_, A> {
    fn link(&mut self, id: Id) -> Option<&mut Link> {
        self.0.slot_mut(id.slot()).map(|slot| &mut slot.waiting)
    }
}

impl EventList {
    pub(crate) const NONE: Self = Self { first: Id::NONE };

    pub(crate) const fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// Appends an event that is on no `EventList`.
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

    /// Removes an event that is on this list.
    pub(crate) fn remove(&mut self, links: &mut impl Links, id: Id) {
        let Some(&mut Link { next, previous }) = links.link(id) else { return };
        if self.first == id {
            self.first = next;
        } else if let Some(link) = links.link(previous) {
            link.next = next;
        }
        // In the link of the next event, `previous` must now refer to the event before the removed event. If there is
        // no next event, the removed event was the last, and the first event's link must refer to the new last event.
        let holder = if next.is_none() { self.first } else { next };
        if let Some(link) = links.link(holder) {
            link.previous = previous;
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::vec::Vec;

    struct TestLinks(Vec<Link>);

    impl Links for TestLinks {
        fn link(&mut self, id: Id) -> Option<&mut Link> {
            self.0.get_mut(id.index())
        }
    }

    fn members(list: EventList, links: &TestLinks) -> Vec<u16> {
        let mut members = Vec::new();
        let mut at = list.first;
        while let Some(link) = links.0.get(at.index()) {
            members.push(at.slot());
            at = link.next;
        }
        members
    }

    /// Tests every pair of the four members, in both orders: removes both members, and then adds the member that was
    /// removed first.
    #[test]
    fn members_stay_in_order_when_any_two_are_removed() {
        for first in 0..4 {
            for second in (0..4).filter(|second| *second != first) {
                let (mut list, mut links) = (EventList::NONE, TestLinks(std::vec![Link::EMPTY; 4]));
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
