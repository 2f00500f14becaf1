//go:build !linux

package socket

import "errors"

// rawLevels: the names are not known here.
var rawLevels = map[string]rawLevel{}

var reusePort = RawOption{}

func setRaw(uintptr, RawOption) error { return errors.ErrUnsupported }
