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
	ID     string // message-id with its angle brackets; one that is not usable is missing
	Number int    // of the part, from 1
	Bytes  int64  // of the article, according to the NZB
}

// The limits of an NZB.
const (
	mostFiles    = 100_000
	mostSegments = 2_000_000
	mostWords    = 16 << 10 // bytes of one text of it
	mostDepth    = 100      // of files inside of files
)

// ParseNZB reads an NZB as a stream. Files without segments are left out; a file inside
// of another one is a file of its own. Invalid input, and an NZB without any usable
// segment, are errors of kind Protocol.
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
	switch {
	case !p.seen:
		return nil, nzbError(fmt.Errorf("no nzb element"))
	case p.segments > 0 && p.usable == 0:
		return nil, nzbError(fmt.Errorf("no segment has a message-id, such as %q", wire.Clip(p.unusable)))
	}
	return p.files, nil
}

func nzbError(err error) error {
	return &protocols.Error{Proto: proto, Op: "nzb", Kind: protocols.KindProtocol, Text: "not a usable NZB file", Err: err}
}

type nzbParser struct {
	xml      *xml.Decoder
	files    []NZBFile
	open     []*NZBFile // the elements around, the innermost last
	segment  *NZBSegment
	text     []byte
	seen     bool
	segments int
	usable   int    // segments
	unusable string // text of a segment that is not a message-id
}

func (p *nzbParser) token(token xml.Token) error {
	switch t := token.(type) {
	case xml.StartElement:
		return p.start(t)
	case xml.EndElement:
		return p.end(t.Name.Local)
	case xml.CharData:
		if len(p.open) > 0 && len(p.text)+len(t) <= mostWords {
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
		if len(p.open) == mostDepth {
			return fmt.Errorf("files nested more than %d deep", mostDepth)
		}
		p.open = append(p.open, &NZBFile{Subject: attr("subject"), Poster: attr("poster")})
	case "segment":
		n, _ := parseNumber(attr("number"))
		size, _ := parseNumber(attr("bytes"))
		p.segment = &NZBSegment{Number: int(min(n, mostSegments)), Bytes: size}
	}
	return nil
}

func (p *nzbParser) end(name string) error {
	if len(p.open) == 0 {
		return nil
	}
	text := strings.TrimSpace(string(p.text))
	file := p.open[len(p.open)-1]
	switch {
	case name == "group" && len(file.Groups) < 100:
		file.Groups = append(file.Groups, text)
	case name == "segment" && p.segment != nil:
		return p.endSegment(file, text)
	case name == "file":
		p.open = p.open[:len(p.open)-1]
		slices.SortStableFunc(file.Segments, func(a, b NZBSegment) int { return a.Number - b.Number })
		if len(file.Segments) > 0 {
			p.files = append(p.files, *file)
		}
	}
	return nil
}

// endSegment adds a segment. One without a usable message-id is a part that is missing.
func (p *nzbParser) endSegment(file *NZBFile, text string) error {
	if p.segments++; p.segments > mostSegments {
		return fmt.Errorf("more than %d segments", mostSegments)
	}
	p.segment.ID = "<" + strings.Trim(text, "<>") + ">"
	if checkID(p.segment.ID) != nil || wire.Check(text) != nil {
		p.unusable, p.segment.ID = text, wire.Clip(text)
	} else {
		p.usable++
	}
	file.Segments = append(file.Segments, *p.segment)
	p.segment = nil
	return nil
}

// usable reports whether a segment has a message-id.
func (s *NZBSegment) usable() bool { return checkID(s.ID) == nil && wire.Check(s.ID) == nil }

// Name returns the file's name by the subject, or an empty string. It is not a safe
// file name.
func (f *NZBFile) Name() string { return SubjectName(f.Subject) }
