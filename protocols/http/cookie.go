package http

import (
	"time"

	"github.com/netclients/netclients/internal/transport"
	"github.com/netclients/netclients/protocols/http/cookies"
)

// Cookie is one cookie of a [Jar].
type Cookie = cookies.Cookie

// Jar keeps cookies as RFC 6265 and its successor say. Many clients may share one.
type Jar = cookies.Jar

// LWPHead is the first line of a file of cookies in the format of libwww-perl.
const LWPHead = cookies.LWPHead

// NewJar makes an empty jar.
func NewJar() *Jar { return cookies.NewJar() }

// AddCookie puts cookies of the user's own, "a=b; c=d", into a jar, for the
// client's own host only.
func (c *Client) AddCookie(j *Jar, line string) error {
	return j.Add(transport.HostOf(c.url), line, time.Now())
}
