package imap

import (
	"errors"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
)

// TestUnmakeReasons: a mailbox is deleted only if it is empty and has none below it, and
// the error says which of these is not so.
func TestUnmakeReasons(t *testing.T) {
	const empty = "* STATUS box (MESSAGES 0)\r\n{tag} OK\r\n"
	for name, k := range map[string]struct{ status, list, want string }{
		"messages":       {"* STATUS box (MESSAGES 9)\r\n{tag} OK\r\n", "{tag} OK\r\n", "it holds 9 messages"},
		"children":       {empty, "* LIST () \"/\" box\r\n* LIST () \"/\" box/kid\r\n{tag} OK\r\n", "below it: box/kid"},
		"child by flag":  {empty, "* LIST (\\HasNoChildren) \"/\" box\r\n* LIST () \"/\" box/kid\r\n{tag} OK\r\n", ""},
		"empty":          {empty, "* LIST () \"/\" box\r\n* LIST () \"/\" boxes\r\n{tag} OK\r\n", ""},
		"flat":           {empty, "* LIST () NIL box\r\n* LIST () NIL box/kid\r\n{tag} OK\r\n", ""},
		"not listed":     {empty, "{tag} OK\r\n", ""},
		"missing":        {"{tag} NO no\r\n", "{tag} OK\r\n", "does not exist"},
		"missing, coded": {"{tag} NO [NONEXISTENT] no\r\n", "{tag} OK\r\n", "not found"},
		"only a name":    {"{tag} NO no\r\n", "* LIST (\\Noselect) \"/\" box\r\n{tag} OK\r\n", ""},
		"no rights":      {"{tag} NO [NOPERM] you may not\r\n", "* LIST () \"/\" box\r\n{tag} OK\r\n", "you may not"},
	} {
		t.Run(name, func(t *testing.T) {
			w := &hostile{says: map[string]string{"STATUS": k.status, "LIST": k.list}, seen: make(chan string, 20)}
			err := w.client(t, nil).Unmake(t.Context(), "box")
			deleted := false
			for len(w.seen) > 0 {
				deleted = deleted || strings.Contains(<-w.seen, "DELETE")
			}
			if deleted != (k.want == "") {
				t.Errorf("deleted: %v", deleted)
			}
			if k.want == "" && err != nil || k.want != "" && (err == nil || !strings.Contains(err.Error(), k.want)) {
				t.Errorf("%v, want %q", err, k.want)
			}
		})
	}
}

// TestStatReasons: the error of a STATUS that the server refuses without a reason says
// whether there is such a mailbox.
func TestStatReasons(t *testing.T) {
	for list, want := range map[string]string{
		"{tag} OK\r\n": "does not exist",
		"* LIST (\\Noselect) \"/\" box\r\n{tag} OK\r\n": "not a mailbox itself",
		"* LIST () \"/\" box\r\n{tag} OK\r\n":           "no luck",
		"{tag} NO\r\n":                                  "no luck",
	} {
		w := &hostile{says: map[string]string{"STATUS": "{tag} NO no luck\r\n", "LIST": list}}
		_, err := w.client(t, nil).Stat(t.Context(), "box")
		if err == nil || !strings.Contains(err.Error(), want) || errors.Is(err, fs.ErrNotExist) != (want == "does not exist") {
			t.Errorf("%q: %v, want %q", list, err, want)
		}
	}
}

// TestRemoveMailbox: rm of a mailbox names the verb for it.
func TestRemoveMailbox(t *testing.T) {
	err := (&hostile{}).client(t, nil).Remove(t.Context(), "box")
	e, ok := errors.AsType[*protocols.Error](err)
	if !ok || !strings.Contains(e.Text, "names a mailbox") || !strings.Contains(e.Hint, "rmdir") {
		t.Error(err)
	}
}

// TestQueryLanguage: the help page has all words of the tables.
func TestQueryLanguage(t *testing.T) {
	words := strings.Fields(QueryLanguage)
	for _, w := range slices.Sorted(maps.Keys(flagWords)) {
		if !slices.Contains(words, w) {
			t.Errorf("%s is missing", w)
		}
	}
	for w, v := range valueWords {
		if !slices.ContainsFunc(words, func(s string) bool { return strings.HasPrefix(s, w+":") }) || !slices.Contains(words, v.key) {
			t.Errorf("%s: or %s is missing", w, v.key)
		}
	}
	for _, w := range strings.Fields(searchKeys) {
		if !slices.Contains(words, w) {
			t.Errorf("%s is missing", w)
		}
	}
}
