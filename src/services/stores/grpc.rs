//! The gRPC face of stores.

use tonic::{Request, Response, Status};

use super::Stores;
use super::convert::{
    availability_to_pb, centre_from_pb, change_from_pb, disk_from_pb, hours_from_pb, member_to_pb,
    name_to_pb, nearby_to_pb, new_store_from_pb, point_from_pb, role_from_pb, search_from_pb,
    store_to_pb,
};
use super::find::NEARBY_MAX;
use super::state::Step;
use crate::grpc::{self, paging};
use crate::kernel::Result;
use crate::kernel::page::PageRequest;
use crate::pb::souk::stores::v1::store_service_server::StoreService;
use crate::pb::souk::stores::v1::{
    AddManagerRequest, AddManagerResponse, CreateStoreRequest, CreateStoreResponse,
    DeleteStoreRequest, DeleteStoreResponse, GetStoreAvailabilityRequest,
    GetStoreAvailabilityResponse, GetStoreRequest, GetStoreResponse, ListManagersRequest,
    ListManagersResponse, ListMyStoresRequest, ListMyStoresResponse, ListNearbyStoresRequest,
    ListNearbyStoresResponse, PauseStoreRequest, PauseStoreResponse, RemoveManagerRequest,
    RemoveManagerResponse, ResumeStoreRequest, ResumeStoreResponse, SearchStoresRequest,
    SearchStoresResponse, SetOpeningHoursRequest, SetOpeningHoursResponse, SuspendStoreRequest,
    SuspendStoreResponse, UpdateStoreRequest, UpdateStoreResponse,
};

#[tonic::async_trait]
impl StoreService for Stores {
    async fn create_store(
        &self,
        request: Request<CreateStoreRequest>,
    ) -> Result<Response<CreateStoreResponse>, Status> {
        let (call, message) = grpc::open(request)?;
        let (call, new) = (&call, &new_store_from_pb(message, &self.0.settings)?);
        let write = |tx| async move {
            let store = self.open(&tx, call, new).await?;
            Ok(CreateStoreResponse {
                store: Some(name_to_pb(&store)),
            })
        };
        grpc::reply(self.0.db.write(call, write).await?)
    }

    async fn get_store(
        &self,
        request: Request<GetStoreRequest>,
    ) -> Result<Response<GetStoreResponse>, Status> {
        let (call, message) = grpc::open(request)?;
        let id = grpc::id("id", &message.id)?;
        let store = self.visible(self.0.db.read(), &call, id).await?;
        grpc::answer(GetStoreResponse {
            store: Some(store_to_pb(&store)),
        })
    }

    async fn update_store(
        &self,
        request: Request<UpdateStoreRequest>,
    ) -> Result<Response<UpdateStoreResponse>, Status> {
        let (call, message) = grpc::open(request)?;
        let (call, id) = (&call, grpc::id("id", &message.id)?);
        let change = &change_from_pb(message, &self.0.settings)?;
        let write = |tx| async move {
            let store = self.update(&tx, call, id, change).await?;
            Ok(UpdateStoreResponse {
                store: Some(store_to_pb(&store)),
            })
        };
        grpc::reply(self.0.db.write(call, write).await?)
    }

    async fn set_opening_hours(
        &self,
        request: Request<SetOpeningHoursRequest>,
    ) -> Result<Response<SetOpeningHoursResponse>, Status> {
        let (call, message) = grpc::open(request)?;
        let (call, id) = (&call, grpc::id("id", &message.id)?);
        let hours = &hours_from_pb(message.opening_hours.unwrap_or_default())?;
        let write = |tx| async move {
            let store = self.set_hours(&tx, call, id, hours).await?;
            Ok(SetOpeningHoursResponse {
                store: Some(store_to_pb(&store)),
            })
        };
        grpc::reply(self.0.db.write(call, write).await?)
    }

    async fn pause_store(
        &self,
        request: Request<PauseStoreRequest>,
    ) -> Result<Response<PauseStoreResponse>, Status> {
        let (call, message) = grpc::open(request)?;
        let (call, id) = (&call, grpc::id("id", &message.id)?);
        let write = |tx| async move {
            let store = self.step(&tx, call, id, Step::Pause).await?;
            Ok(PauseStoreResponse {
                store: Some(store_to_pb(&store)),
            })
        };
        grpc::reply(self.0.db.write(call, write).await?)
    }

    async fn resume_store(
        &self,
        request: Request<ResumeStoreRequest>,
    ) -> Result<Response<ResumeStoreResponse>, Status> {
        let (call, message) = grpc::open(request)?;
        let (call, id) = (&call, grpc::id("id", &message.id)?);
        let write = |tx| async move {
            let store = self.step(&tx, call, id, Step::Resume).await?;
            Ok(ResumeStoreResponse {
                store: Some(store_to_pb(&store)),
            })
        };
        grpc::reply(self.0.db.write(call, write).await?)
    }

    async fn suspend_store(
        &self,
        request: Request<SuspendStoreRequest>,
    ) -> Result<Response<SuspendStoreResponse>, Status> {
        let (call, message) = grpc::open(request)?;
        let (call, id) = (&call, grpc::id("id", &message.id)?);
        let reason = message.reason.as_str();
        let write = |tx| async move {
            let store = self.suspend(&tx, call, id, reason).await?;
            Ok(SuspendStoreResponse {
                store: Some(store_to_pb(&store)),
            })
        };
        grpc::reply(self.0.db.write(call, write).await?)
    }

    async fn delete_store(
        &self,
        request: Request<DeleteStoreRequest>,
    ) -> Result<Response<DeleteStoreResponse>, Status> {
        let (call, message) = grpc::open(request)?;
        let (call, id) = (&call, grpc::id("id", &message.id)?);
        let write = |tx| async move {
            self.delete(&tx, call, id).await?;
            Ok(DeleteStoreResponse {})
        };
        grpc::reply(self.0.db.write(call, write).await?)
    }

    async fn add_manager(
        &self,
        request: Request<AddManagerRequest>,
    ) -> Result<Response<AddManagerResponse>, Status> {
        let (call, message) = grpc::open(request)?;
        let (call, id) = (&call, grpc::id("storeId", &message.store_id)?);
        let user = grpc::id("userId", &message.user_id)?;
        let role = role_from_pb(message.role());
        let write = |tx| async move {
            let member = self.add_member(&tx, call, id, user, role).await?;
            Ok(AddManagerResponse {
                manager: Some(member_to_pb(member)),
            })
        };
        grpc::reply(self.0.db.write(call, write).await?)
    }

    async fn remove_manager(
        &self,
        request: Request<RemoveManagerRequest>,
    ) -> Result<Response<RemoveManagerResponse>, Status> {
        let (call, message) = grpc::open(request)?;
        let (call, id) = (&call, grpc::id("storeId", &message.store_id)?);
        let user = grpc::id("userId", &message.user_id)?;
        let write = |tx| async move {
            self.remove_member(&tx, call, id, user).await?;
            Ok(RemoveManagerResponse {})
        };
        grpc::reply(self.0.db.write(call, write).await?)
    }

    async fn list_managers(
        &self,
        request: Request<ListManagersRequest>,
    ) -> Result<Response<ListManagersResponse>, Status> {
        let (call, message) = grpc::open(request)?;
        let binding = paging::binding(&call, &managers_filter(&message));
        let id = grpc::id("storeId", &message.store_id)?;
        let page = self.page(&binding, message.limit, &message.page_token, message.page)?;
        let found = self.members(&call, id, &page).await?;
        grpc::answer(ListManagersResponse {
            meta: Some(paging::meta(&found, &self.0.sealer, &binding)),
            managers: found.items.into_iter().map(member_to_pb).collect(),
        })
    }

    async fn search_stores(
        &self,
        request: Request<SearchStoresRequest>,
    ) -> Result<Response<SearchStoresResponse>, Status> {
        let (call, message) = grpc::open(request)?;
        let binding = paging::binding(&call, &search_filter(&message));
        let page = self.page(&binding, message.limit, &message.page_token, message.page)?;
        let search = search_from_pb(&message)?;
        let found = self.search(&call.caller, &search, &page).await?;
        grpc::answer(SearchStoresResponse {
            meta: Some(paging::meta(&found, &self.0.sealer, &binding)),
            stores: found.items.iter().map(store_to_pb).collect(),
        })
    }

    async fn list_nearby_stores(
        &self,
        request: Request<ListNearbyStoresRequest>,
    ) -> Result<Response<ListNearbyStoresResponse>, Status> {
        let (call, message) = grpc::open(request)?;
        let (binding, disk) = (
            paging::binding(&call, &nearby_filter(&message)),
            disk_from_pb(&message),
        );
        let page = self.page(
            &binding,
            Ord::min(message.limit, NEARBY_MAX),
            &message.page_token,
            message.page,
        )?;
        let found = self
            .nearby(&call.caller, centre_from_pb(&disk), disk.radius, &page)
            .await?;
        grpc::answer(ListNearbyStoresResponse {
            meta: Some(paging::meta(&found, &self.0.sealer, &binding)),
            count: i32::try_from(found.items.len()).unwrap_or(i32::MAX),
            stores: found.items.iter().map(nearby_to_pb).collect(),
            search_params: Some(disk),
        })
    }

    async fn list_my_stores(
        &self,
        request: Request<ListMyStoresRequest>,
    ) -> Result<Response<ListMyStoresResponse>, Status> {
        let (call, message) = grpc::open(request)?;
        let binding = paging::binding(&call, &ListMyStoresRequest::default());
        let page = self.page(&binding, message.limit, &message.page_token, message.page)?;
        let found = self.mine(call.user()?, &page).await?;
        grpc::answer(ListMyStoresResponse {
            meta: Some(paging::meta(&found, &self.0.sealer, &binding)),
            stores: found.items.iter().map(store_to_pb).collect(),
        })
    }

    async fn get_store_availability(
        &self,
        request: Request<GetStoreAvailabilityRequest>,
    ) -> Result<Response<GetStoreAvailabilityResponse>, Status> {
        let (call, message) = grpc::open(request)?;
        let id = grpc::id("id", &message.id)?;
        let point = point_from_pb(&message)?;
        let store = self.visible(self.0.db.read(), &call, id).await?;
        let now = self.0.db.clock().now();
        grpc::answer(availability_to_pb(store.availability(now, point)))
    }
}

impl Stores {
    fn page(&self, binding: &str, limit: i32, token: &str, number: i32) -> Result<PageRequest> {
        PageRequest::new(&self.0.sealer, binding, limit, token, number)
    }
}

// What a page token is bound to: the request without its paging.

fn managers_filter(message: &ListManagersRequest) -> ListManagersRequest {
    ListManagersRequest {
        store_id: message.store_id.clone(),
        limit: 0,
        page_token: String::new(),
        page: 0,
    }
}

fn search_filter(message: &SearchStoresRequest) -> SearchStoresRequest {
    SearchStoresRequest {
        query: message.query.clone(),
        city: message.city.clone(),
        wilaya: message.wilaya.clone(),
        limit: 0,
        page_token: String::new(),
        page: 0,
    }
}

fn nearby_filter(message: &ListNearbyStoresRequest) -> ListNearbyStoresRequest {
    ListNearbyStoresRequest {
        latitude: message.latitude,
        longitude: message.longitude,
        radius: message.radius,
        limit: 0,
        page_token: String::new(),
        page: 0,
    }
}
