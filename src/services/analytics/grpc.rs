//! The gRPC face of the numbers.

use tonic::{Request, Response, Status};

use super::convert::{sales_to_pb, stats_to_pb, trade_to_pb};
use super::{Analytics, store};
use crate::grpc;
use crate::grpc::paging::{Paged, take_paging};
use crate::kernel::Result;
use crate::kernel::id::ReelId;
use crate::kernel::page::cursor;
use crate::pb::souk::analytics::v1 as pb;
use crate::pb::souk::analytics::v1::analytics_service_server::AnalyticsService;
use crate::services::reels;

type Answered<T> = Result<Response<T>, Status>;

/// Reels of one answer at the most.
const LIMIT_MAX: i32 = 50;

#[tonic::async_trait]
impl AnalyticsService for Analytics {
    async fn get_seller_stats(
        &self,
        request: Request<pb::GetSellerStatsRequest>,
    ) -> Answered<pb::GetSellerStatsResponse> {
        let (call, message) = grpc::open(request)?;
        let store = grpc::optional_id("storeId", &message.store_id)?;
        let stats = self.stats(&call, store).await?;
        grpc::answer(pb::GetSellerStatsResponse {
            stats: Some(stats_to_pb(&stats, self.0.currency)),
        })
    }

    async fn get_b2b_stats(
        &self,
        request: Request<pb::GetB2bStatsRequest>,
    ) -> Answered<pb::GetB2bStatsResponse> {
        let (call, _message) = grpc::open(request)?;
        let trade = self.trade(&call).await?;
        grpc::answer(pb::GetB2bStatsResponse {
            stats: Some(trade_to_pb(&trade, self.0.currency)),
        })
    }

    async fn list_reel_sales(
        &self,
        request: Request<pb::ListReelSalesRequest>,
    ) -> Answered<pb::ListReelSalesResponse> {
        let (call, mut message) = grpc::open(request)?;
        message.limit = message.limit.min(LIMIT_MAX);
        let paged = Paged::new(&self.0.sealer, &call, take_paging!(message), &message)?;
        let store = grpc::optional_id("storeId", &message.store_id)?;
        let (conn, dialect) = (self.0.db.read(), self.0.db.dialect());
        let stores = self.0.stores.own_or_named(conn, &call, store).await?;
        let (rows, total) = store::reels(conn, dialect, &stores, &paged.page).await?;
        let page = paged.page.finish(rows, total, |reel| cursor(reel.id, b""));
        let meta = Some(paged.meta(&page, &self.0.sealer));
        let ids: Vec<ReelId> = page.items.iter().map(|reel| reel.id.into()).collect();
        let views = reels::views_of(conn, dialect, &ids).await?;
        let sales = store::sales(conn, dialect, &ids).await?;
        grpc::answer(pb::ListReelSalesResponse {
            sales: sales_to_pb(page.items, &views, sales),
            meta,
        })
    }
}
