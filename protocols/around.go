package protocols

import (
	"context"
	"io"
	"iter"
	"sync"
)

// Op is one operation of a client, as [Options.Observe] sees it.
type Op struct {
	Protocol string // "ftp"
	Verb     string // "ls", "get": the word of the command line
	Host     string // of the server, with the port where the URL has one
	Name     string // what it is about, as the client names it; empty where there are many
}

// Around is implemented by a client that wraps another one and has something done
// around each operation. The functions of this package (List, Get, Put, ...) call it;
// methods that are called on the client inside do not.
type Around interface {
	Unwrapper
	// Around begins an operation, with the context that it is to have. done is called
	// once, with the operation's error: when a body is closed, when a loop has ended.
	Around(ctx context.Context, op Op) (of context.Context, done func(error), err error)
}

// Observe returns a client whose operations hook sees, as [Options.Observe] does for
// clients of a catalog. Of the operations it knows only the verb and the name.
func Observe(c Client, hook func(ctx context.Context, op Op) (context.Context, func(error))) Client {
	if c == nil || hook == nil {
		return c
	}
	return &watched{Client: c, hook: hook}
}

// Serial returns a client for many goroutines: an operation waits, under its context,
// until the one before it has ended, where c itself would fail with [ErrBusy]. It holds
// for the functions of this package. An operation inside a loop over List, Search or
// Watch of the same client would wait for itself until its context ends: package pool
// has a second client for it.
func Serial(c Client) Client {
	if c == nil {
		return nil
	}
	return &serial{Client: c, turn: make(chan struct{}, 1)}
}

// surround adds what the options ask for around the operations of a target's client.
func (t *Target) surround(c Client, o *Options) Client {
	if o == nil || c == nil {
		return c
	}
	if o.Observe != nil {
		c = &watched{Client: c, hook: o.Observe, op: Op{Protocol: t.Spec.Name, Host: t.URL.Host}, options: true}
	}
	if o.Wait {
		c = Serial(c)
	}
	return c
}

type serial struct {
	Client
	turn chan struct{}
}

func (s *serial) Unwrap() Client { return s.Client }

func (s *serial) Around(ctx context.Context, _ Op) (context.Context, func(error), error) {
	if ctx.Err() != nil {
		return nil, nil, context.Cause(ctx)
	}
	select {
	case s.turn <- struct{}{}:
		return ctx, func(error) { <-s.turn }, nil
	case <-ctx.Done():
		return nil, nil, context.Cause(ctx)
	}
}

type watched struct {
	Client
	hook func(ctx context.Context, op Op) (context.Context, func(error))
	op   Op // what is the same for all

	options bool // the hook is that of the options, which the client inside has too
}

// observed is the key of contexts of operations that Options.Observe sees.
type observed struct{}

// Begin is for methods of an adapter's client that are an operation of their own: it
// has [Options.Observe] see one, unless it is a part of an operation that is seen
// already. The operation runs with the context that Begin returns, and calls done
// once, with its error, when it is over.
func (o *Options) Begin(ctx context.Context, op Op) (of context.Context, done func(error)) {
	if o.Observe == nil || ctx.Value(observed{}) != nil {
		return ctx, func(error) {}
	}
	return observe(context.WithValue(ctx, observed{}, true), o.Observe, op)
}

// Opened is [Options.Begin] for a method that opens an object: the operation is over when
// the object's Body is closed, or with the error of get.
func (o *Options) Opened(ctx context.Context, op Op, get func(ctx context.Context) (*Object, error)) (*Object, error) {
	if o.Observe == nil || ctx.Value(observed{}) != nil {
		return get(ctx)
	}
	of, done := o.Begin(ctx, op)
	object, err := get(of)
	return until(object, err, done)
}

// Streamed is [Options.Begin] for a method that opens a stream. done, called more than
// once, counts once. What closed returns is for the stream's Close: it calls release and
// ends the operation.
func (o *Options) Streamed(ctx context.Context, op Op) (of context.Context, done func(error), closed func(release func()) func()) {
	of, end := o.Begin(ctx, op)
	var once sync.Once
	done = func(err error) { once.Do(func() { end(err) }) }
	return of, done, func(release func()) func() {
		return func() {
			release()
			done(nil)
		}
	}
}

// observe calls a hook, which may return nothing.
func observe(ctx context.Context, hook func(context.Context, Op) (context.Context, func(error)), op Op) (context.Context, func(error)) {
	of, done := hook(ctx, op)
	if of == nil {
		of = ctx
	}
	if done == nil {
		done = func(error) {}
	}
	return of, done
}

func (w *watched) Unwrap() Client { return w.Client }

func (w *watched) Around(ctx context.Context, op Op) (context.Context, func(error), error) {
	op.Protocol, op.Host = w.op.Protocol, w.op.Host
	if w.options {
		ctx = context.WithValue(ctx, observed{}, true)
	}
	of, done := observe(ctx, w.hook, op)
	return of, done, nil
}

// Probe is observed too, though it is the client's own method.
func (w *watched) Probe(ctx context.Context) (*Report, error) {
	of, done, _ := w.Around(ctx, Op{Verb: "probe"}) // its error is always nil
	r, err := w.Client.Probe(of)
	done(err)
	return r, err
}

// around begins an operation of a client: those of its wrappers that are an [Around]
// are asked, the outermost first. around is false where there is none; done is then
// not called.
func around(ctx context.Context, c Client, verb, name string) (of context.Context, done func(error), is bool, err error) {
	var all []func(error)
	done = func(err error) {
		for i := len(all) - 1; i >= 0; i-- {
			all[i](err)
		}
	}
	for of = ctx; c != nil; {
		if a, ok := c.(Around); ok {
			next, one, err := a.Around(of, Op{Verb: verb, Name: name})
			if err != nil {
				err = Wrap(err, "", verb, "")
				done(err)
				return nil, nil, true, err
			}
			of, all = next, append(all, one)
		}
		u, ok := c.(Unwrapper)
		if !ok {
			break
		}
		c = u.Unwrap()
	}
	return of, done, len(all) > 0, nil
}

// during does an operation that is over when f returns.
func during(ctx context.Context, c Client, verb, name string, f func(ctx context.Context) error) error {
	of, done, is, err := around(ctx, c, verb, name)
	if err != nil {
		return err
	}
	if !is {
		return f(ctx)
	}
	over := false
	defer func() {
		if !over { // a panic
			done(&Error{Op: verb, Kind: KindInternal, Text: "the operation has panicked"})
		}
	}()
	err = f(of)
	over = true
	done(err)
	return err
}

// through does an operation that is a loop.
func through(ctx context.Context, c Client, verb, name string, list func(ctx context.Context) iter.Seq2[Entry, error]) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		of, done, is, err := around(ctx, c, verb, name)
		switch {
		case err != nil:
			yield(Entry{}, err)
			return
		case !is:
			list(ctx)(yield)
			return
		}
		var last error
		defer func() { done(last) }()
		list(of)(func(e Entry, err error) bool {
			if err != nil {
				last = err
			}
			return yield(e, err)
		})
	}
}

// opened does an operation that goes on until what it opens is closed.
func opened(ctx context.Context, c Client, name string, get func(ctx context.Context) (*Object, error)) (*Object, error) {
	of, done, is, err := around(ctx, c, "get", name)
	if err != nil {
		return nil, err
	}
	if !is {
		return get(ctx)
	}
	o, err := get(of)
	return until(o, err, done)
}

// until has done called when an object's body is closed, or now where there is none.
func until(o *Object, err error, done func(error)) (*Object, error) {
	if err != nil {
		done(err)
		return nil, err
	}
	b := &aroundBody{inner: o.Body}
	b.done = sync.OnceFunc(func() { done(b.err) })
	o.Body = b
	return o, nil
}

// aroundBody is a body whose operation has something around it.
type aroundBody struct {
	inner io.ReadCloser
	err   error // what reading ended with
	done  func()
}

func (b *aroundBody) Read(p []byte) (int, error) {
	n, err := b.inner.Read(p)
	if err != nil && err != io.EOF {
		b.err = err
	}
	return n, err
}

// WriteTo copies the way the body itself does, which may be a fast one.
func (b *aroundBody) WriteTo(w io.Writer) (int64, error) {
	n, err := io.Copy(w, b.inner)
	if err != nil {
		b.err = err
	}
	return n, err
}

func (b *aroundBody) Close() error {
	err := b.inner.Close()
	if b.err == nil {
		b.err = err
	}
	b.done()
	return err
}
