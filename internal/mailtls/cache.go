package mailtls

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
)

// Cache keeps the policies of domains, each in a file of a folder: what a domain has asked
// for holds for the policy's max_age, also when somebody hides the domain's records later.
type Cache struct{ dir string }

// NewCache returns the cache in a folder, which is made when something is kept. An empty
// name is a cache that keeps nothing.
func NewCache(dir string) *Cache { return &Cache{dir} }

// maxKept bounds the file of a policy, which holds the names of its hosts.
const maxKept = 1 << 20

func (c *Cache) path(domain string) string { return filepath.Join(c.dir, domain+".json") }

// get returns the policy of a domain, or nil. One that is over is none; nor is a file
// that cannot be read, which a new policy replaces.
func (c *Cache) get(domain string, now time.Time) *Policy {
	if c.dir == "" {
		return nil
	}
	f, err := os.Open(c.path(domain))
	if err != nil {
		return nil
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxKept))
	p := &Policy{}
	if err != nil || json.Unmarshal(b, p) != nil || !now.Before(p.Until) || p.Until.After(now.Add(longest)) {
		return nil
	}
	return p
}

// put keeps a policy.
func (c *Cache) put(ctx context.Context, domain string, p *Policy) error {
	if c.dir == "" {
		return nil
	}
	b, err := json.Marshal(p)
	if err == nil {
		err = os.MkdirAll(c.dir, 0o700)
	}
	if err == nil {
		err = file.Replace(ctx, c.path(domain), append(b, '\n'), 0o600)
	}
	if err == nil || errors.Is(err, fs.ErrExist) {
		return nil
	}
	return &protocols.Error{Kind: protocols.KindLocal, Text: "keeping the MTA-STS policy of " + domain, Err: err}
}
