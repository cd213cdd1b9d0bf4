//! What administrators do with accounts, on the wire.

use tonic::{Request, Response, Status};

use crate::grpc;
use crate::grpc::paging::{Paged, take_paging};
use crate::kernel::{Error, Result as Outcome};
use crate::pb::souk::users::v1::{
    Account, ActivateUserRequest, ActivateUserResponse, CreateUserRequest, CreateUserResponse,
    DeactivateUserRequest, DeactivateUserResponse, GetUserRequest, GetUserResponse,
    ListUsersRequest, ListUsersResponse, SetSellerCategoryRequest, SetSellerCategoryResponse,
    SetUserRoleRequest, SetUserRoleResponse, UpdateUserRequest, UpdateUserResponse,
    VerifySellerRequest, VerifySellerResponse,
};
use crate::services::users::convert::{
    account_to_pb, admin_changes_from_pb, category_from_pb, filter_from_pb, new_account_from_pb,
    role_from_pb,
};
use crate::services::users::{User, Users, admin, profile, store};

pub(super) async fn list_users(
    users: &Users,
    request: Request<ListUsersRequest>,
) -> Result<Response<ListUsersResponse>, Status> {
    let (call, mut message) = grpc::open(request)?;
    let paged = Paged::new(&users.0.sealer, &call, take_paging!(message), &message)?;
    let filter = filter_from_pb(&message, country(users))?;
    let page = admin::list(&users.0.db, &filter, &paged.page).await?;
    grpc::answer(ListUsersResponse {
        meta: Some(paged.meta(&page, &users.0.sealer)),
        users: page.items.iter().map(account_to_pb).collect(),
    })
}

pub(super) async fn get_user(
    users: &Users,
    request: Request<GetUserRequest>,
) -> Result<Response<GetUserResponse>, Status> {
    let (_, message) = grpc::open(request)?;
    let id = grpc::id("id", &message.id)?;
    let user = store::find(users.0.db.read(), id).await?;
    let user = user.ok_or_else(|| Error::not_found("user"))?;
    grpc::answer(GetUserResponse {
        account: Some(account_to_pb(&user)),
    })
}

pub(super) async fn create_user(
    users: &Users,
    request: Request<CreateUserRequest>,
) -> Result<Response<CreateUserResponse>, Status> {
    let (call, message) = grpc::open(request)?;
    let new = &new_account_from_pb(message, country(users))?;
    let (neighbours, by) = (&users.0.neighbours, call.user()?);
    let write = |tx| async move {
        let account = account(admin::create(&tx, neighbours, by, new).await)?;
        Ok(CreateUserResponse { account })
    };
    grpc::reply(users.0.db.write(&call, write).await?)
}

pub(super) async fn update_user(
    users: &Users,
    request: Request<UpdateUserRequest>,
) -> Result<Response<UpdateUserResponse>, Status> {
    let (call, message) = grpc::open(request)?;
    let id = grpc::id("id", &message.id)?;
    let changes = &admin_changes_from_pb(message, country(users))?;
    let (neighbours, by) = (&users.0.neighbours, call.user()?);
    let write = |tx| async move {
        let account = account(profile::update(&tx, neighbours, by, id, changes).await)?;
        Ok(UpdateUserResponse { account })
    };
    grpc::reply(users.0.db.write(&call, write).await?)
}

pub(super) async fn set_user_role(
    users: &Users,
    request: Request<SetUserRoleRequest>,
) -> Result<Response<SetUserRoleResponse>, Status> {
    let (call, message) = grpc::open(request)?;
    let id = grpc::id("id", &message.id)?;
    let role = role_from_pb(message.role()).ok_or_else(|| Error::field("role", "is required"))?;
    let write = |tx| async move {
        let account = account(admin::set_role(&tx, &users.0.neighbours, id, role).await)?;
        Ok(SetUserRoleResponse { account })
    };
    grpc::reply(users.0.db.write(&call, write).await?)
}

pub(super) async fn deactivate_user(
    users: &Users,
    request: Request<DeactivateUserRequest>,
) -> Result<Response<DeactivateUserResponse>, Status> {
    let (call, message) = grpc::open(request)?;
    let id = grpc::id("id", &message.id)?;
    let write = |tx| async move {
        let account = account(admin::deactivate(&tx, &users.0.neighbours, id).await)?;
        Ok(DeactivateUserResponse { account })
    };
    grpc::reply(users.0.db.write(&call, write).await?)
}

pub(super) async fn activate_user(
    users: &Users,
    request: Request<ActivateUserRequest>,
) -> Result<Response<ActivateUserResponse>, Status> {
    let (call, message) = grpc::open(request)?;
    let id = grpc::id("id", &message.id)?;
    let write = |tx| async move {
        let account = account(admin::activate(&tx, id).await)?;
        Ok(ActivateUserResponse { account })
    };
    grpc::reply(users.0.db.write(&call, write).await?)
}

pub(super) async fn set_seller_category(
    users: &Users,
    request: Request<SetSellerCategoryRequest>,
) -> Result<Response<SetSellerCategoryResponse>, Status> {
    let (call, message) = grpc::open(request)?;
    let id = grpc::id("id", &message.id)?;
    let category = category_from_pb(message.seller_category());
    let write = |tx| async move {
        let account = account(admin::set_category(&tx, &users.0.neighbours, id, category).await)?;
        Ok(SetSellerCategoryResponse { account })
    };
    grpc::reply(users.0.db.write(&call, write).await?)
}

pub(super) async fn verify_seller(
    users: &Users,
    request: Request<VerifySellerRequest>,
) -> Result<Response<VerifySellerResponse>, Status> {
    let (call, message) = grpc::open(request)?;
    let id = grpc::id("id", &message.id)?;
    let is_verified = message.is_verified.unwrap_or(true);
    let write = |tx| async move {
        let account = account(admin::verify(&tx, id, is_verified).await)?;
        Ok(VerifySellerResponse { account })
    };
    grpc::reply(users.0.db.write(&call, write).await?)
}

/// The calling code for phone numbers that tell none.
fn country(users: &Users) -> Option<&str> {
    users.0.phone_country.as_deref()
}

fn account(user: Outcome<User>) -> Outcome<Option<Account>> {
    user.map(|user| Some(account_to_pb(&user)))
}
