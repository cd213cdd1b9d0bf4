//! The gRPC face of delivery.

use tonic::{Request, Response, Status};

use super::Delivery;
use super::convert::{quote_to_pb, table_from_pb, table_to_pb, wilaya_to_pb};
use crate::grpc::{self, paging};
use crate::kernel::Result;
use crate::kernel::page::{MAX_LIMIT, Page, PageRequest};
use crate::kernel::wilaya::Wilaya;
use crate::pb::souk::delivery::v1::delivery_service_server::DeliveryService;
use crate::pb::souk::delivery::v1::{
    ListWilayasRequest, ListWilayasResponse, QuoteShippingRequest, QuoteShippingResponse,
    SetDefaultRatesRequest, SetDefaultRatesResponse, SetStoreRatesRequest, SetStoreRatesResponse,
};
use crate::services::shipping::Destination;

#[tonic::async_trait]
impl DeliveryService for Delivery {
    async fn list_wilayas(
        &self,
        request: Request<ListWilayasRequest>,
    ) -> Result<Response<ListWilayasResponse>, Status> {
        let (call, message) = grpc::open(request)?;
        let binding = paging::binding(&call, &ListWilayasRequest::default());
        let limit = if message.limit == 0 {
            MAX_LIMIT
        } else {
            message.limit
        };
        let (token, number) = (&message.page_token, message.page);
        let page = PageRequest::new(&self.sealer, &binding, limit, token, number)?;
        let (found, now) = (wilayas(&page), self.db.clock().now());
        grpc::answer(ListWilayasResponse {
            meta: Some(paging::meta(&found, &self.sealer, &binding)),
            wilayas: found
                .items
                .iter()
                .map(|wilaya| wilaya_to_pb(wilaya, now))
                .collect(),
        })
    }

    async fn quote_shipping(
        &self,
        request: Request<QuoteShippingRequest>,
    ) -> Result<Response<QuoteShippingResponse>, Status> {
        let (call, message) = grpc::open(request)?;
        let conn = self.db.read();
        let store = match message.store_id.as_str() {
            "" => None,
            text => Some(
                self.stores
                    .visible(conn, &call, grpc::id("storeId", text)?)
                    .await?,
            ),
        };
        let to = Destination::parse("wilaya", &message.wilaya, message.country.as_deref())?;
        let subtotal = message.subtotal.unwrap_or_default();
        let tariff = self
            .shipping
            .tariff(conn, store.as_deref(), to, subtotal)
            .await?;
        grpc::answer(QuoteShippingResponse {
            quote: Some(quote_to_pb(to, &tariff, self.db.clock().now())),
        })
    }

    async fn set_store_rates(
        &self,
        request: Request<SetStoreRatesRequest>,
    ) -> Result<Response<SetStoreRatesResponse>, Status> {
        let (call, message) = grpc::open(request)?;
        let (call, id) = (&call, grpc::id("storeId", &message.store_id)?);
        let table = &table_from_pb(message.rates, message.flat, message.free_from)?;
        let write = |tx| async move {
            let currency = self.shipping.set_store_rates(&tx, call, id, table).await?;
            Ok(SetStoreRatesResponse {
                table: Some(table_to_pb(table, currency)),
            })
        };
        grpc::reply(self.db.write(call, write).await?)
    }

    async fn set_default_rates(
        &self,
        request: Request<SetDefaultRatesRequest>,
    ) -> Result<Response<SetDefaultRatesResponse>, Status> {
        let (call, message) = grpc::open(request)?;
        let table = &table_from_pb(message.rates, message.flat, message.free_from)?;
        let write = |tx| async move {
            let currency = self.shipping.set_default_rates(&tx, table).await?;
            Ok(SetDefaultRatesResponse {
                table: Some(table_to_pb(table, currency)),
            })
        };
        grpc::reply(self.db.write(&call, write).await?)
    }
}

/// A page of the wilayas; the cursor is the last code.
fn wilayas(page: &PageRequest) -> Page<&'static Wilaya> {
    let all = Wilaya::all();
    let last = page
        .cursor()
        .and_then(|cursor| cursor.first())
        .copied()
        .unwrap_or(0);
    let skipped = usize::try_from(page.offset()).unwrap_or(usize::MAX);
    let rows = all.iter().filter(|wilaya| wilaya.code.number() > last);
    let one_more = usize::try_from(page.limit + 1).unwrap_or(usize::MAX);
    let rows = rows.skip(skipped).take(one_more).collect();
    let total = page.is_numbered().then_some(all.len() as u64);
    page.finish(rows, total, |wilaya| vec![wilaya.code.number()])
}
