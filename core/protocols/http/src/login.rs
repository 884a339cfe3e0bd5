//! Authentication with a password (Basic, RFC 7617), and cookies (RFC 6265).

use crate::base64;
use crate::buffer::Buffer;
use crate::number::Decimal;
use crate::reply::{Head, Length, ReplyError};
use crate::request::Request;
use crate::status::Status;
use crate::text::{ascii, is_same, is_word, parts, split_at_byte};

/// Passwords and cookies.
///
/// In this example, the function in a route's [`before`](crate::Route::before) requires a password. `Authorization` has
/// to be in [`Site::HEADERS`](crate::Site::HEADERS):
///
/// ```
/// use picoevent_http::{Reply, Request, Route, SetCookie, Status};
/// # struct App { visits: u32 }
/// const SETTINGS: Route<App> = Route::get("/settings", settings).before(guard);
///
/// fn guard(_: &mut App, request: &mut Request<App>) {
///     if !request.is_user("admin", "correct horse") {
///         let _ = request.ask_for_password("pump");
///     }
/// }
///
/// fn settings(app: &mut App, request: &mut Request<App>) {
///     if request.cookie("seen").is_none() {
///         app.visits += 1;
///     }
///     let Some(cookie) = SetCookie::new("seen", "1") else { return };
///     let cookie = cookie.max_age(3600);
///     let reply = Reply::html(Status::OK).fields(cookie.field());
///     let _ = request.reply(reply, b"<p>Settings");
/// }
/// # let _ = SETTINGS;
/// ```
impl<A: 'static> Request<'_, '_, '_, A> {
    /// Returns whether the client has sent this name and password in the field `Authorization`. The field has to be in
    /// `Site::HEADERS`. Name and password together may have at most 64 bytes. The time of the comparison does not
    /// depend on how many bytes are correct.
    pub fn is_user(&self, name: &str, password: &str) -> bool {
        let Some((scheme, code)) =
            self.header("Authorization").and_then(|value| split_at_byte(value, b' '))
        else {
            return false;
        };
        let mut sent = [0; 65];
        let length = base64::decode(code, &mut sent).filter(|_| is_same(scheme, b"basic"));
        let Some(sent) = length.and_then(|length| sent.get(..length)) else { return false };
        let wanted = name.bytes().chain(*b":").chain(password.bytes());
        let (mut differs, mut wanted) = (0_u8, wanted);
        for byte in sent {
            differs |= wanted.next().map_or(1, |wanted| wanted ^ byte);
        }
        differs == 0 && wanted.next().is_none()
    }

    /// Answers with 401, so that the client sends a name and a password. Browsers ask the user for the name and the
    /// password, and show `realm`. A realm of more than 64 bytes, or with quotation marks, backslashes or characters
    /// outside of printable ASCII, is replaced with an empty text.
    ///
    /// # Errors
    /// Returns the same errors as [`reply`](Self::reply).
    pub fn ask_for_password(&mut self, realm: &str) -> Result<(), ReplyError> {
        let is_allowed = |byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\';
        let realm = if realm.len() <= 64 && realm.bytes().all(is_allowed) { realm } else { "" };
        let mut fields = Buffer::new();
        let field = "WWW-Authenticate: Basic realm=\"\0\", charset=\"UTF-8\"\r\n";
        fields.put(field, &[realm.as_bytes()]);
        let head = Head::bare(Status::UNAUTHORIZED, fields.as_bytes());
        self.write_head(&head, Length::Known(0), &[], 0)?;
        self.complete();
        Ok(())
    }

    /// Returns the value of a cookie from the field `Cookie`. The field has to be in `Site::HEADERS`. Returns `None` if
    /// the client has not sent this cookie.
    pub fn cookie(&self, name: &str) -> Option<&[u8]> {
        let mut cookies =
            parts(self.header("Cookie")?, b';').filter_map(|pair| split_at_byte(pair, b'='));
        cookies.find(|(held, _)| *held == name.as_bytes()).map(|(_, value)| value)
    }
}

/// The header field `Set-Cookie`, at most 128 bytes. The cookie is valid for the whole site, is hidden from
/// scripts, and is not sent with requests from other sites.
pub struct SetCookie {
    text: Buffer,
}

impl SetCookie {
    /// Makes a cookie that lasts until the browser is closed. Returns `None` if `name` or `value` contain bytes that
    /// cookies cannot have, or are longer than 40 bytes together.
    pub fn new(name: &str, value: &str) -> Option<Self> {
        let is_value =
            |byte| matches!(byte, b'!' | b'#'..=b'+' | b'-'..=b':' | b'<'..=b'[' | b']'..=b'~');
        let is_short = name.len().saturating_add(value.len()) <= 40;
        if !is_short || !is_word(name.as_bytes()) || !value.bytes().all(is_value) {
            return None;
        }
        let mut text = Buffer::new();
        let field = "Set-Cookie: \0=\0; Path=/; HttpOnly; SameSite=Strict\r\n";
        text.put(field, &[name.as_bytes(), value.as_bytes()]);
        Some(Self { text })
    }

    /// Sets the lifetime in seconds. 0 deletes the cookie.
    #[must_use]
    pub fn max_age(mut self, seconds: u32) -> Self {
        self.text.drop_last(2);
        self.text.put("; Max-Age=\0\r\n", &[Decimal::of(seconds).as_bytes()]);
        self
    }

    /// Returns the header field, for [`Reply::fields`](crate::Reply::fields).
    pub fn field(&self) -> &str {
        ascii(self.text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_contains_only_allowed_bytes() {
        let cookie = SetCookie::new("id", "a-b").unwrap().max_age(60);
        assert_eq!(
            cookie.field(),
            "Set-Cookie: id=a-b; Path=/; HttpOnly; SameSite=Strict; Max-Age=60\r\n"
        );
        for (name, value) in
            [("", "a"), ("a b", "a"), ("a", "b;c"), ("a", "b\r\nc"), ("a", "\"b\""), ("a", "b,c")]
        {
            assert!(SetCookie::new(name, value).is_none(), "{name:?} {value:?}");
        }
        let long = SetCookie::new("a", "0123456789012345678901234567890123456789");
        assert!(long.is_none());
        let longest = SetCookie::new("a", "012345678901234567890123456789012345678");
        assert!(longest.unwrap().max_age(u32::MAX).field().ends_with("=4294967295\r\n"));
    }
}
