package textlab

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"path"
	"strings"
	"time"

	"github.com/netclients/netclients/protocols/lab/base"
	"github.com/netclients/netclients/protocols/lab/internal/frame"
)

// gopherSession is one connection: one request and its answer.
type gopherSession struct {
	srv    *GopherServer
	conn   net.Conn
	in     *bufio.Reader
	out    *bufio.Writer
	faulty bool // a fault was played
}

func (s *GopherServer) handle(conn net.Conn) {
	if s.opt.TLS != base.TLSNone {
		t := tls.Server(conn, s.front.TLSConfig())
		if t.Handshake() != nil {
			return
		}
		defer t.Close()
		conn = s.front.Over(t)
	}
	s.front.Admit(conn, "3Too many clients, try again later\t\terror.host\t1\r\n.\r\n", func() { s.serveOne(conn) })
}

// serveOne answers the one request of a connection.
func (s *GopherServer) serveOne(conn net.Conn) {
	x := &gopherSession{srv: s, conn: conn, in: bufio.NewReaderSize(conn, frame.MaxLine), out: bufio.NewWriterSize(conn, 64<<10)}
	conn.SetReadDeadline(time.Now().Add(s.opt.IdleTimeout))
	request, err := x.next()
	if err != nil {
		return
	}
	x.answer(request)
	x.out.Flush()
	if !x.faulty {
		frame.Drain(conn)
	}
}

// next reads a line of the request.
func (x *gopherSession) next() (string, error) {
	line, err := x.in.ReadSlice('\n')
	if err != nil {
		return "", err
	}
	text := strings.TrimRight(string(line), "\r\n")
	x.srv.front.Record(text)
	return text, nil
}

// answer serves selector, search and Gopher+ request.
func (x *gopherSession) answer(request string) {
	selector, rest, _ := strings.Cut(request, "\t")
	search, plus, _ := strings.Cut(rest, "\t")
	if search != "" && strings.IndexByte("+!$", search[0]) >= 0 && x.srv.opt.Plus { // no search, as clients may leave it out
		search, plus = "", rest
	}
	raw, ok := x.srv.opt.Raw[selector]
	switch {
	case ok:
		x.out.WriteString(raw)
	case plus != "" && x.fault("PLUS"):
	case plus != "":
		x.plus(selector, plus)
	case selector == "/search":
		x.search(search)
	default:
		x.item(selector)
	}
}

// fault plays the scripted fault of a point, if there is one, and reports whether
// it did.
func (x *gopherSession) fault(point string) bool {
	f, ok := x.srv.front.Faults.Verb(point)
	if !ok {
		return false
	}
	x.faulty = true
	switch f.Kind {
	case base.FaultHang:
		io.Copy(io.Discard, x.conn)
	case base.FaultReset:
		if t, ok := frame.AsTLS(x.conn); ok {
			frame.Reset(t.NetConn())
		} else {
			frame.Reset(x.conn)
		}
	case base.FaultDrop:
	default:
		frame.Misbehave(x.conn, f)
	}
	return true
}

// item sends a menu or the content of a file.
func (x *gopherSession) item(selector string) {
	s := x.srv
	info, err := s.tree.Stat(selector)
	if err != nil {
		x.refuse(fmt.Sprintf("'%s' does not exist", selector))
		return
	}
	switch t := s.typeOf(selector, info); {
	case t == '1':
		if !x.fault("MENU") {
			x.menu(selector)
		}
	case t == '0' && !x.fault("TEXT"):
		if content, err := s.tree.ReadFile(selector); err == nil {
			x.text(content)
		}
	case t != '0' && !x.fault("BINARY"):
		x.binary(selector)
	}
}

func (x *gopherSession) binary(name string) {
	f, err := x.srv.tree.Open(name)
	if err != nil {
		x.refuse("permission denied")
		return
	}
	defer f.Close()
	io.Copy(x.out, io.NewSectionReader(f, 0, f.Size()))
}

// refuse sends the one menu line that says no.
func (x *gopherSession) refuse(text string) {
	x.line("3" + text + "\t\terror.host\t1")
	x.dot()
}

func (x *gopherSession) line(s string) { x.out.WriteString(s + "\r\n") }

func (x *gopherSession) dot() {
	if !x.srv.opt.NoDot {
		x.line(".")
	}
}

// text sends lines; the last one gets an end before the dot.
func (x *gopherSession) text(content []byte) {
	for line := range bytes.Lines(content) {
		if line[0] == '.' && !x.srv.opt.NoStuff {
			x.out.WriteByte('.')
		}
		x.out.Write(line)
	}
	if n := len(content); n > 0 && content[n-1] != '\n' && !x.srv.opt.NoDot {
		x.line("")
	}
	x.dot()
}

// menu sends the entries of a folder, hidden ones left out.
func (x *gopherSession) menu(selector string) {
	x.lines(x.srv.opt.Before[selector])
	list, _ := x.srv.tree.ReadDir(selector)
	for _, i := range list {
		if name := path.Join("/", selector, i.Name); !strings.HasPrefix(i.Name, ".") {
			x.entry(i.Name, name)
		}
	}
	x.lines(x.srv.opt.Behind[selector])
	x.dot()
}

func (x *gopherSession) lines(all []string) {
	for _, l := range all {
		if strings.Count(l, "\t") == 1 {
			l += "\t" + x.srv.host + "\t" + x.srv.port
		}
		x.line(l)
	}
}

// entry sends the menu line of a name in the tree; a dangling link has none.
func (x *gopherSession) entry(text, name string) {
	if line, ok := x.entryLine(text, name); ok {
		x.line(line)
	}
}

func (x *gopherSession) entryLine(text, name string) (string, bool) {
	s := x.srv
	info, err := s.tree.Stat(name)
	if err != nil {
		return "", false
	}
	line := fmt.Sprintf("%c%s\t%s\t%s\t%s", s.typeOf(name, info), text, name, s.host, s.port)
	if s.opt.Plus {
		line += "\t+"
	}
	return line, true
}

// mostFound bounds the results of a search.
const mostFound = 1000

// search lists the names in the tree that hold all words.
func (x *gopherSession) search(words string) {
	if x.fault("SEARCH") {
		return
	}
	found := 0
	var walk func(dir string)
	walk = func(dir string) {
		list, _ := x.srv.tree.ReadDir(dir)
		for _, i := range list {
			name := path.Join(dir, i.Name)
			if holdsAll(name, words) && found < mostFound {
				found++
				x.entry(i.Name, name)
			}
			if i.IsDir() {
				walk(name)
			}
		}
	}
	walk("/")
	x.dot()
}

func holdsAll(name, words string) bool {
	for word := range strings.FieldsSeq(strings.ToLower(words)) {
		if !strings.Contains(strings.ToLower(name), word) {
			return false
		}
	}
	return words != ""
}
