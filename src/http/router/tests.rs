use super::*;
use crate::{dialect::Dialect, provider::Switches, scim::schema::ResourceTypes, store::UniqueId};

fn tenants(all: &[(&str, &str)], public_url: Option<&str>) -> Tenants {
    let tenant = |(name, base_path): &(&str, &str)| {
        Arc::new(Tenant {
            name: TenantName((*name).into()),
            base_path: (*base_path).to_owned(),
            dialect: Dialect::named("auto").unwrap(),
            unique_id: UniqueId::default(),
            switches: Switches::default(),
            types: ResourceTypes::core(),
        })
    };
    Tenants::new(all.iter().map(tenant).collect(), public_url)
}

#[test]
fn a_path_belongs_to_the_longest_base_path_that_ends_at_a_slash() {
    let tenants =
        tenants(&[("root", ""), ("scim", "/scim"), ("v2", "/scim/v2"), ("x", "/a/very/long/base/path")], None);
    for (path, expected) in [
        ("/Users", ("root", "/Users")),
        ("/scim", ("scim", "")),
        ("/scim/", ("scim", "/")),
        ("/scim/Users", ("scim", "/Users")),
        ("/scim/v2/Users/1", ("v2", "/Users/1")),
        ("/scim/v22/Users", ("scim", "/v22/Users")),
        ("/scimv2", ("root", "/scimv2")),
        ("/a/very/long/base/path", ("x", "")),
        ("/a/very/long/base/pathy", ("root", "/a/very/long/base/pathy")),
    ] {
        let (name, rest) = tenants.owner(path).unwrap();
        assert_eq!((&*name.0, rest), expected, "{path}");
    }
}

#[test]
fn a_path_of_slashes_alone_ends_the_search() {
    let tenants = tenants(&[("v2", "/scim/v2")], None);
    assert_eq!(tenants.owner(&"/".repeat(8192)), None);
    assert_eq!(tenants.owner(""), None);
    assert_eq!(tenants.owner("*"), None);
}

#[test]
fn a_key_opens_its_own_tenant_alone() {
    let tenants = tenants(&[("acme", "/acme"), ("umbra", "/umbra")], Some("https://scim.example"));
    let caller = Authenticated { tenant: TenantName("acme".into()), actor: "id".into() };
    let (served, rest) = tenants.find(&caller, "/acme/Users").unwrap();
    assert_eq!((served.base_uri.as_deref(), rest), (Some("https://scim.example/acme"), "/Users"));
    let status = |path| tenants.find(&caller, path).map(|_| ()).unwrap_err().http_status();
    assert_eq!((status("/umbra/Users"), status("/nobody/Users")), (401, 404));
}

#[test]
fn the_base_uri_is_what_the_client_sees() {
    let tls = Connection { is_tls: true };
    let plain = Connection { is_tls: false };
    for (uri, host, connection, expected) in [
        ("/scim/Users", Some("h.example"), tls, Some("https://h.example/scim")),
        ("/scim/Users", Some("h.example:8080"), plain, Some("http://h.example:8080/scim")),
        ("/scim/Users", Some("[::1]:8080"), plain, Some("http://[::1]:8080/scim")),
        // As HTTP/2 and clients of proxies write it; then it wins over Host (RFC 9112 §3.2.2).
        ("https://a.example/scim/Users", Some("h.example"), tls, Some("https://a.example/scim")),
        ("/scim/Users", None, tls, None),
        ("/scim/Users", Some(""), tls, None),
        ("/scim/Users", Some("u@h"), tls, None),
        ("/scim/Users", Some("h/x?y"), tls, None),
        ("/scim/Users", Some("h\"x"), tls, None),
    ] {
        let mut request = Request::get(uri);
        if let Some(host) = host {
            request = request.header(header::HOST, host);
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        assert_eq!(base_uri(&head, connection, "/scim").ok().as_deref(), expected, "{uri} {host:?}");
    }
}

#[test]
fn several_lines_of_a_precondition_are_one_list() {
    let request = Request::get("/").header("if-match", "W/\"1\"").header("if-match", "W/\"2\", W/\"3\"");
    let (head, ()) = request.body(()).unwrap().into_parts();
    let preconditions = preconditions(&head.headers).unwrap();
    assert_eq!(preconditions.if_match.as_deref(), Some("W/\"1\", W/\"2\", W/\"3\""));
    assert_eq!(preconditions.if_none_match, None);
}
