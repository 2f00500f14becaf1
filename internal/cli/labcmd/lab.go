// Package labcmd has the commands that start the embedded servers: lab and tour.
package labcmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab/base"
	"github.com/netclients/netclients/protocols/lab/maillab"
	"github.com/netclients/netclients/protocols/lab/service"
)

// running is a started server.
type running = service.Running

// Start starts the embedded servers for a tour or a test. stop ends them all.
func Start(faults string) (list []*running, stop func(), err error) {
	l, err := start(service.Options{Faults: faults}, "")
	if err != nil {
		return nil, nil, err
	}
	return l.Servers(), l.stop, nil
}

// started are servers with the folder of what they need.
type started struct {
	*service.Service
	dir string // holds the socket and the certificate; no other user can reach it
	ca  string // file with the authority's certificate; empty without TLS
}

// start starts servers. caFile is where the authority's certificate goes; empty means
// into the folder that goes away with the servers.
func start(o service.Options, caFile string) (*started, error) {
	dir, err := os.MkdirTemp("", "netclients-lab-")
	switch {
	case err == nil:
		o.Unix = filepath.Join(dir, "socket")
	case o.TLS && caFile == "" || slices.Contains(o.Only, "unix"):
		return nil, &protocols.Error{Op: "lab", Kind: protocols.KindLocal, Err: err}
	} // else there is no server on a UNIX socket: a container may have no folder for it
	s, err := service.Start(o)
	if err != nil {
		os.RemoveAll(dir)
		return nil, startError(err)
	}
	l := &started{Service: s, dir: dir}
	if a := s.Authority(); a != nil {
		l.ca = cmp.Or(caFile, filepath.Join(dir, "ca.pem"))
		if err := os.WriteFile(l.ca, a.CAPEM(), 0o644); err != nil {
			l.stop()
			return nil, &protocols.Error{Op: "lab", Kind: protocols.KindLocal, Err: err}
		}
	}
	return l, nil
}

// startError says of what kind it is that servers did not start: a file or a port is a
// local matter, all else is in the flags.
func startError(err error) error {
	if _, file := errors.AsType[*os.PathError](err); file {
		return &protocols.Error{Op: "lab", Kind: protocols.KindLocal, Err: err}
	}
	if _, system := errors.AsType[*os.SyscallError](err); system {
		return &protocols.Error{Op: "lab", Kind: protocols.KindLocal, Err: err}
	}
	return kit.Usage("lab: %v", err)
}

func (l *started) stop() {
	l.Close()
	if l.dir != "" {
		os.RemoveAll(l.dir)
	}
}

// variable names the environment variable that holds the URL.
func variable(r *running) string { return "NETCLIENTS_LAB_" + strings.ToUpper(r.Protocol) }

// Commands are lab and tour. main runs a command line.
func Commands(main commandLine) []*kit.Command {
	tour := &tourFlags{main: main}
	l := &labFlags{}
	const short = "start test servers for every protocol, with a web page and a REST interface"
	return []*kit.Command{{
		Name: "lab", Args: "[CMD] [ARG...]", Short: short, Long: short + "." + about(), Run: l.run, Flags: l.flags, Shadows: l.shadows,
		Example: "  netclients lab\n  netclients lab --ports fixed --ui :8025\n  netclients lab --only smtp,imap --listen smtp=:2525 --mail ~/testmail\n" +
			"  netclients lab -- sh -c 'netclients ls $NETCLIENTS_LAB_FTP'\n  netclients lab --tls -- make check\n  netclients lab --fault 'slow=64k,smtp.code:RCPT=450 later*1' -- make test",
	}, {
		Name: "tour", Args: "[PROTOCOL]", Short: "show what each client does, against the embedded servers; of one protocol with the dialogues",
		Run: tour.run, Flags: tour.flags,
		Example: "  netclients tour\n  netclients tour smtp\n  netclients tour --keep",
	}}
}

// about is what the help says beside the flags.
func about() string {
	var b strings.Builder
	b.WriteString("\nMail to every address is taken. Each address is a mailbox, which IMAP and POP3 show with any password; the user" +
		"\n(alice with the password secret, or that of --user) sees all mail. CMD finds the URLs, with their logins, in" +
		"\nNETCLIENTS_LAB_SMTP, NETCLIENTS_LAB_IMAP and so on, the page in NETCLIENTS_LAB_UI, and with --tls the file of the" +
		"\ncertificate to trust in NETCLIENTS_LAB_CA. SIGHUP, away from a terminal, has the lab forget what it received but mail," +
		"\ntake back the faults of the page, and read --mail again.\n\nThe ports of --ports fixed:")
	n := 0
	for _, p := range service.Protocols() {
		if port := service.FixedPort(p); port > 0 {
			if n%8 == 0 {
				b.WriteString("\n ")
			}
			fmt.Fprintf(&b, " %s %d", p, port)
			n++
		}
	}
	b.WriteString("\n\nWhat --fault takes: netclients help faults. A fault for one server begins with its protocol: smtp.code:RCPT=450 later")
	return b.String()
}

// labFlags are those of lab.
type labFlags struct {
	fault, ports, user, dir, mail, ui, ca string
	relay, relayTo, webhook               string
	listen, only, hosts                   []string
	tls, strict, public, empty            bool
	messages                              int
	bytes, message                        kit.Size
}

func (l *labFlags) flags(fs *pflag.FlagSet) {
	l.bytes, l.message = 0, 64<<20
	fs.StringVar(&l.fault, "fault", "", "have the servers misbehave: `SPEC` such as delay=100ms, cut=64k or code:RETR=550 no")
	fs.StringSliceVar(&l.listen, "listen", nil, "listen on these addresses, `PROTOCOL=ADDR`,...: smtp=:1025,imap=127.0.0.1:1143")
	fs.StringVar(&l.ports, "ports", "free", "`MODE` of the ports: free ones, or fixed, the same each time")
	fs.StringSliceVar(&l.only, "only", nil, "start only the servers of these `PROTOCOLS`: smtp,imap")
	fs.StringVar(&l.ca, "ca-out", "", "write the certificate to trust to `FILE`, with --tls")
	fs.BoolVar(&l.strict, "strict", false, "refuse mail to others than the user, and other passwords")
	fs.StringVar(&l.dir, "dir", "", "serve the files of `FOLDER` with ftp, http and gopher, and store into it")
	fs.StringVar(&l.mail, "mail", "", "keep the mail in the maildir `DIR`, not in memory")
	fs.BoolVar(&l.empty, "empty", false, "no sample mail; it is left out with --mail and --ui too")
	fs.IntVar(&l.messages, "max-messages", 0, "keep at most `N` messages; older ones make room (default 10000; 100000 with --mail)")
	fs.Var(&l.bytes, "max-mail", "keep at most so many bytes of mail; older messages make room (default 256M; 4G with --mail)")
	fs.Var(&l.message, "max-message", "refuse larger messages")
	fs.StringVar(&l.ui, "ui", "", "show a web page, and serve the REST interface, on `ADDR` such as :8025")
	fs.BoolVar(&l.public, "public", false, "allow addresses that other machines reach; :PORT is every interface then")
	fs.StringSliceVar(&l.hosts, "hosts", nil, "`NAMES` of this machine in URLs and certificates besides localhost")
	fs.StringVar(&l.relay, "relay", "", "send messages on to the server `URL`, smtp://host: when the page or REST says so, and with --relay-to")
	fs.StringVar(&l.relayTo, "relay-to", "", "send on what comes for recipients that `REGEXP` matches, with --relay")
	fs.StringVar(&l.webhook, "webhook", "", "post a JSON summary of each message that comes to `URL`")
	fs.SetInterspersed(false)
}

// shadows are the flags that mean something else than everywhere.
func (l *labFlags) shadows(fs *pflag.FlagSet) {
	fs.BoolVar(&l.tls, "tls", false, "offer TLS, and start smtps, imaps, pop3s, nntps, ftps and https too")
	fs.StringVar(&l.user, "user", "", "the login of all servers, `NAME:PASSWORD`; its mailbox has all mail")
}

// Limits of a store where the flags name none.
const (
	keepMessages, keepBytes     = 10_000, 256 << 20
	folderMessages, folderBytes = 100_000, 4 << 30
)

// options returns what the flags say.
func (l *labFlags) options(e *kit.Env) (service.Options, error) {
	o := service.Options{
		Only: l.only, Fixed: l.ports == "fixed", Public: l.public, Hosts: l.hosts, TLS: l.tls, Strict: l.strict, Dir: l.dir, MailDir: l.mail,
		MaxMessage: int64(l.message), NoSamples: l.empty || l.ui != "" || l.mail != "", Faults: l.fault, UI: l.ui, Listen: map[string]string{},
		Log: e.Out.Warn,
	}
	o.Limits = maillab.Limits{Messages: keepMessages, Bytes: keepBytes, DropOldest: true}
	if l.mail != "" {
		o.Limits.Messages, o.Limits.Bytes = folderMessages, folderBytes
	}
	o.Limits.Messages, o.Limits.Bytes = cmp.Or(l.messages, o.Limits.Messages), cmp.Or(int64(l.bytes), o.Limits.Bytes)
	for _, pair := range l.listen {
		protocol, addr, ok := strings.Cut(pair, "=")
		if !ok || addr == "" {
			return o, kit.Usage("lab: --listen %s: wanted PROTOCOL=ADDR, such as smtp=:1025", pair)
		}
		o.Listen[protocol] = addr
	}
	if l.user != "" {
		name, password, ok := strings.Cut(l.user, ":")
		if !ok || name == "" || password == "" {
			return o, kit.Usage("lab: --user: wanted NAME:PASSWORD")
		}
		o.User = base.Credentials{User: name, Password: password}
	}
	if l.relay != "" {
		o.Relay = relay(e, l.relay)
	}
	if l.webhook != "" {
		o.Webhook = webhook(e, l.webhook)
	}
	for _, spec := range base.SplitFaults(l.fault, service.Protocols()) {
		if _, err := base.ParseFaults(spec); err != nil {
			return o, kit.Usage("--fault: %v", err)
		}
	}
	var err error
	if l.relayTo != "" {
		if o.RelayTo, err = regexp.Compile("(?i)" + l.relayTo); err != nil {
			return o, kit.Usage("lab: --relay-to: %v", err)
		}
	}
	return o, l.check(e)
}

// check refuses flags that would have no effect, or that name what is not there.
func (l *labFlags) check(e *kit.Env) error {
	switch {
	case !slices.Contains([]string{"free", "fixed"}, l.ports):
		return kit.Usage("lab: --ports is free or fixed, not %s; --listen names single addresses", l.ports)
	case l.ca != "" && !l.tls:
		return kit.Usage("lab: --ca-out needs --tls")
	case l.relayTo != "" && l.relay == "":
		return kit.Usage("lab: --relay-to needs --relay URL")
	case l.messages < 0:
		return kit.Usage("lab: --max-messages is at least 1")
	case e.Flags.Given("trace"):
		return kit.Usage("lab: --trace is for clients: give it to the command that uses the servers; the page of --ui shows what was said")
	}
	for _, url := range []string{l.relay, l.webhook} {
		if url != "" {
			if _, err := e.Target(url); err != nil {
				return err
			}
		}
	}
	return nil
}

// thrift is how much garbage the lab lets come together, in percent of what it keeps, which
// is the mail: it may run for days beside what it serves.
const thrift = 40

// program refuses names of protocols, unless programs have these names too.
func program(args []string) error {
	if len(args) == 0 || !slices.Contains(service.Protocols(), args[0]) {
		return nil
	}
	if _, err := exec.LookPath(args[0]); err == nil {
		return nil
	}
	return kit.Usage("lab: %s is not a program: netclients lab --only %s starts these servers alone", args[0], strings.Join(args, ","))
}

func (l *labFlags) run(ctx context.Context, e *kit.Env, args []string) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(thrift)
	}
	o, err := l.options(e)
	if err == nil {
		err = program(args)
	}
	if err != nil {
		return err
	}
	s, err := start(o, l.ca)
	if err != nil {
		return err
	}
	defer s.stop()
	hup := make(chan os.Signal, 1)
	if !signal.Ignored(syscall.SIGHUP) { // nohup
		signal.Notify(hup, syscall.SIGHUP)
		defer signal.Stop(hup)
	}
	if len(args) > 0 {
		return runBeside(ctx, e, s, args, hup)
	}
	return serveLab(ctx, e, s, hup)
}

// serveLab prints the URLs and waits for the end of the context.
func serveLab(ctx context.Context, e *kit.Env, s *started, hup <-chan os.Signal) error {
	if err := printServers(e, s); err != nil {
		return err
	}
	e.Out.Say("Ctrl-C ends them")
	for {
		select {
		case <-ctx.Done():
			return kit.Exit(protocols.KindOf(ctx.Err()).Exit())
		case <-hup:
			if e.Out.TTY { // it was closed
				return kit.Exit(protocols.KindInterrupted.Exit())
			}
			if err := s.Reset(); err != nil {
				e.Out.Warn("lab: " + err.Error())
			}
		}
	}
}

// serverJSON is a server as --json has it.
type serverJSON struct {
	Protocol string `json:"protocol"`
	URL      string `json:"url"`
	User     string `json:"user,omitempty"`
	Password string `json:"password,omitempty"`
}

func printServers(e *kit.Env, s *started) error {
	list := s.Servers()
	if s.ca != "" {
		list = append(list, &running{Protocol: "ca", URL: s.ca})
	}
	t := e.Out.NewTable("PROTOCOL", "URL", "USER", "PASSWORD")
	for _, r := range list {
		if e.Out.JSON {
			if err := e.Out.Object(serverJSON{r.Protocol, r.URL, r.User, r.Password}); err != nil {
				return err
			}
		} else if err := t.Row(r.Protocol, r.URL, r.User, r.Password); err != nil {
			return err
		}
	}
	if !e.Out.JSON {
		if err := t.End(); err != nil {
			return err
		}
	}
	return e.Out.Flush()
}

// runBeside runs a command with the URLs in its environment, and ends with its
// exit code. When the context ends the command is asked to end, then made to.
func runBeside(ctx context.Context, e *kit.Env, s *started, args []string, hup <-chan os.Signal) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { // the terminal was closed: the command and the servers end
		select {
		case <-hup:
			cancel()
		case <-ctx.Done():
		}
	}()
	c := exec.CommandContext(ctx, args[0], args[1:]...)
	c.Stdin, c.Stdout, c.Stderr = e.Stdin, e.Out.Raw, e.Out.Words
	c.Env = os.Environ()
	for _, r := range s.Servers() {
		c.Env = append(c.Env, variable(r)+"="+r.Full())
	}
	if s.ca != "" {
		c.Env = append(c.Env, "NETCLIENTS_LAB_CA="+s.ca)
	}
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	c.WaitDelay = 5 * time.Second
	err := c.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &exit) && exit.ExitCode() > 0:
		return kit.Exit(exit.ExitCode())
	case errors.As(err, &exit):
		if s, ok := exit.Sys().(syscall.WaitStatus); ok && s.Signaled() {
			return kit.Exit(128 + int(s.Signal()))
		}
	case err != nil:
		return &protocols.Error{Op: "lab", Kind: protocols.KindLocal, Err: err}
	}
	return err
}
