//! The gRPC face of carts.

use tonic::{Request, Response, Status};

use super::change::{self, Addition};
use super::convert::{item_to_pb, problems_to_pb, store_from_pb, summary_to_pb, view_to_pb};
use super::{Carts, store};
use crate::grpc;
use crate::pb::souk::cart::v1::cart_service_server::CartService;
use crate::pb::souk::cart::v1::{
    AddItemRequest, AddItemResponse, ClearCartRequest, ClearCartResponse, GetCartCountRequest,
    GetCartCountResponse, GetCartRequest, GetCartResponse, GetCartSummaryRequest,
    GetCartSummaryResponse, RemoveItemRequest, RemoveItemResponse, UpdateItemRequest,
    UpdateItemResponse, ValidateCartRequest, ValidateCartResponse,
};

#[tonic::async_trait]
impl CartService for Carts {
    async fn get_cart(
        &self,
        request: Request<GetCartRequest>,
    ) -> Result<Response<GetCartResponse>, Status> {
        let (call, message) = grpc::open(request)?;
        let of = store_from_pb(&message.store_id)?;
        let view = self.0.read(&call, of).await?;
        grpc::answer(GetCartResponse {
            cart: Some(view_to_pb(&view)),
        })
    }

    async fn add_item(
        &self,
        request: Request<AddItemRequest>,
    ) -> Result<Response<AddItemResponse>, Status> {
        let (call, message) = grpc::open(request)?;
        let wish = &Addition {
            product: grpc::id("productId", &message.product_id)?,
            quantity: message.quantity,
            store: store_from_pb(&message.store_id)?,
            reel: grpc::optional_id("reelId", &message.reel_id)?,
        };
        let call = &call;
        let write = |tx| async move {
            let (id, view) = change::add(&self.0, &tx, call, wish).await?;
            let (item, cart) = (Some(item_to_pb(&view, id)?), Some(view_to_pb(&view)));
            Ok(AddItemResponse { item, cart })
        };
        grpc::reply(self.0.db.write(call, write).await?)
    }

    async fn update_item(
        &self,
        request: Request<UpdateItemRequest>,
    ) -> Result<Response<UpdateItemResponse>, Status> {
        let (call, message) = grpc::open(request)?;
        let (call, id) = (&call, grpc::id("id", &message.id)?);
        let write = |tx| async move {
            let view = change::update(&self.0, &tx, call, id, message.quantity).await?;
            let (item, cart) = (Some(item_to_pb(&view, id)?), Some(view_to_pb(&view)));
            Ok(UpdateItemResponse { item, cart })
        };
        grpc::reply(self.0.db.write(call, write).await?)
    }

    async fn remove_item(
        &self,
        request: Request<RemoveItemRequest>,
    ) -> Result<Response<RemoveItemResponse>, Status> {
        let (call, message) = grpc::open(request)?;
        let (call, id) = (&call, grpc::id("id", &message.id)?);
        let write = |tx| async move {
            let view = change::remove(&self.0, &tx, call, id).await?;
            Ok(RemoveItemResponse {
                cart: Some(view_to_pb(&view)),
            })
        };
        grpc::reply(self.0.db.write(call, write).await?)
    }

    async fn clear_cart(
        &self,
        request: Request<ClearCartRequest>,
    ) -> Result<Response<ClearCartResponse>, Status> {
        let (call, message) = grpc::open(request)?;
        let (call, of) = (&call, store_from_pb(&message.store_id)?);
        let write = |tx| async move {
            let view = change::clear(&self.0, &tx, call, of).await?;
            Ok(ClearCartResponse {
                cart: Some(view_to_pb(&view)),
            })
        };
        grpc::reply(self.0.db.write(call, write).await?)
    }

    async fn validate_cart(
        &self,
        request: Request<ValidateCartRequest>,
    ) -> Result<Response<ValidateCartResponse>, Status> {
        let (call, message) = grpc::open(request)?;
        let of = store_from_pb(&message.store_id)?;
        let view = self.0.read(&call, of).await?;
        grpc::answer(ValidateCartResponse {
            valid: view.is_valid(),
            problems: problems_to_pb(&view),
            cart: Some(view_to_pb(&view)),
        })
    }

    async fn get_cart_summary(
        &self,
        request: Request<GetCartSummaryRequest>,
    ) -> Result<Response<GetCartSummaryResponse>, Status> {
        let (call, message) = grpc::open(request)?;
        let of = store_from_pb(&message.store_id)?;
        let view = self.0.read(&call, of).await?;
        grpc::answer(summary_to_pb(&view))
    }

    async fn get_cart_count(
        &self,
        request: Request<GetCartCountRequest>,
    ) -> Result<Response<GetCartCountResponse>, Status> {
        let (call, _) = grpc::open(request)?;
        let (lines, pieces) = store::count(self.0.db.read(), call.user()?).await?;
        let clamp = |count: i64| i32::try_from(count).unwrap_or(i32::MAX);
        grpc::answer(GetCartCountResponse {
            count: clamp(lines),
            quantity: clamp(pieces),
        })
    }
}
