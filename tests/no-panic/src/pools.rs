//! Pools of connections.

use picoevent::{Pool, PoolId};

use crate::Base;
use crate::unknown::any;

/// Returns a pool of any size.
fn pool() -> Pool {
    let pool = if any(true) { Pool::new(any(1)) } else { Pool::rest() };
    let pool = any(pool.rings(any(8), any(4)).spare(any(1)));
    let pool = if any(true) { pool.exchanging() } else { pool };
    if any(true) { pool.in_memory() } else { pool }
}

/// Calls every function of pools. Returns a pool of the base if the base has a free pool slot.
pub fn every_function(base: &mut Base<'_>) -> Option<PoolId> {
    let pools = [pool(), pool()];
    let some: &[Pool] = any(&pools);
    any((Pool::all_conns(some), Pool::all_bytes(some), pool() == pool()));
    any((pool().conns(), pool().bytes(), pool().ring_sizes()));
    let made = any(&mut *base).add_pool(pool()).ok();
    any(any(&mut *base).add_pools(pools)).ok();
    let made = any(made)?;
    any((base.pool(any(made)), base.conns_in_use(any(made))));
    any(base.pool_sizes().last());
    Some(made)
}
