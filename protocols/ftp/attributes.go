package ftp

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/netclients/netclients/protocols"
)

// attributeSteps set time and mode of a file, as far as the server lets us; e is
// corrected where it does not.
func (s uploader) attributeSteps(path string, o *protocols.PutOptions, e *protocols.Entry) []step {
	var steps []step
	if !o.Modified.IsZero() {
		e.Modified = o.Modified
		steps = append(steps, s.timeStep(path, o.Modified, func(ok bool) {
			if !ok {
				e.Modified = time.Time{}
			}
		})...)
	}
	if o.HasMode {
		e.Mode, e.HasMode = o.Mode, true
		mode := strings.TrimPrefix(protocols.OctalMode(o.Mode), "0")
		steps = append(steps, step{verb: "SITE", args: []string{"CHMOD", mode, path}, then: func(r *protocols.Reply) error {
			e.HasMode = r.Code/100 == 2
			return nil
		}})
	}
	return steps
}

// timeStep sets a modification time with what the server has: MFMT, or MDTM with
// a time in front of the name, as vsftpd, or SITE UTIME.
func (s *session) timeStep(path string, t time.Time, done func(ok bool)) []step {
	when := t.UTC().Format("20060102150405")
	then := func(r *protocols.Reply) error {
		ok := r.Code/100 == 2
		s.noTimes = s.noTimes || r.Code >= 500 && r.Code <= 504
		done(ok)
		return nil
	}
	switch {
	case s.noTimes:
		done(false)
		return nil
	case s.has("MFMT"):
		return []step{{verb: "MFMT", args: []string{when, path}, then: then}}
	case s.has("MDTM"):
		return []step{{verb: "MDTM", args: []string{when, path}, then: then}}
	}
	return []step{{verb: "SITE", args: []string{"UTIME", when, path}, then: then}}
}

// SetTime sets the modification time of a file, to the second.
func (c *Client) SetTime(ctx context.Context, name string, t time.Time) error {
	return c.line.Do(ctx, "touch", name, []string{name}, func(ctx context.Context, s *session) error {
		path, err := s.path(ctx, name)
		if err != nil {
			return err
		}
		ok := false
		steps := s.timeStep(path, t, func(done bool) { ok = done })
		if err := s.fly(ctx, steps, nil); err != nil {
			return err
		}
		if !ok {
			return &protocols.Error{Kind: protocols.KindRefused, Sentinel: errors.ErrUnsupported, Text: "the server does not set times"}
		}
		return nil
	})
}

// Chmod sets the permission bits of a file or folder (SITE CHMOD). mode is octal,
// such as "644", or what else the server takes.
func (c *Client) Chmod(ctx context.Context, name, mode string) error {
	if n, err := strconv.ParseUint(mode, 8, 16); err != nil || n > 0o7777 {
		return protocols.UsageError(proto, "chmod", "mode "+strconv.Quote(mode)+" is not octal, such as 644")
	}
	return c.line.Do(ctx, "chmod", name, []string{name}, func(ctx context.Context, s *session) error {
		path, err := s.path(ctx, name)
		if err != nil {
			return err
		}
		_, err = s.need(2, "SITE", "CHMOD", mode, path)
		return err
	})
}
