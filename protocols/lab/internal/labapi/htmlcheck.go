package labapi

import (
	_ "embed" // of the table
	"net/http"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

//go:embed support.tsv
var supportText string

// program is a mail program of the table.
type program struct{ family, platform, familyName, platformName string }

// feature is a row of the table: something that HTML can have, and who shows it.
type feature struct {
	slug, title string
	match       []string // any of which is the feature, see usage
	codes       string   // a letter for each program
}

// support reads the table.
func support() (programs []program, features []feature) {
	for line := range strings.Lines(supportText) {
		f := strings.Split(strings.TrimRight(line, "\n"), "\t")
		switch {
		case strings.HasPrefix(line, "#"):
		case f[0] == "client":
			programs = append(programs, program{f[1], f[2], f[3], f[4]})
		default:
			features = append(features, feature{f[0], f[1], strings.Split(f[2], "|"), f[3]})
		}
	}
	return programs, features
}

// htmlScore is what of the programs shows a feature, in percent.
type htmlScore struct {
	Found                           int
	Supported, Partial, Unsupported float32
}

// htmlResult is what one program does with a feature.
type htmlResult struct{ Name, Platform, Family, Version, Support, NoteNumber string }

// htmlWarning is a feature of a message that not all programs show, as Mailpit has it.
type htmlWarning struct {
	Slug, Title, Description, URL, Category string
	Tags                                    []string
	Keywords                                string
	Results                                 []htmlResult
	NotesByNumber                           map[string]string
	Score                                   htmlScore
}

// htmlReport is the answer of the check, as Mailpit has it.
type htmlReport struct {
	Warnings  []htmlWarning
	Platforms map[string][]string
	Total     struct {
		Tests, Nodes                    int
		Supported, Partial, Unsupported float32
	}
}

// htmlCheck is GET /api/v1/message/{id}/html-check.
func (a checks) htmlCheck(w http.ResponseWriter, r *http.Request) error {
	l, err := a.letter(r)
	if err != nil {
		return err
	}
	o, err := a.open(l.ID)
	if err != nil {
		return err
	}
	if o.html == "" {
		return status{http.StatusBadRequest, "the message has no HTML"}
	}
	return writeJSON(w, checkHTML(o.html))
}

// checkHTML finds what of a page not all mail programs show.
func checkHTML(page string) htmlReport {
	programs, features := support()
	used := usageOf(page)
	report := htmlReport{Warnings: []htmlWarning{}, Platforms: map[string][]string{}}
	report.Total.Tests, report.Total.Nodes = len(features), used.nodes
	for _, p := range programs {
		if !slices.Contains(report.Platforms[p.platform], p.familyName) {
			report.Platforms[p.platform] = append(report.Platforms[p.platform], p.familyName)
		}
	}
	for _, f := range features {
		found := 0
		for _, m := range f.match {
			found += used.count(f.slug, m)
		}
		if x := f.warning(programs, found); found > 0 && x.Score.Supported < 100 {
			report.Warnings = append(report.Warnings, x)
		}
	}
	report.total()
	return report
}

// weight returns a share of a score, by how much of the page has the feature.
func (x *htmlWarning) weight(share float32, nodes int) float32 {
	return min(share*float32(x.Score.Found)/float32(max(nodes, 1)), share)
}

// total sums up the warnings, of which the heaviest counts, and puts the heavy ones first.
func (r *htmlReport) total() {
	t := &r.Total
	for _, x := range r.Warnings {
		t.Partial = max(t.Partial, x.weight(x.Score.Partial, t.Nodes))
		t.Unsupported = max(t.Unsupported, x.weight(x.Score.Unsupported, t.Nodes))
	}
	t.Partial = min(t.Partial, 100-t.Unsupported)
	t.Supported = 100 - t.Partial - t.Unsupported
	slices.SortStableFunc(r.Warnings, func(a, b htmlWarning) int {
		of := func(x htmlWarning) float32 { return x.weight(100-x.Score.Supported, t.Nodes) }
		return int(100 * (of(b) - of(a)))
	})
}

// warning describes a feature.
func (f *feature) warning(programs []program, found int) htmlWarning {
	category, _, _ := strings.Cut(f.slug, "-")
	x := htmlWarning{
		Slug: f.slug, Title: f.title, URL: "https://www.caniemail.com/features/" + f.slug + "/", Category: category,
		Tags: []string{}, Results: []htmlResult{}, NotesByNumber: map[string]string{},
	}
	count := map[byte]float32{}
	for i, p := range programs {
		code := f.codes[i]
		word := map[byte]string{'y': "yes", 'a': "partial", 'n': "no"}[code]
		if word == "" {
			continue // unknown
		}
		count[code]++
		x.Results = append(x.Results, htmlResult{Name: p.familyName + " " + p.platformName, Platform: p.platform, Family: p.family, Support: word})
	}
	share := func(code byte) float32 { return 100 * count[code] / float32(max(len(x.Results), 1)) }
	x.Score = htmlScore{found, share('y'), share('a'), share('n')}
	return x
}

// usage is what a page uses.
type usage struct {
	nodes        int
	tags         map[string]int
	attributes   map[string]int      // by name
	values       map[string][]string // by "tag name", in lower case
	declarations [][2]string         // properties of CSS with their values
	preludes     []string            // selectors and at-rules
}

// usageOf reads a page.
func usageOf(page string) *usage {
	u := &usage{tags: map[string]int{}, attributes: map[string]int{}, values: map[string][]string{}}
	style := false
	for z := html.NewTokenizer(strings.NewReader(page)); ; {
		switch kind := z.Next(); kind {
		case html.ErrorToken:
			return u
		case html.TextToken:
			if style {
				u.sheet(string(z.Text()))
			}
		case html.StartTagToken, html.SelfClosingTagToken, html.EndTagToken:
			t := z.Token()
			style = t.Data == "style" && kind == html.StartTagToken
			if kind != html.EndTagToken {
				u.element(t)
			}
		}
	}
}

// element notes an element.
func (u *usage) element(t html.Token) {
	if !slices.Contains([]string{"html", "head", "meta", "title", "body"}, t.Data) {
		u.nodes++
	}
	u.tags[t.Data]++
	for _, a := range t.Attr {
		u.attributes[a.Key]++
		at := t.Data + " " + a.Key
		u.values[at] = append(u.values[at], strings.ToLower(strings.TrimSpace(a.Val)))
		if a.Key == "style" {
			u.declare(a.Val)
		}
	}
}

// sheet notes what stands in a style sheet.
func (u *usage) sheet(css string) {
	for {
		before, after, found := strings.Cut(css, "/*")
		if !found {
			break
		}
		_, rest, _ := strings.Cut(after, "*/")
		css = before + " " + rest
	}
	for css != "" {
		i := strings.IndexAny(css, "{};")
		if i < 0 {
			i = len(css)
		}
		text := strings.TrimSpace(css[:i])
		switch {
		case text == "":
		case i < len(css) && css[i] == '{', strings.HasPrefix(text, "@"):
			u.preludes = append(u.preludes, strings.ToLower(text))
		default:
			u.declare(text)
		}
		css = css[min(i+1, len(css)):]
	}
}

// declare notes declarations.
func (u *usage) declare(css string) {
	for d := range strings.SplitSeq(css, ";") {
		if property, value, ok := strings.Cut(d, ":"); ok {
			u.declarations = append(u.declarations, [2]string{strings.ToLower(strings.TrimSpace(property)), strings.ToLower(strings.TrimSpace(value))})
		}
	}
}

// count returns how often a page has what a row of the table matches. Of HTML: a tag;
// [attribute]; tag[attribute^beginning]. Of CSS: a property; property=value; =text within
// any value; #unit; @rule; :class or ::element of a selector.
func (u *usage) count(slug, match string) int {
	if strings.HasPrefix(slug, "html-") {
		return u.countHTML(match)
	}
	if match[0] == '@' || match[0] == ':' {
		n := 0
		for _, p := range u.preludes {
			n += occurrences(p, match)
		}
		return n
	}
	n := 0
	property, value, valued := strings.Cut(match, "=")
	for _, d := range u.declarations {
		switch {
		case match[0] == '#' && hasUnit(d[1], match[1:]),
			match[0] != '#' && (property == "" || property == d[0]) && (!valued || strings.Contains(d[1], value)):
			n++
		}
	}
	return n
}

func (u *usage) countHTML(match string) int {
	tag, attribute, has := strings.Cut(strings.TrimSuffix(match, "]"), "[")
	name, beginning, valued := strings.Cut(attribute, "^")
	switch {
	case !has:
		return u.tags[tag]
	case !valued:
		return u.attributes[name]
	}
	n := 0
	for _, v := range u.values[tag+" "+name] {
		if strings.HasPrefix(v, beginning) {
			n++
		}
	}
	return n
}

// occurrences counts a word in a selector or rule: nothing that goes on with it counts.
func occurrences(text, word string) int {
	n := 0
	for rest := text; ; n++ {
		_, after, found := strings.Cut(rest, word)
		for found && after != "" && isWord(after[0]) {
			_, after, found = strings.Cut(after, word)
		}
		if !found {
			return n
		}
		rest = after
	}
}

func isWord(c byte) bool { return c == '-' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' }

// hasUnit reports whether a value has a number with a unit.
func hasUnit(value, unit string) bool {
	for i := 0; ; {
		at := strings.Index(value[i:], unit)
		if at < 0 {
			return false
		}
		i += at + len(unit)
		before := i - len(unit) - 1
		if before >= 0 && (value[before] >= '0' && value[before] <= '9' || value[before] == '.') && (i == len(value) || !isWord(value[i])) {
			return true
		}
	}
}
