// Package protocoltest is the conformance suite of adapters, a player of
// recorded dialogues, and benchmarks that are the same for all of them.
//
// An adapter's test passes a [Harness] to [Run]. Laws that need no real socket run
// in a testing/synctest bubble over connections in memory, so that timeouts cost
// no time, and a goroutine that is left behind fails the test. The laws:
//
//   - shape: constructors without I/O, Close at any time, the catalog entry
//   - golden: each dialogue has the result that stands in it
//   - delivery: byte by byte, and all at once, it returns the same
//   - cut, hang, idle, cancel: at every line; never a success, never a wait
//     beyond the limit, and the client works again afterwards
//   - closed: Close at every line ends the call at once, with an error that says so
//   - list, get, put, busy, bulk: against a server of the harness
//   - caller: line breaks and NUL in arguments are refused before anything is sent
//   - stale: a reply that comes before its command is not an answer
//   - echo: a password that a server says back is hidden
//   - server: garbage, floods, early bytes before TLS
//   - secret: no password in an error, trace event or report
package protocoltest

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/netclients/netclients/protocols"
)

// Harness is what an adapter provides for the suite.
type Harness struct {
	Spec *protocols.Spec

	// URL is that of the dialogues' server, on localhost, with a user.
	URL string
	// Secret is the password in the dialogues: no common word, so that it can be
	// looked for in all that comes out.
	Secret  string
	Dialogs []Dialog

	// Server starts a server that the client really connects to; nil skips the
	// laws that need one, and then Skip has the reason.
	Server func(t testing.TB) *Server

	// Garbage is a line that is not a reply at all.
	Garbage string
	// Multiline returns, for a line that a server says, a line that starts a reply
	// of many lines and may follow itself for ever; nil: the protocol has none.
	Multiline func(line string) string

	// Careful returns the session that follows when the server falls silent before a
	// step of a dialogue, and after which time, where the client then connects again
	// and sends one command at a time; nil where it does not. May be nil.
	Careful func(s *Script, at int) (*Script, time.Duration)

	// Skip leaves out laws: name and reason.
	Skip map[string]string

	seen set
}

// SkipToo leaves out one more law.
func (h *Harness) SkipToo(law, reason string) {
	if h.Skip == nil {
		h.Skip = map[string]string{}
	}
	h.Skip[law] = reason
}

// Dialog is a recorded dialogue with the call that it belongs to.
type Dialog struct {
	File    string // of the script
	Call    Call
	Options func(o *protocols.Options) // may change options; nil: none
	Setup   func(c protocols.Client)   // may set up the client before its first verb
	Skip    map[string]string          // laws that do not hold for this one: name and reason
	Spare   int                        // how many of the server's last steps the call can do without: a goodbye

	script *Script
	needed int // see Harness.count
}

// Server is a running server of the adapter's protocol, and names on it.
type Server struct {
	URL     string
	Options *protocols.Options
	Folder  string   // holds three entries or more
	Files   []string // three files or more that can be read
	Content [][]byte // of Files
	Missing string   // a name that is not there
	New     string   // a name that is free and may be written
	Many    string   // a folder of 10,000 entries, for benchmarks
	Big     string   // a file of 64 MiB, for benchmarks
}

// law is a part of the suite. Those that take long run in parallel, after the
// others, which measure memory or talk to real servers.
type law struct {
	name string
	run  func(t *testing.T, h *Harness)
	long bool
}

// laws are run in this order.
var laws = []law{
	{"shape", lawShape, false}, {"golden", lawGolden, false}, {"delivery", lawDelivery, false},
	{"cut", lawCut, true}, {"reset", lawReset, true}, {"hang", lawHang, true}, {"idle", lawIdle, true}, {"cancel", lawCancel, true}, {"closed", lawClosed, true},
	{"caller", lawCaller, false}, {"credentials", lawCredentials, false},
	{"garbage", lawGarbage, false}, {"flood", lawFlood, false}, {"odd", lawOdd, true}, {"early", lawEarly, false}, {"stale", lawStale, true}, {"echo", lawEcho, true},
	{"list", lawList, false}, {"get", lawGet, false}, {"put", lawPut, false}, {"busy", lawBusy, false},
	{"bulk", lawBulk, false}, {"errors", lawErrors, false},
}

// Run runs the laws, each as a subtest of its name.
func Run(t *testing.T, h Harness) {
	h.Dialogs = slices.Clone(h.Dialogs)
	for i := range h.Dialogs {
		h.load(t, &h.Dialogs[i])
	}
	for name := range h.Skip {
		if !isLaw(name) {
			t.Errorf("Skip names %q, which is not a law", name)
		}
	}
	for _, l := range laws {
		t.Run(l.name, func(t *testing.T) {
			if reason, ok := h.Skip[l.name]; ok {
				t.Skip(needReason(t, reason))
			}
			if l.long {
				t.Parallel()
			}
			own := h
			own.seen = set{}
			l.run(t, &own)
		})
	}
}

// load reads the script of a dialogue, and finds out how much of it the call needs.
func (h *Harness) load(t *testing.T, d *Dialog) {
	s, err := LoadScript(d.File)
	if err != nil {
		t.Fatal(err)
	}
	d.script = s
	if !s.has("D!", "dial") {
		h.count(t, d)
	}
}

func isLaw(name string) bool {
	return slices.ContainsFunc(laws, func(l law) bool { return l.name == name })
}

func needReason(t *testing.T, reason string) string {
	if reason == "" {
		t.Fatal("a skipped check needs a reason")
	}
	return reason
}

// each runs f for every dialogue as a subtest, unless it skips the law.
func (h *Harness) each(t *testing.T, f func(t *testing.T, d *Dialog)) {
	name := t.Name()[strings.LastIndexByte(t.Name(), '/')+1:]
	for i := range h.Dialogs {
		d := &h.Dialogs[i]
		t.Run(d.name(), func(t *testing.T) {
			if reason, ok := d.Skip[name]; ok {
				t.Skip(needReason(t, reason))
			}
			f(t, d)
		})
	}
}

// bubbled is each for laws that need the clock of a bubble: dialogues in which
// the server connects to the client run on real sockets, and are left out.
func (h *Harness) bubbled(t *testing.T, f func(t *testing.T, d *Dialog)) {
	h.each(t, func(t *testing.T, d *Dialog) {
		if d.script.has("D!", "dial") {
			t.Skip("real sockets have no place in a bubble")
		}
		f(t, d)
	})
}

func (d *Dialog) name() string {
	name := d.File[strings.LastIndexByte(d.File, '/')+1:]
	return strings.TrimSuffix(name, ".dialog")
}

// trial is one client with a player as its server.
type trial struct {
	t      *testing.T
	h      *Harness
	player *Player
	client protocols.Client
	where  string // for messages

	mu     sync.Mutex
	events []protocols.Event
}

// try makes a client for a dialogue with other scripts in its place.
func (h *Harness) try(t *testing.T, d *Dialog, where string, scripts ...*Script) *trial {
	t.Helper()
	tr := &trial{t: t, h: h, where: where, player: NewPlayer(scripts...)}
	tr.player.Loopback = d.script.has("D!", "dial")
	o, err := tr.player.Options()
	if err != nil {
		t.Fatal(err)
	}
	o.Credentials = func(_ context.Context, r protocols.CredentialRequest) (protocols.Credential, error) {
		return protocols.Credential{User: r.User, Password: h.Secret}, nil
	}
	o.Trace = tr.trace
	if d.Options != nil {
		d.Options(o)
	}
	tr.client = h.open(t, h.URL, o)
	if d.Setup != nil {
		d.Setup(tr.client)
	}
	return tr
}

// open makes a client of a URL.
func (h *Harness) open(t testing.TB, url string, o *protocols.Options) protocols.Client {
	t.Helper()
	u, err := protocols.ParseURL(url, "")
	if err != nil {
		t.Fatal(err)
	}
	c, err := h.Spec.New(u, o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (tr *trial) trace(e protocols.Event) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.events = append(tr.events, e)
}

func (tr *trial) errorf(format string, args ...any) {
	tr.t.Helper()
	tr.t.Errorf("%s: %s", tr.where, fmt.Sprintf(format, args...))
}

// call makes the dialogue's call, and checks the form of its error.
func (tr *trial) call(ctx context.Context, call Call) (outcome, error) {
	tr.t.Helper()
	results, err := call(ctx, tr.client)
	if err != nil {
		tr.checkError(err)
	}
	o := outcomeOf(results, err)
	if strings.Contains(o.String(), tr.h.Secret) {
		tr.errorf("the password stands in the result: %s", o)
	}
	return o, err
}

// again makes the call on a client that has failed: it must work.
func (tr *trial) again(d *Dialog) {
	tr.t.Helper()
	before := tr.player.Sessions()
	o, _ := tr.call(tr.t.Context(), d.Call)
	if o.String() != d.script.want().String() {
		tr.errorf("the next call on the same client gave\n%s\nwant\n%s", o, d.script.want())
	}
	if tr.player.Sessions() <= before {
		tr.errorf("no new connection for the next call")
	}
}

// end closes both sides and checks what is left to check.
func (tr *trial) end() {
	tr.t.Helper()
	tr.client.Close()
	if err := tr.player.Close(); err != nil {
		tr.errorf("not as in the dialogue:\n%v", err)
	}
	tr.checkTrace()
}

// checkTrace looks for the password in all that was traced, as it is and in base64.
func (tr *trial) checkTrace() {
	tr.t.Helper()
	tr.mu.Lock()
	defer tr.mu.Unlock()
	coded := base64.StdEncoding.EncodeToString([]byte("\x00alice\x00" + tr.h.Secret))
	for _, e := range tr.events {
		if strings.Contains(e.Text, tr.h.Secret) || strings.Contains(e.Text, coded) {
			tr.errorf("the password stands in a trace event: %v", e)
		}
	}
}

// checkError checks what every error must be.
func (tr *trial) checkError(err error) {
	tr.t.Helper()
	e, ok := err.(*protocols.Error)
	if !ok {
		tr.errorf("the error is a %T, not a *protocols.Error: %v", err, err)
		return
	}
	if e.Proto != tr.h.Spec.Name || e.Op == "" || e.URL == "" {
		tr.errorf("protocol %q, verb %q, URL %q of the error: one is missing or wrong: %v", e.Proto, e.Op, e.URL, err)
	}
	if e.Kind == protocols.KindOK || e.Kind == protocols.KindInternal {
		tr.errorf("the error is of kind %v: %v", e.Kind, err)
	}
	if strings.Contains(fmt.Sprintf("%v %+v", err, *e), tr.h.Secret) {
		tr.errorf("the password stands in the error: %v", err)
	}
	if errors.Is(err, context.DeadlineExceeded) != (e.Kind == protocols.KindTimeout) || errors.Is(err, context.Canceled) != (e.Kind == protocols.KindInterrupted) {
		tr.errorf("kind %v, and errors.Is with the errors of context says otherwise: %v", e.Kind, err)
	}
}

// bubble runs f where time is free.
func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}
