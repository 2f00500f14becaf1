package cli

import (
	"context"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/expect"
)

// askVerbs are those that ask a server about itself, or talk to it as it is.
func askVerbs() []*verb {
	p, h := newProber(), &capsOf{}
	return []*verb{
		on("caps", "URL...", "what the server says it can do", h.run).with(h.flags).
			eg("caps --has SIZE smtp://mail.example.org && echo it tells how large a message may be", "caps ftp://ftp.example.org", "caps --json ftp://ftp.example.org | jq -r .name"),
		probeVerb(p),
		on("raw", "URL CMD...", "send protocol commands after login, print the replies", raw).
			eg("raw ftp://ftp.example.org 'SYST' 'SITE HELP'"),
		on("send", "URL [TEXT]", "send bytes: the argument, else standard input", sendBytes).
			eg("send tcp://host:9 hello"),
	}
}

// capsOf is the caps verb with its flags.
type capsOf struct{ has string }

func (h *capsOf) flags(fs *pflag.FlagSet) {
	fs.StringVar(&h.has, "has", "", "print only the capability `NAME` (or NAME=PARAMETER); exit code 6 when the server has it not")
}

func (h *capsOf) run(ctx context.Context, e *env, c protocols.Client, _ string, _ []string) error {
	return e.again(ctx, func() error {
		r, err := c.Probe(ctx)
		if err != nil {
			return err
		}
		return h.print(e, r.Capabilities)
	})
}

func (h *capsOf) print(e *env, list []protocols.Capability) error {
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
func (h *capsOf) matches(c protocols.Capability) bool {
	name, parameter, with := strings.Cut(h.has, "=")
	return strings.EqualFold(c.Name, h.has) || strings.EqualFold(c.Name, name) &&
		(!with || slices.ContainsFunc(c.Params, func(p string) bool { return strings.EqualFold(p, parameter) }))
}

func printCaps(e *env, list []protocols.Capability) error {
	for _, cap := range list {
		if err := e.out.record(cap, func() string { return safe(strings.Join(append([]string{cap.Name}, cap.Params...), " ")) }); err != nil {
			return err
		}
	}
	return nil
}

// replyJSON is a reply to a raw command.
type replyJSON struct {
	Command  string   `json:"command"`
	Code     int      `json:"code,omitempty"`
	Word     string   `json:"word,omitempty"`
	Enhanced string   `json:"enhanced,omitempty"`
	Text     []string `json:"text"`
}

// raw sends each command, and ends with the kind of the last refusal.
func raw(ctx context.Context, e *env, c protocols.Doer, _ string, commands []string) error {
	var refused error
	for _, cmd := range commands {
		r, err := c.Do(ctx, cmd)
		if err != nil {
			return err
		}
		if err := printReply(e.out, cmd, r); err != nil {
			return err
		}
		if no := refusal(r); no != nil {
			refused = no
		}
	}
	return refused
}

func printReply(o *output, cmd string, r *protocols.Reply) error {
	if o.json {
		return o.object(replyJSON{cmd, r.Code, r.Word, r.Enhanced, r.Lines})
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
		if err := o.text(strings.TrimSpace(head + sep + line)); err != nil {
			return err
		}
	}
	return nil
}

// refusal returns the error that a reply stands for, or nil for a yes: codes from
// 400 on, and the words for no of the protocols without codes.
func refusal(r *protocols.Reply) error {
	e := &protocols.Error{Kind: protocols.KindRefused, Code: r.Code, Enhanced: r.Enhanced, Text: r.Text()}
	switch {
	case r.Code >= 400 && r.Code < 500:
		e.Kind, e.Retryable = protocols.KindTemporary, true
	case r.Code >= 500, r.Word == "NO", r.Word == "BAD", r.Word == "-ERR":
	default:
		return nil
	}
	return e
}

// sendBytes sends the argument or standard input over a stream, and writes what
// comes back until the peer ends.
func sendBytes(ctx context.Context, e *env, c protocols.Talker, _ string, args []string) error {
	conn, err := c.Talk(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	var from io.Reader = e.stdin
	if len(args) > 0 {
		from = strings.NewReader(args[0])
	}
	n, err := io.Copy(conn, from)
	if err != nil {
		return err
	}
	half, ok := conn.(interface{ CloseWrite() error })
	if ok {
		err = half.CloseWrite()
	}
	switch {
	case err != nil:
		return err
	case e.out.json:
		var reply []byte
		if ok {
			reply, err = expect.NewStream(conn, 0).ReadAll(ctx, maxSendReply)
		}
		return errors.Join(printBytes(e, n, reply), err)
	case !ok:
		return nil
	}
	return copyOut(e, conn)
}

// maxSendReply bounds the answer that a line of JSON holds.
const maxSendReply = 1 << 20

// bytesJSON is what became of sending bytes.
type bytesJSON struct {
	Protocol string `json:"protocol"`
	URL      string `json:"url"`
	Bytes    int64  `json:"bytes"`
	Reply    string `json:"reply,omitempty"`
}

// printBytes prints the line of JSON for bytes that went to the target at hand.
func printBytes(e *env, n int64, reply []byte) error {
	return e.out.object(bytesJSON{e.at.Spec.Name, protocols.Redact(e.at.URL), n, string(reply)})
}

// copyOut writes a stream to standard output as it is.
func copyOut(e *env, r io.Reader) error {
	w, err := e.out.bytes()
	if err != nil {
		return err
	}
	_, err = io.Copy(w, r)
	return e.out.copied(err)
}
