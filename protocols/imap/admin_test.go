package imap

import (
	"context"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/netclients/netclients/protocols"
)

// TestAdminAnswers: what servers answer to the commands of administrators.
func TestAdminAnswers(t *testing.T) {
	namespaces := func(c *Client) (any, error) { return c.Admin().Namespaces(context.Background()) }
	quotas := func(c *Client) (any, error) { return c.Admin().Quotas(context.Background(), "INBOX", nil) }
	acl := func(c *Client) (any, error) { return c.Admin().ACL(context.Background(), "Team") }
	mine := func(c *Client) (any, error) { return c.Admin().MyRights(context.Background(), "Team") }
	id := func(c *Client) (any, error) { return c.Admin().ID(context.Background()) }
	const malformed = "malformed"
	for _, test := range []struct {
		name, verb, says string
		call             func(c *Client) (any, error)
		want             any
	}{
		{"three kinds of namespaces", "NAMESPACE", `* NAMESPACE (("" "/")("&AOQ-/" "/" "X-PARAM" ("a" "b"))) (("~" NIL)) ((#shared. "."))`, namespaces,
			[]Namespace{{"personal", "", "/"}, {"personal", "ä/", "/"}, {"other", "~", ""}, {"shared", "#shared.", "."}}},
		{"no namespaces", "NAMESPACE", "* NAMESPACE NIL NIL NIL", namespaces, []Namespace(nil)},
		{"a namespace without delimiter", "NAMESPACE", `* NAMESPACE ((x)) NIL NIL`, namespaces, malformed},
		{"two kinds of namespaces", "NAMESPACE", `* NAMESPACE NIL NIL`, namespaces, malformed},
		{"quotas of two roots", "GETQUOTAROOT", "* QUOTAROOT INBOX b a\r\n* QUOTA b (STORAGE 1 2 message 3 4)\r\n* QUOTA {1}\r\na (STORAGE 0 9223372036854775807)", quotas,
			[]Quota{{"b", "MESSAGE", 3, 4}, {"b", "STORAGE", 1, 2}, {"a", "STORAGE", 0, 1<<63 - 1}}},
		{"a root without limits", "GETQUOTAROOT", "* QUOTAROOT INBOX \"\"\r\n* QUOTA \"\" ()", quotas, []Quota(nil)},
		{"a quota without a limit", "GETQUOTAROOT", "* QUOTA x (STORAGE 1)", quotas, malformed},
		{"a negative quota", "GETQUOTAROOT", "* QUOTA x (STORAGE 1 -1)", quotas, malformed},
		{"rights", "GETACL", "* ACL Team bob lrs \"group staff\" {3}\r\nlrw anyone \"\"", acl, []Right{{"anyone", ""}, {"bob", "lrs"}, {"group staff", "lrw"}}},
		{"nobody has rights", "GETACL", "* ACL Team", acl, []Right{}},
		{"rights of nobody", "GETACL", "* ACL Team bob", acl, malformed},
		{"own rights", "MYRIGHTS", "* MYRIGHTS Team lrswipkxtea", mine, "lrswipkxtea"},
		{"no own rights", "MYRIGHTS", "* MYRIGHTS Team", mine, malformed},
		{"an ID", "ID", `* ID ("Name" "Cyrus" "version" NIL "os" Linux)`, id, map[string]string{"name": "Cyrus", "os": "Linux"}},
		{"no ID", "ID", "* ID NIL", id, map[string]string{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := hostile{greeting: "* PREAUTH [CAPABILITY IMAP4rev1 NAMESPACE QUOTA ACL ID] hello\r\n", says: map[string]string{test.verb: test.says + "\r\n{tag} OK done\r\n"}}
			got, err := test.call(w.client(t, nil))
			if test.want == malformed {
				if protocols.KindOf(err) != protocols.KindProtocol {
					t.Errorf("%+v, %v; want a protocol error", got, err)
				}
				return
			}
			if err != nil || !reflect.DeepEqual(got, test.want) {
				t.Errorf("%+v, %v; want %+v", got, err, test.want)
			}
		})
	}
}

// TestAdminSession: the session stays usable, or is replaced, whatever the server
// answers.
func TestAdminSession(t *testing.T) {
	for name, answer := range map[string]string{
		"answered": "* ACL INBOX ann lrs\r\n{tag} OK done\r\n", "never": "* ACL INBOX ann lrs\r\n", "cut": "* ACL INBOX ann lrs\r\ncut", "nonsense": "* ACL (((\r\n{tag} OK done\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := hostile{greeting: "* PREAUTH [CAPABILITY IMAP4rev1 ACL] hello\r\n", says: map[string]string{"GETACL": answer}}
				c := w.client(t, nil)
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				rights, err := c.Admin().ACL(ctx, "INBOX")
				if ok := name == "answered"; ok != (err == nil) || ok && len(rights) != 1 {
					t.Errorf("%v, %v", rights, err)
				}
				must(t, c.Subscribe(t.Context(), "x", false)) // by a session that is in step
			}) // waits for all goroutines
		})
	}
}
