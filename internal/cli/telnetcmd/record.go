package telnetcmd

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/expect"
	"github.com/netclients/netclients/protocols/file"
	"github.com/netclients/netclients/protocols/telnet"
)

// record is `record`: open, with a script of it in a file at the end, however it ends.
func (o *opener) record(ctx context.Context, e *kit.Env, c *telnet.Client, at *protocols.Target, args []string) error {
	o.rec = &recorder{}
	err := o.run(ctx, e, c, at, nil)
	script := o.rec.script()
	if _, perr := expect.Parse(strings.NewReader(script)); perr != nil {
		return fmt.Errorf("the script of the session cannot be read again: %w", perr)
	}
	dir := file.New(filepath.Dir(args[0]), nil)
	defer dir.Close()
	if _, perr := dir.Put(context.WithoutCancel(ctx), filepath.Base(args[0]), strings.NewReader(script), nil); perr != nil {
		return perr
	}
	e.Out.Say("script written to " + args[0])
	if o.rec.secrets > 0 {
		e.Out.Say("passwords are not in it: it reads them from the variables of its secret statements")
	}
	return err
}

const (
	maxRecorded = 1 << 20 // bytes of a script
	maxPrompt   = 60      // bytes of a prompt that are waited for
	maxSeen     = 4 << 10 // bytes that came, in which the prompt is looked for
)

// recorder makes a script of a session: before each line that the user sends it waits for
// the prompt in front of it.
type recorder struct {
	mu      sync.Mutex
	steps   strings.Builder
	last    time.Time // when something came
	ended   bool      // no more comes
	echo    string    // the line sent last, without a terminal
	unasked bool      // the line that is being typed was not waited for
	seen    []byte    // the last that came
	prompt  string    // in front of the line that is being typed
	line    []byte    // typed, its end not yet
	typing  bool
	lastCR  bool
	secrets int
	full    bool
}

// received takes what came.
func (r *recorder) received(p []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = time.Now()
	r.seen = append(r.seen, p...)
	r.seen = r.seen[max(0, len(r.seen)-maxSeen):]
}

// sent takes what the user sent; echoes says that the server shows it.
func (r *recorder) sent(p []byte, echoes bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, b := range p {
		cr := r.lastCR
		r.lastCR = b == '\r'
		if b == '\n' && cr {
			continue
		}
		if !r.typing {
			r.typing, r.prompt, r.seen = true, promptOf(r.seen), r.seen[:0]
		}
		switch {
		case b == '\r' || b == '\n':
			r.write(echoes)
		case b == keyBack || b == keyDelete:
			r.line = r.line[:max(0, len(r.line)-1)]
		case b == keyKill:
			r.line = r.line[:0]
		default:
			r.line = append(r.line, b)
		}
	}
}

// password is a prompt in front of what must not be shown.
var password = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)(pass(word|phrase|code)?|secret|\bpin|token)[^a-z0-9]*$`)
})

// write writes the steps of a line.
func (r *recorder) write(echoes bool) {
	line := string(r.line)
	hidden := echoes && len(line) > 1 && len(r.seen) > 0 && !bytes.Contains(r.seen, []byte(line[:len(line)-1]))
	if r.prompt != "" {
		r.add("expect " + strconv.Quote(r.prompt))
	}
	switch text := strconv.Quote(line); {
	case line != "" && (hidden || r.unasked || password().MatchString(r.prompt)):
		r.secrets++
		name := "PASSWORD" + strconv.Itoa(r.secrets)
		r.add("secret " + name + " env:TELNET_" + name)
		r.add("send ${" + name + "}")
	case strings.ContainsFunc(line, func(c rune) bool { return c < ' ' }): // keys, no line
		r.add("write " + text)
		r.add(`send ""`)
	case strings.Contains(line, "${"): // which would be a variable
		before, after, _ := strings.Cut(line, "${")
		r.add("write " + strconv.Quote(before+"$"))
		r.add("send " + strconv.Quote("{"+after))
	default:
		r.add("send " + text)
	}
	r.line, r.typing, r.echo = r.line[:0], false, line
}

// end notes that nothing more comes.
func (r *recorder) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = true
}

func (r *recorder) add(step string) {
	if r.full = r.full || r.steps.Len()+len(step) > maxRecorded; !r.full {
		r.steps.WriteString(step + "\n")
	}
}

// script returns the whole script. What was typed without an end is not in it.
func (r *recorder) script() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	head := "# A recorded session. Prompts that change, as those with a time, want a pattern: /.../\n"
	if r.full {
		head += "# It was too long to be recorded to its end.\n"
	}
	return head + r.steps.String()
}

// promptOf returns what stands last in a text, on one line and without control characters
// in between: what a pattern will find again.
func promptOf(seen []byte) string {
	text := bytes.TrimRight(seen, "\r\n")
	for len(text) > 0 && text[len(text)-1] == 'm' { // the colours after a prompt
		i := bytes.LastIndexByte(text, 0x1b)
		if i < 0 || sequence().FindIndex(text[i:]) == nil {
			break
		}
		text = text[:i]
	}
	i := bytes.LastIndexFunc(text, func(c rune) bool { return c < ' ' || c == 0x7f })
	text = text[i+1:]
	if i >= 0 && i < len(seen) && seen[i] == 0x1b { // the rest of a sequence in front
		text = bytes.TrimPrefix(text, sequenceTail().Find(text))
	}
	text = bytes.ToValidUTF8(text[max(0, len(text)-maxPrompt):], nil)
	return strings.ReplaceAll(string(text), "${", "{")
}

var (
	sequence = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^\x1b\[[0-9;]*m$`)
	})
	sequenceTail = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^\[[0-9;?]*[A-Za-z]`)
	})
)

// recorded is a connection whose talk is recorded.
type recorded struct {
	*telnet.Conn
	rec *recorder
}

func (c recorded) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.rec.received(p[:n])
	if err != nil {
		c.rec.end()
	}
	return n, err
}

// Write sends what is read from a pipe or a file: each line when the server has asked for
// it. Sent at once, a password would stand before the prompt that shows what it is.
func (c recorded) Write(p []byte) (n int, err error) {
	for line := range bytes.Lines(p) {
		c.rec.await()
		c.rec.sent(line, false)
		m, err := c.Conn.Write(line)
		if n += m; err != nil {
			return n, err
		}
	}
	return n, nil
}

// How long a server is waited for that asks for the next line: its prompt has been the last
// thing for a while, or a whole line has for a longer while, or nothing comes.
const (
	promptStands = 500 * time.Millisecond
	lineStands   = 2 * time.Second
	mostAsked    = 15 * time.Second
)

// await waits until the server has asked for a line. One that was not asked for might be
// anything: it is recorded as a password is.
func (r *recorder) await() {
	for until := time.Now().Add(mostAsked); ; time.Sleep(promptStands / 20) {
		asked, over := r.asked()
		if asked || over || time.Now().After(until) {
			r.mu.Lock()
			r.unasked = !asked
			r.mu.Unlock()
			return
		}
	}
}

// asked reports whether the server has asked for the next line, and whether nothing more comes.
func (r *recorder) asked() (asked, over bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.typing { // the rest of a line
		return !r.unasked, true
	}
	stands := promptStands
	if bytes.HasSuffix(r.seen, []byte("\n")) {
		stands = lineStands
	}
	prompt := promptOf(r.seen)
	return prompt != "" && prompt != r.echo && time.Since(r.last) > stands, r.ended
}

// from returns what reads the connection, recorded if it is.
func (o *opener) from(conn *telnet.Conn) io.ReadWriteCloser {
	if o.rec == nil {
		return conn
	}
	return recorded{conn, o.rec}
}
