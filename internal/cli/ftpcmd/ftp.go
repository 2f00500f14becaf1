// Package ftpcmd has the verbs that only FTP has, and its flags.
package ftpcmd

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/internal/cli/verbs"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/ftp"
	"github.com/netclients/netclients/protocols/ftp/charsets"
)

// ftpVerbs are the verbs that only FTP has, and generic ones with more flags.
func Verbs() []*kit.Verb {
	adding := &verbs.Putter{AppendTo: true}
	return []*kit.Verb{
		ftpList(),
		{
			Name: "size", Args: "URL...", Short: "size of a file in bytes (SIZE)",
			Works: kit.Is[*ftp.Client], Run: kit.Each(ftpSize),
			Examples: []string{"ftp size ftp.example.org/pub/file.iso"},
		},
		{
			Name: "chmod", Args: "URL MODE", Short: "change permissions (SITE CHMOD)",
			Works: kit.Is[*ftp.Client], Run: kit.On(ftpChmod),
			Examples: []string{"ftp chmod user@host/run.sh 755"},
		},
		{
			Name: "checksum", Args: "URL...", Short: "checksum of a file, computed by the server (HASH, XSHA256, XMD5, XCRC)",
			Works: kit.Is[*ftp.Client], Run: kit.Each(verbs.Checksum),
			Examples: []string{"ftp checksum ftp.example.org/pub/file.iso"},
		},
		{
			Name: "pwd", Args: "URL", Short: "the folder that a login starts in",
			Works: kit.Is[*ftp.Client], Run: kit.On(ftpPwd),
		},
		{
			Name: "append", Args: "FILE... URL", Short: "add files, or standard input (-), to the end of what is there",
			Works: kit.Is[*ftp.Client], Flags: adding.Flags, Run: adding.Run,
			Examples: []string{"ftp append today.log user@host/logs/all.log"},
		},
		{Name: "features", Means: "caps", Works: kit.Is[*ftp.Client]},
		{Name: "mirror", Means: "sync", Works: kit.Is[*ftp.Client],
			Examples: []string{"ftp mirror ftp.example.org/pub/ pub/"},
		},
	}
}

// ftpList is ls with NLST. Other protocols' URLs may stand beside FTP's: they are
// listed as ever.
func ftpList() *kit.Verb {
	l := verbs.NewLister()
	names := false
	list := func(ctx context.Context, e *kit.Env, c protocols.Client, at *protocols.Target, args []string) error {
		client, ok := c.(*ftp.Client)
		if !names || !ok {
			return l.Run(ctx, e, c, at, args)
		}
		return e.Again(ctx, func() error { return l.Print(e, at.Name, client.Names(ctx, at.Name)) })
	}
	return &kit.Verb{
		Name: "ls", Args: "URL...", Short: "list entries of folders",
		Works: kit.Is[*ftp.Client], Run: kit.Each(list),
		Flags: func(fs *pflag.FlagSet) {
			l.ListFlags(fs)
			fs.BoolVar(&names, "names", false, "ask for names only (NLST)")
		},
		Examples: []string{"ls ftp://ftp.example.org/pub/", "ftp ls -l --sort time ftp.example.org/pub/", "ftp ls -R --json ftp.example.org/pub/ | jq -r .url"},
	}
}

func ftpSize(ctx context.Context, e *kit.Env, c *ftp.Client, at *protocols.Target, _ []string) error {
	n, err := c.Size(ctx, at.Name)
	if err != nil {
		return err
	}
	size := struct {
		Protocol string `json:"protocol"`
		URL      string `json:"url"`
		Size     int64  `json:"size"`
	}{at.Spec.Name, protocols.Redact(at.URL), n}
	return e.Out.Record(size, func() string { return strconv.FormatInt(n, 10) })
}

func ftpChmod(ctx context.Context, e *kit.Env, c *ftp.Client, at *protocols.Target, args []string) error {
	if _, err := strconv.ParseUint(args[0], 8, 16); err != nil {
		return kit.Usage("ftp chmod: want URL MODE, with an octal mode such as 644; got %q", args[0])
	}
	return verbs.Changed(e, "mode "+args[0], at.Name, c.Chmod(ctx, at.Name, args[0]))
}

func ftpPwd(ctx context.Context, e *kit.Env, c *ftp.Client, at *protocols.Target, _ []string) error {
	dir, err := c.Pwd(ctx)
	if err != nil {
		return err
	}
	return e.Out.Record(map[string]string{"protocol": at.Spec.Name, "path": dir}, func() string { return show.Safe(dir) })
}

// portRange is LOW-HIGH.
type portRange [2]int

func (p *portRange) String() string { return "" }
func (p *portRange) Type() string   { return "LOW-HIGH" }

func (p *portRange) Set(s string) error {
	low, high, ok := strings.Cut(s, "-")
	a, errA := strconv.Atoi(low)
	b, errB := strconv.Atoi(high)
	if !ok || errA != nil || errB != nil || a < 1 || b > 65535 || a > b {
		return fmt.Errorf("want two ports, as 50000-50100")
	}
	*p = portRange{a, b}
	return nil
}

// ftpFlags are the flags that all verbs of FTP have.
func Flags() *kit.Setup {
	var s ftp.Settings
	prot := kit.OneOf("private", "clear", "private")
	byte255 := kit.OneOf("auto", "auto", ftp.Byte255Doubled, ftp.Byte255Plain)
	var ports portRange
	var ascii bool
	return kit.FlagsFor(func(fs *pflag.FlagSet) {
		fs.BoolVar(&s.Active, "active", false, "have the server connect to us (PORT, EPRT)")
		fs.StringVar(&s.ActiveHost, "active-host", "", "tell the server this `ADDR` with --active")
		fs.Var(&ports, "active-ports", "ports to listen on with --active")
		fs.BoolVar(&ascii, "ascii", false, "convert line ends (TYPE A)")
		fs.Var(&prot, "prot", "data connections under TLS: private, or clear (PROT P, C)")
		fs.BoolVar(&s.CCC, "ccc", false, "leave TLS on the control connection after login (CCC)")
		fs.StringArrayVar(&s.Before, "before", nil, "raw `CMD` before each transfer; a leading - ignores a refusal")
		fs.StringArrayVar(&s.After, "after", nil, "raw `CMD` after each transfer; a leading - ignores a refusal")
		fs.Var(&byte255, "byte-255", "how a byte 255 in a name is sent; auto finds out what the server takes")
		fs.StringVar(&s.Charset, "charset", "", "`CHARSET` of names and replies; the default is UTF-8")
		fs.StringVar(&s.Host, "host", "", "virtual host `NAME` to ask for (HOST)")
		fs.StringVar(&s.ListOptions, "list-options", "", "`OPTIONS` for LIST, such as -a")
		fs.BoolVar(&s.NoMLSD, "no-mlsd", false, "use LIST also where MLSD is offered")
		fs.BoolVar(&s.NoEPSV, "no-epsv", false, "use PASV, never EPSV")
		fs.BoolVar(&s.TrustPASV, "trust-pasv", false, "connect to the address that the server names (PASV), not to its own")
		fs.BoolVar(&s.NoPipelining, "no-pipelining", false, "one command at a time")
	}, func(c *ftp.Client) error {
		typed := c.Settings.ASCII // by the URL
		c.Settings = s
		c.Settings.Charsets = charsets.Get
		c.Settings.ASCII = typed || ascii
		c.Settings.ClearData = prot.Value == "clear"
		c.Settings.ActivePorts = ports
		if byte255.Value != "auto" {
			c.Settings.Byte255 = byte255.Value
		}
		return nil
	}).With(kit.Scope{
		"before": kit.Transfers, "after": kit.Transfers, "ascii": kit.Transfers, "list-options": kit.Listers, "no-mlsd": kit.Listers,
	}, []string{"auth", "authzid", "token-file", "token-command"}, nil)
}
