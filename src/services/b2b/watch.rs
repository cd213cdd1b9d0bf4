//! The streams of offers: one offer, a seller's offers, a buyer's responses. Each begins
//! with how things stand and tells every change after that once, in order.

use std::collections::HashMap;

use futures_util::{Stream, StreamExt};
use prost::Message;

use super::access::Made;
use super::convert::shown;
use super::list::{Among, OfferFilter, ResponseFilter};
use super::offer::Offer;
use super::{B2b, access, announce};
use crate::events::{Snapshot, Step, Update};
use crate::kernel::id::OfferId;
use crate::kernel::page::{PageRequest, Start};
use crate::kernel::{Call, Error, Reason, Result};
use crate::pb::souk::b2b::v1 as pb;
use crate::pb::souk::b2b::v1::b2b_event::Type;
use crate::services::users::SellerCategory;

/// Offers or responses that a snapshot shows at most.
const SHOWN: u64 = 20;

/// How one offer stands when a stream begins.
struct Standing {
    offer: pb::Offer,
    bids: Vec<pb::Bid>,
}

impl B2b {
    /// Watches one offer. The rights are those of reading it; a stream that was cut goes on
    /// also when the offer is over meanwhile.
    pub(super) async fn watch_offer(
        &self,
        call: &Call,
        id: OfferId,
        resume: Option<&str>,
    ) -> Result<impl Stream<Item = Result<pb::WatchOfferResponse>> + Send + 'static> {
        let trader = self.trader(call).await?;
        let conn = self.0.db.read();
        let (made, is_seen) = match access::visible(conn, &trader, id).await {
            Ok((offer, _)) => (Made::of(&offer), true),
            Err(_) if resume.is_some() => (access::made_to(conn, &trader, id).await?, false),
            Err(hidden) => return Err(hidden),
        };
        let b2b = self.clone();
        let snapshot = move || async move {
            let conn = b2b.0.db.read();
            let (offer, own) = access::visible(conn, &trader, id).await?;
            let number = own.as_ref().map(|own| own.number);
            let bids = match offer.is_auction() {
                true => b2b.top_bids(conn, &offer, number).await?,
                false => Vec::new(),
            };
            Ok(Snapshot {
                versions: HashMap::from([(offer.id, offer.version)]),
                value: Standing {
                    offer: shown(&trader, &offer, own.as_ref()),
                    bids,
                },
            })
        };
        let topic = announce::offer_topic(id);
        let steps = self.0.events.watch(call, &topic, resume, snapshot).await;
        // A token that is none must not tell that there is an offer.
        let steps = steps.map_err(|refused| match refused.reason() {
            Reason::ResumeTokenInvalid if !is_seen => access::no_offer(),
            _ => refused,
        })?;
        let messages = steps.map(|step| {
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
        });
        Ok(self.while_visible(messages, call, id, made))
    }

    /// Ends the stream of an offer when its watcher may not see it any more: in another
    /// tier, or when the offer is made to another one. That it is over is told to the end.
    fn while_visible(
        &self,
        messages: impl Stream<Item = Result<pb::WatchOfferResponse>> + Send + 'static,
        call: &Call,
        id: OfferId,
        mut made: Made,
    ) -> impl Stream<Item = Result<pb::WatchOfferResponse>> + Send + 'static {
        let (b2b, call) = (self.clone(), call.clone());
        messages.then(move |message| {
            let told = message.as_ref().ok().and_then(|it| it.offer.as_ref());
            if let Some(offer) = told {
                made.to = SellerCategory::from_word(offer.target_category().as_str_name());
            }
            let (b2b, call) = (b2b.clone(), call.clone());
            async move {
                let trader = b2b.trader(&call).await?;
                access::still_visible(b2b.0.db.read(), &trader, id, &made).await?;
                message
            }
        })
    }

    /// Ends a stream when its watcher does not trade any more. Costs no statement while the
    /// watcher's tier is cached, and what changes it is told to the cache.
    fn while_trading<M: Send + 'static>(
        &self,
        messages: impl Stream<Item = Result<M>> + Send + 'static,
        call: &Call,
    ) -> impl Stream<Item = Result<M>> + Send + 'static {
        let (b2b, call) = (self.clone(), call.clone());
        messages.then(move |message| {
            let (b2b, call) = (b2b.clone(), call.clone());
            async move {
                b2b.trader(&call).await?;
                message
            }
        })
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
                value: offers.iter().map(|one| shown(&trader, one, None)).collect(),
            })
        };
        let topic = announce::seller_topic(trader.user);
        let steps = self.0.events.watch(call, &topic, resume, snapshot).await?;
        let messages = steps.map(|step| {
            let (event, snapshot, resume_token) = heard::<Vec<pb::Offer>>(step?)?;
            Ok(pb::WatchMyOffersResponse {
                resume_token,
                r#type: event.r#type,
                offer: event.offer,
                bid: event.bid,
                response: event.response,
                offers: snapshot.unwrap_or_default(),
            })
        });
        Ok(self.while_trading(messages, call))
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
        let messages = steps.map(|step| {
            let (event, snapshot, resume_token) = heard::<Vec<pb::OfferResponse>>(step?)?;
            Ok(pb::WatchMyResponsesResponse {
                resume_token,
                r#type: event.r#type,
                offer: event.offer,
                response: event.response,
                responses: snapshot.unwrap_or_default(),
            })
        });
        Ok(self.while_trading(messages, call))
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
