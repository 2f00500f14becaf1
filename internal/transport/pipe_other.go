//go:build !linux

package transport

import "os"

// pipeFile returns nil: this system has no splice.
func pipeFile(any) *os.File { return nil }

func (c copier) fromPipe(f *os.File) (int64, error) { return c.bufferFrom(f) }

func (c copier) toPipe(*os.File, int64) (int64, bool, error) { return 0, false, nil }
