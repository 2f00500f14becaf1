package nntpcmd

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"mime"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
	"github.com/netclients/netclients/protocols/nntp"
)

// binary posts files in yEnc, in parts, and writes an NZB of them.
type binary struct {
	files    []string
	nzb      string
	partSize kit.Size
}

func (b *binary) flags(fs *pflag.FlagSet) {
	b.partSize = 700 << 10
	fs.StringArrayVar(&b.files, "yenc", nil, "post a `FILE` in yEnc, in as many articles as it needs; may be repeated")
	fs.StringVar(&b.nzb, "nzb", "", "write an NZB of what was posted with --yenc to `FILE`")
	fs.Var(&b.partSize, "part-size", "bytes of a file in one article of --yenc")
}

// The limits of a post.
const (
	minPart, maxPart = 1 << 10, 16 << 20
	maxParts         = 1_000_000
)

// binaryHead is what the articles of a post have in common.
type binaryHead struct {
	from, groups, subject string
	domain                string
	extra                 string
}

// post posts the files one after the other. What was posted is in the NZB, also when not
// all of it could be.
func (b *binary) post(ctx context.Context, e *kit.Env, c *nntp.Client, at *protocols.Target, h *binaryHead) error {
	if b.partSize < minPart || b.partSize > maxPart {
		return kit.Usage("post: --part-size wants 1k to 16M")
	}
	var posted []nntp.NZBFile
	now := time.Now()
	var err error
	for i, path := range b.files {
		f := nntp.NZBFile{Poster: h.from, Groups: strings.Split(h.groups, ",")}
		err = b.postFile(ctx, e, c, at, h, path, fmt.Sprintf("[%d/%d] - ", i+1, len(b.files)), &f)
		if len(f.Segments) > 0 {
			posted = append(posted, f)
		}
		if err != nil {
			break
		}
	}
	if b.nzb == "" || len(posted) == 0 {
		return err
	}
	if err != nil {
		e.Out.Warn("not all was posted: " + b.nzb + " names what was")
	}
	return errors.Join(err, b.writeNZB(posted, now))
}

func (b *binary) writeNZB(files []nntp.NZBFile, at time.Time) error {
	dir, name := filepath.Split(b.nzb)
	root, err := os.OpenRoot(cmp.Or(dir, "."))
	if err != nil {
		return err
	}
	defer root.Close()
	t, err := file.CreateTemp(root, name, 0o666)
	if err != nil {
		return err
	}
	if err := nntp.WriteNZB(t, files, at); err != nil {
		t.Abort()
		return err
	}
	return t.Store(file.Group)
}

// postFile posts one file. Its segments are noted as they are taken.
func (b *binary) postFile(ctx context.Context, e *kit.Env, c *nntp.Client, at *protocols.Target, h *binaryHead, path, count string, f *nntp.NZBFile) error {
	in, err := file.Open(ctx, path, file.RuleNamed, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	size, part := info.Size(), int64(b.partSize)
	total := max((size+part-1)/part, 1)
	if !info.Mode().IsRegular() || total > maxParts {
		return kit.Usage("post: --yenc %s: want a file of at most %d parts", path, maxParts)
	}
	whole := crc32.NewIEEE()
	for n := int64(1); n <= total; n++ {
		p := nntp.Piece{Name: filepath.Base(path), Size: size, Part: int(n), Total: int(total), Offset: (n - 1) * part}
		p.Length = min(part, size-p.Offset)
		content := io.TeeReader(io.NewSectionReader(in, p.Offset, p.Length), whole)
		if n == total { // the sum of all is known when the last part has been read
			last, err := io.ReadAll(content)
			if err != nil {
				return err
			}
			content, p.FileCRC, p.HasFileCRC = bytes.NewReader(last), whole.Sum32(), true
		}
		subject := fmt.Sprintf("%s%s\"%s\" yEnc (%d/%d) %d", h.subject, count, p.Name, n, total, size)
		f.Subject = cmp.Or(f.Subject, subject)
		r, err := postPart(ctx, e, c, h, &p, subject, content)
		if err != nil {
			return protocols.Wrap(err, "nntp", "post", fmt.Sprintf("%s, part %d of %d", path, n, total))
		}
		f.Segments = append(f.Segments, nntp.NZBSegment{ID: r.MessageID, Number: int(n), Bytes: r.Bytes})
		if err := posted(e, at, r); err != nil {
			return err
		}
	}
	return nil
}

// postPart posts one article. What surely was not taken is tried again.
func postPart(ctx context.Context, e *kit.Env, c *nntp.Client, h *binaryHead, p *nntp.Piece, subject string, content io.Reader) (r *protocols.Receipt, err error) {
	id := "<" + strings.ToLower(rand.Text()) + "@" + h.domain + ">"
	var b bytes.Buffer
	fmt.Fprintf(&b, "From: %s\r\nNewsgroups: %s\r\nSubject: %s\r\nDate: %s\r\nMessage-ID: %s\r\n%s\r\n",
		h.from, h.groups, mime.BEncoding.Encode("utf-8", subject), time.Now().UTC().Format("Mon, 02 Jan 2006 15:04:05 +0000"), id, h.extra)
	if err := nntp.WriteYEnc(&b, p, content); err != nil {
		return nil, err
	}
	article := b.Bytes()
	err = e.Again(ctx, func() (err error) {
		r, err = c.Send(ctx, &protocols.Message{Body: bytes.NewReader(article), Size: int64(len(article))})
		return err
	})
	if err == nil {
		r.MessageID = cmp.Or(r.MessageID, id)
	}
	return r, err
}

// binaryHead makes what the flags say about the articles.
func (p *poster) binaryHead(group string) (*binaryHead, error) {
	l := &p.letter
	if l.RawFile != "" || p.body.Value != nil || l.BodyFile != "" || l.HTML != "" || len(l.Attach) > 0 || p.cancel != "" {
		return nil, kit.Usage("post: --yenc makes the whole article: --body, --raw, --attach and --cancel have no place in it")
	}
	fields, err := p.fields(group)
	if err != nil {
		return nil, err
	}
	from, err := mail.ParseAddress(l.From)
	if err != nil {
		return nil, kit.Usage("post: --from %q is not an address", l.From)
	}
	h := &binaryHead{from: from.String(), subject: l.Subject, domain: from.Address[strings.LastIndexByte(from.Address, '@')+1:]}
	if h.subject != "" {
		h.subject += " "
	}
	for _, f := range fields {
		if strings.ContainsAny(f.Name+f.Value+h.subject, "\r\n\x00") || f.Name == "" {
			return nil, kit.Usage("post: a line break in %s", show.Safe(f.Name))
		}
		if f.Name == "Newsgroups" {
			h.groups = f.Value
			continue
		}
		h.extra += f.Name + ": " + mime.BEncoding.Encode("utf-8", f.Value) + "\r\n"
	}
	return h, nil
}
