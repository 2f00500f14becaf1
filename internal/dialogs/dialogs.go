// Package dialogs keeps the dialogues of an adapter's tests: a table of calls, each with its file under testdata.
// A row is recorded from one of the real servers of package interop, or written by hand for a server that is not
// at hand. With -update the recorded ones are made anew, and what the calls give is written into all files.
package dialogs

import (
	"context"
	"flag"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/internal/interop"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/protocoltest"
)

var update = flag.Bool("update", false, "record testdata/*.dialog anew from the servers of internal/interop, and write down what the calls give now")

// Dial makes the connections of a recording.
type Dial = func(ctx context.Context, network, address string) (net.Conn, error)

// Recording is one dialogue. S is the type of the adapter's settings.
type Recording[S any] struct {
	Name    string // of the file, without folder and ending
	From    string // the service of package interop; empty: written by hand
	Call    protocoltest.Call
	Options func(o *protocols.Options)
	Setup   func(s *S)
	Skip    map[string]string // see [protocoltest.Dialog]
	Spare   int               // see [protocoltest.Dialog]
	Header  map[string]string // of the file, beside what a recording writes
}

// From returns recordings of one server: prefix stands before their names, and options are those of rows without.
func From[S any](service, prefix string, options func(o *protocols.Options), rows []Recording[S]) []Recording[S] {
	rows = slices.Clone(rows)
	for i := range rows {
		rows[i].Name, rows[i].From = prefix+"-"+rows[i].Name, service
		if rows[i].Options == nil {
			rows[i].Options = options
		}
	}
	return rows
}

// Book is all dialogues of an adapter.
type Book[S any] struct {
	Harness  protocoltest.Harness // of the suite; its Dialogs are those of the book
	Rows     []Recording[S]
	Products map[string]string              // name and version of the server behind a service
	Settings func(c protocols.Client) *S    // readies a client for a dialogue, and returns its settings
	Secrets  func(password string) []string // the forms in which a login puts a password on the wire
	Dial     func(address string) Dial      // how the server at address is reached; nil: each connection goes there
	Seed     func(t *testing.T)             // puts at the servers what the recordings are about; may be nil
}

// Suite returns the harness with the dialogues in it.
func (b *Book[S]) Suite() protocoltest.Harness {
	h := b.Harness
	for _, r := range b.Rows {
		h.Dialogs = append(h.Dialogs, b.dialog(r))
	}
	return h
}

func (b *Book[S]) dialog(r Recording[S]) protocoltest.Dialog {
	return protocoltest.Dialog{File: r.File(), Call: r.Call, Options: r.Options, Skip: r.Skip, Spare: r.Spare,
		Setup: func(c protocols.Client) { b.prepare(c, r) }}
}

func (b *Book[S]) prepare(c protocols.Client, r Recording[S]) {
	if s := b.Settings(c); r.Setup != nil {
		r.Setup(s)
	}
}

// File is where the dialogue is kept.
func (r Recording[S]) File() string { return filepath.Join("testdata", r.Name+".dialog") }

// Update does what the flag says; without it, it looks for files that no row names.
func (b *Book[S]) Update(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.dialog")
	for _, f := range files {
		if !slices.ContainsFunc(b.Rows, func(r Recording[S]) bool { return r.File() == f }) {
			t.Errorf("%s belongs to no recording", f)
		}
	}
	if !*update {
		return
	}
	if b.Seed != nil {
		b.Seed(t)
	}
	for _, r := range b.Rows {
		t.Run(r.Name, func(t *testing.T) {
			if err := b.rewrite(t, r); err != nil {
				t.Error(err)
			}
		})
	}
}

func (b *Book[S]) rewrite(t *testing.T, r Recording[S]) error {
	if r.From == "" {
		s, err := protocoltest.LoadScript(r.File())
		if err != nil {
			return err
		}
		return protocoltest.Rewrite(t, b.Harness, b.dialog(r), s)
	}
	s := b.record(t, r)
	if err := protocoltest.Rewrite(t, b.Harness, b.dialog(r), s); err != nil {
		return err
	}
	return os.WriteFile(r.File(), []byte(s.Format()), 0o644)
}

// record makes the call at the real server.
func (b *Book[S]) record(t *testing.T, r Recording[S]) *protocoltest.Script {
	address := interop.Require(t, r.From)[r.From]
	dial := b.Dial
	if dial == nil {
		dial = always
	}
	rec := &protocoltest.Recorder{Next: dial(address)}
	o := &protocols.Options{Dial: rec.Dial, Credentials: password}
	if r.Options != nil {
		r.Options(o)
	}
	u, err := protocols.ParseURL(b.Harness.URL, "")
	if err != nil {
		t.Fatal(err)
	}
	c, err := b.Harness.Spec.New(u, o)
	if err != nil {
		t.Fatal(err)
	}
	b.prepare(c, r)
	_, _ = r.Call(t.Context(), c)
	c.Close()
	return b.finish(rec.Script(r.File()), r)
}

// finish takes the password of the servers out, and says where the recording is from.
func (b *Book[S]) finish(s *protocoltest.Script, r Recording[S]) *protocoltest.Script {
	was, is := b.Secrets(interop.Password), b.Secrets(b.Harness.Secret)
	for i := range s.Steps {
		for j := range was {
			s.Steps[i].Text = strings.ReplaceAll(s.Steps[i].Text, was[j], is[j])
		}
	}
	s.Header = map[string]string{"server": b.Products[r.From], "recorded": time.Now().UTC().Format(time.DateOnly) + ", password replaced"}
	for k, v := range r.Header {
		s.Header[k] = v
	}
	return s
}

// always leads all connections to one address.
func always(address string) Dial {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}
}

func password(_ context.Context, q protocols.CredentialRequest) (protocols.Credential, error) {
	return protocols.Credential{User: q.User, Password: interop.Password}, nil
}

// Stranger returns credentials that no server accepts.
func Stranger(secret string) func(context.Context, protocols.CredentialRequest) (protocols.Credential, error) {
	return func(context.Context, protocols.CredentialRequest) (protocols.Credential, error) {
		return protocols.Credential{User: "mallory", Password: secret}, nil
	}
}
