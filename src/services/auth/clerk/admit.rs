//! The first sight of a person or a session of Clerk's.

use super::{Known, NOTED, PROVIDER, take_turns};
use crate::clients::clerk::{Clerk, Person, Session as ClerkSession};
use crate::db::Tx;
use crate::kernel::id::SessionId;
use crate::kernel::{Result, Time};
use crate::services::auth::session::{self, EndReason, Which};
use crate::services::auth::store::{self, Identity, Visit};
use crate::services::auth::token::{Bearer, invalid};
use crate::services::auth::{Auth, Session, verify};
use crate::services::users::{self, User};

/// What such a session is called in the list of its owner.
const DEVICE: &str = "Clerk";

impl Auth {
    /// Which session of ours one of Clerk's is. A person who was never here gets an
    /// account; Clerk is asked about them first, while no transaction is open.
    pub(super) async fn recognise(&self, clerk: &Clerk, session: &ClerkSession) -> Result<Known> {
        let db = &self.0.db;
        let seen = store::find_visit(db, PROVIDER, &session.subject, &session.id).await?;
        let (identity, visit) =
            seen.map_or((None, None), |(identity, visit)| (Some(identity), visit));
        let user = identity.and_then(|identity| identity.user);
        match visit {
            _ if identity.is_some_and(|identity| identity.is_deleted) => return Err(invalid()),
            Some(visit) if Some(visit.user) == user => return self.note(&visit).await,
            // Of somebody who has left since.
            Some(_) => return Err(invalid()),
            None => {}
        }
        let person = match user {
            Some(user) => {
                let user = users::find(db.read(), user).await?;
                if user.is_some_and(|user| !user.is_active) {
                    return Err(verify::inactive());
                }
                None
            }
            // A token outlives its person by a minute at the most.
            None if clerk.has_api() => {
                let person = clerk.person(&session.subject).await?;
                Some(person.ok_or_else(invalid)?)
            }
            None => None,
        };
        let person = person.as_ref();
        // The inner result is the answer: an account that is switched off stays linked.
        let open = |tx: Tx| async move { self.open_visit(&tx, session, person).await };
        db.transact(open).await?
    }

    async fn open_visit(
        &self,
        tx: &Tx,
        session: &ClerkSession,
        person: Option<&Person>,
    ) -> Result<Result<Known>> {
        take_turns(tx, &session.subject).await?;
        let identity = store::find_identity(tx, PROVIDER, &session.subject).await?;
        let user = match identity {
            Some(Identity {
                is_deleted: true, ..
            }) => return Ok(Err(invalid())),
            Some(Identity {
                user: Some(user), ..
            }) => users::lock_open(tx, user).await?,
            _ => Some(self.linked_account(tx, &session.subject, person).await?),
        };
        let Some(user) = user else {
            return Ok(Err(invalid()));
        };
        if !user.is_active {
            return Ok(Err(verify::inactive()));
        }
        let row = self.row(tx, &user, session);
        let visit = store::put_external_session(tx, &row).await?;
        if visit.user != user.user_id() {
            return Err(invalid());
        }
        tracing::info!(user.id = %user.user_id(), session.id = %visit.session, "came with a token of Clerk");
        Ok(Ok(known(&visit, tx.now())))
    }

    /// The account of somebody who is here for the first time, linked to them.
    pub(super) async fn linked_account(
        &self,
        tx: &Tx,
        subject: &str,
        person: Option<&Person>,
    ) -> Result<User> {
        let told = person.map(|person| self.told(person)).unwrap_or_default();
        let pictures = &*self.0.pictures;
        let user = match users::account_of_proven_email(tx, &told).await? {
            Some(user) => {
                // Whoever had signed in with an address that nobody had proven is not
                // known to be its owner: neither their sessions nor their password stay.
                if !user.email_verified {
                    let all = Which::Of(user.user_id());
                    session::end(tx, all, EndReason::Revoked).await?;
                    store::credentials::forget(tx, user.user_id()).await?;
                    store::links::forget(tx, user.user_id()).await?;
                }
                tracing::info!(user.id = %user.user_id(), "linked with Clerk by a verified e-mail address");
                users::take_over(tx, pictures, user, &told).await?
            }
            None => users::open_account(tx, pictures, &told).await?,
        };
        let identity = Identity {
            user: Some(user.user_id()),
            told_at: person.map_or(Time::default(), |person| person.updated_at),
            is_deleted: false,
        };
        store::put_identity(tx, PROVIDER, subject, &identity).await?;
        Ok(user)
    }

    fn row(&self, tx: &Tx, user: &User, session: &ClerkSession) -> Session {
        Session {
            id: SessionId::new(tx.now()).uuid(),
            user_id: user.id,
            exclusive: false,
            device: Some(DEVICE.to_owned()),
            ip_address: None,
            user_agent: None,
            created_at: tx.now().micros(),
            last_used_at: tx.now().micros(),
            expires_at: (tx.now() + self.0.session_ttl).micros(),
            ended_at: None,
            end_reason: None,
            provider: Some(PROVIDER.to_owned()),
            external_id: Some(session.id.clone()),
        }
    }

    /// Clerk says how long its sessions live; here they live on while they are used.
    async fn note(&self, visit: &Visit) -> Result<Known> {
        let db = &self.0.db;
        let now = db.clock().now();
        if now.since(visit.last_used_at) < NOTED {
            return Ok(known(visit, visit.last_used_at));
        }
        let touch = |tx: Tx| async move {
            let until = tx.now() + self.0.session_ttl;
            store::touch_session(&tx, visit.session, until).await
        };
        db.transact(touch).await?;
        self.0.standings.forget(visit.session);
        Ok(known(visit, now))
    }
}

const fn known(visit: &Visit, noted_at: Time) -> Known {
    let bearer = Bearer {
        user: visit.user,
        session: visit.session,
    };
    Known { bearer, noted_at }
}
