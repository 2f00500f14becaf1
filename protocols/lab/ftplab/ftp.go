package ftplab

import (
	"crypto/rand"
	"crypto/tls"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/netclients/netclients/protocols/lab/base"
	"github.com/netclients/netclients/protocols/lab/internal/frame"
)

// Options configure Start. The zero value is a plain server on a free
// loopback port with the Sample tree, the user alice and anonymous readers.
type Options struct {
	base.ServerOptions
	Tree *base.Tree // nil is Sample()

	Account     string // when set, the user must give it with ACCT (332)
	NoAnonymous bool   // refuse anonymous and ftp, who may read only

	ClientCertificates  bool   // require a certificate of the authority
	MaxTLS              uint16 // newest TLS version; 0 is the library's
	RequireSessionReuse bool   // data TLS must resume the control session (522)
	ClearData           bool   // lie: accept PROT P and send data unencrypted

	Dialect          string         // of LIST: unix (default), dos, eplf, vms
	TimeZone         *time.Location // of LIST; nil is UTC
	Now              time.Time      // what LIST takes for today; zero is the clock
	ExtraListLines   []string       // raw lines after every LIST, NLST and MLSD listing
	ListGarbageLines bool           // LIST has lines mixed in that nothing can parse
	Disable          []string       // commands answered with 500 and missing in FEAT

	NoMLSD, NoEPSV, NoREST, NoSIZE, NoUTF8 bool // shorthands for Disable
	RestLies                               bool // accept REST and start from 0 all the same

	PASVHost string   // IPv4 address in the PASV reply instead of the real one
	Foreign  bool     // data connections to and from other loopback addresses (FXP)
	Quota    int64    // bytes an upload may hold, else 552; 0 means no limit
	Hosts    []string // names HOST takes, in lower case; nil is any

	DataTimeout time.Duration // for a data connection or a stuck one; 0 is 1 minute
	Greeting    string        // text of the 220; empty is a default

	// OnUpload, if set, is called with the path of each file that was stored whole.
	OnUpload func(path string)
}

// Server is a running FTP server.
type Server struct {
	frame.Face
	front     *frame.Frame
	opt       Options
	tree      *base.Tree
	verbs     map[string]verb
	dialect   listDialect
	transfers atomic.Int64
	buffers   sync.Pool
}

// Start starts a server; the caller closes it.
func Start(o Options) (*Server, error) {
	s := &Server{tree: o.Tree, opt: o.withDefaults()}
	s.buffers.New = func() any { return new([dataBuffer]byte) }
	if s.tree == nil {
		s.tree = base.Sample()
	}
	var err error
	if s.dialect, err = findDialect(o.Dialect); err != nil {
		return nil, err
	}
	s.verbs = s.opt.verbs()
	if s.front, err = frame.New("ftp", o.ServerOptions); err != nil {
		return nil, err
	}
	s.Face = s.front.Face()
	s.front.Serve(s.handle)
	return s, nil
}

// withDefaults fills what was left zero.
func (o Options) withDefaults() Options {
	if o.TimeZone == nil {
		o.TimeZone = time.UTC
	}
	if o.IdleTimeout == 0 {
		o.IdleTimeout = 5 * time.Minute
	}
	if o.DataTimeout == 0 {
		o.DataTimeout = time.Minute
	}
	if o.Greeting == "" {
		o.Greeting = "netclients lab FTP server ready."
	}
	return o
}

// verbs is the command table without what the options disable.
func (o Options) verbs() map[string]verb {
	off := slices.Clone(o.Disable)
	for _, short := range []struct {
		set   bool
		verbs []string
	}{
		{o.NoMLSD, []string{"MLSD", "MLST"}},
		{o.NoEPSV, []string{"EPSV", "EPRT"}},
		{o.NoREST, []string{"REST"}},
		{o.NoSIZE, []string{"SIZE"}},
		{o.TLS == base.TLSNone, []string{"AUTH", "PBSZ", "PROT", "CCC"}},
	} {
		if short.set {
			off = append(off, short.verbs...)
		}
	}
	return frame.Without(verbs(), off)
}

// Tree is what the server serves.
func (s *Server) Tree() *base.Tree { return s.tree }

// DataConnections counts the data connections that were opened.
func (s *Server) DataConnections() int { return int(s.transfers.Load()) }

// sessionTLS makes the configuration of one session. Its ticket key is its own,
// so that only data connections of the same session can resume it.
func (s *Server) sessionTLS() (*tls.Config, error) {
	c := s.front.TLSConfig()
	c.MaxVersion = s.opt.MaxTLS
	if s.opt.ClientCertificates {
		c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, s.Authority().Pool()
	}
	var key [32]byte
	if _, err := rand.Read(key[:]); err != nil {
		return nil, err
	}
	c.SetSessionTicketKeys([][32]byte{key})
	return c, nil
}

// handle serves one control connection.
func (s *Server) handle(conn net.Conn) {
	s.front.Admit(conn, "421 There are too many connected users, please try later.\r\n", newSession(s, conn).run)
}
