package lab

import (
	"crypto/tls"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
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
	*core
	opt       NNTPOptions
	news      *News
	authority *Authority
	user      Credentials
	verbs     map[string]nntpVerb
	clients   atomic.Int64
	logins    atomic.Int64

	logMu    sync.Mutex
	commands []string
}

// StartNNTP starts a server; the caller closes it.
func StartNNTP(o NNTPOptions) (*NNTPServer, error) {
	s := &NNTPServer{opt: o, news: o.News, authority: o.Authority, user: Credentials{o.User, o.Password}.or(DefaultCredentials())}
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
	var err error
	if s.authority == nil && o.TLS != TLSNone {
		if s.authority, err = NewAuthority(); err != nil {
			return nil, err
		}
	}
	s.verbs = s.table()
	if s.core, err = newCore(o.Addr, o.Faults); err != nil {
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
	verbs := nntpVerbs()
	for _, v := range off {
		delete(verbs, strings.ToUpper(v))
	}
	return verbs
}

// URL is "nntp://" (with implicit TLS "nntps://") and the address.
func (s *NNTPServer) URL() string {
	if s.opt.TLS == TLSImplicit {
		return "nntps://" + s.Addr() + "/"
	}
	return "nntp://" + s.Addr() + "/"
}

// Credentials is the user the server lets in.
func (s *NNTPServer) Credentials() Credentials { return s.user }

// News is what the server serves.
func (s *NNTPServer) News() *News { return s.news }

// Authority signs the server's certificate; nil without TLS.
func (s *NNTPServer) Authority() *Authority { return s.authority }

// Commands lists the lines received so far on all connections in order of their
// arrival, passwords included (the first 100,000).
func (s *NNTPServer) Commands() []string {
	s.logMu.Lock()
	defer s.logMu.Unlock()
	return slices.Clone(s.commands)
}

// Logins counts the successful logins.
func (s *NNTPServer) Logins() int { return int(s.logins.Load()) }

func (s *NNTPServer) record(line string) {
	s.logMu.Lock()
	if len(s.commands) < maxCommands {
		s.commands = append(s.commands, line)
	}
	s.logMu.Unlock()
	if s.opt.OnCommand != nil {
		s.opt.OnCommand(line)
	}
}

// tlsConfig is the configuration of one session.
func (s *NNTPServer) tlsConfig() *tls.Config {
	c := s.authority.ServerConfig()
	if s.opt.Certificate != nil {
		c.Certificates = []tls.Certificate{*s.opt.Certificate}
	}
	return c
}

// handle serves one connection.
func (s *NNTPServer) handle(conn net.Conn) {
	defer s.clients.Add(-1)
	n := s.clients.Add(1)
	for _, limit := range []int64{int64(s.opt.MaxClients), s.faults.clients()} {
		if limit > 0 && n > limit {
			conn.Write([]byte("400 Too many connections, please try later\r\n"))
			drain(conn)
			return
		}
	}
	newNNTPSession(s, conn).run()
}
