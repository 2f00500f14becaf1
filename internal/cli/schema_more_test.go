package cli

import (
	"bufio"
	"bytes"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/lab/weblab"
)

// adminAnswers are what an IMAP server with rights and annotations says, by command.
var adminAnswers = map[string]string{
	"GETACL":      "* ACL INBOX alice lrswipkxtea bob lr\r\n",
	"LISTRIGHTS":  "* LISTRIGHTS INBOX bob l r swi\r\n",
	"MYRIGHTS":    "* MYRIGHTS INBOX lrswi\r\n",
	"GETMETADATA": "* METADATA INBOX (/private/comment \"mine\")\r\n",
	"ID":          "* ID (\"name\" \"script\" \"version\" \"1\")\r\n",
	"GETQUOTA":    "* QUOTA \"\" (STORAGE 10 512)\r\n",
	"GETQUOTAROOT": "* QUOTAROOT INBOX \"\"\r\n" +
		"* QUOTA \"\" (STORAGE 10 512)\r\n",
	"SELECT": "* 1 EXISTS\r\n* OK [UIDVALIDITY 1] ok\r\n* OK [UIDNEXT 2] ok\r\n",
	"SEARCH": "* SEARCH 1\r\n",
	"FETCH":  "* 1 FETCH (UID 1 FLAGS ())\r\n",
	"STORE":  "* 1 FETCH (UID 1 FLAGS (\\Seen))\r\n",
}

// adminServer plays an IMAP server that has what the lab's lacks.
func adminServer(t *testing.T) string {
	return labtest.Serve(t, func(c net.Conn) {
		defer c.Close()
		in := bufio.NewReader(c)
		c.Write([]byte("* PREAUTH [CAPABILITY IMAP4rev1 ACL METADATA ID QUOTA UIDPLUS] ready\r\n"))
		for {
			line, err := in.ReadString('\n')
			words := strings.Fields(line)
			if err != nil || len(words) < 2 {
				return
			}
			command := words[1]
			if command == "LOGOUT" {
				c.Write([]byte("* BYE\r\n"))
			}
			if command == "UID" {
				command = words[2]
			}
			c.Write([]byte(adminAnswers[strings.ToUpper(command)] + words[0] + " OK done\r\n"))
		}
	})
}

// TestSchemasOfTheRest: verbs whose servers the lab has not, and tools without a server.
func TestSchemasOfTheRest(t *testing.T) {
	t.Setenv("NETCLIENTS_CONFIG", t.TempDir()+"/none.toml")
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	rpc := labtest.Start(t, weblab.StartXMLRPC, weblab.XMLRPCOptions{})
	replace := strings.NewReplacer("IMAP", "imap://"+adminServer(t)+"/INBOX", "RPC", rpc.URL(), "JAR", filepath.Join(t.TempDir(), "jar.txt"))
	const response = `<methodResponse><params><param><value><array><data><value>a</value></data></array></value></param></params></methodResponse>`
	const call = `<methodCall><methodName>add</methodName><params><param><value><int>1</int></value></param></params></methodCall>`
	for _, c := range []struct {
		verb, line, stdin string
		objects           int
	}{
		{"acl", "imap acl IMAP", "", 2},
		{"acl", "imap acl IMAP bob", "", 1},
		{"acl", "imap acl IMAP bob lr", "", 0},
		{"myrights", "imap myrights IMAP", "", 1},
		{"metadata", "imap metadata IMAP /private/comment", "", 1},
		{"metadata", "imap metadata IMAP /private/comment mine", "", 0},
		{"id", "imap id IMAP", "", 1},
		{"quota", "imap quota IMAP", "", 1},
		{"flag", "imap flag IMAP;UID=1 Seen", "", 0},
		{"call", "xmlrpc call RPC add 1 2", "", 1},
		{"call", "xmlrpc call RPC echo text", "", 1},
		{"multicall", "xmlrpc multicall RPC", `{"method":"add","params":[1,2]}{"method":"echo","params":["a"]}`, 2},
		{"decode", "xmlrpc decode", response, 1},
		{"decode", "xmlrpc decode", call, 1},
		{"cookies", "http cookies set JAR http://h.example/ a=b;Max-Age=900", "", 0},
		{"cookies", "http cookies list JAR", "", 1},
		{"cookies", "http cookies clear JAR", "", 1},
		{"url", "url parse http://u@h:1/a?b=c#d", "", 1},
		{"url", "url defrag http://h/#d", "", 1},
		{"url", "url join http://h/a b", "", 1},
		{"url", "url decode a=b&c=d", "", 2},
	} {
		var out, words bytes.Buffer
		args := append(strings.Fields(replace.Replace(c.line)), "--json")
		if code := Main(t.Context(), args, strings.NewReader(c.stdin), &out, &words); code != 0 {
			t.Errorf("%s: exit code %d, %s", c.line, code, &words)
			continue
		}
		known, n := schemas{}, 0
		for line := range strings.Lines(out.String()) {
			n++
			if why := known.breaks(t, c.verb, line); why != "" || known[c.verb] == nil {
				t.Errorf("%s: %s: %s", c.line, line, why)
			}
		}
		if n != c.objects {
			t.Errorf("%s: %d objects: %s", c.line, n, out.String())
		}
	}
}
