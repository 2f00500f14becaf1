package weblab

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"html"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/netclients/netclients/protocols/lab/base"
	"github.com/netclients/netclients/protocols/lab/internal/frame"
)

// HTTPOptions configure StartHTTP. The zero value is a plain server on a free
// loopback port with the Sample tree, which everybody may read and alice change.
type HTTPOptions struct {
	base.ServerOptions            // every TLS mode but TLSNone is TLSImplicit: https, with HTTP/2
	Tree               *base.Tree // nil is Sample()
	Hosts              []string   // names that Host and Origin may have besides localhost and the address, in lower case, with any port; "*" is any Host
	HTTP3              bool       // and HTTP/3 on the UDP port of the same number; needs TLS

	Token string // for Bearer; empty is none
	// Auth is how logins are asked for: basic (the default), digest, digest-md5,
	// bearer. LoginToRead asks for one for everything.
	Auth        string
	LoginToRead bool

	NoDAV    bool   // no WebDAV: index pages only, as Apache writes them
	NoRanges bool   // send everything, whatever was asked for
	NoSizes  bool   // index pages without times and sizes
	Robots   string // content of /robots.txt; empty is none
	// Handler, when set, is asked first; it reports whether it has answered.
	Handler func(w http.ResponseWriter, r *http.Request) bool

	OnUpload  func(path string) // if set, called for each file that was stored
	OnRequest func(Request)     // if set, called for each request, when it has been answered
}

// HTTPServer is a running HTTP server. Paths that begin with "/-/" do what their
// names say, for tests: redirect, status, cookies, echo, auth, coded, chunked,
// named, trailers.
type HTTPServer struct {
	frame.Face
	front  *frame.Frame
	opt    HTTPOptions
	tree   *base.Tree
	server *http.Server
	conns  chan net.Conn
	h3     io.Closer
	places map[string]http.HandlerFunc
}

// StartHTTP starts a server; the caller closes it.
func StartHTTP(o HTTPOptions) (*HTTPServer, error) {
	if o.TLS != base.TLSNone {
		o.TLS = base.TLSImplicit
	}
	f, err := frame.New("http", o.ServerOptions)
	if err != nil {
		return nil, err
	}
	s := &HTTPServer{Face: f.Face(), front: f, opt: o, tree: o.Tree, conns: make(chan net.Conn)}
	if s.tree == nil {
		s.tree = base.Sample()
	}
	s.places = s.special()
	s.server = &http.Server{Handler: http.HandlerFunc(s.answer), ReadHeaderTimeout: time.Minute, IdleTimeout: o.IdleTimeout, DisableGeneralOptionsHandler: true}
	l := &handedListener{s: s, closed: make(chan struct{})}
	if o.TLS != base.TLSNone {
		s.server.TLSConfig = s.front.TLSConfig()
		s.server.TLSConfig.NextProtos = []string{"h2", "http/1.1"}
		s.server.ConnContext = s.noteTLS
	}
	s.front.Go(func() { s.server.Serve(l) })
	s.front.Serve(s.hand)
	if o.HTTP3 {
		if err := s.startHTTP3(); err != nil {
			s.Close()
			return nil, err
		}
	}
	return s, nil
}

// Tree is what the server serves.
func (s *HTTPServer) Tree() *base.Tree { return s.tree }

// Close stops the server, cuts every connection and returns when all goroutines
// of the server have ended. It is safe to call twice.
func (s *HTTPServer) Close() error {
	err := s.front.Cut() // first of all: the library says goodbye under TLS, which a scripted wait would hold up
	s.server.Close()
	if s.h3 != nil {
		s.h3.Close()
	}
	s.front.Wait()
	return err
}

// hand returns a connection to the library and waits for its end: the core closes
// what its handlers leave.
func (s *HTTPServer) hand(conn net.Conn) {
	gone := &goneConn{Conn: conn, gone: make(chan struct{})}
	conn = gone
	if s.opt.TLS != base.TLSNone {
		if conn = s.secure(gone); conn == nil {
			return
		}
	}
	select {
	case s.conns <- conn:
		<-gone.gone
	case <-s.front.Done:
	}
}

// goneConn reports when it was closed.
type goneConn struct {
	net.Conn
	once sync.Once
	gone chan struct{}
}

// Close closes the connection.
func (c *goneConn) Close() error {
	defer c.once.Do(func() { close(c.gone) })
	return c.Conn.Close()
}

// SetLinger passes the option on, see net.TCPConn.
func (c *goneConn) SetLinger(sec int) error {
	if l, ok := c.Conn.(interface{ SetLinger(int) error }); ok {
		return l.SetLinger(sec)
	}
	return nil
}

// CloseWrite ends the outgoing direction.
func (c *goneConn) CloseWrite() error {
	if h, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return h.CloseWrite()
	}
	return c.Close()
}

// handedListener returns the connections that the frame has accepted.
type handedListener struct {
	s      *HTTPServer
	once   sync.Once
	closed chan struct{}
}

func (l *handedListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.s.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *handedListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *handedListener) Addr() net.Addr { return l.s.front.NetAddr() }

// answer serves one request.
func (s *HTTPServer) answer(w http.ResponseWriter, r *http.Request) {
	if state, ok := r.Context().Value(tlsStateKey{}).(*tls.ConnectionState); ok {
		r.TLS = state
	}
	if s.opt.OnStep != nil && r.ProtoMajor > 1 {
		var done func()
		w, done = s.show(w, r)
		defer done()
	}
	if s.opt.OnRequest != nil {
		var done func()
		w, done = s.observe(w, r)
		defer done()
	}
	s.front.Record(r.Method + " " + r.RequestURI)
	w.Header().Set("Server", "netclients-lab")
	if !s.admits(w, r) {
		return
	}
	if f, ok := s.front.Faults.Verb(r.Method); ok && s.misbehave(w, r, f) {
		return
	}
	if s.opt.Handler != nil && s.opt.Handler(w, r) {
		return
	}
	if place, ok := s.placeOf(r.URL.Path); ok {
		place(w, r)
		return
	}
	change := !slices.Contains([]string{"GET", "HEAD", "OPTIONS", "PROPFIND"}, r.Method)
	if (change || s.opt.LoginToRead) && !s.mayPass(w, r, s.opt.Auth) {
		return
	}
	if method, ok := s.methods()[r.Method]; ok {
		method(w, r)
		return
	}
	w.Header().Set("Allow", s.allowed())
	http.Error(w, "this method is not known here", http.StatusMethodNotAllowed)
}

// methods is the table of what can be done with files.
func (s *HTTPServer) methods() map[string]http.HandlerFunc {
	m := map[string]http.HandlerFunc{"GET": s.get, "HEAD": s.get, "PUT": s.put, "DELETE": s.delete, "OPTIONS": s.options}
	if !s.opt.NoDAV {
		m["PROPFIND"], m["MKCOL"], m["MOVE"] = s.propfind, s.mkcol, s.move
	}
	return m
}

func (s *HTTPServer) allowed() string {
	var names []string
	for name := range s.methods() {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

func (s *HTTPServer) options(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Allow", s.allowed())
	if !s.opt.NoDAV {
		w.Header().Set("DAV", "1")
	}
	w.WriteHeader(http.StatusNoContent)
}

// httpStatus is what an error of the tree is in HTTP.
func httpStatus(err error) int {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return http.StatusNotFound
	case errors.Is(err, fs.ErrPermission), errors.Is(err, base.ErrVirtual):
		return http.StatusForbidden
	case errors.Is(err, fs.ErrExist), errors.Is(err, base.ErrIsDir):
		return http.StatusMethodNotAllowed
	case errors.Is(err, base.ErrDiskFull):
		return http.StatusInsufficientStorage
	}
	return http.StatusConflict
}

func fail(w http.ResponseWriter, err error) { http.Error(w, err.Error(), httpStatus(err)) }

// etag is strong: the tree's files change their time with their bytes.
func etag(i base.Info) string {
	return fmt.Sprintf(`"%x-%x-%x"`, i.ID, i.Size, i.ModTime.UnixNano())
}

func (s *HTTPServer) get(w http.ResponseWriter, r *http.Request) {
	info, err := s.tree.Stat(r.URL.Path)
	if err != nil {
		fail(w, err)
		return
	}
	if info.IsDir() {
		s.folder(w, r)
		return
	}
	f, err := s.tree.Open(r.URL.Path)
	if err != nil {
		fail(w, err)
		return
	}
	defer f.Close()
	w.Header().Set("ETag", etag(info))
	if cut, ok := s.front.Faults.Kind(base.FaultTruncate); ok {
		if conn := hijack(w); conn != nil {
			fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", f.Size())
			io.Copy(conn, io.NewSectionReader(f, 0, min(cut.Bytes, f.Size())))
			frame.Drain(conn)
			conn.Close()
			return
		}
	}
	if s.opt.NoRanges {
		r.Header.Del("Range")
	}
	http.ServeContent(w, r, path.Base(r.URL.Path), info.ModTime, io.NewSectionReader(f, 0, f.Size()))
}

// folder writes an index page, in the form of nginx's, or without WebDAV of Apache's.
func (s *HTTPServer) folder(w http.ResponseWriter, r *http.Request) {
	if !strings.HasSuffix(r.URL.Path, "/") {
		http.Redirect(w, r, (&url.URL{Path: path.Base(r.URL.Path) + "/"}).EscapedPath(), http.StatusMovedPermanently)
		return
	}
	entries, err := s.tree.ReadDir(r.URL.Path)
	if err != nil {
		fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, "<html><head><title>Index of %[1]s</title></head><body><h1>Index of %[1]s</h1><hr><pre><a href=\"../\">../</a>\n", html.EscapeString(r.URL.Path))
	for _, e := range entries {
		io.WriteString(w, s.row(r.URL.Path, e))
	}
	io.WriteString(w, "</pre><hr></body></html>\n")
}

func (s *HTTPServer) row(dir string, e base.Info) string {
	name, size := e.Name, fmt.Sprint(e.Size)
	if at, err := s.tree.Stat(path.Join(dir, e.Name)); err == nil {
		e = at
		size = fmt.Sprint(at.Size)
	}
	if e.IsDir() {
		name, size = name+"/", "-"
	}
	link := fmt.Sprintf(`<a href="%s">%s</a>`, html.EscapeString((&url.URL{Path: "./" + name}).EscapedPath()), html.EscapeString(name))
	switch {
	case s.opt.NoSizes:
		return link + "\n"
	case s.opt.NoDAV:
		return fmt.Sprintf("%s  %s  %.1fK\n", link, e.ModTime.UTC().Format("2006-01-02 15:04"), float64(e.Size)/1024)
	}
	return fmt.Sprintf("%s  %s  %s\n", link, e.ModTime.UTC().Format("02-Jan-2006 15:04"), size)
}

// put stores the body under a temporary name and renames it, so that a request
// that is cut off changes nothing.
func (s *HTTPServer) put(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Content-Range") != "" {
		http.Error(w, "parts cannot be stored", http.StatusBadRequest)
		return
	}
	_, err := s.tree.Stat(r.URL.Path)
	fresh := err != nil
	temp := path.Join(path.Dir(r.URL.Path), fmt.Sprintf(".put-%p", r))
	if err = s.store(temp, r.Body); err == nil {
		err = s.tree.Rename(temp, r.URL.Path)
	}
	if err != nil {
		s.tree.Remove(temp)
		fail(w, err)
		return
	}
	if info, err := s.tree.Stat(r.URL.Path); err == nil {
		w.Header().Set("ETag", etag(info))
	}
	if s.opt.OnUpload != nil {
		s.opt.OnUpload(path.Clean("/" + r.URL.Path))
	}
	w.WriteHeader(map[bool]int{true: http.StatusCreated, false: http.StatusNoContent}[fresh])
}

func (s *HTTPServer) store(name string, body io.Reader) error {
	f, err := s.tree.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	buf := make([]byte, 64<<10)
	for {
		n, err := body.Read(buf)
		if _, werr := f.Append(buf[:n]); werr != nil {
			return werr
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (s *HTTPServer) delete(w http.ResponseWriter, r *http.Request) {
	info, err := s.tree.Stat(r.URL.Path)
	if err == nil && info.IsDir() {
		err = s.tree.RemoveAll(strings.TrimSuffix(r.URL.Path, "/"))
	} else if err == nil {
		err = s.tree.Remove(r.URL.Path)
	}
	if err != nil {
		fail(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// misbehave plays a fault in place of an answer. It reports whether that is all.
func (s *HTTPServer) misbehave(w http.ResponseWriter, r *http.Request, f base.Fault) bool {
	if f.Kind == base.FaultCode {
		code := http.StatusInternalServerError
		fmt.Sscanf(f.Text, "%d", &code)
		http.Error(w, cmp.Or(f.Text, "a scripted fault"), min(max(code, 200), 599))
		return true
	}
	conn := hijack(w)
	if conn == nil {
		return false // HTTP/2 and 3 have other ways to go wrong
	}
	defer conn.Close()
	switch f.Kind {
	case base.FaultGarbage:
		conn.Write(frame.Garbage())
	case base.FaultEndless:
		frame.Endless(conn, "HTTP/1.1 200 "+f.Text, "aaaaaaaaaaaaaaaa")
	case base.FaultMultiline:
		frame.Endless(conn, "HTTP/1.1 200 OK\r\n", "X-More: and another line\r\n")
	case base.FaultHang:
		s.hang(r.Context(), conn)
	case base.FaultReset:
		frame.Reset(conn)
	}
	return true
}

// hijack takes the connection of an HTTP/1.1 request, or returns nil.
func hijack(w http.ResponseWriter) net.Conn {
	if seen, ok := w.(*statusWriter); ok {
		w = seen.ResponseWriter
	}
	h, ok := w.(http.Hijacker)
	if !ok {
		return nil
	}
	conn, _, err := h.Hijack()
	if err != nil {
		return nil
	}
	return conn
}

// hang says nothing until one side gives up.
func (s *HTTPServer) hang(ctx context.Context, conn net.Conn) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	s.front.Go(func() {
		select {
		case <-s.front.Done:
			cancel()
		case <-ctx.Done():
		}
	})
	io.Copy(io.Discard, conn)
}
