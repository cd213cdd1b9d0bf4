//! The gRPC face of the trade between businesses.

mod queue;
mod shown;

use tonic::{Request, Response, Status};

use super::B2b;
use super::convert::{self, Viewer, offer_to_pb};
use super::list::{Among, OfferFilter, ResponseFilter};
use super::offer::Offer;
use crate::grpc::paging::{Paged, take_paging};
use crate::grpc::{self, Streaming};
use crate::pb::souk::b2b::v1 as pb;
use crate::pb::souk::b2b::v1::b2b_service_server::B2bService;

pub(super) use queue::Queue;

type Answered<T> = Result<Response<T>, Status>;

/// An offer as its seller is shown it.
fn own(offer: &Offer) -> Option<pb::Offer> {
    Some(offer_to_pb(offer, Viewer::Insider))
}

#[tonic::async_trait]
impl B2bService for B2b {
    type WatchOfferStream = Streaming<pb::WatchOfferResponse>;
    type WatchMyOffersStream = Streaming<pb::WatchMyOffersResponse>;
    type WatchMyResponsesStream = Streaming<pb::WatchMyResponsesResponse>;

    async fn list_offers(
        &self,
        request: Request<pb::ListOffersRequest>,
    ) -> Answered<pb::ListOffersResponse> {
        let (call, mut message) = grpc::open(request)?;
        let trader = self.trader(&call).await?;
        let paged = Paged::new(&self.0.sealer, &call, take_paging!(message), &message)?;
        let filter = convert::offers_filter(&message, Among::SeenBy(trader))?;
        let page = self.offers(&filter, &paged.page).await?;
        grpc::answer(pb::ListOffersResponse {
            meta: Some(paged.meta(&page, &self.0.sealer)),
            offers: self.offers_to_pb(&trader, &page.items).await?,
        })
    }

    async fn create_offer(
        &self,
        request: Request<pb::CreateOfferRequest>,
    ) -> Answered<pb::CreateOfferResponse> {
        let (call, message) = grpc::open(request)?;
        let (call, trader) = (&call, &self.trader(&call).await?);
        let new = &convert::new_offer(message)?;
        let write = |tx| async move {
            let offer = self.create(&tx, call, trader, new).await?;
            Ok(pb::CreateOfferResponse { offer: own(&offer) })
        };
        grpc::reply(self.0.db.write(call, write).await?)
    }

    async fn get_offer(
        &self,
        request: Request<pb::GetOfferRequest>,
    ) -> Answered<pb::GetOfferResponse> {
        let (call, message) = grpc::open(request)?;
        let trader = self.trader(&call).await?;
        let id = grpc::id("id", &message.id)?;
        let seen = super::access::visible(self.0.db.read(), &trader, id).await?;
        grpc::answer(pb::GetOfferResponse {
            offer: Some(convert::shown(&trader, &seen.0, seen.1.as_ref())),
        })
    }

    async fn update_offer(
        &self,
        request: Request<pb::UpdateOfferRequest>,
    ) -> Answered<pb::UpdateOfferResponse> {
        let (call, message) = grpc::open(request)?;
        let trader = &self.trader(&call).await?;
        let id = grpc::id("id", &message.id)?;
        let changes = &convert::changes_from_pb(message)?;
        let write = |tx| async move {
            let offer = self.update(&tx, trader, id, changes).await?;
            Ok(pb::UpdateOfferResponse { offer: own(&offer) })
        };
        grpc::reply(self.0.db.write(&call, write).await?)
    }

    async fn close_offer(
        &self,
        request: Request<pb::CloseOfferRequest>,
    ) -> Answered<pb::CloseOfferResponse> {
        let (call, message) = grpc::open(request)?;
        let trader = &self.trader(&call).await?;
        let id = grpc::id("id", &message.id)?;
        let write = |tx| async move {
            let offer = self.close(&tx, trader, id).await?;
            Ok(pb::CloseOfferResponse { offer: own(&offer) })
        };
        grpc::reply(self.0.db.write(&call, write).await?)
    }

    async fn delete_offer(
        &self,
        request: Request<pb::DeleteOfferRequest>,
    ) -> Answered<pb::DeleteOfferResponse> {
        let (call, message) = grpc::open(request)?;
        let trader = &self.trader(&call).await?;
        let id = grpc::id("id", &message.id)?;
        let write = |tx| async move {
            self.delete(&tx, trader, id).await?;
            Ok(pb::DeleteOfferResponse {})
        };
        grpc::reply(self.0.db.write(&call, write).await?)
    }

    async fn submit_response(
        &self,
        request: Request<pb::SubmitResponseRequest>,
    ) -> Answered<pb::SubmitResponseResponse> {
        let (call, message) = grpc::open(request)?;
        let trader = self.trader(&call).await?;
        let wish = convert::wish_from_pb(message)?;
        grpc::reply(self.submit(&call, trader, wish).await?)
    }

    async fn get_response(
        &self,
        request: Request<pb::GetResponseRequest>,
    ) -> Answered<pb::GetResponseResponse> {
        let (call, message) = grpc::open(request)?;
        let trader = self.trader(&call).await?;
        let id = grpc::id("id", &message.id)?;
        let response = self.response(self.0.db.read(), &trader, id).await?;
        grpc::answer(pb::GetResponseResponse {
            response: Some(response),
        })
    }

    async fn counter_response(
        &self,
        request: Request<pb::CounterResponseRequest>,
    ) -> Answered<pb::CounterResponseResponse> {
        let (call, message) = grpc::open(request)?;
        let trader = &self.trader(&call).await?;
        let id = grpc::id("id", &message.id)?;
        let terms = &convert::counter_from_pb(&message);
        let write = |tx| async move {
            self.counter(&tx, trader, id, terms).await?;
            Ok(pb::CounterResponseResponse {
                response: Some(self.response(tx.conn(), trader, id).await?),
            })
        };
        grpc::reply(self.0.db.write(&call, write).await?)
    }

    async fn accept_response(
        &self,
        request: Request<pb::AcceptResponseRequest>,
    ) -> Answered<pb::AcceptResponseResponse> {
        let (call, message) = grpc::open(request)?;
        let trader = &self.trader(&call).await?;
        let (id, round) = (grpc::id("id", &message.id)?, message.round);
        let write = |tx| async move {
            let done = self.accept(&tx, trader, id, round).await?;
            Ok(pb::AcceptResponseResponse {
                offer: Some(convert::shown(trader, &done.offer, Some(&done.response))),
                response: Some(self.response(tx.conn(), trader, id).await?),
            })
        };
        match self.0.db.write(&call, write).await {
            Ok(answer) => grpc::reply(answer),
            Err(refused) => Err(self.tell_if_gone(id, refused).await.into()),
        }
    }

    async fn reject_response(
        &self,
        request: Request<pb::RejectResponseRequest>,
    ) -> Answered<pb::RejectResponseResponse> {
        let (call, message) = grpc::open(request)?;
        let trader = &self.trader(&call).await?;
        let id = grpc::id("id", &message.id)?;
        let write = |tx| async move {
            self.reject(&tx, trader, id).await?;
            Ok(pb::RejectResponseResponse {
                response: Some(self.response(tx.conn(), trader, id).await?),
            })
        };
        grpc::reply(self.0.db.write(&call, write).await?)
    }

    async fn withdraw_response(
        &self,
        request: Request<pb::WithdrawResponseRequest>,
    ) -> Answered<pb::WithdrawResponseResponse> {
        let (call, message) = grpc::open(request)?;
        let trader = &self.trader(&call).await?;
        let id = grpc::id("id", &message.id)?;
        let write = |tx| async move {
            self.withdraw(&tx, trader, id).await?;
            Ok(pb::WithdrawResponseResponse {
                response: Some(self.response(tx.conn(), trader, id).await?),
            })
        };
        grpc::reply(self.0.db.write(&call, write).await?)
    }

    async fn list_offer_responses(
        &self,
        request: Request<pb::ListOfferResponsesRequest>,
    ) -> Answered<pb::ListOfferResponsesResponse> {
        let (call, mut message) = grpc::open(request)?;
        let trader = self.trader(&call).await?;
        let paged = Paged::new(&self.0.sealer, &call, take_paging!(message), &message)?;
        let filter = ResponseFilter {
            offer: Some(grpc::id("offerId", &message.offer_id)?),
            buyer: None,
            status: convert::responses_status(message.status()),
        };
        let page = self.responses_to(&trader, &filter, &paged.page).await?;
        grpc::answer(pb::ListOfferResponsesResponse {
            meta: Some(paged.meta(&page, &self.0.sealer)),
            responses: self.responses_to_pb(&trader, &page.items).await?,
        })
    }

    async fn get_bid_history(
        &self,
        request: Request<pb::GetBidHistoryRequest>,
    ) -> Answered<pb::GetBidHistoryResponse> {
        let (call, message) = grpc::open(request)?;
        let trader = self.trader(&call).await?;
        let id = grpc::id("offerId", &message.offer_id)?;
        grpc::answer(pb::GetBidHistoryResponse {
            bids: self.bid_history(&trader, id).await?,
        })
    }

    async fn list_my_offers(
        &self,
        request: Request<pb::ListMyOffersRequest>,
    ) -> Answered<pb::ListMyOffersResponse> {
        let (call, mut message) = grpc::open(request)?;
        let trader = self.trader(&call).await?;
        let paged = Paged::new(&self.0.sealer, &call, take_paging!(message), &message)?;
        let filter = OfferFilter {
            among: Among::Of(trader.user),
            kind: convert::kind(message.offer_type()),
            status: convert::offer_status(message.status()),
            target: None,
            seller: None,
        };
        let page = self.offers(&filter, &paged.page).await?;
        grpc::answer(pb::ListMyOffersResponse {
            meta: Some(paged.meta(&page, &self.0.sealer)),
            offers: page.items.iter().filter_map(own).collect(),
        })
    }

    async fn list_my_responses(
        &self,
        request: Request<pb::ListMyResponsesRequest>,
    ) -> Answered<pb::ListMyResponsesResponse> {
        let (call, mut message) = grpc::open(request)?;
        let trader = self.trader(&call).await?;
        let paged = Paged::new(&self.0.sealer, &call, take_paging!(message), &message)?;
        let filter = ResponseFilter {
            offer: None,
            buyer: Some(trader.user),
            status: convert::responses_status(message.status()),
        };
        let page = self.responses(&filter, &paged.page).await?;
        grpc::answer(pb::ListMyResponsesResponse {
            meta: Some(paged.meta(&page, &self.0.sealer)),
            responses: self.responses_to_pb(&trader, &page.items).await?,
        })
    }

    async fn watch_offer(
        &self,
        request: Request<pb::WatchOfferRequest>,
    ) -> Answered<Self::WatchOfferStream> {
        let (call, message) = grpc::open(request)?;
        let id = grpc::id("id", &message.id)?;
        let resume = message.resume_token.as_deref();
        grpc::stream(&call, self.watch_offer(&call, id, resume).await?)
    }

    async fn watch_my_offers(
        &self,
        request: Request<pb::WatchMyOffersRequest>,
    ) -> Answered<Self::WatchMyOffersStream> {
        let (call, message) = grpc::open(request)?;
        let resume = message.resume_token.as_deref();
        grpc::stream(&call, self.watch_my_offers(&call, resume).await?)
    }

    async fn watch_my_responses(
        &self,
        request: Request<pb::WatchMyResponsesRequest>,
    ) -> Answered<Self::WatchMyResponsesStream> {
        let (call, message) = grpc::open(request)?;
        let resume = message.resume_token.as_deref();
        grpc::stream(&call, self.watch_my_responses(&call, resume).await?)
    }
}
