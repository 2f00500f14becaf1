package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/ftp"
)

// ftpList is for FTP: the login, then each way to open a data connection, on that one
// session.
func ftpList() list {
	steps := []step{{loginStep, []string{"greeting", "certificate"}, ftpLogin}}
	for _, mode := range ftp.DataModes() {
		steps = append(steps, step{mode, []string{loginStep}, dataMode(mode)})
	}
	return tableOf[*ftp.Client](append(steps,
		step{"data connection", []string{loginStep}, dataWay},
		step{"session reuse", []string{loginStep, "data connection"}, sessionReuse},
		step{"MLSD", []string{loginStep, "data connection"}, structured},
		step{"LIST", []string{loginStep, "data connection"}, parsed},
		step{"pipelining", []string{loginStep}, pipelining},
	))
}

// ftp returns the client of the session, with settings of its own.
func (w *walk) ftp() (*ftp.Client, error) {
	c, err := w.login()
	if err != nil {
		return nil, err
	}
	f, is := protocols.As[*ftp.Client](c)
	if !is {
		return nil, protocols.Unsupported("ftp", "", "the client is another one")
	}
	return f, nil
}

// ftpLogin logs in; nobody means anonymous. A server that does not encrypt data
// connections is tried without.
func ftpLogin(ctx context.Context, w *walk) Result {
	c, err := w.ftp()
	if err != nil {
		return w.failed(err)
	}
	facts, err := c.Facts(ctx)
	if clear := isDataTLS(err); clear {
		return w.clearData(ctx, err)
	}
	if err != nil {
		return w.failed(err)
	}
	cred, _ := w.credential(ctx)
	who := "as " + cred.User
	if cred.User == "" {
		who = "as anonymous"
	} else {
		w.set("user", cred.User)
	}
	switch {
	case facts.TLS == nil:
		return ok(who + ", without TLS")
	case facts.Private:
		return ok(who + ", data connections encrypted (PROT P)")
	}
	return ok(who + ", data connections not encrypted (PROT C)")
}

// isDataTLS reports whether a login has failed at the protection of data connections.
func isDataTLS(err error) bool {
	e, is := errors.AsType[*protocols.Error](err)
	return is && e.Kind == protocols.KindTLS && e.Code >= 500 && strings.Contains(e.Hint, "--prot clear")
}

// clearData tries the session without encrypted data connections.
func (w *walk) clearData(ctx context.Context, cause error) Result {
	c, err := w.ftp()
	if err == nil {
		c.Settings.ClearData = true
		_, err = c.Facts(ctx)
	}
	if err != nil {
		return w.failed(cause)
	}
	w.set("prot", "clear")
	r := without("data connections cannot be encrypted: "+message(cause), w.ask(cause))
	r.Err = cause
	return r
}

// dataMode tries one way to open a data connection.
func dataMode(mode string) func(context.Context, *walk) Result {
	return func(ctx context.Context, w *walk) Result {
		c, err := w.ftp()
		if err != nil {
			return w.failed(err)
		}
		t, err := c.TryData(ctx, mode, "LIST")
		switch {
		case is(err, errors.ErrUnsupported) && protocols.KindOf(err) == protocols.KindUsage:
			return skipped(message(err))
		case err != nil:
			r := without(message(err), w.askData(mode, err))
			r.Err, w.dataAsk = err, cmp.Or(w.dataAsk, r.Ask)
			return r
		}
		w.modes = append(w.modes, mode)
		text := fmt.Sprintf("a listing of %s came", count(int(t.Bytes), "byte", "bytes"))
		if t.Address.IsValid() && t.Peer.IsValid() && t.Address != t.Peer {
			return without(fmt.Sprintf("works, but the server names %s for its data connections and is at %s; other clients may go there and fail", t.Address, t.Peer),
				fmt.Sprintf("to announce %s as the passive address (vsftpd pasv_address, ProFTPD MasqueradeAddress, Pure-FTPd -P), or none", t.Peer))
		}
		return ok(text)
	}
}

// askData is what to ask about a data connection that did not come about.
func (w *walk) askData(mode string, err error) string {
	text := strings.ToLower(message(err))
	kind := protocols.KindOf(err)
	e, _ := errors.AsType[*protocols.Error](err)
	switch {
	case e != nil && (e.Code == 500 || e.Code == 501 || e.Code == 502 || e.Code == 522 && !strings.Contains(text, "reuse")):
		return "" // the server does not have it, and need not (RFC 2428 2)
	case strings.Contains(text, "reuse") || kind == protocols.KindTLS:
		return w.ask(err)
	case mode == "EPRT" || mode == "PORT":
		return "" // usual behind a router or firewall
	case kind == protocols.KindTimeout, kind == protocols.KindConnect:
		return "to open the passive port range in the firewall (vsftpd pasv_min_port and pasv_max_port, ProFTPD PassivePorts, Pure-FTPd -p) and to tell a router in between about it"
	}
	return w.ask(err)
}

// dataWay sums up: one way is enough, and what a profile needs for it is set.
func dataWay(_ context.Context, w *walk) Result {
	switch {
	case len(w.modes) == 0:
		err := &protocols.Error{Kind: protocols.KindConnect, Text: "no data connection comes about, passive or active: nothing can be listed or transferred"}
		r := w.failed(err)
		if r.Ask = w.dataAsk; r.Ask == "" {
			r.Ask = "to allow passive data connections (EPSV, PASV), and to open their ports in the firewall"
		}
		return r
	case w.modes[0] == "EPSV":
		return ok("passive, by EPSV")
	case w.modes[0] == "PASV":
		w.set("no_epsv", "true")
		return ok("passive, by PASV")
	}
	w.set("active", "true")
	return ok("active only: the server connects to this machine")
}

// sessionReuse sees whether data connections resume the control connection's session.
func sessionReuse(ctx context.Context, w *walk) Result {
	c, err := w.ftp()
	if err != nil {
		return w.failed(err)
	}
	t, err := c.TryData(ctx, w.modes[0], "LIST")
	switch {
	case err != nil:
		return w.failed(err)
	case t.TLS == nil:
		return skipped("data connections have no TLS")
	case t.TLS.DidResume:
		return ok("data connections resume the TLS session")
	}
	return without("each data connection makes a TLS session of its own: slower, and whoever connects first gets the data",
		"to turn on the TLS session cache or tickets of the FTP service")
}

// structured lists by MLSD (RFC 3659).
func structured(ctx context.Context, w *walk) Result {
	c, err := w.ftp()
	if err != nil {
		return w.failed(err)
	}
	if _, err := c.TryData(ctx, w.modes[0], "MLSD"); err != nil {
		if protocols.KindOf(err) == protocols.KindRefused {
			return without("the server has none: "+message(err), "")
		}
		w.set("no_mlsd", "true")
		r := without(message(err), w.ask(err))
		r.Err = err
		return r
	}
	return ok("listings with exact sizes and times")
}

// parsed lists by LIST, and counts the lines that cannot be read.
func parsed(ctx context.Context, w *walk) Result {
	c, err := w.ftp()
	if err != nil {
		return w.failed(err)
	}
	c.Settings.NoMLSD = true
	defer func() { c.Settings.NoMLSD = w.done["MLSD"] != OK }()
	n, odd := 0, ""
	for e, err := range c.List(ctx, "") {
		if err != nil {
			if w.done["MLSD"] == OK {
				r := without(message(err), w.ask(err))
				r.Err = err
				return r
			}
			return w.failed(err)
		}
		if e.Raw != "" {
			odd = e.Raw
		}
		if n++; n == mostListed {
			break
		}
	}
	if odd != "" {
		return without(fmt.Sprintf("a line of the listing cannot be read: %q; sync --delete will refuse to run", odd), "for MLSD, or for listings in the form of ls -l")
	}
	return ok(count(n, "entry", "entries"))
}

func pipelining(ctx context.Context, w *walk) Result {
	c, err := w.ftp()
	if err != nil {
		return w.failed(err)
	}
	facts, err := c.Facts(ctx)
	switch {
	case err != nil:
		return w.failed(err)
	case facts.Pipelining:
		return ok("several commands in a packet are answered")
	}
	return without("one command at a time: a round trip for each", "")
}
