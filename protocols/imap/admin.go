package imap

import (
	"context"
	"strings"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
	"github.com/netclients/netclients/protocols/imap/internal/session"
)

// Admin is the administration of an account: namespaces, quotas, rights and
// annotations. It uses the session of its client.
type Admin struct{ c *Client }

// Admin returns the commands that administer the account of the client.
func (c *Client) Admin() *Admin { return &Admin{c} }

// errValues says that a response does not have the values that its RFC defines.
func errValues(name string) error {
	return protocols.ProtocolError(proto, "", "malformed "+name+" response")
}

// Namespace is one of the prefixes that mailbox names start with.
type Namespace struct {
	Kind      string `json:"kind"` // personal, other, shared
	Prefix    string `json:"prefix"`
	Delimiter string `json:"delimiter"` // empty: names have no levels
}

// Namespaces returns the server's namespaces (RFC 2342). A server without the
// extension has one, whose delimiter LIST reports.
func (a *Admin) Namespaces(ctx context.Context) ([]Namespace, error) {
	var out []Namespace
	err := runOn(ctx, a.c, "namespace", "", func(ctx context.Context, s *session.Session) error {
		if !s.Has("NAMESPACE") {
			return s.Ask(func(r *imapwire.Response) error {
				if l, ok := parseList(s, r); r.Name == "LIST" && ok {
					out = []Namespace{{"personal", "", l.delimiter}}
				}
				return nil
			}, "LIST", session.Text(""), session.Text(""))
		}
		return s.Values("NAMESPACE", func(values []imapwire.Node) (err error) {
			out, err = namespaces(s, values)
			return err
		}, "NAMESPACE")
	})
	return out, err
}

// namespaces reads `(("" "/") ...) NIL (...)`: personal, other users', shared.
func namespaces(s *session.Session, values []imapwire.Node) (out []Namespace, err error) {
	kinds := []string{"personal", "other", "shared"}
	if len(values) != len(kinds) {
		return nil, errValues("NAMESPACE")
	}
	for i, kind := range kinds {
		for _, d := range values[i].List {
			if len(d.List) < 2 || d.List[0].Kind == imapwire.ListNode {
				return nil, errValues("NAMESPACE")
			}
			out = append(out, Namespace{kind, s.DecodeName(d.List[0].Text), d.List[1].Text})
		}
	}
	return out, nil
}

// ID identifies us as netclients and returns the fields by which the server
// identifies itself (RFC 2971), with names in lower case. For a server without
// ID the greeting is returned, as "greeting".
func (a *Admin) ID(ctx context.Context) (map[string]string, error) {
	out := map[string]string{}
	err := runOn(ctx, a.c, "id", "", func(ctx context.Context, s *session.Session) error {
		if !s.Has("ID") {
			out["greeting"] = s.Banner
			return nil
		}
		return s.Values("ID", func(values []imapwire.Node) error {
			if len(values) > 0 {
				addPairs(out, values[0].List, 100, strings.ToLower)
			}
			return nil
		}, "ID", `("name" "netclients")`)
	})
	return out, err
}

// addPairs adds "key value key value" to a map of at most most keys. Values that
// are NIL are left out.
func addPairs(out map[string]string, list []imapwire.Node, most int, key func(string) string) {
	for i := 0; i+1 < len(list) && len(out) < most; i += 2 {
		if list[i+1].Kind != imapwire.NilNode {
			out[key(list[i].Text)] = list[i+1].Text
		}
	}
}
