package ftp_test

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/ftp"
	"github.com/netclients/netclients/protocols/lab/labtest"
)

// oddServer is a small FTP server that does what a test wants of it.
type oddServer struct {
	Greeting  string
	Features  []string                         // none: FEAT is refused
	Files     map[string]string                // by name
	Folders   map[string]bool                  // beside the login folder
	Reply     map[string]func(s string) string // by verb: what is said to an argument in place of the ordinary; empty: that
	List      string                           // content of LIST, NLST and MLSD; empty: made of Files
	PerPacket int                              // how many commands of a packet are taken; 0: all
	Strict    bool                             // a transfer command before its data connection is refused with 426
	Accepts   bool                             // REST is accepted, and STOR begins at the start nevertheless
	Telnet    bool                             // commands are a Telnet stream: IAC IAC is one byte 255, and IAC with another none
	Begin     string                           // in place of "150 go on"
	End       string                           // in place of "226 done"
	PASV      string                           // the reply to PASV, with %s for the address; empty: there is none
	FromStart bool                             // REST is accepted, and RETR begins at the start nevertheless

	Address string

	mu       sync.Mutex
	seen     []string
	sessions int
}

func (o *oddServer) start(t *testing.T) *oddServer {
	t.Helper()
	if o.Files == nil {
		o.Files = map[string]string{}
	}
	o.Address = labtest.Serve(t, func(c net.Conn) {
		o.mu.Lock()
		o.sessions++
		o.mu.Unlock()
		o.serve(c)
	})
	return o
}

// client returns one of alice on this server.
func (o *oddServer) client(t *testing.T, opts *protocols.Options) *ftp.Client {
	t.Helper()
	if opts == nil {
		opts = &protocols.Options{}
	}
	opts.TLS.Mode = protocols.TLSOff
	c, err := ftp.New(&url.URL{Scheme: "ftp", Host: o.Address, User: url.UserPassword("alice", "secret")}, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// commands returns what the server was told, with all sessions in one.
func (o *oddServer) commands() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.Join(o.seen, "\n")
}

func (o *oddServer) connections() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.sessions
}

func (o *oddServer) file(name string) (string, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	text, ok := o.Files[name]
	return text, ok
}

// What a Reply has the server do without a word: end the session, at once or after it
// did what it was asked.
const hangUp, doneAndHangUp = "hang up", "do it and hang up"

// oddSession is one control connection.
type oddSession struct {
	o      *oddServer
	c      net.Conn
	listen net.Listener
	early  bool // the next command came with the one for the data connection
	rest   int
	from   string
	folder string // with a slash at its end; empty: the login folder
}

func (o *oddServer) serve(c net.Conn) {
	defer c.Close()
	s := &oddSession{o: o, c: c}
	greeting := o.Greeting
	if greeting == "" {
		greeting = "ready"
	}
	s.say("220 " + greeting)
	packet := make([]byte, 64<<10)
	for {
		n, err := c.Read(packet)
		if err != nil {
			return
		}
		in := bufio.NewScanner(strings.NewReader(string(packet[:n])))
		var lines []string
		for in.Scan() {
			lines = append(lines, in.Text())
		}
		for i, line := range lines {
			if o.PerPacket == 0 || i < o.PerPacket {
				s.early = s.early || i > 0
				if !s.command(line) {
					return
				}
			}
		}
	}
}

func (s *oddSession) say(text string) { io.WriteString(s.c, text+"\r\n") }

// plain are the replies that are always the same.
var plain = map[string]string{"USER": "331 password", "PASS": "230 in", "TYPE": "200 ok", "OPTS": "200 ok", "NOOP": "200 ok", "ABOR": "226 ok", "SITE": "200 ok", "MFMT": "213 ok"}

func (s *oddSession) command(line string) (goesOn bool) {
	if s.o.Telnet {
		line = telnet(line)
	}
	verb, arg, _ := strings.Cut(line, " ")
	o := s.o
	o.mu.Lock()
	o.seen = append(o.seen, line)
	o.mu.Unlock()
	name := s.name(arg)
	if reply := o.Reply[verb]; reply != nil {
		switch text := reply(arg); text {
		case "":
		case silent:
			return true
		case hangUp:
			return false
		case doneAndHangUp:
			s.file(verb, name, arg)
			return false
		default:
			s.say(text)
			return true
		}
	}
	if text := plain[verb]; text != "" {
		s.say(text)
		return true
	}
	switch verb {
	case "QUIT":
		s.say("221 bye")
		return false
	case "FEAT":
		s.features()
	case "PWD":
		s.say(`257 "/` + s.folder + `"`)
	case "CWD":
		s.enter(name)
	case "EPSV":
		s.say("229 ok (|||" + strconv.Itoa(s.passive()) + "|)")
	case "PASV":
		if port := s.passive(); o.PASV != "" {
			s.say(fmt.Sprintf(o.PASV, fmt.Sprintf("127,0,0,1,%d,%d", port>>8, port&255)))
		} else {
			s.say("502 no")
		}
	case "RETR", "STOR", "APPE", "LIST", "NLST", "MLSD":
		s.transfer(verb, name, arg)
	default:
		s.say(s.file(verb, name, arg))
	}
	return true
}

func (s *oddSession) name(arg string) string {
	if abs, ok := strings.CutPrefix(arg, "/"); ok {
		return abs
	}
	return s.folder + arg
}

func (s *oddSession) features() {
	if len(s.o.Features) == 0 {
		s.say("500 what?")
		return
	}
	s.say("211-Features\r\n " + strings.Join(s.o.Features, "\r\n ") + "\r\n211 End")
}

func (s *oddSession) enter(name string) {
	name = strings.TrimSuffix(name, "/")
	if name != "" && !s.o.Folders[name] {
		s.say("550 no such folder")
		return
	}
	if s.folder = name; name != "" {
		s.folder += "/"
	}
	s.say("250 there")
}

func (s *oddSession) passive() (port int) {
	s.listen, _ = net.Listen("tcp", "127.0.0.1:0")
	s.early = false
	return s.listen.Addr().(*net.TCPAddr).Port
}

// telnet undoes what a Telnet stream does to a line.
func telnet(line string) string {
	var b strings.Builder
	for i := 0; i < len(line); i++ {
		if line[i] == 0xff {
			if i++; i == len(line) || line[i] != 0xff {
				continue
			}
		}
		b.WriteByte(line[i])
	}
	return b.String()
}

// file answers the commands on one file.
func (s *oddSession) file(verb, name, arg string) string {
	o := s.o
	o.mu.Lock()
	defer o.mu.Unlock()
	text, there := o.Files[name]
	switch verb {
	case "REST":
		s.rest, _ = strconv.Atoi(arg)
		return "350 ok"
	case "SIZE":
		if there {
			return fmt.Sprint("213 ", len(text))
		}
	case "MDTM":
		if there {
			return "213 20240102030405"
		}
	case "DELE":
		if there {
			delete(o.Files, name)
			return "250 gone"
		}
	case "RNFR":
		if s.from = ""; there {
			s.from = name
			return "350 and now?"
		}
	case "RNTO":
		if s.from == "" {
			return "503 RNFR first"
		}
		o.Files[name] = o.Files[s.from]
		delete(o.Files, s.from)
		return "250 renamed"
	default:
		return "502 not implemented"
	}
	return "550 no such file"
}

func (s *oddSession) transfer(verb, name, arg string) {
	if s.o.Strict && s.early {
		s.listen.Close()
		s.say("426 no data connection")
		return
	}
	text, there := s.o.file(name)
	if verb == "RETR" && !there {
		s.say("550 no such file")
		return
	}
	rest := s.rest
	s.rest = 0
	if verb == "RETR" && s.o.FromStart {
		rest = 0
	}
	s.say(cmp.Or(s.o.Begin, "150 go on"))
	d, err := s.listen.Accept()
	if err != nil {
		return
	}
	s.listen.Close()
	switch verb {
	case "RETR":
		io.WriteString(d, text[rest:])
	case "STOR", "APPE":
		s.store(verb, name, text, rest, d)
	default:
		io.WriteString(d, s.list(verb))
	}
	d.Close()
	s.say(cmp.Or(s.o.End, "226 done"))
}

func (s *oddSession) store(verb, name, text string, rest int, d net.Conn) {
	d.SetReadDeadline(time.Now().Add(5 * time.Second))
	b, _ := io.ReadAll(d)
	s.o.mu.Lock()
	defer s.o.mu.Unlock()
	switch {
	case verb == "APPE":
		b = append([]byte(text), b...)
	case !s.o.Accepts:
		b = append([]byte(text[:min(rest, len(text))]), b...)
	}
	s.o.Files[name] = string(b)
}

func (s *oddSession) list(verb string) string {
	if s.o.List != "" {
		return s.o.List
	}
	s.o.mu.Lock()
	defer s.o.mu.Unlock()
	var b strings.Builder
	for name, text := range s.o.Files {
		name, ok := strings.CutPrefix(name, s.folder)
		if !ok || strings.Contains(name, "/") {
			continue
		}
		switch verb {
		case "MLSD":
			fmt.Fprintf(&b, "type=file;size=%d; %s\r\n", len(text), name)
		case "NLST":
			fmt.Fprintf(&b, "%s\r\n", name)
		default:
			fmt.Fprintf(&b, "-rw-r--r-- 1 u g %d Jan 02 2025 %s\r\n", len(text), name)
		}
	}
	return b.String()
}

// silent stands for no reply at all.
const silent = "silent"

// says returns a reply that is always the same.
func says(text string) func(string) string { return func(string) string { return text } }

func listNames(ctx context.Context, c *ftp.Client, dir string) (names []string, err error) {
	for e, err := range c.List(ctx, dir) {
		if err != nil {
			return names, err
		}
		names = append(names, e.Name+e.Raw)
	}
	return names, nil
}
