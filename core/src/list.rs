//! Lists whose links live in the slots they connect: no memory of their own, O(1) to join and leave.
//!
//! A slot can be on several lists at once, one for each [`Chain`]; the links of a chain are found
//! through [`Links`], which the base's tables implement. Nothing here knows what a slot holds.

use core::num::NonZeroU32;

/// What lives at a slot that lists connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Event = 1,
    Listener = 2,
    Conn = 3,
    Source = 4,
}

/// A slot, as lists name it: without a generation, since a slot leaves its lists before it is free.
///
/// The kind stands above the index, and kinds start at one, so that `Option<Id>` is one word whose
/// `None` is zero and an empty link costs no room in flash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Id(NonZeroU32);

impl Id {
    pub(crate) const fn new(kind: Kind, index: u16) -> Self {
        // A kind is at least one, so the sum is never zero.
        match NonZeroU32::new((kind as u32) << 16 | index as u32) {
            Some(both) => Self(both),
            None => Self(NonZeroU32::MIN),
        }
    }

    pub(crate) const fn kind(self) -> Kind {
        match self.0.get() >> 16 {
            1 => Kind::Event,
            2 => Kind::Listener,
            3 => Kind::Conn,
            _ => Kind::Source,
        }
    }

    pub(crate) const fn index(self) -> u16 {
        self.0.get() as u16
    }
}

/// Which links of a slot a list runs through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Chain {
    /// Waiting to be dispatched.
    Active,
    /// Waiting for the same source or signal.
    Interest,
    /// Having something to tell the back end.
    Outbox,
    /// Sharing the length of a timeout.
    Common,
}

/// A slot's neighbours on one chain.
#[derive(Clone, Copy)]
pub(crate) struct Link {
    previous: Option<Id>,
    next: Option<Id>,
}

impl Link {
    pub(crate) const EMPTY: Self = Self { previous: None, next: None };

    pub(crate) const fn next(&self) -> Option<Id> {
        self.next
    }

    pub(crate) const fn set_next(&mut self, next: Id) {
        self.next = Some(next);
    }
}

/// Where the links are kept.
pub(crate) trait Links {
    fn link(&mut self, chain: Chain, id: Id) -> Option<&mut Link>;
}

/// A list: its two ends.
#[derive(Clone, Copy)]
pub(crate) struct List {
    first: Option<Id>,
    last: Option<Id>,
}

impl List {
    pub(crate) const EMPTY: Self = Self { first: None, last: None };

    pub(crate) const fn first(&self) -> Option<Id> {
        self.first
    }

    pub(crate) const fn last(&self) -> Option<Id> {
        self.last
    }

    /// Whether `id` is the first or the last.
    pub(crate) fn ends_with(&self, id: Id) -> bool {
        self.first == Some(id) || self.last == Some(id)
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// Appends a slot that is on no list of this chain.
    pub(crate) fn push(&mut self, links: &mut impl Links, chain: Chain, id: Id) {
        let Some(link) = links.link(chain, id) else { return };
        let previous = self.join(link, id);
        if let Some(previous) = previous.and_then(|previous| links.link(chain, previous)) {
            previous.next = Some(id);
        }
    }

    /// Appends a slot that is on no list of this chain, and whose link this is; answers the slot
    /// before it, which the caller [tells](Link::set_next).
    pub(crate) const fn join(&mut self, link: &mut Link, id: Id) -> Option<Id> {
        let previous = self.last.replace(id);
        *link = Link { previous, next: None };
        if previous.is_none() {
            self.first = Some(id);
        }
        previous
    }

    /// Appends all of another list of this chain.
    pub(crate) fn append(&mut self, links: &mut impl Links, chain: Chain, other: Self) {
        let (Some(last), Some(first)) = (self.last, other.first) else {
            if self.is_empty() {
                *self = other;
            }
            return;
        };
        if let Some(link) = links.link(chain, last) {
            link.next = Some(first);
        }
        if let Some(link) = links.link(chain, first) {
            link.previous = Some(last);
        }
        self.last = other.last;
    }

    /// Puts a slot that is on no list of this chain behind `previous`, or first.
    pub(crate) fn insert(
        &mut self,
        links: &mut impl Links,
        chain: Chain,
        previous: Option<Id>,
        id: Id,
    ) {
        let next = match previous {
            Some(previous) => Self::after(links, chain, previous),
            None => self.first,
        };
        let Some(link) = links.link(chain, id) else { return };
        *link = Link { previous, next };
        match previous.and_then(|previous| links.link(chain, previous)) {
            Some(previous) => previous.next = Some(id),
            None => self.first = Some(id),
        }
        match next.and_then(|next| links.link(chain, next)) {
            Some(next) => next.previous = Some(id),
            None => self.last = Some(id),
        }
    }

    /// Takes out a slot that is on this list.
    pub(crate) fn remove(&mut self, links: &mut impl Links, chain: Chain, id: Id) {
        let Some(&mut Link { previous, next }) = links.link(chain, id) else { return };
        let previous = previous.filter(|_| self.first != Some(id));
        match previous.and_then(|previous| links.link(chain, previous)) {
            Some(previous) => previous.next = next,
            None => self.first = next,
        }
        match next.and_then(|next| links.link(chain, next)) {
            Some(next) => next.previous = previous,
            None => self.last = previous,
        }
    }

    /// Takes out the first slot.
    pub(crate) fn pop(&mut self, links: &mut impl Links, chain: Chain) -> Option<Id> {
        let first = self.first?;
        let next = links.link(chain, first)?.next;
        self.drop_first(next);
        Some(first)
    }

    /// Lets go of the first slot, whose neighbour `next` is.
    ///
    /// That one's link still names the slot that left; of the first slot nobody asks who is before.
    pub(crate) const fn drop_first(&mut self, next: Option<Id>) {
        self.first = next;
        if next.is_none() {
            self.last = None;
        }
    }

    /// The slot before `id`.
    pub(crate) fn before(&self, links: &mut impl Links, chain: Chain, id: Id) -> Option<Id> {
        if self.first == Some(id) { None } else { links.link(chain, id)?.previous }
    }

    /// The slot after `id`.
    pub(crate) fn after(links: &mut impl Links, chain: Chain, id: Id) -> Option<Id> {
        links.link(chain, id)?.next
    }
}

#[cfg(test)]
pub(crate) mod tests {
    extern crate std;
    use super::*;
    use std::vec::Vec;

    /// Links kept in a plain vector, for tests.
    pub(crate) struct Plain(pub(crate) Vec<Link>);

    impl Links for Plain {
        fn link(&mut self, _: Chain, id: Id) -> Option<&mut Link> {
            self.0.get_mut(usize::from(id.index()))
        }
    }

    fn id(index: u16) -> Id {
        Id::new(Kind::Event, index)
    }

    fn members(list: &List, links: &mut Plain) -> Vec<u16> {
        let mut members = Vec::new();
        let mut at = list.first();
        while let Some(id) = at {
            members.push(id.index());
            at = List::after(links, Chain::Active, id);
        }
        members
    }

    #[test]
    fn members_stay_in_the_order_they_came() {
        let (mut list, mut links) = (List::EMPTY, Plain([Link::EMPTY; 4].to_vec()));
        for index in [2, 0, 3] {
            list.push(&mut links, Chain::Active, id(index));
        }
        assert_eq!(members(&list, &mut links), [2, 0, 3]);
        assert_eq!(list.pop(&mut links, Chain::Active), Some(id(2)));
        assert_eq!(members(&list, &mut links), [0, 3]);
    }

    #[test]
    fn the_first_the_last_and_the_middle_can_leave() {
        for leaving in 0..3 {
            let (mut list, mut links) = (List::EMPTY, Plain([Link::EMPTY; 3].to_vec()));
            (0..3).for_each(|index| list.push(&mut links, Chain::Active, id(index)));
            list.remove(&mut links, Chain::Active, id(leaving));
            let left: Vec<u16> = (0..3).filter(|index| *index != leaving).collect();
            assert_eq!(members(&list, &mut links), left);
            list.push(&mut links, Chain::Active, id(leaving));
            assert_eq!(members(&list, &mut links).last(), Some(&leaving));
        }
    }

    #[test]
    fn a_slot_can_be_put_anywhere() {
        for place in 0_u16..=3 {
            let (mut list, mut links) = (List::EMPTY, Plain([Link::EMPTY; 4].to_vec()));
            (0..3).for_each(|index| list.push(&mut links, Chain::Active, id(index)));
            let previous = place.checked_sub(1).map(id);
            list.insert(&mut links, Chain::Active, previous, id(3));
            let mut expected = std::vec![0, 1, 2];
            expected.insert(usize::from(place), 3);
            assert_eq!(members(&list, &mut links), expected);
            let last = list.last();
            assert_eq!(last, expected.last().map(|index| id(*index)));
            let before = last.and_then(|last| list.before(&mut links, Chain::Active, last));
            assert_eq!(before, Some(id(expected[2])));
        }
    }

    #[test]
    fn an_emptied_list_is_empty() {
        let (mut list, mut links) = (List::EMPTY, Plain([Link::EMPTY; 1].to_vec()));
        list.push(&mut links, Chain::Active, id(0));
        assert_eq!(list.pop(&mut links, Chain::Active), Some(id(0)));
        assert!(list.is_empty() && list.pop(&mut links, Chain::Active).is_none());
    }
}
