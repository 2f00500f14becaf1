package lab

import (
	"crypto/tls"
	"net"
	"slices"
	"strings"
	"sync"
	"time"
)

// GopherOptions configure StartGopher. The zero value is a plain server on a free
// loopback port with the Sample tree.
type GopherOptions struct {
	Addr        string // where to listen; empty is a free loopback port
	Tree        *Tree  // nil is Sample()
	TLS         TLSMode
	Authority   *Authority       // nil with TLS makes a new one, see GopherServer.Authority
	Certificate *tls.Certificate // shown instead of the authority's

	Faults Faults

	Host    string              // told in menus; empty is the address listened on
	Port    string              // told in menus; empty is that of the address
	Before  map[string][]string // menu lines before those of a folder, by its selector; host and port are added to "type, text, TAB, selector"
	Behind  map[string][]string // the same behind them
	Raw     map[string]string   // whole answers, by selector
	NoDot   bool                // menus and texts end without a dot
	NoStuff bool                // dots at the start of a line are not doubled
	Plus    bool                // Gopher+: attributes, views, items marked with a plus; answers to a form come back

	IdleTimeout time.Duration // for the request; 0 is 1 minute

	// OnCommand, when set, sees every request line as it is received. It is called
	// from the sessions' goroutines.
	OnCommand func(line string)
}

// GopherServer is a running Gopher server (RFC 1436), with Gopher+ on request. A
// folder of its tree is a menu whose selector is the folder's path; the selector
// "/search" finds names in the tree.
//
// Scripted faults know the points MENU, TEXT, BINARY, SEARCH and PLUS.
type GopherServer struct {
	*core
	opt        GopherOptions
	tree       *Tree
	authority  *Authority
	host, port string

	mu       sync.Mutex
	commands []string
}

// StartGopher starts a server; the caller closes it.
func StartGopher(o GopherOptions) (*GopherServer, error) {
	s := &GopherServer{opt: o, tree: o.Tree, authority: o.Authority}
	if s.opt.IdleTimeout == 0 {
		s.opt.IdleTimeout = time.Minute
	}
	if s.tree == nil {
		s.tree = Sample()
	}
	var err error
	if s.authority == nil && o.TLS != TLSNone {
		if s.authority, err = NewAuthority(); err != nil {
			return nil, err
		}
	}
	if s.core, err = newCore(o.Addr, o.Faults); err != nil {
		return nil, err
	}
	s.host, s.port, _ = net.SplitHostPort(s.Addr())
	if o.Host != "" {
		s.host = o.Host
	}
	if o.Port != "" {
		s.port = o.Port
	}
	s.serve(s.handle)
	return s, nil
}

// URL is "gopher://" (with TLS "gophers://") and the address.
func (s *GopherServer) URL() string {
	if s.opt.TLS != TLSNone {
		return "gophers://" + s.Addr() + "/"
	}
	return "gopher://" + s.Addr() + "/"
}

// Tree is what the server serves.
func (s *GopherServer) Tree() *Tree { return s.tree }

// Authority signs the server's certificate; nil without TLS.
func (s *GopherServer) Authority() *Authority { return s.authority }

// Commands lists the request lines received so far in order of their arrival (the
// first 100,000).
func (s *GopherServer) Commands() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.commands)
}

func (s *GopherServer) record(line string) {
	s.mu.Lock()
	if len(s.commands) < maxCommands {
		s.commands = append(s.commands, line)
	}
	s.mu.Unlock()
	if s.opt.OnCommand != nil {
		s.opt.OnCommand(line)
	}
}

// gopherTypes are the item types of file names; others are looked into.
var gopherTypes = map[string]byte{
	"txt": '0', "gif": 'g', "png": 'I', "jpg": 'I', "jpeg": 'I', "html": 'h', "zip": '5', "gz": '9', "tar": '9', "bin": '9',
	"wav": 's', "mp3": 's', "pdf": 'd', "hqx": '4', "uue": '6',
}

// typeOf gives the item type of a name in the tree.
func (s *GopherServer) typeOf(name string, i Info) byte {
	if i.IsDir() {
		return '1'
	}
	ext := strings.ToLower(name[strings.LastIndexByte(name, '.')+1:])
	if t, ok := gopherTypes[ext]; ok {
		return t
	}
	f, err := s.tree.Open(name)
	if err != nil {
		return '9'
	}
	head := make([]byte, 512)
	n, _ := f.ReadAt(head, 0)
	if strings.ContainsRune(string(head[:n]), 0) {
		return '9'
	}
	return '0'
}
