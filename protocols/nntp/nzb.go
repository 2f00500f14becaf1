package nntp

import (
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// NZBFile is one file of an NZB: the articles that hold its parts.
type NZBFile struct {
	Subject  string
	Poster   string
	Groups   []string
	Segments []NZBSegment // by number
}

// NZBSegment is one article of a file.
type NZBSegment struct {
	ID     string // message-id with its angle brackets
	Number int    // of the part, from 1
	Bytes  int64  // of the article, according to the NZB
}

// The limits of an NZB.
const (
	mostFiles    = 100_000
	mostSegments = 2_000_000
	mostWords    = 16 << 10 // bytes of one text of it
)

// ParseNZB reads an NZB as a stream. Files without segments are left out.
// Invalid input is an error of kind Protocol.
func ParseNZB(r io.Reader) ([]NZBFile, error) {
	p := &nzbParser{xml: xml.NewDecoder(r)}
	p.xml.Strict = false
	p.xml.CharsetReader = charsetReader
	for {
		token, err := p.xml.Token()
		if err == io.EOF {
			break
		}
		if err == nil {
			err = p.token(token)
		}
		if err != nil {
			return nil, nzbError(err)
		}
	}
	if !p.seen {
		return nil, nzbError(fmt.Errorf("no nzb element"))
	}
	return p.files, nil
}

func nzbError(err error) error {
	return &protocols.Error{Proto: proto, Op: "nzb", Kind: protocols.KindProtocol, Text: "not a usable NZB file", Err: err}
}

type nzbParser struct {
	xml      *xml.Decoder
	files    []NZBFile
	file     *NZBFile
	segment  *NZBSegment
	text     []byte
	seen     bool
	segments int
}

func (p *nzbParser) token(token xml.Token) error {
	switch t := token.(type) {
	case xml.StartElement:
		return p.start(t)
	case xml.EndElement:
		return p.end(t.Name.Local)
	case xml.CharData:
		if p.file != nil && len(p.text)+len(t) <= mostWords {
			p.text = append(p.text, t...)
		}
	}
	return nil
}

func (p *nzbParser) start(t xml.StartElement) error {
	p.text = p.text[:0]
	attr := func(name string) string {
		for _, a := range t.Attr {
			if a.Name.Local == name {
				return a.Value
			}
		}
		return ""
	}
	switch t.Name.Local {
	case "nzb":
		p.seen = true
	case "file":
		if len(p.files) == mostFiles {
			return fmt.Errorf("more than %d files", mostFiles)
		}
		p.file = &NZBFile{Subject: attr("subject"), Poster: attr("poster")}
	case "segment":
		n, _ := parseNumber(attr("number"))
		size, _ := parseNumber(attr("bytes"))
		p.segment = &NZBSegment{Number: int(min(n, mostSegments)), Bytes: size}
	}
	return nil
}

func (p *nzbParser) end(name string) error {
	text := strings.TrimSpace(string(p.text))
	switch {
	case p.file == nil:
	case name == "group" && len(p.file.Groups) < 100:
		p.file.Groups = append(p.file.Groups, text)
	case name == "segment" && p.segment != nil:
		if p.segments++; p.segments > mostSegments {
			return fmt.Errorf("more than %d segments", mostSegments)
		}
		p.segment.ID = "<" + strings.Trim(text, "<>") + ">"
		if err := checkID(p.segment.ID); err != nil || strings.ContainsAny(text, "\r\n\x00") {
			return fmt.Errorf("bad message-id %q", wire.Clip(text))
		}
		p.file.Segments = append(p.file.Segments, *p.segment)
		p.segment = nil
	case name == "file":
		slices.SortStableFunc(p.file.Segments, func(a, b NZBSegment) int { return a.Number - b.Number })
		if len(p.file.Segments) > 0 {
			p.files = append(p.files, *p.file)
		}
		p.file = nil
	}
	return nil
}

// Name returns the file's name, quoted in the subject, or an empty string. It is not
// a safe file name.
func (f *NZBFile) Name() string {
	_, rest, ok := strings.Cut(f.Subject, `"`)
	name, _, closed := strings.Cut(rest, `"`)
	if !ok || !closed {
		return ""
	}
	return name
}
