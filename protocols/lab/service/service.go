// Package service runs the servers of the lab together: one login, one store of mail,
// one tree of files, a journal of all that came, a page and a REST interface. It is
// what the command netclients lab starts:
//
//	s, err := service.Start(service.Options{Fixed: true, UI: "127.0.0.1:8025"})
//	...
//	defer s.Close()
//
// The servers listen on loopback addresses unless Options.Public says otherwise. The
// package implements no RFC.
package service

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/netclients/netclients/protocols/lab/base"
	"github.com/netclients/netclients/protocols/lab/internal/labapi"
	"github.com/netclients/netclients/protocols/lab/internal/labweb"
	"github.com/netclients/netclients/protocols/lab/journal"
	"github.com/netclients/netclients/protocols/lab/maillab"
	"github.com/netclients/netclients/protocols/lab/newslab"
)

// Options configure Start. The zero value starts every server without TLS on a free
// loopback port, with sample content and mail for everybody.
type Options struct {
	Only   []string          // protocols; nil is all
	Listen map[string]string // addresses by protocol, "host:port", ":port" or "port"
	Fixed  bool              // the ports of the documentation for those that Listen does not name
	Public bool              // addresses that are not loopback are allowed, and ":port" is every interface
	Hosts  []string          // names in Host fields and certificates besides localhost, in lower case
	TLS    bool              // STARTTLS and the like, and servers with TLS from the first byte

	User   base.Credentials // empty is the default one
	Strict bool             // no mail for others, and no login with any password

	Dir        string // folder that FTP, HTTP and Gopher serve and change; empty: sample files in memory
	MailDir    string // maildir that keeps the mail; empty: in memory
	Limits     maillab.Limits
	MaxMessage int64 // bytes of one message; 0 is 64 MiB
	NoSamples  bool  // no sample mail

	Faults string // specification, see base.ParseFaults and base.SplitFaults

	UI      string // address of the page; empty: none, but Handler has it
	Unix    string // path of the socket of the unix server; empty: there is none
	Version string // shown in the page

	// Relay sends messages on: those to recipients that RelayTo matches as they come,
	// and others when a user of the page or the interface asks for it.
	Relay   func(ctx context.Context, from string, to []string, content io.Reader) error
	RelayTo *regexp.Regexp
	// Webhook is called with the summary of each message that came, as JSON.
	Webhook func(ctx context.Context, summary []byte) error
	// Log is called with what went wrong in the background; nil: nobody is told.
	Log func(text string)
}

// Running is a server that runs.
type Running struct {
	Protocol string
	URL      string
	base.Credentials
	Server base.Server // nil for the page
}

// Full returns the URL with user and password.
func (r *Running) Full() string {
	if r.User == "" {
		return r.URL
	}
	return strings.Replace(r.URL, "://", "://"+r.User+":"+r.Password+"@", 1)
}

// Service are servers that run together.
type Service struct {
	opt       Options
	tree      *base.Tree
	mail      *maillab.Mailboxes
	news      *newslab.Spool
	journal   *journal.Journal
	authority *base.Authority
	api       *labapi.API
	handler   http.Handler
	list      []*Running
	ui        *http.Server
	cancel    context.CancelFunc
	done      <-chan struct{} // closed when the service ends
	wg        sync.WaitGroup

	last uint32 // number of the newest message that is not news

	mu     sync.Mutex
	faults map[string]string
}

// Start starts the servers. The caller closes what it returns.
func Start(o Options) (*Service, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	o.User = o.User.Or(base.DefaultCredentials())
	s := &Service{opt: o, journal: journal.New(journal.Limits{}), news: newslab.Sample(), faults: map[string]string{}}
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel, s.done = cancel, ctx.Done()
	err := s.open()
	if err == nil {
		err = s.start()
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	s.wg.Go(func() { s.follow(ctx) })
	return s, nil
}

// check refuses options that name what is not there.
func (o *Options) check() error {
	known := Protocols()
	for _, p := range o.Only {
		if !slices.Contains(known, p) {
			return fmt.Errorf("no server is called %q; there are %s", p, strings.Join(known, ", "))
		}
		if o.row(p).tls && !o.TLS {
			return fmt.Errorf("%s needs TLS to be switched on", p)
		}
	}
	for p := range o.Listen {
		if !slices.Contains(known, p) {
			return fmt.Errorf("no server is called %q; there are %s", p, strings.Join(known, ", "))
		}
		if o.row(p).tls && !o.TLS {
			return fmt.Errorf("%s needs TLS to be switched on", p)
		}
		if len(o.Only) > 0 && !slices.Contains(o.Only, p) {
			return fmt.Errorf("an address is given for %s, which is not among the servers to start", p)
		}
	}
	return nil
}

func (o *Options) row(protocol string) row {
	return rows[slices.IndexFunc(rows, func(r row) bool { return r.protocol == protocol })]
}

// open opens what the servers share.
func (s *Service) open() (err error) {
	if s.opt.TLS {
		if s.authority, err = base.NewAuthorityFor(s.opt.Hosts...); err != nil {
			return err
		}
	}
	s.tree = base.Sample()
	if s.opt.Dir != "" {
		if s.tree, err = base.OpenTree(s.opt.Dir); err != nil {
			return err
		}
	}
	s.mail, err = maillab.NewStore(maillab.StoreOptions{
		Limits: s.opt.Limits, Users: []base.Credentials{s.opt.User}, Open: !s.opt.Strict, Folder: s.opt.MailDir,
	})
	if err != nil {
		return err
	}
	if !s.opt.NoSamples && s.opt.MailDir == "" {
		maillab.AddSamples(s.mail, s.opt.User.User)
	}
	for _, l := range s.mail.Letters(0, 1) {
		s.last = l.Number
	}
	return nil
}

// start starts the servers, and the page.
func (s *Service) start() error {
	specs := base.SplitFaults(s.opt.Faults, Protocols())
	if err := s.checkFaults(specs); err != nil {
		return err
	}
	for _, r := range rows {
		switch {
		case r.tls && !s.opt.TLS, len(s.opt.Only) > 0 && !slices.Contains(s.opt.Only, r.protocol):
			continue
		case r.protocol == "unix" && s.opt.Unix == "" && s.opt.Listen["unix"] == "":
			continue
		}
		if err := s.startRow(r, specs[r.protocol]); err != nil {
			return fmt.Errorf("%s: %w", r.protocol, err)
		}
	}
	s.api = labapi.New(s.backend())
	s.handler = labweb.New(labweb.Options{API: s.api, Hosts: s.opt.Hosts})
	return s.serveUI()
}

func (s *Service) startRow(r row, spec string) error {
	o := base.ServerOptions{User: s.opt.User.User, Password: s.opt.User.Password, NoRecord: true}
	var err error
	if o.Faults, err = base.ParseFaults(spec); err != nil {
		return err
	}
	if o.Addr, err = s.opt.address(r); err != nil {
		return err
	}
	if s.opt.TLS && (r.tls || r.upgrades) {
		o.TLS, o.Authority = base.TLSExplicit, s.authority
		if r.tls {
			o.TLS = base.TLSImplicit
		}
	}
	o.OnStep = func(step base.Step) { s.journal.AddStep(r.protocol, step) }
	server, err := r.start(s, o, r.protocol)
	if err != nil {
		return busy(err, s.opt.Fixed)
	}
	running := &Running{Protocol: r.protocol, URL: reachable(server.URL()), Server: server}
	if !r.noLogin {
		running.Credentials = s.opt.User
	}
	s.list = append(s.list, running)
	s.faults[r.protocol] = spec
	return nil
}

// reachable returns a URL that this machine can use: one for every interface names none.
func reachable(url string) string {
	return strings.NewReplacer("//[::]:", "//127.0.0.1:", "//0.0.0.0:", "//127.0.0.1:").Replace(url)
}

// busy adds to the error of a port that is in use what to try.
func busy(err error, fixed bool) error {
	if fixed && strings.Contains(err.Error(), "address already in use") {
		return fmt.Errorf("%w; another address can be given for this server alone", err)
	}
	return err
}

// address returns where a server is to listen.
func (o *Options) address(r row) (string, error) {
	given, named := o.Listen[r.protocol]
	switch {
	case r.protocol == "unix":
		if named {
			return given, nil
		}
		return o.Unix, nil
	case !named && o.Fixed:
		given = ":" + strconv.Itoa(r.port)
	case !named:
		return "", nil
	}
	return o.Local(given)
}

// Local completes an address, "host:port", ":port" or "port", and refuses those that
// others could reach unless Public allows them.
func (o *Options) Local(given string) (string, error) {
	if !strings.Contains(given, ":") {
		given = ":" + given
	}
	host, port, err := net.SplitHostPort(given)
	if err != nil {
		return "", fmt.Errorf("%q is not an address such as 127.0.0.1:1025: %w", given, err)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return "", fmt.Errorf("%q is not a port", port)
	}
	if o.Public {
		return net.JoinHostPort(host, port), nil
	}
	if host == "" || host == "localhost" {
		host = "127.0.0.1"
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return "", fmt.Errorf("%s is not a loopback address, and others could reach the servers there, whose password is known: that must be asked for", given)
	}
	return net.JoinHostPort(host, port), nil
}

// serveUI serves the page.
func (s *Service) serveUI() error {
	if s.opt.UI == "" {
		return nil
	}
	at, err := s.opt.Local(s.opt.UI)
	if err != nil {
		return fmt.Errorf("ui: %w", err)
	}
	ln, err := net.Listen("tcp", at)
	if err != nil {
		return busy(fmt.Errorf("ui: %w", err), true)
	}
	s.ui = &http.Server{Handler: s.handler, ReadHeaderTimeout: time.Minute, IdleTimeout: 5 * time.Minute}
	s.wg.Go(func() { s.ui.Serve(ln) })
	s.list = append(s.list, &Running{Protocol: "ui", URL: reachable("http://" + ln.Addr().String() + "/")})
	return nil
}

// Servers returns what runs, the page at the end.
func (s *Service) Servers() []*Running { return s.list }

// Handler returns the page with its REST interface, for programs that serve it
// themselves.
func (s *Service) Handler() http.Handler { return s.handler }

// Mail returns the store behind SMTP, LMTP, POP3 and IMAP.
func (s *Service) Mail() *maillab.Mailboxes { return s.mail }

// Journal returns what was received.
func (s *Service) Journal() *journal.Journal { return s.journal }

// Tree returns the files behind FTP, HTTP and Gopher.
func (s *Service) Tree() *base.Tree { return s.tree }

// Authority returns the signer of the certificates; nil without TLS.
func (s *Service) Authority() *base.Authority { return s.authority }

// Reset returns to the beginning: the faults are those of the options, the journal is
// empty, and the maildir is read again.
func (s *Service) Reset() error {
	s.journal.Clear()
	if err := s.setSpecs(base.SplitFaults(s.opt.Faults, Protocols()), true); err != nil {
		return err
	}
	return s.mail.Reload()
}

// Close ends the servers, and returns when nothing of them runs any more. It is safe to
// call twice.
func (s *Service) Close() error {
	s.cancel()
	var first error
	if s.ui != nil {
		s.ui.Close()
	}
	for _, r := range s.list {
		if r.Server != nil {
			if err := r.Server.Close(); err != nil && first == nil {
				first = err
			}
		}
	}
	if s.api != nil {
		s.api.Wait()
	}
	s.wg.Wait()
	if s.tree != nil {
		s.tree.Close()
	}
	return first
}
