package doctor

import (
	"context"
	"strconv"
	"strings"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap"
	"github.com/netclients/netclients/protocols/nntp"
	"github.com/netclients/netclients/protocols/pop3"
	"github.com/netclients/netclients/protocols/smtp"
)

// keyword is a capability, and what its absence costs.
type keyword = struct{ name, costs string }

// smtpSteps are for SMTP, submission and LMTP.
func smtpSteps() []step {
	return []step{
		{"size limit", []string{"greeting"}, sizeLimit},
		{"extensions", []string{"greeting"}, keywords([]keyword{
			{"8BITMIME", "text with accents is encoded"}, {"SMTPUTF8", "addresses outside ASCII are refused"},
			{"PIPELINING", "a round trip for each command"}, {"CHUNKING", "no BDAT"}, {"DSN", "no delivery reports on request"},
			{"ENHANCEDSTATUSCODES", "refusals say less"},
		})},
		{"login mechanisms", []string{"greeting"}, mechanisms},
		{loginStep, []string{"greeting", "certificate"}, logIn},
	}
}

// sizeLimit reads SIZE (RFC 1870).
func sizeLimit(_ context.Context, w *walk) Result {
	c, has := capability(w.last(), "SIZE")
	switch {
	case !has:
		return without("the server does not say how large a message may be", "")
	case len(c.Params) == 0 || c.Params[0] == "0":
		return ok("no limit is announced")
	}
	n, err := strconv.ParseInt(c.Params[0], 10, 64)
	if err != nil {
		return without("SIZE "+strings.Join(c.Params, " ")+" is not a number", "")
	}
	r := ok(count(int(n), "byte", "bytes") + " for a message")
	if n < smallMessage {
		r.Ask = "for a larger limit: attachments of usual size will be refused"
	}
	return r
}

// smallMessage is a limit that ordinary attachments pass.
const smallMessage = 5 << 20

func pop3Steps() []step {
	return []step{
		{"extensions", []string{"greeting"}, keywords([]keyword{
			{"UIDL", "messages cannot be told apart between sessions"}, {"TOP", "no headers alone"},
			{"PIPELINING", "a round trip for each message"}, {"UTF8", "addresses outside ASCII"},
		})},
		{"login mechanisms", []string{"greeting"}, mechanisms},
		{loginStep, []string{"greeting", "certificate"}, logIn},
		{"messages", []string{loginStep}, listing("message", "messages")},
	}
}

func imapSteps() []step {
	return []step{
		{"login mechanisms", []string{"greeting"}, mechanisms},
		{loginStep, []string{"greeting", "certificate"}, logIn},
		{"mailboxes", []string{loginStep}, listing("mailbox", "mailboxes")},
		{"extensions", []string{loginStep}, imapExtensions},
	}
}

// imapExtensions asks after the login: many servers hide them before.
func imapExtensions(ctx context.Context, w *walk) Result {
	c, err := w.login()
	if err != nil {
		return w.failed(err)
	}
	account, is := protocols.As[*imap.Client](c)
	if !is {
		return skipped("the client is another one")
	}
	list, err := account.Capabilities(ctx)
	if err != nil {
		return w.failed(err)
	}
	r := *w.last()
	r.Capabilities = list
	w.secure, w.plain = nil, &r
	return keywords([]keyword{
		{"IDLE", "changes are seen by asking only"}, {"UIDPLUS", "uploads are searched for afterwards"}, {"MOVE", "copy and delete instead"},
		{"CONDSTORE", "flags are compared one by one"}, {"QRESYNC", "a sync lists the whole mailbox"}, {"SPECIAL-USE", "Sent, Drafts and Trash are guessed"},
	})(ctx, w)
}

func nntpSteps() []step {
	return []step{
		{"extensions", []string{"greeting"}, keywords([]keyword{
			{"READER", "no reading"}, {"POST", "no posting"}, {"OVER", "overviews cost an article each"}, {"COMPRESS", "nothing is compressed"},
		})},
		{"login mechanisms", []string{"greeting"}, mechanisms},
		{loginStep, []string{"greeting", "certificate"}, logIn},
		{"groups", []string{loginStep}, listing("group", "groups")},
	}
}

// mostListed is how many entries a step reads to see that a listing works.
const mostListed = 200

// listing lists what is there, within reason.
func listing(one, many string) func(context.Context, *walk) Result {
	return func(ctx context.Context, w *walk) Result {
		c, err := w.login()
		if err != nil {
			return w.failed(err)
		}
		n := 0
		for _, err := range protocols.List(ctx, c, w.target.Name) {
			if err != nil {
				return w.failed(err)
			}
			if n++; n == mostListed {
				break
			}
		}
		if n == mostListed {
			return ok(strconv.Itoa(n) + " " + many + " or more")
		}
		return ok(count(n, one, many))
	}
}

// list is the table of one protocol.
type list struct {
	has   func(protocols.Client) bool
	steps []step
}

// tableOf is the table of the clients that are a T.
func tableOf[T protocols.Client](steps []step) list {
	return list{func(c protocols.Client) bool { _, is := protocols.As[T](c); return is }, steps}
}

// lists are the tables of protocols that have more than the common steps.
func lists() []list {
	return []list{
		tableOf[*smtp.Client](smtpSteps()), tableOf[*pop3.Client](pop3Steps()), tableOf[*imap.Client](imapSteps()), tableOf[*nntp.Client](nntpSteps()),
		ftpList(), httpList(),
	}
}

// rest is for protocols without a list of their own.
func rest() []step {
	return []step{{"content", []string{"greeting", "certificate"}, content}}
}

// content lists where the protocol has listings: a gopher menu.
func content(ctx context.Context, w *walk) Result {
	c, err := w.login()
	if err != nil {
		return w.failed(err)
	}
	if _, lists := protocols.As[protocols.Lister](c); !lists {
		return skipped("the protocol has no listings")
	}
	return listing("entry", "entries")(ctx, w)
}
