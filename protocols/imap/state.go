package imap

import (
	"net/url"
	"path/filepath"
	"strings"

	"github.com/netclients/netclients/protocols"
)

var _ protocols.StateKeeper = (*Client)(nil)

// StatePath gives the path of the local file in which a sync into a mailbox
// remembers what it has stored, in Settings.StateDir: a mailbox has no place for it.
func (c *Client) StatePath(text, source string) (string, error) {
	n, err := c.parse(text)
	if err == nil && c.Settings.StateDir == "" {
		err = protocols.UsageError(proto, "sync", "no folder is named for what a sync must remember")
	}
	if err != nil {
		return "", c.wrap(err, "sync", text)
	}
	host, port := protocols.HostPort(c.url, c.scheme)
	name := fileName(c.url.User.Username()+"@"+host+"_"+port) + "_" + fileName(n.mailbox) + "_" + source
	return filepath.Join(c.Settings.StateDir, name), nil
}

// mostFileName bounds a part of a file name: 255 bytes are what common file
// systems take for all of it.
const mostFileName = 90

// fileName makes a safe part of a file name of any text.
func fileName(s string) string {
	s = strings.ReplaceAll(url.PathEscape(s), ".", "%2E")
	return s[:min(len(s), mostFileName)]
}
