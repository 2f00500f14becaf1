package main

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/ftplab"
	"github.com/netclients/netclients/protocols/lab/maillab"
	"github.com/netclients/netclients/protocols/lab/newslab"
	"github.com/netclients/netclients/protocols/lab/socklab"
	"github.com/netclients/netclients/protocols/lab/textlab"
	"github.com/netclients/netclients/protocols/lab/weblab"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"netclients": main})
}

// TestScripts runs the real main, in the test binary, on each script.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                "testdata/script",
		RequireUniqueNames: true,
		Setup:              isolate,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"code": code,
			"dns":  startDNS,
			"lab":  startLab,
			"want": want,
		},
	})
}

// isolate keeps the user's own settings and proxies out of the scripts.
func isolate(env *testscript.Env) error {
	env.Setenv("HOME", env.WorkDir)
	env.Setenv("XDG_CONFIG_HOME", env.WorkDir+"/.config")
	for _, name := range []string{"http_proxy", "https_proxy", "all_proxy", "ftp_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NETCLIENTS_PASSWORD", "NETRC", "DBUS_SESSION_BUS_ADDRESS"} {
		env.Setenv(name, "")
	}
	env.Setenv("TZ", "UTC")
	env.Setenv("GORACE", "atexit_sleep_ms=0") // else each command of a -race run takes a second more
	return nil
}

// code runs a command and compares its exit code: code 2 netclients ls
// Its output is for stdout, stderr and cmp of the standard commands.
func code(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 || neg {
		ts.Fatalf("usage: code NUMBER COMMAND [ARG...]")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := 0
	if exit, ok := err.(*exec.ExitError); ok {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if fmt.Sprint(got) != args[0] {
		ts.Fatalf("exit code %d, want %s", got, args[0])
	}
}

// want compares the output of the last command with a text, line ends apart:
// want stdout 'some text'
func want(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: want stdout|stderr|FILE TEXT")
	}
	same := strings.TrimSpace(ts.ReadFile(args[0])) == strings.TrimSpace(args[1])
	if same == neg {
		ts.Fatalf("%s is %q", args[0], ts.ReadFile(args[0]))
	}
}

// starters are the embedded servers that scripts can start.
var starters = map[string]func(lab.Faults) (lab.Server, error){
	"ftp": func(f lab.Faults) (lab.Server, error) {
		return ftplab.Start(ftplab.Options{ServerOptions: lab.ServerOptions{Faults: f}})
	},
	"tcp": func(f lab.Faults) (lab.Server, error) {
		return socklab.Start(socklab.Options{ServerOptions: lab.ServerOptions{Faults: f}})
	},
	"udp": func(f lab.Faults) (lab.Server, error) {
		return socklab.Start(socklab.Options{ServerOptions: lab.ServerOptions{Faults: f}, Network: "udp"})
	},
	"daytime": func(f lab.Faults) (lab.Server, error) {
		return socklab.Start(socklab.Options{ServerOptions: lab.ServerOptions{Faults: f}, Service: socklab.Daytime})
	},
	"telnet": func(f lab.Faults) (lab.Server, error) {
		return textlab.StartTelnet(textlab.TelnetOptions{ServerOptions: lab.ServerOptions{Faults: f}})
	},
	"http": func(f lab.Faults) (lab.Server, error) {
		return weblab.StartHTTP(weblab.HTTPOptions{ServerOptions: lab.ServerOptions{Faults: f}})
	},
	"smtp": func(f lab.Faults) (lab.Server, error) {
		return maillab.StartSMTP(maillab.SMTPOptions{ServerOptions: lab.ServerOptions{Faults: f}})
	},
	"lmtp": func(f lab.Faults) (lab.Server, error) {
		return maillab.StartSMTP(maillab.SMTPOptions{ServerOptions: lab.ServerOptions{Faults: f}, LMTP: true})
	},
	"submission": func(f lab.Faults) (lab.Server, error) {
		return maillab.StartSMTP(maillab.SMTPOptions{ServerOptions: lab.ServerOptions{Faults: f}, Submission: true})
	},
	"nntp": func(f lab.Faults) (lab.Server, error) {
		return newslab.Start(newslab.Options{ServerOptions: lab.ServerOptions{Faults: f}})
	},
	"holes": func(f lab.Faults) (lab.Server, error) { // a news server that has lost two articles of its overview
		news := newslab.Sample()
		news.Lose("<2@lab.invalid>")
		news.Lose("<pattern.bin.2@lab.invalid>")
		return newslab.Start(newslab.Options{ServerOptions: lab.ServerOptions{Faults: f}, News: news})
	},
	"imap": func(f lab.Faults) (lab.Server, error) {
		return maillab.StartIMAP(maillab.IMAPOptions{ServerOptions: lab.ServerOptions{Faults: f}})
	},
	"pop3": func(f lab.Faults) (lab.Server, error) {
		return maillab.StartPOP3(maillab.POP3Options{ServerOptions: lab.ServerOptions{Faults: f}})
	},
	"xmlrpc": func(f lab.Faults) (lab.Server, error) {
		return weblab.StartXMLRPC(weblab.XMLRPCOptions{ServerOptions: lab.ServerOptions{Faults: f}})
	},
	"gopher": func(f lab.Faults) (lab.Server, error) {
		return textlab.StartGopher(textlab.GopherOptions{ServerOptions: lab.ServerOptions{Faults: f}, Plus: true})
	},
}

// startLab starts an embedded server that ends with the script, and sets the
// variable of its name to its URL with user and password, and NAME_ANON to the
// one without: lab ftp [FAULTS]
func startLab(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 1 || len(args) > 2 || neg || starters[args[0]] == nil {
		ts.Fatalf("usage: lab PROTOCOL [FAULTS]")
	}
	var faults lab.Faults
	if len(args) == 2 {
		var err error
		faults, err = lab.ParseFaults(args[1])
		ts.Check(err)
	}
	s, err := starters[args[0]](faults)
	ts.Check(err)
	ts.Defer(func() { s.Close() })
	name := strings.ToUpper(args[0])
	c := lab.DefaultCredentials()
	ts.Setenv(name, strings.Replace(s.URL(), "://", "://"+c.User+":"+c.Password+"@", 1))
	ts.Setenv(name+"_ANON", s.URL())
	ts.Setenv(name+"_ADDR", s.Addr())
}
