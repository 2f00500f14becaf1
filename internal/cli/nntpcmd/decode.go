package nntpcmd

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
	"github.com/netclients/netclients/protocols/nntp"
)

// mostDecoded bounds the files that articles of one command are decoded into.
const mostDecoded = 10_000

// decoding puts the files that articles hold, whole or in parts, into a folder.
type decoding struct {
	place kit.ChosenPlace
	max   int64
	files map[string][]*decodedFile // by local name, in the order of the articles
	order []*decodedFile
	tails map[string]*tail // unfinished uuencoded files, by the key of the subject
	later []article        // parts of uuencoded files that came too early
	last  bool             // nothing comes later
	lost  []error          // of articles that the server did not deliver
	stray bool             // a part of a uuencoded file belongs to none
}

// article is where a file was posted.
type article struct {
	url   string // that the name belongs to
	name  string
	head  nntp.Heading
	key   string // what the subjects of the parts of a file have in common; empty: no count
	part  int
	total int
}

// tail is an unfinished uuencoded file. It goes on in a later article.
type tail struct {
	file  *decodedFile
	piece nntp.Piece
	part  int // that it ended with; 0: unknown
}

// decode is get --decode: all encoded files in the articles of the URLs.
func (g *nntpGetter) decodeAll(ctx context.Context, e *kit.Env, urls []string) error {
	place, err := g.chosen.Open(g.Out)
	if err != nil {
		return err
	}
	defer place.Close()
	d := newDecoding(place, int64(e.Flags.MaxSize))
	err = e.Each(ctx, urls, func(text string) error {
		return kit.Use(ctx, e, text, func(ctx context.Context, c *nntp.Client, at *protocols.Target) error {
			names, err := articleNames(ctx, c, at.Name)
			if err != nil {
				return err
			}
			return d.articles(ctx, e, c, text, names)
		})
	})
	if err == nil || protocols.KindOf(err) == protocols.KindPartial {
		err = errors.Join(err, d.comeBack(ctx, e))
	}
	return errors.Join(err, d.finish(ctx, e))
}

func newDecoding(place kit.ChosenPlace, most int64) *decoding {
	return &decoding{place: place, max: most, files: map[string][]*decodedFile{}, tails: map[string]*tail{}}
}

// articles decodes articles of one URL. An article that the server does not deliver is a
// failure; the others are decoded nevertheless.
func (d *decoding) articles(ctx context.Context, e *kit.Env, c *nntp.Client, url string, names func(func(string) bool)) error {
	return c.BulkPart(ctx, names, nntp.Whole, func(name string, o *protocols.Object, err error) error {
		if err != nil {
			e.Tell(err)
			d.lost = append(d.lost, err)
			d.interrupt("", about(name+", which may be a part of the file", err))
			return nil
		}
		in := bufio.NewReaderSize(o.Body, 64<<10)
		a := article{url: url, name: name}
		if a.head, err = nntp.ReadHeading(in); err != nil {
			return err
		}
		a.key, a.part, a.total = nntp.SubjectPart(a.head.Subject)
		return d.decode(&a, in)
	})
}

// interrupt ends an unfinished file with an error.
func (d *decoding) interrupt(key string, err error) {
	if t := d.tails[key]; t != nil {
		t.file.fail(err)
		delete(d.tails, key)
	}
}

// comeBack reads the parts of uuencoded files that came before the parts they follow, in
// the order of their subjects.
func (d *decoding) comeBack(ctx context.Context, e *kit.Env) error {
	d.last = true
	later := d.later
	slices.SortStableFunc(later, func(a, b article) int { return cmp.Or(strings.Compare(a.key, b.key), a.part-b.part) })
	for len(later) > 0 {
		n := slices.IndexFunc(later, func(a article) bool { return a.url != later[0].url })
		if n < 0 {
			n = len(later)
		}
		batch := later[:n]
		later = later[n:]
		err := kit.Use(ctx, e, batch[0].url, func(ctx context.Context, c *nntp.Client, _ *protocols.Target) error {
			return d.articles(ctx, e, c, batch[0].url, func(yield func(string) bool) {
				for _, a := range batch {
					if !yield(a.name) {
						return
					}
				}
			})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// decode decodes all pieces of one article. Only an error of the connection or the local
// disk ends the work: what is damaged is reported at the end.
func (d *decoding) decode(a *article, body io.Reader) error {
	in := nntp.NewDecoder(body)
	in.Split = true
	t := d.tails[a.key]
	if t != nil && a.key != "" && a.part != t.part+1 {
		t = nil
	}
	if t != nil {
		in.Continue(t.piece)
	}
	for found := false; ; found = true {
		p, err := in.Next()
		switch {
		case err == io.EOF:
			if !found && a.part > 1 && !d.last {
				return d.postpone(a) // it may be the short rest of a file
			}
			return nil
		case isDecoding(err):
			if err := d.damaged(a, in.Piece().Name, err); err != nil {
				return err
			}
			continue
		case err != nil:
			return err
		}
		if err := d.piece(a, t, in, p); err != nil {
			return err
		}
	}
}

// isDecoding reports whether an error is about what was decoded, not about where it came
// from.
func isDecoding(err error) bool {
	e, ok := errors.AsType[*protocols.Error](err)
	return ok && e.Op == "decode" && e.Kind == protocols.KindProtocol
}

// postpone notes an article for the end, when the parts before it were read.
func (d *decoding) postpone(a *article) error {
	if len(d.later) == mostDecoded {
		return kit.Usage("more than %d parts out of order; name a smaller range", mostDecoded)
	}
	d.later = append(d.later, *a)
	return nil
}

// damaged notes a file whose header is of no use.
func (d *decoding) damaged(a *article, posted string, err error) error {
	return d.add(&decodedFile{name: a.nameOf(posted), err: about(a.name, err)})
}

// add notes a file.
func (d *decoding) add(f *decodedFile) error {
	if len(d.order) == mostDecoded {
		return kit.Usage("more than %d files at once; name a smaller range", mostDecoded)
	}
	d.order = append(d.order, f)
	return nil
}

// nameOf returns the name of a file: as posted, by the subject, or the message-id.
func (a *article) nameOf(posted string) string {
	return cmp.Or(posted, nntp.SubjectName(a.head.Subject), strings.Trim(a.head.ID, "<>"), a.name)
}

// piece decodes one piece into its file.
func (d *decoding) piece(a *article, t *tail, in *nntp.Decoder, p *nntp.Piece) error {
	if p.Continued && t == nil {
		return d.orphan(a)
	}
	var f *decodedFile
	var err error
	if p.Continued {
		f = t.file
	} else if f, err = d.file(a, p); err != nil {
		return err
	}
	if f.sink.part == nil {
		return nil // its name was refused
	}
	err = f.join.Add(in)
	if err != nil && !isDecoding(err) && protocols.KindOf(err) != protocols.KindProtocol {
		return err
	}
	end := in.Piece()
	if end.Encoding == "yenc" {
		d.settle(a, f, in, err)
		return nil
	}
	d.follow(a, f, in)
	if err != nil {
		f.fail(about(a.name, err))
	}
	return nil
}

// orphan judges a part of a uuencoded file that follows no other one. If its subject
// states which part it is, it waits for those before it.
func (d *decoding) orphan(a *article) error {
	if a.key != "" && !d.last {
		return d.postpone(a)
	}
	d.stray = true
	text := "a part of a uuencoded file without the parts before it"
	if a.key != "" {
		text = fmt.Sprintf("part %d of %d of a uuencoded file without the part before it", a.part, a.total)
		d.interrupt(a.key, broken(a.name+": "+text))
	}
	return d.add(&decodedFile{name: a.nameOf(""), err: broken(a.name + ": " + text)})
}

// follow keeps the place at which a uuencoded file continues in another article.
func (d *decoding) follow(a *article, f *decodedFile, in *nntp.Decoder) {
	p := in.Piece()
	f.open = in.Unfinished()
	if f.open {
		f.split = f.split || a.key == ""
		p.Offset = f.join.Size()
		d.tails[a.key] = &tail{f, p, a.part}
	} else if t := d.tails[a.key]; t != nil && t.file == f {
		delete(d.tails, a.key)
	}
}

// file returns the file for a piece that begins one, or is a part with a place in it.
// Several posts may have the same name: a part goes to the first file of its size that
// and subject that has room for it, everything else is a file of its own.
func (d *decoding) file(a *article, p *nntp.Piece) (*decodedFile, error) {
	posted := a.nameOf(p.Name)
	name, err := file.ChosenName(posted)
	if err != nil {
		name = posted
	}
	same := d.files[name]
	for _, f := range same {
		if f.sink.part == nil || p.Part > 0 && f.takes(a, p) {
			return f, nil
		}
	}
	f := &decodedFile{name: name, key: a.key, size: p.Size, multi: p.Part > 0, sums: map[int]uint32{}, sink: &nzbSink{ChosenPlace: d.place}}
	if err := d.add(f); err != nil {
		return nil, err
	}
	out, err := f.sink.create(variant(posted, len(same)))
	if refused, ok := errors.AsType[*protocols.Error](err); ok {
		f.err = refused
	} else if err != nil {
		return nil, err
	}
	f.join = nntp.NewJoin(out)
	f.join.Max = d.max
	d.files[name] = append(same, f)
	return f, nil
}

// variant returns the name of the file that is the nth of its name, from 0: "a (2).txt".
func variant(name string, n int) string {
	if n == 0 {
		return name
	}
	ext := path.Ext(name)
	return fmt.Sprintf("%s (%d)%s", strings.TrimSuffix(name, ext), n+1, ext)
}

// settle judges a piece of yEnc. A part that another file of the name has too, or a
// damaged copy of it, is forgotten.
func (d *decoding) settle(a *article, f *decodedFile, in *nntp.Decoder, err error) {
	p, sum := in.Piece(), in.Sum()
	if err != nil {
		sum, f.stated = in.Stated()
		f.sum = sum
	}
	copied := f.multi && (err == nil || f.stated) && slices.ContainsFunc(d.files[f.name], func(g *decodedFile) bool {
		has, ok := g.sums[p.Part]
		return ok && g.size == f.size && has == sum
	})
	switch {
	case err != nil && !copied:
		f.fail(about(a.name, err))
	case err == nil && copied:
		f.join.Drop(&p)
	case err == nil:
		f.sums[p.Part] = sum
	}
}
