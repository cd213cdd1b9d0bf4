//! The gRPC face of accounts and address books.

mod admin;

use tonic::{Request, Response, Status};

use super::convert::{address_to_pb, changes_from_pb, parts_from_pb, profile_to_pb, user_to_pb};
use super::{Users, addresses, profile, store};
use crate::grpc::{self, paging};
use crate::kernel::Error;
use crate::kernel::page::PageRequest;
use crate::pb::souk::users::v1::user_service_server::UserService;
use crate::pb::souk::users::v1::{
    ActivateUserRequest, ActivateUserResponse, CreateAddressRequest, CreateAddressResponse,
    CreateUserRequest, CreateUserResponse, DeactivateUserRequest, DeactivateUserResponse,
    DeleteAddressRequest, DeleteAddressResponse, DeleteMeRequest, DeleteMeResponse,
    GetAddressRequest, GetAddressResponse, GetMeRequest, GetMeResponse, GetPublicProfileRequest,
    GetPublicProfileResponse, GetUserRequest, GetUserResponse, ListAddressesRequest,
    ListAddressesResponse, ListUsersRequest, ListUsersResponse, SetDefaultAddressRequest,
    SetDefaultAddressResponse, SetSellerCategoryRequest, SetSellerCategoryResponse,
    SetUserRoleRequest, SetUserRoleResponse, UpdateAddressRequest, UpdateAddressResponse,
    UpdateMeRequest, UpdateMeResponse, UpdateUserRequest, UpdateUserResponse, VerifySellerRequest,
    VerifySellerResponse,
};

#[tonic::async_trait]
impl UserService for Users {
    async fn get_me(
        &self,
        request: Request<GetMeRequest>,
    ) -> Result<Response<GetMeResponse>, Status> {
        let (call, _) = grpc::open(request)?;
        let user = store::find(self.0.db.read(), call.user()?).await?;
        let user = user.ok_or_else(|| Error::not_found("user"))?;
        grpc::answer(GetMeResponse {
            user: Some(user_to_pb(&user)),
        })
    }

    async fn update_me(
        &self,
        request: Request<UpdateMeRequest>,
    ) -> Result<Response<UpdateMeResponse>, Status> {
        let (call, message) = grpc::open(request)?;
        let (id, changes) = (call.user()?, &changes_from_pb(message)?);
        let write = |tx| async move {
            let user = profile::update(&tx, &self.0.neighbours, id, id, changes).await?;
            Ok(UpdateMeResponse {
                user: Some(user_to_pb(&user)),
            })
        };
        grpc::reply(self.0.db.write(&call, write).await?)
    }

    async fn delete_me(
        &self,
        request: Request<DeleteMeRequest>,
    ) -> Result<Response<DeleteMeResponse>, Status> {
        let (call, _) = grpc::open(request)?;
        let id = call.user()?;
        let write = |tx| async move {
            profile::close(&tx, &self.0.neighbours, id).await?;
            Ok(DeleteMeResponse {})
        };
        grpc::reply(self.0.db.write(&call, write).await?)
    }

    async fn get_public_profile(
        &self,
        request: Request<GetPublicProfileRequest>,
    ) -> Result<Response<GetPublicProfileResponse>, Status> {
        let (_, message) = grpc::open(request)?;
        let id = grpc::id("id", &message.id)?;
        let user = store::find(self.0.db.read(), id).await?;
        let user = user.ok_or_else(|| Error::not_found("user"))?;
        grpc::answer(GetPublicProfileResponse {
            profile: Some(profile_to_pb(user)),
        })
    }

    async fn list_addresses(
        &self,
        request: Request<ListAddressesRequest>,
    ) -> Result<Response<ListAddressesResponse>, Status> {
        let (call, message) = grpc::open(request)?;
        let binding = paging::binding(&call, &ListAddressesRequest::default());
        let (limit, number) = (message.limit, message.page);
        let page = PageRequest::new(&self.0.sealer, &binding, limit, &message.page_token, number)?;
        let page = addresses::list(self.0.db.read(), call.user()?, &page).await?;
        grpc::answer(ListAddressesResponse {
            meta: Some(paging::meta(&page, &self.0.sealer, &binding)),
            addresses: page.items.into_iter().map(address_to_pb).collect(),
        })
    }

    async fn get_address(
        &self,
        request: Request<GetAddressRequest>,
    ) -> Result<Response<GetAddressResponse>, Status> {
        let (call, message) = grpc::open(request)?;
        let id = grpc::id("id", &message.id)?;
        let entry = store::find_address(self.0.db.read(), call.user()?, id).await?;
        grpc::answer(GetAddressResponse {
            address: Some(address_to_pb(entry)),
        })
    }

    async fn create_address(
        &self,
        request: Request<CreateAddressRequest>,
    ) -> Result<Response<CreateAddressResponse>, Status> {
        let (call, message) = grpc::open(request)?;
        let (owner, wants_default) = (call.user()?, message.is_default);
        let parts = &parts_from_pb(Some(message.title), message.address);
        let write = |tx| async move {
            let entry = addresses::create(&tx, owner, parts, wants_default).await?;
            Ok(CreateAddressResponse {
                address: Some(address_to_pb(entry)),
            })
        };
        grpc::reply(self.0.db.write(&call, write).await?)
    }

    async fn update_address(
        &self,
        request: Request<UpdateAddressRequest>,
    ) -> Result<Response<UpdateAddressResponse>, Status> {
        let (call, message) = grpc::open(request)?;
        let (owner, id) = (call.user()?, grpc::id("id", &message.id)?);
        let parts = &parts_from_pb(message.title, message.address);
        let write = |tx| async move {
            let entry = addresses::update(&tx, owner, id, parts).await?;
            Ok(UpdateAddressResponse {
                address: Some(address_to_pb(entry)),
            })
        };
        grpc::reply(self.0.db.write(&call, write).await?)
    }

    async fn delete_address(
        &self,
        request: Request<DeleteAddressRequest>,
    ) -> Result<Response<DeleteAddressResponse>, Status> {
        let (call, message) = grpc::open(request)?;
        let (owner, id) = (call.user()?, grpc::id("id", &message.id)?);
        let write = |tx| async move {
            addresses::delete(&tx, owner, id).await?;
            Ok(DeleteAddressResponse {})
        };
        grpc::reply(self.0.db.write(&call, write).await?)
    }

    async fn set_default_address(
        &self,
        request: Request<SetDefaultAddressRequest>,
    ) -> Result<Response<SetDefaultAddressResponse>, Status> {
        let (call, message) = grpc::open(request)?;
        let (owner, id) = (call.user()?, grpc::id("id", &message.id)?);
        let write = |tx| async move {
            let entry = addresses::set_default(&tx, owner, id).await?;
            Ok(SetDefaultAddressResponse {
                address: Some(address_to_pb(entry)),
            })
        };
        grpc::reply(self.0.db.write(&call, write).await?)
    }

    async fn list_users(
        &self,
        request: Request<ListUsersRequest>,
    ) -> Result<Response<ListUsersResponse>, Status> {
        admin::list_users(self, request).await
    }

    async fn get_user(
        &self,
        request: Request<GetUserRequest>,
    ) -> Result<Response<GetUserResponse>, Status> {
        admin::get_user(self, request).await
    }

    async fn create_user(
        &self,
        request: Request<CreateUserRequest>,
    ) -> Result<Response<CreateUserResponse>, Status> {
        admin::create_user(self, request).await
    }

    async fn update_user(
        &self,
        request: Request<UpdateUserRequest>,
    ) -> Result<Response<UpdateUserResponse>, Status> {
        admin::update_user(self, request).await
    }

    async fn set_user_role(
        &self,
        request: Request<SetUserRoleRequest>,
    ) -> Result<Response<SetUserRoleResponse>, Status> {
        admin::set_user_role(self, request).await
    }

    async fn deactivate_user(
        &self,
        request: Request<DeactivateUserRequest>,
    ) -> Result<Response<DeactivateUserResponse>, Status> {
        admin::deactivate_user(self, request).await
    }

    async fn activate_user(
        &self,
        request: Request<ActivateUserRequest>,
    ) -> Result<Response<ActivateUserResponse>, Status> {
        admin::activate_user(self, request).await
    }

    async fn set_seller_category(
        &self,
        request: Request<SetSellerCategoryRequest>,
    ) -> Result<Response<SetSellerCategoryResponse>, Status> {
        admin::set_seller_category(self, request).await
    }

    async fn verify_seller(
        &self,
        request: Request<VerifySellerRequest>,
    ) -> Result<Response<VerifySellerResponse>, Status> {
        admin::verify_seller(self, request).await
    }
}
