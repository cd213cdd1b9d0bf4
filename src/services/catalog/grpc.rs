//! The gRPC face of the catalog.

use tonic::{Request, Response, Status};

use super::convert::{self, brand_to_pb, category_to_pb, product_to_pb};
use super::list::{Among, Filter};
use super::state::Step;
use super::tree::Tree;
use super::{Catalog, Product, categories};
use crate::grpc;
use crate::grpc::paging::{Paged, take_paging};
use crate::kernel::id::CategoryId;
use crate::kernel::text::fold;
use crate::kernel::{Call, Result};
use crate::pb::souk::catalog::v1 as pb;
use crate::pb::souk::catalog::v1::catalog_service_server::CatalogService;

type Answered<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl CatalogService for Catalog {
    async fn list_categories(
        &self,
        request: Request<pb::ListCategoriesRequest>,
    ) -> Answered<pb::ListCategoriesResponse> {
        let (call, mut message) = grpc::open(request)?;
        let paged = Paged::new(&self.0.sealer, &call, take_paging!(message), &message)?;
        let parent = grpc::optional_id("parentId", &message.parent_id)?;
        let page = self.tree().await?.page(parent, &paged.page)?;
        grpc::answer(pb::ListCategoriesResponse {
            meta: Some(paged.meta(&page, &self.0.sealer)),
            categories: page.items.iter().map(category_to_pb).collect(),
        })
    }

    async fn get_category(
        &self,
        request: Request<pb::GetCategoryRequest>,
    ) -> Answered<pb::GetCategoryResponse> {
        let (_, message) = grpc::open(request)?;
        let id = grpc::id("id", &message.id)?;
        let tree = self.tree().await?;
        let category = tree.get(id).ok_or_else(categories::not_found)?;
        grpc::answer(pb::GetCategoryResponse {
            category: Some(category_to_pb(category)),
        })
    }

    async fn create_category(
        &self,
        request: Request<pb::CreateCategoryRequest>,
    ) -> Answered<pb::CreateCategoryResponse> {
        let (call, message) = grpc::open(request)?;
        let changes = &convert::new_category(message)?;
        let (pictures, by) = (&*self.0.pictures, call.user()?);
        let write = |tx| async move {
            let category = categories::create(&tx, pictures, by, changes).await?;
            Ok(pb::CreateCategoryResponse {
                category: Some(category_to_pb(&category)),
            })
        };
        grpc::reply(self.0.db.write(&call, write).await?)
    }

    async fn update_category(
        &self,
        request: Request<pb::UpdateCategoryRequest>,
    ) -> Answered<pb::UpdateCategoryResponse> {
        let (call, message) = grpc::open(request)?;
        let id = grpc::id("id", &message.id)?;
        let changes = &convert::category_changes(message)?;
        let (pictures, by) = (&*self.0.pictures, call.user()?);
        let write = |tx| async move {
            let category = categories::update(&tx, pictures, by, id, changes).await?;
            Ok(pb::UpdateCategoryResponse {
                category: Some(category_to_pb(&category)),
            })
        };
        grpc::reply(self.0.db.write(&call, write).await?)
    }

    async fn delete_category(
        &self,
        request: Request<pb::DeleteCategoryRequest>,
    ) -> Answered<pb::DeleteCategoryResponse> {
        let (call, message) = grpc::open(request)?;
        let id = grpc::id("id", &message.id)?;
        let (pictures, by) = (&*self.0.pictures, call.user()?);
        let write = |tx| async move {
            categories::delete(&tx, pictures, by, id).await?;
            Ok(pb::DeleteCategoryResponse {})
        };
        grpc::reply(self.0.db.write(&call, write).await?)
    }

    async fn list_brands(
        &self,
        request: Request<pb::ListBrandsRequest>,
    ) -> Answered<pb::ListBrandsResponse> {
        let (call, mut message) = grpc::open(request)?;
        let paged = Paged::new(&self.0.sealer, &call, take_paging!(message), &message)?;
        let page = self
            .brands(&call, &fold(&message.search), &paged.page)
            .await?;
        grpc::answer(pb::ListBrandsResponse {
            meta: Some(paged.meta(&page, &self.0.sealer)),
            brands: page.items.into_iter().map(brand_to_pb).collect(),
        })
    }

    async fn list_products(
        &self,
        request: Request<pb::ListProductsRequest>,
    ) -> Answered<pb::ListProductsResponse> {
        let (call, mut message) = grpc::open(request)?;
        let paged = Paged::new(&self.0.sealer, &call, take_paging!(message), &message)?;
        let sort = convert::sort(message.sort(), message.search.trim())?;
        let tree = self.tree().await?;
        let filter = convert::filter(&message, &tree, self.sight(&call).await?)?;
        let page = self.list(&call.caller, &filter, sort, &paged.page).await?;
        grpc::answer(pb::ListProductsResponse {
            meta: Some(paged.meta(&page, &self.0.sealer)),
            products: self.all_to_pb(&page.items, &tree),
        })
    }

    async fn search_products(
        &self,
        request: Request<pb::SearchProductsRequest>,
    ) -> Answered<pb::SearchProductsResponse> {
        let (call, mut message) = grpc::open(request)?;
        let paged = Paged::new(&self.0.sealer, &call, take_paging!(message), &message)?;
        let asked = convert::search_to_list(message);
        let sort = convert::sort(asked.sort(), &asked.search)?;
        let tree = self.tree().await?;
        let filter = Filter {
            words: Some(fold(&asked.search)),
            ..convert::filter(&asked, &tree, self.sight(&call).await?)?
        };
        let page = self.list(&call.caller, &filter, sort, &paged.page).await?;
        grpc::answer(pb::SearchProductsResponse {
            meta: Some(paged.meta(&page, &self.0.sealer)),
            products: self.all_to_pb(&page.items, &tree),
        })
    }

    async fn list_featured_products(
        &self,
        request: Request<pb::ListFeaturedProductsRequest>,
    ) -> Answered<pb::ListFeaturedProductsResponse> {
        let (call, mut message) = grpc::open(request)?;
        let paged = Paged::new(&self.0.sealer, &call, take_paging!(message), &message)?;
        let page = self.list_featured(&call, &paged.page).await?;
        let tree = self.tree().await?;
        grpc::answer(pb::ListFeaturedProductsResponse {
            meta: Some(paged.meta(&page, &self.0.sealer)),
            products: self.all_to_pb(&page.items, &tree),
        })
    }

    async fn list_my_products(
        &self,
        request: Request<pb::ListMyProductsRequest>,
    ) -> Answered<pb::ListMyProductsResponse> {
        let (call, mut message) = grpc::open(request)?;
        let paged = Paged::new(&self.0.sealer, &call, take_paging!(message), &message)?;
        let filter = self.mine(&call, &message).await?;
        let sort = super::list::Sort::Newest;
        let page = self.list(&call.caller, &filter, sort, &paged.page).await?;
        let tree = self.tree().await?;
        grpc::answer(pb::ListMyProductsResponse {
            meta: Some(paged.meta(&page, &self.0.sealer)),
            products: self.all_to_pb(&page.items, &tree),
        })
    }

    async fn get_product(
        &self,
        request: Request<pb::GetProductRequest>,
    ) -> Answered<pb::GetProductResponse> {
        let (call, message) = grpc::open(request)?;
        let product = self.visible(&call, grpc::id("id", &message.id)?).await?;
        let tree = self.tree().await?;
        grpc::answer(pb::GetProductResponse {
            product: Some(self.to_pb(&product, &tree)),
        })
    }

    async fn get_product_by_slug(
        &self,
        request: Request<pb::GetProductBySlugRequest>,
    ) -> Answered<pb::GetProductBySlugResponse> {
        let (call, message) = grpc::open(request)?;
        let product = self.by_slug(&message.slug).await?;
        self.check_sight(&call, &product).await?;
        let tree = self.tree().await?;
        grpc::answer(pb::GetProductBySlugResponse {
            product: Some(self.to_pb(&product, &tree)),
        })
    }

    async fn create_product(
        &self,
        request: Request<pb::CreateProductRequest>,
    ) -> Answered<pb::CreateProductResponse> {
        let (call, message) = grpc::open(request)?;
        let store = grpc::optional_id("storeId", &message.store_id)?;
        let store = self.store_for(&call, store).await?;
        let tree = self.tree().await?;
        let category = convert::category(&message.category, &tree)?;
        let (call, new, tree) = (&call, &convert::new_product(message, category)?, &tree);
        let write = |tx| async move {
            let product = self.create(&tx, call, store, new).await?;
            Ok(pb::CreateProductResponse {
                product: Some(self.to_pb(&product, tree)),
            })
        };
        grpc::reply(self.0.db.write(call, write).await?)
    }

    async fn update_product(
        &self,
        request: Request<pb::UpdateProductRequest>,
    ) -> Answered<pb::UpdateProductResponse> {
        let (call, message) = grpc::open(request)?;
        let id = grpc::id("id", &message.id)?;
        let tree = self.tree().await?;
        let category = message.category.as_deref();
        let category = category
            .map(|word| convert::category(word, &tree))
            .transpose()?;
        let (call, update, tree) = (&call, &convert::update(message, category)?, &tree);
        let write = |tx| async move {
            let product = self.update(&tx, call, id, update, tree).await?;
            Ok(pb::UpdateProductResponse {
                product: Some(self.to_pb(&product, tree)),
            })
        };
        grpc::reply(self.0.db.write(call, write).await?)
    }

    async fn publish_product(
        &self,
        request: Request<pb::PublishProductRequest>,
    ) -> Answered<pb::PublishProductResponse> {
        let (call, message) = grpc::open(request)?;
        let (call, id) = (&call, grpc::id("id", &message.id)?);
        let tree = &self.tree().await?;
        let write = |tx| async move {
            let product = self.step(&tx, call, id, Step::Publish).await?;
            Ok(pb::PublishProductResponse {
                product: Some(self.to_pb(&product, tree)),
            })
        };
        grpc::reply(self.0.db.write(call, write).await?)
    }

    async fn unpublish_product(
        &self,
        request: Request<pb::UnpublishProductRequest>,
    ) -> Answered<pb::UnpublishProductResponse> {
        let (call, message) = grpc::open(request)?;
        let (call, id) = (&call, grpc::id("id", &message.id)?);
        let tree = &self.tree().await?;
        let write = |tx| async move {
            let product = self.step(&tx, call, id, Step::Unpublish).await?;
            Ok(pb::UnpublishProductResponse {
                product: Some(self.to_pb(&product, tree)),
            })
        };
        grpc::reply(self.0.db.write(call, write).await?)
    }

    async fn set_product_featured(
        &self,
        request: Request<pb::SetProductFeaturedRequest>,
    ) -> Answered<pb::SetProductFeaturedResponse> {
        let (call, message) = grpc::open(request)?;
        let (id, featured) = (grpc::id("id", &message.id)?, message.featured);
        let tree = &self.tree().await?;
        let write = |tx| async move {
            let product = self.feature(&tx, id, featured).await?;
            Ok(pb::SetProductFeaturedResponse {
                product: Some(self.to_pb(&product, tree)),
            })
        };
        grpc::reply(self.0.db.write(&call, write).await?)
    }

    async fn delete_product(
        &self,
        request: Request<pb::DeleteProductRequest>,
    ) -> Answered<pb::DeleteProductResponse> {
        let (call, message) = grpc::open(request)?;
        let (call, id) = (&call, grpc::id("id", &message.id)?);
        let write = |tx| async move {
            self.step(&tx, call, id, Step::Delete).await?;
            Ok(pb::DeleteProductResponse {})
        };
        grpc::reply(self.0.db.write(call, write).await?)
    }

    async fn remove_product_image(
        &self,
        request: Request<pb::RemoveProductImageRequest>,
    ) -> Answered<pb::RemoveProductImageResponse> {
        let (call, message) = grpc::open(request)?;
        let (call, id) = (&call, grpc::id("id", &message.id)?);
        let image = grpc::id("imageId", &message.image_id)?;
        let tree = &self.tree().await?;
        let write = |tx| async move {
            let product = self.remove_image(&tx, call, id, image).await?;
            Ok(pb::RemoveProductImageResponse {
                product: Some(self.to_pb(&product, tree)),
            })
        };
        grpc::reply(self.0.db.write(call, write).await?)
    }
}

impl Catalog {
    fn to_pb(&self, product: &Product, tree: &Tree) -> pb::Product {
        let category = product.category_id.map(CategoryId::from);
        let category = category.and_then(|id| tree.get(id));
        let name = category.map_or("", |category| category.name.as_str());
        product_to_pb(product, name, self.0.db.clock().now())
    }

    fn all_to_pb(&self, products: &[Product], tree: &Tree) -> Vec<pb::Product> {
        products
            .iter()
            .map(|product| self.to_pb(product, tree))
            .collect()
    }

    /// The products that the caller's request means among those of the caller's stores.
    async fn mine(&self, call: &Call, message: &pb::ListMyProductsRequest) -> Result<Filter> {
        let named = grpc::optional_id("storeId", &message.store_id)?;
        let (stores, conn) = (&self.0.stores, self.0.db.read());
        let stores = stores.own_or_named(conn, call, named).await?;
        let status = convert::status(message.status());
        let words = message.search.trim();
        Ok(Filter {
            words: (!words.is_empty()).then(|| fold(words)),
            ..Filter::all(Among::OfStores { stores, status })
        })
    }
}
