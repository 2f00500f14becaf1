package lab

import (
	"crypto/rand"
	"crypto/tls"
	"net"
	"slices"
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
	*front
	opt       FTPOptions
	tree      *Tree
	verbs     map[string]ftpVerb
	dialect   listDialect
	transfers atomic.Int64
	buffers   sync.Pool
}

// StartFTP starts a server; the caller closes it.
func StartFTP(o FTPOptions) (*FTPServer, error) {
	s := &FTPServer{tree: o.Tree, opt: o.withDefaults()}
	s.buffers.New = func() any { return new([dataBuffer]byte) }
	if s.tree == nil {
		s.tree = Sample()
	}
	var err error
	if s.dialect, err = findDialect(o.Dialect); err != nil {
		return nil, err
	}
	s.verbs = s.opt.verbs()
	s.front, err = newFront(frontOptions{
		Addr: o.Addr, Scheme: schemeOf("ftp", o.TLS == TLSImplicit), TLS: o.TLS != TLSNone, Authority: o.Authority, Certificate: o.Certificate,
		User: o.User, Password: o.Password, MaxClients: o.MaxClients, OnCommand: o.OnCommand, Faults: o.Faults,
	})
	if err != nil {
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
	return without(ftpVerbs(), off)
}

// Tree is what the server serves.
func (s *FTPServer) Tree() *Tree { return s.tree }

// DataConnections counts the data connections that were opened.
func (s *FTPServer) DataConnections() int { return int(s.transfers.Load()) }

// sessionTLS makes the configuration of one session. Its ticket key is its own,
// so that only data connections of the same session can resume it.
func (s *FTPServer) sessionTLS() (*tls.Config, error) {
	c := s.tlsConfig()
	c.MaxVersion = s.opt.MaxTLS
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
	s.admit(conn, "421 There are too many connected users, please try later.\r\n", newFTPSession(s, conn).run)
}
