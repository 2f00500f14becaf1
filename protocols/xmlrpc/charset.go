package xmlrpc

import (
	"bytes"
	"fmt"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"

	"github.com/netclients/netclients/protocols"
)

// encoded returns a document of ours in another encoding, with its name in the head.
// Characters that the encoding has not become references.
func encoded(doc []byte, label string) ([]byte, error) {
	e, err := htmlindex.Get(label)
	if err != nil {
		return nil, protocols.UsageError(proto, "", fmt.Sprintf("unknown encoding %.40q", label))
	}
	head := `<?xml version="1.0" encoding="` + label + "\"?>\n"
	encoder := encoding.HTMLEscapeUnsupported(e.NewEncoder())
	out, err := encoder.Bytes(append([]byte(head), bytes.TrimPrefix(doc, []byte(xmlHead))...))
	if err == nil && !bytes.HasPrefix(out, []byte(head)) {
		err = fmt.Errorf("an encoding that does not hold ASCII")
	}
	if err != nil {
		return nil, protocols.UsageError(proto, "", fmt.Sprintf("%s: %v", label, err))
	}
	return out, nil
}
