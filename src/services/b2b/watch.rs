//! The streams of offers: one offer, a seller's offers, a buyer's responses. Each begins
//! with how things stand and tells every change after that once, in order.

use std::collections::HashMap;

use futures_util::{Stream, StreamExt};
use prost::Message;

use super::list::{Among, OfferFilter, ResponseFilter};
use super::offer::Offer;
use super::{B2b, access, announce};
use crate::events::{Snapshot, Step, Update};
use crate::kernel::id::OfferId;
use crate::kernel::page::{PageRequest, Start};
use crate::kernel::{Call, Error, Result};
use crate::pb::souk::b2b::v1 as pb;
use crate::pb::souk::b2b::v1::b2b_event::Type;

/// Offers or responses that a snapshot shows at most.
const SHOWN: u64 = 20;

/// How one offer stands when a stream begins.
struct Standing {
    offer: pb::Offer,
    bids: Vec<pb::Bid>,
}

impl B2b {
    /// Watches one offer. The rights are those of reading it, also for a resumed stream.
    pub(super) async fn watch_offer(
        &self,
        call: &Call,
        id: OfferId,
        resume: Option<&str>,
    ) -> Result<impl Stream<Item = Result<pb::WatchOfferResponse>> + Send + 'static> {
        let trader = self.trader(call).await?;
        access::visible(self.0.db.read(), &trader, id).await?;
        let b2b = self.clone();
        let snapshot = move || async move {
            let conn = b2b.0.db.read();
            let (offer, own) = access::visible(conn, &trader, id).await?;
            let number = own.as_ref().map(|own| own.number);
            let bids = match offer.is_auction() {
                true => b2b.top_bids(conn, id, number).await?,
                false => Vec::new(),
            };
            Ok(Snapshot {
                versions: HashMap::from([(offer.id, offer.version)]),
                value: Standing {
                    offer: trader.shown(&offer, own.as_ref()),
                    bids,
                },
            })
        };
        let topic = announce::offer_topic(id);
        let steps = self.0.events.watch(call, &topic, resume, snapshot).await?;
        Ok(steps.map(|step| {
            let (event, snapshot, resume_token) = heard(step?)?;
            let (offer, bids) = match snapshot {
                Some(standing) => (Some(standing.offer), standing.bids),
                None => (event.offer, Vec::new()),
            };
            Ok(pb::WatchOfferResponse {
                resume_token,
                r#type: event.r#type,
                offer,
                bid: event.bid,
                bids,
            })
        }))
    }

    /// Watches the caller's own offers.
    pub(super) async fn watch_my_offers(
        &self,
        call: &Call,
        resume: Option<&str>,
    ) -> Result<impl Stream<Item = Result<pb::WatchMyOffersResponse>> + Send + 'static> {
        let trader = self.trader(call).await?;
        let b2b = self.clone();
        let snapshot = move || async move {
            let filter = OfferFilter {
                among: Among::Of(trader.user),
                kind: None,
                status: None,
                target: None,
                seller: None,
            };
            let offers = b2b.offers(&filter, &newest()).await?.items;
            let version = |offer: &Offer| (offer.id, offer.version);
            Ok(Snapshot {
                versions: offers.iter().map(version).collect(),
                value: offers.iter().map(|one| trader.shown(one, None)).collect(),
            })
        };
        let topic = announce::seller_topic(trader.user);
        let steps = self.0.events.watch(call, &topic, resume, snapshot).await?;
        Ok(steps.map(|step| {
            let (event, snapshot, resume_token) = heard::<Vec<pb::Offer>>(step?)?;
            Ok(pb::WatchMyOffersResponse {
                resume_token,
                r#type: event.r#type,
                offer: event.offer,
                bid: event.bid,
                response: event.response,
                offers: snapshot.unwrap_or_default(),
            })
        }))
    }

    /// Watches the caller's own responses.
    pub(super) async fn watch_my_responses(
        &self,
        call: &Call,
        resume: Option<&str>,
    ) -> Result<impl Stream<Item = Result<pb::WatchMyResponsesResponse>> + Send + 'static> {
        let trader = self.trader(call).await?;
        let b2b = self.clone();
        let snapshot = move || async move {
            let filter = ResponseFilter {
                offer: None,
                buyer: Some(trader.user),
                status: None,
            };
            let responses = b2b.responses(&filter, &newest()).await?.items;
            let versions = responses.iter().map(|one| (one.id, one.version));
            Ok(Snapshot {
                versions: versions.collect(),
                value: b2b.responses_to_pb(&trader, &responses).await?,
            })
        };
        let topic = announce::buyer_topic(trader.user);
        let steps = self.0.events.watch(call, &topic, resume, snapshot).await?;
        Ok(steps.map(|step| {
            let (event, snapshot, resume_token) = heard::<Vec<pb::OfferResponse>>(step?)?;
            Ok(pb::WatchMyResponsesResponse {
                resume_token,
                r#type: event.r#type,
                offer: event.offer,
                response: event.response,
                responses: snapshot.unwrap_or_default(),
            })
        }))
    }
}

fn newest() -> PageRequest {
    PageRequest {
        limit: SHOWN,
        start: Start::First,
    }
}

/// What a stream has heard: the event, the snapshot where it is one, and the token.
fn heard<S>(step: Step<S>) -> Result<(pb::B2bEvent, Option<S>, String)> {
    let of_type = |what: Type| pb::B2bEvent {
        r#type: what.into(),
        ..pb::B2bEvent::default()
    };
    let (event, snapshot) = match step.update {
        Update::Snapshot(snapshot) => (of_type(Type::Snapshot), Some(snapshot)),
        Update::Event(event) => {
            let decoded = pb::B2bEvent::decode(event.payload.clone());
            (decoded.map_err(Error::internal)?, None)
        }
        Update::Heartbeat => (of_type(Type::Heartbeat), None),
    };
    Ok((event, snapshot, step.resume_token))
}
