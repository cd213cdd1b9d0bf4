//! What administrators do with accounts, on the wire.

use tonic::{Request, Response, Status};

use crate::pb::souk::users::v1::{
    ActivateUserRequest, ActivateUserResponse, CreateUserRequest, CreateUserResponse,
    DeactivateUserRequest, DeactivateUserResponse, GetUserRequest, GetUserResponse,
    ListUsersRequest, ListUsersResponse, SetSellerCategoryRequest, SetSellerCategoryResponse,
    SetUserRoleRequest, SetUserRoleResponse, UpdateUserRequest, UpdateUserResponse,
    VerifySellerRequest, VerifySellerResponse,
};
use crate::services::users::Users;

pub(super) async fn list_users(
    _users: &Users,
    _request: Request<ListUsersRequest>,
) -> Result<Response<ListUsersResponse>, Status> {
    Err(Status::unimplemented("not yet"))
}

pub(super) async fn get_user(
    _users: &Users,
    _request: Request<GetUserRequest>,
) -> Result<Response<GetUserResponse>, Status> {
    Err(Status::unimplemented("not yet"))
}

pub(super) async fn create_user(
    _users: &Users,
    _request: Request<CreateUserRequest>,
) -> Result<Response<CreateUserResponse>, Status> {
    Err(Status::unimplemented("not yet"))
}

pub(super) async fn update_user(
    _users: &Users,
    _request: Request<UpdateUserRequest>,
) -> Result<Response<UpdateUserResponse>, Status> {
    Err(Status::unimplemented("not yet"))
}

pub(super) async fn set_user_role(
    _users: &Users,
    _request: Request<SetUserRoleRequest>,
) -> Result<Response<SetUserRoleResponse>, Status> {
    Err(Status::unimplemented("not yet"))
}

pub(super) async fn deactivate_user(
    _users: &Users,
    _request: Request<DeactivateUserRequest>,
) -> Result<Response<DeactivateUserResponse>, Status> {
    Err(Status::unimplemented("not yet"))
}

pub(super) async fn activate_user(
    _users: &Users,
    _request: Request<ActivateUserRequest>,
) -> Result<Response<ActivateUserResponse>, Status> {
    Err(Status::unimplemented("not yet"))
}

pub(super) async fn set_seller_category(
    _users: &Users,
    _request: Request<SetSellerCategoryRequest>,
) -> Result<Response<SetSellerCategoryResponse>, Status> {
    Err(Status::unimplemented("not yet"))
}

pub(super) async fn verify_seller(
    _users: &Users,
    _request: Request<VerifySellerRequest>,
) -> Result<Response<VerifySellerResponse>, Status> {
    Err(Status::unimplemented("not yet"))
}
