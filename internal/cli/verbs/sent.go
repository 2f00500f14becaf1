package verbs

import (
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/protocols"
)

// SentJSON is the result of one message.
type SentJSON struct {
	Protocol   string                `json:"protocol"`
	URL        string                `json:"url"`
	Line       int                   `json:"line,omitempty"` // of the batch, from 1
	MessageID  string                `json:"message_id,omitempty"`
	Bytes      int64                 `json:"bytes"`
	Reply      string                `json:"reply,omitempty"`
	Recipients []protocols.Recipient `json:"recipients"`
	TLSPolicy  string                `json:"tls_policy,omitempty"` // what the recipients' domain asked of the connection: dane, mta-sts
	Error      *show.ErrorJSON       `json:"error,omitempty"`
}
