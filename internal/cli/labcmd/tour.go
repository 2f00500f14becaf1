package labcmd

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/protocols"
)

// tourStep is one thing a client does in the tour: a command line, and what its
// output must hold. URL stands for the lab server's URL, DIR for an empty folder.
type tourStep struct {
	protocol string
	what     string
	args     string // words apart by spaces
	stdin    string
	want     string // must be in the output
	file     string // must exist afterwards, as seen from DIR
	trace    string // a file for its dialogue; empty: none is wanted
}

// tourSteps is the tour. Each protocol adds what its client is mainly for.
func tourSteps() []tourStep {
	return []tourStep{
		{protocol: "ftp", what: "probe with login", args: "probe --login URL", want: "up"},
		{protocol: "ftp", what: "list a folder", args: "ls -l URLpub/", want: "large.bin"},
		{protocol: "ftp", what: "list as JSON", args: "ls --json URLpub/", want: `"name":"large.bin"`},
		{protocol: "ftp", what: "read a file", args: "cat URLREADME.txt", want: "Welcome"},
		{protocol: "ftp", what: "save a file", args: "get URLpub/large.bin -o DIR/large.bin", file: "large.bin"},
		{protocol: "ftp", what: "store a file", args: "put - URLincoming/tour.txt", stdin: "a text of the tour\n"},
		{protocol: "ftp", what: "read it back", args: "cat URLincoming/tour.txt", want: "a text of the tour"},
		{protocol: "ftp", what: "rename it", args: "mv URLincoming/tour.txt renamed.txt"},
		{protocol: "ftp", what: "delete it", args: "rm --yes URLincoming/renamed.txt"},
		{protocol: "ftp", what: "mirror a tree", args: "sync URLpub/nested/ DIR/nested", file: "nested/many/file00.txt"},
		{protocol: "ftp", what: "a raw command", args: "raw URL SYST", want: "215"},
		{protocol: "imap", what: "list the mailboxes", args: "imap folders URL", want: "INBOX"},
		{protocol: "imap", what: "list messages", args: "ls --json URLINBOX", want: `"subject":"Welcome"`},
		{protocol: "imap", what: "read a message", args: "cat URLINBOX;UID=1", want: "Have fun"},
		{protocol: "imap", what: "search", args: "search URLINBOX from:dave", want: "A file for you"},
		{protocol: "imap", what: "make a mailbox", args: "mkdir URLTour"},
		{protocol: "imap", what: "store a message", args: "imap put - URLTour", stdin: "Subject: a tour\n\nHello.\n"},
		{protocol: "imap", what: "move it", args: "imap mv URLTour;UID=1 URLINBOX"},
		{protocol: "imap", what: "archive the mailbox", args: "sync URLINBOX maildir:DIR/inbox", file: "inbox/cur"},
		{protocol: "telnet", what: "see what is negotiated", args: "telnet options URL", want: "TTYPE"},
		{protocol: "telnet", what: "log in by a script", args: "telnet run URL --expect login: --send alice --expect word: --send secret --expect [$] --send exit", want: "Welcome, alice"},
		{protocol: "tcp", what: "send and read the echo", args: "send URL hello", want: "hello"},
		{protocol: "tcp", what: "join with standard input", args: "tcp connect URL", stdin: "across the socket\n", want: "across the socket"},
		{protocol: "udp", what: "a datagram and its answer", args: "udp send URL ping --wait 200ms", want: "ping"},
		{protocol: "http", what: "probe", args: "probe URL", want: "up"},
		{protocol: "http", what: "list a folder (WebDAV)", args: "ls -l URLpub/", want: "large.bin"},
		{protocol: "http", what: "read a file", args: "cat URLREADME.txt", want: "Welcome"},
		{protocol: "http", what: "save a file in two segments", args: "get --segments 2 URLpub/large.bin -o DIR/large-http.bin", file: "large-http.bin"},
		{protocol: "http", what: "the head of an answer", args: "http head URLREADME.txt", want: "Etag"},
		{protocol: "http", what: "post JSON", args: "http post URL-/echo name=Ann age:=30", want: "Ann"},
		{protocol: "http", what: "log in with Digest", args: "cat URL-/auth/digest", want: "welcome"},
		{protocol: "http", what: "store a file", args: "put - URLincoming/tour.txt", stdin: "a text of the tour\n"},
		{protocol: "http", what: "rename it", args: "mv URLincoming/tour.txt renamed.txt"},
		{protocol: "http", what: "delete it", args: "rm --yes URLincoming/renamed.txt"},
		{protocol: "http", what: "sync a tree", args: "sync URLpub/nested/ DIR/nested-http", file: "nested-http/many/file00.txt"},
		{protocol: "smtp", what: "what the server can do", args: "caps URL", want: "PIPELINING"},
		{protocol: "smtp", what: "send a message", args: "smtp send URL --from tour@example.org --to alice@example.org --subject Tour --body Hello", want: "accepted"},
		{protocol: "smtp", what: "send many on two connections", args: "smtp send URL --batch - --connections 2 --from tour@example.org", stdin: `{"to":"alice@example.org","subject":"one","body":"1"}` + "\n" + `{"to":"alice@example.org","subject":"two","body":"2"}` + "\n", want: "accepted"},
		{protocol: "smtp", what: "ask for an address", args: "smtp verify URL alice", want: "250"},
		{protocol: "smtp", what: "test up to the recipient", args: "smtp send URL --quit-after rcpt --from tour@example.org --to alice@example.org", want: "RCPT TO"},
		{protocol: "pop3", what: "count the messages", args: "pop3 stat URL", want: "messages"},
		{protocol: "pop3", what: "list them", args: "ls URL", want: "Grüße aus Köln"},
		{protocol: "pop3", what: "read one", args: "cat URL2", want: ".hidden"},
		{protocol: "pop3", what: "the top of one", args: "pop3 top URL1 0", want: "Subject: Welcome"},
		{protocol: "pop3", what: "archive all in a maildir", args: "sync URL maildir:DIR/pop3-mail", file: "pop3-mail/new"},
		{protocol: "pop3", what: "archive all in an mbox", args: "pop3 fetch URL mbox:DIR/pop3-mbox", file: "pop3-mbox"},
		{protocol: "pop3", what: "read from the archive", args: "cat mbox:DIR/pop3-mbox;MSG=2", want: ".hidden"},
		{protocol: "pop3", what: "delete one", args: "rm --yes URL1"},
		{protocol: "nntp", what: "list groups", args: "ls -l URL", want: "A place to try things out"},
		{protocol: "nntp", what: "list articles", args: "ls URLlocal.test", want: "Grüße from afar"},
		{protocol: "nntp", what: "overview as JSON", args: "nntp over --json URLlocal.test 2-3", want: "message_id"},
		{protocol: "nntp", what: "read an article", args: "cat URLlocal.test/3", want: "two."},
		{protocol: "nntp", what: "post an article", args: "nntp post URL --from tour@example.org --newsgroups local.test --subject Tour --body Hello", want: "accepted"},
		{protocol: "nntp", what: "archive a group in a maildir", args: "sync URLlocal.test maildir:DIR/news", file: "news/new"},
		{protocol: "nntp", what: "archive a hierarchy in mboxes", args: "sync URLlocal.* mbox:DIR/groups", file: "groups/local.test.mbox"},
		{protocol: "xmlrpc", what: "list methods", args: "xmlrpc methods URL", want: "system.multicall"},
		{protocol: "xmlrpc", what: "call a method", args: "xmlrpc call URL add 1 2", want: "3"},
		{protocol: "xmlrpc", what: "a value of each type", args: "xmlrpc call --json URL types", want: "1998-07-17T14:08:55"},
		{protocol: "gopher", what: "list a menu", args: "ls -l URL1/pub", want: "large.bin"},
		{protocol: "gopher", what: "read a text", args: "cat URL0/README.txt", want: "Welcome"},
		{protocol: "gopher", what: "search", args: "gopher search URL7/search deep", want: "deep.txt"},
		{protocol: "gopher", what: "attributes (Gopher+)", args: "gopher attributes URL0/README.txt", want: "VIEWS"},
		{protocol: "gopher", what: "mirror a hole", args: "sync --delay 0 URL1/pub/nested DIR/hole", file: "hole/many/file00.txt"},
	}
}

// tourResult is what became of a step.
type tourResult struct {
	Protocol string  `json:"protocol"`
	Step     string  `json:"step"`
	Command  string  `json:"command"`
	OK       bool    `json:"ok"`
	Seconds  float64 `json:"seconds"`
	Error    string  `json:"error,omitempty"`
	words    []string
}

// commandLine runs one command line, as [Main] of the program does.
type commandLine func(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int

// tourFlags are those of tour.
type tourFlags struct {
	main commandLine
	keep bool
}

func (t *tourFlags) flags(fs *pflag.FlagSet) {
	fs.BoolVar(&t.keep, "keep", false, "leave the servers up at the end, so that the commands can be repeated")
}

// run is `netclients tour [PROTOCOL]`: with a protocol each step is shown with its
// dialogue.
func (t *tourFlags) run(ctx context.Context, e *kit.Env, only []string) error {
	list, stop, err := Start("")
	if err != nil {
		return err
	}
	defer stop()
	dir, err := os.MkdirTemp("", "netclients-tour-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var count kit.Tally
	for _, s := range tourSteps() {
		server := ServerOf(list, s.protocol)
		if server == nil || e.Reg.Spec(s.protocol) == nil || len(only) > 0 && s.protocol != only[0] {
			continue
		}
		if len(only) > 0 && !e.Out.JSON {
			s.trace = filepath.Join(dir, "trace.txt")
		}
		r, err := s.run(ctx, t.main, server, dir)
		if kit.Final(ctx, err) {
			return err
		}
		count.Add(err)
		if err := showStep(e.Out, r, s.trace); err != nil {
			return err
		}
	}
	if count.Done+count.Failed == 0 {
		return kit.Usage("tour: no steps for %q; there are ftp, http, smtp, imap, pop3, nntp, telnet, gopher, xmlrpc, tcp and udp", only[0])
	}
	return cmp.Or(t.stay(ctx, e), count.Err())
}

// stay keeps the servers up until the user ends them.
func (t *tourFlags) stay(ctx context.Context, e *kit.Env) error {
	if !t.keep {
		return nil
	}
	if err := e.Out.Flush(); err != nil {
		return err
	}
	e.Out.Say("the servers stay up: try the commands again, from another terminal; user alice, password secret; Ctrl-C ends them")
	<-ctx.Done()
	return kit.Exit(protocols.KindOf(ctx.Err()).Exit())
}

func ServerOf(list []*running, protocol string) *running {
	for _, r := range list {
		if r.Protocol == protocol {
			return r
		}
	}
	return nil
}

// showStep prints a step in lines of 80 columns: what it is, and the command as it can be
// pasted into a shell; with a trace also what was said.
func showStep(o *show.Output, r tourResult, trace string) error {
	if o.JSON {
		return o.Object(r)
	}
	result := o.Paint.As(show.Green, "ok")
	if !r.OK {
		result = o.Paint.As(show.Red, "FAILED: ") + show.Safe(r.Error)
	}
	line := fmt.Sprintf("%-7s %-32s %s  %.1f ms", r.Protocol, r.Step, result, r.Seconds*1000)
	if err := o.Line(line); err != nil {
		return err
	}
	if err := o.Line(foldCommand(r.words)); err != nil || trace == "" {
		return err
	}
	return showDialogue(o, trace)
}

// tourWidth is that of the narrowest terminals that people have.
const tourWidth = 80

// foldCommand writes a command line over several lines, as a shell takes it.
func foldCommand(words []string) string {
	var b strings.Builder
	at := 8
	b.WriteString("        ")
	for i, word := range words {
		word = show.Safe(quoted(word))
		if i > 0 && at+1+len(word) > tourWidth-2 {
			b.WriteString(" \\\n          ")
			at = 10
		} else if i > 0 {
			b.WriteByte(' ')
			at++
		}
		b.WriteString(word)
		at += len(word)
	}
	return b.String()
}

var plainWord = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`) })

// quoted writes a word as a shell takes it.
func quoted(word string) string {
	if plainWord().MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// mostSaid and mostInARow bound the dialogue that is shown of a step, and what one side
// says in it without a pause.
const (
	mostSaid   = 20
	mostInARow = 3
)

// traced is a line of a trace that was sent or received.
var traced = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^ *[0-9.]+ms +#\d+ +(?:control|data)? *([<>«»] .*)$`)
})

// showDialogue prints what a trace has of the conversation, and removes it.
func showDialogue(o *show.Output, path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil // a step without a connection
	}
	defer os.Remove(path)
	n, row, side := 0, 0, ""
	for line := range strings.Lines(string(text)) {
		m := traced().FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		if m == nil {
			continue
		}
		mark, _, _ := strings.Cut(m[1], " ")
		if row++; mark != side {
			row, side = 0, mark
		}
		switch {
		case row == mostInARow:
			m[1] = mark + " ..."
		case row > mostInARow:
			continue
		}
		if n++; n > mostSaid {
			return o.Line("            ...")
		}
		said := []rune(show.Safe(m[1]))
		if len(said) > tourWidth-12 {
			said = append(said[:tourWidth-13], '…')
		}
		if err := o.Line("            " + o.Paint.As(show.Cyan, string(said))); err != nil {
			return err
		}
	}
	return o.Line("")
}

// run does the step as the command line would, with its own streams.
func (s *tourStep) run(ctx context.Context, main commandLine, server *running, dir string) (tourResult, error) {
	fill := func(url, dir string) []string {
		return strings.Fields(strings.NewReplacer("URL", url, "DIR", dir).Replace(s.args))
	}
	r := tourResult{Protocol: s.protocol, Step: s.what, words: append([]string{"netclients"}, fill(server.URL, "tour")...)}
	for _, word := range r.words {
		r.Command = strings.TrimSpace(r.Command + " " + quoted(word))
	}
	args := fill(server.Full(), dir)
	if s.trace != "" {
		args = append(args, "--trace", s.trace)
	}
	var out, words bytes.Buffer
	start := time.Now()
	code := main(ctx, args, strings.NewReader(s.stdin), &out, &words)
	r.Seconds = time.Since(start).Seconds()
	err := s.check(code, out.String(), words.String(), dir)
	r.OK = err == nil
	if err != nil {
		r.Error = err.Error()
	}
	return r, err
}

// check compares what came with what the step wants.
func (s *tourStep) check(code int, out, words, dir string) error {
	bad := func(format string, args ...any) error {
		return &protocols.Error{Proto: s.protocol, Op: "tour", Kind: protocols.KindInternal, Text: fmt.Sprintf(format, args...)}
	}
	switch {
	case code != 0:
		return bad("exit code %d: %s", code, strings.TrimSpace(words))
	case !strings.Contains(out, s.want):
		return bad("no %q in the output", s.want)
	case s.file != "":
		if info, err := os.Stat(filepath.Join(dir, s.file)); err != nil || info.Size() == 0 {
			return bad("%s is not there", s.file)
		}
	}
	return nil
}
