//! The names that override a default when they stand in a handler's block.

/// A function of the block that replaces a hook of `RequestHandler`.
#[derive(Debug, PartialEq)]
pub(crate) struct ReservedFunction {
    pub(crate) name: &'static str,
    /// What the user has to write behind the name, as messages show it.
    pub(crate) rest: &'static str,
    /// How many of them follow `&self`.
    pub(crate) arguments: usize,
    /// What becomes of the returned value.
    pub(crate) returns: Returns,
}

/// How the value of a reserved function becomes what the trait wants.
#[derive(Debug, PartialEq)]
pub(crate) enum Returns {
    /// It is what the trait wants.
    AsIs,
    /// `error_page` returns text or anything else that `ErrorPage` can be made from.
    ErrorPage,
    /// `version_string` returns any text that `String` can be made from.
    Text,
    /// `handle_expect_100` returns a `Result` of any error that `?` would convert.
    Handled,
}

/// A constant of the block that replaces what a method of `RequestHandler` returns.
#[derive(Debug, PartialEq)]
pub(crate) struct ReservedConstant {
    pub(crate) name: &'static str,
    /// The method of the trait that returns it.
    pub(crate) getter: &'static str,
    pub(crate) kind: ConstantKind,
}

/// The types that reserved constants have.
#[derive(Debug, PartialEq)]
pub(crate) enum ConstantKind {
    /// `&str`
    Text,
    /// `Version`
    Version,
}

impl ReservedFunction {
    /// The beginning of the function as it has to be written.
    pub(crate) fn usage(&self) -> String {
        format!("fn {}{}", self.name, self.rest)
    }
}

impl ReservedConstant {
    /// The beginning of the constant as it has to be written.
    pub(crate) fn usage(&self) -> String {
        let ty = match self.kind {
            ConstantKind::Text => "&str",
            ConstantKind::Version => "Version",
        };
        format!("const {}: {ty}", self.name)
    }
}

/// The reserved constant that is called `name`.
pub(crate) fn constant(name: &str) -> Option<&'static ReservedConstant> {
    CONSTANTS.iter().find(|constant| constant.name == name)
}

/// The reserved function that is called `name`.
pub(crate) fn function(name: &str) -> Option<&'static ReservedFunction> {
    FUNCTIONS.iter().find(|function| function.name == name)
}

pub(crate) const CONSTANTS: [ReservedConstant; 4] = [
    ReservedConstant { name: "SERVER_VERSION", getter: "server_version", kind: ConstantKind::Text },
    ReservedConstant { name: "SYS_VERSION", getter: "sys_version", kind: ConstantKind::Text },
    ReservedConstant {
        name: "PROTOCOL_VERSION",
        getter: "protocol_version",
        kind: ConstantKind::Version,
    },
    ReservedConstant {
        name: "ERROR_CONTENT_TYPE",
        getter: "error_content_type",
        kind: ConstantKind::Text,
    },
];

pub(crate) const FUNCTIONS: [ReservedFunction; 7] = [
    ReservedFunction {
        name: "error_page",
        rest: "(&self, http: &Exchange<'_>, error: &HttpError) -> String",
        arguments: 2,
        returns: Returns::ErrorPage,
    },
    ReservedFunction {
        name: "handle_expect_100",
        rest: "(&self, http: &mut Exchange<'_>) -> basehttp::Result<()>",
        arguments: 1,
        returns: Returns::Handled,
    },
    ReservedFunction {
        name: "log_request",
        rest: "(&self, http: &Exchange<'_>, status: Status, size: u64)",
        arguments: 3,
        returns: Returns::AsIs,
    },
    ReservedFunction {
        name: "log_error",
        rest: "(&self, http: &Exchange<'_>, message: std::fmt::Arguments<'_>)",
        arguments: 2,
        returns: Returns::AsIs,
    },
    ReservedFunction {
        name: "log_message",
        rest: "(&self, http: &Exchange<'_>, message: std::fmt::Arguments<'_>)",
        arguments: 2,
        returns: Returns::AsIs,
    },
    ReservedFunction {
        name: "verify_request",
        rest: "(&self, peer: &PeerAddress) -> bool",
        arguments: 1,
        returns: Returns::AsIs,
    },
    ReservedFunction {
        name: "version_string",
        rest: "(&self) -> String",
        arguments: 0,
        returns: Returns::Text,
    },
];
