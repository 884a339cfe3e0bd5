//! Who asks: Basic authentication (RFC 7617), and cookies (RFC 6265).

use crate::base64;
use crate::buffer::Buffer;
use crate::number::Decimal;
use crate::reply::{Head, Length, ReplyError};
use crate::request::Request;
use crate::status::Status;
use crate::text::{ascii, is_same, is_word, parts, split_at_byte};

/// Passwords and cookies.
///
/// A site with a password, which is asked for in a route's [`before`](crate::Route::before). The header field
/// has to be among [`Site::HEADERS`](crate::Site::HEADERS):
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
    /// Returns whether the client has sent this name and this password, in the field `Authorization`, which has
    /// to be kept. Both are 64 bytes together at most. The time that it takes does not tell how much of them is
    /// right.
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

    /// Answers that a name and a password are needed. Browsers ask for them, and show the realm, which has no
    /// quotation marks.
    ///
    /// # Errors
    /// As [`reply`](Self::reply).
    pub fn ask_for_password(&mut self, realm: &str) -> Result<(), ReplyError> {
        let is_shown = |byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\';
        let realm = if realm.len() <= 64 && realm.bytes().all(is_shown) { realm } else { "" };
        let mut fields = Buffer::new();
        let field = "WWW-Authenticate: Basic realm=\"\0\", charset=\"UTF-8\"\r\n";
        fields.put(field, &[realm.as_bytes()]);
        let head = Head::bare(Status::UNAUTHORIZED, fields.as_bytes());
        self.write_head(&head, Length::Known(0), &[], 0)?;
        self.complete();
        Ok(())
    }

    /// Returns the value of a cookie, from the field `Cookie`, which has to be kept.
    pub fn cookie(&self, name: &str) -> Option<&[u8]> {
        let mut cookies =
            parts(self.header("Cookie")?, b';').filter_map(|pair| split_at_byte(pair, b'='));
        cookies.find(|(held, _)| *held == name.as_bytes()).map(|(_, value)| value)
    }
}

/// A cookie to set: the header field `Set-Cookie`, 128 bytes at most. It is for the whole site, not for
/// scripts, and not sent with requests from other sites.
pub struct SetCookie {
    text: Buffer,
}

impl SetCookie {
    /// Makes a cookie that lasts until the browser ends; `None` if name or value have other bytes than cookies
    /// may have, or are longer than 40 bytes together.
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

    /// Sets for how many seconds it lasts; zero deletes it.
    #[must_use]
    pub fn max_age(mut self, seconds: u32) -> Self {
        self.text.drop_last(2);
        self.text.put("; Max-Age=\0\r\n", &[Decimal::of(seconds).as_bytes()]);
        self
    }

    /// Returns the field, for [`Reply::fields`](crate::Reply::fields).
    pub fn field(&self) -> &str {
        ascii(self.text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_has_only_what_cookies_may_have() {
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
