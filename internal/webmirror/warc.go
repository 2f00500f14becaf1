package webmirror

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"maps"
	nethttp "net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/netclients/netclients/protocols"
)

// Archive keeps requests and answers in a WARC file (ISO 28500, WARC 1.1), each record a
// gzip member of its own. Whole records are added to a file that is there. A file beside it
// says what an interrupted run has stored, so that the next one goes on after it.
type Archive struct {
	path    string
	f       *os.File
	at      int64 // where the last whole record ends
	journal *os.File
	done    map[string]*stored
	moved   map[string]string
}

// stored is a line of the journal.
type stored struct {
	URL   string `json:"url"`
	Links []Link `json:"links,omitempty"`
	Moved string `json:"moved,omitempty"`
	End   int64  `json:"end"` // of its records in the archive
}

// journalEnd is added to the name of an archive for that of its journal.
const journalEnd = ".unfinished"

func localError(err error, what string) error {
	if err == nil {
		return nil
	}
	return &protocols.Error{Kind: protocols.KindLocal, Text: what, Err: err}
}

// OpenArchive opens or makes an archive. software names this program in it.
func OpenArchive(path, software string) (*Archive, error) {
	a := &Archive{path: path, done: map[string]*stored{}, moved: map[string]string{}}
	err := a.open()
	if err == nil && a.at == 0 || err == nil && len(a.done) == 0 {
		err = a.info(software)
	}
	if err != nil {
		a.close()
		return nil, localError(err, path)
	}
	return a, nil
}

// open reads the journal, and cuts off a record that is not whole.
func (a *Archive) open() (err error) {
	if a.f, err = os.OpenFile(a.path, os.O_RDWR|os.O_CREATE, 0o666); err != nil {
		return err
	}
	var magic [2]byte
	if n, _ := a.f.ReadAt(magic[:], 0); n > 0 && magic != [2]byte{0x1f, 0x8b} {
		return errors.New("the file is there and is not a compressed WARC file")
	}
	if a.at, err = a.f.Seek(0, io.SeekEnd); err != nil {
		return err
	}
	unfinished, err := a.read()
	if err != nil {
		return err
	}
	if unfinished {
		if err := a.rewind(); err != nil {
			return err
		}
	}
	a.journal, err = os.OpenFile(a.path+journalEnd, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o666)
	return err
}

// read reads the journal of an interrupted run, where there is one.
func (a *Archive) read() (unfinished bool, err error) {
	in, err := os.Open(a.path + journalEnd)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer in.Close()
	size, end := a.at, int64(0)
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		s := &stored{}
		if json.Unmarshal(lines.Bytes(), s) == nil && s.End <= size {
			end = max(end, s.End)
			if s.URL != "" {
				a.done[s.URL] = s
			}
		}
	}
	if end > 0 {
		a.at = end
	}
	return end > 0, lines.Err()
}

// rewind cuts off what follows the last whole record.
func (a *Archive) rewind() error {
	err := a.f.Truncate(a.at)
	if err == nil {
		_, err = a.f.Seek(a.at, io.SeekStart)
	}
	return err
}

// Known returns what an interrupted run has stored.
func (a *Archive) Known(u string) *Known {
	s := a.done[u]
	if s == nil {
		return nil
	}
	return &Known{Links: s.Links, Place: a.path, Done: true, Moved: s.Moved}
}

// Moved notes where a URL leads.
func (a *Archive) Moved(from, to string) { a.moved[from] = to }

// Store adds the records of an answer, whatever its status.
func (a *Archive) Store(ctx context.Context, d *Document) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	u := normal(d.URL)
	err := a.exchange(d, u)
	if err != nil {
		return "", localError(errors.Join(err, a.rewind()), a.path)
	}
	moved := ""
	if at, err := d.URL.Parse(d.Header.Get("Location")); err == nil && d.Status/100 == 3 && d.Header.Get("Location") != "" {
		at.User, at.Fragment = nil, ""
		moved = normal(at)
	}
	return a.path, localError(a.note(&stored{URL: u, Links: d.Links, Moved: moved, End: a.at}), a.path)
}

func (a *Archive) note(s *stored) error {
	b, err := json.Marshal(s)
	if err == nil {
		_, err = a.journal.Write(append(b, '\n'))
	}
	return err
}

// End closes the archive. The journal stays where the work is not done.
func (a *Archive) End(_ context.Context, why error) error {
	err := localError(errors.Join(a.f.Sync(), a.close()), a.path)
	if err == nil && (why == nil || protocols.KindOf(why) == protocols.KindPartial) {
		err = localError(os.Remove(a.path+journalEnd), a.path)
	}
	return err
}

func (a *Archive) close() (err error) {
	for _, f := range []*os.File{a.f, a.journal} {
		if f != nil {
			err = errors.Join(err, f.Close())
		}
	}
	return err
}

// info is the record that begins a run.
func (a *Archive) info(software string) error {
	text := []byte("software: " + software + "\r\nformat: WARC File Format 1.1\r\nconformsTo: http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/\r\n")
	err := a.record(fields{"WARC-Type": "warcinfo", "WARC-Record-ID": recordID(), "WARC-Date": date(time.Now()), "Content-Type": "application/warc-fields"}, text, nil, 0)
	if err != nil {
		return err
	}
	return a.note(&stored{End: a.at})
}

// exchange adds an answer and the request for it.
func (a *Archive) exchange(d *Document, u string) error {
	head, answer := d.head(), recordID()
	payload, block := sha1.New(), sha1.New()
	block.Write(head)
	if _, err := io.Copy(io.MultiWriter(payload, block), d.Body); err != nil {
		return err
	}
	if _, err := d.Body.Seek(0, io.SeekStart); err != nil {
		return err
	}
	before := a.at
	err := a.record(fields{
		"WARC-Type": "response", "WARC-Record-ID": answer, "WARC-Date": date(d.Time), "WARC-Target-URI": u, "Content-Type": "application/http;msgtype=response",
		"WARC-Payload-Digest": digest(payload), "WARC-Block-Digest": digest(block),
	}, head, d.Body, d.Size)
	if err == nil {
		asked := d.asked()
		block.Reset()
		block.Write(asked)
		err = a.record(fields{
			"WARC-Type": "request", "WARC-Record-ID": recordID(), "WARC-Date": date(d.Time), "WARC-Target-URI": u, "Content-Type": "application/http;msgtype=request",
			"WARC-Concurrent-To": answer, "WARC-Block-Digest": digest(block),
		}, asked, nil, 0)
	}
	if err != nil {
		a.at = before
	}
	return err
}

// fields are those of a record.
type fields map[string]string

// record adds one record: a head, and what follows it.
func (a *Archive) record(f fields, head []byte, body io.Reader, size int64) error {
	count := &counted{w: a.f}
	buf := bufio.NewWriterSize(count, 64<<10)
	z := gzip.NewWriter(buf)
	fmt.Fprintf(z, "WARC/1.1\r\n")
	for _, name := range slices.Sorted(maps.Keys(f)) {
		fmt.Fprintf(z, "%s: %s\r\n", name, f[name])
	}
	fmt.Fprintf(z, "Content-Length: %d\r\n\r\n", int64(len(head))+size)
	_, err := z.Write(head)
	if err == nil && body != nil {
		_, err = io.CopyN(z, body, size)
	}
	if err == nil {
		_, err = io.WriteString(z, "\r\n\r\n")
	}
	if err = errors.Join(err, z.Close(), buf.Flush()); err == nil {
		a.at += count.n
	}
	return err
}

type counted struct {
	w io.Writer
	n int64
}

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

func date(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

func digest(h hash.Hash) string { return "sha1:" + base32.StdEncoding.EncodeToString(h.Sum(nil)) }

// recordID is a random UUID (RFC 9562 5.4).
func recordID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("<urn:uuid:%x-%x-%x-%x-%x>", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// head is the head of the answer. The content is stored without the coding of its way.
func (d *Document) head() []byte {
	var b bytes.Buffer
	proto := d.Proto
	if !strings.HasPrefix(proto, "HTTP/1.") {
		proto = "HTTP/1.1"
	}
	reason := d.Reason
	if reason == "" {
		reason = nethttp.StatusText(d.Status)
	}
	fmt.Fprintf(&b, "%s %d %s\r\n", proto, d.Status, reason)
	h := d.Header.Clone()
	h.Del("Transfer-Encoding")
	_ = h.Write(&b) // a buffer takes all
	b.WriteString("\r\n")
	return b.Bytes()
}

// asked is the request, without a login.
func (d *Document) asked() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: netclients\r\nAccept: */*\r\n", d.URL.RequestURI(), d.URL.Host)
	h := d.Request.Clone()
	for _, secret := range []string{"Authorization", "Cookie", "Proxy-Authorization"} {
		h.Del(secret)
	}
	_ = h.Write(&b) // a buffer takes all
	b.WriteString("\r\n")
	return b.Bytes()
}
