//! The HTTP form of a method's answer: `{"success": true, …}`, a refusal, or events.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use http_body_util::Full;

use super::binding::Binding;
use super::problem::Problem;
use super::{Body, call, sse, wire};

/// The HTTP form of a method's answer.
pub async fn answer(
    binding: &Binding,
    response: Response<Body>,
    request_id: &str,
) -> Response<Body> {
    let (headers, body) = call::open(response);
    let body = match body {
        Ok(body) => body,
        Err(problem) => return refuse(headers, problem, request_id),
    };
    let codec = binding.method.output;
    if let Some(stream) = binding.stream {
        return sse::response(headers, body, codec, stream.message_token, request_id);
    }
    let written = match call::unary(body).await {
        Ok(message) => written(binding, &message),
        Err(problem) => Err(problem),
    };
    match written {
        Err(problem) => refuse(headers, problem, request_id),
        Ok((body, content_type)) => {
            let mut response = Response::new(body);
            *response.headers_mut() = headers;
            response
                .headers_mut()
                .insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
            if binding.created {
                *response.status_mut() = StatusCode::CREATED;
            }
            response
        }
    }
}

/// The body of a success and its type: JSON, unless the answer is one text.
fn written(binding: &Binding, message: &[u8]) -> Result<(Body, &'static str), Problem> {
    let Some(text) = binding.method.text else {
        return Ok((json_body(success(binding, message)?), "application/json"));
    };
    let text_of = wire::find(message, text.number).unwrap_or_default();
    let body = Full::new(Bytes::copy_from_slice(text_of));
    Ok((Body::new(body), text.content_type))
}

/// `{"success": true, …}` around the fields of the message, whose JSON is written in
/// place and not parsed again.
fn success(binding: &Binding, message: &[u8]) -> Result<Vec<u8>, Problem> {
    const START: &[u8] = br#"{"success":true"#;
    let mut json = Vec::with_capacity(START.len() + message.len() * 2 + 64);
    json.extend_from_slice(START);
    let start = json.len();
    let codec = binding.method.output;
    if let Err(error) = (codec.encode)(message, &mut json) {
        tracing::error!(%error, message = codec.full_name, "no JSON form");
        return Err(Problem::internal());
    }
    match json.get(start + 1) {
        Some(b'}') => json.truncate(start),
        _ => json[start] = b',',
    }
    if json.len() == start {
        json.push(b'}');
    }
    Ok(json)
}

fn refuse(headers: HeaderMap, problem: Problem, request_id: &str) -> Response<Body> {
    let mut response = problem.into_response(request_id);
    for (name, value) in &headers {
        response.headers_mut().entry(name).or_insert(value.clone());
    }
    response
}

/// A body of JSON text.
pub fn json_body(json: Vec<u8>) -> Body {
    Body::new(Full::new(Bytes::from(json)))
}
