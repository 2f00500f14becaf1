package verbs

import (
	"context"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/internal/mask"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/expect"
)

// AskVerbs are those that ask a server about itself, or talk to it as it is.
func AskVerbs() []*kit.Verb {
	p, h := newProber(), &CapsOf{}
	return []*kit.Verb{
		{
			Name: "caps", Args: "URL...", Short: "list the capabilities of the server", Generic: true,
			Works: kit.Is[protocols.Client], Flags: h.Flags, Run: kit.Each(h.Run),
			Examples: []string{
				"caps --has SIZE smtp://mail.example.org && echo it reports how large a message may be",
				"caps ftp://ftp.example.org",
				"caps --json ftp://ftp.example.org | jq -r .name",
			},
		},
		probeVerb(p),
		{
			Name: "raw", Args: "URL CMD...", Short: "send protocol commands after login and print the replies", Generic: true,
			Works: kit.Is[protocols.Doer], Run: kit.On(Raw),
			Examples: []string{"raw ftp://ftp.example.org 'SYST' 'SITE HELP'"},
		},
		{
			Name: "send", Args: "URL [TEXT]", Short: "send bytes: the argument, else standard input", Generic: true,
			Works: kit.Is[protocols.Talker], Run: kit.On(SendBytes),
			Examples: []string{"send tcp://host:9 hello"},
		},
	}
}

// CapsOf is the caps verb with its flags.
type CapsOf struct{ has string }

// Flags adds the flag of caps.
func (h *CapsOf) Flags(fs *pflag.FlagSet) {
	fs.StringVar(&h.has, "has", "", "print only the capability `NAME` (or NAME=PARAMETER); exit with code 6 if the server lacks it")
}

// Run prints what the server offers.
func (h *CapsOf) Run(ctx context.Context, e *kit.Env, c protocols.Client, at *protocols.Target, _ []string) error {
	return e.Again(ctx, func() error {
		if l, ok := protocols.As[protocols.CapabilityLister](c); ok {
			list, err := l.ListCapabilities(ctx)
			if err != nil {
				return err
			}
			return h.Print(e, list)
		}
		r, err := c.Probe(ctx)
		if err != nil {
			return err
		}
		if l, ok := protocols.As[capsLister](c); ok && h.has == "" && len(r.Capabilities) == 0 {
			return &protocols.Error{Kind: protocols.KindRefused, Sentinel: errors.ErrUnsupported, Text: "the server does not report its capabilities (" + l.CapsCommand() + ")"}
		}
		return h.Print(e, r.Capabilities)
	})
}

// capsLister is implemented by clients whose servers list their capabilities at a
// command, which old servers refuse.
type capsLister interface{ CapsCommand() string }

// Print prints capabilities, or those that --has asks for.
func (h *CapsOf) Print(e *kit.Env, list []protocols.Capability) error {
	if h.has == "" {
		return printCaps(e, list)
	}
	list = slices.DeleteFunc(slices.Clone(list), func(c protocols.Capability) bool { return !h.matches(c) })
	if len(list) == 0 {
		return &protocols.Error{Kind: protocols.KindRefused, Text: "the server does not offer " + h.has}
	}
	return printCaps(e, list)
}

// matches: some protocols have parameters in the name, as AUTH=PLAIN.
func (h *CapsOf) matches(c protocols.Capability) bool {
	name, parameter, with := strings.Cut(h.has, "=")
	return strings.EqualFold(c.Name, h.has) || strings.EqualFold(c.Name, name) &&
		(!with || slices.ContainsFunc(c.Params, func(p string) bool { return strings.EqualFold(p, parameter) }))
}

func printCaps(e *kit.Env, list []protocols.Capability) error {
	for _, cap := range list {
		if err := e.Out.Record(cap, func() string { return show.Safe(strings.Join(append([]string{cap.Name}, cap.Params...), " ")) }); err != nil {
			return err
		}
	}
	return nil
}

// ReplyJSON is a reply to a raw command.
type ReplyJSON struct {
	Command  string   `json:"command"`
	Code     int      `json:"code,omitempty"`
	Word     string   `json:"word,omitempty"`
	Enhanced string   `json:"enhanced,omitempty"`
	Text     []string `json:"text"`
}

// Raw sends each command, and ends with the kind of the last refusal.
func Raw(ctx context.Context, e *kit.Env, c protocols.Client, _ *protocols.Target, commands []string) error {
	var refused error
	for _, cmd := range commands {
		r, err := protocols.Do(ctx, c, cmd)
		if err != nil {
			return err
		}
		if err := PrintReply(e.Out, e.Out.Hidden.Command(cmd).Shown, r); err != nil {
			return err
		}
		if no := protocols.ReplyError(c, r); no != nil {
			refused = no
		}
	}
	return refused
}

// PrintReply prints the reply to a command.
func PrintReply(o *show.Output, cmd string, r *protocols.Reply) error {
	if o.JSON {
		return o.Object(ReplyJSON{mask.CommandOf(cmd).Shown, r.Code, r.Word, r.Enhanced, r.Lines})
	}
	head := r.Word
	if r.Code != 0 {
		head = strconv.Itoa(r.Code)
	}
	for i, line := range r.Lines {
		sep := " "
		if i < len(r.Lines)-1 && r.Code != 0 {
			sep = "-"
		}
		mark := head
		if i < len(r.Lines)-1 && slices.Contains([]string{"OK", "NO", "BAD"}, head) { // IMAP's untagged lines
			mark = "*"
		}
		if err := o.Text(strings.TrimSpace(mark + sep + line)); err != nil {
			return err
		}
	}
	return nil
}

// SendBytes sends the argument or standard input over a stream, and writes what
// comes back until the peer ends.
func SendBytes(ctx context.Context, e *kit.Env, c protocols.Client, at *protocols.Target, args []string) error {
	conn, err := protocols.Talk(ctx, c)
	if err != nil {
		return err
	}
	defer conn.Close()
	from := e.Stdin
	if len(args) > 0 {
		from = strings.NewReader(args[0])
	}
	n, err := io.Copy(conn, from)
	if err != nil {
		return err
	}
	_, ok := conn.(interface{ CloseWrite() error })
	switch err = expect.EndInput(conn, false); {
	case err != nil:
		return err
	case e.Out.JSON:
		var reply []byte
		if ok {
			reply, err = expect.NewStream(conn, 0).ReadAll(ctx, MaxSendReply)
		}
		return errors.Join(PrintBytes(e, at, n, reply), err)
	case !ok:
		return nil
	}
	return CopyOut(e, conn)
}

// MaxSendReply bounds the answer that a line of JSON holds.
const MaxSendReply = 1 << 20

// bytesJSON is what became of sending bytes.
type bytesJSON struct {
	Protocol string `json:"protocol"`
	URL      string `json:"url"`
	Bytes    int64  `json:"bytes"`
	Reply    string `json:"reply,omitempty"`
}

// PrintBytes prints the line of JSON for bytes that went to a target.
func PrintBytes(e *kit.Env, at *protocols.Target, n int64, reply []byte) error {
	return e.Out.Object(bytesJSON{at.Spec.Name, protocols.Redact(at.URL), n, string(reply)})
}

// CopyOut writes a stream to standard output as it is.
func CopyOut(e *kit.Env, r io.Reader) error {
	w, err := e.Stream()
	if err != nil {
		return err
	}
	_, err = io.Copy(w, r)
	return e.Out.Copied(err)
}
