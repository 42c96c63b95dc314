//! The messages of a chat.

/// The author of a part of a chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The template: the marks of the chat format, and text of its own.
    Template,
    System,
    User,
    Assistant,
}

/// A message and its author.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub role: Role,
    pub content: String,
}

impl Role {
    /// The name that templates use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Template => "template",
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }
}
