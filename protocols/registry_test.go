package protocols

import (
	"context"
	"errors"
	"io"
	"iter"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// dummy is a client that can list and get one thing.
type dummy struct{ items []string }

func (d *dummy) Probe(context.Context) (*Report, error) { return &Report{Up: true}, nil }
func (d *dummy) Close() error                           { return nil }

func (d *dummy) List(_ context.Context, dir string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for _, item := range d.items {
			if !yield(Entry{Name: item, Path: dir + item, Size: -1}, nil) {
				return
			}
		}
	}
}

func (d *dummy) Get(_ context.Context, name string, _ *GetOptions) (*Object, error) {
	if strings.HasPrefix(name, "no") {
		return nil, &Error{Kind: KindRefused, Text: name}
	}
	return &Object{Entry: Entry{Name: name}, Body: io.NopCloser(strings.NewReader(name))}, nil
}

// wrapper hides the client in it, apart from Unwrap.
type wrapper struct{ Client }

func (w wrapper) Unwrap() Client { return w.Client }

func specs() []*Spec {
	var list []*Spec
	for _, s := range schemes {
		list = append(list, &Spec{
			Name: s.Name, Schemes: []Scheme{s},
			New:  func(*url.URL, *Options) (Client, error) { return &dummy{}, nil },
			Path: func(u *url.URL) (string, error) { return u.Path, nil },
		})
	}
	return list
}

func catalog(t *testing.T) *Registry {
	t.Helper()
	r, err := NewRegistry(specs()...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRegistryFindsTheAdapterOfEveryScheme(t *testing.T) {
	r := catalog(t)
	for _, s := range schemes {
		text := s.Name + "://host:1/x"
		if s.Port == 0 {
			text = s.Name + ":///x"
		}
		target, err := r.Parse(text, "")
		if err != nil {
			t.Fatal(err)
		}
		if target.Spec != r.Spec(s.Name) || target.Scheme != s || target.Name != "/x" {
			t.Errorf("%s: %+v", text, target)
		}
		if c, err := target.Open(nil); err != nil || c == nil {
			t.Errorf("%s: open: %v, %v", text, c, err)
		}
	}
	if len(r.Specs()) != len(schemes) || r.Spec("nosuch") != nil {
		t.Error("the catalog is not what was registered")
	}
	if r.Specs()[0] = nil; r.Spec("http") == nil {
		t.Error("a caller can change the catalog")
	}
}

func TestRegistryRefuses(t *testing.T) {
	r := catalog(t)
	for _, c := range []struct{ text, proto, want string }{
		{"nosuch://host/", "", `unknown scheme "nosuch"; known are http https ftp`},
		{"http://host/", "ftp", `scheme "http" belongs to http, not to ftp`},
		{"ftp:///x", "", "no host"},
		{"ftp://:21/x", "ftp", "no host"},
		{"host/x", "", "no scheme"},
		{"news://host:x/", "", "neither a number nor a service"},
	} {
		target, err := r.Parse(c.text, c.proto)
		if target != nil || KindOf(err) != KindUsage || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, %v; want %q", c.text, target, err, c.want)
		}
	}
	for _, text := range []string{"news:comp.lang.go", "lmtp:///run/lmtp.sock"} {
		if _, err := r.Parse(text, ""); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestRegistryRefusesASchemeTwice(t *testing.T) {
	if r, err := NewRegistry(append(specs(), &Spec{Name: "other", Schemes: []Scheme{{Name: "ftp"}}})...); err == nil || r != nil {
		t.Errorf("%v, %v", r, err)
	}
}

func TestRegistryNamesURLOfABadPath(t *testing.T) {
	bad := &Spec{Name: "p", Schemes: []Scheme{{Name: "p", Port: 1}}, Path: func(*url.URL) (string, error) { return "", UsageError("", "", "bad path") }}
	r, err := NewRegistry(bad)
	if err != nil {
		t.Fatal(err)
	}
	target, err := r.Parse("p://u:Geheim@host/x", "")
	e, ok := err.(*Error)
	if target != nil || !ok || e.Proto != "p" || e.URL != "p://u@host/x" || e.Kind != KindUsage {
		t.Errorf("%v, %#v", target, err)
	}
}

// TestCapabilityMissing: each helper returns the one typed error, and none panics.
func TestCapabilityMissing(t *testing.T) {
	ctx, c := t.Context(), wrapper{wrapper{&bare{}}}
	first := func(seq iter.Seq2[Entry, error]) (err error) {
		n := 0
		for _, err = range seq {
			n++
		}
		if n != 1 {
			t.Errorf("%d pairs, want one error", n)
		}
		return err
	}
	errs := map[string]error{
		"ls": first(List(ctx, c, "")), "search": first(Search(ctx, c, "", "")), "watch": first(Watch(ctx, c, "")),
		"rm": Remove(ctx, c, ""), "mv": Move(ctx, c, "", ""), "mkdir": Make(ctx, c, ""), "rmdir": Unmake(ctx, c, ""), "cp": Relay(ctx, c, "", c, ""),
		"get": BulkGet(ctx, c, nil, nil),
	}
	_, errs["stat"] = Stat(ctx, c, "")
	_, errs["put"] = Put(ctx, c, "", nil, nil)
	_, errs["send"] = Send(ctx, c, nil)
	_, errs["talk"] = Talk(ctx, c)
	_, errs["raw"] = Do(ctx, c, "")
	for op, err := range errs {
		e, ok := err.(*Error)
		if !ok || e.Kind != KindUsage || e.Op != op || !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s: %#v", op, err)
		}
	}
	if _, err := Get(ctx, c, "", nil); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("get: %v", err)
	}
}

// bare can do nothing more than it must.
type bare struct{}

func (bare) Probe(context.Context) (*Report, error) { return &Report{}, nil }
func (bare) Close() error                           { return nil }

func TestAsLooksThroughWrappers(t *testing.T) {
	d := &dummy{}
	if got, ok := As[*dummy](wrapper{wrapper{d}}); !ok || got != d {
		t.Errorf("%v, %v", got, ok)
	}
	if _, ok := As[Lister](wrapper{d}); !ok {
		t.Error("the capability of a wrapped client is not found")
	}
	if _, ok := As[Putter](wrapper{d}); ok {
		t.Error("a capability is found that nothing has")
	}
	if _, ok := As[Lister](nil); ok {
		t.Error("nil can list")
	}
}

func TestStatFallsBackToTheListing(t *testing.T) {
	c := wrapper{&dummy{items: []string{"a", "b"}}}
	e, err := Stat(t.Context(), c, "dir/b")
	if err != nil || e.Path != "dir/b" {
		t.Errorf("%+v, %v", e, err)
	}
	if _, err := Stat(t.Context(), c, "dir/c"); KindOf(err) != KindRefused || !errors.Is(err, errNotExist) {
		t.Errorf("%v", err)
	}
}

func TestBulkGetFallsBackToGet(t *testing.T) {
	names := func(yield func(string) bool) {
		_ = yield("one") && yield("no") && yield("two") && yield("three")
	}
	var got []string
	stop := errors.New("stop")
	err := BulkGet(t.Context(), wrapper{&dummy{}}, names, func(name string, o *Object, err error) error {
		if err != nil {
			got = append(got, name+": "+err.Error())
			return nil
		}
		b, err := io.ReadAll(o.Body)
		got = append(got, string(b))
		if name == "two" {
			return stop
		}
		return err
	})
	if err != stop || strings.Join(got, ",") != "one,no: no,two" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestGateLetsOneIn(t *testing.T) {
	var g Gate
	if err := g.Enter(); err != nil {
		t.Fatal(err)
	}
	if err := g.Enter(); !errors.Is(err, ErrBusy) || KindOf(err) != KindUsage {
		t.Errorf("%v", err)
	}
	g.Leave()
	if err := g.Enter(); err != nil {
		t.Error(err)
	}
}

// able can do everything, and says what it was asked.
type able struct {
	bare
	calls []string
}

func (a *able) say(parts ...string) error {
	a.calls = append(a.calls, strings.Join(parts, " "))
	return nil
}

func (a *able) pairs(parts ...string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) { a.say(parts...); yield(Entry{Name: parts[1]}, nil) }
}

func (a *able) List(_ context.Context, n string) iter.Seq2[Entry, error] { return a.pairs("list", n) }
func (a *able) Search(_ context.Context, n, q string) iter.Seq2[Entry, error] {
	return a.pairs("search", n, q)
}
func (a *able) Watch(_ context.Context, n string) iter.Seq2[Entry, error] { return a.pairs("watch", n) }
func (a *able) Stat(_ context.Context, n string) (Entry, error) {
	return Entry{Name: n}, a.say("stat", n)
}
func (a *able) Remove(_ context.Context, n string) error   { return a.say("remove", n) }
func (a *able) Move(_ context.Context, n, to string) error { return a.say("move", n, to) }
func (a *able) Make(_ context.Context, n string) error     { return a.say("make", n) }
func (a *able) Unmake(_ context.Context, n string) error   { return a.say("unmake", n) }
func (a *able) Relay(_ context.Context, n string, _ Client, to string) error {
	return a.say("relay", n, to)
}
func (a *able) Do(_ context.Context, c string) (*Reply, error) {
	return &Reply{Code: 200}, a.say("do", c)
}
func (a *able) Talk(context.Context) (io.ReadWriteCloser, error) { return nil, a.say("talk") }
func (a *able) Send(_ context.Context, m *Message) (*Receipt, error) {
	return nil, a.say("send", m.From)
}

func (a *able) Get(_ context.Context, n string, _ *GetOptions) (*Object, error) {
	return nil, a.say("get", n)
}

func (a *able) BulkGet(_ context.Context, names iter.Seq[string], _ func(string, *Object, error) error) error {
	return a.say(append([]string{"bulk"}, slices.Collect(names)...)...)
}

func (a *able) Put(_ context.Context, n string, _ io.Reader, _ *PutOptions) (Entry, error) {
	return Entry{Name: n}, a.say("put", n)
}

// TestCapabilityIsPassedOn: the helpers call the client behind the wrappers, with
// the arguments as they are.
func TestCapabilityIsPassedOn(t *testing.T) {
	ctx, a := t.Context(), &able{}
	c := wrapper{a}
	var errs []error
	last := func(seq iter.Seq2[Entry, error]) {
		for e, err := range seq {
			if errs = append(errs, err); e.Name != "n" {
				t.Errorf("entry %+v", e)
			}
		}
	}
	last(List(ctx, c, "n"))
	last(Search(ctx, c, "n", "q"))
	last(Watch(ctx, c, "n"))
	errs = append(errs, Remove(ctx, c, "n"), Move(ctx, c, "n", "to"), Make(ctx, c, "n"), Unmake(ctx, c, "n"), Relay(ctx, c, "n", c, "to"),
		BulkGet(ctx, c, slices.Values([]string{"a", "b"}), nil))
	add := func(_ any, err error) { errs = append(errs, err) }
	add(Stat(ctx, c, "n"))
	add(Do(ctx, c, "NOOP x"))
	add(Talk(ctx, c))
	add(Send(ctx, c, &Message{From: "f"}))
	add(Get(ctx, c, "n", nil))
	add(Put(ctx, c, "n", nil, nil))
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
	want := "list n,search n q,watch n,remove n,move n to,make n,unmake n,relay n to,bulk a b,stat n,do NOOP x,talk,send f,get n,put n"
	if got := strings.Join(a.calls, ","); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestOpen: the client has its own type, the URL may lack its scheme, and what the
// adapter does not open is an error of kind Usage.
func TestOpen(t *testing.T) {
	spec := &Spec{
		Name: "ftp", Schemes: []Scheme{{Name: "ftp", Port: 21}},
		New: func(u *url.URL, o *Options) (Client, error) {
			if _, _, err := (&Spec{Name: "ftp", Schemes: []Scheme{{Name: "ftp"}}}).Accept(u, o); err != nil {
				return nil, err
			}
			return &dummy{items: []string{u.Host}}, nil
		},
		Path: func(u *url.URL) (string, error) {
			if u.Fragment != "" {
				return "", UsageError("ftp", "", "no fragment")
			}
			return strings.TrimPrefix(u.Path, "/"), nil
		},
	}
	c, name, err := Open[*dummy](spec, "host/a/b", nil)
	if err != nil || name != "a/b" || c.items[0] != "host" {
		t.Errorf("%+v, %q, %v", c, name, err)
	}
	for _, text := range []string{"http://host/", "ftp://host/#x", "ftp://a@b@c/"} {
		if _, _, err := Open[*dummy](spec, text, nil); KindOf(err) != KindUsage {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, _, err := Open[wrapper](spec, "host", nil); KindOf(err) != KindUsage {
		t.Errorf("another type: %v", err)
	}
}
