//! Finds the binding of a method and path. Paths are compared segment by segment; a
//! literal beats a variable, and a route that lacks the method gives way to one that
//! has it.

use http::Method;

use crate::pb::routes::Route;

/// The most variables that a pattern may have.
const MAX_VARIABLES: usize = 4;

/// HTTP methods that routes may have, in the order of the `Allow` header.
const VERBS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];
/// `HEAD` is answered wherever `GET` is.
const GET: usize = 0;

/// The tree of all patterns. Built once; a look-up allocates nothing.
#[derive(Debug, Default)]
pub struct Router {
    nodes: Vec<Node>,
}

#[derive(Debug, Default)]
struct Node {
    /// Sorted by segment.
    literals: Vec<(&'static str, usize)>,
    variable: Option<usize>,
    /// The route of each verb, by its place in the table.
    routes: [Option<usize>; VERBS.len()],
}

/// What a path led to.
#[derive(Debug, PartialEq, Eq)]
pub enum Match<'p> {
    /// The route's place in the table, and the raw segments of its variables in the
    /// pattern's order.
    Found(usize, Captures<'p>),
    /// The path is known, but not with this method; the `Allow` header's value.
    WrongMethod(String),
    /// Nothing is bound to the path.
    Unknown,
}

/// The path segments that variables matched, still percent-encoded.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Captures<'p> {
    segments: [&'p str; MAX_VARIABLES],
    len: usize,
}

impl<'p> Captures<'p> {
    /// In the pattern's order.
    pub fn iter(&self) -> impl Iterator<Item = &'p str> {
        self.segments.into_iter().take(self.len)
    }
}

impl Router {
    /// Builds the tree; a route is found by its place in `routes`.
    pub fn new(routes: &[Route]) -> Self {
        let mut router = Self {
            nodes: vec![Node::default()],
        };
        for (index, route) in routes.iter().enumerate() {
            let Some(verb) = VERBS.iter().position(|verb| *verb == route.method) else {
                continue;
            };
            let node = router.node(route.pattern);
            router.nodes[node].routes[verb] = Some(index);
        }
        router
    }

    fn node(&mut self, pattern: &'static str) -> usize {
        let mut at = 0;
        for segment in pattern.split('/').filter(|segment| !segment.is_empty()) {
            at = match segment.starts_with('{') {
                true => self.variable(at),
                false => self.literal(at, segment),
            };
        }
        at
    }

    fn variable(&mut self, at: usize) -> usize {
        if let Some(next) = self.nodes[at].variable {
            return next;
        }
        let next = self.grow();
        self.nodes[at].variable = Some(next);
        next
    }

    fn literal(&mut self, at: usize, segment: &'static str) -> usize {
        match self.nodes[at]
            .literals
            .binary_search_by(|(known, _)| (*known).cmp(segment))
        {
            Ok(place) => self.nodes[at].literals[place].1,
            Err(place) => {
                let next = self.grow();
                self.nodes[at].literals.insert(place, (segment, next));
                next
            }
        }
    }

    fn grow(&mut self) -> usize {
        self.nodes.push(Node::default());
        self.nodes.len() - 1
    }

    /// The route of a request. One slash at the end of the path makes no difference.
    pub fn find<'p>(&self, method: &Method, path: &'p str) -> Match<'p> {
        let path = path.strip_prefix('/').unwrap_or(path);
        let path = path.strip_suffix('/').unwrap_or(path);
        let rest = (!path.is_empty()).then_some(path);
        let verb = match method {
            &Method::HEAD => Some(GET),
            method => VERBS.iter().position(|verb| *verb == method.as_str()),
        };
        let mut search = Search {
            router: self,
            verb,
            captures: Captures::default(),
            allowed: [false; VERBS.len()],
        };
        match search.walk(0, rest) {
            Some(route) => Match::Found(route, search.captures),
            None if search.allowed.contains(&true) => Match::WrongMethod(allow(search.allowed)),
            None => Match::Unknown,
        }
    }
}

struct Search<'r, 'p> {
    router: &'r Router,
    verb: Option<usize>,
    captures: Captures<'p>,
    /// The verbs of every node that the whole path led to.
    allowed: [bool; VERBS.len()],
}

impl<'p> Search<'_, 'p> {
    /// The route below node `at` that the `rest` of the path leads to.
    fn walk(&mut self, at: usize, rest: Option<&'p str>) -> Option<usize> {
        let node = self.router.nodes.get(at)?;
        let Some(rest) = rest else {
            return self.end(node);
        };
        let (head, tail) = match rest.split_once('/') {
            Some((head, tail)) => (head, Some(tail)),
            None => (rest, None),
        };
        let literal = node
            .literals
            .binary_search_by(|(known, _)| (*known).cmp(head));
        if let Ok(place) = literal
            && let Some(route) = self.walk(node.literals[place].1, tail)
        {
            return Some(route);
        }
        let next = node.variable?;
        if head.is_empty() || self.captures.len == MAX_VARIABLES {
            return None;
        }
        self.captures.segments[self.captures.len] = head;
        self.captures.len += 1;
        let found = self.walk(next, tail);
        if found.is_none() {
            self.captures.len -= 1;
        }
        found
    }

    fn end(&mut self, node: &Node) -> Option<usize> {
        let found = self.verb.and_then(|verb| node.routes[verb]);
        if found.is_none() {
            for (allowed, route) in self.allowed.iter_mut().zip(node.routes) {
                *allowed |= route.is_some();
            }
        }
        found
    }
}

fn allow(allowed: [bool; VERBS.len()]) -> String {
    let mut words = Vec::with_capacity(VERBS.len() + 1);
    for (verb, _) in VERBS.iter().zip(allowed).filter(|(_, allowed)| *allowed) {
        words.push(*verb);
        if *verb == VERBS[GET] {
            words.push("HEAD");
        }
    }
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pb::routes::{Body, ROUTES};

    const fn route(method: &'static str, pattern: &'static str) -> Route {
        Route {
            method,
            pattern,
            grpc_path: "",
            body: Body::None,
            headers: &[],
            primary: true,
        }
    }

    const TABLE: &[Route] = &[
        route("GET", "/"),
        route("GET", "/api/orders"),
        route("GET", "/api/orders/{id}"),
        route("PUT", "/api/orders/{id}"),
        route("GET", "/api/orders/number/{number}"),
        route("GET", "/api/orders/summary"),
        route("POST", "/api/orders/{id}/cancel"),
        route("DELETE", "/api/stores/{store_id}/managers/{user_id}"),
    ];

    fn found(method: Method, path: &str) -> Option<(&'static str, Vec<&str>)> {
        match Router::new(TABLE).find(&method, path) {
            Match::Found(route, captures) => {
                Some((TABLE[route].pattern, captures.iter().collect()))
            }
            Match::WrongMethod(_) | Match::Unknown => None,
        }
    }

    #[test]
    fn a_literal_beats_a_variable() {
        assert_eq!(
            found(Method::GET, "/api/orders/summary"),
            Some(("/api/orders/summary", vec![]))
        );
        assert_eq!(
            found(Method::GET, "/api/orders/ord_1"),
            Some(("/api/orders/{id}", vec!["ord_1"]))
        );
        assert_eq!(
            found(Method::GET, "/api/orders/number/cancel"),
            Some(("/api/orders/number/{number}", vec!["cancel"]))
        );
    }

    #[test]
    fn a_literal_without_the_method_gives_way_to_a_variable_with_it() {
        assert_eq!(
            found(Method::PUT, "/api/orders/summary"),
            Some(("/api/orders/{id}", vec!["summary"]))
        );
        assert_eq!(
            found(Method::POST, "/api/orders/number/cancel"),
            Some(("/api/orders/{id}/cancel", vec!["number"]))
        );
    }

    #[test]
    fn variables_come_in_the_order_of_the_pattern() {
        assert_eq!(
            found(Method::DELETE, "/api/stores/s%201/managers/u2"),
            Some((
                "/api/stores/{store_id}/managers/{user_id}",
                vec!["s%201", "u2"]
            ))
        );
    }

    #[test]
    fn one_slash_at_the_end_and_head_are_tolerated() {
        assert_eq!(found(Method::GET, "/"), Some(("/", vec![])));
        assert_eq!(
            found(Method::GET, "/api/orders/"),
            Some(("/api/orders", vec![]))
        );
        assert_eq!(
            found(Method::HEAD, "/api/orders"),
            Some(("/api/orders", vec![]))
        );
        assert_eq!(found(Method::GET, "/api/orders//"), None);
        assert_eq!(found(Method::GET, "//api/orders"), None);
    }

    #[test]
    fn a_known_path_with_another_method_lists_the_allowed_ones() {
        let router = Router::new(TABLE);
        assert_eq!(
            router.find(&Method::PATCH, "/api/orders/ord_1"),
            Match::WrongMethod("GET, HEAD, PUT".to_owned())
        );
        assert_eq!(
            router.find(&Method::TRACE, "/api/orders/ord_1/cancel"),
            Match::WrongMethod("POST".to_owned())
        );
        assert_eq!(router.find(&Method::GET, "/api"), Match::Unknown);
        assert_eq!(
            router.find(&Method::GET, "/api/orders/a/b/c"),
            Match::Unknown
        );
    }

    #[test]
    fn every_route_of_the_contract_is_found() {
        let router = Router::new(ROUTES);
        for (index, route) in ROUTES.iter().enumerate() {
            let path = route.pattern.replace(['{', '}'], "x");
            let method = Method::from_bytes(route.method.as_bytes()).expect("a method");
            match router.find(&method, &path) {
                Match::Found(found, _) => assert_eq!(found, index, "{path}"),
                other => panic!("{path}: {other:?}"),
            }
        }
    }
}
