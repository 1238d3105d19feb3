//! Messages on their way to the service, kept on disk: each is in its chat exactly once, whatever dies in between.
//! It knows no archive: what the chats hold is asked of the `ChatsApi` it sends through.
