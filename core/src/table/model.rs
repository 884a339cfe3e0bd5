//! Tests the table against a model: a list of all handles that the table has returned, with their values.

extern crate std;

use super::tests::Number;
use super::*;
use crate::handle::Event;
use crate::model::check;
use proptest::collection::vec;
use proptest::prelude::*;
use std::vec::Vec;

#[derive(Clone, Debug)]
enum Op {
    Insert(u32),
    /// Removes the object of a handle. The number is the index of the handle in the model.
    Remove(usize),
    /// Changes the value of the object that a handle identifies. The first number is the index of the handle in the
    /// model.
    Set(usize, u32),
    ResetPeak,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => any::<u32>().prop_map(Op::Insert),
        3 => any::<usize>().prop_map(Op::Remove),
        1 => (any::<usize>(), any::<u32>()).prop_map(|(index, value)| Op::Set(index, value)),
        1 => Just(Op::ResetPeak),
    ]
}

/// All handles that the table has returned, each with its current value; `None` if the object was removed.
type Model = Vec<(Event, Option<u32>)>;

fn live(model: &Model) -> Vec<(Event, u32)> {
    model.iter().filter_map(|(handle, value)| Some((*handle, (*value)?))).collect()
}

fn apply(op: &Op, table: &mut Table<'_, Number>, model: &mut Model, peak: &mut usize) {
    let known = model.len().max(1);
    match *op {
        Op::Insert(value) => match table.insert() {
            Some((handle, slot)) => {
                slot.value = value;
                assert!(model.iter().all(|(old, _)| *old != handle), "no handle comes twice");
                model.push((handle, Some(value)));
            }
            None => assert_eq!(live(model).len(), table.slots.len()),
        },
        Op::Remove(index) => {
            if let Some((handle, value)) = model.get_mut(index % known) {
                assert_eq!(table.remove(*handle), value.take().is_some());
            }
        }
        Op::Set(index, new) => {
            if let Some((handle, value)) = model.get_mut(index % known) {
                assert_eq!(table.get_mut(*handle).is_some(), value.is_some());
                if let Some(slot) = table.get_mut(*handle) {
                    (slot.value, *value) = (new, Some(new));
                }
            }
        }
        Op::ResetPeak => {
            table.peak.reset(table.len());
            *peak = 0;
        }
    }
    *peak = live(model).len().max(*peak);
}

fn compare(table: &mut Table<'_, Number>, model: &Model, peak: usize) {
    for (handle, value) in model {
        assert_eq!(table.get(*handle).map(|slot| slot.value), *value, "{handle:?}");
    }
    let mut live = live(model);
    live.sort_by_key(|(handle, _)| handle.index());
    let found: Vec<_> = table.iter().map(|(handle, slot)| (handle, slot.value)).collect();
    assert_eq!(found, live);
    for index in 0..table.slots.len() as u16 {
        let named = live.iter().find(|(handle, _)| handle.slot() == index);
        assert_eq!(table.at(index).map(|(handle, slot)| (handle, slot.value)), named.copied());
    }
    assert_eq!((table.len(), table.peak.get()), (live.len(), peak));
    assert_eq!(table.free == END, live.len() == table.slots.len());
}

/// Makes several tables, one after the other, over the same storage. Each table is tested with a list of operations.
#[test]
fn the_table_agrees_with_a_map() {
    check((0_usize..6, vec(vec(op(), 0..40), 1..4)), |(capacity, bases)| {
        let mut slots = Vec::new();
        slots.resize_with(capacity, || Number::EMPTY);
        let mut model = Model::new();
        for ops in bases {
            let (mut table, mut peak) = (Table::new(&mut slots, &mut 0), 0);
            model.iter_mut().for_each(|(_, value)| *value = None);
            for op in ops {
                apply(&op, &mut table, &mut model, &mut peak);
                compare(&mut table, &model, peak);
            }
        }
    });
}
