//! The gRPC face of the numbers.

use tonic::{Request, Response, Status};

use super::Analytics;
use crate::kernel::Result;
use crate::pb::souk::analytics::v1 as pb;
use crate::pb::souk::analytics::v1::analytics_service_server::AnalyticsService;

type Answered<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl AnalyticsService for Analytics {
    async fn get_seller_stats(
        &self,
        _request: Request<pb::GetSellerStatsRequest>,
    ) -> Answered<pb::GetSellerStatsResponse> {
        Err(Status::unimplemented("GetSellerStats"))
    }

    async fn list_reel_sales(
        &self,
        _request: Request<pb::ListReelSalesRequest>,
    ) -> Answered<pb::ListReelSalesResponse> {
        Err(Status::unimplemented("ListReelSales"))
    }
}
