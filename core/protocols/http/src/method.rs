//! Request methods (RFC 9110, 9.3).

/// The method of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Method {
    /// Transfers a representation.
    Get,
    /// Like `Get`, but the answer has no content.
    Head,
    /// Processes the content.
    Post,
    /// Replaces a representation.
    Put,
    /// Changes a representation.
    Patch,
    /// Removes a representation.
    Delete,
    /// Requests the list of allowed methods.
    Options,
}

impl Method {
    pub(crate) const ALL: [Self; 7] =
        [Self::Get, Self::Head, Self::Post, Self::Put, Self::Patch, Self::Delete, Self::Options];

    /// Returns the method's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
        }
    }

    pub(crate) fn of(name: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name().as_bytes() == name)
    }
}
