//! Many programs behind one cabinet's limits: the server over a client, with keys, shares and queues of its own.
//! The conversations stay with the upstream; what it keeps is keys, the audit and what the archive has.
