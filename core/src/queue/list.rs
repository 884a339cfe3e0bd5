//! Doubly linked lists whose links are in the slots, so that a list needs no other memory. Adding and removing a slot
//! is O(1).
//!
//! A slot can be on several lists at once, with one [`Link`] for each list. The caller passes an implementation of
//! [`Links`], which returns the link for this kind of list.

/// Identifies a slot in any table of a base. The slots of all tables are numbered together, and lists refer to slots by
/// this number.
///
/// The ID has no generation, because a slot leaves its lists before it is freed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Id(u16);

impl Id {
    /// No slot. The value is zero, so that an empty list is all zeros.
    pub(crate) const NONE: Self = Self(0);

    /// Makes the ID of the slot with this number, from 0 to 65,534. The ID stores the number plus one.
    pub(crate) const fn at(slot: u16) -> Self {
        Self(slot.wrapping_add(1))
    }

    pub(crate) const fn is_none(self) -> bool {
        self.0 == 0
    }

    /// Returns the number of the slot. For [`Id::NONE`], returns 65,535; no slot has this number.
    pub(crate) const fn slot(self) -> u16 {
        self.0.wrapping_sub(1)
    }

    /// Returns the number of the slot as an index. For [`Id::NONE`], returns an index that is beyond every table.
    pub(crate) const fn index(self) -> usize {
        (self.0 as usize).wrapping_sub(1)
    }
}

/// A slot's neighbours on one list. The link is never read while the slot is on no list.
#[derive(Clone, Copy)]
pub(crate) struct Link {
    pub(crate) next: Id,
    /// In the first slot of a [`List`], this field is stale and never read.
    pub(crate) previous: Id,
}

impl Link {
    pub(crate) const EMPTY: Self = Self { next: Id::NONE, previous: Id::NONE };
}

/// Access to the links of one kind of list.
pub(crate) trait Links {
    fn link(&mut self, id: Id) -> Option<&mut Link>;
}

/// A list: its first and its last slot.
#[derive(Clone, Copy)]
pub(crate) struct List {
    pub(crate) first: Id,
    pub(crate) last: Id,
}

impl List {
    pub(crate) const EMPTY: Self = Self { first: Id::NONE, last: Id::NONE };

    pub(crate) const fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// Appends a slot that is on no list of this kind.
    pub(crate) fn push(&mut self, links: &mut impl Links, id: Id) {
        let Some(link) = links.link(id) else { return };
        let previous = core::mem::replace(&mut self.last, id);
        *link = Link { next: Id::NONE, previous };
        match links.link(previous) {
            Some(link) => link.next = id,
            None => self.first = id,
        }
    }

    /// Removes a slot that is on this list.
    pub(crate) fn remove(&mut self, links: &mut impl Links, id: Id) {
        let Some(&mut Link { next, previous }) = links.link(id) else { return };
        let previous = if self.first == id { Id::NONE } else { previous };
        match links.link(previous) {
            Some(link) => link.next = next,
            None => self.first = next,
        }
        match links.link(next) {
            Some(link) => link.previous = previous,
            None => self.last = previous,
        }
    }

    /// Removes the first slot and returns its ID; [`Id::NONE`] if the list is empty.
    pub(crate) fn pop(&mut self, links: &mut impl Links) -> Id {
        let first = self.first;
        if let Some(link) = links.link(first) {
            self.drop_first(link.next);
        }
        first
    }

    /// Removes the first slot. `next` is the slot after the first slot.
    pub(crate) const fn drop_first(&mut self, next: Id) {
        self.first = next;
        if next.is_none() {
            self.last = Id::NONE;
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::vec::Vec;

    /// Links in a plain vector.
    struct TestLinks(Vec<Link>);

    impl Links for TestLinks {
        fn link(&mut self, id: Id) -> Option<&mut Link> {
            self.0.get_mut(id.index())
        }
    }

    fn links(slots: usize) -> TestLinks {
        TestLinks(std::vec![Link::EMPTY; slots])
    }

    fn members(list: &List, links: &TestLinks) -> Vec<u16> {
        let mut members = Vec::new();
        let mut at = list.first;
        while let Some(link) = links.0.get(at.index()) {
            members.push(at.slot());
            at = link.next;
        }
        members
    }

    #[test]
    fn members_stay_in_the_order_in_which_they_were_added() {
        let (mut list, mut links) = (List::EMPTY, links(4));
        for index in [2, 0, 3] {
            list.push(&mut links, Id::at(index));
        }
        assert_eq!(members(&list, &links), [2, 0, 3]);
        assert_eq!(list.pop(&mut links), Id::at(2));
        assert_eq!(members(&list, &links), [0, 3]);
    }

    #[test]
    fn the_first_the_last_and_a_middle_member_can_be_removed() {
        for leaving in 0..3 {
            let (mut list, mut links) = (List::EMPTY, links(3));
            (0..3).for_each(|index| list.push(&mut links, Id::at(index)));
            list.remove(&mut links, Id::at(leaving));
            let left: Vec<u16> = (0..3).filter(|index| *index != leaving).collect();
            assert_eq!(members(&list, &links), left);
            list.push(&mut links, Id::at(leaving));
            assert_eq!(members(&list, &links).last(), Some(&leaving));
        }
    }

    #[test]
    fn an_emptied_list_is_empty() {
        let (mut list, mut links) = (List::EMPTY, links(1));
        list.push(&mut links, Id::at(0));
        assert_eq!(list.pop(&mut links), Id::at(0));
        assert!(list.is_empty() && list.pop(&mut links).is_none());
    }
}
