//! What happens to the workers.

use std::time::Duration;

use crate::rig::{Dice, pause, setting, until};
use crate::sink::Sink;
use crate::team::Team;
use crate::worker::{CONCURRENCY, LEASE};

/// How large a run is.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub messages: usize,
    pub kills: usize,
    pub stops: usize,
    /// How long messages are written.
    pub time: Duration,
}

impl Plan {
    /// The plan of SOUK_TIER, with what is set otherwise.
    pub fn chosen() -> Self {
        let tier: String = setting("SOUK_TIER", "fast".to_owned());
        let (messages, kills, stops, rate) = match tier.as_str() {
            "fast" => (5_000, 10, 2, 280),
            "long" => (100_000, 100, 20, 250),
            other => panic!("SOUK_TIER is fast or long, not {other:?}"),
        };
        let messages = setting("SOUK_MESSAGES", messages);
        Self {
            messages,
            kills: setting("SOUK_KILLS", kills),
            stops: setting("SOUK_STOPS", stops),
            time: Duration::from_secs(messages as u64 / rate),
        }
    }
}

/// What was done.
#[derive(Debug, Default)]
pub struct Storm {
    pub kills: usize,
    pub stops: usize,
    pub ends: usize,
}

impl Storm {
    /// Messages that may have reached the sink more than once: those that were under way
    /// when their worker was killed or stopped.
    pub fn repeats_most(&self) -> usize {
        (self.kills + self.stops) * CONCURRENCY
    }
}

enum Blow {
    Kill,
    Stop,
    End,
}

/// Plays every blow of the plan, in a random order, while messages are delivered.
pub async fn rage(plan: Plan, team: &mut Team, sink: &Sink, dice: &mut Dice) -> Storm {
    let mut storm = Storm::default();
    let stops = LEASE.as_millis() as usize * 2 * plan.stops;
    let left = (plan.time.as_millis() as usize).saturating_sub(stops);
    let gap = (left / (plan.kills + plan.stops + 1)).clamp(200, 10_000) as u64;
    for blow in shuffled(plan, dice) {
        let seen = sink.accepted();
        until("messages after a blow", || sink.accepted() > seen).await;
        pause(Duration::from_millis(dice.number(gap / 4..=gap * 3 / 2))).await;
        let victim = dice.index(team.size());
        match blow {
            Blow::Kill => {
                team.kill(victim);
                storm.kills += 1;
            }
            Blow::Stop => {
                // Amid a delivery, so that its worker comes back with it when it is late.
                let name = team.name(victim).to_owned();
                until("a slow delivery", || sink.dawdles_for(&name)).await;
                let longer = Duration::from_millis(dice.number(1_000..=2_000));
                team.freeze(victim, LEASE + longer).await;
                storm.stops += 1;
            }
            Blow::End => {
                team.end(victim).await;
                storm.ends += 1;
            }
        }
    }
    storm
}

fn shuffled(plan: Plan, dice: &mut Dice) -> Vec<Blow> {
    let mut blows: Vec<Blow> = Vec::new();
    blows.extend((0..plan.kills).map(|_| Blow::Kill));
    blows.extend((0..plan.stops).map(|_| Blow::Stop));
    blows.extend((0..plan.stops.max(1)).map(|_| Blow::End));
    let order = dice.indexes(blows.len(), blows.len());
    let mut blows: Vec<Option<Blow>> = blows.into_iter().map(Some).collect();
    order
        .into_iter()
        .filter_map(|at| blows[at].take())
        .collect()
}
