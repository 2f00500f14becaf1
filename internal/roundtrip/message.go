package roundtrip

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/netclients/netclients/protocols"
)

// address is where a message goes: as the options say, else the user at the end where
// it arrives.
func (t *trip) address() (string, error) {
	u := t.to.Target.URL
	user := u.User.Username()
	switch {
	case t.o.To != "":
		return t.o.To, nil
	case strings.Contains(user, "@"):
		return user, nil
	case user != "" && u.Hostname() != "":
		return user + "@" + u.Hostname(), nil
	}
	return "", protocols.UsageError(t.to.Target.Spec.Name, "", "whom to send to: give --to ADDRESS, or a user in the URL where it arrives")
}

// message writes one with the token in its subject and body.
func (t *trip) message(header string) []byte {
	return []byte(header + "Subject: " + t.token + "\r\nMessage-ID: <" + t.token + "@probe.invalid>\r\nDate: " + time.Now().Format(time.RFC1123Z) +
		"\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\nAuto-Submitted: auto-generated\r\n\r\nThis message is a test of " +
		"the way here, and is deleted when it has arrived: " + t.token + "\r\n")
}

// mail sends a message, waits for it in the mailbox, reads it and deletes it.
func mail(ctx context.Context, t *trip) error {
	to, err := t.address()
	if err != nil {
		return err
	}
	from := cmp.Or(t.o.From, to)
	known, err := t.known(ctx)
	if err != nil {
		return err
	}
	text := t.message("From: <" + from + ">\r\nTo: <" + to + ">\r\n")
	err = t.step("send", t.from, func(c protocols.Client) error {
		_, err := protocols.Send(ctx, c, &protocols.Message{From: from, To: []string{to}, Body: bytes.NewReader(text), Size: int64(len(text))})
		return err
	})
	if err != nil {
		return err
	}
	path := ""
	err = t.await(ctx, func(c protocols.Client) (err error) {
		path, err = t.find(ctx, c, known)
		return err
	})
	if err != nil {
		return err
	}
	return t.collect(ctx, path, known)
}

// collect reads the message and deletes it. It is found anew each time: POP3 numbers
// messages anew in each session.
func (t *trip) collect(ctx context.Context, path string, known map[string]bool) error {
	err := t.step("read", t.to, func(c protocols.Client) error {
		at, err := t.find(ctx, c, known)
		if err != nil {
			return err
		}
		text, err := read(ctx, c, at)
		if err == nil && bytes.Count(text, []byte(t.token)) < 2 {
			err = protocols.ProtocolError("", "", "the message that has arrived is not the one that was sent")
		}
		return err
	})
	if errors.Is(err, errNotYet) {
		err = protocols.ProtocolError(t.to.Target.Spec.Name, "read", "the message was there and is not any more: "+path)
	}
	removed := t.step("delete", t.to, func(c protocols.Client) error {
		ctx, cancel := after(ctx)
		defer cancel()
		at, err := t.find(ctx, c, known)
		if err != nil {
			return err
		}
		return protocols.Remove(ctx, c, at)
	})
	return cmp.Or(err, removed)
}

// known returns the ids of the messages that are in the mailbox before, where it cannot
// be searched.
func (t *trip) known(ctx context.Context) (map[string]bool, error) {
	c, err := t.to.Open()
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if can[protocols.Searcher](c) {
		return nil, nil
	}
	ids := map[string]bool{}
	err = t.each(ctx, c, func(e protocols.Entry) (bool, error) {
		ids[e.ID] = true
		return len(ids) < mostKnown, nil
	})
	return ids, err
}

// mostKnown bounds the messages of a mailbox that is not searched.
const mostKnown = 100_000

// each lists the messages of the mailbox until do has enough.
func (t *trip) each(ctx context.Context, c protocols.Client, do func(e protocols.Entry) (more bool, err error)) error {
	source, _ := protocols.As[protocols.MessageSource](c)
	box, err := source.OpenMailbox(ctx, t.to.Target.Name)
	if err != nil {
		return err
	}
	for e, err := range box.Changes(ctx, "") {
		if err != nil {
			return err
		}
		if more, err := do(e); err != nil || !more {
			return err
		}
	}
	return nil
}

// find returns the path of the message with the token, or errNotYet.
func (t *trip) find(ctx context.Context, c protocols.Client, known map[string]bool) (string, error) {
	if can[protocols.Searcher](c) {
		for e, err := range protocols.Search(ctx, c, t.to.Target.Name, "subject:"+t.token) {
			if err != nil {
				return "", err
			}
			return e.Path, nil
		}
		return "", errNotYet
	}
	var fresh []string
	err := t.each(ctx, c, func(e protocols.Entry) (bool, error) {
		if !known[e.ID] {
			fresh = append(fresh, e.Path)
		}
		return len(fresh) < mostFresh, nil
	})
	for _, path := range fresh {
		text, gerr := read(ctx, c, path)
		if gerr != nil {
			return "", cmp.Or(err, gerr)
		}
		if bytes.Contains(text, []byte(t.token)) {
			return path, nil
		}
	}
	return "", cmp.Or(err, errNotYet)
}

// mostFresh bounds the messages that came in meanwhile and are looked at.
const mostFresh = 50

// expiry is how long an article of a test is kept at most, where servers honour that.
const expiry = time.Hour

// news posts an article to the group of the URL, and reads it by its id. Articles cannot
// be deleted: Expires asks for it.
func news(ctx context.Context, t *trip) error {
	group, _, _ := strings.Cut(t.to.Target.Name, "/")
	if group == "" {
		group, _, _ = strings.Cut(t.from.Target.Name, "/")
	}
	if group == "" {
		return protocols.UsageError("nntp", "", "the URL names no newsgroup to post to, such as nntp://host/local.test")
	}
	from := cmp.Or(t.o.From, "probe@probe.invalid")
	text := t.message(fmt.Sprintf("From: <%s>\r\nNewsgroups: %s\r\nExpires: %s\r\n", from, group, time.Now().Add(expiry).Format(time.RFC1123Z)))
	id := "<" + t.token + "@probe.invalid>"
	err := t.step("send", t.from, func(c protocols.Client) error {
		r, err := protocols.Send(ctx, c, &protocols.Message{From: from, To: []string{group}, Body: bytes.NewReader(text), Size: int64(len(text))})
		if r.MessageID != "" {
			id = r.MessageID
		}
		return err
	})
	if err != nil {
		return err
	}
	return t.await(ctx, func(c protocols.Client) error {
		got, err := read(ctx, c, id)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return errNotYet
		case err == nil && !bytes.Contains(got, []byte("arrived: "+t.token)):
			return protocols.ProtocolError("", "", "the article that has arrived is not the one that was posted")
		}
		return err
	})
}
