//! Checks of the uplink, with a collector that is ended and restarted.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::Gateway;
use super::client::{LIMIT, PAUSE};
use super::collector::{AnswerMode, Collector, EndBy, Record};
use super::http::Status;

/// The longest time until the gateway connects again: the longest back-off with its jitter, a connect without an
/// answer, and the slack for a slow host.
const LONGEST: Duration = Duration::from_secs(46 + 20);

/// The shortest back-off, minus the delay until the end of a connection is recorded.
const SHORTEST: Duration = Duration::from_millis(300);

/// The slack for a slow host. Other tests check the upper limits exactly, in virtual time.
const SLACK: Duration = Duration::from_secs(20);

/// The number of samples that a gateway keeps.
const KEPT: u32 = 128;

/// The shortest time for which a gateway keeps a sample that is not confirmed.
const KEPT_FOR: Duration = Duration::from_secs(10);

/// The number of interruptions of the collector.
const INTERRUPTIONS: u32 = 6;

/// The time for which a collector may send nothing, minus the tolerance of the clocks.
const SILENCE: Duration = Duration::from_millis(11_500);

/// The maximum number of samples, or of confirmations, in transit between gateway and collector.
const ON_THE_WAY: u32 = 20;

/// Waits until the uplink is connected and works.
///
/// # Errors
/// If no samples arrive in time, or the status does not show that the uplink is up.
pub fn is_up(gateway: &Gateway<'_>, collector: &Collector) -> Result<()> {
    let samples = collector.record().samples.len();
    let more = |record: &Record| record.is_up() && record.samples.len() > samples + 5;
    collector.wait_for("samples", LONGEST, more)?;
    wait(gateway, "uplink that is up", LIMIT, |status| status.uplink == "up").map(drop)
}

/// Waits for a status that satisfies a condition.
///
/// # Errors
/// If no status within `limit` satisfies the condition.
pub fn wait(
    gateway: &Gateway<'_>,
    what: &str,
    limit: Duration,
    is_met: impl Fn(&Status) -> bool,
) -> Result<Status> {
    let deadline = Instant::now() + limit;
    loop {
        let status = Status::request(gateway.status)?;
        if is_met(&status) {
            return Ok(status);
        }
        ensure!(Instant::now() < deadline, "no {what} within {limit:?}, but {status:?}");
        std::thread::sleep(PAUSE);
    }
}

/// Checks that ten samples arrive per second, and that their values change. Also checks that the number of the last
/// sample agrees with the gateway's own count.
///
/// # Errors
/// If one of these conditions is not met.
pub fn reports(gateway: &Gateway<'_>, collector: &Collector) -> Result<()> {
    let record = collector.record();
    let (first, last) = (record.samples.first_key_value(), record.samples.last_key_value());
    let ((_, first), (number, _)) = first.zip(last).context("there are no samples")?;
    let ticks = record.samples.values().filter(|sample| !sample.forced);
    let ticks: Vec<_> = ticks.map(|sample| sample.micros).collect();
    let mut periods: Vec<_> = ticks.windows(2).map(|pair| pair[1].abs_diff(pair[0])).collect();
    periods.sort_unstable();
    // On a busy host some samples are late. So the check uses the median period, which must be correct.
    let period = periods.get(periods.len() / 2).context("there is one sample")?;
    let is_right = (95_000..=105_000).contains(period);
    ensure!(is_right, "samples come {period} µs apart: {record}");
    let changes = record.samples.values().any(|sample| sample.value != first.value);
    ensure!(changes, "the value never changes: {record}");

    let status = Status::request(gateway.status)?;
    let is_near = status.samples.abs_diff(*number) <= ON_THE_WAY;
    ensure!(is_near, "the last sample was {number}, and the status is {status:?}");
    wait(gateway, "end of the queue", LIMIT, |status| status.queued == 0).map(drop)
}

/// Checks that pressing the button produces a sample that is marked as forced.
///
/// # Errors
/// If no forced sample arrives.
pub fn button(gateway: &Gateway<'_>, collector: &Collector) -> Result<()> {
    let forced = |record: &Record| record.samples.values().filter(|one| one.forced).count();
    for _ in 0..3 {
        let before = forced(&collector.record());
        (gateway.press)()?;
        collector.wait_for("forced sample", LIMIT, |record| forced(record) > before)?;
    }
    Ok(())
}

/// Waits for two heart-beats on one connection. The collector checks that the heart-beats do not come too early.
///
/// # Errors
/// If the heart-beats do not come in time.
pub fn heart_beats(_: &Gateway<'_>, collector: &Collector) -> Result<()> {
    let beats = |record: &Record| record.connections.last().is_some_and(|last| last.beats > 1);
    collector.wait_for("two heart-beats", Duration::from_secs(10) + SLACK, beats).map(drop)
}

/// Returns the longest time from the collector's restart to the gateway's next connect attempt, if the collector was
/// down for `away`.
///
/// The k-th attempt comes at least 0.375 × (2^k - 1) seconds after the collector's end. The attempt after the k-th
/// attempt comes at most 0.625 × 2^k seconds later.
pub fn next_attempt(away: Duration) -> Duration {
    Duration::from_millis(625) + away * 5 / 3 + SLACK
}

/// Ends the collector, and restarts it after `away`. The gateway must reconnect in time, but not too early. Returns
/// the record with the new connection.
///
/// # Errors
/// If the gateway does not reconnect in time, or if it reconnects too early.
pub fn restart_collector(collector: &mut Collector, how: EndBy, away: Duration) -> Result<Record> {
    let since = Instant::now();
    collector.end(how);
    std::thread::sleep(away);
    let before = collector.record().connections;
    collector.restart()?;
    let away = since.elapsed();
    let is_back = |record: &Record| record.connections.len() > before.len();
    let record = collector
        .wait_for("connection", next_attempt(away), is_back)
        .with_context(|| format!("the collector was away for {away:?}"))?;
    let ended = before.last().and_then(|last| last.ended);
    let waited = ended.map(|ended| record.connections[before.len()].began - ended);
    let waits_long_enough = waited.is_none_or(|waited| waited >= SHORTEST);
    ensure!(waits_long_enough, "the gateway connects again after {waited:?}");
    Ok(record)
}

/// Ends and restarts the collector several times. In half of these interruptions, the collector has not confirmed all
/// samples. No sample may be missing.
///
/// # Errors
/// If a sample is missing or out of order, or the gateway does not reconnect in time.
pub fn interruptions(gateway: &Gateway<'_>, collector: &mut Collector) -> Result<()> {
    let before = (Status::request(gateway.status)?.lost, collector.record().skipped);
    let mut random = fastrand::Rng::with_seed(1);
    let mut longest = Duration::ZERO;
    for number in 0..INTERRUPTIONS {
        let began = Instant::now();
        let mut moment = |most| Duration::from_millis(random.u64(0..most));
        let (up, away) = (moment(1_500), moment(1_500));
        let confirms = number % 2 == 0;
        collector.answer(if confirms { AnswerMode::Confirm } else { AnswerMode::OtherText });
        std::thread::sleep(up);
        if !confirms {
            // The gateway must send this sample again.
            let unconfirmed =
                |record: &Record| record.samples.keys().next_back().copied() > record.confirmed;
            collector.wait_for("sample that is not confirmed", LIMIT, unconfirmed)?;
        }
        let how = if random.bool() { EndBy::Close } else { EndBy::Reset };
        restart_collector(collector, how, away)?;
        collector.answer(AnswerMode::Confirm);
        confirmed_so_far(gateway, collector)?;
        longest = longest.max(began.elapsed());
    }
    let lost = Status::request(gateway.status)?.lost - before.0;
    let record = collector.record();
    let skipped = record.skipped - before.1;
    // On a busy host, samples may have waited longer than the gateway keeps them.
    let is_right = if longest < KEPT_FOR {
        lost == 0 && skipped == 0
    } else {
        skipped <= lost && lost <= skipped + ON_THE_WAY
    };
    ensure!(is_right, "{lost} samples are lost, and {skipped} missing: {record}");
    ensure!(record.again > 0, "no sample was sent again, so nothing was checked: {record}");
    Ok(())
}

/// Waits until all samples taken so far are confirmed.
///
/// # Errors
/// If not all of these samples are confirmed within [`LIMIT`].
pub fn confirmed_so_far(gateway: &Gateway<'_>, collector: &Collector) -> Result<Record> {
    // The status has the number of samples. If samples are numbered from 0, the number of the last sample is one less
    // than the count. If samples are numbered from 1, the number of the last sample equals the count. The check accepts
    // both numberings.
    let wanted = Status::request(gateway.status)?.samples.checked_sub(1);
    let is_met = |record: &Record| record.confirmed >= wanted;
    collector.wait_for("confirmation of all samples", LIMIT, is_met)
}

/// Keeps the collector down until the gateway drops samples. The gateway must count these samples as lost.
///
/// # Errors
/// If the count is less than the number of missing samples, or exceeds this number by more than 20.
pub fn too_many_samples(gateway: &Gateway<'_>, collector: &mut Collector) -> Result<()> {
    let before = (Status::request(gateway.status)?.lost, collector.record().skipped);
    collector.end(EndBy::Close);
    let enough = |status: &Status| status.lost >= before.0 + 30;
    let status = wait(gateway, "30 lost samples", 2 * LIMIT, enough)?;
    ensure!(status.queued == KEPT, "{KEPT} samples are kept, and the status is {status:?}");
    collector.restart()?;
    collector.wait_for("connection", LONGEST, Record::is_up)?;
    confirmed_so_far(gateway, collector)?;
    let lost = Status::request(gateway.status)?.lost - before.0;
    let skipped = collector.record().skipped - before.1;
    // When the collector ended, its last confirmations may not have reached the gateway. The gateway then also counts
    // samples as lost that the collector has received.
    let is_right = skipped <= lost && lost <= skipped + ON_THE_WAY;
    ensure!(is_right, "{lost} samples are lost, and {skipped} missing: {}", collector.record());
    Ok(())
}

/// Checks that the gateway drops a silent collector after 12 seconds, and sends all unconfirmed
/// samples again.
///
/// # Errors
/// If the gateway drops the collector earlier, or much later.
pub fn silence(gateway: &Gateway<'_>, collector: &Collector) -> Result<()> {
    confirmed_so_far(gateway, collector)?;
    collector.answer(AnswerMode::Nothing);
    let count = collector.record().connections.len();
    let ended = |record: &Record| record.connections.get(count - 1).and_then(|last| last.ended);
    let is_over = |record: &Record| ended(record).is_some();
    let record = collector.wait_for("end of the connection", SILENCE + SLACK, is_over)?;
    collector.answer(AnswerMode::Confirm);
    let after = ended(&record).zip(record.answered).map(|(ended, answered)| ended - answered);
    let is_right = after.is_some_and(|after| after >= SILENCE);
    ensure!(is_right, "a silent collector was given up after {after:?} instead of 12 s");
    collector.wait_for("connection", LIMIT, |record| record.connections.len() > count)?;
    confirmed_so_far(gateway, collector).map(drop)
}
