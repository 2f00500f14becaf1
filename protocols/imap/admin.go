package imap

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"

	goimap "github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"github.com/netclients/netclients/protocols"
)

// ask runs one call of the library on a mailbox, if the server has an extension.
func (c *Client) ask(ctx context.Context, op, text, extension string, f func(lib *imapclient.Client, mailbox string) error) error {
	n, err := c.parse(text)
	if err != nil {
		return c.wrap(err, op, text)
	}
	return c.do(ctx, op, text, func(s *session) error {
		if !s.caps[extension] {
			return missing(op, extension)
		}
		return s.call(func(lib *imapclient.Client) error { return f(lib, n.mailbox) })
	})
}

// Namespace is one of the prefixes under which mailboxes lie.
type Namespace struct {
	Kind      string `json:"kind"` // personal, other, shared
	Prefix    string `json:"prefix"`
	Delimiter string `json:"delimiter"`
}

// Namespaces returns the server's namespaces (RFC 2342). A server without the
// extension has one: the delimiter is what LIST tells.
func (c *Client) Namespaces(ctx context.Context) ([]Namespace, error) {
	var out []Namespace
	err := c.do(ctx, "namespace", "", func(s *session) error {
		if !s.hasOr2("NAMESPACE") {
			return s.ask(func(r *response) error {
				if l, ok := s.parseList(r); r.name == "LIST" && ok {
					out = []Namespace{{"personal", "", l.delimiter}}
				}
				return nil
			}, "LIST", text(""), text(""))
		}
		return s.call(func(lib *imapclient.Client) error {
			data, err := lib.Namespace().Wait()
			if err != nil {
				return err
			}
			for _, part := range []struct {
				kind string
				list []goimap.NamespaceDescriptor
			}{{"personal", data.Personal}, {"other", data.Other}, {"shared", data.Shared}} {
				for _, d := range part.list {
					out = append(out, Namespace{part.kind, d.Prefix, delimiterText(d.Delim)})
				}
			}
			return nil
		})
	})
	return out, err
}

func delimiterText(r rune) string {
	if r == 0 {
		return ""
	}
	return string(r)
}

// ID asks who the server is (RFC 2971), after telling that we are netclients. A
// server without it tells its greeting.
func (c *Client) ID(ctx context.Context) (map[string]string, error) {
	out := map[string]string{}
	err := c.do(ctx, "id", "", func(s *session) error {
		if !s.caps["ID"] {
			out["greeting"] = s.greeting.text
			return nil
		}
		// The library knows eleven fields; servers tell others, too.
		return s.ask(func(r *response) error {
			if r.name == "ID" {
				return s.idFields(r, out)
			}
			return nil
		}, "ID", `("name" "netclients")`)
	})
	return out, err
}

func (s *session) idFields(r *response, out map[string]string) error {
	values, err := newParser(r.args, s.c.limits).all()
	if err != nil || len(values) == 0 {
		return s.fail(err)
	}
	list := values[0].list
	for i := 0; i+1 < len(list) && len(out) < 100; i += 2 {
		out[strings.ToLower(list[i].text)] = list[i+1].text
	}
	return nil
}

// Quota is one resource of a quota root. STORAGE counts in KiB.
type Quota struct {
	Root     string `json:"root"`
	Resource string `json:"resource"`
	Usage    int64  `json:"usage"`
	Limit    int64  `json:"limit"`
}

// Quotas returns the quotas that hold for a mailbox (GETQUOTAROOT, RFC 9208 4.2), or
// with root those of that quota root.
func (c *Client) Quotas(ctx context.Context, text string, root *string) ([]Quota, error) {
	var out []Quota
	if root != nil {
		if err := checkArgs(*root); err != nil {
			return nil, c.wrap(err, "quota", text)
		}
	}
	err := c.ask(ctx, "quota", text, "QUOTA", func(lib *imapclient.Client, mailbox string) error {
		if root != nil {
			data, err := lib.GetQuota(*root).Wait()
			if err == nil && data != nil {
				out = quotas(*data)
			}
			return err
		}
		list, err := lib.GetQuotaRoot(cmp.Or(mailbox, "INBOX")).Wait()
		for _, data := range list {
			out = append(out, quotas(data)...)
		}
		return err
	})
	return out, err
}

func quotas(data imapclient.QuotaData) []Quota {
	var out []Quota
	for name, r := range data.Resources {
		out = append(out, Quota{data.Root, string(name), r.Usage, r.Limit})
	}
	slices.SortFunc(out, func(a, b Quota) int { return cmp.Compare(a.Resource, b.Resource) })
	return out
}

// SetQuota sets the limits of a quota root (SETQUOTA), by resource.
func (c *Client) SetQuota(ctx context.Context, root string, limits map[string]int64) error {
	if err := checkArgs(root); err != nil {
		return c.wrap(err, "quota", "")
	}
	var set []string
	for _, name := range slices.Sorted(maps.Keys(limits)) {
		if !isFlag(name) || limits[name] < 0 {
			return c.wrap(protocols.UsageError(proto, "quota", "want a resource and a limit, as STORAGE=512"), "quota", "")
		}
		set = append(set, fmt.Sprintf("%s %d", strings.ToUpper(name), limits[name]))
	}
	return c.do(ctx, "quota", "", func(s *session) error {
		if !s.caps["QUOTA"] {
			return missing("quota", "QUOTA")
		}
		return s.simple("SETQUOTA", text(root), "("+strings.Join(set, " ")+")")
	})
}

// Right is the rights that one user or group has on a mailbox (RFC 4314).
type Right struct {
	Identifier string `json:"identifier"`
	Rights     string `json:"rights"`
}

// ACL returns who has which rights on a mailbox.
func (c *Client) ACL(ctx context.Context, text string) ([]Right, error) {
	var out []Right
	err := c.ask(ctx, "acl", text, "ACL", func(lib *imapclient.Client, mailbox string) error {
		data, err := lib.GetACL(mailbox).Wait()
		if err != nil {
			return err
		}
		for who, rights := range data.Rights {
			out = append(out, Right{string(who), rights.String()})
		}
		slices.SortFunc(out, func(a, b Right) int { return cmp.Compare(a.Identifier, b.Identifier) })
		return nil
	})
	return out, err
}

// MyRights returns the own rights on a mailbox.
func (c *Client) MyRights(ctx context.Context, text string) (string, error) {
	var out string
	err := c.ask(ctx, "acl", text, "ACL", func(lib *imapclient.Client, mailbox string) error {
		data, err := lib.MyRights(mailbox).Wait()
		out = data.Rights.String()
		return err
	})
	return out, err
}

// SetACL returns somebody rights on a mailbox: "lrs" sets, "+w" adds, "-w" takes away.
func (c *Client) SetACL(ctx context.Context, box, who, rights string) error {
	if err := checkArgs(who, rights); err != nil {
		return c.wrap(err, "acl", box)
	}
	return c.aclCommand(ctx, box, "SETACL", text(who), text(rights))
}

// DeleteACL takes all rights on a mailbox away from somebody.
func (c *Client) DeleteACL(ctx context.Context, box, who string) error {
	if err := checkArgs(who); err != nil {
		return c.wrap(err, "acl", box)
	}
	return c.aclCommand(ctx, box, "DELETEACL", text(who))
}

// aclCommand runs a command that the library has not, or knows old rights for only.
func (c *Client) aclCommand(ctx context.Context, text, verb string, args ...any) error {
	return c.on(ctx, "acl", text, false, func(s *session, n *name) error {
		if !s.caps["ACL"] {
			return missing("acl", "ACL")
		}
		return s.simple(verb, append([]any{boxName(n.mailbox)}, args...)...)
	})
}

// ListRights returns the rights that somebody could be given on a mailbox: those he
// always has, and the groups of others.
func (c *Client) ListRights(ctx context.Context, box, who string) ([]string, error) {
	var out []string
	if err := checkArgs(who); err != nil {
		return nil, c.wrap(err, "acl", box)
	}
	err := c.on(ctx, "acl", box, false, func(s *session, n *name) error {
		if !s.caps["ACL"] {
			return missing("acl", "ACL")
		}
		return s.ask(func(r *response) error {
			if r.name != "LISTRIGHTS" {
				return nil
			}
			values, err := newParser(r.args, s.c.limits).all()
			for _, v := range values[min(2, len(values)):] {
				out = append(out, v.text)
			}
			return s.fail(err)
		}, "LISTRIGHTS", boxName(n.mailbox), text(who))
	})
	return out, err
}

// Metadata returns annotations of a mailbox, or of the server for the empty name
// (RFC 5464), by entry. Without entries those under /private and /shared are given.
func (c *Client) Metadata(ctx context.Context, box string, entries ...string) (map[string]string, error) {
	out := map[string]string{}
	options := []any{"(DEPTH 0)"}
	if len(entries) == 0 {
		entries, options = []string{"/private", "/shared"}, []any{"(DEPTH infinity)"}
	}
	if err := checkArgs(entries...); err != nil {
		return nil, c.wrap(err, "metadata", box)
	}
	list := []any{glueOpen}
	for _, e := range entries {
		list = append(list, text(e))
	}
	list = append(list, glueClose)
	err := c.metadata(ctx, box, func(s *session, mailbox string) error {
		each := func(r *response) error { return s.annotations(r, out) }
		// The grammar has the options first, the examples of the RFC have them second:
		// so have servers, and the library knows the second form only.
		args := append(append(options, boxName(mailbox)), list...)
		err := s.ask(each, "GETMETADATA", args...)
		if e, ok := errors.AsType[*protocols.Error](err); ok && e.Kind == protocols.KindRefused {
			args = append(append([]any{boxName(mailbox)}, options...), list...)
			err = s.ask(each, "GETMETADATA", args...)
		}
		return err
	})
	return out, err
}

// annotations reads "METADATA mailbox (entry value ...)".
func (s *session) annotations(r *response, out map[string]string) error {
	if r.name != "METADATA" {
		return nil
	}
	values, err := newParser(r.args, s.c.limits).all()
	if err != nil || len(values) != 2 {
		return s.fail(err)
	}
	list := values[1].list
	for i := 0; i+1 < len(list) && len(out) < s.c.limits.ReplyLines; i += 2 {
		if list[i+1].kind != nilNode {
			out[list[i].text] = list[i+1].text
		}
	}
	return nil
}

// SetMetadata sets one annotation; a nil value takes it away.
func (c *Client) SetMetadata(ctx context.Context, box, entry string, value *string) error {
	if err := checkArgs(entry); err != nil {
		return c.wrap(err, "metadata", box)
	}
	set := []any{glueOpen, text(entry), "NIL", glueClose}
	if value != nil {
		set[2] = text(*value)
	}
	return c.metadata(ctx, box, func(s *session, mailbox string) error {
		return s.simple("SETMETADATA", append([]any{boxName(mailbox)}, set...)...)
	})
}

// metadata: METADATA-SERVER is enough for the server's own annotations.
func (c *Client) metadata(ctx context.Context, text string, f func(s *session, mailbox string) error) error {
	n, err := c.parse(text)
	if err != nil {
		return c.wrap(err, "metadata", text)
	}
	return c.do(ctx, "metadata", text, func(s *session) error {
		if !s.caps["METADATA"] && (n.mailbox != "" || !s.caps["METADATA-SERVER"]) {
			return missing("metadata", "METADATA")
		}
		return f(s, n.mailbox)
	})
}

// Subscribed lists the mailboxes that are subscribed to (LSUB).
func (c *Client) Subscribed(ctx context.Context, text string) iter.Seq2[protocols.Entry, error] {
	return c.listing(ctx, "subscribe", text, func(s *session, n *name, yield func(protocols.Entry) error) error {
		return s.listMailboxes(n.mailbox, true, yield)
	})
}

// Select opens a mailbox and returns all that the server tells of it: counts, flags,
// UIDVALIDITY and so on, as facts.
func (c *Client) Select(ctx context.Context, text string, readOnly bool) (protocols.Entry, error) {
	var e protocols.Entry
	err := c.on(ctx, "select", text, false, func(s *session, n *name) error {
		if err := s.selectBox(n.mailbox, !readOnly); err != nil {
			return err
		}
		if err := s.sameValidity(n); err != nil {
			return err
		}
		b := s.box
		e = s.mailboxEntry(&listed{name: n.mailbox})
		e.GroupInfo = &protocols.GroupInfo{Count: int64(b.exists)}
		e.Facts = map[string]string{
			"uidvalidity": strconv.FormatUint(uint64(b.validity), 10), "uidnext": strconv.FormatUint(uint64(b.uidNext), 10),
			"flags": strings.Join(b.flags, " "), "permanentflags": strings.Join(b.permanent, " "), "readonly": fmt.Sprint(b.readOnly),
		}
		if b.modSeq != 0 {
			e.Facts["highestmodseq"] = strconv.FormatUint(b.modSeq, 10)
		}
		return nil
	})
	return e, err
}

// Check asks the server for a checkpoint of a mailbox (CHECK), or NOOP on servers
// that have dropped it.
func (c *Client) Check(ctx context.Context, text string) error {
	return c.on(ctx, "check", text, false, func(s *session, n *name) error {
		if err := s.open(n, true); err != nil {
			return err
		}
		if err := s.simple("CHECK"); !refused(err) {
			return err
		}
		return s.simple("NOOP")
	})
}
