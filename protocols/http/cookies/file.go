package cookies

import (
	"bufio"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/netclients/netclients/internal/wire"
)

// netscapeHead is the first line of a file of cookies, which other programs look for.
const netscapeHead = "# Netscape HTTP Cookie File"

// httpOnly starts lines of cookies that scripts must not see.
const httpOnly = "#HttpOnly_"

// Load adds the cookies of a file in the Netscape format: a line for each, with
// domain, hosts below too, path, secure, expiry, name and value, tabs between; or
// in that of libwww-perl, as Python's LWPCookieJar writes it. A line that is
// neither, and no comment, is an error of kind Usage.
func (j *Jar) Load(r io.Reader, now time.Time) error {
	in := wire.NewLineReader(r, 3*maxCookieBytes)
	for n := 1; ; n++ {
		line, err := in.ReadLine()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		text := string(line)
		if strings.TrimSpace(text) == "" || strings.HasPrefix(text, "#") && !strings.HasPrefix(text, httpOnly) {
			continue
		}
		read := parseNetscape
		if strings.HasPrefix(text, lwpLine) {
			read = parseLWP
		}
		c, ok := read(text)
		if !ok {
			return usage("line %d of the cookie file is not a cookie in the format of Netscape or libwww-perl", n)
		}
		if c.Domain == "" { // such as ".": no host has it
			continue
		}
		c.Created = now
		j.Set(c, now)
	}
}

func parseNetscape(line string) (*Cookie, bool) {
	line, only := strings.CutPrefix(line, httpOnly)
	f := strings.Split(line, "\t")
	if len(f) == 6 { // an empty value, whose tab an editor took away
		f = append(f, "")
	}
	if len(f) != 7 || f[0] == "" || f[5] == "" {
		return nil, false
	}
	seconds, err := strconv.ParseInt(f[4], 10, 64)
	if err != nil || wire.Check(f...) != nil {
		return nil, false
	}
	c := &Cookie{
		Domain: normalDomain(f[0]), HostOnly: !strings.EqualFold(f[1], "TRUE"),
		Path: f[2], Secure: strings.EqualFold(f[3], "TRUE"), HTTPOnly: only, Name: f[5], Value: f[6],
	}
	if seconds > 0 {
		c.Expires = time.Unix(seconds, 0)
	}
	return c, strings.HasPrefix(c.Path, "/")
}

// Save writes the cookies in the Netscape format. Those of a session, which end
// with the program, are left out unless session says so.
func (j *Jar) Save(w io.Writer, session bool, now time.Time) error {
	head := netscapeHead + "\n# Written by netclients; lines are changed by the next run.\n\n"
	return j.save(w, head, session, now, (*Cookie).netscape)
}

// SaveLWP is Save in the format of libwww-perl.
func (j *Jar) SaveLWP(w io.Writer, session bool, now time.Time) error {
	return j.save(w, LWPHead+"\n", session, now, (*Cookie).lwp)
}

func (j *Jar) save(w io.Writer, head string, session bool, now time.Time, line func(*Cookie) string) error {
	b := bufio.NewWriter(w)
	b.WriteString(head)
	for _, c := range j.Cookies() {
		if c.Expires.IsZero() && !session || c.expired(now) || strings.ContainsAny(c.Name+c.Value+c.Path, "\t\r\n") {
			continue
		}
		if text := line(&c); text != "" {
			b.WriteString(text + "\n")
		}
	}
	return b.Flush()
}

func (c *Cookie) netscape() string {
	domain, prefix, expires := c.Domain, "", int64(0)
	if !c.HostOnly {
		domain = "." + domain
	}
	if c.HTTPOnly {
		prefix = httpOnly
	}
	if !c.Expires.IsZero() {
		expires = c.Expires.Unix()
	}
	yes := func(b bool) string { return strings.ToUpper(strconv.FormatBool(b)) }
	return prefix + strings.Join([]string{domain, yes(!c.HostOnly), c.Path, yes(c.Secure), strconv.FormatInt(expires, 10), c.Name, c.Value}, "\t")
}

// Add takes cookies of the user's own, "a=b; c=d", for one host only.
func (j *Jar) Add(host, line string, now time.Time) error {
	for part := range strings.SplitSeq(line, ";") {
		name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		if !ok || name == "" || wire.Check(name, value) != nil || len(name)+len(value) > maxCookieBytes {
			return usage("cookie %q is not NAME=VALUE", part)
		}
		j.Set(&Cookie{Name: name, Value: value, Domain: host, HostOnly: true, Path: "/", Created: now}, now)
	}
	return nil
}
