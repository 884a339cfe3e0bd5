//! Timestamps of the log: the time since the start.

defmt::timestamp!("{=u64:us}", embassy_time::Instant::now().as_micros());
