//! Shortens a list with which a test fails, so that the test still fails in the same way.

/// Shortens a list by leaving out runs of consecutive items: first halves of the list, then shorter runs, finally
/// single items.
///
/// `takes` is called with a shorter list. If the test fails in the same way with this list, `takes` returns the list to
/// continue with: the same list or an even shorter list. If the test does not fail in the same way, `takes` returns
/// `None`.
pub fn leave_out<T: Clone>(
    mut list: Vec<T>,
    mut takes: impl FnMut(Vec<T>) -> Option<Vec<T>>,
) -> Vec<T> {
    let mut size = list.len().div_ceil(2);
    while size > 0 {
        let mut at = 0;
        while at < list.len() {
            let end = (at + size).min(list.len());
            match takes([&list[..at], &list[end..]].concat()) {
                Some(shorter) => list = shorter,
                None => at = end,
            }
        }
        size = if size == 1 { 0 } else { size.div_ceil(2) };
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_items_that_the_failure_needs_are_left() {
        for needed in [&[][..], &[7], &[0, 99], &[31, 32, 60]] {
            let fails = |list: Vec<u32>| needed.iter().all(|n| list.contains(n)).then_some(list);
            assert_eq!(leave_out((0..100).collect(), fails), needed);
        }
    }

    #[test]
    fn a_list_that_fails_only_whole_stays_whole() {
        assert_eq!(leave_out(vec![1, 2, 3], |_| None), [1, 2, 3]);
        assert_eq!(leave_out(Vec::<u8>::new(), Some), []);
    }

    #[test]
    fn the_search_continues_with_the_returned_list() {
        // `takes` may leave out further items.
        let halves = |mut list: Vec<u32>| {
            list.retain(|n| n % 2 == 0);
            list.contains(&8).then_some(list)
        };
        assert_eq!(leave_out((0..20).collect(), halves), [8]);
    }
}
