package doctor

import (
	"context"
	"crypto/tls"
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/netclients/netclients/internal/transport"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/http"
)

// walk is the examination of one server: what earlier steps found for later ones.
type walk struct {
	Patient
	target     *protocols.Target
	host, port string
	socket     string // path of a UNIX socket, in place of the host
	done       map[string]Status
	broken     map[string]bool // steps that later ones cannot do without

	addresses []netip.AddrPort
	direct    bool              // no proxy stands between
	plain     *protocols.Report // without TLS; nil: not looked at
	secure    *protocols.Report // under TLS; nil: there is none
	mechanism string            // that the login went by
	client    protocols.Client  // logged in; nil: not yet
	settings  []Setting
	modes     []string       // data connections of FTP that work
	dataAsk   string         // what to ask about the first one that does not
	answer    *http.Response // of HTTP, to a stranger; nil: none yet

	mu    sync.Mutex
	heard []string // guarded by mu: the commands of the login, as traces show them
}

func newWalk(p Patient) (*walk, error) {
	w := &walk{Patient: p, target: p.Target, done: map[string]Status{}, broken: map[string]bool{}}
	w.host, w.port = protocols.HostPort(p.Target.URL, p.Target.Scheme)
	if w.host == "" {
		w.socket = p.Target.URL.Path
	}
	if w.host == "" && w.socket == "" {
		return nil, protocols.UsageError(p.Target.Spec.Name, "", "the URL names no host")
	}
	return w, nil
}

func (w *walk) close() {
	if w.client != nil {
		w.client.Close()
	}
}

// steps returns the rows for the target's protocol: those for all, then the first list
// of its own whose client it has.
func (w *walk) steps() []step {
	all := slices.Clone(common())
	sample, err := w.target.Spec.New(w.target.URL, nil)
	if err != nil {
		return all
	}
	defer sample.Close()
	for _, list := range lists() {
		if list.has(sample) {
			return append(all, list.steps...)
		}
	}
	return append(all, rest()...)
}

// missing returns the name of a step that s needs and that did not come about, or "".
func (w *walk) missing(s step) string {
	for _, name := range s.needs {
		if w.broken[name] {
			return name
		}
	}
	return ""
}

// set adds a setting to the profile; an earlier one of the same key stays.
func (w *walk) set(key, value string) {
	if !slices.ContainsFunc(w.settings, func(s Setting) bool { return s.Key == key }) {
		w.settings = append(w.settings, Setting{key, value})
	}
}

// options returns those of the user, changed. Plain-text logins stay forbidden whatever
// the user's flags say.
func (w *walk) options(change func(*protocols.Options)) *protocols.Options {
	o := *w.Options
	o.AllowPlaintextAuth = false
	trace := o.Trace
	o.Trace = func(e protocols.Event) {
		w.listen(e)
		if trace != nil {
			trace(e)
		}
	}
	if change != nil {
		change(&o)
	}
	return &o
}

// listen notes the commands that log in.
func (w *walk) listen(e protocols.Event) {
	words := strings.Fields(e.Text)
	if e.Kind != protocols.EventSend || len(words) == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.heard) < maxHeard {
		w.heard = append(w.heard, e.Text)
	}
}

// maxHeard bounds what is noted of a login.
const maxHeard = 64

// at returns the target with another scheme, and the port that goes with it.
func (w *walk) at(scheme protocols.Scheme) *protocols.Target {
	t := *w.target
	u := *t.URL
	u.Scheme = scheme.Name
	if w.host != "" {
		u.Host = hostPort(w.host, w.port)
	}
	t.URL, t.Scheme = &u, scheme
	return &t
}

func hostPort(host, port string) string {
	if strings.Contains(host, ":") {
		host = "[" + strings.ReplaceAll(host, "%", "%25") + "]"
	}
	if port == "" {
		return host
	}
	return host + ":" + port
}

// probe asks the server for its capabilities, without a login, in a TLS mode.
func (w *walk) probe(ctx context.Context, t *protocols.Target, change func(*protocols.Options)) (*protocols.Report, error) {
	c, err := w.Open(t, w.options(func(o *protocols.Options) {
		o.ProbeLogin = false
		o.Credentials = nobody
		o.Named = nobody
		change(o)
	}))
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if x, is := protocols.As[protocols.Expecter](c); is { // the server works, whatever it says of the address
		x.Expect(protocols.Expectation{Status: []protocols.StatusRange{{First: 100, Last: 599}}})
	}
	return c.Probe(ctx)
}

// nobody is the credentials of a probe, which needs none.
func nobody(context.Context, protocols.CredentialRequest) (protocols.Credential, error) {
	return protocols.Credential{}, nil
}

// connect opens a connection to a port and closes it.
func (w *walk) connect(ctx context.Context, port string, family int) error {
	d := transport.NewDialer(w.target.Spec.Name, w.target.URL, w.options(func(o *protocols.Options) {
		if family != 0 {
			o.Family = family
		}
	}))
	network, host := "tcp", w.host
	if w.socket != "" {
		network, host = "unix", w.socket
	}
	c, err := d.Dial(ctx, "control", network, host, port)
	if err != nil {
		return err
	}
	return c.Close()
}

// unverified makes a handshake look at any certificate, in one range of versions. It is
// for probes, which send no secret.
func unverified(o *protocols.Options, low, high uint16) {
	conf := &tls.Config{}
	if o.TLS.Config != nil {
		conf = o.TLS.Config.Clone()
	}
	conf.InsecureSkipVerify = true
	conf.MinVersion, conf.MaxVersion = low, high
	conf.ClientSessionCache = nil
	o.TLS.Config, o.TLS.Pins, o.TLS.Mode = conf, nil, protocols.TLSRequire
}

// login returns the client that is logged in, or whose first verb does that.
func (w *walk) login() (protocols.Client, error) {
	if w.client != nil {
		return w.client, nil
	}
	c, err := w.Open(w.target, w.options(nil))
	if err == nil {
		w.client = c
	}
	return c, err
}

// credential asks who is to log in. It is empty where nobody was named.
func (w *walk) credential(ctx context.Context) (protocols.Credential, error) {
	if w.Options.Credentials == nil {
		return protocols.URLCredential(w.target.URL), nil
	}
	return w.Options.Credentials(ctx, protocols.CredentialRequest{
		Protocol: w.target.Spec.Name, Scheme: w.target.URL.Scheme, Host: w.host, Port: w.port, User: w.target.URL.User.Username(),
	})
}

// capability returns one of a report, by its name in upper case.
func capability(r *protocols.Report, name string) (c protocols.Capability, has bool) {
	if r == nil {
		return c, false
	}
	i := slices.IndexFunc(r.Capabilities, func(c protocols.Capability) bool { return strings.EqualFold(c.Name, name) })
	if i < 0 {
		return c, false
	}
	return r.Capabilities[i], true
}

// last returns the report that counts: that under TLS where there is one.
func (w *walk) last() *protocols.Report {
	if w.secure != nil {
		return w.secure
	}
	return w.plain
}

// is reports whether an error is of a class.
func is(err, class error) bool { return errors.Is(err, class) }

// schemeURL is how a URL of another scheme begins, for texts.
func schemeURL(s protocols.Scheme, host string) string {
	return (&url.URL{Scheme: s.Name, Host: hostPort(host, strconv.Itoa(s.Port))}).String()
}
