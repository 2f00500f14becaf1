package ftplab

import (
	"bufio"
	"io/fs"
	"net"
	"path"
	"time"

	"github.com/netclients/netclients/protocols/lab/base"
	"github.com/netclients/netclients/protocols/lab/internal/frame"
)

// session is one client: the dialogue, its data connections, who the client is
// and where it stands.
type session struct {
	dataSide

	user      string
	password  bool // accepted, ACCT still missing
	loggedIn  bool
	anonymous bool
	fails     int

	cwd    string
	ascii  bool
	rest   int64
	rename string
	umask  fs.FileMode
	facts  []string
	hash   string
}

func newSession(srv *Server, conn net.Conn) *session {
	c := &control{srv: srv, base: conn, conn: conn, lines: make(chan string), next: make(chan *bufio.Reader), quit: make(chan struct{})}
	x := &session{dataSide: dataSide{control: c}}
	x.reinit()
	return x
}

// reinit is the state after connecting and after REIN.
func (x *session) reinit() {
	x.user, x.password, x.loggedIn, x.anonymous = "", false, false, false
	x.cwd, x.ascii, x.rest, x.rename = "/", true, 0, ""
	x.umask, x.facts, x.hash = 0o022, allFacts(), "SHA-256"
	x.data.close()
	x.data = nil
}

// run holds the dialogue until one side ends it.
func (x *session) run() {
	defer func() { x.data.close() }()
	if x.srv.opt.TLS == base.TLSImplicit && !x.startTLS() {
		return
	}
	x.srv.front.Go(func() { x.read(bufio.NewReaderSize(x.conn, frame.MaxLine)) })
	defer x.finish()
	if !x.fault(base.PointGreeting) {
		x.reply(220, x.srv.opt.Greeting)
	}
	idle := time.NewTimer(x.srv.opt.IdleTimeout)
	defer idle.Stop()
	for first := true; !x.ended; first = false {
		line, ok := x.nextLine(idle)
		if !ok || first && frame.IsHTTP(line) {
			return
		}
		x.dispatch(line)
	}
}

// dispatch carries out one line.
func (x *session) dispatch(line string) {
	verb, arg := frame.SplitCommand(line)
	x.held = holds(line)
	defer x.goOn(nil)
	if x.fault(verb) {
		return
	}
	x.last = verb
	x.perform(verb, arg)
}

// perform checks what the table says about a verb and runs it.
func (x *session) perform(verb, arg string) {
	v, ok := x.srv.verbs[verb]
	switch {
	case !ok:
		x.reply(500, "Unknown command.")
	case v.flags&needLogin != 0 && !x.loggedIn:
		x.reply(530, "Please login with USER and PASS.")
	case v.flags&needArg != 0 && arg == "":
		x.reply(501, verb+" needs an argument.")
	case v.flags&changes != 0 && x.anonymous:
		x.reply(550, "Permission denied.")
	default:
		v.run(x, arg)
		if v.flags&keepState == 0 {
			x.rest, x.rename = 0, ""
		}
	}
}

// path makes a client's name absolute.
func (x *session) path(name string) string {
	if path.IsAbs(name) {
		return path.Clean("/" + name)
	}
	return path.Join(x.cwd, name)
}
