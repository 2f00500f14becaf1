package lab

import (
	"crypto/tls"
	"net"
	"slices"
	"time"
)

// NNTPOptions configure StartNNTP. The zero value is a reading and posting server
// on a free loopback port with the groups of NewsSample; nobody has to log in, and
// the user alice may.
type NNTPOptions struct {
	Addr      string // where to listen; empty is a free loopback port
	News      *News  // nil is NewsSample()
	TLS       TLSMode
	Authority *Authority // nil with TLS makes a new one, see NNTPServer.Authority

	User      string // empty is alice with the password secret
	Password  string
	NeedLogin bool   // every command that reads or writes wants a login (480)
	NeedTLS   bool   // every such command, and a login, wants TLS (483)
	SASL      string // mechanisms offered, of PLAIN, CRAM-MD5 and SCRAM-SHA-256; empty is "PLAIN"

	Legacy     bool // as before RFC 3977: no CAPABILITIES, OVER or HDR, only XOVER and XHDR
	ModeReader bool // a feeding server: it takes commands of readers only after MODE READER (401)
	ReadOnly   bool // 201, and 440 to POST
	Gzip       bool // takes XFEATURE COMPRESS GZIP
	GzipInside bool // with the final dot inside of the compressed piece
	NoCompress bool // no COMPRESS DEFLATE

	Certificate *tls.Certificate // shown instead of the authority's
	Faults      Faults
	MaxClients  int      // more at a time are told 400; 0 is no limit
	Disable     []string // commands answered with 500, and missing in CAPABILITIES
	NoLists     []string // keywords of LIST that are answered with 501
	Greeting    string   // text of the 200; empty is a default
	Now         func() time.Time
	IdleTimeout time.Duration // for the next command; 0 is 5 minutes

	// OnCommand, when set, sees every command line as it is received. It is
	// called from the sessions' goroutines.
	OnCommand func(line string)
}

// NNTPServer is a running NNTP server.
type NNTPServer struct {
	*front
	opt   NNTPOptions
	news  *News
	verbs map[string]nntpVerb
}

// StartNNTP starts a server; the caller closes it.
func StartNNTP(o NNTPOptions) (*NNTPServer, error) {
	s := &NNTPServer{opt: o, news: o.News}
	if s.news == nil {
		s.news = NewsSample()
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
	if s.opt.SASL == "" {
		s.opt.SASL = "PLAIN"
	}
	s.verbs = s.table()
	var err error
	s.front, err = newFront(frontOptions{
		Addr: o.Addr, Scheme: schemeOf("nntp", o.TLS == TLSImplicit), TLS: o.TLS != TLSNone, Authority: o.Authority, Certificate: o.Certificate,
		User: o.User, Password: o.Password, MaxClients: o.MaxClients, OnCommand: o.OnCommand, Faults: o.Faults,
	})
	if err != nil {
		return nil, err
	}
	s.serve(s.handle)
	return s, nil
}

// table is the command table without what the options take away.
func (s *NNTPServer) table() map[string]nntpVerb {
	off := slices.Clone(s.opt.Disable)
	for _, short := range []struct {
		set   bool
		verbs []string
	}{
		{s.opt.Legacy, []string{"CAPABILITIES", "OVER", "HDR", "STARTTLS", "COMPRESS", "CHECK", "TAKETHIS"}},
		{s.opt.TLS == TLSNone || s.opt.TLS == TLSImplicit, []string{"STARTTLS"}},
		{!s.opt.Gzip, []string{"XFEATURE"}},
		{s.opt.NoCompress, []string{"COMPRESS"}},
	} {
		if short.set {
			off = append(off, short.verbs...)
		}
	}
	return without(nntpVerbs(), off)
}

// News is what the server serves.
func (s *NNTPServer) News() *News { return s.news }

// handle serves one connection.
func (s *NNTPServer) handle(conn net.Conn) {
	s.admit(conn, "400 Too many connections, please try later\r\n", newNNTPSession(s, conn).run)
}
