// Package labcmd has the commands that start the embedded servers: lab and tour.
package labcmd

import (
	"cmp"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/ftplab"
	"github.com/netclients/netclients/protocols/lab/maillab"
	"github.com/netclients/netclients/protocols/lab/newslab"
	"github.com/netclients/netclients/protocols/lab/socklab"
	"github.com/netclients/netclients/protocols/lab/textlab"
	"github.com/netclients/netclients/protocols/lab/weblab"
)

// labServer is an embedded server that lab and tour start.
type labServer struct {
	protocol string
	start    func(lab.Faults) (lab.Server, error)
}

// labServers is the table of embedded servers.
func labServers() []labServer {
	mail := maillab.Sample() // what smtp and lmtp take in can be read with imap and pop3
	return []labServer{
		{"ftp", func(f lab.Faults) (lab.Server, error) {
			return ftplab.Start(ftplab.Options{ServerOptions: lab.ServerOptions{Faults: f}})
		}},
		{"xmlrpc", func(f lab.Faults) (lab.Server, error) {
			return weblab.StartXMLRPC(weblab.XMLRPCOptions{ServerOptions: lab.ServerOptions{Faults: f}})
		}},
		{"gopher", func(f lab.Faults) (lab.Server, error) {
			return textlab.StartGopher(textlab.GopherOptions{ServerOptions: lab.ServerOptions{Faults: f}, Plus: true, Behind: map[string][]string{"": {"7Search\t/search"}}})
		}},
		{"http", func(f lab.Faults) (lab.Server, error) {
			return weblab.StartHTTP(weblab.HTTPOptions{ServerOptions: lab.ServerOptions{Faults: f}})
		}},
		{"imap", func(f lab.Faults) (lab.Server, error) {
			return maillab.StartIMAP(maillab.IMAPOptions{ServerOptions: lab.ServerOptions{Faults: f}, Mail: mail})
		}},
		{"nntp", func(f lab.Faults) (lab.Server, error) {
			return newslab.Start(newslab.Options{ServerOptions: lab.ServerOptions{Faults: f}})
		}},
		{"pop3", func(f lab.Faults) (lab.Server, error) {
			return maillab.StartPOP3(maillab.POP3Options{ServerOptions: lab.ServerOptions{Faults: f}, Mail: mail})
		}},
		{"tcp", func(f lab.Faults) (lab.Server, error) {
			return socklab.Start(socklab.Options{ServerOptions: lab.ServerOptions{Faults: f}})
		}},
		{"telnet", func(f lab.Faults) (lab.Server, error) {
			return textlab.StartTelnet(textlab.TelnetOptions{ServerOptions: lab.ServerOptions{Faults: f}})
		}},
		{"unix", startUnix},
		{"udp", func(f lab.Faults) (lab.Server, error) {
			return socklab.Start(socklab.Options{ServerOptions: lab.ServerOptions{Faults: f}, Network: "udp"})
		}},
		{"smtp", func(f lab.Faults) (lab.Server, error) {
			return maillab.StartSMTP(maillab.SMTPOptions{ServerOptions: lab.ServerOptions{Faults: f}, Mail: mail})
		}},
		{"lmtp", func(f lab.Faults) (lab.Server, error) {
			return maillab.StartSMTP(maillab.SMTPOptions{ServerOptions: lab.ServerOptions{Faults: f}, Mail: mail, LMTP: true})
		}},
		{"submission", func(f lab.Faults) (lab.Server, error) {
			return maillab.StartSMTP(maillab.SMTPOptions{ServerOptions: lab.ServerOptions{Faults: f}, Mail: mail, Submission: true})
		}},
	}
}

// unixServer is a server on a socket in a folder of its own.
type unixServer struct {
	lab.Server
	dir string
}

// startUnix starts a server whose socket no other user can reach.
func startUnix(f lab.Faults) (lab.Server, error) {
	dir, err := os.MkdirTemp("", "netclients-lab-")
	if err != nil {
		return nil, err
	}
	s, err := socklab.Start(socklab.Options{ServerOptions: lab.ServerOptions{Addr: filepath.Join(dir, "socket"), Faults: f}, Network: "unix"})
	if err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	return &unixServer{s, dir}, nil
}

// Close ends the server and removes its folder.
func (s *unixServer) Close() error { return cmp.Or(s.Server.Close(), os.RemoveAll(s.dir)) }

// running is a started server, as lab prints it.
type running struct {
	Protocol string `json:"protocol"`
	URL      string `json:"url"`
	User     string `json:"user,omitempty"`
	Password string `json:"password,omitempty"`
	server   lab.Server
}

// Full returns the URL with user and password: these servers are for this machine
// and this run only.
func (r *running) Full() string {
	if r.User == "" {
		return r.URL
	}
	return strings.Replace(r.URL, "://", "://"+r.User+":"+r.Password+"@", 1)
}

// logins reports whether a protocol has users at all.
func logins(protocol string) bool { return !slices.Contains([]string{"tcp", "udp", "unix"}, protocol) }

// variable names the environment variable that holds the URL.
func (r *running) variable() string { return "NETCLIENTS_LAB_" + strings.ToUpper(r.Protocol) }

// startLab starts the embedded servers. stop ends them all.
func Start(faults string) (list []*running, stop func(), err error) {
	stop = func() {
		for _, r := range list {
			r.server.Close()
		}
	}
	f, err := lab.ParseFaults(faults)
	if err != nil {
		return nil, nil, kit.Usage("--fault: %v", err)
	}
	for _, s := range labServers() {
		server, err := s.start(f)
		if err != nil {
			stop()
			return nil, nil, protocols.Wrap(err, s.protocol, "lab", "")
		}
		c := lab.DefaultCredentials()
		if !logins(s.protocol) {
			c = lab.Credentials{}
		}
		list = append(list, &running{s.protocol, server.URL(), c.User, c.Password, server})
	}
	return list, stop, nil
}

// labCommands are lab and tour. main runs a command line.
func Commands(main commandLine) []*kit.Command {
	l := &labFlags{}
	const short = "start embedded servers with sample content, for trying things out"
	return []*kit.Command{{
		Name: "lab", Args: "[CMD] [ARG...]", Short: short, Long: short + ".\nWhat --fault takes: netclients help faults", Run: l.run, Flags: l.flags,
		Example: "  netclients lab\n  netclients lab -- sh -c 'netclients ls $NETCLIENTS_LAB_FTP'\n  netclients lab --fault 'slow=64k' -- make test",
	}, {
		Name: "tour", Short: "show what each client does, against the embedded servers", Run: main.tour,
	}}
}

// labFlags are those of lab.
type labFlags struct{ fault string }

func (l *labFlags) flags(fs *pflag.FlagSet) {
	fs.StringVar(&l.fault, "fault", "", "have the servers misbehave: `SPEC` such as delay=100ms, cut=64k or code:RETR=550 no")
	fs.SetInterspersed(false)
}

func (l *labFlags) run(ctx context.Context, e *kit.Env, args []string) error {
	if e.Flags.Given("trace") {
		return kit.Usage("lab: --trace is for clients: give it to the command that uses the servers")
	}
	list, stop, err := Start(l.fault)
	if err != nil {
		return err
	}
	defer stop()
	if len(args) > 0 {
		return runBeside(ctx, e, list, args)
	}
	return serveLab(ctx, e, list)
}

// serveLab prints the URLs and waits for the end of the context.
func serveLab(ctx context.Context, e *kit.Env, list []*running) error {
	t := e.Out.NewTable("PROTOCOL", "URL", "USER", "PASSWORD")
	for _, r := range list {
		if e.Out.JSON {
			if err := e.Out.Object(r); err != nil {
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
	if err := e.Out.Flush(); err != nil {
		return err
	}
	e.Out.Say("Ctrl-C ends them")
	<-ctx.Done()
	return kit.Exit(protocols.KindOf(ctx.Err()).Exit())
}

// runBeside runs a command with the URLs in its environment, and ends with its
// exit code. When the context ends the command is asked to end, then made to.
func runBeside(ctx context.Context, e *kit.Env, list []*running, args []string) error {
	c := exec.CommandContext(ctx, args[0], args[1:]...)
	c.Stdin, c.Stdout, c.Stderr = e.Stdin, e.Out.Raw, e.Out.Words
	c.Env = os.Environ()
	for _, r := range list {
		c.Env = append(c.Env, r.variable()+"="+r.Full())
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
