package socket

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/netclients/netclients/internal/dialogs"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/lab/socklab"
	"github.com/netclients/netclients/protocols/protocoltest"
)

// noEnd: a stream of bytes has no form that could be broken, and ends when the
// peer wants it to.
var noEnd = map[string]string{
	"cut":     "the end of the connection is the end of the content",
	"garbage": "content may be anything",
	"flood":   "content may have any length",
	"odd":     "content may be anything",
}

// anyWords: the answer to a command is whatever comes before a silence or the end.
var anyWords = map[string]string{"garbage": "an answer may be anything", "cut": "the end of the connection ends an answer"}

// anySilence: a probe takes silence, and the end, for an answer.
var anySilence = map[string]string{
	"cut": "the connection is what is probed", "hang": "silence is no failure", "idle": "silence is no failure",
	"garbage": "a greeting may be anything", "flood": "a greeting may be anything", "odd": "a greeting may be anything",
}

func book(spec *protocols.Spec, url string, server func(testing.TB) *protocoltest.Server, rows ...dialogs.Recording[Settings]) *dialogs.Book[Settings] {
	return &dialogs.Book[Settings]{
		Harness: protocoltest.Harness{
			Spec: spec, URL: url, Secret: "Xyzzy-1077", Server: server, Garbage: "garbage",
			Skip: map[string]string{
				"credentials": "a socket has no logins",
				"errors":      "a socket has no names and no logins; TestErrors is about the rest",
			},
		},
		Rows:     rows,
		Settings: func(c protocols.Client) *Settings { return &c.(*Client).Settings },
	}
}

// all is the dialogues of streams.
func all() *dialogs.Book[Settings] {
	return book(TCP(), "tcp://localhost:25", daytimes("tcp"),
		dialogs.Recording[Settings]{Name: "get", Call: protocoltest.Get("", nil), Skip: noEnd},
		dialogs.Recording[Settings]{Name: "get-part", Call: protocoltest.Get("", &protocols.GetOptions{Length: 7}), Skip: noEnd},
		dialogs.Recording[Settings]{Name: "raw", Call: protocoltest.Raw("one"), Skip: anyWords},
		dialogs.Recording[Settings]{Name: "probe", Call: protocoltest.Probe(), Skip: anySilence},
		dialogs.Recording[Settings]{
			Name: "starttls-smtp", Call: protocoltest.Probe(), Setup: func(s *Settings) { s.StartTLS = "smtp" },
		},
	)
}

// daytimes starts a server whose content, a line of 30,000 characters, is the same
// each time.
func daytimes(network string) func(testing.TB) *protocoltest.Server {
	return func(t testing.TB) *protocoltest.Server {
		o := socklab.Options{Service: socklab.Chargen, Network: network, Limit: 30_000}
		if network == "unix" {
			o.Addr = filepath.Join(t.TempDir(), "socket")
		}
		s := labtest.Start(t, socklab.Start, o)
		content := make([]byte, 0, 30_000)
		for i := 0; len(content) < 30_000; i++ {
			for c := range 72 {
				content = append(content, byte(' '+(i+c)%95))
			}
			content = append(content, '\r', '\n')
		}
		content = content[:30_000]
		return &protocoltest.Server{URL: s.URL(), Files: []string{o.Addr, "", o.Addr}, Content: [][]byte{content, content, content}}
	}
}

// TestConformance runs the suite that all adapters pass.
func TestConformance(t *testing.T) {
	t.Run("tcp", func(t *testing.T) { protocoltest.Run(t, all().Suite()) })
	unix := book(UNIX(), "unix:@nobody", daytimes("unix")).Suite()
	unix.Skip["shape"] = "there is no RFC to name; TestClosed is about the rest"
	t.Run("unix", func(t *testing.T) { protocoltest.Run(t, unix) })
	udp := book(UDP(), "udp://localhost:7", nil).Suite()
	for _, law := range []string{"caller", "list", "get", "put", "busy", "bulk"} {
		udp.Skip[law] = "a datagram socket has no verbs of that kind; TestDatagrams is about what it has"
	}
	t.Run("udp", func(t *testing.T) { protocoltest.Run(t, udp) })
}

// TestUpdateDialogs looks for stray files, and with -update makes the dialogues anew.
func TestUpdateDialogs(t *testing.T) { all().Update(t) }

// TestClosed: a client that was closed says so, whatever it is asked for.
func TestClosed(t *testing.T) {
	for _, url := range []string{"tcp://127.0.0.1:1", "unix:@nobody"} {
		c := labtest.Open(t, New, url, nil)
		c.Close()
		_, get := c.Get(t.Context(), "x", nil)
		_, do := c.Do(t.Context(), "x")
		_, talk := c.Talk(t.Context())
		_, probe := c.Probe(t.Context())
		for _, err := range []error{get, do, talk, probe} {
			if !errors.Is(err, protocols.ErrClosed) {
				t.Errorf("%s: %v", url, err)
			}
		}
	}
}
