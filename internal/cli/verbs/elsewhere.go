package verbs

import (
	"context"
	"errors"
	"net/url"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transfer"
)

// movedError is the error of a client whose server says that an object is at a place of
// another protocol.
type movedError interface {
	error
	Moved() *url.URL
}

// movesTo are the schemes that a server may send a command on to. Others would read local
// files, or talk to services that take any line for a command.
var movesTo = map[string]bool{"ftp": true, "ftps": true}

// elsewhere returns the place that an error names, if it may be followed.
func elsewhere(e *kit.Env, err error) (transfer.Endpoint, bool) {
	moved, ok := errors.AsType[movedError](err)
	if !ok || !movesTo[moved.Moved().Scheme] {
		return transfer.Endpoint{}, false
	}
	t, err := e.Reg.Target(moved.Moved(), "")
	if err != nil {
		return transfer.Endpoint{}, false
	}
	return e.Foreign(t), true
}

// fetch copies an object to a file, also from where its server sends the command on to.
func fetch(ctx context.Context, e *kit.Env, from, to transfer.Endpoint, o *transfer.Options) (transfer.Result, error) {
	r, err := transfer.Copy(ctx, from, to, o)
	if at, ok := elsewhere(e, err); ok {
		return transfer.Copy(ctx, at, to, o)
	}
	return r, err
}

// copyFile is fetch to a local file. A remote destination may redirect too, so that nothing
// is followed there.
func copyFile(ctx context.Context, e *kit.Env, from, to *protocols.Target, o *transfer.Options) (transfer.Result, error) {
	if protocols.IsLocal(kit.Sample(to.Spec)) {
		return fetch(ctx, e, e.Endpoint(from), e.Endpoint(to), o)
	}
	return transfer.Copy(ctx, e.Endpoint(from), e.Endpoint(to), o)
}
