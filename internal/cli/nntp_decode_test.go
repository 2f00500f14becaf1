package cli

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols/lab/newslab"
)

// posted is an article of the test group: its subject and body. Lost ones are in the
// overview only.
type postedFile struct {
	subject, body string
	lost          bool
}

// yencPost is a file in one article. stated is the content that its checksum is of.
func yencPost(name, text, stated string) postedFile {
	return postedFile{subject: "s", body: fmt.Sprintf("=ybegin line=128 size=%d name=%s\n%s\n=yend size=%d crc32=%08x\n",
		len(text), name, yencoded(text), len(text), crc32.ChecksumIEEE([]byte(stated)))}
}

// yencPartPost is the second or first half of a file.
func yencPartPost(name, text string, part int, stated string) postedFile {
	half := len(text) / 2
	from, to := (part-1)*half, part*half
	return postedFile{subject: "s", body: fmt.Sprintf("=ybegin part=%d total=2 line=128 size=%d name=%s\n=ypart begin=%d end=%d\n%s\n=yend size=%d part=%d pcrc32=%08x\n",
		part, 2*half, name, from+1, to, yencoded(text[from:to]), half, part, crc32.ChecksumIEEE([]byte(stated[from:to])))}
}

func yencoded(text string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		b.WriteByte(c + 42)
	}
	return b.String()
}

// uuPost is a part of a uuencoded file: lines from one to the other, with begin and end.
func uuPost(subject, text string, from, to int) postedFile {
	var lines []string
	for rest := text; rest != ""; {
		n := min(45, len(rest))
		line := []byte{' ' + byte(n)}
		for g := rest[:n]; g != ""; g = g[min(3, len(g)):] {
			b := append([]byte(g[:min(3, len(g))]), 0, 0)
			for _, v := range []byte{b[0] >> 2, b[0]<<4 | b[1]>>4, b[1]<<2 | b[2]>>6, b[2]} {
				line = append(line, ' '+v&0x3f)
			}
		}
		lines = append(lines, strings.ReplaceAll(string(line), " ", "`"))
		rest = rest[n:]
	}
	body := ""
	if from == 0 {
		body = "begin 644 u.txt\n"
	}
	body += strings.Join(lines[from:min(to, len(lines))], "\n") + "\n"
	if to >= len(lines) {
		body += "`\nend\n"
	}
	return postedFile{subject: subject, body: body + "-- \nThe Author\n"}
}

// TestNewsDecode: what posts become as files. Nothing damaged or incomplete has a name,
// nothing is lost without a word.
func TestNewsDecode(t *testing.T) {
	a, b, c := strings.Repeat("first file ", 30), strings.Repeat("third fil3 ", 30), strings.Repeat("another one ", 40)
	x := a[:50] + "X" + a[51:]
	long := strings.Repeat("0123456789", 40)
	three := func(order ...int) (posts []postedFile) {
		for _, i := range order {
			posts = append(posts, uuPost(fmt.Sprintf("u.txt (%d/3)", i), long, 3*(i-1), 3*i))
		}
		return posts
	}
	unnumbered := func(order ...int) (posts []postedFile) {
		for _, i := range order {
			posts = append(posts, uuPost("u.txt", long, 3*(i-1), 3*i))
		}
		return posts
	}
	gone := func(p postedFile) postedFile { p.lost = true; return p }
	badHeader := yencPost("bad.bin", a, a)
	badHeader.body = strings.Replace(badHeader.body, "size=", "size=-", 1)
	nameless := yencPost("", a, a)
	nameless.subject = `[1/1] "from subject.txt" yEnc`
	noName := yencPost("", a, a)
	for name, k := range map[string]struct {
		posts []postedFile
		want  map[string]string
		code  int
		said  string
	}{
		"one name, one size":              {[]postedFile{yencPost("r.txt", a, a), yencPost("r.txt", b, b)}, map[string]string{"r.txt": a, "r (2).txt": b}, 0, ""},
		"one name, other size":            {[]postedFile{yencPost("r.txt", a, a), yencPost("r.txt", c, c)}, map[string]string{"r.txt": a, "r (2).txt": c}, 0, ""},
		"the same twice":                  {[]postedFile{yencPost("r.txt", a, a), yencPost("r.txt", a, a)}, map[string]string{"r.txt": a}, 0, ""},
		"one name, uuencoded":             {[]postedFile{uuPost("s", a, 0, 99), uuPost("s", b, 0, 99), uuPost("s", a, 0, 99)}, map[string]string{"u.txt": a, "u (2).txt": b}, 0, ""},
		"damaged, then good":              {[]postedFile{yencPost("r.txt", x, a), yencPost("r.txt", a, a)}, map[string]string{"r.txt": a}, 0, "damaged copy"},
		"good, then damaged":              {[]postedFile{yencPost("r.txt", a, a), yencPost("r.txt", x, a)}, map[string]string{"r.txt": a}, 0, "damaged copy"},
		"good, and another one damaged":   {[]postedFile{yencPost("r.txt", a, a), yencPost("r.txt", x, b)}, map[string]string{"r.txt": a}, 10, "checksum"},
		"parts":                           {[]postedFile{yencPartPost("p", a, 2, a), yencPartPost("p", a, 1, a)}, map[string]string{"p": a}, 0, ""},
		"a damaged part, again":           {[]postedFile{yencPartPost("p", x, 1, a), yencPartPost("p", a, 2, a), yencPartPost("p", a, 1, a), yencPartPost("p", a, 2, a)}, map[string]string{"p": a}, 0, ""},
		"two files in parts":              {[]postedFile{yencPartPost("p", a, 1, a), yencPartPost("p", b, 1, b), yencPartPost("p", a, 2, a), yencPartPost("p", b, 2, b)}, nil, -1, ""},
		"a part is gone":                  {[]postedFile{yencPartPost("p", a, 1, a), gone(yencPartPost("p", a, 2, a)), yencPost("r.txt", a, a)}, map[string]string{"r.txt": a}, 10, "bytes 165 to 329 are missing"},
		"a file is gone":                  {[]postedFile{yencPost("r.txt", a, a), gone(yencPost("q.txt", b, b))}, map[string]string{"r.txt": a}, 10, "expired"},
		"header damaged":                  {[]postedFile{yencPost("r.txt", a, a), badHeader}, map[string]string{"r.txt": a}, 10, "bad.bin"},
		"the name is in the subject":      {[]postedFile{nameless}, map[string]string{"from subject.txt": a}, 0, ""},
		"the name is the message-id":      {[]postedFile{noName}, map[string]string{"1@decode.invalid": a}, 0, ""},
		"uuencoded in parts":              {unnumbered(1, 2, 3), map[string]string{"u.txt": long}, 0, ""},
		"uuencoded, out of order":         {three(3, 1, 2), map[string]string{"u.txt": long}, 0, ""},
		"uuencoded, order unknown":        {unnumbered(2, 1, 3), nil, 9, "without the parts before it"},
		"uuencoded, a part gone":          {[]postedFile{three(1)[0], gone(three(2)[0]), three(3)[0]}, nil, 10, "without the part before it"},
		"uuencoded, a part gone, order":   {[]postedFile{unnumbered(1)[0], gone(unnumbered(2)[0]), unnumbered(3)[0]}, nil, 10, "may be a part of the file"},
		"uuencoded, the end is gone":      {unnumbered(1, 2), nil, 9, "the end of the file is missing"},
		"uuencoded files, mixed":          {append(three(1), append([]postedFile{uuPost("v", a, 0, 99)}, three(2, 3)...)...), map[string]string{"u.txt": long, "u (2).txt": a}, 0, ""},
		"text":                            {[]postedFile{{subject: "hello (2/3)", body: "Nothing here.\nend\n"}}, map[string]string{}, 0, "no article holds a file"},
		"a trailer without its beginning": {[]postedFile{{subject: "x.bin", body: "=yend size=3\n"}}, nil, 9, "x.bin"},
	} {
		files, words, code := decodePosts(t, k.posts)
		if k.code < 0 { // whichever way: each file is whole, or it is a failure
			if want := map[string]string{"p": a, "p (2)": b}; !maps.Equal(files, want) && code == 0 {
				t.Errorf("%s: exit code %d, %v", name, code, slices.Sorted(maps.Keys(files)))
			}
			continue
		}
		if k.want == nil {
			k.want = map[string]string{}
		}
		if code != k.code || !maps.Equal(files, k.want) || !strings.Contains(words, k.said) {
			t.Errorf("%s: exit code %d, want %d; files %v; %s", name, code, k.code, slices.Sorted(maps.Keys(files)), words)
		}
	}
}

// decodePosts decodes the articles of a group, and returns the files that have their
// final names.
func decodePosts(t *testing.T, posts []postedFile) (files map[string]string, words string, code int) {
	t.Helper()
	spool := newslab.NewSpool()
	spool.AddGroup("local.test", "", "y", time.Now())
	for i, p := range posts {
		id := fmt.Sprintf("<%d@decode.invalid>", i+1)
		_, err := spool.Add("Message-ID: "+id+"\nNewsgroups: local.test\nFrom: a@b.invalid\nSubject: "+p.subject+"\n\n"+p.body, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if p.lost {
			spool.Lose(id)
		}
	}
	s, err := newslab.Start(newslab.Options{News: spool})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	dir := t.TempDir()
	var out, told bytes.Buffer
	code = Main(t.Context(), []string{"nntp", "get", "--decode", s.URL() + fmt.Sprintf("local.test/1-%d", len(posts)+1), "-o", dir}, strings.NewReader(""), &out, &told)
	files = map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if text, err := os.ReadFile(filepath.Join(dir, e.Name())); err == nil && !strings.HasSuffix(e.Name(), ".ncpart") {
			files[e.Name()] = string(text)
		}
	}
	return files, told.String(), code
}
