package newslab

import (
	"fmt"
	"hash/crc32"
	"strings"
	"time"

	"github.com/netclients/netclients/protocols/lab/base"
)

// Sample is a spool with a few groups: local.test with some articles of every
// kind, local.binaries with a file in three yEnc parts and a uuencoded one,
// local.empty, and local.announce, where nobody may post.
func Sample() *Spool {
	n := NewSpool()
	made := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	n.AddGroup("local.announce", "Announcements, read only", "n", made)
	n.AddGroup("local.binaries", "Files, encoded", "y", made.AddDate(0, 1, 0))
	n.AddGroup("local.empty", "Nothing here", "y", made.AddDate(0, 2, 0))
	n.AddGroup("local.test", "A place to try things out", "y", made)
	for i, a := range sampleArticles() {
		n.Add(a, made.AddDate(0, 3, i))
	}
	for i, a := range YEncArticles("local.binaries", "pattern.bin", SampleBinary(), 20_000) {
		n.Add(a, made.AddDate(0, 4, i))
	}
	n.Add(newsText("uu1@lab.invalid", "local.binaries", "hello.txt (uuencoded)", made.AddDate(0, 4, 9),
		"begin 644 hello.txt\n-:&5L;&\\L('=O<FQD\"@``\n`\nend\n"), made.AddDate(0, 4, 9))
	return n
}

// SampleBinary is the content of pattern.bin of the sample: 50,000 bytes.
func SampleBinary() []byte {
	data := make([]byte, 50_000)
	base.Pattern(5)(data, 0)
	return data
}

func sampleArticles() []string {
	at := time.Date(2024, 4, 1, 12, 0, 0, 0, time.UTC)
	day := func(n int) time.Time { return at.AddDate(0, 0, n) }
	return []string{
		newsText("1@lab.invalid", "local.test", "First article", day(0), "Hello, news.\n"),
		newsText("2@lab.invalid", "local.test", "=?UTF-8?Q?Gr=C3=BC=C3=9Fe?= from afar", day(1), "Gr\u00fc\u00dfe.\n", "References: <1@lab.invalid>"),
		newsText("3@lab.invalid", "local.test", "Lines that begin with dots", day(2), ".\n..\n.one\ntwo.\n\n.\n"),
		newsText("4@lab.invalid", "local.test,local.announce", "In two groups", day(3), "Here and there.\n", "Followup-To: local.test"),
		newsText("5@lab.invalid", "local.test", "A longer one", day(4), strings.Repeat("All work and no play makes a dull client.\n", 2000)),
		newsText("6@lab.invalid", "local.test", "No body", day(5), ""),
	}
}

// newsText makes an article.
func newsText(id, groups, subject string, at time.Time, body string, more ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Path: lab.invalid!not-for-mail\nFrom: =?UTF-8?Q?Al=C3=AFce?= <alice@lab.invalid>\nNewsgroups: %s\nSubject: %s\nDate: %s\nMessage-ID: <%s>\n",
		groups, subject, at.Format(time.RFC1123Z), id)
	for _, line := range more {
		b.WriteString(line + "\n")
	}
	b.WriteString("MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n" + body)
	return b.String()
}

// YEncArticles encodes a file with yEnc into articles of partSize bytes each, for
// a group. Their message-ids are <NAME.PART@lab.invalid>.
func YEncArticles(group, name string, data []byte, partSize int) []string {
	parts := max(1, (len(data)+partSize-1)/partSize)
	at := time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)
	var articles []string
	for i := range parts {
		from, to := i*partSize, min((i+1)*partSize, len(data))
		body := yEncPart(name, data, from, to, i+1, parts)
		subject := fmt.Sprintf("%s yEnc (%d/%d)", name, i+1, parts)
		articles = append(articles, newsText(fmt.Sprintf("%s.%d@lab.invalid", name, i+1), group, subject, at.Add(time.Duration(i)*time.Minute), body))
	}
	return articles
}

func yEncPart(name string, data []byte, from, to, part, parts int) string {
	const width = 128
	var b strings.Builder
	piece := data[from:to]
	if parts > 1 {
		fmt.Fprintf(&b, "=ybegin part=%d total=%d line=%d size=%d name=%s\n=ypart begin=%d end=%d\n", part, parts, width, len(data), name, from+1, to)
	} else {
		fmt.Fprintf(&b, "=ybegin line=%d size=%d name=%s\n", width, len(data), name)
	}
	column := 0
	for _, c := range piece {
		c += 42
		if c == 0 || c == '\n' || c == '\r' || c == '=' || c == '.' && column == 0 {
			b.WriteByte('=')
			c += 64
			column++
		}
		b.WriteByte(c)
		if column++; column >= width {
			b.WriteByte('\n')
			column = 0
		}
	}
	if column > 0 {
		b.WriteByte('\n')
	}
	crc := crc32.ChecksumIEEE(piece)
	if parts > 1 {
		fmt.Fprintf(&b, "=yend size=%d part=%d pcrc32=%08x crc32=%08x\n", len(piece), part, crc, crc32.ChecksumIEEE(data))
	} else {
		fmt.Fprintf(&b, "=yend size=%d crc32=%08x\n", len(piece), crc)
	}
	return b.String()
}
