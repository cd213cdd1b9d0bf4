//! Pages for people and their tools: `/openapi.json`, and the interactive page at
//! `/api/docs`. Everything is built in, so the page works without a network.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use http_body_util::Full;
use prost_reflect::DescriptorPool;
use sha2::{Digest, Sha256};

use super::binding::Binding;
use super::problem::Problem;
use super::{Body, graphql, openapi};

/// The documentation page; its files stand below it.
const DOCS: &str = "/api/docs";
/// Swagger UI sets styles on elements and shows small inlined images; scripts and data
/// come from this server alone.
const CONTENT_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'",
);
/// Files of the page change only with the server's version.
const A_DAY: HeaderValue = HeaderValue::from_static("public, max-age=86400");
/// May be kept, but must be asked for again.
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");

const PAGE: &str = r#"<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>souk API</title>
    <link rel="stylesheet" href="/api/docs/swagger-ui.css">
    <link rel="icon" type="image/png" href="/api/docs/favicon-32x32.png">
  </head>
  <body>
    <div id="docs"></div>
    <script src="/api/docs/swagger-ui-bundle.js"></script>
    <script src="/api/docs/start.js"></script>
  </body>
</html>
"#;

const START: &str = r##"SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#docs",
  deepLinking: true,
  docExpansion: "none",
  filter: true,
  persistAuthorization: true,
  tryItOutEnabled: true,
  validatorUrl: null,
});
"##;

/// The files of the page that are served, of all that its package holds.
const FILES: [&str; 3] = [
    "swagger-ui.css",
    "swagger-ui-bundle.js",
    "favicon-32x32.png",
];

/// The pages, made when they are first asked for.
#[derive(Debug)]
pub struct Docs {
    pool: DescriptorPool,
    openapi: OnceLock<OpenApi>,
}

#[derive(Debug)]
struct OpenApi {
    json: Bytes,
    etag: HeaderValue,
}

impl Docs {
    /// The pages of the contract.
    pub fn new(pool: DescriptorPool) -> Self {
        Self {
            pool,
            openapi: OnceLock::new(),
        }
    }

    /// The page at a path.
    ///
    /// # Errors
    /// NOT_FOUND when there is none, METHOD_NOT_ALLOWED when it is not asked for by GET.
    pub fn page(
        &self,
        bindings: &[Binding],
        method: &Method,
        path: &str,
        headers: &HeaderMap,
    ) -> Result<Response<Body>, Problem> {
        let answer = match path.strip_suffix('/').unwrap_or(path) {
            "/openapi.json" => self.openapi(bindings, headers),
            "/api-docs" => redirect(),
            DOCS => page(PAGE.as_bytes(), "text/html; charset=utf-8"),
            path => path
                .strip_prefix(DOCS)
                .and_then(|rest| rest.strip_prefix('/'))
                .and_then(file)
                .or_else(|| graphql::page(path))
                .ok_or_else(Problem::unknown_path)?,
        };
        match *method {
            Method::GET | Method::HEAD => Ok(answer),
            _ => Err(Problem::wrong_method("GET, HEAD")),
        }
    }

    fn openapi(&self, bindings: &[Binding], headers: &HeaderMap) -> Response<Body> {
        let document = self.openapi.get_or_init(|| {
            let json = Bytes::from(openapi::document(&self.pool, bindings));
            let digest: String = Sha256::digest(&json)[..16]
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            OpenApi {
                json,
                // Weak: it names the text, not the bytes, which may be compressed.
                etag: HeaderValue::try_from(format!("W/\"{digest}\""))
                    .unwrap_or(HeaderValue::from_static("W/\"\"")),
            }
        });
        let known = headers.get(header::IF_NONE_MATCH);
        let is_known = known.is_some_and(|tags| holds(tags, &document.etag));
        let mut response = match is_known {
            true => {
                let mut response = Response::new(Body::empty());
                *response.status_mut() = StatusCode::NOT_MODIFIED;
                response
            }
            false => page(document.json.clone(), "application/json"),
        };
        let headers = response.headers_mut();
        headers.insert(header::ETAG, document.etag.clone());
        headers.insert(header::CACHE_CONTROL, ASK_AGAIN);
        headers.remove(header::CONTENT_SECURITY_POLICY);
        response
    }
}

/// Whether a list of entity tags holds this one.
fn holds(tags: &HeaderValue, etag: &HeaderValue) -> bool {
    let (Ok(tags), Ok(etag)) = (tags.to_str(), etag.to_str()) else {
        return false;
    };
    tags.split(',').any(|tag| {
        let tag = tag.trim();
        tag == "*" || tag == etag
    })
}

fn page(content: impl Into<Bytes>, kind: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::new(Full::new(content.into())));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, ASK_AGAIN);
    headers.insert(header::CONTENT_SECURITY_POLICY, CONTENT_POLICY);
    response
}

fn file(name: &str) -> Option<Response<Body>> {
    if name == "start.js" {
        return Some(page(START.as_bytes(), "text/javascript"));
    }
    let name = FILES.into_iter().find(|file| *file == name)?;
    let file = utoipa_swagger_ui::serve(name, Arc::default()).ok()??;
    let kind = match name.rsplit('.').next() {
        Some("css") => "text/css",
        Some("js") => "text/javascript",
        _ => "image/png",
    };
    let mut response = page(file.bytes.into_owned(), kind);
    response.headers_mut().insert(header::CACHE_CONTROL, A_DAY);
    Some(response)
}

fn redirect() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::FOUND;
    response
        .headers_mut()
        .insert(header::LOCATION, HeaderValue::from_static(DOCS));
    response
}
