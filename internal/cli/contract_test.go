package cli

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/netclients/netclients/internal/cli/labcmd"
	"github.com/netclients/netclients/protocols/all"
)

// contract has the objects of --json: the keys that are always there, and those that
// are there when they are known.
var contract = map[string]struct{ always, known string }{
	"entry": {"protocol name type", "url path size modified mode target owner group id facts raw " +
		"number uid message_id from to subject date flags count low high posting"},
	"message":   {"protocol name type number", "url path size modified id facts uid message_id from to subject date flags"},
	"newsgroup": {"protocol name type url path count low high", "posting facts id"},
	"mailbox":   {"protocol name type", "url path size count facts id target"},
	"transfer":  {"protocol source destination bytes seconds status", "resumed_at note error would"},
	"deleted":   {"protocol destination bytes seconds status", "note error"},
	"summary":   {"summary", ""},
	"send":      {"protocol url bytes", "message_id reply recipients from seconds queue_id connection tls_policy"},
	"caps":      {"name", "params"},
	"raw":       {"command text", "code enhanced word"},
	"probe": {"url up total_ms", "phase status resolve_ms connect_ms tls_ms greeting_ms login_ms tls_version cert_not_after greeting error address round_trip_ms token_not_after " +
		"cipher alpn cert_subject cert_issuer cert_names cert_sha256 pin"},
	"finding":  {"step status text ms", "ask kind"},
	"examined": {"summary", "profile written"},
	"planned":  {"protocol status would path", "to"},
	"event":    {"time event", "id local remote bytes text hex sent received error"},
	"step":     {"url step line action ok", "pattern matched received sent captures seconds error"},
	"none":     {"", ""}, // nothing is printed

	// What the contract leaves to the protocols.
	"size":      {"protocol url size", ""},
	"checksum":  {"protocol url algorithm sum", ""},
	"folder":    {"protocol path", ""},
	"response":  {"protocol url method status reason version headers redirects bytes", "resolve_ms connect_ms tls_ms first_byte_ms total_ms body body_base64 seconds address tls_version cookies proxy json"},
	"robots":    {"protocol url agent allowed", "delay sitemaps"},
	"attribute": {"name", "value lines"},
	"method":    {"name", "help result params"},
	"recent":    {"url recent", ""},
	"space":     {"kind prefix delimiter", ""},
	"identity":  {"greeting", "name vendor version"},
	"field":     {"protocol number field value", ""},
	"line":      {"protocol line", ""},
	"number":    {"protocol number", ""},
	"id":        {"protocol message_id", ""},
	"date":      {"protocol date", ""},
}

// contractRows are command lines without --json, and the object that each line of
// their output is. URL is the server's, DIR a folder of the
// protocol's, ~ a blank inside of an argument.
var contractRows = []struct{ protocol, object, line, stdin string }{
	{"ftp", "entry", "ls URLpub/", ""},
	{"ftp", "entry", "find URLpub/", ""},
	{"ftp", "entry", "shell URL", "ls pub"},
	{"ftp", "entry", "stat URLREADME.txt", ""},
	{"ftp", "transfer", "get URLREADME.txt -o DIR/", ""},
	{"ftp", "transfer", "put - URLincoming/a.txt", "text"},
	{"ftp", "transfer", "append - URLincoming/a.txt", "more"},
	{"ftp", "transfer", "cp URLREADME.txt DIR/copy.txt", ""},
	{"ftp", "transfer summary", "sync URLpub/nested/ DIR/tree", ""},
	{"ftp", "transfer summary", "mirror URLpub/nested/ DIR/mirror", ""},
	{"ftp", "planned", "mv --dry-run URLincoming/a.txt b.txt", ""},
	{"ftp", "planned", "rm --dry-run URLincoming/a.txt", ""},
	{"ftp", "none", "mv URLincoming/a.txt b.txt", ""},
	{"ftp", "none", "chmod URLincoming/b.txt 600", ""},
	{"ftp", "none", "rm URLincoming/b.txt", ""},
	{"ftp", "none", "mkdir URLincoming/d", ""},
	{"ftp", "none", "rmdir URLincoming/d", ""},
	{"ftp", "caps", "caps URL", ""},
	{"ftp", "caps", "features URL", ""},
	{"ftp", "size", "size URLREADME.txt", ""},
	{"ftp", "checksum", "checksum URLREADME.txt", ""},
	{"ftp", "folder", "pwd URL", ""},
	{"ftp", "raw", "raw URL SYST", ""},
	{"ftp", "probe", "probe --login URL", ""},
	{"ftp", "finding examined", "doctor URL", ""},
	{"http", "entry", "ls URLpub/", ""},
	{"http", "entry", "find URLpub/", ""},
	{"http", "entry", "shell URL", "ls pub/"},
	{"http", "entry", "stat URLREADME.txt", ""},
	{"http", "transfer", "get URLREADME.txt -o DIR/", ""},
	{"http", "transfer", "put - URLincoming/a.txt", "text"},
	{"http", "transfer", "cp URLREADME.txt DIR/copy.txt", ""},
	{"http", "transfer summary", "sync URLpub/nested/ DIR/tree", ""},
	{"http", "none", "mv URLincoming/a.txt b.txt", ""},
	{"http", "none", "rm URLincoming/b.txt", ""},
	{"http", "none", "mkdir URLincoming/d/", ""},
	{"http", "none", "rmdir URLincoming/d/", ""},
	{"http", "response", "post URL-/echo a=b", ""},
	{"http", "response", "patch URL-/echo a=b", ""},
	{"http", "response", "delete URL-/echo", ""},
	{"http", "response", "options URL-/echo", ""},
	{"http", "response", "request GET URLREADME.txt", ""},
	{"http", "robots", "robots URL", ""},
	{"http", "caps", "caps URL", ""},
	{"http", "probe", "probe URL", ""},
	{"http", "finding examined", "doctor URL", ""},
	{"gopher", "entry", "ls URL1/pub", ""},
	{"gopher", "entry", "find URL1/pub", ""},
	{"gopher", "entry", "shell URL", "cd pub\nls"},
	{"gopher", "entry", "stat URL0/README.txt", ""},
	{"gopher", "entry", "search URL7/search deep", ""},
	{"gopher", "transfer", "get URL0/README.txt -o DIR/", ""},
	{"gopher", "transfer", "cp URL0/README.txt DIR/copy.txt", ""},
	{"gopher", "transfer summary", "sync --delay 0 URL1/pub/nested DIR/hole", ""},
	{"gopher", "attribute", "attributes URL0/README.txt", ""},
	{"gopher", "caps", "caps URL", ""},
	{"gopher", "probe", "probe URL", ""},
	{"gopher", "finding examined", "doctor URL", ""},
	{"smtp", "send", "send URL --from a@example.org --to alice@example.org --subject s --body b", ""},
	{"smtp", "send", "send URL --spool DIR/outbox --from a@example.org --to alice@example.org --subject s --body b", ""},
	{"smtp", "none", "flush DIR/outbox", ""},
	{"smtp", "caps", "caps URL", ""},
	{"smtp", "raw", "raw URL NOOP", ""},
	{"smtp", "raw", "help URL", ""},
	{"smtp", "raw", "verify URL alice", ""},
	{"smtp", "raw", "etrn URL example.org", ""},
	{"smtp", "probe", "probe URL", ""},
	{"smtp", "finding examined", "doctor URL", ""},
	{"pop3", "message", "ls URL", ""},
	{"pop3", "message", "find URL", ""},
	{"pop3", "message", "shell URL", "ls"},
	{"pop3", "message", "stat URL1", ""},
	{"pop3", "mailbox", "stat URL", ""},
	{"pop3", "transfer", "get URL1 -o DIR/", ""},
	{"pop3", "transfer", "cp URL1 DIR/copy.eml", ""},
	{"pop3", "transfer summary", "sync URL maildir:DIR/mail", ""},
	{"pop3", "transfer summary", "fetch URL mbox:DIR/mbox", ""},
	{"pop3", "message", "uidl URL", ""},
	{"pop3", "caps", "caps URL", ""},
	{"pop3", "raw", "raw URL NOOP", ""},
	{"pop3", "none", "rm --yes URL3", ""},
	{"pop3", "probe", "probe URL", ""},
	{"pop3", "finding examined", "doctor URL", ""},
	{"imap", "mailbox", "ls URL", ""},
	{"imap", "mailbox", "find URL", ""},
	{"imap", "mailbox", "shell URL", "ls"},
	{"imap", "message", "ls URLINBOX", ""},
	{"imap", "message", "search URLINBOX from:dave", ""},
	{"imap", "message", "sort URLINBOX date", ""},
	{"imap", "message", "stat URLINBOX;UID=2", ""},
	{"imap", "mailbox", "stat URLINBOX", ""},
	{"imap", "transfer", "get URLINBOX;UID=2 -o DIR/", ""},
	{"imap", "transfer", "put - URLINBOX", "Subject: a\n\nb\n"},
	{"imap", "transfer summary", "sync URLINBOX maildir:DIR/mail", ""},
	{"imap", "none", "mkdir URLNew", ""},
	{"imap", "none", "cp URLINBOX;UID=4 URLNew", ""},
	{"imap", "none", "mv URLINBOX;UID=2 URLNew", ""},
	{"imap", "none", "rm --yes URLNew;UID=1", ""},
	{"imap", "none", "flag URLINBOX;UID=4 \\Flagged", ""},
	{"imap", "none", "subscribe URLNew", ""},
	{"imap", "mailbox", "lsub URL", ""},
	{"imap", "none", "unsubscribe URLNew", ""},
	{"imap", "none", "rmdir --force URLNew", ""},
	{"imap", "mailbox", "folders URL", ""},
	{"imap", "mailbox", "status URLINBOX", ""},
	{"imap", "mailbox", "select URLINBOX", ""},
	{"imap", "message", "thread URLINBOX", ""},
	{"imap", "recent", "recent URLINBOX", ""},
	{"imap", "none", "expunge URLINBOX", ""},
	{"imap", "none", "check URLINBOX", ""},
	{"imap", "space", "namespace URL", ""},
	{"imap", "identity", "id URL", ""},
	{"imap", "caps", "caps URL", ""},
	{"imap", "raw", "raw URL NOOP", ""},
	{"imap", "probe", "probe URL", ""},
	{"imap", "finding examined", "doctor URL", ""},
	{"nntp", "newsgroup", "ls URL", ""},
	{"nntp", "newsgroup", "find URL", ""},
	{"nntp", "newsgroup", "shell URL", "ls"},
	{"nntp", "newsgroup", "groups URL", ""},
	{"nntp", "newsgroup", "stat URLlocal.empty", ""},
	{"nntp", "message", "ls URLlocal.test", ""},
	{"nntp", "message", "over URLlocal.test 2-3", ""},
	{"nntp", "message", "search URLlocal.test Subject~*dots*", ""},
	{"nntp", "transfer", "get URLlocal.test/3 -o DIR/", ""},
	{"nntp", "transfer", "cp URLlocal.test/3 DIR/copy.eml", ""},
	{"nntp", "transfer summary", "sync URLlocal.test maildir:DIR/news", ""},
	{"nntp", "send", "post URL --from a@example.org --newsgroups local.test --subject s --body b", ""},
	{"nntp", "newsgroup", "newgroups URL 2020-01-01", ""},
	{"nntp", "id", "newnews URLlocal.* 2020-01-01", ""},
	{"nntp", "field", "hdr URLlocal.test Subject 2-3", ""},
	{"nntp", "number", "listgroup URLlocal.test", ""},
	{"nntp", "line", "list URL active", ""},
	{"nntp", "line", "help URL", ""},
	{"nntp", "date", "date URL", ""},
	{"nntp", "caps", "caps URL", ""},
	{"nntp", "raw", "raw URL DATE", ""},
	{"nntp", "probe", "probe URL", ""},
	{"nntp", "finding examined", "doctor URL", ""},
	{"xmlrpc", "method", "methods URL", ""},
	{"xmlrpc", "method", "help URL add", ""},
	{"xmlrpc", "method", "signature URL add", ""},
	{"xmlrpc", "caps", "caps URL", ""},
	{"xmlrpc", "probe", "probe URL", ""},
	{"xmlrpc", "finding examined", "doctor URL", ""},
	{"telnet", "caps", "options URL", ""},
	{"telnet", "caps", "caps URL", ""},
	{"telnet", "probe", "probe URL", ""},
	{"telnet", "finding examined", "doctor URL", ""},
	{"tcp", "event", "connect URL", "hello\n"},
	{"tcp", "send", "send URL hello", ""},
	{"tcp", "step", "run URL --send hi --expect hi", ""},
	{"tcp", "none", "caps URL", ""},
	{"tcp", "raw", "raw URL hello", ""},
	{"tcp", "probe", "probe URL", ""},
	{"tcp", "finding examined", "doctor URL", ""},
	{"udp", "send", "send URL hello", ""},
	{"udp", "none", "caps URL", ""},
	{"udp", "probe", "probe URL", ""},
	{"unix", "event", "connect URL", "hello\n"},
	{"unix", "send", "send URL hello", ""},
	{"unix", "step", "run URL --send hi --expect hi", ""},
	{"unix", "raw", "raw URL hello", ""},
	{"unix", "none", "caps URL", ""},
	{"unix", "probe", "probe URL", ""},
	{"unix", "finding examined", "doctor URL", ""},
}

func fields(text string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(text) {
		set[w] = true
	}
	return set
}

// breaks says how an object differs from what the contract says; empty when it does not.
func breaks(object string, keys map[string]json.RawMessage) string {
	c := contract[object]
	always, known := fields(c.always), fields(c.known)
	var wrong []string
	for key := range always {
		if _, ok := keys[key]; !ok {
			wrong = append(wrong, "no "+key)
		}
	}
	for key := range keys {
		if !always[key] && !known[key] {
			wrong = append(wrong, key+" is not in the contract")
		}
	}
	slices.Sort(wrong)
	return strings.Join(wrong, ", ")
}

// TestJSONContract holds the keys of --json, for all protocols.
func TestJSONContract(t *testing.T) {
	t.Setenv("NETCLIENTS_CONFIG", t.TempDir()+"/none.toml")
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	list, stop, err := labcmd.Start("")
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	dirs, checked := map[string]string{}, schemas{}
	for _, row := range contractRows {
		if dirs[row.protocol] == "" {
			dirs[row.protocol] = t.TempDir()
		}
		line := strings.NewReplacer("URL", labcmd.ServerOf(list, row.protocol).Full(), "DIR", dirs[row.protocol]).Replace(row.line)
		args := []string{row.protocol}
		for word := range strings.FieldsSeq(line) {
			args = append(args, strings.ReplaceAll(word, "~", " "))
		}
		var out, words bytes.Buffer
		code := Main(t.Context(), append(args, "--json", "--timeout", "4s"), strings.NewReader(row.stdin), &out, &words)
		if code != 0 || (out.Len() == 0) != (row.object == "none") {
			t.Errorf("%s %s: exit code %d, %d bytes, %s", row.protocol, row.line, code, out.Len(), &words)
		}
		objects := strings.Fields(row.object)
		for line := range strings.Lines(out.String()) {
			var keys map[string]json.RawMessage
			if err := json.Unmarshal([]byte(line), &keys); err != nil {
				t.Errorf("%s %s: %v: %s", row.protocol, row.line, err, line)
				continue
			}
			object := objects[0]
			if _, last := keys["summary"]; last {
				object = objects[len(objects)-1]
			}
			if wrong := checked.breaks(t, strings.Fields(row.line)[0], line); wrong != "" {
				t.Errorf("%s %s: the schema: %s: %s", row.protocol, row.line, wrong, strings.TrimSpace(line))
			}
			if wrong := breaks(object, keys); wrong != "" {
				t.Errorf("%s %s: %s: %s", row.protocol, row.line, wrong, strings.TrimSpace(line))
			}
		}
	}
}

// noContract are the verbs without a row, and why.
var noContract = map[string]string{
	"cat head body top banner last next":  "writes content, or a line of text",
	"imap append":                         "is put",
	"imap idle":                           "waits for others to change the mailbox; its tests read the objects",
	"imap acl myrights quota metadata":    "the lab's server has none of it; see TestSchemasOfTheRest",
	"xmlrpc call multicall encode decode": "the objects are the server's values; see TestSchemasOfTheRest",
	"smtp expand":                         "the lab's server has no lists",
	"nntp send feed ihave":                "post, and what takes articles from another server",
	"http cookies":                        "about a file, not a server",
	"telnet open send run record":         "text of a conversation; run is tested with tcp",
	"tcp listen forward recv get cp":      "wait for a peer that ends, which the echo server never does",
	"unix listen forward recv get cp":     "as tcp",
	"udp listen run connect":              "as tcp, and none of it ends by itself",
}

// TestContractIsComplete: a verb is in the table of objects, or it is known why not.
func TestContractIsComplete(t *testing.T) {
	reg, err := all.All()
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]bool{}
	for _, row := range contractRows {
		rows[row.protocol+" "+strings.Fields(row.line)[0]] = true
	}
	without := map[string]bool{}
	for verbs := range noContract {
		first, rest, _ := strings.Cut(verbs, " ")
		if reg.Spec(first) == nil {
			first, rest = "", verbs
		}
		for verb := range fields(rest) {
			without[strings.TrimSpace(first+" "+verb)] = true
		}
	}
	a := newApp(reg, nil, nil, nil)
	for _, s := range reg.Specs() {
		for _, v := range a.verbsOf(s) {
			if !s.Hidden && !rows[s.Name+" "+v.Name] && !without[s.Name+" "+v.Name] && !without[v.Name] {
				t.Errorf("%s %s has no row", s.Name, v.Name)
			}
		}
	}
}
