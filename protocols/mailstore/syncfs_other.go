//go:build !linux

package mailstore

import "errors"

// syncsAtOnce: every file is forced to the disk by itself.
func (m mailFolder) syncsAtOnce() bool { return false }

func (m mailFolder) syncDisk() error { return errors.ErrUnsupported }
