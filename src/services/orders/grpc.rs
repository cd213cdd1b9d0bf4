//! The gRPC face of orders.

use metrics::counter;
use prost::Message;
use tonic::{Request, Response, Status};

use super::convert::{
    self, entry_to_pb, order_to_pb, place_from_pb, placed_to_pb, quote_from_pb, quoted_to_pb,
    step_from_pb, summary_to_pb, told_to_pb,
};
use super::quote::{self, Stock};
use super::store::{self, Filter, Scope};
use super::{Orders, access, change, place};
use crate::grpc::{self, Streaming, paging};
use crate::kernel::page::PageRequest;
use crate::kernel::{Call, Result as Outcome};
use crate::pb::souk::orders::v1::order_service_server::OrderService;
use crate::pb::souk::orders::v1::{
    CancelOrderRequest, CancelOrderResponse, GetOrderByNumberRequest, GetOrderByNumberResponse,
    GetOrderRequest, GetOrderResponse, GetOrderSummaryRequest, GetOrderSummaryResponse,
    ListGuestOrdersRequest, ListGuestOrdersResponse, ListMyOrdersRequest, ListMyOrdersResponse,
    ListOrderHistoryRequest, ListOrderHistoryResponse, ListSellerOrdersRequest,
    ListSellerOrdersResponse, PlaceOrderRequest, PlaceOrderResponse, QuoteOrderRequest,
    QuoteOrderResponse, RequestReturnRequest, RequestReturnResponse, TrackGuestOrderRequest,
    TrackGuestOrderResponse, UpdateOrderStatusRequest, UpdateOrderStatusResponse,
    WatchMyOrdersRequest, WatchMyOrdersResponse, WatchOrderRequest, WatchOrderResponse,
    WatchSellerOrdersRequest, WatchSellerOrdersResponse,
};

/// The filter of a list: its request without what names a page.
macro_rules! filter_of {
    ($request:ident: $kind:ident) => {
        $kind {
            limit: 0,
            page_token: String::new(),
            page: 0,
            ..$request.clone()
        }
    };
}

impl Orders {
    /// The page that a list asks for, and what its tokens are bound to.
    fn page(
        &self,
        call: &Call,
        filter: &impl Message,
        (limit, token, page): (i32, &str, i32),
    ) -> Outcome<(PageRequest, String)> {
        let binding = paging::binding(call, filter);
        let page = PageRequest::new(&self.0.sealer, &binding, limit, token, page)?;
        Ok((page, binding))
    }
}

#[tonic::async_trait]
impl OrderService for Orders {
    async fn place_order(
        &self,
        request: Request<PlaceOrderRequest>,
    ) -> Result<Response<PlaceOrderResponse>, Status> {
        let (call, message) = grpc::open(request)?;
        let (wish, call) = (&place_from_pb(message)?, &call);
        let write =
            |tx| async move { placed_to_pb(&place::place(&self.0, &tx, call, wish).await?) };
        let mut answer = self.0.db.write(call, write).await?;
        if !answer.replayed {
            let placed = answer.value.orders.len().max(1);
            counter!("souk_orders_placed_total").increment(placed as u64);
        }
        if call.caller.user_id().is_none() {
            let group = grpc::id("checkoutGroup", &answer.value.checkout_group)?;
            answer.value.guest_token = Some(access::guest_token(&self.0.sealer, group));
        }
        grpc::reply(answer)
    }

    async fn quote_order(
        &self,
        request: Request<QuoteOrderRequest>,
    ) -> Result<Response<QuoteOrderResponse>, Status> {
        let (call, message) = grpc::open(request)?;
        let checkout = quote_from_pb(message)?;
        let (conn, now) = (self.0.db.read(), self.0.db.clock().now());
        let quoted = quote::quote(&self.0, conn, &call, &checkout, Stock::Shown, now).await?;
        grpc::answer(quoted_to_pb(&quoted))
    }

    async fn get_order(
        &self,
        request: Request<GetOrderRequest>,
    ) -> Result<Response<GetOrderResponse>, Status> {
        let (call, message) = grpc::open(request)?;
        let id = grpc::id("id", &message.id)?;
        let found = store::find(self.0.db.read(), id).await?;
        let told = self
            .told(&call, found, message.guest_token.as_deref())
            .await?;
        grpc::answer(GetOrderResponse {
            order: Some(told_to_pb(&told)),
        })
    }

    async fn get_order_by_number(
        &self,
        request: Request<GetOrderByNumberRequest>,
    ) -> Result<Response<GetOrderByNumberResponse>, Status> {
        let (call, message) = grpc::open(request)?;
        let found = store::find_by_number(self.0.db.read(), &message.number).await?;
        let told = self.told(&call, found, None).await?;
        grpc::answer(GetOrderByNumberResponse {
            order: Some(told_to_pb(&told)),
        })
    }

    async fn list_my_orders(
        &self,
        request: Request<ListMyOrdersRequest>,
    ) -> Result<Response<ListMyOrdersResponse>, Status> {
        let (call, message) = grpc::open(request)?;
        let place = (message.limit, message.page_token.as_str(), message.page);
        let (page, binding) = self.page(&call, &filter_of!(message: ListMyOrdersRequest), place)?;
        let status = convert::status_filter(message.status);
        let filter = Filter {
            status,
            ..Filter::of(Scope::Buyer(call.user()?))
        };
        let found = store::list(self.0.db.read(), &filter, &page).await?;
        grpc::answer(ListMyOrdersResponse {
            meta: Some(paging::meta(&found, &self.0.sealer, &binding)),
            orders: found.items.iter().map(order_to_pb).collect(),
        })
    }

    async fn list_seller_orders(
        &self,
        request: Request<ListSellerOrdersRequest>,
    ) -> Result<Response<ListSellerOrdersResponse>, Status> {
        let (call, message) = grpc::open(request)?;
        let place = (message.limit, message.page_token.as_str(), message.page);
        let bound = filter_of!(message: ListSellerOrdersRequest);
        let (page, binding) = self.page(&call, &bound, place)?;
        let scope = self
            .seller_scope(&call, convert::store_filter(&message.store_id)?)
            .await?;
        let filter = convert::seller_filter(&message, scope)?;
        let found = store::list(self.0.db.read(), &filter, &page).await?;
        grpc::answer(ListSellerOrdersResponse {
            meta: Some(paging::meta(&found, &self.0.sealer, &binding)),
            orders: found.items.iter().map(order_to_pb).collect(),
        })
    }

    async fn list_order_history(
        &self,
        request: Request<ListOrderHistoryRequest>,
    ) -> Result<Response<ListOrderHistoryResponse>, Status> {
        let (call, message) = grpc::open(request)?;
        let place = (message.limit, message.page_token.as_str(), message.page);
        let bound = filter_of!(message: ListOrderHistoryRequest);
        let (page, binding) = self.page(&call, &bound, place)?;
        let (conn, id) = (self.0.db.read(), grpc::id("id", &message.id)?);
        let found = store::find(conn, id).await?;
        access::visible(&self.0, conn, &call, found, message.guest_token.as_deref()).await?;
        let found = store::history_page(conn, id, &page).await?;
        grpc::answer(ListOrderHistoryResponse {
            meta: Some(paging::meta(&found, &self.0.sealer, &binding)),
            history: found.items.iter().map(entry_to_pb).collect(),
        })
    }

    async fn get_order_summary(
        &self,
        request: Request<GetOrderSummaryRequest>,
    ) -> Result<Response<GetOrderSummaryResponse>, Status> {
        let (call, message) = grpc::open(request)?;
        let scope = self
            .seller_scope(&call, convert::store_filter(&message.store_id)?)
            .await?;
        let scope = scope.of_a_seller()?;
        let filter = convert::summary_filter(&message, scope)?;
        let rows = store::summary(self.0.db.read(), &filter).await?;
        grpc::answer(summary_to_pb(&rows))
    }

    async fn update_order_status(
        &self,
        request: Request<UpdateOrderStatusRequest>,
    ) -> Result<Response<UpdateOrderStatusResponse>, Status> {
        let (call, message) = grpc::open(request)?;
        let (id, by) = (grpc::id("id", &message.id)?, &call);
        let step = &step_from_pb(message)?;
        let write = |tx| async move {
            let told = change::step(&self.0, &tx, by, id, step).await?;
            Ok(UpdateOrderStatusResponse {
                order: Some(told_to_pb(&told)),
            })
        };
        grpc::reply(self.0.db.write(&call, write).await?)
    }

    async fn cancel_order(
        &self,
        request: Request<CancelOrderRequest>,
    ) -> Result<Response<CancelOrderResponse>, Status> {
        let (call, message) = grpc::open(request)?;
        let (id, by) = (grpc::id("id", &message.id)?, &call);
        let (reason, token) = (message.reason.unwrap_or_default(), message.guest_token);
        let (reason, token) = (reason.as_str(), token.as_deref());
        let write = |tx| async move {
            let told = change::cancel(&self.0, &tx, by, id, reason, token).await?;
            Ok(CancelOrderResponse {
                order: Some(told_to_pb(&told)),
            })
        };
        grpc::reply(self.0.db.write(&call, write).await?)
    }

    async fn request_return(
        &self,
        request: Request<RequestReturnRequest>,
    ) -> Result<Response<RequestReturnResponse>, Status> {
        let (call, message) = grpc::open(request)?;
        let (id, by) = (grpc::id("id", &message.id)?, &call);
        let (reason, token) = (message.reason.as_str(), message.guest_token.as_deref());
        let write = |tx| async move {
            let told = change::request_return(&self.0, &tx, by, id, reason, token).await?;
            Ok(RequestReturnResponse {
                order: Some(told_to_pb(&told)),
            })
        };
        grpc::reply(self.0.db.write(&call, write).await?)
    }

    async fn track_guest_order(
        &self,
        request: Request<TrackGuestOrderRequest>,
    ) -> Result<Response<TrackGuestOrderResponse>, Status> {
        let (_, message) = grpc::open(request)?;
        let told = self.track(&message.order_number, &message.phone).await?;
        grpc::answer(TrackGuestOrderResponse {
            order: Some(told_to_pb(&told)),
        })
    }

    async fn list_guest_orders(
        &self,
        request: Request<ListGuestOrdersRequest>,
    ) -> Result<Response<ListGuestOrdersResponse>, Status> {
        let (call, message) = grpc::open(request)?;
        let place = (message.limit, message.page_token.as_str(), message.page);
        let bound = filter_of!(message: ListGuestOrdersRequest);
        let (page, binding) = self.page(&call, &bound, place)?;
        let filter = Filter::of(Scope::Guest(
            self.proven_phone(&call, &message.phone).await?,
        ));
        let found = store::list(self.0.db.read(), &filter, &page).await?;
        grpc::answer(ListGuestOrdersResponse {
            meta: Some(paging::meta(&found, &self.0.sealer, &binding)),
            orders: found.items.iter().map(order_to_pb).collect(),
        })
    }

    type WatchOrderStream = Streaming<WatchOrderResponse>;

    async fn watch_order(
        &self,
        request: Request<WatchOrderRequest>,
    ) -> Result<Response<Self::WatchOrderStream>, Status> {
        let (call, message) = grpc::open(request)?;
        let id = grpc::id("id", &message.id)?;
        grpc::stream(&call, self.watch_order(&call, id, message).await?)
    }

    type WatchMyOrdersStream = Streaming<WatchMyOrdersResponse>;

    async fn watch_my_orders(
        &self,
        request: Request<WatchMyOrdersRequest>,
    ) -> Result<Response<Self::WatchMyOrdersStream>, Status> {
        let (call, message) = grpc::open(request)?;
        let resume = message.resume_token.as_deref();
        grpc::stream(&call, self.watch_mine(&call, call.user()?, resume).await?)
    }

    type WatchSellerOrdersStream = Streaming<WatchSellerOrdersResponse>;

    async fn watch_seller_orders(
        &self,
        request: Request<WatchSellerOrdersRequest>,
    ) -> Result<Response<Self::WatchSellerOrdersStream>, Status> {
        let (call, message) = grpc::open(request)?;
        let store = convert::store_filter(&message.store_id)?;
        let resume = message.resume_token.as_deref();
        grpc::stream(&call, self.watch_store(&call, store, resume).await?)
    }
}
