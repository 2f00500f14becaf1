package newslab

import (
	"net"
	"slices"
	"time"

	"github.com/netclients/netclients/protocols/lab/base"
	"github.com/netclients/netclients/protocols/lab/internal/frame"
)

// Options configure Start. The zero value is a reading and posting server
// on a free loopback port with the groups of Sample; nobody has to log in, and
// the user alice may.
type Options struct {
	base.ServerOptions
	News *Spool // nil is Sample()

	NeedLogin bool // every command that reads or writes wants a login (480)
	// LoginLasts is the number of commands after which a login is void; 0: it lasts.
	LoginLasts int
	NeedTLS    bool // every such command, and a login, wants TLS (483)

	Legacy     bool // as before RFC 3977: no CAPABILITIES, OVER or HDR, only XOVER and XHDR
	ModeReader bool // a feeding server: it takes commands of readers only after MODE READER (401)
	ReadOnly   bool // 201, and 440 to POST
	Gzip       bool // takes XFEATURE COMPRESS GZIP
	GzipInside bool // with the final dot inside of the compressed piece
	NoCompress bool // no COMPRESS DEFLATE

	Mechanisms []string // of SASL; nil is PLAIN
	Disable    []string // commands answered with 500, and missing in CAPABILITIES
	NoLists    []string // keywords of LIST that are answered with 501
	Greeting   string   // text of the 200; empty is a default
	// Answer, if set, returns the whole reply to a command, lines and final dot included,
	// in place of the server's: [HangUp] at its end closes the connection, empty is the server's own.
	// It is called by several goroutines.
	Answer func(line string) string
	Now    func() time.Time

	// OnPost, if set, is called with the message-id of each article that was taken.
	OnPost func(id string)
}

// HangUp at the end of a reply of Options.Answer closes the connection.
const HangUp = "\x00"

// Server is a running NNTP server.
type Server struct {
	frame.Face
	front *frame.Frame
	opt   Options
	news  *Spool
	verbs map[string]verb
}

// Start starts a server; the caller closes it.
func Start(o Options) (*Server, error) {
	s := &Server{opt: o, news: o.News}
	if s.news == nil {
		s.news = Sample()
	}
	if s.opt.Now == nil {
		s.opt.Now = time.Now
	}
	if s.opt.IdleTimeout == 0 {
		s.opt.IdleTimeout = 5 * time.Minute
	}
	if s.opt.Greeting == "" {
		s.opt.Greeting = "netclients lab NNTP server ready"
	}
	if s.opt.Mechanisms == nil {
		s.opt.Mechanisms = []string{"PLAIN"}
	}
	s.verbs = s.table()
	var err error
	if s.front, err = frame.New("nntp", o.ServerOptions); err != nil {
		return nil, err
	}
	s.Face = s.front.Face()
	s.front.Serve(s.handle)
	return s, nil
}

// table is the command table without what the options take away.
func (s *Server) table() map[string]verb {
	off := slices.Clone(s.opt.Disable)
	for _, short := range []struct {
		set   bool
		verbs []string
	}{
		{s.opt.Legacy, []string{"CAPABILITIES", "OVER", "HDR", "STARTTLS", "COMPRESS", "CHECK", "TAKETHIS"}},
		{s.opt.TLS == base.TLSNone || s.opt.TLS == base.TLSImplicit, []string{"STARTTLS"}},
		{!s.opt.Gzip, []string{"XFEATURE"}},
		{s.opt.NoCompress, []string{"COMPRESS"}},
	} {
		if short.set {
			off = append(off, short.verbs...)
		}
	}
	return frame.Without(verbs(), off)
}

// News returns what the server serves.
func (s *Server) News() *Spool { return s.news }

// handle serves one connection.
func (s *Server) handle(conn net.Conn) {
	s.front.Admit(conn, "400 Too many connections, please try later\r\n", newSession(s, conn).run)
}
