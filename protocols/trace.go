package protocols

import "time"

// EventKind says what happened on a connection.
type EventKind string

// The kinds of trace events.
const (
	EventResolve EventKind = "resolve" // a name was looked up
	EventConnect EventKind = "connect" // a connection stands, Text is the peer's address
	EventProxy   EventKind = "proxy"   // a proxy was asked
	EventTLS     EventKind = "tls"     // a handshake was done, Text has version and cipher
	EventSend    EventKind = "send"    // a line went out, secrets masked
	EventRecv    EventKind = "recv"    // a line came in
	EventData    EventKind = "data"    // content moved, Bytes of it; Text says which way
	EventClose   EventKind = "close"
	EventNote    EventKind = "note"    // anything worth telling: a retry, a fallback
	EventWarning EventKind = "warning" // what the user should know: an unverified server
	EventError   EventKind = "error"
)

// Event is one step of a conversation. Secrets are masked where the event is
// made, so that no sink can print them.
type Event struct {
	Time     time.Time
	Conn     int64 // number of the connection, from 1; 0 when there is none
	Protocol string
	Host     string // of the server that the client is for, with the port where its URL has one
	Channel  string // "control", "data" or empty
	Kind     EventKind
	Text     string
	Bytes    int64
	Took     time.Duration // how long the step took, when that is known
	Head     string        // how the content of EventData begins, where it is text and known
}
