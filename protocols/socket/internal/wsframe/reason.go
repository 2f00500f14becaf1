package wsframe

import (
	"fmt"
	"io"
	"strconv"

	"github.com/netclients/netclients/protocols"
)

// codes are the close codes of RFC 6455 7.4 and the registry, with what they mean for the
// one who hears them.
var codes = map[int]struct {
	text string
	kind protocols.Kind
}{
	1002: {"protocol error", protocols.KindProtocol},
	1003: {"cannot take such data", protocols.KindRefused},
	1007: {"not the data it says it is", protocols.KindRefused},
	1008: {"policy violation", protocols.KindRefused},
	1009: {"message too big", protocols.KindRefused},
	1010: {"wants an extension", protocols.KindRefused},
	1011: {"unexpected condition", protocols.KindTemporary},
	1012: {"service restarts", protocols.KindTemporary},
	1013: {"try again later", protocols.KindTemporary},
	1014: {"bad gateway", protocols.KindTemporary},
}

// reason returns what a close code means: [io.EOF] for an ordinary end, else an error.
func reason(code int, text string) error {
	if code == 1000 || code == 1001 || code == 1005 {
		return io.EOF
	}
	known, ok := codes[code]
	if !ok {
		known.text, known.kind = "no known reason", protocols.KindRefused
	}
	said := fmt.Sprintf("the server ended the conversation: %d %s", code, known.text)
	if text != "" {
		said += ", " + strconv.Quote(text)
	}
	return &protocols.Error{Kind: known.kind, Code: code, Text: said, Retryable: known.kind == protocols.KindTemporary}
}
