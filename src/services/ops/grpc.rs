//! The gRPC face of operations.

use tonic::{Request, Response, Status};

use super::convert::{
    audit_entry_to_pb, audit_filter_from_pb, component_to_pb, filter_from_pb, job_to_pb, named,
    overall, queue_to_pb, retry_limit_from_pb,
};
use super::{Ops, enqueue_test, store};
use crate::grpc::convert::time_to_pb;
use crate::grpc::paging::{Paged, take_paging};
use crate::grpc::{self, paging};
use crate::jobs;
use crate::kernel::Error;
use crate::kernel::page::{MAX_LIMIT, PageRequest};
use crate::pb::souk::ops::v1::ops_service_server::OpsService;
use crate::pb::souk::ops::v1::{
    CancelJobRequest, CancelJobResponse, CheckHealthRequest, CheckHealthResponse,
    CheckLivenessRequest, CheckLivenessResponse, CheckReadinessRequest, CheckReadinessResponse,
    EnqueueTestJobRequest, EnqueueTestJobResponse, GetInfoRequest, GetInfoResponse, GetJobRequest,
    GetJobResponse, GetMetricsRequest, GetMetricsResponse, HelloRequest, HelloResponse,
    ListAuditLogRequest, ListAuditLogResponse, ListJobsRequest, ListJobsResponse,
    ListQueuesRequest, ListQueuesResponse, PingCacheRequest, PingCacheResponse,
    RetryDeadJobsRequest, RetryDeadJobsResponse, RetryJobRequest, RetryJobResponse,
};

#[tonic::async_trait]
impl OpsService for Ops {
    async fn get_info(
        &self,
        request: Request<GetInfoRequest>,
    ) -> Result<Response<GetInfoResponse>, Status> {
        grpc::open(request)?;
        grpc::answer(GetInfoResponse {
            name: "souk".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            environment: self.0.environment.to_owned(),
            docs: "/api/docs".to_owned(),
            openapi: "/openapi.json".to_owned(),
        })
    }

    async fn check_health(
        &self,
        request: Request<CheckHealthRequest>,
    ) -> Result<Response<CheckHealthResponse>, Status> {
        grpc::open(request)?;
        let components = self.0.health.look().await;
        let (status, message) = overall(&components);
        grpc::answer(CheckHealthResponse {
            status: status.into(),
            message: message.to_owned(),
            timestamp: Some(time_to_pb(self.0.db.clock().now())),
            uptime: self.0.health.uptime().as_secs_f64(),
            components: components.iter().map(component_to_pb).collect(),
        })
    }

    async fn check_liveness(
        &self,
        request: Request<CheckLivenessRequest>,
    ) -> Result<Response<CheckLivenessResponse>, Status> {
        grpc::open(request)?;
        grpc::answer(CheckLivenessResponse {})
    }

    async fn check_readiness(
        &self,
        request: Request<CheckReadinessRequest>,
    ) -> Result<Response<CheckReadinessResponse>, Status> {
        grpc::open(request)?;
        self.0.health.ready().await?;
        grpc::answer(CheckReadinessResponse {})
    }

    async fn hello(
        &self,
        request: Request<HelloRequest>,
    ) -> Result<Response<HelloResponse>, Status> {
        grpc::open(request)?;
        grpc::answer(HelloResponse {
            message: "Hello from souk!".to_owned(),
        })
    }

    async fn ping_cache(
        &self,
        request: Request<PingCacheRequest>,
    ) -> Result<Response<PingCacheResponse>, Status> {
        grpc::open(request)?;
        self.0.health.ping_cache().await?;
        grpc::answer(PingCacheResponse {
            reply: "PONG".to_owned(),
        })
    }

    async fn get_metrics(
        &self,
        request: Request<GetMetricsRequest>,
    ) -> Result<Response<GetMetricsResponse>, Status> {
        grpc::open(request)?;
        let metrics = self.0.metrics.as_ref();
        let metrics = metrics.ok_or_else(|| Error::not_found("metrics"))?;
        grpc::answer(GetMetricsResponse { text: metrics() })
    }

    async fn enqueue_test_job(
        &self,
        request: Request<EnqueueTestJobRequest>,
    ) -> Result<Response<EnqueueTestJobResponse>, Status> {
        let (call, message) = grpc::open(request)?;
        let text = &message.message;
        let write = |tx| async move {
            let job = enqueue_test(&tx, text)?;
            Ok(EnqueueTestJobResponse {
                job: Some(job_to_pb(job)),
            })
        };
        grpc::reply(self.0.db.write(&call, write).await?)
    }

    async fn list_jobs(
        &self,
        request: Request<ListJobsRequest>,
    ) -> Result<Response<ListJobsResponse>, Status> {
        let (call, mut message) = grpc::open(request)?;
        let (limit, page) = (
            std::mem::take(&mut message.limit),
            std::mem::take(&mut message.page),
        );
        let token = std::mem::take(&mut message.page_token);
        let binding = paging::binding(&call, &message);
        let page = PageRequest::new(&self.0.sealer, &binding, limit, &token, page)?;
        let found = jobs::store::list(&self.0.db, &filter_from_pb(&message), &page).await?;
        grpc::answer(ListJobsResponse {
            meta: Some(paging::meta(&found, &self.0.sealer, &binding)),
            jobs: found.items.into_iter().map(job_to_pb).collect(),
        })
    }

    async fn retry_job(
        &self,
        request: Request<RetryJobRequest>,
    ) -> Result<Response<RetryJobResponse>, Status> {
        let (call, message) = grpc::open(request)?;
        let id = grpc::id("id", &message.id)?;
        let write = |tx| async move {
            let job = jobs::store::retry(&tx, id).await?;
            Ok(RetryJobResponse {
                job: Some(job_to_pb(job)),
            })
        };
        grpc::reply(self.0.db.write(&call, write).await?)
    }

    async fn get_job(
        &self,
        request: Request<GetJobRequest>,
    ) -> Result<Response<GetJobResponse>, Status> {
        let (_call, message) = grpc::open(request)?;
        let job = jobs::store::get(&self.0.db, grpc::id("id", &message.id)?).await?;
        grpc::answer(GetJobResponse {
            job: Some(job_to_pb(job)),
        })
    }

    async fn retry_dead_jobs(
        &self,
        request: Request<RetryDeadJobsRequest>,
    ) -> Result<Response<RetryDeadJobsResponse>, Status> {
        let (call, message) = grpc::open(request)?;
        let (kind, queue) = (named(&message.kind), named(&message.queue));
        let limit = retry_limit_from_pb(message.limit);
        let write = |tx| async move {
            let retried = jobs::store::retry_dead(&tx, kind, queue, limit).await?;
            Ok(RetryDeadJobsResponse {
                retried: retried as i32,
            })
        };
        grpc::reply(self.0.db.write(&call, write).await?)
    }

    async fn cancel_job(
        &self,
        request: Request<CancelJobRequest>,
    ) -> Result<Response<CancelJobResponse>, Status> {
        let (call, message) = grpc::open(request)?;
        let id = grpc::id("id", &message.id)?;
        let write = |tx| async move {
            let job = jobs::store::cancel(&tx, id).await?;
            Ok(CancelJobResponse {
                job: Some(job_to_pb(job)),
            })
        };
        grpc::reply(self.0.db.write(&call, write).await?)
    }

    async fn list_queues(
        &self,
        request: Request<ListQueuesRequest>,
    ) -> Result<Response<ListQueuesResponse>, Status> {
        let (call, mut message) = grpc::open(request)?;
        if message.limit == 0 {
            message.limit = MAX_LIMIT;
        }
        let paged = Paged::new(&self.0.sealer, &call, take_paging!(message), &message)?;
        let page = self.queues(&paged.page).await?;
        let now = self.0.db.clock().now();
        grpc::answer(ListQueuesResponse {
            meta: Some(paged.meta(&page, &self.0.sealer)),
            queues: page
                .items
                .into_iter()
                .map(|queue| queue_to_pb(queue, now))
                .collect(),
        })
    }

    async fn list_audit_log(
        &self,
        request: Request<ListAuditLogRequest>,
    ) -> Result<Response<ListAuditLogResponse>, Status> {
        let (call, mut message) = grpc::open(request)?;
        let paged = Paged::new(&self.0.sealer, &call, take_paging!(message), &message)?;
        let filter = audit_filter_from_pb(message)?;
        let page = store::audit_log(&self.0.db, &filter, &paged.page).await?;
        grpc::answer(ListAuditLogResponse {
            meta: Some(paged.meta(&page, &self.0.sealer)),
            entries: page.items.into_iter().map(audit_entry_to_pb).collect(),
        })
    }
}
