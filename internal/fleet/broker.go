package fleet

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
)

// Broker says which broker a fleet uses, and who may use it.
type Broker struct {
	Servers string      // URLs of a cluster, separated by commas; empty: the embedded server in Dir
	Dir     string      // of the embedded server
	Creds   string      // file with a JWT and its key
	NKey    string      // file with the seed of an nkey
	Token   string      // a secret
	TLS     *tls.Config // base for connections and for what listens; nil: defaults
	UseTLS  bool        // the flags ask for TLS
	Within  time.Duration

	// Of the embedded server.
	Listen   string   // host and port that other machines reach it at; empty: none
	Accounts []string // public nkeys that may use it
	Sync     bool     // each write is forced to the disk
	Retain   bool     // consumers stay: others use them
}

// embedded is the server in this process, with the folder that is its own.
type embedded struct {
	server *server.Server
	lock   *os.File
	key    nkeys.KeyPair // what this process logs in with; nil unless nkeys are needed
	socket net.Listener
	wait   sync.WaitGroup
}

// The files in the folder of an embedded server.
const (
	lockFile   = "lock"
	socketFile = "socket"
	storeDir   = "store"
)

const startTime = 30 * time.Second

// startEmbedded starts the server of a folder. When another process has it, the error has
// class [protocols.ErrBusy].
func startEmbedded(ctx context.Context, b *Broker) (*embedded, error) {
	if err := os.MkdirAll(b.Dir, 0o700); err != nil {
		return nil, err
	}
	lock, err := file.OpenHeld(ctx, filepath.Join(b.Dir, lockFile))
	if err != nil {
		return nil, err
	}
	e := &embedded{lock: lock}
	if err := e.start(b); err != nil {
		e.close()
		return nil, err
	}
	e.openSocket(filepath.Join(b.Dir, socketFile))
	return e, nil
}

// maxStore bounds what the embedded broker keeps. It is not a bound in practice: by itself the
// server refuses streams whose limits are above what the disk has left now.
const maxStore = 1 << 50

func (e *embedded) start(b *Broker) error {
	o := &server.Options{
		ServerName: "netclients", DontListen: b.Listen == "", JetStream: true, StoreDir: filepath.Join(b.Dir, storeDir),
		NoSigs: true, NoLog: true, SyncInterval: time.Second, SyncAlways: b.Sync, MaxPayload: 4 << 20,
		JetStreamMaxStore: maxStore,
	}
	err := b.listening(o)
	if err == nil && len(o.Nkeys) > 0 {
		err = e.addKey(o)
	}
	if err != nil {
		return err
	}
	s, err := server.NewServer(o)
	if err != nil {
		return &protocols.Error{Op: "fleet", Kind: protocols.KindLocal, Text: "the embedded broker in " + b.Dir, Err: err}
	}
	e.server = s
	if b.Listen != "" { // the reason of a failure to listen is only logged
		s.SetLoggerV2(&startLog{}, false, false, false)
	}
	go s.Start()
	if !s.ReadyForConnections(startTime) || !s.JetStreamEnabled() {
		kind, why := protocols.KindLocal, "the embedded broker in "+b.Dir+" does not start: is the disk full, or are its files another user's?"
		if b.Listen != "" {
			kind, why = protocols.KindConnect, "the broker cannot listen at "+b.Listen+", or its folder "+b.Dir+" cannot be written"
		}
		return &protocols.Error{Op: "fleet", Kind: kind, Text: why}
	}
	return nil
}

// addKey makes a key for this process and lets it in.
func (e *embedded) addKey(o *server.Options) error {
	key, err := nkeys.CreateUser()
	if err != nil {
		return err
	}
	public, err := key.PublicKey()
	if err != nil {
		return err
	}
	e.key = key
	o.Nkeys = append(o.Nkeys, &server.NkeyUser{Nkey: public})
	return nil
}

// login returns the options by which this process logs in to its own server.
func (e *embedded) login(b *Broker) ([]nats.Option, error) {
	if e.key == nil {
		return b.login()
	}
	public, err := e.key.PublicKey()
	return []nats.Option{nats.Nkey(public, e.key.Sign)}, err
}

// login returns the options by which the user logs in.
func (b *Broker) login() (o []nats.Option, err error) {
	if b.Creds != "" {
		if err := checkCreds(b.Creds); err != nil {
			return nil, err
		}
		o = append(o, nats.UserCredentials(b.Creds))
	}
	if b.NKey != "" {
		key, err := nats.NkeyOptionFromSeed(b.NKey)
		if err != nil {
			return nil, keyFileError("--nats-nkey "+b.NKey, err)
		}
		o = append(o, key)
	}
	if b.Token != "" {
		o = append(o, nats.Token(b.Token))
	}
	return o, nil
}

// maxCreds bounds a file of credentials.
const maxCreds = 1 << 20

// checkCreds returns an error for a file without a JWT and its key: by itself the client says
// only that no broker can be reached.
func checkCreds(path string) error {
	what := "--nats-creds " + path
	f, err := os.Open(path)
	if err != nil {
		return keyFileError(what, err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxCreds))
	if err != nil {
		return keyFileError(what, err)
	}
	if token, err := nkeys.ParseDecoratedJWT(b); err != nil || strings.Count(token, ".") != 2 {
		return keyFileError(what, errors.New("the file holds no JWT of a user"))
	}
	if _, err := nkeys.ParseDecoratedUserNKey(b); err != nil {
		return keyFileError(what, errors.New("the file holds no key of a user"))
	}
	return nil
}

// keyFileError is about a file that a login comes from; its content is never part of it.
func keyFileError(what string, err error) error {
	e := &protocols.Error{Op: "fleet", Kind: protocols.KindAuth, Text: what, Err: err}
	if _, local := errors.AsType[*os.PathError](err); local {
		e.Kind = protocols.KindLocal
	}
	return e
}

// startLog drops what the server has to say: what matters comes as errors.
type startLog struct{}

func (startLog) Noticef(string, ...any) {}
func (startLog) Warnf(string, ...any)   {}
func (startLog) Fatalf(string, ...any)  {}
func (startLog) Errorf(string, ...any)  {}
func (startLog) Debugf(string, ...any)  {}
func (startLog) Tracef(string, ...any)  {}

// listening sets what makes the server reachable. Who may use it must prove that, unless
// only this machine reaches it; over a network nothing goes unencrypted.
func (b *Broker) listening(o *server.Options) error {
	if b.Listen == "" {
		return nil
	}
	addr, err := net.ResolveTCPAddr("tcp", b.Listen)
	if err != nil || b.Listen[0] == ':' {
		return usage("--listen %q: want HOST:PORT", b.Listen)
	}
	loopback := addr.IP.IsLoopback()
	o.Host, o.Port = addr.IP.String(), addr.Port
	if o.Port == 0 {
		o.Port = server.RANDOM_PORT
	}
	o.Authorization = b.Token
	for _, key := range b.Accounts {
		o.Nkeys = append(o.Nkeys, &server.NkeyUser{Nkey: key})
	}
	if len(b.Accounts) > 0 && b.Token != "" {
		return usage("a token and nkeys cannot be used together")
	}
	if b.TLS != nil && len(b.TLS.Certificates) > 0 {
		o.TLSConfig, o.TLSTimeout = b.TLS.Clone(), 10
	}
	switch {
	case loopback:
	case b.Token == "" && len(b.Accounts) == 0:
		return usage("--listen %s can be reached from other machines: it needs --token-file FILE or --nkeys FILE", b.Listen)
	case o.TLSConfig == nil:
		return usage("--listen %s can be reached from other machines: it needs --cert FILE and --key FILE, so that nothing goes unencrypted", b.Listen)
	}
	return nil
}

// openSocket lets other processes of the user reach the server: through a UNIX socket in
// its folder, which is the user's own. Without it they must wait until this process ends.
func (e *embedded) openSocket(path string) {
	_ = os.Remove(path) // of a process that was killed; the lock is ours
	l, err := net.Listen("unix", path)
	if err != nil {
		return
	}
	e.socket = l
	e.wait.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			in, err := e.server.InProcessConn()
			if err != nil {
				c.Close()
				continue
			}
			go join(c, in)
			go join(in, c)
		}
	})
}

func join(to, from net.Conn) {
	_, _ = io.Copy(to, from)
	to.Close()
	from.Close()
}

// address returns the URL that others reach the server at.
func (e *embedded) address() string { return e.server.ClientURL() }

func (e *embedded) close() {
	if e.socket != nil {
		e.socket.Close()
		e.wait.Wait()
	}
	if e.server != nil {
		e.server.Shutdown()
		e.server.WaitForShutdown()
	}
	e.lock.Close()
}

// socketDialer connects to the server of another process.
type socketDialer string

func (d socketDialer) Dial(string, string) (net.Conn, error) {
	return net.DialTimeout("unix", string(d), requestTime)
}

// connect makes the connection to the broker. e is nil unless the server is in this
// process.
func connect(ctx context.Context, b *Broker) (nc *nats.Conn, e *embedded, address string, err error) {
	o := []nats.Option{
		nats.Name("netclients"), nats.MaxReconnects(-1), nats.ReconnectWait(250 * time.Millisecond), nats.ReconnectBufSize(-1),
		nats.Timeout(cmp.Or(b.Within, requestTime)), nats.PingInterval(10 * time.Second), nats.MaxPingsOutstanding(2),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}), // requests have their own errors
	}
	if b.Servers != "" {
		return connectRemote(b, o)
	}
	e, err = startEmbedded(ctx, b)
	switch {
	case err == nil:
		login, err := e.login(b)
		if err == nil {
			nc, err = nats.Connect("", append(append(o, login...), nats.InProcessServer(e.server))...)
		}
		if err != nil {
			e.close()
			return nil, nil, "", brokerError(b.Dir, err)
		}
		return nc, e, b.Dir, nil
	case !errors.Is(err, protocols.ErrBusy):
		return nil, nil, "", protocols.Wrap(err, "", "fleet", "")
	}
	path := filepath.Join(b.Dir, socketFile)
	login, err := b.login()
	if err == nil {
		nc, err = dial("nats://localhost", append(append(o, login...), nats.SetCustomDialer(socketDialer(path)))...)
	}
	if errors.Is(err, nats.ErrAuthorization) {
		return nil, nil, "", brokerError(path, err)
	}
	if err != nil {
		return nil, nil, "", &protocols.Error{Op: "fleet", Kind: protocols.KindConnect, Text: "another process has the fleet in " + b.Dir + ", and its socket " + path + " does not answer", Err: err}
	}
	return nc, nil, path, nil
}

// maxResets is how often a connection may break while a login is sent.
const maxResets = 5

// dial connects to a broker. One that refuses a login may close the connection while the
// rest of it is being sent, and its reason is lost: it is asked again.
func dial(servers string, o ...nats.Option) (nc *nats.Conn, err error) {
	for range maxResets {
		nc, err = nats.Connect(servers, o...)
		if !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ECONNRESET) {
			break
		}
	}
	return nc, err
}

// connectRemote connects to a broker of the user's.
func connectRemote(b *Broker, o []nats.Option) (*nats.Conn, *embedded, string, error) {
	for s := range strings.SplitSeq(b.Servers, ",") {
		if hasPassword(s) {
			return nil, nil, "", usage("--nats holds a password: use --nats-creds FILE, --nats-nkey FILE or --token-file FILE")
		}
		if err := checkServer(s); err != nil {
			return nil, nil, "", err
		}
	}
	login, err := b.login()
	if err != nil {
		return nil, nil, "", err
	}
	o = append(o, login...)
	secure := b.UseTLS || strings.Contains(b.Servers, "tls://")
	if secure {
		o = append(o, nats.Secure(b.TLS))
	} else if b.TLS != nil { // the server may ask for it
		o = append(o, func(no *nats.Options) error { no.TLSConfig = b.TLS.Clone(); return nil })
	}
	if (b.Token != "" || b.Creds != "") && !secure && !allLoopback(b.Servers) {
		return nil, nil, "", &protocols.Error{Op: "fleet", URL: b.Servers, Kind: protocols.KindAuth, Text: "refused to send a secret without TLS", Sentinel: protocols.ErrCleartext, Hint: "tls://HOST instead of nats://HOST"}
	}
	nc, err := dial(b.Servers, o...)
	if err != nil {
		return nil, nil, "", brokerError(b.Servers, err)
	}
	return nc, nil, b.Servers, nil
}

// brokerSchemes are those of URLs of NATS servers.
var brokerSchemes = []string{"nats", "tls", "ws", "wss"}

// checkServer returns an error for what is not the URL, or HOST:PORT, of a NATS server.
func checkServer(text string) error {
	text = strings.TrimSpace(text)
	if !strings.Contains(text, "://") {
		text = "nats://" + text
	}
	if u, err := url.Parse(text); err != nil || u.Hostname() == "" || !slices.Contains(brokerSchemes, u.Scheme) {
		return usage("--nats %q is not the URL of a NATS server: want nats://HOST:PORT or tls://HOST:PORT, several separated by commas", text)
	}
	return nil
}

func allLoopback(servers string) bool {
	for s := range strings.SplitSeq(servers, ",") {
		_, rest, ok := strings.Cut(s, "://")
		if !ok {
			rest = s
		}
		host, _, err := net.SplitHostPort(rest)
		if err != nil {
			host = rest
		}
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return false
		}
	}
	return true
}

// brokerError names the broker that could not be reached, and why.
func brokerError(address string, err error) error {
	e := &protocols.Error{Op: "fleet", URL: address, Kind: protocols.KindConnect, Retryable: true, Text: "no broker at " + address, Err: err}
	switch wrapped := protocols.Wrap(err, "", "", ""); {
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthExpired), errors.Is(err, nats.ErrNkeysNotSupported):
		e.Kind, e.Retryable, e.Text = protocols.KindAuth, false, fmt.Sprintf("the broker at %s refused the login", address)
		e.Hint = "--nats-creds FILE, --nats-nkey FILE or --token-file FILE"
	case errors.Is(err, nats.ErrSecureConnRequired), errors.Is(err, nats.ErrSecureConnWanted), protocols.KindOf(wrapped) == protocols.KindTLS:
		e.Kind, e.Retryable, e.Text = protocols.KindTLS, false, fmt.Sprintf("TLS with the broker at %s", address)
	}
	return e
}
