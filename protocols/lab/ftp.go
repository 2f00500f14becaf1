package lab

import (
	"crypto/rand"
	"crypto/tls"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// TLSMode says how a server uses TLS.
type TLSMode int

// The modes: not at all; after AUTH TLS if the client wants it; login and data
// only under TLS; TLS from the first byte.
const (
	TLSNone TLSMode = iota
	TLSExplicit
	TLSRequired
	TLSImplicit
)

// FTPOptions configure StartFTP. The zero value is a plain server on a free
// loopback port with the Sample tree, the user alice and anonymous readers.
type FTPOptions struct {
	Addr      string // where to listen; empty is a free loopback port
	Tree      *Tree  // nil is Sample()
	TLS       TLSMode
	Authority *Authority // nil with TLS makes a new one, see FTPServer.Authority

	User        string // empty is alice with the password secret
	Password    string
	Account     string // when set, the user must give it with ACCT (332)
	NoAnonymous bool   // refuse anonymous and ftp, who may read only

	Certificate         *tls.Certificate // shown instead of the authority's
	ClientCertificates  bool             // require a certificate of the authority
	MaxTLS              uint16           // newest TLS version; 0 is the library's
	RequireSessionReuse bool             // data TLS must resume the control session (522)
	ClearData           bool             // lie: accept PROT P and send data in clear

	Faults     Faults
	MaxClients int // more at a time are told 421; 0 is no limit

	Dialect          string         // of LIST: unix (default), dos, eplf, vms, as400, mvs, netware
	TimeZone         *time.Location // of LIST; nil is UTC
	Now              time.Time      // what LIST takes for today; zero is the clock
	ExtraListLines   []string       // raw lines behind every LIST, NLST and MLSD listing
	ListGarbageLines bool           // LIST has lines mixed in that nothing can parse
	Disable          []string       // commands answered with 500 and missing in FEAT

	NoMLSD, NoEPSV, NoREST, NoSIZE, NoUTF8 bool // shorthands for Disable
	RestLies                               bool // accept REST and start from 0 all the same

	PASVHost string   // IPv4 address told by PASV instead of the real one
	Foreign  bool     // data connections to and from other loopback addresses (FXP)
	Quota    int64    // bytes an upload may hold, else 552; 0 is no limit
	Hosts    []string // names HOST takes, in lower case; nil is any

	IdleTimeout time.Duration // for the next command; 0 is 5 minutes
	DataTimeout time.Duration // for a data connection or a stuck one; 0 is 1 minute
	Greeting    string        // text of the 220; empty is a default

	// OnCommand, when set, sees every command line as it is received, before
	// it is carried out. It is called from the sessions' goroutines.
	OnCommand func(line string)
}

// FTPServer is a running FTP server.
type FTPServer struct {
	*core
	opt       FTPOptions
	tree      *Tree
	authority *Authority
	user      Credentials
	verbs     map[string]ftpVerb
	dialect   listDialect
	clients   atomic.Int64
	logins    atomic.Int64
	transfers atomic.Int64
	buffers   sync.Pool

	logMu    sync.Mutex
	commands []string
}

// maxCommands bounds the record of received commands.
const maxCommands = 100_000

// StartFTP starts a server; the caller closes it.
func StartFTP(o FTPOptions) (*FTPServer, error) {
	s := &FTPServer{tree: o.Tree, authority: o.Authority, user: Credentials{o.User, o.Password}.or(DefaultCredentials())}
	s.opt = o.withDefaults()
	s.buffers.New = func() any { return new([dataBuffer]byte) }
	if s.tree == nil {
		s.tree = Sample()
	}
	var err error
	if s.authority == nil && o.TLS != TLSNone {
		if s.authority, err = NewAuthority(); err != nil {
			return nil, err
		}
	}
	if s.dialect, err = findDialect(o.Dialect); err != nil {
		return nil, err
	}
	s.verbs = s.opt.verbs()
	if s.core, err = newCore(o.Addr, o.Faults); err != nil {
		return nil, err
	}
	s.serve(s.handle)
	return s, nil
}

// withDefaults fills what was left zero.
func (o FTPOptions) withDefaults() FTPOptions {
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
func (o FTPOptions) verbs() map[string]ftpVerb {
	off := slices.Clone(o.Disable)
	for _, short := range []struct {
		set   bool
		verbs []string
	}{
		{o.NoMLSD, []string{"MLSD", "MLST"}},
		{o.NoEPSV, []string{"EPSV", "EPRT"}},
		{o.NoREST, []string{"REST"}},
		{o.NoSIZE, []string{"SIZE"}},
		{o.TLS == TLSNone, []string{"AUTH", "PBSZ", "PROT", "CCC"}},
	} {
		if short.set {
			off = append(off, short.verbs...)
		}
	}
	verbs := ftpVerbs()
	for _, v := range off {
		delete(verbs, strings.ToUpper(v))
	}
	return verbs
}

// URL is "ftp://" (with implicit TLS "ftps://") and the address.
func (s *FTPServer) URL() string {
	if s.opt.TLS == TLSImplicit {
		return "ftps://" + s.Addr() + "/"
	}
	return "ftp://" + s.Addr() + "/"
}

// Credentials is the user the server lets in, besides anonymous ones.
func (s *FTPServer) Credentials() Credentials { return s.user }

// Tree is what the server serves.
func (s *FTPServer) Tree() *Tree { return s.tree }

// Authority signs the server's certificate; nil without TLS.
func (s *FTPServer) Authority() *Authority { return s.authority }

// Commands lists the lines received so far on all connections in order of
// their arrival, passwords included (the first 100,000).
func (s *FTPServer) Commands() []string {
	s.logMu.Lock()
	defer s.logMu.Unlock()
	return slices.Clone(s.commands)
}

// Logins counts the successful logins.
func (s *FTPServer) Logins() int { return int(s.logins.Load()) }

// DataConnections counts the data connections that were opened.
func (s *FTPServer) DataConnections() int { return int(s.transfers.Load()) }

// record takes note of a received line.
func (s *FTPServer) record(line string) {
	s.logMu.Lock()
	if len(s.commands) < maxCommands {
		s.commands = append(s.commands, line)
	}
	s.logMu.Unlock()
	if s.opt.OnCommand != nil {
		s.opt.OnCommand(line)
	}
}

// tlsConfig makes the configuration of one session. Its ticket key is its own,
// so that only data connections of the same session can resume it.
func (s *FTPServer) tlsConfig() (*tls.Config, error) {
	c := s.authority.ServerConfig()
	c.MaxVersion = s.opt.MaxTLS
	if s.opt.Certificate != nil {
		c.Certificates = []tls.Certificate{*s.opt.Certificate}
	}
	if s.opt.ClientCertificates {
		c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, s.authority.Pool()
	}
	var key [32]byte
	if _, err := rand.Read(key[:]); err != nil {
		return nil, err
	}
	c.SetSessionTicketKeys([][32]byte{key})
	return c, nil
}

// handle serves one control connection.
func (s *FTPServer) handle(conn net.Conn) {
	defer s.clients.Add(-1)
	n := s.clients.Add(1)
	for _, limit := range []int64{int64(s.opt.MaxClients), s.faults.clients()} {
		if limit > 0 && n > limit {
			io.WriteString(conn, "421 There are too many connected users, please try later.\r\n")
			drain(conn)
			return
		}
	}
	newFTPSession(s, conn).run()
}

// drain ends the outgoing direction and waits a moment for the other side's
// end, so that unread bytes do not turn the end into a reset that would take
// the last reply with it.
func drain(conn net.Conn) {
	if h, ok := conn.(interface{ CloseWrite() error }); ok {
		h.CloseWrite()
	}
	conn.SetReadDeadline(time.Now().Add(time.Second))
	io.Copy(io.Discard, io.LimitReader(conn, 1<<20))
}
