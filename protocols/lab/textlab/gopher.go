package textlab

import (
	"cmp"
	"net"
	"strings"
	"time"

	"github.com/netclients/netclients/protocols/lab/base"
	"github.com/netclients/netclients/protocols/lab/internal/frame"
)

// GopherOptions configure StartGopher. The zero value is a plain server on a free
// loopback port with the Sample tree.
type GopherOptions struct {
	base.ServerOptions            // every TLS mode but TLSNone is TLSImplicit
	Tree               *base.Tree // nil is Sample()

	Host    string              // in menus; empty is the address listened on
	Port    string              // in menus; empty is that of the address
	Before  map[string][]string // menu lines before those of a folder, by its selector; host and port are added to "type, text, TAB, selector"
	Behind  map[string][]string // the same after them
	Raw     map[string]string   // whole answers, by selector
	NoDot   bool                // menus and texts end without a dot
	NoStuff bool                // dots at the start of a line are not doubled
	Plus    bool                // Gopher+: attributes, views, items marked with a plus; answers to a form come back
}

// GopherServer is a running Gopher server (RFC 1436), with Gopher+ on request. A
// folder of its tree is a menu whose selector is the folder's path; the selector
// "/search" finds names in the tree.
//
// Scripted faults know the points MENU, TEXT, BINARY, SEARCH and PLUS.
type GopherServer struct {
	frame.Face
	front      *frame.Frame
	opt        GopherOptions
	tree       *base.Tree
	host, port string
}

// StartGopher starts a server; the caller closes it.
func StartGopher(o GopherOptions) (*GopherServer, error) {
	if o.IdleTimeout == 0 {
		o.IdleTimeout = time.Minute
	}
	if o.TLS != base.TLSNone {
		o.TLS = base.TLSImplicit
	}
	if o.Tree == nil {
		o.Tree = base.Sample()
	}
	f, err := frame.New("gopher", o.ServerOptions)
	if err != nil {
		return nil, err
	}
	s := &GopherServer{Face: f.Face(), front: f, opt: o, tree: o.Tree}
	host, port, _ := net.SplitHostPort(s.Addr())
	s.host, s.port = cmp.Or(o.Host, host), cmp.Or(o.Port, port)
	s.front.Serve(s.handle)
	return s, nil
}

// Tree is what the server serves.
func (s *GopherServer) Tree() *base.Tree { return s.tree }

// gopherTypes are the item types of file names; others are looked into.
var gopherTypes = map[string]byte{
	"txt": '0', "gif": 'g', "png": 'I', "jpg": 'I', "jpeg": 'I', "html": 'h', "zip": '5', "gz": '9', "tar": '9', "bin": '9',
	"wav": 's', "mp3": 's', "pdf": 'd', "hqx": '4', "uue": '6',
}

// typeOf returns the item type of a name in the tree.
func (s *GopherServer) typeOf(name string, i base.Info) byte {
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
	defer f.Close()
	head := make([]byte, 512)
	n, _ := f.ReadAt(head, 0)
	if strings.ContainsRune(string(head[:n]), 0) {
		return '9'
	}
	return '0'
}
