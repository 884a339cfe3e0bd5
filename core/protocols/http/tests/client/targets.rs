//! Redirects and host names.

use crate::*;

#[test]
fn redirects_are_followed_up_to_a_limit() {
    let redirect = |code: u16, to: &str| {
        format!("HTTP/1.1 {code} There\r\nLocation: {to}\r\nContent-Length: 3\r\n\r\nbye")
    };
    let mut wire = Wire::new();
    wire.get("/a");
    wire.sent();
    wire.answer(redirect(302, "/b?c").as_bytes());
    assert_eq!(wire.sent(), "GET /b?c HTTP/1.1\r\nHost: pump\r\n\r\n");
    wire.answer(redirect(301, "http://192.0.2.5:81/c").as_bytes());
    assert_eq!(wire.sent(), "GET /c HTTP/1.1\r\nHost: 192.0.2.5:81\r\n\r\n");
    assert_eq!(wire.connects[2], "192.0.2.5:81".parse().unwrap());
    wire.answer(HELLO);
    assert_eq!((wire.outcomes(), wire.content().as_str()), (vec![Ok(200)], "hello"));
    // The server sends one redirect more than the limit.
    wire.get("/");
    for _ in 0..3 {
        wire.answer(redirect(307, "/").as_bytes());
    }
    assert_eq!(wire.outcomes(), [Err(CallError::Redirects)]);
    // A redirect to a URL that is not HTTP is not followed.
    wire.get("/");
    wire.answer(redirect(302, "https://pump/").as_bytes());
    assert_eq!((wire.outcomes(), wire.content().as_str()), (vec![Ok(302)], "bye"));
    assert!(wire.app.names.is_empty());
    // After status 303, the client repeats the request of a form with `GET` and without content.
    let mut wire = Wire::new();
    wire.app.uploads = 3;
    let form =
        ClientRequest::new(Method::Post, server(), "pump", "/form").content(Length::Known(3));
    wire.request(&form).unwrap();
    wire.sent();
    wire.answer(redirect(303, "/done").as_bytes());
    assert_eq!(wire.sent(), "GET /done HTTP/1.1\r\nHost: pump\r\n\r\n");
    wire.answer(HELLO);
    assert_eq!(wire.outcomes(), [Ok(200)]);
}

#[test]
fn a_redirect_to_another_server_drops_secrets() {
    let fields = "Authorization: Basic x\r\nRange: bytes=5-\r\nCookie: a=b\r\n";
    let mut wire = Wire::new();
    wire.request(&ClientRequest::get(server(), "pump", "/").fields(fields)).unwrap();
    let redirect =
        |to| format!("HTTP/1.1 302 There\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n");
    wire.sent();
    wire.answer(redirect("/same").as_bytes());
    assert_eq!(wire.sent(), format!("GET /same HTTP/1.1\r\nHost: pump\r\n{fields}\r\n"));
    wire.answer(redirect("http://other/").as_bytes());
    assert_eq!(wire.sent(), "GET / HTTP/1.1\r\nHost: other\r\nRange: bytes=5-\r\n\r\n");
    wire.answer(HELLO);
    assert_eq!((wire.outcomes(), wire.app.names.len()), (vec![Ok(200)], 1));
}

#[test]
fn requests_can_go_to_host_names() {
    let named = |host| ClientRequest::named(Method::Get, host, "/");
    let mut wire = Wire::new();
    for _ in 0..2 {
        wire.request(&named("pump:8080")).unwrap();
        wire.answer(HELLO);
    }
    // A connection is reused for the same name and port. Upper and lower case of the name are equal.
    wire.request(&named("PUMP:8080")).unwrap();
    wire.answer(HELLO);
    assert_eq!((wire.outcomes(), wire.connects.len()), (vec![Ok(200); 3], 1));
    assert_eq!(wire.app.names, ["pump 8080"]);
    assert!(wire.sent().ends_with("GET / HTTP/1.1\r\nHost: PUMP:8080\r\n\r\n"));
    for (host, name) in [("pump", "pump 80"), ("[fe80::1]:81", "fe80::1 81")] {
        wire.request(&named(host)).unwrap();
        wire.answer(HELLO);
        assert_eq!(wire.app.names.last().map(String::as_str), Some(name));
    }
    // An address is not looked up.
    wire.request(&named("192.0.2.9:81")).unwrap();
    wire.answer(HELLO);
    assert_eq!(wire.connects[3], "192.0.2.9:81".parse().unwrap());
    assert_eq!((wire.outcomes(), wire.app.names.len()), (vec![Ok(200); 3], 3));
    for bad in ["u@a", "a:x", "a:99999", "[::1", "a/b"] {
        assert_eq!(wire.request(&named(bad)), Err(CallError::BadRequest), "{bad}");
    }
}

#[test]
fn a_name_that_cannot_be_looked_up_is_an_error() {
    let nobody = ClientRequest::named(Method::Get, "nobody", "/");
    let mut wire = Wire::new();
    assert_eq!(wire.request(&nobody), Err(CallError::Unresolved));
    assert_eq!((wire.outcomes(), wire.app.http.is_busy()), (vec![], false));
    wire.get("/");
    wire.answer(HELLO);
    // The keep-alive connection to the other server is closed first.
    wire.request(&nobody).unwrap();
    assert_eq!(wire.outcomes(), [Ok(200), Err(CallError::Unresolved)]);
    wire.get("/");
    wire.answer(b"HTTP/1.1 302 There\r\nLocation: http://nobody/\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(wire.outcomes(), [Err(CallError::Unresolved)]);
    wire.get("/");
    wire.answer(HELLO);
    assert_eq!(wire.outcomes(), [Ok(200)]);
}
