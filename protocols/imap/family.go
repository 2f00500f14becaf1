package imap

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
	"github.com/netclients/netclients/protocols/imap/internal/session"
)

// listOne returns what LIST says of one mailbox; nil if it is not listed.
func listOne(s *session.Session, mailbox string) (found *listed, err error) {
	err = eachListed(s, mailbox, func(l *listed) {
		if found == nil && sameMailbox(strings.TrimSuffix(l.name, l.delimiter), mailbox) {
			found = l
		}
	})
	return found, err
}

// childOf returns the name of a mailbox directly below another; empty: there is none.
func childOf(s *session.Session, l *listed) (child string, err error) {
	if l.delimiter == "" || l.is(`\HasNoChildren`) || l.is(`\Noinferiors`) {
		return "", nil
	}
	prefix := strings.TrimSuffix(l.name, l.delimiter) + l.delimiter
	err = eachListed(s, prefix+"%", func(l *listed) {
		if child == "" && len(l.name) > len(prefix) && strings.HasPrefix(l.name, prefix) { // names may have wildcards
			child = l.name
		}
	})
	return child, err
}

func eachListed(s *session.Session, pattern string, each func(l *listed)) error {
	return s.Ask(func(r *imapwire.Response) error {
		if l, ok := parseList(s, r); r.Name == "LIST" && ok {
			each(&l)
		}
		return nil
	}, "LIST", session.Text(""), s.Pattern(pattern))
}

// mayDelete refuses to delete a mailbox that holds messages or other mailboxes. Servers
// delete both without a question (RFC 3501 6.3.4).
func mayDelete(s *session.Session, mailbox string) error {
	e, refusal := statMailbox(s, mailbox)
	switch {
	case refusal != nil && (!imapwire.Refused(refusal) || errors.Is(refusal, fs.ErrNotExist)):
		return refusal
	case e.GroupInfo != nil && e.Count == 1:
		return errInUse("the mailbox is not empty: it holds 1 message")
	case e.GroupInfo != nil && e.Count > 0:
		return errInUse(fmt.Sprintf("the mailbox is not empty: it holds %d messages", e.Count))
	}
	l, err := listOne(s, mailbox)
	if err != nil {
		return err
	}
	if l == nil || refusal != nil && l.selectable() {
		return refusal
	}
	child, err := childOf(s, l)
	if child != "" {
		err = errInUse("the mailbox has other mailboxes below it: " + child)
	}
	return err
}

func errInUse(text string) error {
	return &protocols.Error{Kind: protocols.KindRefused, Text: text, Hint: "--force deletes the mailbox with all messages in it; mailboxes below it stay"}
}

// explained adds to the refusal of STATUS what LIST knows of the mailbox, if the server
// does not give a reason as a response code (RFC 5530).
func explained(s *session.Session, mailbox string, refusal error) error {
	e, ok := errors.AsType[*protocols.Error](refusal)
	if !ok || e.Enhanced != "" || e.Sentinel != nil || !imapwire.Refused(refusal) {
		return refusal
	}
	l, err := listOne(s, mailbox)
	more := *e
	switch {
	case err != nil:
		return refusal
	case l == nil:
		more.Text, more.Sentinel = "the mailbox does not exist: "+e.Text, fs.ErrNotExist
	case !l.selectable():
		more.Text = "the name only has other mailboxes below it, it is not a mailbox itself: " + e.Text
	default:
		return refusal
	}
	return &more
}
