package imapcmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
	"github.com/netclients/netclients/protocols/imap"
	"github.com/netclients/netclients/protocols/message"
	"github.com/netclients/netclients/protocols/transfer"
)

// saver saves the attachments of messages in a folder.
type saver struct {
	dir   *os.Root
	path  string
	job   *kit.Job
	most  int64 // bytes of a message; 0: no limit
	tally kit.Tally
}

// saveAttachments is get --attachments.
func saveAttachments(ctx context.Context, e *kit.Env, dir string, urls []string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	job := e.NewJob("get", 1)
	defer job.Close()
	s := &saver{dir: root, path: dir, job: job, most: int64(e.Flags.MaxSize)}
	for _, text := range urls {
		err := kit.Use(ctx, e, text, func(ctx context.Context, c *imap.Client, at *protocols.Target) error {
			names, err := c.Messages(ctx, at.Name)
			if err != nil {
				return err
			}
			return c.BulkGet(ctx, names, func(name string, o *protocols.Object, err error) error { return s.message(c.URL(name), o, err) })
		})
		if err != nil {
			return err
		}
	}
	return s.tally.Err()
}

// message saves the attachments of one message. Only errors of this machine end the run.
func (s *saver) message(url string, o *protocols.Object, err error) error {
	if err == nil && s.most > 0 && o.Size > s.most {
		err = protocols.ProtocolError("imap", "get", "larger than the limit of "+show.HumanBytes(s.most))
	}
	var local error
	if err == nil {
		err = message.Attachments(o.Body, func(a *message.Attachment) error {
			local = s.save(url, a)
			return local
		})
	}
	if local != nil && protocols.KindOf(local) != protocols.KindProtocol {
		return local
	}
	s.tally.Add(err)
	if err != nil {
		s.job.E.Tell(kit.Named(protocols.Wrap(err, "imap", "get", url), "get"))
	}
	return nil
}

// save stores one part under a name that no other file has.
func (s *saver) save(url string, a *message.Attachment) error {
	began := time.Now()
	name, err := s.claim(a.Name)
	if err != nil {
		return err
	}
	t, err := file.CreateTemp(s.dir, name, 0o666)
	if err != nil {
		return errors.Join(err, s.dir.Remove(name))
	}
	n, err := io.Copy(t, decoded{a.Body})
	if err == nil {
		err = cmp.Or(t.Finish(), t.Sync())
	}
	if err == nil {
		err = t.Commit()
	}
	if err != nil {
		t.Abort()
		return errors.Join(err, s.dir.Remove(name))
	}
	return s.job.Tell(transfer.Result{
		Protocol: "imap", Source: url, Destination: filepath.Join(s.path, name), Name: name, Bytes: n, Took: time.Since(began), Status: transfer.StatusDone,
	})
}

// decoded reads a part; what cannot be decoded is the fault of the message.
type decoded struct{ r io.Reader }

func (d decoded) Read(b []byte) (int, error) {
	n, err := d.r.Read(b)
	if _, known := errors.AsType[*protocols.Error](err); err != nil && err != io.EOF && !known {
		err = &protocols.Error{Kind: protocols.KindProtocol, Text: "an attachment cannot be decoded", Err: err}
	}
	return n, err
}

// maxSameName is how many attachments of one name a folder may have.
const maxSameName = 10_000

// claim makes an empty file for a name, or for one like it: "a.pdf", "a (2).pdf". It
// takes the name from others until the whole file replaces it.
func (s *saver) claim(wanted string) (string, error) {
	safe, err := file.SafeName(wanted)
	if err != nil {
		if safe, err = file.SafeName("attachment" + filepath.Ext(wanted)); err != nil {
			safe = "attachment"
		}
	}
	ext := filepath.Ext(safe)
	for i := 1; i <= maxSameName; i++ {
		name := safe
		if i > 1 {
			name = fmt.Sprintf("%s (%d)%s", strings.TrimSuffix(safe, ext), i, ext)
		}
		f, err := s.dir.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if err == nil {
			return name, f.Close()
		}
		if !errors.Is(err, fs.ErrExist) {
			return "", err
		}
	}
	return "", &protocols.Error{Kind: protocols.KindLocal, Text: fmt.Sprintf("too many files named %q in %s", safe, s.path)}
}
