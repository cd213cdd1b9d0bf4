//! A server stopped at a moment, from which any number of others start: what took many
//! calls to arrange is arranged once.

use std::sync::{Arc, Mutex};

use souk::kernel::Clock;

use super::TestApp;
use super::app::{Place, new_prefix};
use super::database::TestDatabase;

/// A database with its secrets and its time, and nothing that runs.
pub struct Frozen {
    place: Place,
    /// Copies that somebody is done with: going back is quicker than another copy.
    used: Mutex<Vec<Arc<TestDatabase>>>,
}

impl TestApp {
    /// Stops the server and keeps what it knew.
    pub async fn freeze(self) -> Frozen {
        let place = self.let_go().await;
        place.database.mark().await;
        Frozen {
            place,
            used: Mutex::default(),
        }
    }

    /// Stops the server.
    async fn let_go(self) -> Place {
        self.running.app.close().await;
        self.db.close().await;
        self.place.clone()
    }
}

impl Frozen {
    /// A server that goes on from that moment, on a database of its own.
    pub async fn thaw(&self, settings: &[(&str, &str)]) -> TestApp {
        let used = self.used.lock().unwrap().pop();
        let database = match used {
            Some(used) => used,
            None => Arc::new(self.place.database.copy().await),
        };
        let place = Place {
            database,
            clock: Clock::manual(self.place.clock.now()),
            // Copies must not erase one another's files.
            blobs: self.place.blobs.copy(),
            prefix: new_prefix(),
            ..self.place.clone()
        };
        TestApp::at(place, settings).await
    }

    /// Takes a server's database back, for the next one.
    pub async fn take_back(&self, app: TestApp) {
        let place = app.let_go().await;
        if place.database.rewind().await {
            self.used.lock().unwrap().push(place.database);
        }
    }
}
