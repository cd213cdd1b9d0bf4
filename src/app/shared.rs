//! What processes share: through Redis where there is one, or else within this process.

use std::sync::Arc;

use crate::cache::{
    Counters, LocalCounters, LocalRateLimit, RateLimit, Redis, RedisConfig, RedisCounters,
    RedisRateLimit, SharedCache,
};
use crate::events::{Bus, LocalBus, RedisBus};
use crate::kernel::task::Tasks;
use crate::kernel::{Clock, Result};

/// The shared engine.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) redis: Option<Redis>,
    pub(super) bus: Arc<dyn Bus>,
    pub(super) cache: Option<SharedCache>,
    pub(super) counters: Arc<dyn Counters>,
    /// Counts calls of all processes.
    pub(super) limits: Arc<dyn RateLimit>,
    /// Counts calls of this process.
    pub(super) local_limits: Arc<dyn RateLimit>,
}

impl Shared {
    /// Connects to Redis where it is configured; a Redis that is away is waited for by
    /// tasks of `tasks`, not by the caller.
    ///
    /// # Errors
    /// INTERNAL when the settings cannot be used.
    pub(super) async fn open(
        config: Option<&RedisConfig>,
        clock: &Clock,
        tasks: &Tasks,
    ) -> Result<Self> {
        let local_limits: Arc<dyn RateLimit> = Arc::new(LocalRateLimit::new(clock.clone()));
        let Some(config) = config else {
            return Ok(Self {
                redis: None,
                bus: Arc::new(LocalBus::default()),
                cache: None,
                counters: Arc::new(LocalCounters::new(clock.clone())),
                limits: local_limits.clone(),
                local_limits,
            });
        };
        let redis = Redis::connect(config, tasks).await?;
        Ok(Self {
            bus: Arc::new(RedisBus::start(redis.clone(), tasks)),
            cache: Some(SharedCache::start(redis.clone(), tasks)),
            counters: Arc::new(RedisCounters::new(redis.clone())),
            limits: Arc::new(RedisRateLimit::new(redis.clone(), clock.clone())),
            local_limits,
            redis: Some(redis),
        })
    }

    /// Lets go of Redis.
    pub(super) async fn close(&self) {
        if let Some(redis) = &self.redis {
            redis.close().await;
        }
    }
}
