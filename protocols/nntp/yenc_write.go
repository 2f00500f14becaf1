package nntp

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// yencWidth is how many encoded bytes a line has, without what an escape adds.
const yencWidth = 128

// WriteYEnc encodes one part of a file, or a whole one (Part 0), with its lines of yEnc
// around; line ends are CRLF. p says which part it is; r has just its Length bytes. The CRC
// of the whole file goes with a part when HasFileCRC says so.
func WriteYEnc(w io.Writer, p *Piece, r io.Reader) error {
	if err := wire.Check(p.Name); err != nil || p.Name == "" {
		return protocols.UsageError(proto, "post", fmt.Sprintf("%q cannot be the name of an encoded file", p.Name))
	}
	content, err := io.ReadAll(io.LimitReader(r, p.Length+1))
	if err == nil && int64(len(content)) != p.Length {
		err = protocols.ProtocolError(proto, "post", fmt.Sprintf("%s: the part has %d bytes, not %d: has the file changed?", p.Name, len(content), p.Length))
	}
	if err != nil {
		return err
	}
	var b bytes.Buffer
	b.Grow(len(content) + len(content)/32 + 512)
	sum := crc32.ChecksumIEEE(content)
	if p.Part == 0 {
		fmt.Fprintf(&b, "=ybegin line=%d size=%d name=%s\r\n", yencWidth, p.Size, p.Name)
	} else {
		fmt.Fprintf(&b, "=ybegin part=%d total=%d line=%d size=%d name=%s\r\n", p.Part, p.Total, yencWidth, p.Size, p.Name)
		fmt.Fprintf(&b, "=ypart begin=%d end=%d\r\n", p.Offset+1, p.Offset+p.Length)
	}
	yencLines(&b, content)
	switch {
	case p.Part == 0:
		fmt.Fprintf(&b, "=yend size=%d crc32=%08x\r\n", p.Length, sum)
	case p.HasFileCRC:
		fmt.Fprintf(&b, "=yend size=%d part=%d pcrc32=%08x crc32=%08x\r\n", p.Length, p.Part, sum, p.FileCRC)
	default:
		fmt.Fprintf(&b, "=yend size=%d part=%d pcrc32=%08x\r\n", p.Length, p.Part, sum)
	}
	_, err = w.Write(b.Bytes())
	return err
}

// yencLines encodes the bytes. What has a meaning in articles is escaped: NUL, line ends
// and the escape itself everywhere, blanks at the ends of a line, a dot at its beginning.
func yencLines(b *bytes.Buffer, content []byte) {
	for line := range slices.Chunk(content, yencWidth) {
		for i, c := range line {
			c += yencShift
			edge := i == 0 || i == len(line)-1
			if c == 0 || c == '\n' || c == '\r' || c == '=' || edge && (c == ' ' || c == '\t') || i == 0 && c == '.' {
				b.WriteByte('=')
				c += yencEscape
			}
			b.WriteByte(c)
		}
		b.WriteString("\r\n")
	}
}

// nzbDocument is an NZB as it is written.
type nzbDocument struct {
	XMLName xml.Name     `xml:"nzb"`
	Space   string       `xml:"xmlns,attr"`
	Files   []nzbFileXML `xml:"file"`
}

type nzbFileXML struct {
	Poster   string          `xml:"poster,attr"`
	Date     int64           `xml:"date,attr"`
	Subject  string          `xml:"subject,attr"`
	Groups   []string        `xml:"groups>group"`
	Segments []nzbSegmentXML `xml:"segments>segment"`
}

type nzbSegmentXML struct {
	Bytes  int64  `xml:"bytes,attr"`
	Number int    `xml:"number,attr"`
	ID     string `xml:",chardata"`
}

// WriteNZB writes an NZB of files that were posted at a time. Message-ids are written
// without their angle brackets, as NZBs have them.
func WriteNZB(w io.Writer, files []NZBFile, posted time.Time) error {
	doc := nzbDocument{Space: "http://www.newzbin.com/DTD/2003/nzb"}
	for _, f := range files {
		x := nzbFileXML{Poster: f.Poster, Date: posted.Unix(), Subject: f.Subject, Groups: f.Groups}
		for _, s := range f.Segments {
			x.Segments = append(x.Segments, nzbSegmentXML{s.Bytes, s.Number, strings.Trim(s.ID, "<>")})
		}
		doc.Files = append(doc.Files, x)
	}
	if _, err := io.WriteString(w, xml.Header+"<!DOCTYPE nzb PUBLIC \"-//newzBin//DTD NZB 1.1//EN\" \"http://www.newzbin.com/DTD/nzb/nzb-1.1.dtd\">\n"); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(doc); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}
